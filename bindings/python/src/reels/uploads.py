"""Owns resumable uploads: only bytes that are durable are acknowledged."""

import io
from typing import Any

from ._callbacks import State
from ._constants import Visibility
from ._convert import array, fill, record_from, struct_of
from ._library import ffi, lib
from ._parts import Part
from ._records import UploadInfo, UploadRequest
from .context import Cancel

LENGTH_UNKNOWN = 2**64 - 1


def _sha256(digest: bytes | None):
    if digest is None:
        return ffi.NULL
    if len(digest) != 32:
        raise ValueError('a SHA-256 has 32 bytes')
    return ffi.new('reels_digest *', {'kind': lib.REELS_DIGEST_SHA256, 'bytes': digest})


class Uploads(Part):
    """Each upload is known by the ID of the reel that it will become. Somebody else's upload is not
    found."""

    def begin(self, person_id: int, *, length: int | None = None, filename: str = '', caption: str = '',
              visibility: Visibility = Visibility.PUBLIC, token: bytes = b'',
              timeout: float | None = None, cancel: Cancel | None = None) -> int:
        """Gives the ID of the new reel. The same token of 16 bytes again gives the same upload."""
        keep: list = []
        request = UploadRequest(visibility=visibility, person_id=person_id, filename=filename,
                                caption=caption, token=token,
                                length=LENGTH_UNKNOWN if length is None else length)
        out = ffi.new('uint64_t *')
        self._call(lib.reels_upload_begin, struct_of(request, keep), out, timeout=timeout, cancel=cancel)
        return out[0]

    def get(self, reel_id: int, person_id: int) -> UploadInfo:
        """Where an upload stands: a client goes on at offset."""
        info = ffi.new('reels_upload_info *')
        fill(info[0], None, [])
        self._call(lib.reels_upload_get, reel_id, person_id, info)
        return record_from(UploadInfo, info)

    def set_length(self, reel_id: int, person_id: int, length: int) -> None:
        self._call(lib.reels_upload_set_length, reel_id, person_id, length)

    def write(self, reel_id: int, person_id: int, file: Any, *, offset: int = 0,
              sha256: bytes | None = None, timeout: float | None = None,
              cancel: Cancel | None = None) -> int:
        """Writes what a binary file or bytes hold, from the file's position to its end, and gives the
        new offset. When reading raises half way, what was read is kept: ask get()."""
        source: Any = file if hasattr(file, 'read') or hasattr(file, 'readinto') else io.BytesIO(file)
        state = State(source)
        out = ffi.new('uint64_t *')
        self._call(lib.reels_upload_write, reel_id, person_id, offset, lib.reels_python_reader,
                   state.handle, _sha256(sha256), out, timeout=timeout, cancel=cancel, state=state)
        return out[0]

    def part_put(self, reel_id: int, person_id: int, number: int, data: Any, *,
                 sha256: bytes | None = None, timeout: float | None = None,
                 cancel: Cancel | None = None) -> None:
        """Puts one part, from 0 on, of UPLOAD_PART_BYTES but for the last, in any order."""
        pointer, length = array('uint8_t', data)
        self._call(lib.reels_upload_part_put, reel_id, person_id, number, pointer, length, _sha256(sha256),
                   timeout=timeout, cancel=cancel)

    def commit(self, reel_id: int, person_id: int, *, sha256: bytes | None = None,
               timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Makes the reel UPLOADED; the media role takes it up."""
        self._call(lib.reels_upload_commit, reel_id, person_id, _sha256(sha256),
                   timeout=timeout, cancel=cancel)

    def abort(self, reel_id: int, person_id: int) -> None:
        self._call(lib.reels_upload_abort, reel_id, person_id)
