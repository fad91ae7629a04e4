"""Players that people use play ladders to the end: mpv, ffmpeg, GStreamer, Chromium by itself and with
hls.js. A player that is not installed is a skip."""

import json
import os
import re
import shutil
import urllib.request

import ladder
from ladder import HERE, ROOT, Skip
from serve import Server

VENDOR = os.path.join(ROOT, 'examples', 'platform', 'web', 'assets', 'vendor')
# One of each kind that people post: (kind, file of the collection).
CLIPS = [
    ('vertical', 'typical/v_rug_pattern_720x1280.mp4'),
    ('landscape', 'typical/h_bee_1280x720.mp4'),
    ('odd', None),
    ('silent', 'odd/party_no_audio_426x240.mp4'),
    ('audio', 'odd/amrwb_16khz_mono.3gp'),
]
BYTES = re.compile(r'^#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)$', re.MULTILINE)
PLAYER_S = 240
# Sound ends up to one AAC frame after the pictures, and players count it in.
NEAR_S = 0.25
# mpv tells the time of what leaves its sound buffer, and hears of the end before the last of it.
MPV_NEAR_S = 0.5


class Ladder:
    """A tree that is served, and what of it a player has fetched."""

    def __init__(self, kind, folder, told, server):
        self.kind = kind
        self.folder = folder
        self.server = server
        self.duration_s = told['duration_us'] / 1e6
        self.pictures = bool(told['rungs'])
        self.frames = told['frames']
        self.url = f'http://127.0.0.1:{server.server_address[1]}/{kind}/master.m3u8'
        server.mounts[kind] = folder

    def fetched(self):
        """(files fetched whole, the others): those of pictures and of sound, with the sizes that their
        playlists promise."""
        whole, rest = [], []
        for name in sorted(os.listdir(self.folder)):
            if not name.endswith('.m3u8') or name == 'master.m3u8':
                continue
            with open(os.path.join(self.folder, name), encoding='utf-8') as file:
                found = BYTES.findall(file.read())
            size = max(int(at) + int(count) for count, at, _ in found)
            media = found[0][2]
            assert {uri for _, _, uri in found} == {media}, f'{name} names several files'
            (whole if self.server.was_read(f'/{self.kind}/{media}', size) else rest).append(name[:-5])
        return whole, rest

    def was_played(self, every_rung=False):
        """One rung and the sound, or all, came to the player whole, and nothing was asked for in vain."""
        refused = self.server.refused()
        assert not refused, f'asked for in vain: {refused}'
        whole, rest = self.fetched()
        assert whole and not (every_rung and rest), f'fetched whole: {whole}, and not: {rest}'
        if self.pictures:
            assert any(name.startswith('v') for name in whole), f'no rung of pictures was fetched whole: {whole}'
        assert not any(name.startswith('a') for name in rest), f'the sound was not fetched whole: {whole}'
        return 'fetched ' + ' '.join(whole)


def needs(program):
    if shutil.which(program) is None:
        raise Skip(f'{program} is not installed')


def mpv(one):
    needs('mpv')
    done = ladder.run(['mpv', '--no-config', '--vo=null', '--ao=null', '--untimed', '--msg-level=all=error',
                       '--script=' + os.path.join(HERE, 'ends.lua'), one.url], timeout_s=PLAYER_S)
    assert done.status == 0, done
    told = json.loads(re.search(r'^\{.*\}$', done.out, re.MULTILINE).group(0))
    assert told['reason'] == 'eof', told
    assert told['time_s'] > one.duration_s - MPV_NEAR_S, f'{told} of {one.duration_s} s'
    return f'{told["time_s"]:.2f} of {one.duration_s:.2f} s, {one.was_played()}'


def ffmpeg(one):
    needs('ffmpeg')
    done = ladder.run(['ffmpeg', '-v', 'error', '-nostats', '-progress', 'pipe:1', '-xerror', '-i', one.url,
                       '-map', '0', '-f', 'null', '-'], timeout_s=PLAYER_S)
    assert done.status == 0 and done.err == '', done
    reached = max(int(number) for number in re.findall(r'^out_time_us=(\d+)$', done.out, re.MULTILINE)) / 1e6
    assert abs(reached - one.duration_s) < NEAR_S, f'{reached} of {one.duration_s} s'
    return f'{reached:.2f} of {one.duration_s:.2f} s, {one.was_played(every_rung=True)}'


def gstreamer(one):
    # With the speed given it begins with the best rung and stays: see src/hls/README.md.
    needs('gst-launch-1.0')
    done = ladder.run(['gst-launch-1.0', '--no-position', 'playbin', 'uri=' + one.url, 'connection-speed=100000',
                       'video-sink=fakesink sync=false', 'audio-sink=fakesink sync=false'], timeout_s=PLAYER_S)
    assert done.status == 0, done
    assert 'Got EOS' in done.out and 'ERROR' not in done.out + done.err, f'{done} {done.out[-400:]!r}'
    return one.was_played()


def notices_what_is_missing(one):
    """The check itself: who fetched but half of a rung has not played it, who fetched the rest has."""
    def fetch(name, first, last):
        request = urllib.request.Request(f'{one.url.rpartition("/")[0]}/{name}', headers={'Range': f'bytes={first}-{last}'})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return len(answer.read())

    names = [name for name in os.listdir(one.folder) if name.endswith('.mp4')]
    sizes = {name: os.path.getsize(os.path.join(one.folder, name)) for name in names}
    one.server.forget()
    for name in names:
        fetch(name, 0, sizes[name] // 2 - 1)
    try:
        said = one.was_played()
    except AssertionError:
        pass
    else:
        raise AssertionError(f'halves were taken for the whole: {said}')
    for name in names:
        fetch(name, sizes[name] // 2, sizes[name] - 1)
    return one.was_played(every_rung=True)


def browser_setup():
    """Installs what the browser's side needs, where its registry can be reached."""
    for program in ('node', 'npm', 'chromium'):
        needs(program)
    for setup in (os.path.join(ROOT, 'tests', 'browser', 'setup'),
                  os.path.join(ROOT, 'examples', 'platform', 'web', 'setup')):
        if ladder.run([setup]).status != 0:
            raise Skip('the npm registry cannot be reached')


def check_browser(one, seen):
    if seen is None:
        raise AssertionError('the browser said nothing of it')
    if seen['way'] == 'native' and seen.get('native') == '':
        raise Skip('this Chromium has no HLS of its own')
    times = [time for time, _ in seen['looks']]
    frames = [frames for _, frames in seen['looks']]
    short = f'{max(times, default=0):.2f} of {one.duration_s:.2f} s, {max(frames, default=0)} frames'
    assert seen.get('error') is None, f'{seen["error"]}; {short}'
    assert seen['ended'], f'it did not end: {short}'
    assert times == sorted(times), f'time went back: {times}'
    assert len({round(at, 1) for at in times}) >= min(4, one.duration_s), f'time did not advance step by step: {times}'
    assert abs(times[-1] - one.duration_s) < NEAR_S, short
    if one.pictures:
        assert frames == sorted(frames), f'frames went back: {frames}'
        assert len(set(frames)) >= 4, f'frames did not grow step by step: {frames}'
        assert frames[-1] >= 0.9 * one.frames, f'{short} of {one.frames}'
        assert seen['width'] > 0 and seen['height'] > 0, seen
    return short + (f' of {one.frames}, {seen["width"]}x{seen["height"]}' if one.pictures else '')


def browser(tap, server, ladders):
    try:
        browser_setup()
    except Skip as why:
        tap.skip('Chromium plays ladders', why)
        return
    server.forget()
    done = ladder.run(['node', os.path.join(HERE, 'browser.mjs'), f'http://127.0.0.1:{server.server_address[1]}'] +
                      [f'{one.kind}={one.duration_s:.3f}' for one in ladders], timeout_s=2 * PLAYER_S)
    seen = {}
    for line in done.out.splitlines():
        told = json.loads(line)
        seen[told['ladder'], told['way']] = told
    for one in ladders:
        for way in ('hls.js', 'native'):
            tap.case(f'{one.kind} ladder plays in Chromium, {way}', check_browser, one, seen.get((one.kind, way)))
    if done.status != 0 or server.refused():
        tap.line(False, 'Chromium ended well and got all that it asked for')
        tap.comment(f'{done}; {server.refused()}')


def make(bench, kind, name, server):
    clip = ladder.real_or_made(bench, kind, name) if name else ladder.made_clip(bench, kind)
    folder, told = bench.transcode(clip)
    return Ladder(kind, folder, told, server)


def run(tap, bench):
    ladders = []
    with Server({'here': HERE, 'vendor': VENDOR}) as server:
        for kind, name in CLIPS:
            if bench.only and kind not in bench.only:
                continue
            try:
                one = make(bench, kind, name, server)
            except Skip as why:
                tap.skip(f'{kind} ladder plays', why)
                continue
            ladders.append(one)
            for player in (mpv, ffmpeg, gstreamer):
                server.forget()
                tap.case(f'{kind} ladder plays in {player.__name__}', player, one)
        for one in ladders[:1]:
            tap.case('a player that skips is noticed', notices_what_is_missing, one)
        if ladders:
            browser(tap, server, ladders)
