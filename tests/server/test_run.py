"""Holds examples/platform/run to what its usage says. The script is copied to a checkout of its own, in which
everything is built already."""

import os
import shutil
import signal
import subprocess
import unittest

import platform_server
from platform_server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
PLATFORM = os.path.join(HERE, '..', '..', 'examples', 'platform')
SCRIPT = os.path.join(PLATFORM, 'run')


class Run(unittest.TestCase):
    def setUp(self):
        if not shutil.which('curl') or not platform_server.has_media():
            self.skipTest('without curl or the media engine there is nothing to run')
        self.root = os.path.join(platform_server.FOLDER, self._testMethodName)
        self.data = self.root + '/data'
        self.port = platform_server.free_port()
        build = self.root + '/build/demo'
        for folder in ('examples/platform/web', 'bin', 'data'):
            os.makedirs(os.path.join(self.root, folder))
        for program, path in ((platform_server.EXECUTABLE, '/examples/platform/reels-platform'),
                              (platform_server.MEDIA_WORKER, '/src/media_worker/reels-media-worker')):
            os.makedirs(os.path.dirname(build + path))
            os.symlink(program, build + path)
        open(build + '/build.ninja', 'w').close()
        shutil.copy(SCRIPT, self.root + '/examples/platform/run')
        for nothing in ('/examples/platform/web/setup', '/bin/ninja'):
            os.symlink('/bin/true', self.root + nothing)

    def run_it(self, *arguments, port=None):
        """Exit status and output; a script that waits is ended, which is no success."""
        process = subprocess.Popen(
            [self.root + '/examples/platform/run', '--no-setup', '--data', self.data, '--port', str(port or self.port),
             *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(os.environ, PATH=self.root + '/bin:' + os.environ['PATH']), start_new_session=True)
        try:
            return process.communicate(timeout=120)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.communicate()[0], 'it waits'

    def write(self, name, content):
        path = os.path.join(self.data, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def test_a_video_that_is_refused_is_named_and_not_waited_for(self):
        if platform_server.clip() is None:
            self.skipTest('no ffmpeg to make a clip with')
        if subprocess.run([os.path.join(PLATFORM, 'web', 'setup')], capture_output=True, check=False).returncode != 0:
            self.skipTest('the libraries of the web app cannot be had: npm or its registry is missing')
        letter = self.write('letter.mp4', b'hello, this is a letter\n' * 200)
        clip = self.write('clip.mp4', platform_server.clip())
        output, status = self.run_it('--check', letter, clip)
        self.assertEqual(status, 0, output)
        self.assertIn('run: letter.mp4 was refused', output)
        self.assertIn('run: uploaded clip.mp4', output)

    def test_a_port_that_another_platform_has_is_refused(self):
        other = Server('run-other')
        try:
            letter = self.write('letter.mp4', b'hello, this is a letter\n' * 200)
            output, status = self.run_it('--check', letter, port=other.port)
            self.assertEqual(status, 1, output)
            self.assertIn('cannot be opened', output)
            self.assertNotIn('letter.mp4', output)
        finally:
            other.stop()

    def test_fresh_leaves_what_is_not_its_own(self):
        letter = self.write('letter.mp4', b'hello, this is a letter\n' * 200)
        os.makedirs(self.data + '/store')
        old = self.write('store/old', b'')
        output, status = self.run_it('--fresh', '--check', letter)
        self.assertEqual(status, 1, output)
        self.assertTrue(os.path.exists(letter))
        self.assertFalse(os.path.exists(old))
