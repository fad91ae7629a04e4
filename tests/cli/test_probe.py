"""reels probe: a description, or one line that says why not."""

import json
import os
import shutil
import unittest

from reelscli import CliTest, clip, shared


class ProbeTest(CliTest):
    def test_json_is_one_object(self):
        data = json.loads(self.reels('probe', '--json', clip())[0])
        self.assertEqual(data['verdict'], 'transcode')
        self.assertEqual((data['video']['width'], data['video']['height']), (180, 320))
        self.assertEqual(data['video']['codec'], 'h264')
        self.assertEqual(data['audio']['codec'], 'aac')
        self.assertAlmostEqual(data['duration_us'] / 1e6, 2, delta=0.1)

    def test_text_names_the_parts(self):
        out, _ = self.reels('probe', clip())
        self.assertRegex(out, r'(?m)^video +h264 .*180x320')
        self.assertRegex(out, r'(?m)^audio +aac')
        self.assertRegex(out, r'(?m)^verdict +can be made')

    def test_exact_counts_frames(self):
        data = json.loads(self.reels('probe', '--json', '--exact', clip())[0])
        self.assertEqual(data['video']['frames_count'], 50)

    def test_in_process_says_the_same(self):
        isolated, _ = self.reels('probe', '--json', clip())
        self.assertEqual(self.reels('probe', '--json', '--in-process', clip())[0], isolated)

    def test_what_is_no_media_is_a_failure(self):
        with open(clip(), 'rb') as file:
            data = file.read()
        os.mkfifo(self.path('fifo.mp4'))
        files = [
            self.path('missing.mp4'), self.folder, self.path('fifo.mp4'), '/dev/null',
            self.write('empty.mp4', b''),
            self.write('text.mp4', b'these are words, and words are no video\n' * 100),
            self.write('zeros.mp4', bytes(100000)),
            self.write('begun.mp4', data[:40]),
            self.write('damaged.mp4', data[:4] + bytes(len(data) - 4)),
            os.path.join(self.write('file', b''), 'below'),
        ]
        for file in files:
            for words in ((), ('--json',)):
                with self.subTest(file=os.path.basename(file), words=words):
                    out, err = self.reels('probe', *words, file, status=1)
                    self.assertEqual(out, '')
                    self.assertTrue(err.startswith(f'reels: {file}: '), err)

    def test_names_of_files_stay_on_one_line(self):
        for name in ('a\nb.mp4', '\x1b[31mred.mp4', 'a\u202eb.mp4', 'tab\there.mp4', '-', '--', '-rf',
                     '%s%n.mp4'):
            with self.subTest(name=name):
                self.reels('probe', '--', self.path(name), status=1)
                shutil.copyfile(clip(), self.path(name))
                self.reels('probe', '--json', '--', self.path(name))

    def test_names_that_are_no_text_are_refused(self):
        path = os.path.join(os.fsencode(self.folder), b'\xff\xfe.mp4')
        shutil.copyfile(os.fsencode(clip()), path)
        _, err = self.reels('probe', path, status=1)
        self.assertIn('\\xff\\xfe.mp4: ', err)

    def test_bad_files_of_the_collection_end_well(self):
        folder = shared('media', 'bad')
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            with self.subTest(name=name):
                out = self.reels_either('probe', '--json', path)
                if out is not None:
                    self.assertIn(json.loads(out)['verdict'], ('transcode', 'refuse'))


if __name__ == '__main__':
    unittest.main()
