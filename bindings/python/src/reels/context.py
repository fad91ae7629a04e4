"""Owns contexts, which everything is made from, and cancel flags, which end calls early."""

from contextlib import contextmanager, nullcontext
from typing import Callable, ContextManager, Iterator

from ._callbacks import State
from ._constants import LogLevel
from ._handle import Handle, Owned
from ._library import ffi, lib
from .errors import invoke


class Context(Owned):
    """The library's clock, memory, files and log. May be used by any number of threads at once.

    log is called with (LogLevel, message) by whichever thread has something to say.
    """

    def __init__(self, *, log: Callable[[LogLevel, str], None] | None = None,
                 log_level: LogLevel = LogLevel.WARN):
        options = ffi.new('reels_ctx_options *', {'struct_size': ffi.sizeof('reels_ctx_options')})
        state = State(log)
        if log is not None:
            hook = ffi.new('reels_log *', {
                'struct_size': ffi.sizeof('reels_log'), 'level_max': int(log_level),
                'user': state.handle, 'write': lib.reels_python_log})
            options.log = hook
        out = ffi.new('reels_ctx **')
        invoke(lib.reels_ctx_new, options, out)
        self._own(Handle(out[0], lib.reels_ctx_free, keep=(state,)))

    def now_unix_us(self) -> int:
        with self._handle as ctx:
            return lib.reels_ctx_now_unix_us(ctx)

    def now_mono_us(self) -> int:
        with self._handle as ctx:
            return lib.reels_ctx_now_mono_us(ctx)


class Cancel(Owned):
    """Ends the calls that it is given to, from any thread: they raise CancelledError."""

    def __init__(self, context: Context):
        out = ffi.new('reels_cancel **')
        with context._handle as ctx:
            invoke(lib.reels_cancel_new, ctx, out)
        self._own(Handle(out[0], lib.reels_cancel_free, (context._handle,)))

    def cancel(self) -> None:
        with self._handle as flag:
            lib.reels_cancel_raise(flag)

    @property
    def cancelled(self) -> bool:
        with self._handle as flag:
            return lib.reels_cancel_is_raised(flag) == 1


_NO_CALL = nullcontext(ffi.NULL)


def calling(context: Handle, timeout: float | None, cancel: Cancel | None) -> ContextManager:
    """The reels_call of one call; NULL without a limit in time and a flag."""
    return _NO_CALL if timeout is None and cancel is None else _limited(context, timeout, cancel)


@contextmanager
def _limited(context: Handle, timeout: float | None, cancel: Cancel | None) -> Iterator:
    call = ffi.new('reels_call *', {'struct_size': ffi.sizeof('reels_call')})
    if timeout is not None:
        with context as ctx:
            # 0 would mean "no deadline"; one that has passed is still one.
            call.deadline_mono_us = max(lib.reels_ctx_now_mono_us(ctx) + int(timeout * 1e6), 1)
    if cancel is None:
        yield call
        return
    with cancel._handle as flag:
        call.cancel = flag
        yield call


class Buffer:
    """A growing buffer of the library for one call, such as a cursor."""

    def __init__(self, context: Handle, bytes_max: int = 0, content: bytes = b''):
        out = ffi.new('reels_buf **')
        with context as ctx:
            invoke(lib.reels_buf_new, ctx, bytes_max, out)
        self._handle = Handle(out[0], lib.reels_buf_free, (context,))
        if content:
            try:
                invoke(lib.reels_buf_append, out[0], content, len(content))
            except BaseException:
                self._handle.close()
                raise

    def __enter__(self):
        self.pointer = self._handle.__enter__()
        return self

    def __exit__(self, *_):
        self._handle.__exit__()
        self._handle.close()

    def content(self) -> bytes:
        return bytes(ffi.buffer(lib.reels_buf_data(self.pointer), lib.reels_buf_len(self.pointer)))

    def text(self) -> str:
        return self.content().decode('utf-8')
