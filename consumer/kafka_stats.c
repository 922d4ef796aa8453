/*
 * consumer/kafka_stats.c: two numbers out of librdkafka's statistics.
 *
 * The text is some 30 kB of JSON every few seconds and two kinds of member
 * count, so it is searched and not parsed. `wakeups` shows a fault of the
 * idempotent producer: when acknowledgements take longer than the linger, it
 * spins a core; above 20,000 a second it does.
 *
 * From: consumer/consumer.c, outlet.c, reader.c.
 * To:   consumer/base/metrics.c.
 */
#include "consumer/kafka_handle.h"

#include <stdio.h>
#include <string.h>

#include "consumer/base/metrics.h"
#include "schemas/base/bytes.h"

static int64_t number_at(struct bytes json, size_t pos);

void kafka_watch_init(struct kafka_watch *w, const char *name)
{
    char labels[128];

    memset(w, 0, sizeof(*w));
    w->name = name;
    snprintf(labels, sizeof(labels), "client=\"%s\"", name);
    w->metric = metric_counter(
        "tidemill_kafka_wakeups_total", labels,
        "times broker threads woke up; over 20000 a second is a spin");
    w->brokers = metric_gauge("tidemill_kafka_brokers_up", labels,
                              "brokers with a working connection");
}

void kafka_watch_restart(struct kafka_watch *w)
{
    w->wakeups = 0;
}

void kafka_watch_take(struct kafka_watch *w, struct bytes json)
{
    struct kafka_stats stats = kafka_stats_read(json);

    if (stats.wakeups > w->wakeups)
        metric_add(w->metric, (uint64_t)(stats.wakeups - w->wakeups));
    w->wakeups = stats.wakeups;
    w->connected = stats.brokers_up > 0;
    metric_set(w->brokers, stats.brokers_up);
}

struct kafka_stats kafka_stats_read(struct bytes json)
{
    static const char wakeups[] = "\"wakeups\":";
    static const char up[] = "\"state\":\"UP\"";
    struct kafka_stats stats = {0};
    const uint8_t *at = json.data;
    const uint8_t *end = json.data + json.count;
    const uint8_t *hit;

    while (at != NULL && (hit = memmem(at, (size_t)(end - at), wakeups,
                                       sizeof(wakeups) - 1)) != NULL) {
        at = hit + sizeof(wakeups) - 1;
        stats.wakeups += number_at(json, (size_t)(at - json.data));
    }
    at = json.data;
    while (at != NULL &&
           (hit = memmem(at, (size_t)(end - at), up, sizeof(up) - 1)) != NULL) {
        at = hit + sizeof(up) - 1;
        stats.brokers_up++;
    }
    return stats;
}

/* At most 18 digits, which fit. */
static int64_t number_at(struct bytes json, size_t pos)
{
    int64_t value = 0;

    for (size_t i = pos; i < json.count && i < pos + 18; i++) {
        if (json.data[i] < '0' || json.data[i] > '9')
            break;
        value = value * 10 + (json.data[i] - '0');
    }
    return value;
}
