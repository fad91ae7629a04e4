/* Owns the model port: scores of candidates for one viewer. Pure: the same inputs give the same
 * scores. */
#ifndef REELS_BACKEND_MODEL_H
#define REELS_BACKEND_MODEL_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_MODEL_INPUTS_MAX = 256,
    REELS_MODEL_HEADS_MAX = 64,
    REELS_MODEL_CANDIDATES_MAX = 100000,
    REELS_MODEL_WIDTH_MAX = 4096
};

enum {
    REELS_MODEL_OF_VIEWER = 1,   /**< one row */
    REELS_MODEL_OF_CONTEXT = 2,  /**< one row */
    REELS_MODEL_OF_CANDIDATE = 3 /**< one row per candidate */
};

enum {
    REELS_MODEL_FLOAT32 = 1,
    REELS_MODEL_INT64 = 2 /**< an ID or a category */
};

/** One input of a model. */
typedef struct reels_model_input {
    const char *name; /**< [a-z][a-z0-9_]{0,63} */
    uint32_t of;      /**< REELS_MODEL_OF_* */
    uint32_t type;    /**< REELS_MODEL_FLOAT32, REELS_MODEL_INT64 */
    uint32_t width;   /**< values per row, 1..REELS_MODEL_WIDTH_MAX */
    uint32_t reserved0;
} reels_model_input;

/** What a model is. */
typedef struct reels_model_info {
    uint32_t struct_size;
    uint32_t inputs_count;
    const reels_model_input *inputs;
    const char *const *heads; /**< what is predicted, such as "p_complete" */
    uint32_t heads_count;
    uint32_t reserved0;
    const char *name;
    const char *version;
    const char *space_id; /**< the vector space of its vector inputs; "" when it has none */
} reels_model_info;

/** Values of one input: rows times width, row by row. The pointer of the input's type is set. */
typedef struct reels_model_column {
    const float *float32;
    const int64_t *int64;
} reels_model_column;

/**
 * The model port. Slots may block, are called from any thread and overlap; none may call back.
 * Pointers are borrowed for the call.
 */
typedef struct reels_model_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Everything out_info points to stays as it is until destroy. Asked once, at
     * registration. */
    reels_status (*describe)(void *impl, reels_model_info *out_info, reels_error *err);

    /** must. columns are in the order of the inputs. Writes heads_count times candidates_count
     * scores, head by head; they are finite. */
    reels_status (*score)(void *impl,
                          const reels_call *call,
                          const reels_model_column *columns,
                          uint32_t candidates_count,
                          float *out_scores,
                          reels_error *err);
} reels_model_vtable;

/** A model. @threadsafety internally locked */
typedef struct reels_model reels_model;

/**
 * Makes a model from a host's table, and asks it what it is.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the model, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing or the description is
 * malformed; REELS_ERR_UNSUPPORTED for a newer table; REELS_ERR_NO_MEMORY; or what describe
 * returned
 * @ownership     takes impl on success: destroy is called once by reels_model_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_model_new(reels_ctx *ctx,
                                       const reels_model_vtable *vtable,
                                       void *impl,
                                       reels_model **out,
                                       reels_error *err);

/**
 * Opens a model by URL, whose scheme an adapter has registered; none is embedded.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the model, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; or what the adapter fails with
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_model_open(reels_ctx *ctx,
                                        const char *url,
                                        reels_model **out,
                                        reels_error *err);

/**
 * Frees a model.
 *
 * @param model  NULL does nothing
 * @ownership     takes model
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_model_free(reels_model *model);

/**
 * Tells what the model is.
 *
 * @param model  model
 * @return never NULL
 * @ownership     borrowed until the model is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_model_info *reels_model_describe(const reels_model *model);

/**
 * Scores candidates. Scores that are not finite are a failure of the model, never handed on.
 *
 * @param      model             model
 * @param      call              deadline and cancel; may be NULL
 * @param      columns           one per input, in the order of the description
 * @param      columns_count     the model's inputs_count
 * @param      candidates_count  0..REELS_MODEL_CANDIDATES_MAX
 * @param[out] out_scores        heads_count times candidates_count, head by head
 * @param[out] err               detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CORRUPT for scores that are not finite;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; or what score returned
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_model_score(reels_model *model,
                                         const reels_call *call,
                                         const reels_model_column *columns,
                                         uint32_t columns_count,
                                         uint32_t candidates_count,
                                         float *out_scores,
                                         reels_error *err);

REELS_END_DECLS

#endif
