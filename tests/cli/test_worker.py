"""reels worker: opens a platform, runs its roles, ends when told to."""

import json
import os
import signal
import subprocess
import time
import unittest

import reelscli
from reelscli import CliTest


class WorkerTest(CliTest):
    def start(self, *words):
        return reelscli.start('worker', *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, path):
        deadline = time.monotonic() + 60
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(os.path.exists(path), path)

    def wait_running(self, process, data):
        """Until the stores are held: a second worker is refused."""
        self.wait_for(os.path.join(data, 'catalog.db'))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            other = subprocess.run([reelscli.EXECUTABLE, 'worker', '--data', data, '--settle'],
                                   env=reelscli.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                                   check=False)
            if other.returncode == 1:
                self.assertRegex(other.stderr.decode(), r'\A(?:' + reelscli.MESSAGE.pattern + r')\Z')
                return
            self.assertIsNone(process.poll())
        self.fail('the worker does not hold its data')

    def test_settles_a_new_platform(self):
        out, _ = self.reels('worker', '--data', self.path('data'), '--settle')
        self.assertEqual(out, '')
        self.assertTrue(os.path.isfile(self.path('data', 'catalog.db')))
        self.reels('worker', '--data', self.path('data'), '--settle')

    def test_signals_end_it_well(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number):
                data = self.path(f'data-{number}')
                process = self.start('--data', data)
                self.wait_running(process, data)
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                self.assertEqual((process.returncode, out, err), (0, b'', b''))
                self.reels('worker', '--data', data, '--settle')

    def test_a_killed_worker_leaves_a_platform_that_opens(self):
        data = self.path('data')
        process = self.start('--data', data)
        self.wait_running(process, data)
        process.kill()
        process.communicate(timeout=60)
        self.reels('worker', '--data', data, '--settle')

    def test_a_configuration_says_the_same(self):
        config = self.write('config.json', json.dumps(
            {'data_path': self.path('data'), 'region': 3, 'partitions_count': 2}).encode())
        self.reels('worker', '--config', config, '--settle', '--roles', 'relay,counter', '--threads', '1')
        self.assertTrue(os.path.isfile(self.path('data', 'catalog.db')))

    def test_bad_configurations_are_failures(self):
        cases = {
            'empty': b'', 'words': b'dear diary', 'list': b'[]', 'cut': b'{"data_path": "x"',
            'stranger': b'{"data_path": "x", "no_such_member": 1}',
            'type': b'{"data_path": 1}', 'nothing': b'{}', 'latin': b'{"data_path": "\xff"}',
            'deep': b'{"data_path": ' + b'[' * 30000, 'long': b' ' * 70000,
        }
        for name, data in cases.items():
            with self.subTest(name=name):
                self.reels('worker', '--config', self.write(name, data), '--settle', status=1)
        for path in (self.path('missing'), self.folder):
            self.reels('worker', '--config', path, '--settle', status=1)

    def test_data_that_is_no_folder_is_a_failure(self):
        file = self.write('file', b'as it was')
        for path in (file, os.path.join(file, 'below'), '/proc/data'):
            with self.subTest(path=path):
                self.reels('worker', '--data', path, '--settle', status=1)
        with open(file, 'rb') as again:
            self.assertEqual(again.read(), b'as it was')

    def test_wrong_usage_is_status_2(self):
        for words in ((), ('--data', 'a', '--config', 'b'), ('--data', 'a', '--roles', 'x'),
                      ('--data', 'a', '--roles', 'relay,'), ('--data', 'a', '--roles', ',relay'),
                      ('--data', 'a', '--roles', 'rel'), ('--data', 'a', '--threads', '0'),
                      ('--data', 'a', '--threads', '65'), ('--data', 'a', 'b')):
            with self.subTest(words=words):
                self.reels('worker', *words, status=2)


if __name__ == '__main__':
    unittest.main()
