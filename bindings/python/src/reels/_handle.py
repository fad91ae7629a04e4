"""Owns the lifetime of library objects.

A handle counts its users: the object's owner, each call in flight and each object made from it. The
C object is freed when the last of them is gone, so that close() in one thread while another is
inside a call, or before an object made from it is closed, frees nothing that is still used.
"""

import threading
import warnings
import weakref
from typing import Any, Callable


class ClosedError(ValueError):
    """An object was used after close()."""


class Handle:
    """`with handle as pointer:` holds the object for one call."""

    __slots__ = ('__weakref__', '_free', '_keep', '_lock', '_parents', '_pointer', '_users', 'closed')

    def __init__(self, pointer: Any, free: Callable[[Any], None], parents: tuple['Handle', ...] = (),
                 keep: tuple = ()):
        self._pointer = pointer
        self._free = free
        self._parents = parents
        self._keep = keep
        self._lock = threading.Lock()
        self._users = 1
        self.closed = False
        for parent in parents:
            parent.__enter__()

    def __enter__(self):
        with self._lock:
            if self.closed:
                raise ClosedError('the object is closed')
            self._users += 1
            return self._pointer

    def __exit__(self, *_):
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            pointer, self._pointer = self._pointer, None
            self._free(pointer)
            for parent in self._parents:
                parent.__exit__()
            self._keep = ()

    def close(self) -> None:
        with self._lock:
            if self.closed:
                return
            self.closed = True
        self.__exit__()


def _backstop(handle: Handle, name: str) -> None:
    if not handle.closed:
        warnings.warn(f'{name} was not closed', ResourceWarning, stacklevel=2)
        handle.close()


class Owned:
    """What a user closes: with `with`, by close(), and at the latest when it is collected."""

    _handle: Handle

    def _own(self, handle: Handle) -> None:
        self._handle = handle
        weakref.finalize(self, _backstop, handle, type(self).__name__)

    def close(self) -> None:
        """Frees the object once no call and no object made from it needs it any more."""
        self._handle.close()

    @property
    def closed(self) -> bool:
        return self._handle.closed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
