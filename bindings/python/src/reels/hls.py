"""Owns the playlist as it is served: the same text with other URLs."""

from typing import Callable

from ._callbacks import State
from ._library import ffi, lib, utf8
from .context import Buffer, Context
from .errors import invoke
from .media import require_media


def render_playlist(context: Context, text: str, *, base_url: str = '', query: str = '',
                    url: Callable[[str], str] | None = None) -> str:
    """The playlist with base_url before and query behind each name in it, or with what url makes of
    each name. Absolute URIs stay as they are."""
    require_media()
    state = State(url)
    base, behind = ffi.new('char[]', utf8(base_url)), ffi.new('char[]', utf8(query))
    urls = ffi.new('reels_playlist_urls *', {
        'struct_size': ffi.sizeof('reels_playlist_urls'), 'base_url': base, 'query': behind})
    if url is not None:
        urls.url, urls.url_user = lib.reels_python_playlist_url, state.handle
    content = text.encode('utf-8')
    with Buffer(context._handle) as out:
        invoke(lib.reels_playlist_render, content, len(content), urls, out.pointer, state=state)
        return out.text()
