/*
 * consumer/base/service.h: the life of a daemon.
 *
 *     settings -> log -> loop -> management port -> start() -> run
 *     SIGTERM: not ready -> drain() -> service_drained() or DRAIN_MS -> stop()
 *     a second SIGTERM or SIGINT: stop() at once
 *
 * A program is a table of functions; service_main() is its main(). Every
 * program gets the management port (/livez /readyz /metrics /version /status)
 * and the settings MANAGEMENT_PORT, MANAGEMENT_ADDRESS, LOG_LEVEL, LOG_FORMAT,
 * DRAIN_MS. The log says `service.listening management=PORT`,
 * `service.started`, and at the end `service.stopped why=…`.
 *
 * Thread: every function of the program runs on the loop's thread (the main
 * thread); call these functions there too.
 */
#ifndef CONSUMER_BASE_SERVICE_H
#define CONSUMER_BASE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "consumer/base/setting.h"
#include "schemas/base/bytes.h"

struct service;
struct loop;

/* Exit codes, as in sysexits.h. */
enum service_exit {
    SERVICE_OK = 0,
    SERVICE_USAGE = 64,       /* arguments */
    SERVICE_UNAVAILABLE = 69, /* something we need is not there */
    SERVICE_SOFTWARE = 70,    /* our fault */
    SERVICE_CONFIG = 78       /* a setting, or what is deployed around us */
};

struct program {
    const char *name;  /* "tidemill-producer" */
    const char *about; /* one line */
    const struct setting *settings;
    size_t settings_count;
    /* Settings of all programs, without TIDEMILL_ (schemas/names.h). */
    const char *const *known;
    size_t known_count;
    /* Bytes of zeroed state, which service_state() returns; 0: none. */
    size_t state_bytes;

    /*
     * Opens what the program needs and returns without waiting for it: 0, or a
     * FAIL_ code, which ends the process (stop() is called all the same). The
     * management port answers already; loop_run() follows.
     */
    int (*start)(struct service *s);

    /*
     * Take no more work, finish what is accepted, then service_drained() (from
     * inside drain() is fine). NULL: nothing to finish.
     */
    void (*drain)(struct service *s);

    /*
     * Closes everything start() opened, also half opened. Called once, outside
     * any callback: it may run the loop itself (loop_run_until) to wait for an
     * end. What it closes on the loop is waited for.
     */
    void (*stop)(struct service *s);

    /*
     * Can this process do its own work now? If not, appends why ("kafka: no
     * broker answers"). NULL: ready once started. Never asked while draining:
     * that is "no".
     */
    bool (*ready)(struct service *s, struct buffer *why);

    /* Appends one JSON object about the program to `json`. NULL: none. */
    void (*status)(struct service *s, struct buffer *json);
};

/* Runs the program to its end; what main() returns: a service_exit. */
int service_main(const struct program *p, int argc, char **argv);

/* The loop everything runs on. */
struct loop *service_loop(struct service *s);

/* The program's state: its own storage, or what service_set() gave. */
void service_set(struct service *s, void *state);
void *service_state(struct service *s);

/* Everything accepted is finished: the process may end. */
void service_drained(struct service *s);

/* True from the first signal on. */
bool service_draining(const struct service *s);

/*
 * Ends the process with this exit code, without draining, after the turn that
 * is running. The first call counts. `why` is copied and logged.
 */
void service_fail(struct service *s, int code, const char *why);

/* The exit code that fits a FAIL_ code. */
int service_exit_code(int fail);

#endif
