"""Owns what the cases share: a context, a clip made by ffmpeg, folders that are removed."""

import functools
import os
import shutil
import subprocess
import tempfile
import unittest

import reels

WORKER = os.environ.get('REELS_MEDIA_WORKER') or None
needs_media = unittest.skipUnless(reels.has_feature('media'), 'this build has no media')


@functools.lru_cache
def clip():
    """Bytes of 4 s of moving pictures with sound."""
    with tempfile.TemporaryDirectory(prefix='reels-python-') as folder:
        path = os.path.join(folder, 'clip.mp4')
        subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-f', 'lavfi', '-i',
                        'testsrc2=size=360x640:rate=30:duration=4', '-f', 'lavfi', '-i',
                        'sine=frequency=440:duration=4', '-c:v', 'libx264', '-preset', 'ultrafast',
                        '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', '+faststart', path],
                       check=True, stdin=subprocess.DEVNULL)
        with open(path, 'rb') as file:
            return file.read()


class Case(unittest.TestCase):
    def setUp(self):
        self.context = reels.Context()
        self.addCleanup(self.context.close)
        self.folder = tempfile.mkdtemp(prefix='reels-python-')
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def clip_path(self):
        path = self.path('clip.mp4')
        if not os.path.exists(path):
            with open(path, 'wb') as file:
                file.write(clip())
        return path
