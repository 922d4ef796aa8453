/*
 * notifier/gateway/answer_stats.c: the numbers of the page and of 404s.
 *
 *   accepted      where tx.submitted ends           (Kafka, 2 s old)
 *   position      up to where rows are written      (PostgreSQL, 1 s old)
 *   announced     up to where results are written   (likewise)
 *   seen          what this gateway heard           (now)
 *
 * Nothing here waits: a number that is not known is null.
 *
 * From: notifier/gateway/route.c.
 * To:   notifier/gateway/page/page.js.
 */
#include "notifier/gateway/answer_stats.h"

#include "consumer/base/clock.h"
#include "consumer/base/http.h"
#include "notifier/gateway/catchup.h"
#include "notifier/gateway/fanout.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/history.h"
#include "notifier/gateway/intake.h"
#include "notifier/gateway/source.h"
#include "notifier/gateway/stats.h"
#include "schemas/json_writer.h"

#define BODY_BYTES_MAX 65536
#define TOTALS_OLD_MS 10000

static void put_seen(struct json_writer *w, const struct stats *s);
static void put_rows(struct json_writer *w, const struct history_totals *t);
static void put_rates(struct json_writer *w, const struct stats *s);
static void put_partitions(struct json_writer *w, struct gateway *g);
static void put_known(struct json_writer *w, int64_t value);
static void put_rate(struct json_writer *w, double rate);
static bool behind_ms(struct gateway *g, int64_t *out_ms);

void answer_stats(struct gateway *g, struct http_exchange *x)
{
    struct buffer body;

    buffer_init(&body, BODY_BYTES_MAX);
    answer_stats_json(g, &body);
    http_reply(x, 200, "application/json",
               BYTES_LITERAL("Cache-Control: no-store\r\n"),
               buffer_bytes(&body));
    buffer_fini(&body);
}

void answer_stats_json(struct gateway *g, struct buffer *out)
{
    const struct source *source = gateway_source(g);
    struct buffer behind;
    struct json_writer w;

    history_refresh(gateway_history(g));
    buffer_init(&behind, 64);
    answer_stats_behind(g, &behind);
    json_writer_init(&w, out);
    json_writer_object(&w);
    json_writer_name(&w, "now");
    json_writer_int(&w, clock_wall_ms());
    json_writer_name(&w, "behind_s");
    json_writer_raw(&w, buffer_bytes(&behind));
    json_writer_name(&w, "seen");
    put_seen(&w, gateway_stats(g));
    json_writer_name(&w, "rows");
    put_rows(&w, history_totals(gateway_history(g)));
    json_writer_name(&w, "rate");
    put_rates(&w, gateway_stats(g));
    json_writer_name(&w, "clients");
    json_writer_int(&w, (int64_t)gateway_clients(g));
    json_writer_name(&w, "subscriptions");
    json_writer_int(&w, (int64_t)fanout_subscriptions(gateway_fanout(g)));
    json_writer_name(&w, "catching_up");
    json_writer_int(&w, (int64_t)catchup_pool_count(gateway_catchups(g)));
    json_writer_name(&w, "open");
    json_writer_bool(&w, gateway_options(g)->open);
    json_writer_name(&w, "redis");
    json_writer_bool(&w, source_redis(source));
    json_writer_name(&w, "reading_topic");
    json_writer_bool(&w, source_tailing(source));
    json_writer_name(&w, "database");
    json_writer_bool(&w, history_up(gateway_history(g)));
    json_writer_name(&w, "partitions");
    put_partitions(&w, g);
    json_writer_end(&w);
    buffer_fini(&behind);
}

void answer_stats_behind(struct gateway *g, struct buffer *out)
{
    int64_t ms;

    if (!behind_ms(g, &ms))
        buffer_append_text(out, "null");
    else
        buffer_append_format(out, "%lld.%01lld", (long long)(ms / 1000),
                             (long long)(ms % 1000 / 100));
}

/* Since this gateway began, the last results of the topic included. */
static void put_seen(struct json_writer *w, const struct stats *s)
{
    json_writer_object(w);
    for (int i = 0; i < STATS_TYPES; i++) {
        json_writer_name(w, result_type_name((enum result_type)i));
        json_writer_int(w, (int64_t)s->types[i]);
    }
    json_writer_name(w, "reasons");
    json_writer_object(w);
    for (int i = 0; i < REASON_END; i++)
        if (s->reasons[i] > 0) {
            json_writer_name(w, reason_name((enum reason)i));
            json_writer_int(w, (int64_t)s->reasons[i]);
        }
    json_writer_end(w);
    json_writer_end(w);
}

/* Rows of all leaves that ever were, by the ledger. */
static void put_rows(struct json_writer *w, const struct history_totals *t)
{
    if (!t->known) {
        json_writer_null(w);
        return;
    }
    json_writer_object(w);
    json_writer_name(w, "verified");
    json_writer_int(w, t->verified);
    json_writer_name(w, "rejected");
    json_writer_int(w, t->rejected);
    json_writer_name(w, "duplicate");
    json_writer_int(w, t->duplicates);
    json_writer_name(w, "quarantined");
    json_writer_int(w, t->quarantined);
    json_writer_name(w, "leaves");
    json_writer_int(w, (int64_t)t->leaves);
    json_writer_name(w, "age_ms");
    json_writer_int(w, clock_ms() - t->asked_ms);
    json_writer_end(w);
}

static void put_rates(struct json_writer *w, const struct stats *s)
{
    int64_t now = clock_wall_ms();

    json_writer_object(w);
    json_writer_name(w, "1s");
    put_rate(w, stats_rate(s, 1, now));
    json_writer_name(w, "10s");
    put_rate(w, stats_rate(s, 10, now));
    json_writer_name(w, "60s");
    put_rate(w, stats_rate(s, 60, now));
    json_writer_name(w, "delay_ms_p50");
    put_known(w, (int64_t)stats_delay_ms(s, 0.5));
    json_writer_name(w, "delay_ms_p99");
    put_known(w, (int64_t)stats_delay_ms(s, 0.99));
    json_writer_end(w);
}

static void put_partitions(struct json_writer *w, struct gateway *g)
{
    const struct history_totals *t = history_totals(gateway_history(g));
    const struct intake *in = gateway_intake(g);
    const int64_t *ends = gateway_submitted_ends(g);
    size_t count = in == NULL ? 0 : intake_partitions(in);

    json_writer_array(w);
    for (size_t i = 0; i < count; i++) {
        json_writer_object(w);
        json_writer_name(w, "partition");
        json_writer_int(w, (int64_t)i);
        json_writer_name(w, "accepted");
        put_known(w, ends[i]);
        json_writer_name(w, "position");
        put_known(w, t->known ? t->position[i] : -1);
        json_writer_name(w, "announced");
        put_known(w, t->known ? t->announced[i] : -1);
        json_writer_name(w, "results");
        json_writer_int(w, ring_next(intake_ring(in, (int32_t)i)));
        json_writer_end(w);
    }
    json_writer_end(w);
}

static void put_known(struct json_writer *w, int64_t value)
{
    if (value < 0)
        json_writer_null(w);
    else
        json_writer_int(w, value);
}

/* One digit behind the point is all that a rate is worth. */
static void put_rate(struct json_writer *w, double rate)
{
    json_writer_double(w, (double)(int64_t)(rate * 10 + 0.5) / 10);
}

/*
 * A partition whose records reach above its position is behind: at least as
 * long as its last result is old. One that never had a result tells nothing.
 */
static bool behind_ms(struct gateway *g, int64_t *out_ms)
{
    const struct history_totals *t = history_totals(gateway_history(g));
    const struct stats *s = gateway_stats(g);
    const int64_t *ends = gateway_submitted_ends(g);
    int64_t now = clock_wall_ms(), most = 0;

    history_refresh(gateway_history(g));
    if (!t->known || t->partitions == 0 ||
        clock_ms() - t->asked_ms > TOTALS_OLD_MS)
        return false;
    for (size_t i = 0; i < t->partitions; i++) {
        int64_t age = s->newest_ms[i] > 0 ? now - s->newest_ms[i] : 0;

        if (ends[i] < 0 || t->position[i] < 0)
            return false;
        if (ends[i] > t->position[i] && age > most)
            most = age;
    }
    *out_ms = most;
    return true;
}
