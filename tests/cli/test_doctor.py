"""reels doctor: it says what is there, and notices what is not."""

import json
import os
import unittest

import reelscli
from reelscli import CliTest


class DoctorTest(CliTest):
    def checks(self, **how):
        out, _ = self.reels('doctor', '--json', **how)
        data = json.loads(out)
        return data, {check['name']: check for check in data['checks']}

    def test_json_is_one_object(self):
        data, checks = self.checks()
        self.assertIs(data['ok'], True)
        self.assertEqual(data['version'], self.reels('--version')[0].split()[1])
        self.assertIs(data['features']['media'], reelscli.HAS_MEDIA)
        for check in data['checks']:
            self.assertEqual(set(check), {'name', 'result', 'detail'})
            self.assertIn(check['result'], ('ok', 'warn', 'fail'))
        self.assertLessEqual({'clock', 'state_folder', 'temporary_folder', 'seccomp', 'landlock'},
                             set(checks))
        versions = {library['name']: library['version'] for library in data['libraries']}
        for version in versions.values():
            self.assertRegex(version, r'\A\d+\.\d+')
        if reelscli.HAS_MEDIA:
            self.assertLessEqual({'libavcodec', 'libavformat', 'libavutil'}, set(versions))
            for name in ('encoder_h264', 'encoder_aac', 'media_worker'):
                self.assertEqual(checks[name]['result'], 'ok', checks[name])

    def test_text_has_a_line_for_each_check(self):
        data, _ = self.checks()
        out, _ = self.reels('doctor')
        for check in data['checks']:
            self.assertRegex(out, rf'(?m)^(ok|warn|fail) +{check["name"]} ')

    def test_a_folder_that_cannot_be_written_is_a_failure(self):
        file = self.write('file', b'')
        out, err = self.reels('doctor', '--json', env={'XDG_STATE_HOME': file}, status=1)
        data = json.loads(out)
        self.assertIs(data['ok'], False)
        results = {check['name']: check['result'] for check in data['checks']}
        self.assertEqual(results['state_folder'], 'fail')

    def test_a_folder_that_is_missing_is_a_failure(self):
        out, _ = self.reels('doctor', '--json', env={'TMPDIR': self.path('missing')}, status=1)
        results = {check['name']: check['result'] for check in json.loads(out)['checks']}
        self.assertEqual(results['temporary_folder'], 'fail')

    def test_a_missing_worker_is_a_failure(self):
        if 'REELS_MEDIA_WORKER' not in os.environ:
            self.skipTest('this build has no media worker')
        for worker in (self.path('missing'), '/bin/true', self.folder):
            out, _ = self.reels('doctor', '--json', env={'REELS_MEDIA_WORKER': worker}, status=1)
            results = {check['name']: check['result'] for check in json.loads(out)['checks']}
            self.assertEqual(results['media_worker'], 'fail', worker)

    def test_schema_names_what_is_stored(self):
        data = json.loads(self.reels('doctor', '--schema')[0])
        tables = {table['name']: table for table in data['tables']}
        self.assertLessEqual({'reels', 'uploads', 'id_nodes'}, set(tables))
        columns = {column['name']: column['type'] for column in tables['reels']['columns']}
        self.assertEqual(columns['reel_id'], 'id')
        self.assertEqual(self.reels('doctor', '--schema', '--json')[0],
                         self.reels('doctor', '--schema')[0])

    def test_nothing_is_left_behind(self):
        os.mkdir(self.path('tmp'))
        self.reels('doctor', env={'TMPDIR': self.path('tmp'), 'XDG_STATE_HOME': self.path('state')})
        self.assertEqual(self.entries(self.path('tmp')), [])
        self.assertEqual(self.entries(self.path('state')), ['reels'])


if __name__ == '__main__':
    unittest.main()
