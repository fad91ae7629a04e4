/* Owns the functions that C calls, with the types that the library's headers give them. */
#ifndef REELS_GO_WRAPPER_H
#define REELS_GO_WRAPPER_H

#include <reels/reels.h>

/* cgo writes no const: types that have it inside. */
typedef const uint8_t reels_go_bytes;
typedef const char reels_go_text;
typedef const reels_transcode_progress reels_go_told;

extern const reels_reader_fn reels_go_reader;
extern const reels_sink_fn reels_go_sink;
extern const reels_media_read_fn reels_go_media_read;
extern const reels_transcode_progress_fn reels_go_progress;
extern const reels_playlist_url_fn reels_go_playlist_url;

/* Makes `log` write through Go; user holds a handle. */
void reels_go_log_set(reels_log *log, void *user);

/* Calls destroy of a lease that no generator took. */
void reels_go_lease_destroy(const reels_id_lease_vtable *lease, void *impl);

#endif
