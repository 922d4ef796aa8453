/*
 * verifier/main.c: tidemill-verifier: settings, and the pipeline's life.
 *
 * From: an operator, or a container.
 * To:   verifier/pipeline.c.
 */
#include <string.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/service.h"
#include "consumer/kafka.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "verifier/pipeline.h"

#define DRAIN_MS 10000

static const char *brokers, *database_url, *topic_submitted, *topic_results;
static long long threads, window_records, window_bytes, batch_records,
    batch_bytes, batch_ms, leaf_rows, keep_days, reconcile_ms;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, NULL,
                       "PostgreSQL, as a URL; without it PGHOST and the like"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic_submitted, NAMES_TOPIC_SUBMITTED,
                 "topic of what was accepted"),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
    SETTING_COUNT("THREADS", &threads, 0, 256, 0,
                  "threads that judge; 0: one a processor"),
    SETTING_COUNT("WINDOW_RECORDS", &window_records, 100, 1000000, 10000,
                  "records of a partition taken and not announced"),
    SETTING_BYTES("WINDOW_BYTES", &window_bytes, 1 << 20, 1 << 30, 16 << 20,
                  "the same in bytes"),
    SETTING_COUNT("BATCH_COUNT", &batch_records, 1, 10000, 500,
                  "records in one database transaction"),
    SETTING_BYTES("BATCH_BYTES", &batch_bytes, 1 << 16, 64 << 20, 1 << 20,
                  "bytes in one database transaction"),
    SETTING_MS("BATCH_MS", &batch_ms, 0, 1000, 5,
               "how long a verdict waits for company"),
    SETTING_COUNT("LEAF_ROWS", &leaf_rows, 100, 100000000, 2000000,
                  "transactions after which a leaf is sealed"),
    SETTING_COUNT("KEEP_DAYS", &keep_days, 0, 36500, 0,
                  "days that sealed leaves are kept; 0: for ever"),
    SETTING_MS("RECONCILE_MS", &reconcile_ms, 0, 86400000, 60000,
               "between two looks whether rows and ledger agree; 0: none"),
};

#define NAME(n) n,
static const char *const known[] = {NAMES_SETTINGS(NAME)};
#undef NAME

struct state {
    struct kafka_config kafka;
    struct pipeline *pipeline;
};

static void on_failed(void *arg, int code, const char *why)
{
    service_fail(arg, service_exit_code(code), why);
}

static int start(struct service *s)
{
    struct state *state = service_state(s);
    struct pipeline_options o = {
        .loop = service_loop(s),
        .kafka = &state->kafka,
        .database_url = database_url,
        .topic_submitted = topic_submitted,
        .topic_results = topic_results,
        .threads = (int)threads,
        .window_records = (size_t)window_records,
        .window_bytes = (size_t)window_bytes,
        .batch_records = (size_t)batch_records,
        .batch_bytes = (size_t)batch_bytes,
        .batch_ms = (int)batch_ms,
        .leaf_rows = leaf_rows,
        .keep_days = (int)keep_days,
        .reconcile_ms = (int)reconcile_ms,
        .failed = on_failed,
        .arg = s,
    };
    struct buffer why;
    int rc;

    if (o.threads == 0)
        o.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    buffer_init(&why, 4096);
    rc = kafka_config_init(&state->kafka, brokers, &why);
    if (rc < 0)
        log_error("setting.wrong", "why=%s", LOG_TEXT(buffer_text(&why)));
    else
        rc = pipeline_open(&o, &state->pipeline);
    buffer_fini(&why);
    return rc;
}

static void drained(void *arg)
{
    service_drained(arg);
}

static void drain(struct service *s)
{
    struct state *state = service_state(s);

    pipeline_drain(state->pipeline, DRAIN_MS, drained, s);
}

static void stop(struct service *s)
{
    struct state *state = service_state(s);

    pipeline_close(state->pipeline);
    kafka_config_fini(&state->kafka);
}

static bool ready(struct service *s, struct buffer *why)
{
    struct state *state = service_state(s);

    return pipeline_ready(state->pipeline, why);
}

static void status(struct service *s, struct buffer *json)
{
    struct state *state = service_state(s);

    pipeline_status(state->pipeline, json);
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "tidemill-verifier",
        .about = "checks signatures and writes verdicts exactly once",
        .settings = settings,
        .settings_count = sizeof(settings) / sizeof(settings[0]),
        .known = known,
        .known_count = sizeof(known) / sizeof(known[0]),
        .state_bytes = sizeof(struct state),
        .start = start,
        .drain = drain,
        .stop = stop,
        .ready = ready,
        .status = status,
    };

    return service_main(&program, argc, argv);
}
