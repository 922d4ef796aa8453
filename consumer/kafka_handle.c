/*
 * consumer/kafka_handle.c: how every client handle of ours is made, watched and
 * ended.
 *
 * The library's log comes from its own threads and repeats itself while a
 * broker is away, so at most LINES_MAX lines pass in LINES_MS; the rest are
 * counted. Ending a handle joins the library's threads and may block, so it
 * happens beside the loop.
 *
 * From: consumer/consumer.c, outlet.c, reader.c, kafka_survey.c, kafka_admin.c.
 * To:   librdkafka; consumer/offload.c.
 */
#include "consumer/kafka_handle.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/offload.h"
#include "schemas/base/fail.h"

enum { LINES_MAX = 20, LINES_MS = 10000 };

static int apply(rd_kafka_conf_t *conf, const char *client,
                 const struct kafka_rule *rules, size_t count);
static int set_one(rd_kafka_conf_t *conf, const char *client,
                   const struct kafka_rule *rule);

/* For every handle; a broker that comes back is used within half a second. */
static const struct kafka_rule common[] = {
    {"socket.nagle.disable", "true", false},
    {"socket.keepalive.enable", "true", false},
    {"reconnect.backoff.ms", "50", false},
    {"reconnect.backoff.max.ms", "500", false},
    {"retry.backoff.ms", "50", false},
    {"topic.metadata.refresh.interval.ms", "10000", false},
    {"log.connection.close", "false", false},
};

int kafka_conf_make(const struct kafka_config *config, const char *name,
                    const struct kafka_rule *defaults, size_t default_count,
                    const struct kafka_rule *fixed, size_t fixed_count,
                    struct rd_kafka_conf_s **out)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char client[80];
    struct kafka_rule first[] = {
        {"client.id", client, false},
        {"bootstrap.servers", config->brokers, false},
    };
    int rc;

    snprintf(client, sizeof(client), "tidemill-%s", name);
    rd_kafka_conf_set_log_cb(conf, kafka_log_take);
    rc = apply(conf, name, first, 2);
    if (rc == 0)
        rc = apply(conf, name, common, sizeof(common) / sizeof(common[0]));
    if (rc == 0)
        rc = apply(conf, name, defaults, default_count);
    for (size_t i = 0; rc == 0 && i < config->key_count; i++) {
        struct kafka_rule rule = {config->keys[i].name, config->keys[i].value,
                                  false};
        rc = set_one(conf, name, &rule);
    }
    if (rc == 0)
        rc = apply(conf, name, fixed, fixed_count);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = conf;
    return 0;
}

static int apply(rd_kafka_conf_t *conf, const char *client,
                 const struct kafka_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = set_one(conf, client, &rules[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int set_one(rd_kafka_conf_t *conf, const char *client,
                   const struct kafka_rule *rule)
{
    char why[256];
    rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, rule->name, rule->value, why, sizeof(why));

    if (result == RD_KAFKA_CONF_OK ||
        (rule->optional && result == RD_KAFKA_CONF_UNKNOWN))
        return 0;
    log_error("kafka.setting_refused", "client=%s key=%s why=%s", client,
              rule->name, LOG_TEXT(why));
    return FAIL_SETTING;
}

int kafka_handle_new(bool producer, struct rd_kafka_conf_s *conf,
                     char out_why[KAFKA_WHY_MAX + 1], struct rd_kafka_s **out)
{
    rd_kafka_t *handle;

    handle = rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                          conf, out_why, KAFKA_WHY_MAX + 1);
    if (handle == NULL) {
        rd_kafka_resp_err_t error = rd_kafka_last_error();
        rd_kafka_conf_destroy(conf);
        return error == RD_KAFKA_RESP_ERR__INVALID_ARG ? FAIL_SETTING
                                                       : FAIL_SYSTEM;
    }
    *out = handle;
    return 0;
}

/*
 * On a thread of the library. Its levels are syslog's. A property that the
 * other kind of client uses, and a closed idle connection, are no news.
 */
void kafka_log_take(const rd_kafka_t *handle, int level, const char *facility,
                    const char *text)
{
    enum log_level ours = level <= 2   ? LOG_ERROR
                          : level <= 4 ? LOG_WARN
                          : level <= 6 ? LOG_INFO
                                       : LOG_DEBUG;

    if (strcmp(facility, "CONFWARN") == 0)
        ours = LOG_DEBUG;
    if (!log_enabled(ours) || !kafka_log_allowed())
        return;
    log_write(ours, "kafka.log", " client=%s facility=%s text=%s",
              handle ? rd_kafka_name(handle) : "none", facility,
              LOG_TEXT(text));
}

bool kafka_log_allowed(void)
{
    static atomic_int_fast64_t window, lines, hidden;
    int64_t now = clock_ms();
    int_fast64_t started = atomic_load(&window);
    int_fast64_t missed;

    if ((started == 0 || now - started > LINES_MS) &&
        atomic_compare_exchange_strong(&window, &started, now)) {
        atomic_store(&lines, 0);
        missed = atomic_exchange(&hidden, 0);
        if (missed > 0)
            log_warn("kafka.log_hidden", "count=%lld ms=%d", (long long)missed,
                     LINES_MS);
    }
    if (atomic_fetch_add(&lines, 1) < LINES_MAX)
        return true;
    atomic_fetch_add(&hidden, 1);
    return false;
}

int kafka_fail(int rd_error)
{
    switch (rd_error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return 0;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        return FAIL_TIMEOUT;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return FAIL_NOT_FOUND;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return FAIL_FULL;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return FAIL_TOO_BIG;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return FAIL_DENIED;
    case RD_KAFKA_RESP_ERR__FATAL:
        return FAIL_BROKEN;
    default:
        return FAIL_UNREACHABLE;
    }
}

bool kafka_error_is_news(int rd_error)
{
    return rd_error != RD_KAFKA_RESP_ERR__TRANSPORT &&
           rd_error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN &&
           rd_error != RD_KAFKA_RESP_ERR__RESOLVE &&
           rd_error != RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* ---- The wire from a library queue to the loop. ---- */

struct kafka_wire {
    int fd;
    rd_kafka_queue_t *queue; /* borrowed */
    struct loop_poll *poll;
    loop_fn run;
    void *arg;
};

static void on_readable(void *arg, bool readable, bool writable, bool error);

int kafka_wire_open(struct loop *l, const char *name,
                    struct rd_kafka_queue_s *queue, loop_fn run, void *arg,
                    struct kafka_wire **out)
{
    static const uint64_t one = 1;
    struct kafka_wire *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return FAIL_SYSTEM;
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd >= 0)
        w->poll = loop_poll_open(l, name, w->fd, on_readable, w);
    if (w->poll == NULL) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return FAIL_SYSTEM;
    }
    w->queue = queue;
    w->run = run;
    w->arg = arg;
    rd_kafka_queue_io_event_enable(queue, w->fd, &one, sizeof(one));
    loop_poll_want(w->poll, true, false);
    *out = w;
    return 0;
}

static void on_readable(void *arg, bool readable, bool writable, bool error)
{
    struct kafka_wire *w = arg;
    uint64_t count;

    (void)readable;
    (void)writable;
    CHECK(!error);
    /* Empty it first: what arrives while we work writes it again. */
    CHECK(read(w->fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ||
          errno == EAGAIN);
    w->run(w->arg);
}

void kafka_wire_close(struct kafka_wire *w)
{
    if (w == NULL)
        return;
    rd_kafka_queue_io_event_enable(w->queue, -1, NULL, 0);
    loop_poll_close(w->poll);
    close(w->fd);
    free(w);
}

/* ---- The end of a handle. ---- */

struct ending {
    rd_kafka_t *handle;
    loop_fn closed;
    void *arg;
    struct loop_timer *timer; /* where there is no thread */
};

static void destroy_handle(void *job)
{
    struct ending *e = job;

    /* A consumer has left its group before, or never will. */
    rd_kafka_destroy_flags(e->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void handle_ended(void *job, bool finished)
{
    struct ending *e = job;
    loop_fn closed = e->closed;
    void *arg = e->arg;

    if (finished)
        free(e);
    closed(arg);
}

static void handle_kept(void *job)
{
    struct ending *e = job;

    loop_timer_close(e->timer);
    handle_ended(e, true);
}

void kafka_handle_end(struct loop *l, struct rd_kafka_s *handle,
                      int deadline_ms, loop_fn closed, void *arg)
{
    struct offload_work work = {.name = "kafka.destroy",
                                .run = destroy_handle,
                                .drop = free,
                                .done = handle_ended,
                                .deadline_ms = deadline_ms};
    struct ending *e = calloc(1, sizeof(*e));

    CHECK(e != NULL && closed != NULL);
    *e = (struct ending){handle, closed, arg, NULL};
    if (offload(l, &work, e) == 0)
        return;
    /* No thread to be had. Leave the handle to the end of the process. */
    log_error("kafka.handle_kept", "client=%s why=\"no thread\"",
              rd_kafka_name(handle));
    e->timer = loop_timer_open(l, "kafka.destroy", handle_kept, e);
    loop_timer_start(e->timer, 0, 0);
}
