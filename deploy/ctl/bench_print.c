/*
 * deploy/ctl/bench_print.c: the numbers of a run, for people and for programs.
 *
 * From: deploy/ctl/bench.c.
 * To:   standard output; tests/bench reads the JSON.
 */
#include <stdio.h>

#include "deploy/ctl/bench.h"
#include "schemas/json_writer.h"

static const struct {
    const char *name, *json;
    double share;
} shares[] = {
    {"p50", "p50", 0.5},       {"p90", "p90", 0.9}, {"p99", "p99", 0.99},
    {"p99.9", "p99_9", 0.999}, {"max", "max", 1.0},
};
#define SHARES (sizeof(shares) / sizeof(shares[0]))

static void print_latency(const char *name, const struct latency *l)
{
    printf("%-24s", name);
    for (size_t i = 0; i < SHARES; i++)
        printf("%10.1f", (double)latency_at(l, shares[i].share) / 1000);
    putchar('\n');
}

void bench_print(const struct bench_report *r)
{
    printf(
        "%zu sent at %.0f/s for %.0f s over %zu connections; %zu stored "
        "(%.0f/s), %zu repeats\n\n",
        r->sent, r->rate, r->seconds, r->connections, r->stored, r->stored_rate,
        r->repeated);
    printf("%-24s", "ms after its time");
    for (size_t i = 0; i < SHARES; i++)
        printf("%10s", shares[i].name);
    putchar('\n');
    print_latency("202", &r->answered);
    if (r->subscribers > 0)
        print_latency("at the WebSocket", &r->arrived);
    printf("\n%zu did not arrive at %zu subscriber(s)\n", r->missing,
           r->subscribers);
    for (size_t i = 0; i < r->error_kinds; i++)
        printf("%zu %s\n", r->errors[i].count, r->errors[i].kind);
    if (r->waited_max > 0)
        printf("up to %zu were due and waited for a connection\n",
               r->waited_max);
    if (r->procs.count == 0)
        return;
    printf("\n%-24s%10s\n", "CPU", "us/event");
    for (size_t i = 0; i < r->procs.count; i++)
        if (procs_first(&r->procs, i) == i)
            printf("%-24s%10.1f\n", r->procs.list[i].name, r->cpu_us[i]);
    printf("%-24s%10.1f\n", "this client", r->client_cpu_us);
}

static void number(struct json_writer *w, const char *name, double value)
{
    json_writer_name(w, name);
    json_writer_double(w, value);
}

static void whole(struct json_writer *w, const char *name, size_t value)
{
    json_writer_name(w, name);
    json_writer_int(w, (int64_t)value);
}

static void json_latency(struct json_writer *w, const char *name,
                         const struct latency *l)
{
    json_writer_name(w, name);
    json_writer_object(w);
    whole(w, "count", l->count);
    for (size_t i = 0; i < SHARES; i++)
        number(w, shares[i].json,
               (double)latency_at(l, shares[i].share) / 1000);
    json_writer_end(w);
}

void bench_print_json(const struct bench_report *r)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, 65536);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    number(&w, "rate", r->rate);
    number(&w, "seconds", r->seconds);
    whole(&w, "connections", r->connections);
    whole(&w, "subscribers", r->subscribers);
    whole(&w, "sent", r->sent);
    whole(&w, "stored", r->stored);
    whole(&w, "repeated", r->repeated);
    number(&w, "stored_rate", r->stored_rate);
    whole(&w, "missing", r->missing);
    whole(&w, "waited_max", r->waited_max);
    json_latency(&w, "answered_ms", &r->answered);
    json_latency(&w, "arrived_ms", &r->arrived);
    json_writer_name(&w, "errors");
    json_writer_object(&w);
    for (size_t i = 0; i < r->error_kinds; i++)
        whole(&w, r->errors[i].kind, r->errors[i].count);
    json_writer_end(&w);
    json_writer_name(&w, "cpu_us");
    json_writer_object(&w);
    for (size_t i = 0; i < r->procs.count; i++)
        if (procs_first(&r->procs, i) == i)
            number(&w, r->procs.list[i].name, r->cpu_us[i]);
    number(&w, "client", r->client_cpu_us);
    json_writer_end(&w);
    json_writer_end(&w);
    CHECK(!b.overflow);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}
