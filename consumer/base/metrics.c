/*
 * consumer/base/metrics.c: the series of this process, and their text.
 *
 * Series live in one table that only grows; a family is the chain of series
 * with one name, because Prometheus wants them together under one HELP and
 * TYPE. Registering takes the lock; updating is one relaxed atomic, since a
 * scrape that is off by one moment harms nobody.
 *
 * From: everything that counts.
 * To:   consumer/base/service.c, which answers /metrics with metrics_expose().
 */
#include "consumer/base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDS_MAX 32
#define FILLS_MAX 32

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

struct metric {
    enum kind kind;
    char *name, *labels, *help; /* labels NULL: none */
    struct metric *next;        /* the next series of the family */
    bool first;                 /* of its family */
    const double *bounds;
    size_t bounds_count;
    atomic_ullong count; /* counter: added so far */
    _Atomic uint64_t
        real; /* the bits of a double: gauge, set counter, histogram's sum */
    atomic_ullong *buckets; /* bounds_count + 1, not cumulative */
};

struct fill {
    void (*run)(void *arg);
    void *arg;
};

static const double seconds_bounds[] = {
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1,
    0.15,  0.25,  0.5,   1,    2.5,   5,    10,
};
static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *series[METRICS_MAX];
static size_t series_count;
static struct fill fills[FILLS_MAX];
static size_t fills_count;

static double get_real(const struct metric *m)
{
    uint64_t bits = atomic_load_explicit(&m->real, memory_order_relaxed);
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void set_real(struct metric *m, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    atomic_store_explicit(&m->real, bits, memory_order_relaxed);
}

static void add_real(struct metric *m, double by)
{
    uint64_t old = atomic_load_explicit(&m->real, memory_order_relaxed);
    uint64_t bits;
    double value;

    do {
        memcpy(&value, &old, sizeof(value));
        value += by;
        memcpy(&bits, &value, sizeof(bits));
    } while (!atomic_compare_exchange_weak_explicit(
        &m->real, &old, bits, memory_order_relaxed, memory_order_relaxed));
}

static bool same_labels(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static char *copy(const char *text)
{
    char *c = text == NULL ? NULL : strdup(text);

    CHECK(text == NULL || c != NULL);
    return c;
}

static struct metric *add_series(enum kind kind, const char *name,
                                 const char *labels, const char *help)
{
    struct metric *m = calloc(1, sizeof(*m));

    CHECK(m != NULL);
    CHECK(series_count < METRICS_MAX);
    m->kind = kind;
    m->name = copy(name);
    m->labels = copy(labels);
    m->help = copy(help);
    series[series_count++] = m;
    return m;
}

/* Under the lock: the series, new or old; `*out_new` says which. */
static struct metric *find(enum kind kind, const char *name, const char *labels,
                           const char *help, bool *out_new)
{
    struct metric *m, *last = NULL;
    size_t i;

    *out_new = false;
    for (i = 0; i < series_count && last == NULL; i++) {
        if (series[i]->first && strcmp(series[i]->name, name) == 0)
            last = series[i];
    }
    for (m = last; m != NULL; m = m->next) {
        CHECK(m->kind == kind);
        if (same_labels(m->labels, labels))
            return m;
        last = m;
    }
    *out_new = true;
    m = add_series(kind, name, labels, help);
    if (last == NULL)
        m->first = true;
    else
        last->next = m;
    return m;
}

static struct metric *add(enum kind kind, const char *name, const char *labels,
                          const char *help, const double *bounds,
                          size_t bounds_count)
{
    struct metric *m;
    bool is_new;

    pthread_mutex_lock(&lock);
    m = find(kind, name, labels, help, &is_new);
    if (is_new && kind == KIND_HISTOGRAM) {
        m->bounds = bounds;
        m->bounds_count = bounds_count;
        m->buckets = calloc(bounds_count + 1, sizeof(*m->buckets));
        CHECK(m->buckets != NULL);
    }
    pthread_mutex_unlock(&lock);
    return m;
}

struct metric *metric_counter(const char *name, const char *labels,
                              const char *help)
{
    return add(KIND_COUNTER, name, labels, help, NULL, 0);
}

struct metric *metric_gauge(const char *name, const char *labels,
                            const char *help)
{
    return add(KIND_GAUGE, name, labels, help, NULL, 0);
}

struct metric *metric_histogram(const char *name, const char *labels,
                                const char *help, const double *bounds,
                                size_t bounds_count)
{
    size_t i;

    if (bounds == NULL) {
        bounds = seconds_bounds;
        bounds_count = sizeof(seconds_bounds) / sizeof(seconds_bounds[0]);
    }
    CHECK(bounds_count > 0 && bounds_count <= BOUNDS_MAX);
    for (i = 1; i < bounds_count; i++)
        CHECK(bounds[i - 1] < bounds[i]);
    return add(KIND_HISTOGRAM, name, labels, help, bounds, bounds_count);
}

void metric_add(struct metric *m, uint64_t n)
{
    CHECK(m->kind == KIND_COUNTER);
    atomic_fetch_add_explicit(&m->count, n, memory_order_relaxed);
}

void metric_set(struct metric *m, double value)
{
    CHECK(m->kind != KIND_HISTOGRAM);
    set_real(m, value);
}

void metric_move(struct metric *m, double by)
{
    CHECK(m->kind == KIND_GAUGE);
    add_real(m, by);
}

void metric_observe(struct metric *m, double value)
{
    size_t i = 0;

    CHECK(m->kind == KIND_HISTOGRAM);
    while (i < m->bounds_count && value > m->bounds[i])
        i++;
    atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
    add_real(m, value);
}

static unsigned long long histogram_count(const struct metric *m)
{
    unsigned long long sum = 0;
    size_t i;

    for (i = 0; i <= m->bounds_count; i++)
        sum += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
    return sum;
}

double metric_value(const struct metric *m)
{
    if (m->kind == KIND_HISTOGRAM)
        return (double)histogram_count(m);
    return get_real(m) +
           (double)atomic_load_explicit(&m->count, memory_order_relaxed);
}

void metrics_before(void (*run)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    CHECK(fills_count < FILLS_MAX);
    fills[fills_count++] = (struct fill){run, arg};
    pthread_mutex_unlock(&lock);
}

void metrics_forget(void *arg)
{
    size_t i, kept = 0;

    pthread_mutex_lock(&lock);
    for (i = 0; i < fills_count; i++) {
        if (fills[i].arg != arg)
            fills[kept++] = fills[i];
    }
    fills_count = kept;
    pthread_mutex_unlock(&lock);
}

/* A number as Prometheus reads it: whole numbers without an exponent. */
static void put_number(struct buffer *out, double value)
{
    if (isnan(value))
        buffer_append_text(out, "NaN");
    else if (isinf(value))
        buffer_append_text(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) < 1e15)
        buffer_append_format(out, "%.0f", value);
    else
        buffer_append_format(out, "%.10g", value);
}

static void put_series(const struct metric *m, struct buffer *out)
{
    const char *labels = m->labels == NULL ? "" : m->labels;
    unsigned long long count =
        atomic_load_explicit(&m->count, memory_order_relaxed);
    double real = get_real(m);

    buffer_append_format(out, *labels == '\0' ? "%s%s " : "%s{%s} ", m->name,
                         labels);
    if (m->kind == KIND_COUNTER && real == 0)
        buffer_append_format(out, "%llu", count);
    else
        put_number(out, real + (double)count);
    buffer_append_byte(out, '\n');
}

static void put_histogram(const struct metric *m, struct buffer *out)
{
    const char *labels = m->labels == NULL ? "" : m->labels;
    const char *comma = *labels == '\0' ? "" : ",";
    const char *open = *labels == '\0' ? "" : "{";
    const char *close = *labels == '\0' ? "" : "}";
    unsigned long long sum = 0;
    size_t i;

    for (i = 0; i <= m->bounds_count; i++) {
        sum += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        buffer_append_format(out, "%s_bucket{%s%sle=\"", m->name, labels,
                             comma);
        put_number(out, i < m->bounds_count ? m->bounds[i] : INFINITY);
        buffer_append_format(out, "\"} %llu\n", sum);
    }
    buffer_append_format(out, "%s_sum%s%s%s ", m->name, open, labels, close);
    put_number(out, get_real(m));
    /* The sum of the buckets, so that the two always agree. */
    buffer_append_format(out, "\n%s_count%s%s%s %llu\n", m->name, open, labels,
                         close, sum);
}

static void put_help(const char *help, struct buffer *out)
{
    for (; *help != '\0'; help++) {
        if (*help == '\n')
            buffer_append_text(out, "\\n");
        else if (*help == '\\')
            buffer_append_text(out, "\\\\");
        else
            buffer_append_byte(out, (uint8_t)*help);
    }
}

static void put_family(const struct metric *m, struct buffer *out)
{
    buffer_append_format(out, "# HELP %s ", m->name);
    put_help(m->help, out);
    buffer_append_format(out, "\n# TYPE %s %s\n", m->name, kind_names[m->kind]);
    for (; m != NULL; m = m->next) {
        if (m->kind == KIND_HISTOGRAM)
            put_histogram(m, out);
        else
            put_series(m, out);
    }
}

void metrics_expose(struct buffer *out)
{
    struct fill now[FILLS_MAX];
    size_t i, count;

    /* Outside the lock, since a fill may register. */
    pthread_mutex_lock(&lock);
    count = fills_count;
    memcpy(now, fills, sizeof(now));
    pthread_mutex_unlock(&lock);
    for (i = 0; i < count; i++)
        now[i].run(now[i].arg);

    pthread_mutex_lock(&lock);
    for (i = 0; i < series_count; i++) {
        if (series[i]->first)
            put_family(series[i], out);
    }
    pthread_mutex_unlock(&lock);
}
