"""Real files that people could upload: each becomes a ladder that verifies, or is refused for a reason
that is written here. tests/unit/media/test_zoo.c says the same of the library; this is the command."""

import os
import re

from ladder import MESSAGE, Skip

# Files that are refused, and what the message must say of it.
REFUSED = {
    'ac4_audio.mp4': r"codec 'ac-4'",
    'heic_motion_photo.heic': r'it is an AVIF or HEIF picture',
    'iamf_5p1_opus.mp4': r"codec 'iamf'",
    'jpeg_renamed_to_mp4.mp4': r'it is a JPEG picture',
    'long_362s_1080p_h264.mp4': r'it lasts 362\.\d+ s, the limit is 90 s',
    'long_362s_1080p_noaudio.mp4': r'it lasts 362\.\d+ s, the limit is 90 s',
    'm4b_audiobook.m4a': r'it lasts 991\.\d+ s, the limit is 90 s',
    'mp4_annexb_truncated_100k.mp4': r'the file is cut short',
    'vvc_320x180.mp4': r"codec 'vvc1'",
}


def becomes_a_ladder(bench, path):
    out, told = bench.transcode(path)
    for name in (told['master'], told['cover']):
        assert os.path.getsize(os.path.join(out, name)) > 0, f'{name} is empty'
    names = os.listdir(out)
    assert told['files'] == len(names), f'{told["files"]} files told, {sorted(names)} are there'
    ok, codes, report = bench.verify(out)
    assert ok, f'{codes}: {report["findings"][:5]}'
    assert report['frames'] > 0, 'verify decoded nothing'
    sizes = ' '.join(f'{rung["width"]}x{rung["height"]}' for rung in told['rungs'])
    bench.discard(out)
    return (f'{told["duration_us"] / 1e6:.2f} s, rungs {sizes or "of sound alone"}, '
            f'{report["warnings"]} warnings')


def is_refused(bench, path, reason):
    out = bench.path('ladder')
    done = bench.reels('transcode', '--json', path, out)
    assert done.status == 1, f'not refused: {done}'
    assert done.out == '', f'refused, and printed {done.out!r}'
    assert MESSAGE.fullmatch(done.err), f'not one clear line: {done.err!r}'
    assert re.search(reason, done.err), f'not for its reason, {reason}: {done.err!r}'
    assert not os.path.lexists(out), f'left {os.listdir(out)}'
    return done.err.replace(path, os.path.basename(path))


def run(tap, bench):
    try:
        files = bench.files('typical', 'odd')
        files += [path for path in bench.files('attack') if os.path.basename(path).startswith('ok_')]
    except Skip as why:
        tap.skip('playable files of shared/media', why)
        return
    for path in files:
        folder, name = path.split(os.sep)[-2:]
        if name in REFUSED:
            tap.case(f'{folder}/{name} is refused', is_refused, bench, path, REFUSED[name])
        else:
            tap.case(f'{folder}/{name} becomes a ladder that verifies', becomes_a_ladder, bench, path)
