/* Owns the library's own tokens for media; the form is described in <reels/backend/cdn.h>. */
#ifndef REELS_SRC_BACKEND_CDN_TOKEN_H
#define REELS_SRC_BACKEND_CDN_TOKEN_H

#include <reels/backend/cdn.h>

/* Appends a token for a prefix that was checked. viewer may be NULL. */
reels_status reels__cdn_token_sign(const reels_cdn_key *key,
                                   const char *prefix,
                                   const char *viewer,
                                   int64_t expires_unix_s,
                                   reels_buf *out,
                                   reels_error *err);

/* Lets in, or DENIED, or STALE for a genuine token whose time is over. Token and path are any text;
 * the time taken does not depend on how much of a wrong code is right. */
reels_status reels__cdn_token_check(const reels_cdn_key *keys,
                                    size_t keys_count,
                                    const char *token,
                                    const char *path,
                                    const char *viewer,
                                    int64_t now_unix_us,
                                    reels_error *err);

#endif
