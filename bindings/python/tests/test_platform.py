"""The way through the whole: a clip is uploaded, transcoded, found in a feed, liked, watched, and
counted exactly, also after a restart."""

import array
import hashlib
import io
import os
import time
import unittest.mock

import reels
from reels import Counter, Event, EventType, ReelState, Relation
from support import WORKER, Case, clip, needs_media

CREATOR, FOLLOWER, STRANGER = 1001, 2002, 3003


class PlatformCase(Case):
    def setUp(self):
        super().setUp()
        self.open()
        self.addCleanup(lambda: self.platform.close())

    def open(self):
        self.platform = reels.Platform(self.context, reels.PlatformConfig(
            data_path=self.path('data'), partitions_count=4, media_lease_us=5_000_000,
            media_worker_path=WORKER or '', counter_window_us=20_000))

    def upload(self, data=None):
        data = clip() if data is None else data
        reel_id = self.platform.uploads.begin(CREATOR, length=len(data), filename='clip.mp4',
                                              caption='a clip, un cliché')
        self.assertEqual(self.platform.uploads.write(reel_id, CREATOR, io.BytesIO(data)), len(data))
        self.platform.uploads.commit(reel_id, CREATOR, sha256=hashlib.sha256(data).digest())
        return reel_id

    def ready(self):
        reel_id = self.upload()
        deadline = time.monotonic() + 200
        while True:
            self.platform.settle(timeout=deadline - time.monotonic())
            reel = self.platform.reels.get(reel_id)
            if reel.state not in (ReelState.UPLOADED, ReelState.PROCESSING):
                break
        self.assertEqual(reel.state, ReelState.READY, (reel.reason, reel.detail))
        return reel

    def watch(self, person, reel_id):
        events = [Event(type=kind, reel_id=reel_id, source=77, sequence=index + 1, position_us=position,
                        watch_us=watched, playback=1)
                  for index, (kind, position, watched) in enumerate((
                      (EventType.IMPRESSION, 0, 0), (EventType.VIEW, 3_000_000, 0),
                      (EventType.WATCH, 4_000_000, 4_000_000), (EventType.COMPLETE, 4_000_000, 0)))]
        self.assertEqual(self.platform.events_add(person, events), [reels.Status.OK] * 4)


@needs_media
class Flow(PlatformCase):
    def test_upload_to_feed_to_exact_counts(self):
        reel = self.ready()
        self.assertEqual((reel.creator_id, reel.caption, reel.filename),
                         (CREATOR, 'a clip, un cliché', 'clip.mp4'))
        social = self.platform.social
        self.assertTrue(social.set(Relation.FOLLOW, FOLLOWER, CREATOR))
        page = self.platform.feed.page(FOLLOWER)
        self.assertEqual([item.reel_id for item in page.items], [reel.id])
        self.assertTrue(page.items[0].sources & reels.FeedSources.FOLLOWED)
        self.assertTrue(social.set(Relation.LIKE, FOLLOWER, reel.id))
        self.assertFalse(social.set(Relation.LIKE, FOLLOWER, reel.id))
        self.assertEqual(social.has(Relation.LIKE, FOLLOWER, [reel.id, CREATOR]), [True, False])
        self.assertEqual(social.list(Relation.LIKE, FOLLOWER).items, [reel.id])
        self.watch(FOLLOWER, reel.id)
        self.watch(FOLLOWER, reel.id)  # a client that never heard the answer says it again
        comment = social.comment(reel.id, FOLLOWER, 'schön', token=bytes(range(16)))
        self.assertEqual(social.comment(reel.id, FOLLOWER, 'schön', token=bytes(range(16))), comment)
        self.platform.settle(timeout=60)
        counters = [Counter.LIKES, Counter.VIEWS, Counter.COMPLETIONS, Counter.IMPRESSIONS,
                    Counter.WATCH_MS, Counter.COMMENTS, Counter.FOLLOWERS]
        for _ in range(2):
            totals = self.platform.counts([reel.id, CREATOR], counters)
            self.assertEqual(list(totals), [1, 1, 1, 1, 4000, 1, 0] + [0] * 6 + [1])
            self.platform.close()
            self.open()
            self.platform.settle(timeout=60)
        self.assertEqual(self.platform.feed.page(FOLLOWER).items, [])  # it was watched
        self.assertEqual(len(self.platform.feed.page(STRANGER).items), 1)
        self.assertEqual([c.text for c in self.platform.social.comments(reel.id).items], ['schön'])

    def test_counts_are_read_into_the_callers_memory(self):
        reel = self.ready()
        self.platform.social.set(Relation.LIKE, FOLLOWER, reel.id)
        self.platform.settle(timeout=60)
        ids = array.array('Q', [reel.id, 5])
        kinds = array.array('I', [Counter.LIKES, Counter.VIEWS])
        room = bytearray(8 * 4)
        self.assertIs(self.platform.counts(ids, kinds, room), room)
        self.assertEqual(list(memoryview(room).cast('q')), [1, 0, 0, 0])
        with self.assertRaises(ValueError):
            self.platform.counts(ids, kinds, bytearray(24))

    def test_media_is_served_by_token(self):
        reel = self.ready()
        prefix = reels.media_prefix(reel.id, reel.generation)
        token = self.platform.media_token(reel, STRANGER)
        self.platform.media_check(token, prefix + 'master.m3u8')
        with self.assertRaises(reels.DeniedError):
            self.platform.media_check('x', prefix + 'master.m3u8')
        blobs = self.platform.blobs
        master = blobs.read(prefix + 'master.m3u8')
        self.assertTrue(master.startswith(b'#EXTM3U'))
        info = blobs.head(prefix + 'cover.jpg')
        whole, room = io.BytesIO(), bytearray(100)
        self.assertEqual(blobs.write_to(prefix + 'cover.jpg', whole), info)
        self.assertEqual(len(whole.getvalue()), info.size_bytes)
        self.assertEqual(blobs.read_into(prefix + 'cover.jpg', room, offset=50), 100)
        self.assertEqual(bytes(room), whole.getvalue()[50:150])
        self.assertEqual(blobs.read(prefix + 'cover.jpg', offset=50, length=100), bytes(room))
        with self.assertRaises(reels.NotFoundError):
            blobs.read(prefix + 'nothing')
        with self.assertRaises(ZeroDivisionError):
            blobs.write_to(prefix + 'cover.jpg', _Broken())

    def test_roles_run_in_a_thread_until_stopped(self):
        with self.platform.start(threads_count=2):
            reel_id = self.upload()
            deadline = time.monotonic() + 200
            while self.platform.reels.get(reel_id).state != ReelState.READY:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
        self.assertEqual(self.platform.reels.of_creator(CREATOR).items[0].id, reel_id)
        self.assertEqual(len(self.platform.reels.in_state(ReelState.READY).items), 1)
        self.platform.reel_remove(reel_id, CREATOR)
        self.assertEqual(self.platform.feed.page(STRANGER).items, [])

    def test_what_is_no_media_is_refused_at_its_first_bytes(self):
        letter = b'this is a letter and no film, however long it may go on and on'
        reel_id = self.platform.uploads.begin(CREATOR, length=len(letter))
        with self.assertRaises((reels.UnsupportedError, reels.CorruptError)):
            self.platform.uploads.part_put(reel_id, CREATOR, 0, letter)
        self.assertEqual(self.platform.reels.get(reel_id).state, ReelState.NONE)


    def test_reel_that_cannot_be_made_fails_and_is_logged(self):
        self.platform.close()
        lines = []

        def log(level, message):
            lines.append((level, message))
            raise ZeroDivisionError('the log is gone')

        worker = self.path('worker')
        os.symlink(WORKER, worker)
        self.context = reels.Context(log=log)
        self.addCleanup(self.context.close)
        self.platform = reels.Platform(self.context, reels.PlatformConfig(
            data_path=self.path('data'), partitions_count=4, media_worker_path=worker, media_attempts_max=1))
        reel_id = self.upload()
        os.remove(worker)
        with unittest.mock.patch('sys.unraisablehook') as hook:
            self.platform.settle(timeout=60)
        reel = self.platform.reels.get(reel_id)
        self.assertEqual(reel.state, ReelState.FAILED)
        self.assertNotEqual(reel.reason, '')
        self.assertIn((reels.LogLevel.WARN, True), [(level, str(reel_id) in text) for level, text in lines])
        self.assertIs(hook.call_args.args[0].exc_type, ZeroDivisionError)


class _Broken:
    def write(self, _):
        raise ZeroDivisionError

    def read(self, _):
        raise ZeroDivisionError


class Refusals(PlatformCase):
    def test_uploads_answer_for_themselves(self):
        uploads = self.platform.uploads
        reel_id = uploads.begin(CREATOR)
        self.assertEqual(uploads.get(reel_id, CREATOR).length, 2**64 - 1)
        uploads.set_length(reel_id, CREATOR, 1000)
        self.assertEqual(uploads.get(reel_id, CREATOR).offset, 0)
        with self.assertRaises(reels.NotFoundError):
            uploads.get(reel_id, STRANGER)
        with self.assertRaises(reels.ConflictError):
            uploads.write(reel_id, CREATOR, b'late', offset=7)
        with self.assertRaises(reels.CorruptError):
            uploads.part_put(reel_id, CREATOR, 0, bytes(1000), sha256=bytes(32))
        with self.assertRaises(reels.StateError):
            uploads.commit(reel_id, CREATOR)
        with self.assertRaises(ZeroDivisionError):
            uploads.write(reel_id, CREATOR, _Broken())
        uploads.abort(reel_id, CREATOR)
        with self.assertRaises(reels.NotFoundError):
            uploads.get(reel_id, CREATOR)
        with self.assertRaises(reels.LimitError):
            uploads.begin(CREATOR, length=2**40)
        with self.assertRaises(ValueError):
            uploads.begin(CREATOR, caption='a\0b')
        token = bytes(range(16))
        self.assertEqual(uploads.begin(CREATOR, token=token), uploads.begin(CREATOR, token=token))

    def test_what_is_not_there_is_not_found(self):
        with self.assertRaises(reels.NotFoundError):
            self.platform.social.set(Relation.LIKE, FOLLOWER, 12345)
        with self.assertRaises(reels.InvalidArgError):
            self.platform.social.set(Relation.FOLLOW, FOLLOWER, FOLLOWER)
        with self.assertRaises(reels.NotFoundError):
            self.platform.social.comment(12345, FOLLOWER, 'hello')
        statuses = self.platform.events_add(FOLLOWER, [Event(type=EventType.LIKE, reel_id=1)])
        self.assertLess(statuses[0], 0)
        with self.assertRaises(reels.InvalidArgError):
            self.platform.feed.page(FOLLOWER, cursor='not a cursor')
        self.assertEqual(self.platform.reels.get(12345).state, ReelState.NONE)

    def test_configuration_is_checked_and_data_is_locked(self):
        with self.assertRaises(reels.BusyError):
            reels.Platform(self.context, {'data_path': self.path('data')})
        with self.assertRaisesRegex(reels.ReelsError, 'data_pth'):
            reels.Platform(self.context, {'data_pth': self.path('data')})
        with self.assertRaises(reels.CorruptError):
            reels.Platform(self.context, '{')
        with reels.Platform(self.context, {'data_path': self.path('second')}) as platform:
            self.assertGreater(platform.ids.next(), 0)

    def test_health_names_each_port(self):
        health = self.platform.health(timeout=30)
        self.assertIsNone(health.error)
        self.assertTrue(health.ports)

    def test_step_run_and_cancel(self):
        self.assertGreater(self.platform.step(reels.Roles.COUNTER, 10_000), 0)
        self.platform.run(None, timeout=0.05)
        with reels.Cancel(self.context) as cancel:
            cancel.cancel()
            self.platform.run(cancel, reels.Roles.RELAY)
        running = self.platform.start(reels.Roles.RELAY)
        running.stop()
        running.stop()
