"""Owns every function that C calls. Each takes its State from `user`, keeps what Python raised in it
and tells the library that the host failed; the call that led here raises it again.

The threads are the library's: cffi takes the interpreter's lock for each call.
"""

import sys
from typing import Any

from ._constants import LogLevel, Status
from ._library import ffi, lib


class State:
    """What one call's callbacks share; `handle` goes to C as their `user`."""

    def __init__(self, target: Any = None):
        self.target = target
        self.exception: BaseException | None = None
        self.handle = ffi.new_handle(self)


def _failed(state: State, exception: BaseException, err) -> int:
    state.exception = state.exception or exception
    return lib.reels_error_set(err, Status.HOST, 0, type(exception).__name__.encode('utf-8', 'replace'))


@ffi.def_extern(error=int(Status.HOST))
def reels_python_reader(user, data, capacity, out_len, err):
    state = ffi.from_handle(user)
    try:
        out_len[0] = _fill(state.target, ffi.buffer(data, capacity))
        return Status.OK
    except BaseException as exception:  # must not unwind through C
        return _failed(state, exception, err)


@ffi.def_extern(error=int(Status.HOST))
def reels_python_media_read(user, offset, data, length, out_len, err):
    state = ffi.from_handle(user)
    try:
        state.target.seek(offset)
        view, done = memoryview(ffi.buffer(data, length)), 0
        while done < length:
            count = _fill(state.target, view[done:])
            if count == 0:
                break
            done += count
        out_len[0] = done
        return Status.OK
    except BaseException as exception:
        return _failed(state, exception, err)


@ffi.def_extern(error=int(Status.HOST))
def reels_python_sink(user, data, length, err):
    state = ffi.from_handle(user)
    try:
        state.target(ffi.buffer(data, length))
        return Status.OK
    except BaseException as exception:
        return _failed(state, exception, err)


@ffi.def_extern(error=int(Status.HOST))
def reels_python_playlist_url(user, name, name_len, url, err):
    state = ffi.from_handle(user)
    try:
        made = state.target(ffi.unpack(name, name_len).decode('utf-8')).encode('utf-8')
        return lib.reels_buf_append(url, made, len(made), err)
    except BaseException as exception:
        return _failed(state, exception, err)


@ffi.def_extern()
def reels_python_transcode_progress(user, progress):
    state = ffi.from_handle(user)
    try:
        if state.exception is None:
            state.target(progress)
    except BaseException as exception:
        state.exception = exception  # the loop over steps sees it


@ffi.def_extern()
def reels_python_log(user, level, message, length):
    state = ffi.from_handle(user)
    try:
        state.target(LogLevel(level), ffi.unpack(message, length).decode('utf-8', 'replace'))
    except BaseException as exception:  # no call to raise it from: any thread may log
        sys.unraisablehook(_Unraisable(exception, state.target))


class _Unraisable:
    def __init__(self, exception: BaseException, target: Any):
        self.exc_type = type(exception)
        self.exc_value = exception
        self.exc_traceback = exception.__traceback__
        self.err_msg = 'Exception ignored in the log function of a reels.Context'
        self.object = target


def _fill(file: Any, room) -> int:
    """Reads into room, straight from files that can, and says how many bytes came; 0 at the end."""
    if hasattr(file, 'readinto'):
        count = file.readinto(room)
        if count is None:
            raise BlockingIOError('the file is not ready: give one that blocks')
        return count
    data = file.read(len(room))
    if len(data) > len(room):
        raise ValueError('read() gave more than it was asked for')
    room[:len(data)] = data
    return len(data)
