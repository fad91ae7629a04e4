"""reels id: one ID a line, none twice, whatever happens to the processes in between."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest

import reelscli
from reelscli import CliTest

EPOCH_MS = 1735689600000
CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'


def time_ms(number):
    return (number >> 22) + EPOCH_MS


def from_text(text):
    value = 0
    for digit in text:
        value = value * 32 + CROCKFORD.index(digit)
    return value


class IdTest(CliTest):
    def ids(self, *words, **how):
        out, _ = self.reels('id', '--state', self.path('state'), *words, **how)
        return out.splitlines()

    def test_one_id_a_line(self):
        before = time.time() * 1000
        ids = self.ids()
        self.assertEqual(len(ids), 1)
        self.assertRegex(ids[0], r'\A[1-9][0-9]{0,18}\Z')
        self.assertLess(abs(time_ms(int(ids[0])) - before), 10000)

    def test_count_is_exact_ascending_and_without_repeats(self):
        for count in (1, 2, 4096, 4097, 100000):
            ids = [int(line) for line in self.ids('--count', str(count))]
            self.assertEqual(len(ids), count)
            self.assertEqual(ids, sorted(set(ids)))

    def test_region_and_node_are_in_the_id(self):
        for region, node in ((0, 0), (1, 2), (31, 31)):
            number = int(self.ids('--region', str(region), '--node', str(node))[0])
            self.assertEqual((number >> 17) & 31, region)
            self.assertEqual((number >> 12) & 31, node)

    def test_text_sorts_as_numbers_do(self):
        texts = self.ids('--text', '--count', '5000')
        self.assertEqual({len(text) for text in texts}, {13})
        self.assertEqual(texts, sorted(texts))
        numbers = [from_text(text) for text in texts]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(int(self.ids()[0]), numbers[-1])

    def test_json_is_one_object_of_strings(self):
        for words, form in (((), r'\A[0-9]+\Z'), (('--text',), r'\A[0-9A-Z]{13}\Z')):
            out, _ = self.reels('id', '--json', '--count', '5', '--state', self.path('state'), *words)
            data = json.loads(out)
            self.assertEqual(list(data), ['ids'])
            self.assertEqual(len(data['ids']), 5)
            for text in data['ids']:
                self.assertIsInstance(text, str)
                self.assertRegex(text, form)

    def test_runs_one_after_the_other_never_repeat(self):
        ids = [int(self.ids()[0]) for _ in range(50)]
        self.assertEqual(ids, sorted(set(ids)))
        # Many clean starts do not push time ahead.
        self.assertLess(time_ms(ids[-1]) - time.time() * 1000, 1000)

    def test_runs_at_the_same_time_take_turns(self):
        running = [reelscli.start('id', '--count', '3000', '--state', self.path('state'),
                                  stdout=subprocess.PIPE) for _ in range(8)]
        ids = []
        for process in running:
            out, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)
            ids += [int(line) for line in out.split()]
        self.assertEqual(len(ids), 8 * 3000)
        self.assertEqual(len(set(ids)), 8 * 3000)

    def test_killed_runs_never_repeat(self):
        ids = []
        for i in range(12):
            process = reelscli.start('id', '--count', '1000000000', '--state', self.path('state'),
                                     stdout=subprocess.PIPE)
            out = process.stdout.read(20000 + 30000 * i)
            process.send_signal(signal.SIGKILL)
            out += process.stdout.read()
            process.wait()
            process.stdout.close()
            # The last line may be cut.
            ids += [int(line) for line in out[:out.rindex(b'\n')].split()]
        ids += [int(line) for line in self.ids('--count', '1000')]
        self.assertGreater(len(ids), 10000)
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_held_state_file_is_waited_for_and_then_a_failure(self):
        self.ids()
        with open(self.path('state'), 'r+b') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            begin = time.monotonic()
            _, err = self.reels('id', '--state', self.path('state'), status=1)
            self.assertGreater(time.monotonic() - begin, 5)
            self.assertIn('in use', err)
        self.ids()

    def test_default_place_is_the_state_folder(self):
        home = self.path('home')
        os.mkdir(home)
        self.reels('id', '--region', '3', '--node', '4', env={'XDG_STATE_HOME': self.path('xdg', 'a')})
        self.assertTrue(os.path.isfile(self.path('xdg', 'a', 'reels', 'id-3-4.lease')))
        self.reels('id', env={'XDG_STATE_HOME': None, 'HOME': home})
        self.assertTrue(os.path.isfile(os.path.join(home, '.local/state/reels/id-0-0.lease')))
        # The specification: what is not absolute is ignored.
        self.reels('id', '--node', '1', env={'XDG_STATE_HOME': 'relative', 'HOME': home})
        self.assertTrue(os.path.isfile(os.path.join(home, '.local/state/reels/id-0-1.lease')))
        mode = os.stat(os.path.join(home, '.local/state/reels')).st_mode & 0o777
        self.assertEqual(mode, 0o700)
        self.reels('id', env={'XDG_STATE_HOME': None, 'HOME': None}, status=1)

    def test_bad_state_files_are_failures_and_stay_as_they_are(self):
        text = self.write('diary', b'dear diary\n' * 1000)
        _, err = self.reels('id', '--state', text, status=1)
        self.assertIn('no ID lease', err)
        with open(text, 'rb') as file:
            self.assertEqual(file.read(), b'dear diary\n' * 1000)
        os.mkfifo(self.path('fifo'))
        for path in (self.folder, self.path('fifo'), os.path.join(text, 'below'),
                     self.path('missing', 'state'), '/dev/null', 'x' * 5000):
            with self.subTest(path=path[:50]):
                self.reels('id', '--state', path, status=1)

    def test_bytes_in_the_states_name_stay_on_one_line(self):
        _, err = self.reels('id', '--state', self.path('no\nsuch', 'a\x1b[31mb'), status=1)
        self.assertEqual(err.count('\n'), 1)
        self.assertNotIn('\x1b', err)

    def test_a_full_or_closed_output_is_a_failure(self):
        state = self.path('state')
        with open('/dev/full', 'wb') as full:
            _, err = self.reels('id', '--state', state, status=1, stdout=full)
            self.assertIn('standard output', err)
        process = reelscli.start('id', '--count', '100000000', '--state', state,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(100)
        process.stdout.close()
        err = process.stderr.read().decode()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=60), 1)
        self.assertRegex(err, r'\Areels: standard output: [^\n]+\n\Z')


if __name__ == '__main__':
    unittest.main()
