"""Owns relations as sets (like, save, follow, mute, block), comments, and the reading of reels."""

from typing import Any, Iterable

from ._constants import Relation, ReelOrder, ReelState
from ._convert import array, fill, record_from, structs_for
from ._library import ffi, lib, text, utf8
from ._parts import Page, Part
from ._records import Comment, Reel


class Social(Part):
    def set(self, relation: Relation, from_id: int, to_id: int, on: bool = True) -> bool:
        """Sets or clears a relation; True when it was not so before."""
        changed = ffi.new('int32_t *')
        self._call(lib.reels_relation_set, int(relation), from_id, to_id, on, changed)
        return changed[0] == 1

    def has(self, relation: Relation, from_id: int, to_ids: Any) -> list[bool]:
        """For each of many targets whether the relation is there."""
        ids, count = array('uint64_t', to_ids)
        out = ffi.new('uint8_t[]', max(count, 1))
        self._call(lib.reels_relation_has, int(relation), from_id, ids, count, out)
        return [out[index] == 1 for index in range(count)]

    def list(self, relation: Relation, from_id: int, *, cursor: bytes = b'', limit: int = 100) -> Page:
        """The targets of a person's relations, newest first."""
        return self._page(lib.reels_relation_list, int(relation), from_id, record=None, cursor=cursor,
                          limit=limit)

    def comment(self, reel_id: int, person_id: int, comment: str, *, token: bytes = b'') -> Comment:
        """Adds a comment. The same token of 16 bytes again gives the same comment."""
        if token and len(token) != 16:
            raise ValueError('a token has 16 bytes')
        out = ffi.new('reels_comment *')
        fill(out[0], None, [])
        self._call(lib.reels_comment_add, reel_id, person_id, utf8(comment), token or ffi.NULL, out)
        return record_from(Comment, out)

    def comment_remove(self, reel_id: int, comment_id: int, person_id: int) -> None:
        self._call(lib.reels_comment_remove, reel_id, comment_id, person_id)

    def comments(self, reel_id: int, *, viewer_id: int = 0, cursor: bytes = b'', limit: int = 100) -> Page:
        """The comments of a reel, newest first, as a viewer may see them."""
        return self._page(lib.reels_comment_list, reel_id, viewer_id, record=Comment, cursor=cursor,
                          limit=limit)


class Reels(Part):
    def get(self, reel_id: int) -> Reel:
        """One reel; its state is NONE when there is none."""
        return self.get_many([reel_id])[0]

    def get_many(self, reel_ids: Iterable[int]) -> list[Reel]:
        ids, count = array('uint64_t', reel_ids)
        out = structs_for(Reel, count)
        self._call(lib.reels_reel_get, ids, count, out)
        return [record_from(Reel, out[index]) for index in range(count)]

    def of_creator(self, creator_id: int, *, cursor: bytes = b'', limit: int = 100) -> Page:
        return self._list(ReelOrder.CREATOR, creator_id, cursor, limit)

    def in_state(self, state: ReelState, *, cursor: bytes = b'', limit: int = 100) -> Page:
        return self._list(ReelOrder.STATE, int(state), cursor, limit)

    def _list(self, order: ReelOrder, key: int, cursor: bytes, limit: int) -> Page:
        return self._page(lib.reels_reel_list, int(order), key, record=Reel, cursor=cursor, limit=limit)


def media_prefix(reel_id: int, generation: int) -> str:
    """The blob prefix under which the files of a reel's generation lie; 'master.m3u8' is one of them."""
    out = ffi.new('char[]', 64)
    status = lib.reels_reel_media_prefix(reel_id, generation, out, len(out))
    assert status == 0, 'the header promises that 40 bytes are enough'
    return text(out)
