/* Owns the embed port: a vector and categories for what a reel shows, sounds and says. Also owns
 * the content of a reel that this port and the classifier are given. */
#ifndef REELS_BACKEND_EMBED_H
#define REELS_BACKEND_EMBED_H

#include <reels/backend/record.h>

REELS_BEGIN_DECLS

enum {
    REELS_CONTENTS_MAX = 256,             /**< reels of one call */
    REELS_CONTENT_FRAMES_MAX = 64,        /**< frames of one reel */
    REELS_CONTENT_SIDE_MAX = 4096,        /**< width and height of a frame */
    REELS_CONTENT_TEXT_BYTES_MAX = 65536, /**< text of one reel */
    REELS_EMBED_DIMENSIONS_MAX = 4096
};

/** One picture of a reel: RGB, 8 bits each, rows from the top. */
typedef struct reels_content_frame {
    const uint8_t *pixels;
    uint32_t width;
    uint32_t height;
    uint32_t stride_bytes; /**< from row to row, at least 3 times width */
    uint32_t reserved0;
    int64_t time_us; /**< from the beginning of the reel */
} reels_content_frame;

/** What is looked at of one reel. Any part may be missing. */
typedef struct reels_content {
    int64_t reel_id;
    const reels_content_frame *frames;
    const float *audio; /**< mono */
    const char *text;   /**< UTF-8: caption, tags, spoken words; NULL = none */
    uint64_t audio_samples_count;
    uint32_t frames_count;
    uint32_t audio_rate_hz; /**< 0 without audio */
    const char *language;   /**< BCP 47, NULL = not known */
} reels_content;

/** What an embedding is. */
typedef struct reels_embed_info {
    uint32_t struct_size;
    uint32_t dimensions_count; /**< 1..REELS_EMBED_DIMENSIONS_MAX */
    const char *name;
    const char *version;
    const char *space_id; /**< vectors of the same space can be compared, others never */
} reels_embed_info;

/** The embed port. Slots may block, are called from any thread and overlap; none may call back. */
typedef struct reels_embed_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Everything out_info points to stays as it is until destroy. Asked once, at
     * registration. */
    reels_status (*describe)(void *impl, reels_embed_info *out_info, reels_error *err);

    /** must. Writes contents_count vectors one after the other, finite and of length 1, or all zero
     * for a content it can make nothing of; appends a row (content INT64, category UTF8, weight
     * FLOAT64) per category. */
    reels_status (*embed)(void *impl,
                          const reels_call *call,
                          const reels_content *contents,
                          size_t contents_count,
                          float *out_vectors,
                          reels_rows *categories,
                          reels_error *err);
} reels_embed_vtable;

/** An embedding. @threadsafety internally locked */
typedef struct reels_embed reels_embed;

/**
 * Makes an embedding from a host's table, and asks it what it is.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the embedding, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing or the description is
 * malformed; REELS_ERR_UNSUPPORTED for a newer table; REELS_ERR_NO_MEMORY; or what describe
 * returned
 * @ownership     takes impl on success: destroy is called once by reels_embed_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_embed_new(reels_ctx *ctx,
                                       const reels_embed_vtable *vtable,
                                       void *impl,
                                       reels_embed **out,
                                       reels_error *err);

/**
 * Opens an embedding by URL, whose scheme an adapter has registered; none is embedded.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the embedding, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; or what the adapter fails with
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_embed_open(reels_ctx *ctx,
                                        const char *url,
                                        reels_embed **out,
                                        reels_error *err);

/**
 * Frees an embedding.
 *
 * @param embed  NULL does nothing
 * @ownership     takes embed
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_embed_free(reels_embed *embed);

/**
 * Tells what the embedding is.
 *
 * @param embed  embedding
 * @return never NULL
 * @ownership     borrowed until the embedding is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_embed_info *reels_embed_describe(const reels_embed *embed);

/**
 * Makes vectors and categories.
 *
 * @param      embed          embedding
 * @param      call           deadline and cancel; may be NULL
 * @param      contents        reels
 * @param      contents_count  0..REELS_CONTENTS_MAX
 * @param[out] out_vectors    contents_count times dimensions_count; all zero = nothing could be
 * made of it
 * @param      categories     a row (content INT64, category UTF8, weight FLOAT64) is appended per
 * category; may be NULL
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CORRUPT for vectors that are not finite;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY; or what embed returned
 * @ownership     borrowed for the call
 * @threadsafety  any thread; categories one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_embed_run(reels_embed *embed,
                                       const reels_call *call,
                                       const reels_content *contents,
                                       size_t contents_count,
                                       float *out_vectors,
                                       reels_rows *categories,
                                       reels_error *err);

REELS_END_DECLS

#endif
