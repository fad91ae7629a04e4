"""Prints what an ID costs through the binding, a JSON line for each batch size.

A node mints 4,096 IDs in a millisecond, which is 244 ns an ID for whoever asks without a pause; a
call that finds the millisecond used up sleeps. So a layout with a longer sequence is measured: what
remains is the cost of the call and of minting. Run it with the package on PYTHONPATH.
"""

import array
import json
import time

import reels

ROUNDS = 7
CALLS = {1: 20000, 64: 4000, 1024: 1000, 65536: 16}


def measure(ids, batch):
    """Nanoseconds an ID, the best of some rounds."""
    room = array.array('Q', bytes(8 * batch))
    spent = []
    for _ in range(ROUNDS):
        started = time.perf_counter_ns()
        for _ in range(CALLS[batch]):
            ids.next_many(room)
        spent.append((time.perf_counter_ns() - started) / (CALLS[batch] * batch))
    return min(spent)


def report(metric, value):
    print(json.dumps({'bench': 'python-next-many', 'metric': metric, 'value': round(value, 2), 'unit': 'ns'}))


def main():
    layout = reels.IdLayout(time_bits=37, node_bits=4, sequence_bits=22, epoch_unix_us=1735689600000000)
    with reels.Context() as context:
        with reels.IdGenerator(context, layout=layout) as ids:
            for batch in CALLS:
                report(f'per ID, {batch} a call', measure(ids, batch))
        with reels.IdGenerator(context) as ids:
            report('per ID, 65536 a call, default layout: the bound is 244', measure(ids, 65536))


if __name__ == '__main__':
    main()
