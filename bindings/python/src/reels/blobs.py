"""Owns the reading of stored files, from which a host serves media."""

from typing import Any, BinaryIO

from ._callbacks import State
from ._convert import fill, record_from
from ._library import ffi, lib, utf8
from ._parts import Part
from ._records import BlobInfo
from .context import Cancel

TO_THE_END = 2**64 - 1


class Blobs(Part):
    def head(self, key: str) -> BlobInfo:
        info = ffi.new('reels_blob_info *')
        fill(info[0], None, [])
        self._call(lib.reels_blob_head, utf8(key), info)
        return record_from(BlobInfo, info)

    def write_to(self, key: str, file: BinaryIO | Any, *, offset: int = 0, length: int | None = None,
                 timeout: float | None = None, cancel: Cancel | None = None) -> BlobInfo:
        """Writes bytes of a file to a binary file, piece by piece as they are read."""

        def write(piece) -> None:
            view = memoryview(piece)
            while view:
                count = file.write(view)
                view = view[len(view) if count is None else count:]

        state = State(write)
        info = ffi.new('reels_blob_info *')
        fill(info[0], None, [])
        self._call(lib.reels_blob_get, utf8(key), offset, TO_THE_END if length is None else length,
                   lib.reels_python_sink, state.handle, info, timeout=timeout, cancel=cancel, state=state)
        return record_from(BlobInfo, info)

    def read_into(self, key: str, buffer: Any, *, offset: int = 0, timeout: float | None = None,
                  cancel: Cancel | None = None) -> int:
        """Fills a writable buffer from offset on and says how many bytes there were."""
        room = ffi.from_buffer('uint8_t[]', buffer, require_writable=True)
        count = ffi.new('size_t *')
        self._call(lib.reels_blob_read, utf8(key), offset, room, len(room), count, timeout=timeout,
                   cancel=cancel)
        return count[0]

    def read(self, key: str, *, offset: int = 0, length: int | None = None,
             timeout: float | None = None, cancel: Cancel | None = None) -> bytes:
        pieces: list[bytes] = []
        state = State(lambda piece: pieces.append(bytes(piece)))
        self._call(lib.reels_blob_get, utf8(key), offset, TO_THE_END if length is None else length,
                   lib.reels_python_sink, state.handle, ffi.NULL, timeout=timeout, cancel=cancel,
                   state=state)
        return b''.join(pieces)
