//go:build !reels_nomedia

package reels

// #include "wrapper.h"
import "C"
import "unsafe"

// PlaylistURLs says where the files of a tree are fetched.
type PlaylistURLs struct {
	Base  string                            // put before each name
	Query string                            // put behind each, after '?', or '&' where there is one
	URL   func(name string) (string, error) // makes the whole URL in place of both
}

// RenderPlaylist gives a playlist with other URLs; absolute URIs stay as they are.
func RenderPlaylist(lib *Ctx, text []byte, urls PlaylistURLs) (string, error) {
	var m memory
	defer m.free()
	s := &state{url: urls.URL}
	o := newIn[C.reels_playlist_urls](&m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	o.base_url, o.query = m.text(urls.Base), m.text(urls.Query)
	if urls.URL != nil {
		o.url, o.url_user = C.reels_go_playlist_url, m.user(s)
	}
	content, length := m.bytes(append(text[:len(text):len(text)], 0))
	if m.err != nil {
		return "", m.err
	}
	return lib.buffer("", func(b *C.reels_buf) error {
		e := newError()
		return failure(C.reels_playlist_render((*C.char)(unsafe.Pointer(content)), length-1, o, b, e), e, nil, s)
	})
}
