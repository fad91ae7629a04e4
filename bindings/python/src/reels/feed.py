"""Owns pages of the feed."""

from typing import Any, NamedTuple

from ._constants import FEED_PAGE_ITEMS
from ._convert import array, record_from, struct_of, structs_for
from ._library import ffi, lib
from ._parts import Part
from ._records import FeedItem, FeedRequest
from .context import Buffer, Cancel


class FeedPage(NamedTuple):
    """items, and the cursor for the next page; '' at the end."""

    items: list[FeedItem]
    cursor: str


class Feed(Part):
    def page(self, viewer_id: int, *, cursor: str = '', items_max: int = FEED_PAGE_ITEMS, region: str = '',
             timeout: float | None = None, cancel: Cancel | None = None) -> FeedPage:
        """The next page of a session, without repeats; without a cursor a new session."""
        keep: list = []
        request = FeedRequest(items_max=items_max, viewer_id=viewer_id, cursor=cursor, region=region)
        out = structs_for(FeedItem, items_max)
        count = ffi.new('size_t *')
        with Buffer(self._context) as after:
            self._call(lib.reels_feed_page, struct_of(request, keep), out, items_max, count, after.pointer,
                       timeout=timeout, cancel=cancel)
            return FeedPage([record_from(FeedItem, out[index]) for index in range(count[0])], after.text())

    def seen(self, viewer_id: int, reel_ids: Any) -> None:
        """Takes note at once that a viewer has seen reels."""
        ids, count = array('uint64_t', reel_ids)
        self._call(lib.reels_feed_seen, viewer_id, ids, count)
