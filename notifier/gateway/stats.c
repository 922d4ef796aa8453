/*
 * notifier/gateway/stats.c: counts, rates and delays.
 *
 * Delays are kept in buckets that grow by a fifth each, which is as exact as
 * anybody reads them; rates in one slot a second, cleared as time moves on.
 *
 * From: notifier/gateway/gateway.c, for every new result.
 * To:   notifier/gateway/answer_stats.c, as /v1/stats.
 */
#include "notifier/gateway/stats.h"

#include <math.h>
#include <string.h>

#define DELAYS_FADE 30000
#define BUCKET_FIRST_MS 1.0
#define BUCKET_GROWTH 1.333

static void move_to(struct stats *s, int64_t second);
static int64_t member_number(struct bytes json, const char *name);
static enum reason member_reason(struct bytes json);
static void count_delay(struct stats *s, int64_t delay_ms);

void stats_init(struct stats *s, int64_t wall_ms)
{
    memset(s, 0, sizeof(*s));
    s->second = wall_ms / 1000;
    s->first_second = s->second;
}

int64_t stats_event(struct stats *s, const struct run_event *e, bool live,
                    int64_t wall_ms)
{
    int64_t accepted = member_number(e->json, "\"accepted_at\":");
    int32_t partition = e->id.partition;

    s->types[e->type]++;
    if (e->type == RESULT_REJECTED)
        s->reasons[member_reason(e->json)]++;
    if (accepted > 0 && partition >= 0 && partition < CURSOR_PARTITIONS_MAX)
        s->newest_ms[partition] = accepted;
    if (!live)
        return -1;
    move_to(s, wall_ms / 1000);
    s->seconds[s->second & (STATS_SECONDS - 1)]++;
    if (accepted <= 0)
        return -1;
    /* Two clocks: never less than nothing. */
    accepted = wall_ms > accepted ? wall_ms - accepted : 0;
    count_delay(s, accepted);
    return accepted;
}

double stats_rate(const struct stats *s, int seconds, int64_t wall_ms)
{
    int64_t now = wall_ms / 1000;
    int64_t known = now - s->first_second;
    uint64_t sum = 0;

    if (known < seconds)
        seconds = known < 1 ? 1 : (int)known;
    for (int64_t i = now - seconds; i < now; i++)
        if (i <= s->second && i > s->second - STATS_SECONDS)
            sum += s->seconds[i & (STATS_SECONDS - 1)];
    return (double)sum / seconds;
}

double stats_delay_ms(const struct stats *s, double share)
{
    uint64_t wanted = (uint64_t)((double)s->delays_count * share), sum = 0;

    if (s->delays_count == 0)
        return -1;
    for (int i = 0; i < STATS_BUCKETS; i++) {
        sum += s->delays[i];
        if (sum > wanted || sum == s->delays_count)
            return BUCKET_FIRST_MS * pow(BUCKET_GROWTH, i);
    }
    return -1;
}

static void move_to(struct stats *s, int64_t second)
{
    if (second > s->second + STATS_SECONDS)
        s->second = second - STATS_SECONDS;
    while (s->second < second) {
        s->second++;
        s->seconds[s->second & (STATS_SECONDS - 1)] = 0;
    }
}

/* The number behind `name` in a result, whose members stand in a known form. */
static int64_t member_number(struct bytes json, const char *name)
{
    size_t count = strlen(name);
    const uint8_t *at = memmem(json.data, json.count, name, count);
    const uint8_t *end = json.data + json.count;
    int64_t value = 0;

    if (at == NULL)
        return -1;
    for (at += count; at < end && *at >= '0' && *at <= '9'; at++) {
        if (value > INT64_MAX / 10 - 1)
            return -1;
        value = value * 10 + (*at - '0');
    }
    return value;
}

static enum reason member_reason(struct bytes json)
{
    static const char name[] = "\"reason\":\"";
    const uint8_t *at = memmem(json.data, json.count, name, sizeof(name) - 1);
    const uint8_t *end;

    if (at == NULL)
        return REASON_NONE;
    at += sizeof(name) - 1;
    end = memchr(at, '"', (size_t)(json.data + json.count - at));
    return end == NULL ? REASON_NONE
                       : reason_find(bytes_of(at, (size_t)(end - at)));
}

static void count_delay(struct stats *s, int64_t delay_ms)
{
    double at = delay_ms < 1 ? 0
                             : ceil(log((double)delay_ms / BUCKET_FIRST_MS) /
                                    log(BUCKET_GROWTH));
    int bucket = at < STATS_BUCKETS - 1 ? (int)at : STATS_BUCKETS - 1;

    s->delays[bucket]++;
    if (++s->delays_count < DELAYS_FADE)
        return;
    s->delays_count = 0;
    for (int i = 0; i < STATS_BUCKETS; i++) {
        s->delays[i] /= 2;
        s->delays_count += s->delays[i];
    }
}
