/*
 * consumer/base/postgres_inside.h: one connection, as the files behind
 * postgres.h see it.
 *
 *   postgres.c           opens, loses and closes
 *   postgres_connect.c   host, address, session
 *   postgres_queue.c     what is sent
 *   postgres_answer.c    what comes back
 *
 * Thread: the loop's.
 */
#ifndef CONSUMER_BASE_POSTGRES_INSIDE_H
#define CONSUMER_BASE_POSTGRES_INSIDE_H

#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "consumer/base/postgres_hosts.h"
#include "consumer/base/postgres_steps.h"
#include "consumer/base/resolve.h"

#define POSTGRES_WHY_MAX 300
#define POSTGRES_KEYWORDS_MAX 96
#define POSTGRES_ADDRESS_MAX 64

struct pg_conn; /* libpq's PGconn and PGresult */
struct pg_result;

enum postgres_phase {
    POSTGRES_PHASE_IDLE,
    POSTGRES_PHASE_RESOLVING,
    POSTGRES_PHASE_CONNECTING,
    POSTGRES_PHASE_SESSION,
    POSTGRES_PHASE_READY
};

struct postgres {
    struct loop *loop;
    struct postgres_options options;
    postgres_state_fn state;
    void *arg;

    char *keywords[POSTGRES_KEYWORDS_MAX]; /* of the connection string, but for
                                              hosts */
    char *values[POSTGRES_KEYWORDS_MAX];
    size_t keyword_count;
    struct postgres_hosts hosts;
    char addresses[RESOLVE_MAX][POSTGRES_ADDRESS_MAX]; /* of the host in turn */
    size_t address_count, address_next;

    enum postgres_phase phase;
    struct pg_conn *conn;
    struct resolve *resolve;
    struct loop_poll *poll;
    struct loop_timer *timer; /* pause, connect or flight deadline */
    struct loop_hook *hook;
    bool standby;        /* what the session's last answer said */
    bool told_up;        /* state() was last called with UP */
    bool renewing;       /* broken on purpose, because it is old */
    bool broken;         /* to be torn down by the hook */
    bool closing;        /* to be freed when the last callback returns */
    int depth;           /* callbacks of ours that are running */
    int64_t up_since_ms; /* monotonic; 0 when down */
    int64_t renew_ms;    /* age at which this connection is renewed */
    char why[POSTGRES_WHY_MAX];

    struct postgres_steps steps;
    struct postgres_names names;
    uint64_t flight;                  /* number of the one being queued */
    struct pg_result *prepare_failed; /* for the statement that follows it */
    struct pg_result *script_result;  /* last one of the script that runs */
    bool script_running;
    struct metric *connected, *statements, *lost;
};

/* Keeps the words of a failure, on one line. */
void postgres_note_why(struct postgres *pg, const char *why);

/* Has the connection torn down at the end of the turn; the first cause stays.
 */
void postgres_mark_broken(struct postgres *pg, const char *why);

/* Jitter only: spreads a fleet, protects nothing. */
uint32_t postgres_jitter(void);

/* Lets go of the connection, or of the try at one. */
void postgres_let_go(struct postgres *pg);

/* Around everything that may call the user's functions: what closes the
 * connection inside is carried out behind it. */
void postgres_enter(struct postgres *pg);
void postgres_leave(struct postgres *pg);

/* Answers `step` with LOST. The step is off the queue. */
void postgres_tell_lost(struct postgres *pg, struct postgres_step *step);

/* The one timer: time to try, or too late for what is waited for. */
void postgres_on_timer(void *arg);

/* Reads what came, answers it, sends what waits. */
void postgres_pump(struct postgres *pg);

/* Sends what waits, as far as the socket takes it. */
void postgres_flush(struct postgres *pg);

/* Sends the script at the head of the queue. */
void postgres_script_start(struct postgres *pg, struct postgres_step *head);

/* The timer wakes at the earliest deadline of what was sent. */
void postgres_arm_deadline(struct postgres *pg);

#endif
