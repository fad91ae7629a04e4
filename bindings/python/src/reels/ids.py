"""Owns 64-bit IDs that sort by time: minting, their text form, and what they say."""

import os
from array import array as array_of
from typing import Any

from ._convert import array, fill, record_from, struct_of
from ._constants import ID_TEXT_LEN
from ._handle import Handle, Owned
from ._library import ffi, lib, utf8
from ._records import IdLayout, IdParts
from .context import Cancel, Context, calling
from .errors import invoke


class _Minting:
    """What the generators of a host and of a platform share."""

    _handle: Handle
    _context: Handle

    def _generator(self, pointer):
        return pointer

    def next(self, *, timeout: float | None = None, cancel: Cancel | None = None) -> int:
        """One ID, above every one that was minted here before."""
        out = ffi.new('uint64_t *')
        with self._handle as pointer, calling(self._context, timeout, cancel) as call:
            invoke(lib.reels_id_next, self._generator(pointer), call, out)
        return out[0]

    def next_many(self, ids: Any, *, timeout: float | None = None, cancel: Cancel | None = None) -> Any:
        """Fills a writable buffer of 64-bit integers (bytearray, array.array, NumPy array) with IDs in
        ascending order, in place, and gives it back; given a number, an array of so many."""
        if isinstance(ids, int):
            ids = array_of('Q', bytes(8 * ids))
        room, count = array('uint64_t', ids, writable=True)
        with self._handle as pointer, calling(self._context, timeout, cancel) as call:
            invoke(lib.reels_id_next_many, self._generator(pointer), call, count, room)
        return ids

    @property
    def node(self) -> int:
        with self._handle as pointer:
            return lib.reels_id_generator_node(self._generator(pointer))


class IdGenerator(_Minting, Owned):
    """Mints IDs for one region and node. With state_file no ID comes twice after a restart or a step
    of the clock, and a second process on the same file is refused; without it that is the caller's
    promise. May be used by any number of threads at once."""

    def __init__(self, context: Context, *, region: int = 0, node: int = 0,
                 layout: IdLayout | None = None, state_file: str | os.PathLike | None = None,
                 timeout: float | None = None, cancel: Cancel | None = None):
        keep: list = []
        lease, impl = ffi.new('const reels_id_lease_vtable **'), ffi.new('void **')
        options = ffi.new('reels_id_options *', {
            'struct_size': ffi.sizeof('reels_id_options'), 'region': region, 'node': node,
            'layout': struct_of(layout, keep)})
        out = ffi.new('reels_id_generator **')
        with context._handle as ctx:
            if state_file is not None:
                invoke(lib.reels_id_lease_file_new, ctx, os.fsencode(state_file), lease, impl)
                options.lease, options.lease_impl = lease[0], impl[0]
            try:
                with calling(context._handle, timeout, cancel) as call:
                    invoke(lib.reels_id_generator_new, ctx, options, call, out)
            except BaseException:
                if state_file is not None:
                    lease[0].destroy(impl[0])
                raise
        self._context = context._handle
        self._own(Handle(out[0], lib.reels_id_generator_free, (context._handle,)))


def id_to_text(value: int) -> str:
    """The text form: 13 characters that sort as the numbers do and that JSON leaves alone."""
    out = ffi.new('char[]', ID_TEXT_LEN + 1)
    invoke(lib.reels_id_text_write, value, out, len(out))
    return ffi.string(out).decode('ascii')


def id_from_text(value: str) -> int:
    """Reads the text form, strictly; raises CorruptError."""
    data, out = utf8(value), ffi.new('uint64_t *')
    invoke(lib.reels_id_text_read, data, len(data), out)
    return out[0]


def id_parts(value: int, layout: IdLayout | None = None) -> IdParts:
    """Takes an ID apart."""
    keep: list = []
    parts = ffi.new('reels_id_parts *')
    fill(parts[0], None, keep)
    invoke(lib.reels_id_parse, struct_of(layout, keep), value, parts)
    return record_from(IdParts, parts)


def id_range(from_unix_us: int, until_unix_us: int, layout: IdLayout | None = None) -> tuple[int, int]:
    """The first and last ID that can have been minted in [from, until)."""
    keep: list = []
    first, last = ffi.new('uint64_t *'), ffi.new('uint64_t *')
    invoke(lib.reels_id_range, struct_of(layout, keep), from_unix_us, until_unix_us, first, last)
    return first[0], last[0]
