"""Owns what the parts share: the report, running a program with its cost measured, the real media and
clips to stand for them.

A program is reaped by wait4, so that its cost is that of itself and of what it reaped: `reels` and its
media worker. Time is judged by the CPU; the wall clock only with the share of a CPU that a program of
ours gets just then, which a reference run tells."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SHARED = os.environ.get('REELS_SHARED_DIR') or os.path.join(os.path.dirname(ROOT), 'shared')

# The one form of a message: a line, its subject, its reason, and nothing that a terminal obeys.
MESSAGE = re.compile(r'reels: [^\x00-\x1f\x7f-\x9f]+: [^\x00-\x1f\x7f-\x9f]+\n')
# Where nothing says less: more than any clip of the collection takes on a busy machine.
TIMEOUT_S = 600


class Skip(Exception):
    """What a case needs is not on this machine."""


class Tap:
    """Cases as they come; the plan is last."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def line(self, ok, name, note=''):
        self.count += 1
        self.failed += not ok
        print(f'{"ok" if ok else "not ok"} {self.count} - {name}{note}', flush=True)

    def comment(self, text):
        for row in str(text).splitlines():
            print('# ' + row, flush=True)

    def case(self, name, check, *args):
        """Runs check(*args); what it gives is a remark, and what it raises fails this case alone."""
        begun = time.monotonic()
        try:
            remark = check(*args)
        except Skip as why:
            self.line(True, name, f' # SKIP {why}')
        except Exception as fault:
            self.line(False, name)
            self.comment(f'{type(fault).__name__}: {fault}')
        else:
            self.line(True, name)
            self.comment(f'{time.monotonic() - begun:.1f} s; {remark or ""}')

    def skip(self, name, why):
        self.line(True, name, f' # SKIP {why}')

    def end(self):
        print(f'1..{self.count}', flush=True)
        return 1 if self.failed else 0


class Done:
    """How a program ended, and what it cost."""

    def __init__(self, status, usage, wall_s, out, err, timed_out):
        self.status = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.rss_bytes = usage.ru_maxrss * 1024
        self.wall_s = wall_s
        self.out = out
        self.err = err
        self.timed_out = timed_out

    def __str__(self):
        return (f'status {self.status}{", stopped" if self.timed_out else ""}, {self.wall_s:.2f} s, '
                f'CPU {self.cpu_s:.2f} s, {self.rss_bytes >> 20} MiB, stderr {self.err[-600:]!r}')


def run(words, timeout_s=TIMEOUT_S, env=None):
    """Runs a program in a session of its own and waits; past its time, the whole session is killed."""
    timed_out = []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   start_new_session=True, env=env)

        def stop():
            timed_out.append(True)
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout_s, stop)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - begun
        out.seek(0)
        err.seek(0)
        return Done(status, usage, wall_s, out.read().decode('utf-8', 'replace'),
                    err.read().decode('utf-8', 'replace'), bool(timed_out))


class Bench:
    """A folder to work in, and the command under test."""

    def __init__(self, executable, only=()):
        self.executable = os.path.abspath(executable)
        self.only = set(only)
        self.folder = None
        self.numbers = iter(range(1, 1 << 30))

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='reels-ladders-')
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        """A path where nothing is yet."""
        return os.path.join(self.folder, f'{next(self.numbers)}-{name}')

    @staticmethod
    def discard(out):
        """Takes a tree away whose case has passed: the whole collection would fill a small disk."""
        shutil.rmtree(out)

    def reels(self, *words, **how):
        return run([self.executable, *words], **how)

    def slowdown(self):
        """How much longer than its CPU time a short run of the command takes just now: 1 or more."""
        done = self.reels('transcode', '--json', made_clip(self, 'short'), self.path('reference'))
        assert done.status == 0, f'the reference run failed: {done}'
        return max(1.0, done.wall_s / max(done.cpu_s, 0.001))

    def transcode(self, path, out=None):
        """A ladder of a clip that must have one; gives (folder, what --json said)."""
        out = out or self.path('ladder')
        done = self.reels('transcode', '--json', path, out)
        assert done.status == 0, f'transcode: {done}'
        assert done.err == '', f'transcode succeeded, and said {done.err!r}'
        return out, json.loads(done.out)

    def verify(self, out):
        """(whether it passed, codes of errors, report) with exit status and report in agreement."""
        done = self.reels('verify', '--json', out)
        assert done.status in (0, 1), f'verify: {done}'
        report = json.loads(done.out)
        errors = [finding for finding in report['findings'] if finding['severity'] == 'error']
        assert (done.status == 0) == report['ok'] == (report['errors'] == 0) == (not errors), \
            f'verify contradicts itself: {done} {done.out}'
        if done.status == 1:
            assert MESSAGE.fullmatch(done.err), f'verify failed, and said {done.err!r}'
        return report['ok'], sorted({finding['code'] for finding in errors}), report

    def files(self, *folders):
        """Paths of the collection in order, or a Skip where it is absent."""
        found = []
        for folder in folders:
            path = os.path.join(SHARED, 'media', folder)
            if not os.path.isdir(path):
                raise Skip(f'shared/media/{folder} is absent')
            found += [os.path.join(path, name) for name in sorted(os.listdir(path))]
        return [path for path in found if not self.only or os.path.basename(path) in self.only]


# Each stands for a file of the collection where that is absent: (pictures, sound, encoder).
MADE = {
    'short': ('testsrc2=size=180x320:rate=25:duration=1', 'sine=frequency=440:duration=1', 'libx264', 'mp4'),
    'vertical': ('testsrc2=size=720x1280:rate=30:duration=6', 'sine=frequency=330:duration=6', 'libx264', 'mp4'),
    'landscape': ('testsrc2=size=1280x720:rate=30:duration=5', 'sine=frequency=550:duration=5', 'libx264', 'mp4'),
    'odd': ('testsrc2=size=361x641:rate=30:duration=4', 'sine=frequency=660:duration=4', 'libvpx', 'webm'),
    'silent': ('testsrc2=size=480x854:rate=25:duration=5', None, 'libx264', 'mp4'),
    'audio': (None, 'sine=frequency=440:duration=5', None, 'm4a'),
}
_made = {}


def made_clip(bench, kind):
    """A clip made on the spot, once."""
    key = (bench.folder, kind)
    if key not in _made:
        if shutil.which('ffmpeg') is None:
            raise Skip('ffmpeg is not installed')
        pictures, sound, encoder, kind_of_file = MADE[kind]
        path = os.path.join(bench.folder, f'{kind}.{kind_of_file}')
        words = ['ffmpeg', '-v', 'error', '-y']
        for source in filter(None, (pictures, sound)):
            words += ['-f', 'lavfi', '-i', source]
        if pictures:
            words += ['-c:v', encoder, '-pix_fmt', 'yuv420p', '-b:v', '2M']
            words += ['-preset', 'ultrafast'] if encoder == 'libx264' else ['-deadline', 'realtime']
        words += ['-c:a', 'libvorbis' if kind_of_file == 'webm' else 'aac'] if sound else []
        done = run(words + [path])
        assert done.status == 0, f'ffmpeg: {done}'
        _made[key] = path
    return _made[key]


def real_or_made(bench, kind, name):
    """A file of the collection, or a clip made in its stead."""
    path = os.path.join(SHARED, 'media', *name.split('/'))
    return path if os.path.isfile(path) else made_clip(bench, kind)


if sys.version_info < (3, 9):
    raise SystemExit('Python 3.9 or later is needed')
