/*
 * notifier/gateway/main.c: tidemill-gateway: settings, life and end.
 *
 * From: the operator's environment.
 * To:   notifier/gateway/gateway.c, which does everything.
 */
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/service.h"
#include "consumer/kafka.h"
#include "notifier/gateway/gateway.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"

static const char *brokers;
static const char *topic_results;
static const char *topic_submitted;
static const char *redis_url;
static const char *database_url;
static const char *listen_on;
static const char *origins;
static bool open_to_all;
static long long clients_max;
static long long subscriptions_max;
static long long ring_count;
static long long client_queue;

static const struct setting settings[] = {
    SETTING_TEXT("LISTEN", &listen_on, ":8082",
                 "address and port for the page, WebSocket and queries"),
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "host:port,host:port of Kafka"),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of results"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic_submitted, NAMES_TOPIC_SUBMITTED,
                 "topic of records, to tell how far behind we are"),
    SETTING_TEXT_ALIAS("REDIS_URL", "REDIS_URL", &redis_url,
                       "redis://127.0.0.1:6379",
                       "Redis that carries runs of results"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, "",
                       "PostgreSQL, for history only"),
    SETTING_FLAG("OPEN", &open_to_all, false,
                 "anybody may listen to all transactions"),
    SETTING_TEXT("ORIGINS", &origins, "",
                 "pages that may connect: *, or https://a,https://b; empty is "
                 "our own page only"),
    SETTING_COUNT("CLIENTS_MAX", &clients_max, 1, 100000, 15000,
                  "WebSocket and SSE listeners at a time"),
    SETTING_COUNT("SUBSCRIPTIONS_MAX", &subscriptions_max, 1, 10000, 100,
                  "subscriptions of one listener"),
    SETTING_COUNT("RING_COUNT", &ring_count, 16, 1000000, 16384,
                  "results kept in memory for each partition"),
    SETTING_BYTES("CLIENT_QUEUE_BYTES", &client_queue, 262144, 67108864,
                  1048576, "bytes that wait for one listener at most"),
};

#define NAMES_KNOWN(name) name,
static const char *const known[] = {NAMES_SETTINGS(NAMES_KNOWN)};

struct state {
    struct kafka_config config;
    struct gateway *gateway;
    struct service *service;
};

static int start(struct service *s);
static void drain(struct service *s);
static void drained(void *arg);
static void stop(struct service *s);
static bool ready(struct service *s, struct buffer *why);
static void status(struct service *s, struct buffer *json);

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "tidemill-gateway",
        .about = "serves results to WebSocket, SSE and HTTP clients",
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

static int start(struct service *s)
{
    struct state *state = service_state(s);
    struct gateway_options o = {
        .loop = service_loop(s),
        .config = &state->config,
        .topic_results = topic_results,
        .topic_submitted = topic_submitted,
        .redis_url = redis_url,
        .database_url = database_url,
        .listen = listen_on,
        .origins = origins,
        .open = open_to_all,
        .clients_max = (size_t)clients_max,
        .subscriptions_max = (size_t)subscriptions_max,
        .ring_count_max = (size_t)ring_count,
        .queued_bytes_max = (size_t)client_queue,
    };
    struct buffer why;
    int rc;

    state->service = s;
    buffer_init(&why, 1024);
    rc = kafka_config_init(&state->config, brokers, &why);
    if (rc < 0)
        log_error("gateway.setting", "why=%s", LOG_QUOTE(buffer_bytes(&why)));
    buffer_fini(&why);
    return rc < 0 ? rc : gateway_open(&o, &state->gateway);
}

static void drain(struct service *s)
{
    struct state *state = service_state(s);

    gateway_drain(state->gateway, drained, state);
}

static void drained(void *arg)
{
    struct state *state = arg;

    service_drained(state->service);
}

static void stop(struct service *s)
{
    struct state *state = service_state(s);

    gateway_close(state->gateway);
    kafka_config_fini(&state->config);
}

static bool ready(struct service *s, struct buffer *why)
{
    const struct state *state = service_state(s);

    return gateway_ready(state->gateway, why);
}

static void status(struct service *s, struct buffer *json)
{
    const struct state *state = service_state(s);

    gateway_status(state->gateway, json);
}
