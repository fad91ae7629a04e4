"""Owns the exceptions: one class for each failure status, below ReelsError."""

from typing import ClassVar

from ._constants import ErrorFlags, Status
from ._library import ffi, lib, text


class ReelsError(Exception):
    """A failure of the library. The message names the argument or limit and holds no secret."""

    STATUS: ClassVar[Status] = Status.OK
    _classes: ClassVar[dict[int, type['ReelsError']]] = {}

    def __init__(self, message: str, *, status: Status | None = None, flags: ErrorFlags = ErrorFlags(0),
                 sys_errno: int = 0, host_code: int = 0):
        super().__init__(message)
        self.status = Status(self.STATUS if status is None else status)
        self.message = message
        self.flags = flags
        self.sys_errno = sys_errno
        self.host_code = host_code

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if 'STATUS' in cls.__dict__:
            cls._classes.setdefault(int(cls.STATUS), cls)

    def __str__(self) -> str:
        return f'{self.name}: {self.message}'

    @property
    def name(self) -> str:
        """Name of the status, such as 'NOT_FOUND'."""
        return text(lib.reels_status_name(int(self.status)))

    @property
    def retriable(self) -> bool:
        """The same call may succeed later without any change."""
        return bool(self.flags & ErrorFlags.RETRIABLE)

    @property
    def fatal(self) -> bool:
        """The object is dead: it can only be closed."""
        return bool(self.flags & ErrorFlags.FATAL)


def new_error():
    err = ffi.new('reels_error *')
    err.struct_size = ffi.sizeof('reels_error')
    return err


def error_from(status: int, err) -> ReelsError:
    message = text(err.message) or text(lib.reels_status_text(status))
    return ReelsError._classes.get(status, ReelsError)(
        message, status=Status(status), flags=ErrorFlags(err.flags), sys_errno=err.sys_errno,
        host_code=err.host_code)


def invoke(function, *arguments, state=None) -> int:
    """Calls a fallible function, whose last parameter is the error detail. What a callback raised
    is raised again here, where the caller can catch it."""
    err = new_error()
    status = function(*arguments, err)
    if state is not None and state.exception is not None:
        raise state.exception
    if status < 0:
        raise error_from(status, err)
    return status
