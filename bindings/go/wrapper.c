/* Owns the addresses of the exported Go functions, with the types that the headers ask for: the
 * compiler holds each against them. */
#include "wrapper.h"

#include "_cgo_export.h"

const reels_reader_fn reels_go_reader = reelsGoRead;
const reels_sink_fn reels_go_sink = reelsGoSink;
const reels_media_read_fn reels_go_media_read = reelsGoReadAt;
const reels_transcode_progress_fn reels_go_progress = reelsGoProgress;
const reels_playlist_url_fn reels_go_playlist_url = reelsGoPlaylistURL;

void reels_go_log_set(reels_log *log, void *user)
{
    log->user = user;
    log->write = reelsGoLog;
}

void reels_go_lease_destroy(const reels_id_lease_vtable *lease, void *impl)
{
    if (lease != NULL && lease->destroy != NULL) {
        lease->destroy(impl);
    }
}
