"""IDs: minted into the caller's memory, as text, taken apart, refused."""

import array
import threading

import reels
from support import Case


class Ids(Case):
    def setUp(self):
        super().setUp()
        self.ids = reels.IdGenerator(self.context, region=3, node=7)
        self.addCleanup(self.ids.close)

    def test_next_ascends_and_says_where_and_when(self):
        before = self.context.now_unix_us()
        first, second = self.ids.next(), self.ids.next()
        self.assertLess(first, second)
        parts = reels.id_parts(first)
        self.assertEqual((parts.region, parts.node), (3, 7))
        self.assertLess(abs(parts.time_unix_us - before), 5_000_000)
        self.assertEqual(self.ids.node, 7)

    def test_next_many_fills_the_callers_memory(self):
        for room in (bytearray(8 * 1000), array.array('Q', bytes(8 * 1000)), memoryview(bytearray(8000))):
            self.assertIs(self.ids.next_many(room), room)
            minted = list(memoryview(room).cast('B').cast('Q'))
            self.assertEqual(minted, sorted(set(minted)))
            self.assertEqual(len(minted), 1000)
            self.assertNotIn(0, minted)

    def test_next_many_fills_numpy_arrays(self):
        try:
            import numpy
        except ImportError:
            self.skipTest('numpy is not installed')
        room = numpy.zeros(100, dtype=numpy.uint64)
        self.ids.next_many(room)
        self.assertTrue((numpy.diff(room.astype(numpy.int64)) > 0).all())
        with self.assertRaises(TypeError):
            self.ids.next_many(numpy.zeros(100, dtype=numpy.float64))

    def test_next_many_refuses_memory_that_does_not_fit(self):
        with self.assertRaises(ValueError):
            self.ids.next_many(bytearray(9))
        with self.assertRaises(ValueError):
            self.ids.next_many(memoryview(bytearray(17))[1:])
        with self.assertRaises(TypeError):
            self.ids.next_many(array.array('d', [0.0]))
        with self.assertRaises((TypeError, BufferError)):
            self.ids.next_many(bytes(8))
        with self.assertRaises(reels.InvalidArgError):
            self.ids.next_many(array.array('Q', bytes(8 * (reels.ID_BATCH_MAX + 1))))

    def test_threads_never_share_an_id(self):
        rooms = [array.array('Q', bytes(8 * 5000)) for _ in range(4)]
        threads = [threading.Thread(target=self.ids.next_many, args=(room,)) for room in rooms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set().union(*rooms)), 20000)

    def test_text_sorts_as_the_numbers_and_reads_back(self):
        minted = self.ids.next_many(100)
        texts = [reels.id_to_text(value) for value in minted]
        self.assertEqual(texts, sorted(texts))
        self.assertEqual([reels.id_from_text(value) for value in texts], list(minted))
        for wrong in ('', 'x', texts[0] + '0', texts[0].lower().replace('0', 'o'), 'ZZZZZZZZZZZZZ', 'é'):
            with self.assertRaises(reels.CorruptError):
                reels.id_from_text(wrong)
        with self.assertRaises(ValueError):
            reels.id_from_text('0\0')

    def test_range_holds_what_is_minted_in_it(self):
        now = self.context.now_unix_us()
        minted = self.ids.next()
        first, last = reels.id_range(now - 10_000_000, now + 10_000_000)
        self.assertTrue(first <= minted <= last)

    def test_layout_is_used(self):
        layout = reels.IdLayout(time_bits=41, region_bits=0, node_bits=4, sequence_bits=8)
        with reels.IdGenerator(self.context, node=9, layout=layout) as ids:
            value = ids.next()
        self.assertLess(value, 2**53)
        self.assertEqual(reels.id_parts(value, layout).node, 9)

    def test_state_file_refuses_a_second_process_and_survives(self):
        path = self.path('ids')
        with reels.IdGenerator(self.context, state_file=path) as ids:
            before = ids.next()
            with self.assertRaises(reels.BusyError):
                reels.IdGenerator(self.context, state_file=path)
        with reels.IdGenerator(self.context, state_file=path) as ids:
            self.assertGreater(ids.next(), before)

    def test_cancel_and_deadline_end_a_batch(self):
        room = array.array('Q', bytes(8 * reels.ID_BATCH_MAX))  # 256 ms of sequence numbers
        with self.assertRaises(reels.TimeoutError):
            self.ids.next_many(room, timeout=0.01)
        with reels.Cancel(self.context) as cancel:
            cancel.cancel()
            self.assertTrue(cancel.cancelled)
            with self.assertRaises(reels.CancelledError):
                self.ids.next_many(room, cancel=cancel)
