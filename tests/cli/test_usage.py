"""Command lines, help, manual and completion; what holds for every verb."""

import os
import re
import shutil
import subprocess
import unittest

import reelscli
from reelscli import ROOT, CliTest

SOURCES = os.path.join(ROOT, 'src', 'cli')
MEDIA_VERBS = ['probe', 'transcode', 'verify']
VERBS = ['id', 'worker', 'doctor']


def verbs():
    return (MEDIA_VERBS if reelscli.HAS_MEDIA else []) + VERBS


def read(name):
    with open(os.path.join(SOURCES, name), encoding='utf-8') as file:
        return file.read()


class UsageTest(CliTest):
    def test_wrong_usage_is_status_2(self):
        wrong = [
            (), ('',), ('frobnicate',), ('--frobnicate',), ('--help', 'id'), ('--version', 'x'),
            ('id', '--frobnicate'), ('id', 'operand'), ('id', '-x'),
            ('id', '--count'), ('id', '--count', '0'), ('id', '--count', '-1'),
            ('id', '--count', '1e3'), ('id', '--count', ' 1'), ('id', '--count', '+1'),
            ('id', '--count', '0x10'), ('id', '--count', ''), ('id', '--count='),
            ('id', '--count', '1000000001'), ('id', '--count', '18446744073709551617'),
            ('id', '--count', '99999999999999999999999999999999'),
            ('id', '--count=1', '--count=1'), ('id', '--region', '32'), ('id', '--node', '32'),
            ('id', '--state', ''), ('id', '--json=yes'), ('id', '--coun', '1'),
            ('doctor', 'operand'), ('doctor', '--', '--json'),
        ]
        if reelscli.HAS_MEDIA:
            wrong += [
                ('probe',), ('probe', 'a', 'b'), ('probe', ''), ('probe', '--json'),
                ('transcode',), ('transcode', 'a'), ('transcode', 'a', 'b', 'c'),
                ('transcode', '--threads', '0', 'a', 'b'), ('transcode', '--threads', '65', 'a', 'b'),
                ('verify',), ('verify', 'a', 'b'), ('verify', '--master', 'a'),
            ]
        for words in wrong:
            with self.subTest(words=words):
                _, err = self.reels(*words, status=2)
                self.assertIn('--help', err)

    def test_words_of_the_user_stay_on_one_line(self):
        for word in ['a\nb', '\x1b[2J', '\x9b2J', 'a\u2028b', '\u202eabc', b'\xff\xfe', 'x' * 5000]:
            with self.subTest(word=word):
                self.reels('id', word, status=2)
                self.reels(word, status=2)

    def test_help_is_for_every_verb(self):
        out, _ = self.reels('--help')
        self.assertEqual(out, self.reels('-h')[0])
        for verb in verbs():
            self.assertRegex(out, rf'(?m)^  {verb} ')
            text, _ = self.reels(verb, '--help')
            self.assertTrue(text.startswith(f'Usage: reels {verb}'))
            self.assertEqual(text, self.reels(verb, '-h')[0])
            self.assertLessEqual(max(map(len, text.splitlines())), 99)

    def test_version_is_the_librarys(self):
        self.assertRegex(self.reels('--version')[0], r'\Areels \d+\.\d+\.\d+\n\Z')

    def test_verbs_of_media_are_not_there_without_media(self):
        if reelscli.HAS_MEDIA:
            self.skipTest('this build has media')
        for verb in MEDIA_VERBS:
            self.reels(verb, 'a', status=2)

    def test_options_end_at_two_dashes(self):
        if not reelscli.HAS_MEDIA:
            self.skipTest('this build has no media')
        _, err = self.reels('probe', '--', '--json', status=1)
        self.assertIn('--json', err)

    def test_closed_streams_are_never_other_files(self):
        # With stdout closed the state file would get its number, and the IDs would go into it.
        state = self.path('state')
        self.reels('id', '--state', state)
        before = os.path.getsize(state)
        for closed in ('>&-', '<&- >&-', '<&- >&- 2>&-', '2>&- >&-'):
            with self.subTest(closed=closed):
                done = subprocess.run(
                    ['sh', '-c', f'exec "$0" id --count 5000 --state "$1" {closed}',
                     reelscli.EXECUTABLE, state],
                    env=reelscli.environment(), stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(os.path.getsize(state), before)
        self.reels('id', '--state', state)


class PagesTest(CliTest):
    """Help, manual and completion speak of the same options."""

    def options_of_help(self, verb):
        return set(re.findall(r'--[a-z-]+', self.reels(verb, '--help')[0]))

    def test_manual_is_clean(self):
        if shutil.which('mandoc') is None:
            self.skipTest('mandoc is not installed')
        done = subprocess.run(['mandoc', '-Tlint', os.path.join(SOURCES, 'reels.1')],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.stdout.decode(), '')
        self.assertEqual(done.returncode, 0)

    def test_manual_has_every_option(self):
        synopsis = read('reels.1').split('.Sh DESCRIPTION')[0]
        parts = dict(re.findall(r'\.Cm (\w+)\n((?:\.(?!Nm).*\n)*)', synopsis))
        for verb in verbs():
            options = {'--' + name for name in re.findall(r'Fl -([a-z-]+)', parts[verb])}
            self.assertEqual(options, self.options_of_help(verb), verb)

    def test_completion_has_every_option(self):
        parts = dict(re.findall(r"(?m)^    (\w+)\) options='([^']*)'", read('reels.bash')))
        for verb in verbs():
            self.assertEqual(set(parts[verb].split()) - {'--help'}, self.options_of_help(verb), verb)

    def test_completion_completes(self):
        script = ('source "$0"; COMP_WORDS=(reels id --co); COMP_CWORD=2; _reels; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(['bash', '-c', script, os.path.join(SOURCES, 'reels.bash')],
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b'--count\n')

    def test_program_links_the_library_alone(self):
        if shutil.which('readelf') is None:
            self.skipTest('readelf is not installed')
        out = subprocess.run(['readelf', '-d', reelscli.EXECUTABLE], stdout=subprocess.PIPE,
                             check=True).stdout.decode()
        needed = re.findall(r'NEEDED.*\[(.*?)\.so', out)
        self.assertIn('libreels', needed)
        allowed = {'libreels', 'libc', 'libdl', 'libpthread', 'libasan', 'libubsan', 'libtsan'}
        self.assertEqual([name for name in needed if name not in allowed], [])


if __name__ == '__main__':
    unittest.main()
