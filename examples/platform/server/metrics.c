/* Owns measurements: a host's metrics hook that keeps sums in memory and writes them as Prometheus
 * text. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum {
    SERIES_MAX = 1024,
    LABELS_BYTES = 160,
    BUCKETS = 12
};

/* Upper bounds of histogram buckets, in the unit of the metric. */
static const int64_t bounds[BUCKETS] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000, 10000000};

struct series {
    const char *name;
    const char *help;
    uint32_t kind;
    char labels[LABELS_BYTES]; /* "" or {name="value",...} without braces */
    int64_t value;             /* of a histogram its sum */
    uint64_t count;
    uint64_t buckets[BUCKETS];
};

struct metrics {
    pthread_mutex_t lock;
    size_t count;
    struct series series[SERIES_MAX];
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics != NULL && pthread_mutex_init(&metrics->lock, NULL) != 0) {
        free(metrics);
        metrics = NULL;
    }
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics != NULL) {
        (void)pthread_mutex_destroy(&metrics->lock);
        free(metrics);
    }
}

/* Under the lock. NULL when there are too many. */
static struct series *
find(struct metrics *metrics, const char *name, const char *help, uint32_t kind, const char *labels)
{
    for (size_t i = 0; i < metrics->count; i++) {
        struct series *series = &metrics->series[i];
        if (strcmp(series->name, name) == 0 && strcmp(series->labels, labels) == 0) {
            return series;
        }
    }
    if (metrics->count == SERIES_MAX) {
        return NULL;
    }
    struct series *series = &metrics->series[metrics->count++];
    series->name = name;
    series->help = help;
    series->kind = kind;
    (void)snprintf(series->labels, sizeof(series->labels), "%s", labels);
    return series;
}

static void add(struct series *series, int64_t value)
{
    if (series->kind == REELS_METRIC_GAUGE) {
        series->value = value;
        return;
    }
    series->value += value;
    series->count++;
    for (int i = 0; i < BUCKETS; i++) {
        series->buckets[i] += value <= bounds[i];
    }
}

static void record(struct metrics *metrics,
                   const char *name,
                   const char *help,
                   uint32_t kind,
                   const char *labels,
                   int64_t value)
{
    (void)pthread_mutex_lock(&metrics->lock);
    struct series *series = find(metrics, name, help, kind, labels);
    if (series != NULL) {
        add(series, value);
    }
    (void)pthread_mutex_unlock(&metrics->lock);
}

static void
hook_record(void *user, const reels_metric *metric, const char *label_value, int64_t value)
{
    char labels[LABELS_BYTES] = "";
    if (metric->label != NULL && label_value != NULL) {
        (void)snprintf(labels, sizeof(labels), "%s=\"%s\"", metric->label, label_value);
    }
    record(user, metric->name, metric->help, metric->kind, labels, value);
}

reels_metrics metrics_hook(struct metrics *metrics)
{
    return (reels_metrics){
        .struct_size = sizeof(reels_metrics), .user = metrics, .record = hook_record};
}

void metrics_request(struct metrics *metrics,
                     const char *route,
                     unsigned status,
                     int64_t duration_us)
{
    char labels[LABELS_BYTES];
    (void)snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%u\"", route, status);
    record(
        metrics, "http_requests", "Requests that were answered.", REELS_METRIC_COUNTER, labels, 1);
    (void)snprintf(labels, sizeof(labels), "route=\"%s\"", route);
    record(metrics,
           "http_request_duration_us",
           "From the first header to the end of the answer.",
           REELS_METRIC_HISTOGRAM,
           labels,
           duration_us);
}

static void write_series(FILE *out, const struct series *series)
{
    const char *open = series->labels[0] != '\0' ? "{" : "";
    const char *close = series->labels[0] != '\0' ? "}" : "";
    if (series->kind != REELS_METRIC_HISTOGRAM) {
        (void)fprintf(out,
                      "%s%s%s%s%s %lld\n",
                      series->name,
                      series->kind == REELS_METRIC_COUNTER ? "_total" : "",
                      open,
                      series->labels,
                      close,
                      (long long)series->value);
        return;
    }
    const char *comma = series->labels[0] != '\0' ? "," : "";
    for (int i = 0; i < BUCKETS; i++) {
        (void)fprintf(out,
                      "%s_bucket{%s%sle=\"%lld\"} %llu\n",
                      series->name,
                      series->labels,
                      comma,
                      (long long)bounds[i],
                      (unsigned long long)series->buckets[i]);
    }
    (void)fprintf(out,
                  "%s_bucket{%s%sle=\"+Inf\"} %llu\n",
                  series->name,
                  series->labels,
                  comma,
                  (unsigned long long)series->count);
    (void)fprintf(out,
                  "%s_sum%s%s%s %lld\n",
                  series->name,
                  open,
                  series->labels,
                  close,
                  (long long)series->value);
    (void)fprintf(out,
                  "%s_count%s%s%s %llu\n",
                  series->name,
                  open,
                  series->labels,
                  close,
                  (unsigned long long)series->count);
}

static const char *type_name(uint32_t kind)
{
    return kind == REELS_METRIC_COUNTER ? "counter"
           : kind == REELS_METRIC_GAUGE ? "gauge"
                                        : "histogram";
}

char *metrics_text(struct metrics *metrics)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->count; i++) {
        const struct series *first = &metrics->series[i];
        int seen = 0;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = strcmp(metrics->series[k].name, first->name) == 0;
        }
        if (seen) {
            continue;
        }
        const char *total = first->kind == REELS_METRIC_COUNTER ? "_total" : "";
        (void)fprintf(out,
                      "# HELP %s%s %s\n# TYPE %s%s %s\n",
                      first->name,
                      total,
                      first->help,
                      first->name,
                      total,
                      type_name(first->kind));
        for (size_t k = i; k < metrics->count; k++) {
            if (strcmp(metrics->series[k].name, first->name) == 0) {
                write_series(out, &metrics->series[k]);
            }
        }
    }
    (void)pthread_mutex_unlock(&metrics->lock);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
