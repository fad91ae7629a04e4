"""reels verify: a good tree, and trees with one fault each."""

import json
import os
import re
import shutil
import unittest

from reelscli import CliTest, clip


class VerifyTest(CliTest):
    def setUp(self):
        super().setUp()
        self.out = self.path('out')
        self.reels('transcode', clip(seconds=5), self.out)

    def playlist(self):
        names = [name for name in os.listdir(self.out)
                 if name.endswith('.m3u8') and name != 'master.m3u8']
        return os.path.join(self.out, sorted(names)[0])

    def change(self, path, pattern, replacement):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        changed = re.sub(pattern, replacement, text, count=1)
        self.assertNotEqual(changed, text)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(changed)

    def fails_with(self, *codes):
        out, err = self.reels('verify', '--json', self.out, status=1)
        data = json.loads(out)
        self.assertIs(data['ok'], False)
        found = {finding['code'] for finding in data['findings'] if finding['severity'] == 'error'}
        self.assertTrue(found & set(codes), found)
        text, _ = self.reels('verify', self.out, status=1)
        lines = text.splitlines()
        self.assertRegex(lines[0], r'\A(error|warning) [a-z_]+ ')
        self.assertRegex(lines[-1], r'\A[1-9][0-9]* errors, ')

    def test_a_good_tree(self):
        out, _ = self.reels('verify', self.out)
        self.assertRegex(out, r'\A0 errors, 0 warnings; ')
        data = json.loads(self.reels('verify', '--json', self.out)[0])
        self.assertIs(data['ok'], True)
        self.assertEqual(data['findings'], [])
        self.assertGreater(data['frames'], 100)
        self.assertEqual(json.loads(self.reels('verify', '--json', '--no-decode', self.out)[0])['frames'], 0)

    def test_a_missing_file(self):
        os.remove(self.playlist())
        self.fails_with('file_missing')

    def test_a_damaged_segment(self):
        media = [name for name in sorted(os.listdir(self.out))
                 if not name.endswith(('.m3u8', '.jpg'))]
        path = max((os.path.join(self.out, name) for name in media), key=os.path.getsize)
        with open(path, 'r+b') as file:
            file.seek(os.path.getsize(path) // 2)
            file.write(b'\xde\xad\xbe\xef' * 256)
        self.fails_with('checksum', 'decode', 'box', 'decode_time')

    def test_a_wrong_duration(self):
        self.change(self.playlist(), r'#EXTINF:\d\.\d+', '#EXTINF:1.500000')
        self.fails_with('extinf', 'alignment')

    def test_an_understated_bandwidth(self):
        self.change(os.path.join(self.out, 'master.m3u8'), r'([:,])BANDWIDTH=\d+', r'\1BANDWIDTH=1000')
        self.fails_with('bandwidth')

    def test_wrong_codecs(self):
        self.change(os.path.join(self.out, 'master.m3u8'), r'avc1\.[0-9A-Fa-f]{6}', 'avc1.640034')
        self.fails_with('codecs')

    def test_places_without_a_tree_are_failures(self):
        os.mkdir(self.path('empty'))
        self.reels('verify', self.path('empty'), status=1)
        self.reels('verify', '/dev/null', status=1)
        for path in (self.path('missing'), self.write('file', b'')):
            with self.subTest(path=path):
                out, err = self.reels('verify', path, status=1)
                self.assertEqual(out, '')
                self.assertTrue(err.startswith(f'reels: {path}: '))

    def test_another_first_playlist(self):
        os.rename(os.path.join(self.out, 'master.m3u8'), os.path.join(self.out, 'other.m3u8'))
        self.reels('verify', '--master', 'other.m3u8', self.out)
        self.reels('verify', self.out, status=1)

    def test_names_in_a_hostile_playlist_reach_no_terminal(self):
        hostile = self.path('hostile')
        os.mkdir(hostile)
        with open(os.path.join(hostile, 'master.m3u8'), 'wb') as file:
            file.write(b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\x1b]0;gotcha\x07a\xff.m3u8\n')
        out, _ = self.reels('verify', hostile, status=1)
        self.assertNotIn('\x1b', out)
        json.loads(self.reels('verify', '--json', hostile, status=1)[0])

    def tearDown(self):
        shutil.rmtree(self.out, ignore_errors=True)
        super().tearDown()


if __name__ == '__main__':
    unittest.main()
