/*
 * consumer/base/service.c: what every daemon does, whatever it is for.
 *
 *     open    settings, log, signals, loop, management port
 *     start   the program opens its own things; nothing is waited for
 *     run     until a signal, service_drained() or service_fail()
 *     close   the program's stop(), then ours, in reverse
 *
 * Signals come through a descriptor, as events like any other, so no code runs
 * inside a signal handler. Once stop() begins they have their default effect
 * again: whoever has no patience left sends another one.
 *
 * From: main() of each program.
 * To:   the program's table of functions; consumer/base/service_management.c.
 */
#include "consumer/base/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/service_management.h"
#include "schemas/base/fail.h"

#define WHY_BYTES_MAX 512
#define CLOSE_MS 15000 /* for what stop() closes on the loop */

struct service {
    const struct program *program;
    struct loop *loop;
    struct service_management *management;
    struct loop_poll *signals;
    struct loop_timer *deadline;
    int signal_fd;
    sigset_t mask_before;
    void *state, *own_state;
    bool started, draining, ended;
    int code;
    char why[WHY_BYTES_MAX];
};

static long long management_port;
static const char *management_address;
static const char *log_level;
static const char *log_format;
static long long drain_ms;

static const struct setting common[] = {
    SETTING_COUNT("MANAGEMENT_PORT", &management_port, 0, 65535, 8081,
                  "port of /livez /readyz /metrics /version /status; 0 is any "
                  "free one"),
    SETTING_TEXT("MANAGEMENT_ADDRESS", &management_address, "127.0.0.1",
                 "address of the management port; 0.0.0.0 in a container"),
    SETTING_CHOICE("LOG_LEVEL", &log_level, "debug|info|warn|error", "info",
                   "the least important lines that are written"),
    SETTING_CHOICE("LOG_FORMAT", &log_format, "text|json", "text",
                   "how a line is written"),
    SETTING_MS("DRAIN_MS", &drain_ms, 0, 3600000, 25000,
               "how long accepted work may take after SIGTERM"),
};

int service_exit_code(int fail)
{
    switch (fail_remedy(fail)) {
    case REMEDY_RETRY:
        return SERVICE_UNAVAILABLE;
    case REMEDY_REJECT:
    case REMEDY_YIELD:
        return SERVICE_SOFTWARE;
    case REMEDY_STOP:
        break;
    }
    if (fail == FAIL_SYSTEM)
        return SERVICE_UNAVAILABLE;
    return fail == FAIL_BROKEN ? SERVICE_SOFTWARE : SERVICE_CONFIG;
}

struct loop *service_loop(struct service *s)
{
    return s->loop;
}

void service_set(struct service *s, void *state)
{
    s->state = state;
}

void *service_state(struct service *s)
{
    return s->state;
}

bool service_draining(const struct service *s)
{
    return s->draining;
}

/* The first reason to end is the one that counts. */
static void end(struct service *s, int code, const char *why)
{
    if (s->ended)
        return;
    s->ended = true;
    s->code = code;
    snprintf(s->why, sizeof(s->why), "%s", why);
    loop_stop(s->loop);
}

void service_drained(struct service *s)
{
    end(s, SERVICE_OK, "drained");
}

void service_fail(struct service *s, int code, const char *why)
{
    end(s, code, why);
}

static void on_deadline(void *arg)
{
    struct service *s = arg;

    log_warn("service.overdue", "drain_ms=%lld", drain_ms);
    end(s, SERVICE_OK, "drain deadline");
}

static void drain(struct service *s)
{
    s->draining = true;
    loop_timer_start(s->deadline, drain_ms, 0);
    if (s->program->drain != NULL)
        s->program->drain(s);
    else
        service_drained(s);
}

static void on_signal(void *arg, bool readable, bool writable, bool error)
{
    struct service *s = arg;
    struct signalfd_siginfo info;
    const char *name;

    (void)readable;
    (void)writable;
    CHECK(!error);
    if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    name = info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT";
    log_info("service.signalled", "signal=%s draining=%s", name,
             s->draining ? "true" : "false");
    if (s->draining)
        end(s, SERVICE_OK, "second signal");
    else
        drain(s);
}

/* Blocked in every thread that is born later, delivered to the loop. */
static void open_signals(struct service *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, &s->mask_before) == 0);
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(s->signal_fd >= 0);
    s->signals =
        loop_poll_open(s->loop, "service.signal", s->signal_fd, on_signal, s);
    CHECK(s->signals != NULL);
    loop_poll_want(s->signals, true, false);
}

static void close_signals(struct service *s)
{
    loop_poll_close(s->signals);
    close(s->signal_fd);
    CHECK(pthread_sigmask(SIG_SETMASK, &s->mask_before, NULL) == 0);
}

/* 50,000 connections need 50,000 descriptors; the soft limit is for programs
 * that use select(). */
static void raise_descriptors(void)
{
    struct rlimit r;

    CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) < 0)
        log_warn("service.limited", "limit=nofile why=%s",
                 LOG_TEXT(strerror(errno)));
}

static bool answer_ready(void *arg, struct buffer *why)
{
    struct service *s = arg;

    if (!s->started)
        buffer_append_text(why, "starting");
    else if (s->draining)
        buffer_append_text(why, "draining");
    else if (s->program->ready == NULL)
        return true;
    else
        return s->program->ready(s, why);
    return false;
}

static const char *answer_state(void *arg)
{
    struct service *s = arg;

    return !s->started ? "starting" : s->draining ? "draining" : "running";
}

static void answer_status(void *arg, struct buffer *json)
{
    struct service *s = arg;

    if (s->started && s->program->status != NULL)
        s->program->status(s, json);
}

static int open_management(struct service *s)
{
    const struct service_answers answers = {
        .name = s->program->name,
        .arg = s,
        .ready = answer_ready,
        .state = answer_state,
        .status = answer_status,
    };
    int rc =
        service_management_open(s->loop, management_address,
                                (int)management_port, &answers, &s->management);

    if (rc == 0)
        log_info("service.listening", "management=%d",
                 service_management_port(s->management));
    else
        log_error("service.refused", "management=%s:%lld why=%s",
                  management_address, management_port,
                  LOG_TEXT(fail_words(rc)));
    return rc;
}

/* Says what settings say; true when the program shall run. */
static bool load(const struct program *p, int argc, char **argv, int *out_code)
{
    const struct setting_table tables[] = {
        {p->settings, p->settings_count},
        {common, sizeof(common) / sizeof(common[0])},
    };
    const struct setting_options options = {
        .program = p->name,
        .about = p->about,
        .tables = tables,
        .tables_count = 2,
        .known = p->known,
        .known_count = p->known_count,
    };
    enum setting_outcome outcome;
    struct buffer text;

    buffer_init(&text, 1 << 20);
    outcome = setting_load(&options, argc, argv, environ, &text);
    fputs(buffer_text(&text), outcome == SETTING_PRINT ? stdout : stderr);
    buffer_fini(&text);
    *out_code = outcome == SETTING_USAGE   ? SERVICE_USAGE
                : outcome == SETTING_WRONG ? SERVICE_CONFIG
                                           : SERVICE_OK;
    return outcome == SETTING_LOADED;
}

static void start(struct service *s)
{
    int rc = s->program->start(s);

    if (rc < 0)
        end(s, service_exit_code(rc), fail_words(rc));
    if (s->ended)
        return;
    s->started = true;
    log_info("service.started", "program=%s version=%s pid=%d",
             s->program->name, TIDEMILL_VERSION, (int)getpid());
}

/* From the first line of the program to its last. */
static void live(struct service *s)
{
    int rc = open_management(s);

    if (rc < 0) {
        end(s, service_exit_code(rc), "the management port cannot be opened");
        return;
    }
    start(s);
    loop_run(s->loop);
}

static void close_all(struct service *s)
{
    bool opened = s->management != NULL;

    s->draining = true; /* nobody shall think that it is ready */
    close_signals(s);
    if (opened && s->program->stop != NULL)
        s->program->stop(s);
    service_management_close(s->management);
    loop_timer_close(s->deadline);
    if (!loop_settle(s->loop, CLOSE_MS)) {
        /* A library that does not let go: everything accepted is finished, so
         * nothing is lost by ending here. */
        log_error("service.stuck", "ms=%d", CLOSE_MS);
        _exit(s->code);
    }
    loop_close(s->loop);
    free(s->own_state);
}

int service_main(const struct program *p, int argc, char **argv)
{
    struct service s = {.program = p};
    int code;

    if (!load(p, argc, argv, &code))
        return code;
    CHECK(log_configure(log_level, log_format) == 0);
    if (p->state_bytes > 0) {
        s.own_state = calloc(1, p->state_bytes);
        CHECK(s.own_state != NULL);
        s.state = s.own_state;
    }
    raise_descriptors();
    metrics_process(p->name);
    if (loop_open(&s.loop) < 0) {
        log_error("service.stopped", "code=%d why=\"no descriptors\"",
                  SERVICE_UNAVAILABLE);
        free(s.own_state);
        return SERVICE_UNAVAILABLE;
    }
    open_signals(&s);
    s.deadline = loop_timer_open(s.loop, "service.deadline", on_deadline, &s);

    live(&s);
    close_all(&s);
    log_write(s.code == SERVICE_OK ? LOG_INFO : LOG_ERROR, "service.stopped",
              " code=%d why=%s", s.code, LOG_TEXT(s.why));
    return s.code;
}
