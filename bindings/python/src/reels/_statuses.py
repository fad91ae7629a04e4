"""Generated from bindings/reels_cdef.h by bindings/generate; not to be edited."""

from ._constants import Status
from .errors import ReelsError


class InvalidArgError(ReelsError):
    STATUS = Status.INVALID_ARG


class NoMemoryError(ReelsError):
    STATUS = Status.NO_MEMORY


class NotFoundError(ReelsError):
    STATUS = Status.NOT_FOUND


class ExistsError(ReelsError):
    STATUS = Status.EXISTS


class BufferTooSmallError(ReelsError):
    STATUS = Status.BUFFER_TOO_SMALL


class UnsupportedError(ReelsError):
    STATUS = Status.UNSUPPORTED


class LimitError(ReelsError):
    STATUS = Status.LIMIT


class CorruptError(ReelsError):
    STATUS = Status.CORRUPT


class IoError(ReelsError):
    STATUS = Status.IO


class TimeoutError(ReelsError):
    STATUS = Status.TIMEOUT


class CancelledError(ReelsError):
    STATUS = Status.CANCELLED


class BusyError(ReelsError):
    STATUS = Status.BUSY


class ConflictError(ReelsError):
    STATUS = Status.CONFLICT


class StateError(ReelsError):
    STATUS = Status.STATE


class HostError(ReelsError):
    STATUS = Status.HOST


class InternalError(ReelsError):
    STATUS = Status.INTERNAL


class StaleError(ReelsError):
    STATUS = Status.STALE


class DeniedError(ReelsError):
    STATUS = Status.DENIED


class EncryptedError(ReelsError):
    STATUS = Status.ENCRYPTED


__all__ = [
    'InvalidArgError',
    'NoMemoryError',
    'NotFoundError',
    'ExistsError',
    'BufferTooSmallError',
    'UnsupportedError',
    'LimitError',
    'CorruptError',
    'IoError',
    'TimeoutError',
    'CancelledError',
    'BusyError',
    'ConflictError',
    'StateError',
    'HostError',
    'InternalError',
    'StaleError',
    'DeniedError',
    'EncryptedError',
]
