"""Errors, records, logs and the lifetime of objects."""

import gc
import subprocess
import sys
import warnings

import reels
from reels import _convert, _handle, _library
from reels.errors import error_from, new_error
from support import Case


class Errors(Case):
    def test_every_status_has_its_class_and_name(self):
        for status in reels.Status:
            if status < 0:
                err = new_error()
                err.flags = reels.ErrorFlags.RETRIABLE
                error = error_from(status, err)
                self.assertNotEqual(type(error), reels.ReelsError, status)
                self.assertEqual((error.status, error.name), (status, status.name))
                self.assertTrue(error.retriable and not error.fatal and error.message)

    def test_status_of_a_newer_library_is_kept(self):
        error = error_from(-9999, new_error())
        self.assertIs(type(error), reels.ReelsError)
        self.assertEqual((int(error.status), error.name), (-9999, 'UNKNOWN'))

    def test_error_carries_what_the_library_says(self):
        with self.assertRaises(reels.InvalidArgError) as caught:
            reels.IdGenerator(self.context, region=99)
        self.assertIn('region', caught.exception.message)
        with self.assertRaises(reels.NotFoundError) as caught:
            reels.IdGenerator(self.context, state_file=self.path('no/such/folder'))
        self.assertNotEqual(caught.exception.sys_errno, 0)

    def test_numbers_agree_with_the_compiled_module(self):
        for name in ('ERR_ENCRYPTED', 'EVENT_COMPLETE', 'COUNTER_FOLLOWERS', 'ROLES_ALL', 'ID_BATCH_MAX'):
            self.assertTrue(hasattr(_library.lib, 'REELS_' + name))
        self.assertEqual(reels.Status.ENCRYPTED, _library.lib.REELS_ERR_ENCRYPTED)
        self.assertEqual(reels.Roles.ALL, _library.lib.REELS_ROLES_ALL)

    def test_another_version_of_the_library_is_refused(self):
        text = ('import reels._library as l\n'
                'class Lib:\n'
                '    reels_python_built_version = l.lib.reels_version() + 1000\n'
                '    def __getattr__(self, name): return getattr(real, name)\n'
                'real, l.lib = l.lib, Lib()\n'
                'try: l._refuse_other_versions()\n'
                'except ImportError as error: print(error)\n')
        out = subprocess.run([sys.executable, '-c', f'import sys; sys.path[:0] = {sys.path!r}\n' + text],
                             capture_output=True, text=True, check=True).stdout
        self.assertIn('was loaded', out)


class Lifetime(Case):
    def test_close_waits_for_what_was_made_from_it(self):
        context = reels.Context()
        ids = reels.IdGenerator(context)
        context.close()
        context.close()
        self.assertGreater(ids.next(), 0)
        ids.close()
        with self.assertRaises(reels.ClosedError):
            ids.next()
        with self.assertRaises(reels.ClosedError):
            reels.Cancel(context)

    def test_handle_frees_once_after_the_last_user(self):
        freed = []
        handle = _handle.Handle('pointer', freed.append)
        with handle as pointer:
            self.assertEqual(pointer, 'pointer')
            handle.close()
            handle.close()
            self.assertEqual(freed, [])
        self.assertEqual(freed, ['pointer'])

    def test_forgotten_object_is_freed_with_a_warning(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            reels.IdGenerator(self.context, state_file=self.path('ids'))
            gc.collect()
            self.assertEqual([warning.category for warning in caught], [ResourceWarning])
        reels.IdGenerator(self.context, state_file=self.path('ids')).close()  # its lock is gone

    def test_records_compare_by_value_and_keep_unknown_numbers(self):
        self.assertEqual(reels.Event(reel_id=5), reels.Event(reel_id=5))
        self.assertNotEqual(reels.Event(reel_id=5), reels.Event(reel_id=6))
        self.assertEqual((reels.EventType(999).name, int(reels.EventType(999))), ('UNKNOWN_999', 999))

    def test_records_go_to_c_and_come_back(self):
        keep = []
        event = reels.Event(type=reels.EventType.VIEW, reel_id=2**64 - 1, position_us=-1, region='eu',
                            reason='é' * 31)
        self.assertEqual(_convert.record_from(reels.Event, _convert.struct_of(event, keep)), event)
        with self.assertRaises(ValueError):
            _convert.struct_of(reels.Event(region='12345678'), keep)
        with self.assertRaises(OverflowError):
            _convert.struct_of(reels.Event(reel_id=2**64), keep)
