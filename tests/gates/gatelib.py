"""What the gates share: the tree they look at, the declarations of the public headers, a reader of C
that tells code from comments and strings, and TAP output.

A gate takes --root (the tree, by default this checkout) and, where it looks at binaries, --build.
tests/gates/selftest hands each of them a broken copy.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED_FOLDERS = re.compile(r'^(\.?build.*|\.git|__pycache__|node_modules|.*\.egg-info)$')


class Gate:
    """Collects cases and prints them as TAP."""

    def __init__(self, description, needs_build=False, arguments=None):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument('--root', default=os.path.dirname(os.path.dirname(HERE)))
        if needs_build:
            parser.add_argument('--build', required=True, help='Meson build folder')
        for name, settings in (arguments or {}).items():
            parser.add_argument(name, **settings)
        self.options = parser.parse_args()
        self.root = os.path.abspath(self.options.root)
        self.build = os.path.abspath(self.options.build) if needs_build else None
        self.cases = []

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def read(self, *parts):
        with open(self.path(*parts), encoding='utf-8') as file:
            return file.read()

    def case(self, name, problems=(), advice=None):
        """Passes when there are no problems; each problem is one line."""
        self.cases.append((name, list(problems), advice))

    def finish(self):
        print(f'1..{len(self.cases)}')
        failed = False
        for number, (name, problems, advice) in enumerate(self.cases, 1):
            failed = failed or bool(problems)
            print(f"{'not ok' if problems else 'ok'} {number} - {name}")
            for problem in problems:
                print(f'# {problem}')
            if problems and advice:
                print(f'# -> {advice}')
        sys.exit(1 if failed else 0)

    def files(self, *suffixes, under=''):
        """Paths of the tree relative to its root: what Git tracks or would, or, in a copy without
        Git, whatever lies there."""
        status, text = run(['git', '-C', self.root, 'ls-files', '--cached', '--others',
                            '--exclude-standard']) if os.path.exists(self.path('.git')) else (1, '')
        names = [name for name in text.splitlines() if os.path.isfile(self.path(name))]
        if status != 0:
            names = []
            for folder, folders, here in os.walk(self.root):
                folders[:] = [name for name in folders if not SKIPPED_FOLDERS.match(name)]
                names += [os.path.relpath(os.path.join(folder, name), self.root) for name in here]
        names = {name for name in names if name.startswith(under)}
        return sorted(name for name in names if not suffixes or name.endswith(suffixes))

    def public_headers(self):
        return self.files('.h', under='include/reels/')

    def installed_headers(self):
        """(folder of the include path, path in it) of every header that a host gets: those of libreels,
        and of libraries of ours beside it."""
        for folder in ('include', 'tests/conformance/include'):
            for name in self.files('.h', under=folder + '/reels/'):
                yield folder, name.removeprefix(folder + '/')

    def read_declarations(self):
        """(declarations or None, problems)."""
        import cffi
        status, text = run([self.path('bindings', 'declarations'), '--print'], cwd=self.root)
        if status != 0:
            return None, ['bindings/declarations: ' + line for line in text.splitlines()[-5:]]
        try:
            return Declarations(text), []
        except (cffi.CDefError, cffi.FFIError, cffi.VerificationError,
                cffi.VerificationMissing) as problem:
            return None, str(problem).splitlines()[:3]

    def declarations(self):
        """For gates to which unreadable headers are the end."""
        found, problems = self.read_declarations()
        if found is None:
            self.case('cffi reads the declarations', problems)
            self.finish()
        return found

    def frozen_headers(self):
        """Declarations of released versions, oldest first."""
        names = [name for name in self.files('.h', under='tests/abi/')
                 if re.fullmatch(r'tests/abi/\d+\.\d+\.\d+\.h', name)]
        return sorted(names, key=lambda name: [int(part) for part in re.findall(r'\d+', name)])

    def project_version(self):
        return re.search(r"^\s*version:\s*'([^']+)'", self.read('meson.build'), re.MULTILINE)[1]

    def compile_commands(self):
        with open(os.path.join(self.build, 'compile_commands.json'), encoding='utf-8') as file:
            return json.load(file)

    def library_objects(self):
        """(source relative to src/, object file) of what becomes libreels or a program of ours."""
        for entry in self.compile_commands():
            source = os.path.relpath(os.path.join(entry['directory'], entry['file']),
                                     self.path('src'))
            if not source.startswith('..'):
                yield source, os.path.join(entry['directory'], entry['output'])


class Declarations:
    """Declarations as cffi reads them; the one place that knows cffi's insides."""

    def __init__(self, text):
        import cffi
        self.ffi = cffi.FFI()
        self.ffi.cdef(text)
        self.constants = {}
        self.functions = {}
        self.structs = {}
        self.typedefs = {}
        for key, (kind, quals) in self.ffi._parser._declarations.items():
            word, name = key.split(' ', 1)
            if word == 'function':
                self.functions[name] = kind.get_c_name()
            elif word in ('struct', 'union'):
                self.structs[name] = self._struct(f'{word} {name}', kind)
            elif word == 'typedef':
                self.typedefs[name] = kind.get_c_name(quals=quals)
        for name, value in self.ffi._parser._int_constants.items():
            self.constants[name] = value

    def _struct(self, name, kind):
        """None for an opaque one, else (size, [(field, type, offset)])."""
        if kind.fldnames is None:
            return None
        offsets = {field: info.offset for field, info in self.ffi.typeof(name).fields}
        fields = [(field, type_.get_c_name(quals=quals), offsets[field])
                  for field, type_, quals in zip(kind.fldnames, kind.fldtypes, kind.fldquals)]
        return self.ffi.sizeof(name), fields


TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/)|(?P<line_comment>//[^\n]*)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)


def blank(text):
    """Spaces of the same shape, so that line numbers stay."""
    return re.sub(r'[^\n]', ' ', text)


def code_only(text, keep_strings=False):
    """C without comments, and without what stands inside strings."""
    def replace(match):
        if match['string'] is None:
            return blank(match[0])
        return match[0] if keep_strings else '"' + ' ' * (len(match[0]) - 2) + '"'
    return TOKEN.sub(replace, text)


def line_comments(text):
    """Line numbers of // comments."""
    return [text.count('\n', 0, match.start()) + 1 for match in TOKEN.finditer(text)
            if match['line_comment'] is not None]


def strings(text):
    """(line number, literal) of each string."""
    return [(text.count('\n', 0, match.start()) + 1, match['string'])
            for match in TOKEN.finditer(text) if match['string'] is not None]


def run(command, cwd=None):
    """(exit status, combined output)."""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    return done.returncode, done.stdout
