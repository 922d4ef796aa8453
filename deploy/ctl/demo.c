/*
 * deploy/ctl/demo.c: makes the transactions of a demo and counts what became of
 * them.
 *
 *      sent --> appended to tx.submitted --> 202 --> appended to tx.results
 *      (ours)   (broker's clock, whole ms)   (ours)  (broker's)  --> arrived
 *
 * From: tx demo.
 * To:   standard output.
 */
#include "deploy/ctl/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/hex.h"
#include "schemas/json_writer.h"

#define SENDERS 50
#define REPEAT_BACK 11

static const char *const names[DEMO_STAGES] = {"appended to tx.submitted",
                                               "202 answered",
                                               "appended to tx.results",
                                               "arrived at the WebSocket"};
static const char *const json_names[DEMO_STAGES] = {"submitted", "answered",
                                                    "results", "arrived"};

/* Places that never meet: 17 of 50, 42 of 100, 20 of 25. */
static enum gen_kind kind_of(size_t i)
{
    return i % 50 == 17    ? GEN_UNRECOVERABLE
           : i % 100 == 42 ? GEN_HIGH_S
                           : GEN_HONEST;
}

static void repeat(struct demo_item *items, size_t i)
{
    struct demo_item *item = &items[i], *first = &items[i - REPEAT_BACK];

    item->repeats = (int64_t)(i - REPEAT_BACK);
    item->count = first->count;
    memcpy(item->hash, first->hash, 32);
    item->raw = malloc(item->count);
    CHECK(item->raw != NULL);
    memcpy(item->raw, first->raw, item->count);
}

static void make_new(struct gen *g, struct demo_item *item, size_t i)
{
    struct gen_transaction t;

    item->kind = kind_of(i);
    item->repeats = -1;
    gen_next_as(g, item->kind, &t);
    item->count = t.raw.count;
    memcpy(item->hash, t.hash, 32);
    item->raw = malloc(item->count);
    CHECK(item->raw != NULL);
    memcpy(item->raw, t.raw.data, item->count);
}

int demo_make(struct demo_item *items, size_t count, uint64_t chain_id,
              struct hashes *hashes)
{
    struct gen_options o = {
        .chain_id = chain_id, .type = GEN_TYPE_MIX, .senders = SENDERS};
    uint8_t random[16];
    char seed[33];
    struct gen *g;
    int rc = hash_random(random, sizeof(random));

    if (rc < 0)
        return rc;
    hex_encode(bytes_of(random, sizeof(random)), seed);
    o.seed = seed;
    rc = gen_open(&o, &g);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (i % 25 == 20) {
            repeat(items, i);
            continue;
        }
        make_new(g, &items[i], i);
        hashes_add(hashes, items[i].hash, (uint32_t)i);
    }
    gen_close(g);
    return 0;
}

/* A stage's times, where both of its ends are known. */
static void note(struct latency *l, int64_t from, int64_t to, int64_t per_us)
{
    if (from > 0 && to > 0)
        latency_note(l, (to - from) / per_us);
}

static void note_ms(struct latency *l, int64_t from, int64_t to)
{
    if (from > 0 && to > 0)
        latency_note(l, (to - from) * 1000);
}

static void sum_times(const struct demo_item *i, struct demo_sums *s)
{
    int64_t accepted = i->posted.accepted_at_ms;
    int64_t wall = i->sent_ms;
    int64_t answered = wall + (i->answered_ns - i->sent_ns) / 1000000;
    int64_t arrived =
        i->arrived_ns > 0 ? wall + (i->arrived_ns - i->sent_ns) / 1000000 : 0;

    note_ms(&s->after_send[DEMO_SUBMITTED], wall, accepted);
    note(&s->after_send[DEMO_ANSWERED], i->sent_ns, i->answered_ns, 1000);
    note_ms(&s->after_send[DEMO_RESULTS], wall, i->results_ms);
    note(&s->after_send[DEMO_ARRIVED], i->sent_ns, i->arrived_ns, 1000);
    note_ms(&s->alone[DEMO_SUBMITTED], wall, accepted);
    note_ms(&s->alone[DEMO_ANSWERED], accepted, answered);
    note_ms(&s->alone[DEMO_RESULTS], accepted, i->results_ms);
    note_ms(&s->alone[DEMO_ARRIVED], i->results_ms, arrived);
}

static void sum_stored(const struct demo_item *i, struct demo_sums *s)
{
    s->stored++;
    sum_times(i, s);
    if (i->arrived_ns == 0) {
        s->missing++;
        return;
    }
    if (i->type == RESULT_VERIFIED)
        s->verified++;
    else if (i->type == RESULT_REJECTED)
        s->rejected++;
    else
        s->other++;
    s->wrong +=
        i->type != (i->kind == GEN_HONEST ? RESULT_VERIFIED : RESULT_REJECTED);
}

void demo_sum(const struct demo_item *items, size_t count,
              struct demo_sums *out)
{
    *out = (struct demo_sums){0};
    for (size_t i = 0; i < count; i++) {
        const struct demo_item *item = &items[i];
        if (item->posted.stored && item->repeats >= 0) {
            out->repeated++;
        } else if (item->posted.stored) {
            sum_stored(item, out);
            out->wrong += item->kind == GEN_HIGH_S;
        } else if (item->posted.status == 422) {
            out->refused++;
            out->wrong += item->kind != GEN_HIGH_S;
        } else {
            out->failed++;
        }
    }
}

/* "  7.9 ms"; "-" when nothing was measured. */
static void print_ms(const struct latency *l, double share)
{
    if (l->count == 0)
        printf("  %8s   ", "-");
    else
        printf("  %8.1f ms", (double)latency_at(l, share) / 1000);
}

void demo_print(const struct demo_sums *s, size_t count, int64_t took_ms,
                bool results_known)
{
    printf(
        "\n%zu sent in %.1f s: %zu stored, %zu refused at the door, "
        "%zu repeats, %zu failed\n"
        "%zu verified, %zu rejected, %zu missing\n\n",
        count, (double)took_ms / 1000, s->stored, s->refused, s->repeated,
        s->failed, s->verified, s->rejected, s->missing);
    printf("%-26s  %24s  %24s\n", "", "after the send", "this stage alone");
    printf("%-26s  %11s  %11s  %11s  %11s\n", "", "p50   ", "p99   ", "p50   ",
           "p99   ");
    for (int i = 0; i < DEMO_STAGES; i++) {
        printf("%-26s", names[i]);
        print_ms(&s->after_send[i], 0.5);
        print_ms(&s->after_send[i], 0.99);
        print_ms(&s->alone[i], 0.5);
        print_ms(&s->alone[i], 0.99);
        putchar('\n');
    }
    printf(
        "\nSend, 202 and arrival by this client's clock, the two appends by "
        "the broker's (whole ms)%s.\n",
        results_known ? "" : "; the append to tx.results was not read");
}

void demo_print_json(const struct demo_sums *s, size_t count, int64_t took_ms)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, 65536);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    const struct {
        const char *name;
        size_t value;
    } counts[] = {
        {"sent", count},           {"stored", s->stored},
        {"refused", s->refused},   {"repeated", s->repeated},
        {"failed", s->failed},     {"verified", s->verified},
        {"rejected", s->rejected}, {"missing", s->missing},
        {"wrong", s->wrong},       {"took_ms", (size_t)took_ms},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_writer_name(&w, counts[i].name);
        json_writer_int(&w, (int64_t)counts[i].value);
    }
    json_writer_name(&w, "after_send_ms");
    json_writer_object(&w);
    for (int i = 0; i < DEMO_STAGES; i++) {
        json_writer_name(&w, json_names[i]);
        json_writer_object(&w);
        json_writer_name(&w, "p50");
        json_writer_double(&w,
                           (double)latency_at(&s->after_send[i], 0.5) / 1000);
        json_writer_name(&w, "p99");
        json_writer_double(&w,
                           (double)latency_at(&s->after_send[i], 0.99) / 1000);
        json_writer_end(&w);
    }
    json_writer_end(&w);
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}
