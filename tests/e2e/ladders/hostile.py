"""Files that attack media software: each ends in time and within its memory with a status, leaves nothing
behind, and makes the command open nothing but what it opens for a harmless clip.

What a harmless clip makes it open is learnt from one and held against a list of its own, so that a path
out of a hostile file is a fault wherever it points, `/proc/self/environ` too."""

import json
import os
import re
import shutil
import sys

import ladder
from ladder import MESSAGE, Skip

CPU_S_MAX = 10
WALL_S_MAX = 10
RSS_BYTES_MAX = 512 << 20

WATCHED = 'open,openat,openat2,creat,socket,socketpair,connect,execve,execveat'
# What programs open before they do anything: libraries, what the kernel tells, the time zone.
SYSTEM = re.compile(r'(/usr)?/lib(32|64)?/.+|/usr/local/lib/.+|/etc/ld\.so\.\w+|/etc/localtime|/etc/gcrypt/hwf\.deny|/dev/null'
                    r'|/proc/(filesystems|self/status|sys/crypto/fips_enabled|cpuinfo|meminfo)'
                    r'|/sys/(devices/system/(cpu|node)|fs/cgroup)\b.*|.+/lib\w[\w.+-]*\.so(\.\d+)*')


def calls(trace):
    """(name, first path or None, line) of each watched call."""
    with open(trace, encoding='utf-8', errors='replace') as file:
        for line in file:
            found = re.match(r'\d+\s+(\w+)\((?:[^"]*?"((?:[^"\\]|\\.)*)")?', line)
            if found:
                yield found.group(1), found.group(2), line.strip()


class Watch:
    """Runs the command and knows what it may open."""

    def __init__(self, bench):
        self.bench = bench
        self.strace = shutil.which('strace')
        self.common = set()
        self.programs = set()
        self.slowdown = bench.slowdown()

    def traced(self, path, out):
        """The run, and its calls where strace is installed. Its cost holds that of strace."""
        words = [self.bench.executable, 'transcode', '--json', path, out]
        trace = self.bench.path('trace')
        if self.strace:
            words = [self.strace, '-f', '-qq', '--seccomp-bpf', '-e', 'trace=' + WATCHED, '-o', trace] + words
        done = ladder.run(words, timeout_s=WALL_S_MAX * self.slowdown * 4)
        found = list(calls(trace)) if self.strace else []
        if self.strace:
            os.remove(trace)
        return done, found

    def learn(self):
        clip = ladder.made_clip(self.bench, 'short')
        out = self.bench.path('ladder')
        done, found = self.traced(clip, out)
        assert done.status == 0, f'a harmless clip: {done}'
        told = json.loads(done.out)
        assert done.cpu_s * 1e6 >= 0.9 * told['cpu_us'] and done.rss_bytes >= 0.9 * told['memory_peak_bytes'], \
            f'the cost does not hold that of the worker: {done}, {done.out}'
        own = self.own(clip, out)
        self.programs = [path for name, path, _ in found if name.startswith('execve')]
        assert len(self.programs) == 2, f'it is not the command and one worker that ran: {self.programs}'
        self.common = {path for name, path, _ in found
                       if name.startswith(('open', 'creat')) and not own(path)}
        strange = [path for path in self.common if not SYSTEM.fullmatch(path)]
        assert not strange, f'for a harmless clip it opened {strange}'
        assert sum(own(path) for name, path, _ in found if name.startswith('open')) > 3, \
            'the trace shows neither the clip nor the ladder: it is none'
        faults = self.faults(found, clip, out)
        assert not faults, faults
        return f'{len(self.common)} paths, {self.slowdown:.1f} times slower than alone'

    @staticmethod
    def own(path, out):
        """Whether a path is that of the input, the output, or the folder that holds the output."""
        return lambda name: name in (path, out, os.path.dirname(out)) or \
            bool(re.fullmatch(re.escape(out) + r'/[\w.-]+', name or ''))

    def faults(self, found, path, out):
        own = self.own(path, out)
        pairs = 0
        faults = []
        for name, what, line in found:
            if name == 'socketpair':
                pairs += 1
                good = pairs == 1 and 'AF_UNIX' in line
            elif name in ('socket', 'connect'):
                good = False
            elif name.startswith('execve'):
                good = what in self.programs
            else:
                good = what in self.common or own(what)
            if not good:
                faults.append(line[:300])
        return faults

    def sees(self):
        """A program that opens a file of the system, makes a socket, and starts another: three faults."""
        if not self.strace:
            raise Skip('strace is not installed')
        script = ('import socket, subprocess\nopen("/etc/hostname")\nsocket.socket().connect_ex(("127.0.0.1", 1))\n'
                  'subprocess.run(["/bin/true"])')
        trace = self.bench.path('trace')
        ladder.run([self.strace, '-f', '-qq', '--seccomp-bpf', '-e', 'trace=' + WATCHED, '-o', trace,
                    sys.executable, '-c', script])
        faults = '\n'.join(self.faults(list(calls(trace)), 'clip', os.path.join(self.bench.folder, 'out')))
        for sign in ('"/etc/hostname"', 'socket(AF_INET', 'connect(', 'execve("/bin/true"'):
            assert sign in faults, f'{sign} was not seen'

    def ends_well(self, path):
        out = self.bench.path('ladder')
        done, found = self.traced(path, out)
        assert not done.timed_out, f'it had to be stopped: {done}'
        assert done.status in (0, 1), f'it did not end by itself: {done}'
        assert done.cpu_s < CPU_S_MAX, done
        assert done.rss_bytes < RSS_BYTES_MAX, done
        if done.wall_s >= WALL_S_MAX * self.slowdown:
            self.slowdown = max(self.slowdown, self.bench.slowdown())
        assert done.wall_s < WALL_S_MAX * self.slowdown, f'{done}, with the machine {self.slowdown:.1f} times slower'
        faults = self.faults(found, path, out)
        assert not faults, '\n'.join(faults[:5])
        if done.status == 1:
            assert done.out == '', f'failed, and printed {done.out[:200]!r}'
            assert MESSAGE.fullmatch(done.err), f'not one clear line: {done.err!r}'
            assert not os.path.lexists(out), f'left {os.listdir(out)}'
            said = done.err.strip().rpartition(os.path.basename(path) + ': ')[2]
        else:
            assert done.err == '', f'succeeded, and said {done.err!r}'
            ok, codes, report = self.bench.verify(out)
            assert ok, f'{codes}: {report["findings"][:5]}'
            self.bench.discard(out)
            said = 'a ladder that verifies'
        return f'CPU {done.cpu_s:.2f} s, {done.rss_bytes >> 20} MiB: {said}'


def run(tap, bench):
    try:
        files = bench.files('bad', 'attack')
        watch = Watch(bench)
    except Skip as why:
        tap.skip('hostile files of shared/media', why)
        return
    if not watch.strace:
        tap.skip('what is opened is watched', 'strace is not installed')
    else:
        tap.case('a harmless clip opens what belongs to it', watch.learn)
        tap.case('a file, a socket and a program from elsewhere are seen', watch.sees)
    for path in files:
        tap.case('/'.join(path.split(os.sep)[-2:]) + ' ends in time and opens nothing', watch.ends_well, path)
