"""Owns the plan of tests/run: which builds are made, which tests run in each, and the one line of
totals at the end.

A figure counts cases, not programs: Meson's log of a TAP test is counted line by line, so that a
program with forty cases is forty. A case that runs in two builds is two results. A build that does
not compile is one failure and the rest of the plan goes on.
"""

import argparse
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = os.path.join(ROOT, 'build-tests')

SANITIZER_ENV = {
    'ASAN_OPTIONS': 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:'
                    'allocator_may_return_null=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
    'TSAN_OPTIONS': 'halt_on_error=1:second_deadlock_stack=1',
}
UBSAN_STRICT = '-Dc_args=-fno-sanitize-recover=all -fno-omit-frame-pointer'

# Memcheck takes the fortified memmove for memcpy and calls an overlap wrong: built without it.
MEMCHECK = 'valgrind -q --error-exitcode=99 --leak-check=no --trace-children=no'
# Enough to see what is wrong; Meson's log holds everything.
LINES_MAX = 80


class Step:
    """One build directory and the tests that run in it."""

    def __init__(self, name, why, setup=(), env=None, tests=(), slow=False, timeout=1):
        self.name = name
        self.why = why
        self.setup = list(setup)
        self.env = dict(env or {})
        self.tests = list(tests)
        self.slow = slow
        self.timeout = timeout


def make_plan(everything):
    """Everyday steps come first, so that the common faults show first. The gates look at the source
    and at the plain build, so they run once."""
    never_long = ['--no-suite', 'long']
    skip_long = [] if everything else never_long
    # Gates look at the source, the browser and the players at the whole: once, in the plain build. The long
    # tests run there and under one sanitizer: what another compiler changes, the short ones see.
    no_gates = ['--no-suite', 'gates', '--no-suite', 'browser', '--no-suite', 'e2e']
    return [
        Step('plain', 'gcc, warnings are errors, every test and gate',
             ['-Dwerror=true'], {'CC': 'gcc'}, skip_long),
        Step('asan', 'gcc, AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer',
             ['-Db_sanitize=address,undefined', UBSAN_STRICT],
             {'CC': 'gcc', **SANITIZER_ENV}, no_gates + skip_long, timeout=4),
        Step('tsan', 'gcc, ThreadSanitizer, tests of suite threads',
             ['-Db_sanitize=thread'], {'CC': 'gcc', 'CK_FORK': 'no', **SANITIZER_ENV},
             ['--suite', 'threads'] + never_long, timeout=6),
        Step('nomedia', 'gcc, -Dmedia=disabled',
             ['-Dmedia=disabled', '-Dwerror=true'], {'CC': 'gcc'}, no_gates + never_long),
        Step('clang', 'clang, warnings are errors',
             ['-Dwerror=true'], {'CC': 'clang-14'}, no_gates + never_long, slow=True),
        Step('release', 'gcc, -O3, invariants as shipped',
             ['-Dbuildtype=release', '-Dwerror=true'], {'CC': 'gcc'}, no_gates + never_long, slow=True),
        Step('clang-asan', 'clang, AddressSanitizer and UndefinedBehaviorSanitizer',
             ['-Db_sanitize=address,undefined', '-Db_lundef=false', UBSAN_STRICT],
             {'CC': 'clang-14', **SANITIZER_ENV}, no_gates + never_long, slow=True, timeout=4),
        Step('fuzz', 'clang, libFuzzer with both sanitizers, 40 s a target',
             ['-Dfuzz=enabled', '-Db_sanitize=address,undefined', '-Db_lundef=false', UBSAN_STRICT],
             {'CC': 'clang-14', **SANITIZER_ENV}, ['--suite', 'fuzzing'], slow=True, timeout=2),
        Step('valgrind', 'gcc, unit tests under Memcheck: reads of what nobody wrote',
             ['-Dc_args=-U_FORTIFY_SOURCE'], {'CC': 'gcc'},
             ['--suite', 'unit', '--wrapper', MEMCHECK] + never_long, slow=True, timeout=20),
    ]


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []

    def add(self, name, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed:
            self.failures.append(name)

    def line(self):
        text = f'{self.passed} passed, {self.failed} failed'
        return text + (f', {self.skipped} skipped' if self.skipped else '')


def count_tap(text):
    """(passed, failed, skipped, whether the announced number of cases came)."""
    passed = failed = skipped = 0
    planned = None
    for line in text.splitlines():
        plan = re.match(r'1\.\.(\d+)(\s*#\s*skip.*)?', line, re.IGNORECASE)
        if plan:
            planned = int(plan.group(1))
            skipped += 1 if planned == 0 else 0
        elif re.match(r'(not )?ok\b.*#\s*skip', line, re.IGNORECASE):
            skipped += 1
        elif re.match(r'ok\b', line):
            passed += 1
        elif re.match(r'not ok\b', line):
            failed += 1
    complete = planned is not None and (planned == 0 or planned == passed + failed + skipped)
    return passed, failed, skipped, complete


def count_result(record, is_tap):
    """Cases of one Meson test: (passed, failed, skipped). What Meson calls a failure is never less
    than one failed case, so that a crash after the last `ok` is not lost."""
    bad = record['result'] in ('FAIL', 'ERROR', 'TIMEOUT', 'INTERRUPT', 'UNEXPECTEDPASS')
    if is_tap:
        passed, failed, skipped, complete = count_tap(record.get('stdout') or '')
        if (bad or not complete) and failed == 0:
            failed = 1
        return passed, failed, skipped
    if bad:
        return 0, 1, 0
    return (0, 0, 1) if record['result'] == 'SKIP' else (1, 0, 0)


def complaints(text):
    """The failed cases of a TAP log with what each says about itself: Meson shows only their names."""
    lines = []
    failing = False
    for line in text.splitlines():
        if not line.startswith('#'):
            failing = line.startswith(('not ok', 'Bail out'))
        if failing:
            lines.append(line)
    cut = lines[:LINES_MAX]
    return cut + ([f'... {len(lines) - len(cut)} lines more'] if len(cut) < len(lines) else [])


def say(text):
    print(text, flush=True)


def run(command, env=None, quiet=False):
    """Runs a command without stdin; a quiet one shows its output only when it fails."""
    full_env = {**os.environ, **(env or {})}
    out = subprocess.PIPE if quiet else None
    done = subprocess.run(command, cwd=ROOT, env=full_env, stdin=subprocess.DEVNULL, stdout=out,
                          stderr=subprocess.STDOUT if quiet else None, check=False)
    if quiet and done.returncode != 0:
        tail = done.stdout.decode('utf-8', 'replace').splitlines()[-LINES_MAX:]
        say('\n'.join(tail))
        say(f'failed: {shlex.join(command)}')
    return done.returncode


def build(step, folder):
    """Makes the build, from nothing when it was made in another way: Meson keeps the compiler and
    its flags of the first time."""
    recipe = json.dumps([step.setup, step.env.get('CC')])
    noted = os.path.join(folder, 'recipe.json')
    if os.path.exists(noted):
        with open(noted, encoding='utf-8') as file:
            known = file.read() == recipe
    else:
        known = False
    if not known:
        shutil.rmtree(folder, ignore_errors=True)
        if run(['meson', 'setup', folder, ROOT, *step.setup], step.env, quiet=True) != 0:
            return False
        with open(noted, 'w', encoding='utf-8') as file:
            file.write(recipe)
    return run(['ninja', '-C', folder], step.env, quiet=True) == 0


def tests_of(step, folder):
    """(names of the tests that speak TAP, how many tests the step runs). A step may run none: it is
    then ahead of the tests that it is for."""
    tests = json.loads(subprocess.check_output(
        ['meson', 'introspect', '--tests', folder], cwd=ROOT, stdin=subprocess.DEVNULL))
    listed = subprocess.run(['meson', 'test', '-C', folder, '--no-rebuild', '--list', *step.tests],
                            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.splitlines()
    return ({test['name'] for test in tests if test['protocol'] == 'tap'},
            len([line for line in listed if ' / ' in line or line in {t['name'] for t in tests}]))


def run_step(step, totals):
    started = time.monotonic()
    say(f'\n== {step.name}: {step.why}')
    folder = os.path.join(BUILDS, step.name)
    if not build(step, folder):
        totals.add(f'{step.name}: build', failed=1)
        return
    totals.add(f'{step.name}: build', passed=1)
    built = time.monotonic()
    tap, listed = tests_of(step, folder)
    # A wrapper puts its name into that of the log.
    for log in glob.glob(os.path.join(folder, 'meson-logs', 'testlog*.json')):
        os.remove(log)
    status = 0
    if listed > 0:
        status = run(['meson', 'test', '-C', folder, '--no-rebuild', '--print-errorlogs',
                      '--timeout-multiplier', str(step.timeout), *step.tests], step.env)
    failed_before = totals.failed
    records = []
    for log in glob.glob(os.path.join(folder, 'meson-logs', 'testlog*.json')):
        with open(log, encoding='utf-8') as lines:
            records += [json.loads(line) for line in lines]
    if len(records) < listed:
        totals.add(f'{step.name}: {listed} tests, {len(records)} in the log', failed=1)
    for record in records:
        is_tap = record['name'].split(' / ')[-1] in tap
        counts = count_result(record, is_tap)
        totals.add(f"{step.name}: {record['name']}", *counts)
        if counts[1] > 0 and is_tap:
            say(f"\n{step.name}: {record['name']}")
            say('\n'.join(complaints(record.get('stdout') or '')))
    # Meson's own word stands when the log shows nothing wrong.
    if status != 0 and totals.failed == failed_before:
        totals.add(f'{step.name}: meson test said {status}', failed=1)
    say(f'== {step.name}: built in {built - started:.0f} s, '
        f'tested in {time.monotonic() - built:.0f} s')


def main():
    parser = argparse.ArgumentParser(
        prog='tests/run',
        description='Installs what is missing (tests/setup), builds, tests, and closes with one '
                    'line `N passed, N failed`; the exit status is 0 only when nothing failed.')
    parser.add_argument('--all', action='store_true',
                        help='also the long steps and tests (meant for under an hour on two cores)')
    parser.add_argument('--only', metavar='STEP', action='append', help='only this step of the plan (with --all, its long tests too)')
    parser.add_argument('--list', action='store_true', help='print the plan and run nothing')
    options = parser.parse_args()

    plan = make_plan(options.all)
    chosen = [step for step in plan if (step.name in options.only if options.only
                                        else options.all or not step.slow)]
    unknown = set(options.only or []) - {step.name for step in plan}
    if unknown:
        parser.error(f"no step called {', '.join(sorted(unknown))}; see --list")
    if options.list:
        for step in plan:
            say(f"{step.name:<12}{'--all  ' if step.slow else '       '}{step.why}")
        return 0

    totals = Totals()
    started = time.monotonic()
    for step in chosen:
        run_step(step, totals)
    say(f'\n{time.monotonic() - started:.0f} s')
    for name in totals.failures:
        say(f'FAILED {name}')
    say(totals.line())
    return 1 if totals.failed or totals.passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
