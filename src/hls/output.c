/* Owns names of files, the table's entry check, and what all ready-made outputs share. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "output_internal.h"

static int name_byte_is_valid(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

int32_t reels_output_name_is_valid(const char *name)
{
    if (name == NULL || name[0] == '\0' || name[0] == '.') {
        return 0;
    }
    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        if (len == REELS_OUTPUT_NAME_BYTES_MAX || !name_byte_is_valid(name[len])) {
            return 0;
        }
    }
    return 1;
}

reels_status reels__output_table_read(const reels_output_vtable *table,
                                      reels_output_vtable *out_copy,
                                      reels_error *err)
{
    REELS_REQUIRE(table != NULL, err, "output: no table");
    REELS_TRY(reels__options_read(
        table, sizeof *table, out_copy, sizeof *out_copy, "reels_output_vtable", err));
    if (out_copy->begin == NULL || out_copy->write == NULL || out_copy->finish == NULL ||
        out_copy->abort == NULL) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "output: begin, write, finish and abort must be given");
    }
    return REELS_OK;
}

reels_status reels__output_names_reserve(reels_output *output, reels_error *err)
{
    struct reels__output_names *names = &output->finished;
    size_t needed = names->count + output->files_open + 1;
    if (needed <= names->capacity) {
        return REELS_OK;
    }
    size_t capacity = needed + needed / 2 + 8;
    void *items = reels__mem_realloc(output->ctx, names->items, capacity * sizeof *names->items);
    if (items == NULL) {
        return reels__fail(
            err, REELS_ERR_NO_MEMORY, "output: no memory for the names of %zu files", capacity);
    }
    names->items = items;
    names->capacity = capacity;
    return REELS_OK;
}

void reels__output_names_add(reels_output *output, const char *name)
{
    struct reels__output_names *names = &output->finished;
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return;
        }
    }
    memcpy(names->items[names->count++], name, strlen(name) + 1);
}

const reels_output_vtable *reels_output_table(const reels_output *output)
{
    return &output->table;
}

uint64_t reels_output_bytes(const reels_output *output)
{
    return output->bytes;
}

reels_status reels_output_discard(reels_output *output, reels_error *err)
{
    if (output->files_open != 0) {
        return reels__fail(
            err, REELS_ERR_STATE, "output: %u files are still open", (unsigned)output->files_open);
    }
    reels_status status = output->remove_all(output, err);
    output->finished.count = 0;
    output->bytes = 0;
    return status;
}

void reels_output_free(reels_output *output)
{
    if (output == NULL) {
        return;
    }
    reels__mem_free(output->ctx, output->finished.items);
    output->dispose(output);
}
