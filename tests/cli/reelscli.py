"""Owns what the tests of the command share: running it in a clean environment, the rules that every
run must obey, and clips to work on."""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

EXECUTABLE = None
HAS_MEDIA = False
FOLDER = tempfile.mkdtemp(prefix='reels-cli-')
STATE = os.path.join(FOLDER, 'state-home')
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get('REELS_SHARED_DIR') or os.path.join(os.path.dirname(ROOT), 'shared')

# The one form of a message: a line, its subject, its reason, and nothing that a terminal obeys.
MESSAGE = re.compile(r'reels: [^\x00-\x1f\x7f-\x9f]+: [^\x00-\x1f\x7f-\x9f]+\n')

TIMEOUT_S = 120

# A sanitizer's own failure must not pass for one of the command.
SANITIZER_EXIT = 99


def configure(executable, has_media):
    global EXECUTABLE, HAS_MEDIA
    EXECUTABLE = os.path.abspath(executable)
    HAS_MEDIA = has_media


def clean():
    shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(clean)


def environment(**changes):
    env = {key: value for key, value in os.environ.items() if not key.startswith('XDG_')}
    env.update(HOME=os.path.join(FOLDER, 'home'), XDG_STATE_HOME=STATE, LC_ALL='C')
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'TSAN_OPTIONS'):
        env[name] = ':'.join(filter(None, [os.environ.get(name), f'exitcode={SANITIZER_EXIT}']))
    for key, value in changes.items():
        env.pop(key, None)
        if value is not None:
            env[key] = value
    return env


def start(*words, env=None, **how):
    return subprocess.Popen([EXECUTABLE, *words], env=environment(**(env or {})),
                            stdin=subprocess.DEVNULL, **how)


class CliTest(unittest.TestCase):
    """A case with a folder of its own."""

    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=FOLDER)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def reels(self, *words, status=0, env=None, stdout=subprocess.PIPE):
        """Runs the command, holds it to its contract, and gives (stdout, stderr) as text."""
        done = subprocess.run([EXECUTABLE, *words], env=environment(**(env or {})),
                              stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                              timeout=TIMEOUT_S, check=False)
        out = (done.stdout or b'').decode('utf-8')
        err = done.stderr.decode('utf-8')
        self.assertEqual(done.returncode, status, f'{words}: {err}')
        if status == 0:
            self.assertEqual(err, '')
        else:
            self.assertRegex(err, r'\A(?:' + MESSAGE.pattern + r')\Z')
        if status == 2:
            self.assertEqual(out, '')
        return out, err

    def reels_either(self, *words):
        """The same where both success and failure are right; gives stdout of a success, or None."""
        done = subprocess.run([EXECUTABLE, *words], env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                              check=False)
        err = done.stderr.decode('utf-8')
        self.assertIn(done.returncode, (0, 1), err)
        self.assertRegex(err, r'\A(?:' + MESSAGE.pattern + r')?\Z')
        self.assertEqual(err != '', done.returncode == 1)
        return done.stdout.decode('utf-8') if done.returncode == 0 else None

    def write(self, name, data):
        path = self.path(name)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    def entries(self, path):
        return sorted(os.path.relpath(os.path.join(at, name), path)
                      for at, folders, files in os.walk(path) for name in folders + files)


_clips = {}


def clip(seconds=2, size='180x320', name='clip.mp4'):
    """A vertical clip with moving pictures and a tone, made once."""
    key = (seconds, size, name)
    if key not in _clips:
        if shutil.which('ffmpeg') is None:
            raise unittest.SkipTest('ffmpeg is not installed')
        path = os.path.join(FOLDER, f'{seconds}-{size}-{name}')
        subprocess.run(['ffmpeg', '-v', 'error', '-y',
                        '-f', 'lavfi', '-i', f'testsrc2=size={size}:rate=25:duration={seconds}',
                        '-f', 'lavfi', '-i', f'sine=frequency=440:duration={seconds}',
                        '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p',
                        '-c:a', 'aac', '-shortest', path],
                       stdin=subprocess.DEVNULL, check=True)
        _clips[key] = path
    return _clips[key]


def shared(*names):
    path = os.path.join(SHARED, *names)
    if not os.path.exists(path):
        raise unittest.SkipTest('shared/' + '/'.join(names) + ' is absent')
    return path


if not sys.version_info >= (3, 9):
    raise SystemExit('Python 3.9 or later is needed')
