/* Owns the media role of a build without media: there is none. */
#include "base/error.h"
#include "platform_internal.h"

reels_status
reels__media_role_new(reels_platform *platform, struct reels__media_role **out, reels_error *err)
{
    (void)platform;
    (void)err;
    *out = NULL;
    return REELS_OK;
}

void reels__media_role_free(struct reels__media_role *role)
{
    (void)role;
}

reels_status reels__media_role_step(struct reels__media_role *role,
                                    int64_t budget_us,
                                    int64_t *out_next_due,
                                    reels_error *err)
{
    (void)role;
    (void)budget_us;
    *out_next_due = INT64_MAX;
    return reels__fail(err, REELS_ERR_UNSUPPORTED, "this build has no media");
}

reels_upload_check_fn reels__media_upload_check(void)
{
    return NULL;
}
