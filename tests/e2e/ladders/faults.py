"""`reels verify` on good trees with one fault each. Every fault is planted twice: as it is, and in a tree
without the checksums that our packager notes, so that the fault itself is found and not only its bytes."""

import os
import re
import shutil

import ladder

CHECKSUM = re.compile(r'^#reels-xxh3:.*\n', re.MULTILINE)
SEGMENT = re.compile(r'(?:#reels-xxh3:(?P<sum>\w+)\n)?#EXTINF:(?P<seconds>[\d.]+),\n'
                     r'#EXT-X-BYTERANGE:(?P<bytes>\d+)@(?P<at>\d+)\n(?P<uri>\S+)\n')
VARIANT = re.compile(r'#EXT-X-STREAM-INF:(?P<attributes>.*)\n(?P<uri>\S+)\n')


class Tree:
    """A copy of a tree to plant a fault in."""

    def __init__(self, good, folder):
        self.folder = folder
        shutil.copytree(good, folder)
        found = VARIANT.findall(self.read('master.m3u8'))
        # Best first.
        found.sort(key=lambda one: -int(re.search(r'\bBANDWIDTH=(\d+)', one[0]).group(1)))
        self.variants = [uri for _, uri in found]

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()

    def write(self, name, text):
        assert text != self.read(name), f'the fault changed nothing in {name}'
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def segments(self, name):
        found = list(SEGMENT.finditer(self.read(name)))
        assert len(found) >= 2, f'{name} has {len(found)} segments: too few to plant a fault'
        return found

    def change_bytes(self, name, at, data):
        with open(self.path(name), 'r+b') as file:
            file.seek(at)
            assert file.read(len(data)) != data, 'the fault changed no byte'
            file.seek(at)
            file.write(data)

    def without_checksums(self):
        for name in os.listdir(self.folder):
            if name.endswith('.m3u8'):
                with open(self.path(name), 'r+', encoding='utf-8') as file:
                    text = CHECKSUM.sub('', file.read())
                    file.seek(0)
                    file.truncate()
                    file.write(text)


def damaged(tree):
    """The middle half of a segment's pictures is noise."""
    one = tree.segments(tree.variants[0])[1]
    size = int(one['bytes'])
    noise = bytes((i * 197 + (i >> 3) * 31 + 89) & 255 for i in range(size // 2))
    tree.change_bytes(one['uri'], int(one['at']) + size // 4, noise)


def damaged_sound(tree):
    one = tree.segments('a128.m3u8')[0]
    size = int(one['bytes'])
    noise = bytes((i * 197 + (i >> 3) * 31 + 89) & 255 for i in range(size // 2))
    tree.change_bytes(one['uri'], int(one['at']) + size // 3, noise)


def cut_short(tree):
    """The last segment's bytes are not all there."""
    last = tree.segments(tree.variants[0])[-1]
    os.truncate(tree.path(last['uri']), int(last['at']) + int(last['bytes']) // 2)


def missing_file(tree):
    os.remove(tree.path(tree.segments(tree.variants[1])[0]['uri']))


def missing_entry(tree):
    """A segment is not in the playlist of one rung."""
    name = tree.variants[1]
    tree.write(name, tree.read(name).replace(tree.segments(name)[0].group(0), '', 1))


def swapped(tree):
    """Two segments change places, with all that is said of them."""
    name = tree.variants[0]
    first, second = (found.group(0) for found in tree.segments(name)[:2])
    tree.write(name, tree.read(name).replace(first + second, second + first, 1))


def mislabelled_segment(tree):
    """One segment of a rung is that of the next lower rung."""
    better, lower = tree.variants[:2]
    mine, other = tree.segments(better)[1], tree.segments(lower)[1]
    tree.write(better, tree.read(better).replace(mine.group(0), other.group(0), 1))


def mislabelled_rung(tree):
    """Two rungs are named for each other in the master playlist."""
    better, lower = tree.variants[:2]
    text = tree.read('master.m3u8').replace(better, '\0').replace(lower, better).replace('\0', lower)
    tree.write('master.m3u8', text)


def mislabelled_codec(tree):
    text = tree.read('master.m3u8')
    tree.write('master.m3u8', re.sub(r'avc1\.[0-9a-f]{6}', 'avc1.42c00d', text, count=1))


def wrong_extinf(tree):
    """A fifth of a second more than the samples last."""
    change_seconds(tree, 0, 0.2)


def borrowed_extinf(tree):
    """Two wrong ones whose sum is right."""
    change_seconds(tree, 0, -0.1)
    change_seconds(tree, 1, 0.1)


def change_seconds(tree, which, by_s):
    name = tree.variants[0]
    one = tree.segments(name)[which]
    said = f'#EXTINF:{one["seconds"]},'
    changed = one.group(0).replace(said, f'#EXTINF:{float(one["seconds"]) + by_s:.6f},')
    tree.write(name, tree.read(name).replace(one.group(0), changed, 1))


def understated(tree):
    """The best rung needs a twentieth more than BANDWIDTH says."""
    text = tree.read('master.m3u8')
    most = max(int(number) for number in re.findall(r'[:,]BANDWIDTH=(\d+)', text))
    tree.write('master.m3u8', re.sub(rf'([:,])BANDWIDTH={most}\b', rf'\g<1>BANDWIDTH={int(most / 1.05)}', text))


# Each with the codes of findings of which one must be there, in a tree without checksums.
FAULTS = [
    (damaged, {'decode', 'box'}),
    (damaged_sound, {'decode'}),
    (cut_short, {'byterange'}),
    (missing_file, {'file_missing'}),
    (missing_entry, {'alignment', 'decode_time'}),
    (swapped, {'decode_time', 'alignment'}),
    (mislabelled_segment, {'average_bandwidth', 'decode'}),
    (mislabelled_rung, {'bandwidth', 'resolution'}),
    (mislabelled_codec, {'codecs'}),
    (wrong_extinf, {'extinf'}),
    (borrowed_extinf, {'extinf'}),
    (understated, {'bandwidth'}),
]


def is_good(bench, good):
    ok, codes, report = bench.verify(good)
    assert ok and report['warnings'] == 0, f'{codes}: {report["findings"][:5]}'
    bare = Tree(good, bench.path('bare'))
    bare.without_checksums()
    assert 'reels-xxh3' not in bare.read(bare.variants[0])
    ok, codes, report = bench.verify(bare.folder)
    assert ok, f'without checksums: {codes}: {report["findings"][:5]}'
    return f'{len(bare.variants)} rungs, {report["segments"]} segments'


def is_found(bench, good, plant, expected, with_checksums):
    tree = Tree(good, bench.path('tree'))
    if not with_checksums:
        tree.without_checksums()
    plant(tree)
    ok, codes, _ = bench.verify(tree.folder)
    bench.discard(tree.folder)
    assert not ok, 'verify passed'
    if with_checksums:
        expected = expected | {'checksum'}
    assert expected & set(codes), f'found as {codes}, not as one of {sorted(expected)}'
    return ', '.join(codes)


def run(tap, bench):
    try:
        clip = ladder.real_or_made(bench, 'landscape', 'typical/h_bee_1280x720.mp4')
    except ladder.Skip as why:
        tap.skip('faults in good trees', why)
        return
    good, _ = bench.transcode(clip)
    tap.comment(f'trees of {os.path.basename(clip)}')
    tap.case('a good tree passes, and without its checksums', is_good, bench, good)
    for plant, expected in FAULTS:
        for with_checksums in (True, False):
            name = plant.__name__.replace('_', ' ') + ('' if with_checksums else ', without checksums')
            tap.case(name, is_found, bench, good, plant, expected, with_checksums)
