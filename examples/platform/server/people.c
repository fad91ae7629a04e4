/* Owns the demo's accounts. libreels knows persons by a number only; who they are is the host's
 * affair, and this host keeps it in two tables of its own in the platform's catalog. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum {
    PERSON_ID,
    PERSON_NAME,
    PERSON_COLUMNS
};
static const reels_column person_columns[] = {{"person_id", REELS_TYPE_ID, 0},
                                              {"name", REELS_TYPE_UTF8, 0}};
static const uint32_t first_column[] = {0};
static const reels_table persons = {.struct_size = sizeof(reels_table),
                                    .version = 1,
                                    .name = "demo_persons",
                                    .columns = person_columns,
                                    .key_columns = first_column,
                                    .columns_count = PERSON_COLUMNS,
                                    .key_columns_count = 1,
                                    .ttl_column = UINT32_MAX};

/* Names in lower case: the same name in any case is the same person. */
static const reels_column name_columns[] = {{"name_key", REELS_TYPE_UTF8, 0},
                                            {"person_id", REELS_TYPE_ID, 0}};
static const reels_table names = {.struct_size = sizeof(reels_table),
                                  .version = 1,
                                  .name = "demo_names",
                                  .columns = name_columns,
                                  .key_columns = first_column,
                                  .columns_count = PERSON_COLUMNS,
                                  .key_columns_count = 1,
                                  .ttl_column = UINT32_MAX};

static reels_value text_value(const char *text)
{
    return (reels_value){
        .type = REELS_TYPE_UTF8, .data = (const uint8_t *)text, .len = strlen(text)};
}

static reels_value id_value(uint64_t id)
{
    return (reels_value){.type = REELS_TYPE_ID, .integer = (int64_t)id};
}

reels_status people_open(struct server *server, reels_error *err)
{
    const reels_table *tables[] = {&persons, &names};
    return reels_catalog_declare(reels_platform_catalog(server->platform), NULL, tables, 2, err);
}

static reels_status put(struct server *server,
                        const reels_table *table,
                        const reels_value *row,
                        uint32_t condition,
                        reels_status *out_result,
                        reels_error *err)
{
    reels_op op = {.table = table, .values = row, .kind = REELS_OP_PUT, .condition = condition};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    reels_status status = reels_catalog_commit(
        reels_platform_catalog(server->platform), NULL, &commit, 1, &result, err);
    *out_result = result.status;
    return status;
}

static reels_status find(struct server *server, const char *key, uint64_t *out_id, reels_error *err)
{
    reels_value name = text_value(key);
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(server->ctx, 0, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(
            reels_platform_catalog(server->platform), NULL, &names, &name, 1, rows, err);
    }
    if (status == REELS_OK) {
        const reels_value *row = reels_rows_get(rows, 0, NULL);
        *out_id = row != NULL ? (uint64_t)row[1].integer : 0;
    }
    reels_rows_free(rows);
    return status;
}

reels_status people_names(struct server *server,
                          const uint64_t *ids,
                          size_t count,
                          char (*out)[NAME_BYTES],
                          reels_error *err)
{
    reels_rows *rows = NULL;
    reels_value *keys = count > 0 ? calloc(count, sizeof(*keys)) : NULL;
    if (count == 0) {
        return REELS_OK;
    }
    if (keys == NULL) {
        return reels_error_set(err, REELS_ERR_NO_MEMORY, 0, "no memory for names");
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = id_value(ids[i]);
    }
    reels_status status = reels_rows_new(server->ctx, 0, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(
            reels_platform_catalog(server->platform), NULL, &persons, keys, count, rows, err);
    }
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        const reels_value *row = reels_rows_get(rows, i, NULL);
        int len = row != NULL && row[1].len < NAME_BYTES ? (int)row[1].len : 0;
        (void)snprintf(out[i], NAME_BYTES, "%.*s", len, len > 0 ? (const char *)row[1].data : "");
    }
    reels_rows_free(rows);
    free(keys);
    return status;
}

reels_status people_sign_in(struct server *server,
                            const char *name,
                            uint64_t *out_id,
                            char out_name[NAME_BYTES],
                            reels_error *err)
{
    char key[NAME_BYTES];
    size_t len = strlen(name);
    reels_status result = REELS_OK;
    for (size_t i = 0; i <= len; i++) {
        key[i] = (char)tolower((unsigned char)name[i]);
    }
    reels_status status = find(server, key, out_id, err);
    if (status == REELS_OK && *out_id == 0) {
        /* The person first: a name never leads to nobody. Two at once: the first one's name counts.
         */
        uint64_t id = 0;
        status = reels_id_next(reels_platform_ids(server->platform), NULL, &id, err);
        reels_value person[] = {id_value(id), text_value(name)};
        if (status == REELS_OK) {
            status = put(server, &persons, person, REELS_IF_ABSENT, &result, err);
        }
        reels_value row[] = {text_value(key), id_value(id)};
        if (status == REELS_OK) {
            status = put(server, &names, row, REELS_IF_ABSENT, &result, err);
        }
        if (status == REELS_OK) {
            status = find(server, key, out_id, err);
        }
    }
    return status == REELS_OK ? people_names(server, out_id, 1, (char(*)[NAME_BYTES])out_name, err)
                              : status;
}
