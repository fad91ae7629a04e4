"""Probing, transcoding and verifying real clips."""

import io
import os

import reels
from support import WORKER, Case, clip, needs_media


@needs_media
class Media(Case):
    def transcode(self, media, name='out', **options):
        return reels.transcode(self.context, media, self.path(name), worker_path=WORKER, **options)

    def test_probe_of_path_memory_and_file_agree(self):
        infos = [reels.probe(self.context, media, worker_path=WORKER)
                 for media in (self.clip_path(), clip(), bytearray(clip()), io.BytesIO(clip()))]
        for info in infos:
            self.assertEqual(info, infos[0])
        info = infos[0]
        self.assertEqual((info.verdict, info.container, info.video_codec, info.audio_codec),
                         (reels.Verdict.TRANSCODE, 'mp4', 'h264', 'aac'))
        self.assertEqual((info.display_width, info.display_height, info.audio_present), (360, 640, True))
        self.assertAlmostEqual(info.duration_us, 4_000_000, delta=100_000)
        self.assertEqual(reels.probe_json(self.context, info)['container'], 'mp4')

    def test_probe_refuses_by_limits_and_by_status(self):
        limits = reels.MediaLimits(duration_max_us=1_000_000)
        info = reels.probe(self.context, clip(), limits=limits, worker_path=WORKER)
        self.assertEqual((info.verdict, info.verdict_status), (reels.Verdict.REFUSE, reels.Status.LIMIT))
        self.assertNotEqual(info.verdict_reason, '')
        with self.assertRaises(reels.UnsupportedError):
            reels.probe(self.context, b'this is a letter and no film ' * 40, worker_path=WORKER)
        with self.assertRaises(reels.NotFoundError):
            reels.probe(self.context, self.path('nothing.mp4'), worker_path=WORKER)
        with self.assertRaises(reels.ReelsError):
            reels.probe(self.context, clip(), worker_path=self.path('no-worker'))

    def test_exception_of_a_file_is_raised_again(self):
        class Broken(io.BytesIO):
            def readinto(self, room):
                raise ZeroDivisionError('the disk is gone')

        with self.assertRaisesRegex(ZeroDivisionError, 'the disk is gone'):
            reels.probe(self.context, Broken(clip()), worker_path=WORKER)
        with self.assertRaisesRegex(ZeroDivisionError, 'the disk is gone'):
            self.transcode(Broken(clip()))
        self.assertFalse(os.path.exists(self.path('out')))

    def test_transcode_makes_a_ladder_that_verifies(self):
        seen = []
        made = self.transcode(self.clip_path(), progress=seen.append, preset='ultrafast')
        self.assertEqual([rung.short_side for rung in made.rungs], [240, 360])
        self.assertEqual((made.summary.rungs_count, made.info.video_codec), (2, 'h264'))
        self.assertEqual(len(os.listdir(self.path('out'))), made.summary.files_count)
        done = [progress.done_ppm for progress in seen]
        self.assertEqual((done, done[-1]), (sorted(done), 1_000_000))
        self.assertEqual(seen[-1].stage, reels.TranscodeStage.DONE)
        report = reels.verify(self.context, self.path('out'))
        self.assertTrue(report.ok, report.findings)
        self.assertEqual(report.summary.variants_count, 2)
        self.assertGreater(report.summary.frames_count, 240)

    def test_verify_finds_what_is_missing(self):
        self.transcode(clip(), preset='ultrafast')
        victim = next(name for name in os.listdir(self.path('out')) if name.endswith(('.mp4', '.m4s')))
        os.remove(self.path('out/' + victim))
        report = reels.verify(self.context, self.path('out'), decode=False)
        self.assertFalse(report.ok)
        self.assertIn(reels.VerifyCode.FILE_MISSING, [finding.code for finding in report.findings])
        self.assertEqual(reels.code_name(reels.VerifyCode.FILE_MISSING), 'file_missing')
        with self.assertRaises(reels.NotFoundError):
            reels.verify(self.context, self.path('nothing'))

    def test_a_playlist_is_rendered_with_other_urls(self):
        text = '#EXTM3U\n#EXT-X-MAP:URI="v.mp4"\n#EXTINF:2,\nv.mp4\nhttps://other/x.mp4\n'
        self.assertEqual(
            reels.render_playlist(self.context, text, base_url='https://cdn/7/', query='t=1'),
            '#EXTM3U\n#EXT-X-MAP:URI="https://cdn/7/v.mp4?t=1"\n#EXTINF:2,\nhttps://cdn/7/v.mp4?t=1\n'
            'https://other/x.mp4\n')
        self.assertEqual(reels.render_playlist(self.context, text), text)
        self.assertEqual(
            reels.render_playlist(self.context, '#EXTM3U\né.mp4', url=lambda name: f'u/{name}?é'),
            '#EXTM3U\nu/é.mp4?é')
        with self.assertRaises(ZeroDivisionError):
            reels.render_playlist(self.context, text, url=lambda name: str(1 // 0))
        with self.assertRaises(reels.HostError):
            reels.render_playlist(self.context, text, url=lambda name: 'a b')
        with self.assertRaises(reels.CorruptError):
            reels.render_playlist(self.context, 'no playlist')
        with self.assertRaises(reels.InvalidArgError):
            reels.render_playlist(self.context, text, base_url='a b')

    def test_nothing_is_left_of_a_transcode_that_did_not_end(self):
        def refuse(_):
            raise KeyError('progress')

        with self.assertRaises(KeyError):
            self.transcode(clip(), progress=refuse)
        with self.assertRaises(reels.TimeoutError):
            self.transcode(clip(), timeout=0.001)
        with reels.Cancel(self.context) as cancel, self.assertRaises(reels.CancelledError):
            self.transcode(clip(), progress=lambda _: cancel.cancel(), cancel=cancel)
        with self.assertRaises(reels.UnsupportedError):
            self.transcode(b'this is a letter and no film ' * 40)
        self.assertFalse(os.path.exists(self.path('out')))

    def test_transcode_replaces_only_when_told(self):
        self.transcode(clip(), preset='ultrafast')
        with self.assertRaises(reels.ExistsError):
            self.transcode(clip(), preset='ultrafast')
        ladder = reels.LadderOptions(short_side_max=240)
        made = self.transcode(clip(), 'small', preset='ultrafast', ladder=ladder)
        self.assertEqual([rung.short_side for rung in made.rungs], [240])
        self.transcode(clip(), 'small', preset='ultrafast', ladder=ladder, replace=True)
