/* Owns what the platform tells of itself: whether it is fit to serve, and the descriptors of its
 * tables, topics and counters. */
#include <string.h>

#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/json.h"
#include "feed/feed_internal.h"
#include "platform_internal.h"
#include "social/tables.h"
#include "upload/upload_internal.h"

static const char *const type_names[] = {
    "null", "int64", "float64", "bool", "utf8", "bytes", "time", "id"};

/* ---- health ---- */

static reels_status ask_catalog(reels_platform *platform, const reels_call *call, reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    uint64_t id = 1;
    return reels_reel_get(platform->reels, call, &id, 1, &reel, err);
}

static reels_status ask_stats(reels_platform *platform, const reels_call *call, reels_error *err)
{
    uint64_t entity = 1;
    uint32_t counter = REELS_COUNTER_VIEWS;
    int64_t views = 0;
    return reels_counter_read(platform->stats, call, &entity, 1, &counter, 1, &views, err);
}

static reels_status ask_blob(reels_platform *platform, const reels_call *call, reels_error *err)
{
    reels_blob_info info = {.struct_size = sizeof(info)};
    reels_status status = reels_blob_head(platform->blob, call, "health", &info, err);
    return status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
}

static reels_status ask_queue(reels_platform *platform, const reels_call *call, reels_error *err)
{
    uint32_t partitions = 0;
    return reels_queue_topic_open(
        platform->queue, call, reels_event_topic_name(REELS_TOPIC_REEL), 0, &partitions, err);
}

static reels_status ask_ids(reels_platform *platform, const reels_call *call, reels_error *err)
{
    uint64_t id = 0;
    return reels_id_next(platform->ids, call, &id, err);
}

static const struct {
    const char *name;
    reels_status (*ask)(reels_platform *platform, const reels_call *call, reels_error *err);
} ports[] = {{"catalog", ask_catalog},
             {"stats", ask_stats},
             {"blob", ask_blob},
             {"queue", ask_queue},
             {"ids", ask_ids}};

reels_status reels_platform_health(reels_platform *platform,
                                   const reels_call *call,
                                   reels_buf *json,
                                   reels_error *err)
{
    REELS_REQUIRE(platform != NULL && json != NULL, err, "platform and json are needed");
    reels_status first = REELS_OK;
    reels_status answers[REELS__COUNT(ports)];
    for (size_t i = 0; i < REELS__COUNT(ports); i++) {
        answers[i] = ports[i].ask(platform, call, first == REELS_OK ? err : NULL);
        first = first == REELS_OK ? answers[i] : first;
    }
    struct reels__json_writer writer;
    reels__json_writer_init(&writer, json, first == REELS_OK ? err : NULL);
    reels__json_write_object_begin(&writer);
    reels__json_write_key(&writer, "ok");
    reels__json_write_bool(&writer, first == REELS_OK);
    reels__json_write_key(&writer, "ports");
    reels__json_write_object_begin(&writer);
    for (size_t i = 0; i < REELS__COUNT(ports); i++) {
        reels__json_write_key(&writer, ports[i].name);
        reels__json_write_text(&writer, reels_status_name(answers[i]));
    }
    reels__json_write_object_end(&writer);
    reels__json_write_object_end(&writer);
    reels_status written = reels__json_writer_finish(&writer);
    return first != REELS_OK ? first : written;
}

/* ---- schema ---- */

static void write_columns(struct reels__json_writer *writer, const reels_table *table)
{
    reels__json_write_array_begin(writer);
    for (uint32_t i = 0; i < table->columns_count; i++) {
        reels__json_write_object_begin(writer);
        reels__json_write_key(writer, "name");
        reels__json_write_text(writer, table->columns[i].name);
        reels__json_write_key(writer, "type");
        reels__json_write_text(writer, type_names[table->columns[i].type]);
        reels__json_write_key(writer, "nullable");
        reels__json_write_bool(writer, (table->columns[i].flags & REELS_COLUMN_NULLABLE) != 0);
        reels__json_write_object_end(writer);
    }
    reels__json_write_array_end(writer);
}

static void write_names(struct reels__json_writer *writer,
                        const reels_table *table,
                        const uint32_t *columns,
                        uint32_t count)
{
    reels__json_write_array_begin(writer);
    for (uint32_t i = 0; i < count; i++) {
        reels__json_write_text(writer, table->columns[columns[i]].name);
    }
    reels__json_write_array_end(writer);
}

static void write_table(struct reels__json_writer *writer, const reels_table *table)
{
    reels__json_write_object_begin(writer);
    reels__json_write_key(writer, "name");
    reels__json_write_text(writer, table->name);
    reels__json_write_key(writer, "version");
    reels__json_write_u64(writer, table->version);
    reels__json_write_key(writer, "shard");
    reels__json_write_text(writer, table->columns[table->shard_column].name);
    reels__json_write_key(writer, "columns");
    write_columns(writer, table);
    reels__json_write_key(writer, "key");
    write_names(writer, table, table->key_columns, table->key_columns_count);
    reels__json_write_key(writer, "indexes");
    reels__json_write_object_begin(writer);
    for (uint32_t i = 0; i < table->indexes_count; i++) {
        reels__json_write_key(writer, table->indexes[i].name);
        write_names(writer, table, table->indexes[i].columns, table->indexes[i].columns_count);
    }
    reels__json_write_object_end(writer);
    if (table->ttl_column != UINT32_MAX) {
        reels__json_write_key(writer, "ttl");
        reels__json_write_text(writer, table->columns[table->ttl_column].name);
    }
    reels__json_write_object_end(writer);
}

static void write_topics(struct reels__json_writer *writer)
{
    reels__json_write_array_begin(writer);
    for (uint32_t topic = REELS_TOPIC_REEL; topic <= REELS_TOPIC_PERSON; topic <<= 1) {
        reels__json_write_object_begin(writer);
        reels__json_write_key(writer, "name");
        reels__json_write_text(writer, reels_event_topic_name(topic));
        reels__json_write_key(writer, "events");
        reels__json_write_array_begin(writer);
        for (uint32_t type = 1; type <= REELS_EVENT_NOT_INTERESTED; type++) {
            if ((reels_event_topics(type) & topic) != 0) {
                reels__json_write_text(writer, reels_event_type_name(type));
            }
        }
        reels__json_write_array_end(writer);
        reels__json_write_object_end(writer);
    }
    reels__json_write_array_end(writer);
}

reels_status reels_platform_schema(reels_ctx *ctx, reels_buf *json, reels_error *err)
{
    REELS_REQUIRE(ctx != NULL && json != NULL, err, "ctx and json are needed");
    const reels_table *tables[] = {reels_reel_table(),
                                   reels__upload_table(),
                                   reels__piece_table(),
                                   reels__relation_table(),
                                   reels__comment_table(),
                                   reels__watched_table(),
                                   reels__feed_session_table(),
                                   reels_rendition_table(),
                                   reels__secret_table(),
                                   reels_id_node_table()};
    struct reels__json_writer writer;
    reels__json_writer_init(&writer, json, err);
    reels__json_write_object_begin(&writer);
    reels__json_write_key(&writer, "tables");
    reels__json_write_array_begin(&writer);
    for (size_t i = 0; i < REELS__COUNT(tables); i++) {
        write_table(&writer, tables[i]);
    }
    reels__json_write_array_end(&writer);
    reels__json_write_key(&writer, "topics");
    write_topics(&writer);
    reels__json_write_key(&writer, "counters");
    reels__json_write_object_begin(&writer);
    for (uint32_t counter = 1; reels_counter_name(counter) != NULL; counter++) {
        reels__json_write_key(&writer, reels_counter_name(counter));
        reels__json_write_u64(&writer, counter);
    }
    reels__json_write_object_end(&writer);
    reels__json_write_object_end(&writer);
    return reels__json_writer_finish(&writer);
}
