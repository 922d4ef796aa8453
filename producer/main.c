/*
 * producer/main.c: tidemill-producer: settings, the door, and its life.
 *
 * From: an operator, or a container.
 * To:   producer/door.c.
 */
#include <string.h>

#include "consumer/base/http.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/service.h"
#include "consumer/kafka.h"
#include "producer/door.h"
#include "schemas/names.h"

#define CLOSE_MS 7000 /* above the outlet's message timeout */

static const char *brokers, *topic, *listen_on, *chains_text, *public_url;
static long long linger_ms, deadline_ms, message_ms, queue_records,
    recent_records, recent_ms, connections;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic, NAMES_TOPIC_SUBMITTED,
                 "topic of what is accepted"),
    SETTING_TEXT("LISTEN", &listen_on, ":8080",
                 "address and port of the front door"),
    SETTING_TEXT("CHAINS", &chains_text, "eip155:1=4",
                 "chains accepted and their rule sets; the first is the "
                 "default; eip155:*=3 takes all others"),
    SETTING_TEXT("PUBLIC_URL", &public_url, "",
                 "what stands before /v1/transactions/... in Location: the "
                 "gateway's address"),
    SETTING_COUNT("LINGER_MS", &linger_ms, -1, 1000, -1,
                  "how long a record waits for company; -1: 5, or 20 with "
                  "replicas"),
    SETTING_MS("DEADLINE_MS", &deadline_ms, 100, 60000, 6000,
               "then a client hears that the outcome is unknown"),
    SETTING_MS("MESSAGE_TIMEOUT_MS", &message_ms, 100, 60000, 5000,
               "then a record that is not acknowledged is given up"),
    SETTING_COUNT("QUEUE_RECORDS", &queue_records, 1, 1000000, 50000,
                  "transactions that wait for their ack; beyond it: 503"),
    SETTING_COUNT("RECENT_RECORDS", &recent_records, 0, 10000000, 65536,
                  "transactions remembered, so that the same bytes are "
                  "answered at once"),
    SETTING_MS("RECENT_MS", &recent_ms, 0, 3600000, 10000, "for how long"),
    SETTING_COUNT("CONNECTIONS", &connections, 1, 1000000, 10000,
                  "open connections; beyond it: 503"),
};

#define NAME(n) n,
static const char *const known[] = {NAMES_SETTINGS(NAME)};
#undef NAME

struct state {
    struct service *service;
    struct kafka_config kafka;
    struct chains chains;
    struct door door;
    struct http_server *http;
};

static int open_submit(struct state *state)
{
    struct submit_options o = {
        .loop = service_loop(state->service),
        .kafka = &state->kafka,
        .topic = topic,
        .chains = &state->chains,
        .linger_ms = (int)linger_ms,
        .deadline_ms = (int)deadline_ms,
        .message_timeout_ms = (int)message_ms,
        .records_max = queue_records,
        .recent_max = recent_records,
        .recent_ms = (int)recent_ms,
    };

    return submit_open(&o, &state->door.submit);
}

static int open_http(struct state *state)
{
    struct http_options o = {
        .listen = listen_on,
        .name = "door",
        .arg = &state->door,
        .body_limit = door_body_limit,
        .request = door_request,
        .connections_max = (int)connections,
    };
    int rc = http_server_open(service_loop(state->service), &o, &state->http);

    if (rc == 0)
        log_info("door.listening", "port=%d chains=%s",
                 http_server_port(state->http), LOG_TEXT(chains_text));
    else
        log_error("door.unopened", "listen=%s reason=%s", LOG_TEXT(listen_on),
                  fail_name(rc));
    return rc;
}

static int start(struct service *s)
{
    struct state *state = service_state(s);
    struct buffer why;
    int rc;

    state->service = s;
    door_init(&state->door);
    state->door.chains = &state->chains;
    state->door.public_url = public_url;
    buffer_init(&why, 4096);
    rc = chains_parse(chains_text, &state->chains, &why);
    if (rc == 0)
        rc = kafka_config_init(&state->kafka, brokers, &why);
    if (rc < 0)
        log_error("setting.wrong", "why=%s", LOG_TEXT(buffer_text(&why)));
    buffer_fini(&why);
    if (rc == 0)
        rc = open_submit(state);
    if (rc == 0)
        rc = open_http(state);
    return rc;
}

static void on_drained(void *arg)
{
    service_drained(arg);
}

/* Connections end with their answers, and answers come from the brokers. */
static void drain(struct service *s)
{
    struct state *state = service_state(s);

    http_server_drain(state->http, on_drained, s);
}

static void stop(struct service *s)
{
    struct state *state = service_state(s);

    submit_close(state->door.submit, CLOSE_MS, NULL, NULL);
    http_server_close(state->http);
    kafka_config_fini(&state->kafka);
    door_fini(&state->door);
}

static bool ready(struct service *s, struct buffer *why)
{
    struct state *state = service_state(s);

    return submit_ready(state->door.submit, why);
}

static void status(struct service *s, struct buffer *json)
{
    struct state *state = service_state(s);

    submit_status(state->door.submit, json);
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "tidemill-producer",
        .about = "takes transactions over HTTP and puts them into Kafka",
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
