"""Owns what the parts of a platform share: they borrow the platform for each call, and page through
lists by cursors."""

from typing import Any, NamedTuple

from ._convert import record_from, structs_for
from ._handle import Handle
from ._library import ffi
from .context import Buffer, calling
from .errors import invoke


class Page(NamedTuple):
    """items, and the cursor for the next page; an empty cursor at the end."""

    items: list
    cursor: bytes


class Part:
    """A part of an open platform; it needs no closing."""

    def __init__(self, platform: Handle, context: Handle, get):
        self._platform = platform
        self._context = context
        self._get = get

    def _call(self, function, *arguments, timeout=None, cancel=None, state=None) -> int:
        """Calls function(part, call, *arguments, err)."""
        with self._platform as platform, calling(self._context, timeout, cancel) as call:
            return invoke(function, self._get(platform), call, *arguments, state=state)

    def _page(self, function, *arguments, record: type | None, cursor: bytes, limit: int, **how) -> Page:
        """Calls function(part, call, *arguments, cursor, out, capacity, out_count, err)."""
        count = ffi.new('size_t *')
        out: Any = ffi.new('uint64_t[]', max(limit, 1)) if record is None else structs_for(record, limit)
        with Buffer(self._context, content=cursor) as buffer:
            self._call(function, *arguments, buffer.pointer, out, limit, count, **how)
            after = buffer.content()
        if record is None:
            return Page(list(out[0:count[0]]), after)
        return Page([record_from(record, out[index]) for index in range(count[0])], after)
