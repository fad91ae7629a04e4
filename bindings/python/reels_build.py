"""Makes the C module reels._reels from bindings/reels_cdef.h, in cffi's API mode: the C compiler
holds every declaration against the headers of the library that is linked.

Nothing of the library is declared here. Callbacks from C take their signatures from the
declarations too.
"""

import glob
import os
import re
import subprocess

from cffi import FFI

HERE = os.path.dirname(os.path.abspath(__file__))
DECLARATIONS = os.path.join(os.path.dirname(HERE), 'reels_cdef.h')
# Function types of the library that Python implements: see src/reels/_callbacks.py.
CALLBACKS = ('reader', 'sink', 'media_read', 'transcode_progress', 'playlist_url')


def pkg_config(*arguments):
    command = [os.environ.get('PKG_CONFIG', 'pkg-config'), *arguments, 'reels']
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL).stdout.split()
    except (OSError, subprocess.CalledProcessError) as problem:
        detail = getattr(problem, 'stderr', None) or problem
        raise SystemExit(f'libreels was not found by pkg-config: {detail}') from None


def library_version():
    return pkg_config('--modversion')[0]


def version_number(text):
    major, minor, patch = (int(part) for part in text.split('.'))
    return major * 1000000 + minor * 1000 + patch


def callback_declarations(text):
    found = []
    for name in CALLBACKS:
        match = re.search(rf'^typedef (\w+) \(\*reels_{name}_fn\)(\(.*\));$', text, re.MULTILINE)
        found.append(f'{match[1]} reels_python_{name}{match[2]};')
    # The log is a slot of its hook.
    log = re.search(r'typedef struct reels_log \{.*?(\w+) \(\*write\)(\([^)]*\));', text, re.DOTALL)
    found.append(f'{log[1]} reels_python_log{log[2]};')
    return 'extern "Python" {\n' + '\n'.join(found) + '\n}\n'


def media_functions(folder):
    """What a library without media does not export: the functions of these headers."""
    names = set()
    for path in [*glob.glob(os.path.join(folder, 'hls', '*.h')), os.path.join(folder, 'media.h')]:
        with open(path, encoding='utf-8') as file:
            names |= set(re.findall(r'^REELS_API[^;(]*?\b(reels_\w+)\s*\(', file.read(), re.MULTILINE))
    return names


def declarations():
    with open(DECLARATIONS, encoding='utf-8') as file:
        text = file.read()
    if pkg_config('--variable=reels_has_media') == ['0']:
        folders = [flag[2:] for flag in pkg_config('--cflags-only-I')] + ['/usr/include', '/usr/local/include']
        folder = next(path for path in (os.path.join(folder, 'reels') for folder in folders)
                      if os.path.exists(os.path.join(path, 'reels.h')))
        names = '|'.join(media_functions(folder))
        text = re.sub(rf'^[\w *]*?\b({names})\(.*\);$', '', text, flags=re.MULTILINE)
    return text


def make_builder():
    text = declarations()
    builder = FFI()
    builder.cdef(text)
    builder.cdef(callback_declarations(text))
    builder.cdef('static const uint32_t reels_python_built_version;')
    builder.set_source(
        'reels._reels',
        '#include <reels/reels.h>\n'
        f'static const uint32_t reels_python_built_version = {version_number(library_version())};\n',
        include_dirs=[flag[2:] for flag in pkg_config('--cflags-only-I')],
        library_dirs=[flag[2:] for flag in pkg_config('--libs-only-L')],
        libraries=[flag[2:] for flag in pkg_config('--libs-only-l')])
    return builder


ffi_builder = make_builder()
