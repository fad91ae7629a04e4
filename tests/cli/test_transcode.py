"""reels transcode: a whole ladder or nothing."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time
import unittest

import reelscli
from reelscli import CliTest, clip, shared


class TranscodeTest(CliTest):
    def test_a_ladder_that_verifies(self):
        out, _ = self.reels('transcode', clip(), self.path('out'))
        self.assertIn(self.path('out', 'master.m3u8'), out)
        for name in ('master.m3u8', 'cover.jpg'):
            self.assertGreater(os.path.getsize(self.path('out', name)), 100)
        with open(self.path('out', 'cover.jpg'), 'rb') as file:
            self.assertEqual(file.read(3), b'\xff\xd8\xff')
        self.assertEqual([name for name in os.listdir(self.path('out')) if name.startswith('.')], [])
        self.reels('verify', self.path('out'))

    def test_json_is_one_object(self):
        out, _ = self.reels('transcode', '--json', clip(), self.path('out'))
        data = json.loads(out)
        self.assertEqual(data['outdir'], self.path('out'))
        for key in ('master', 'cover'):
            self.assertTrue(os.path.isfile(self.path('out', data[key])))
        self.assertEqual(data['files'], len(os.listdir(self.path('out'))))
        self.assertEqual(data['bytes'], sum(os.path.getsize(self.path('out', name))
                                            for name in os.listdir(self.path('out'))))
        self.assertEqual([rung['width'] for rung in data['rungs']], [180])
        self.assertAlmostEqual(data['duration_us'] / 1e6, 2, delta=0.1)
        self.assertIs(data['audio'], True)

    def test_an_empty_folder_is_used(self):
        os.mkdir(self.path('out'))
        self.reels('transcode', clip(), self.path('out') + '/')
        self.assertTrue(os.path.isfile(self.path('out', 'master.m3u8')))

    def test_a_link_to_a_folder_is_followed(self):
        os.mkdir(self.path('real'))
        os.symlink('real', self.path('out'))
        self.reels('transcode', clip(), self.path('out'))
        self.assertTrue(os.path.isfile(self.path('real', 'master.m3u8')))

    def test_a_folder_with_files_is_left_alone(self):
        os.mkdir(self.path('out'))
        self.write('out/mine.txt', b'mine')
        _, err = self.reels('transcode', clip(), self.path('out'), status=1)
        self.assertIn('--force', err)
        self.assertEqual(self.entries(self.path('out')), ['mine.txt'])

    def test_force_replaces_its_own_files_only(self):
        os.mkdir(self.path('out'))
        self.write('out/mine.txt', b'mine')
        self.reels('transcode', '--force', clip(), self.path('out'))
        first = os.stat(self.path('out', 'master.m3u8')).st_ino
        self.reels('transcode', '--force', clip(), self.path('out'))
        self.assertNotEqual(os.stat(self.path('out', 'master.m3u8')).st_ino, first)
        with open(self.path('out', 'mine.txt'), 'rb') as file:
            self.assertEqual(file.read(), b'mine')
        self.reels('verify', self.path('out'))

    def test_bad_input_leaves_nothing(self):
        with open(clip(), 'rb') as file:
            data = file.read()
        files = [
            self.path('missing.mp4'), self.folder, self.write('empty.mp4', b''),
            self.write('text.mp4', b'these are words, and words are no video\n' * 100),
            self.write('damaged.mp4', data[:4] + bytes(len(data) - 4)),
        ]
        os.mkdir(self.path('there'))
        for file in files:
            for out in ('out', 'there'):
                with self.subTest(file=os.path.basename(file), out=out):
                    stdout, _ = self.reels('transcode', file, self.path(out), status=1)
                    self.assertEqual(stdout, '')
                    self.assertFalse(os.path.exists(self.path('out')))
                    self.assertEqual(self.entries(self.path('there')), [])

    def test_places_that_cannot_be_written_are_failures(self):
        file = self.write('file', b'as it was')
        for out in (file, os.path.join(file, 'below'), self.path('missing', 'out'), '/proc/out',
                    '/dev/null', 'x' * 5000, '/' + 'y' * 300):
            with self.subTest(out=out[:50]):
                self.reels('transcode', clip(), out, status=1)
        with open(file, 'rb') as again:
            self.assertEqual(again.read(), b'as it was')

    def test_a_result_that_cannot_be_told_leaves_nothing(self):
        for words in ((), ('--json',)):
            with open('/dev/full', 'wb') as full:
                _, err = self.reels('transcode', *words, clip(), self.path('out'), status=1,
                                    stdout=full)
            self.assertIn('standard output', err)
            self.assertFalse(os.path.exists(self.path('out')))

    def test_signals_stop_it_cleanly(self):
        long_clip = clip(seconds=20, size='720x1280')
        # Ctrl-C goes to the whole group, to the media worker too.
        for number, send in ((signal.SIGINT, os.killpg), (signal.SIGINT, os.kill),
                             (signal.SIGTERM, os.kill), (signal.SIGHUP, os.kill)):
            with self.subTest(signal=number, send=send):
                process = reelscli.start('transcode', long_clip, self.path('out'),
                                         start_new_session=True, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
                # Begun, as its files say.
                deadline = time.monotonic() + 60
                while not os.path.isdir(self.path('out')) and time.monotonic() < deadline:
                    time.sleep(0.02)
                self.assertTrue(os.path.isdir(self.path('out')))
                begin = time.monotonic()
                send(process.pid, number)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1)
                self.assertIn(b'cancel', err)
                self.assertLess(time.monotonic() - begin, 10)
                self.assertEqual(out, b'')
                self.assertRegex(err.decode(), r'\A(?:' + reelscli.MESSAGE.pattern + r')\Z')
                self.assertFalse(os.path.exists(self.path('out')))

    def test_a_bar_is_on_terminals_only(self):
        leader, follower = pty.openpty()
        process = reelscli.start('transcode', clip(), self.path('out'), stdout=subprocess.PIPE,
                                 stderr=follower)
        os.close(follower)
        shown = b''
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        out, _ = process.communicate(timeout=60)
        os.close(leader)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b'%', shown)
        # The line is taken away at the end, and stdout has none of it.
        self.assertTrue(shown.endswith(b'\r\x1b[K'))
        self.assertNotIn(b'\x1b', out)

    def test_hostile_names_reach_no_terminal(self):
        name = self.path('a\n\x1b[2Jb.mp4')
        out = self.path('o\n\x1b[2Jut')
        shutil.copyfile(clip(), name)
        text, _ = self.reels('transcode', name, out)
        self.assertNotIn('\x1b', text)
        json_text, _ = self.reels('transcode', '--force', '--json', name, out)
        self.assertNotIn('\x1b', json_text)
        self.assertEqual(json.loads(json_text)['outdir'], out)

    def test_bad_files_of_the_collection_leave_nothing(self):
        folder = shared('media', 'bad')
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or os.path.getsize(path) > 50 << 20:
                continue
            with self.subTest(name=name):
                if self.reels_either('transcode', '--json', path, self.path('out')) is not None:
                    self.reels('verify', self.path('out'))
                    shutil.rmtree(self.path('out'))
                self.assertFalse(os.path.exists(self.path('out')))


if __name__ == '__main__':
    unittest.main()
