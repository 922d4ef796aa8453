/*
 * verifier/pipeline_inside.h: the pipeline as its own files see it.
 *
 * pipeline.c owns the parts and decides what the ledger is asked next;
 * intake.c, locating.c, writing.c, written.c and status.c are its chapters.
 * Nobody else includes this.
 *
 * Thread: loop thread.
 */
#ifndef VERIFIER_PIPELINE_INSIDE_H
#define VERIFIER_PIPELINE_INSIDE_H

#include "consumer/base/metrics.h"
#include "consumer/consumer.h"
#include "consumer/kafka.h"
#include "consumer/outlet.h"
#include "verifier/announce.h"
#include "verifier/audit.h"
#include "verifier/lane.h"
#include "verifier/ledger.h"
#include "verifier/pipeline.h"
#include "verifier/pool.h"
#include "verifier/sealer.h"

#define PIPELINE_LANES_MAX 1024 /* partitions one verifier may own */
/* The first wait for a database that refuses; for what `init` makes. */
#define PIPELINE_OUTAGE_MS_MIN 100
#define PIPELINE_NOT_PLANTED_MS 2000

/* What the ledger is doing for us. */
enum talk { TALK_NONE, TALK_REFRESH, TALK_LOOK, TALK_WRITE };

/* The batch that is with the ledger. */
struct writing {
    struct work **works;
    struct ledger_record *records;
    struct ledger_row_query *queries; /* for a look-up instead */
    size_t count;
    struct ledger_range ranges[PIPELINE_LANES_MAX];
    struct ledger_announced announced[PIPELINE_LANES_MAX];
    struct ledger_batch batch;
    int64_t started_ms;
};

struct pipeline {
    struct pipeline_options o;
    char application_name[128];

    struct kafka_survey *survey;
    struct judge *judge;
    struct pool *pool;
    struct ledger *ledger;
    struct sealer *sealer;
    struct audit *audit;
    struct outlet *outlet;         /* NULL until the brokers' facts are known */
    struct announce *announce;     /* NULL until the logs are known */
    struct consumer *consumer;     /* the same */
    struct loop_timer *next_timer; /* a batch is due, or a retry */
    int64_t next_ms;               /* monotonic: when, while it runs */
    struct loop_timer *tick;       /* each 250 ms: raises, retries, gauges */

    bool ledger_up;
    bool draining;
    bool closing;
    loop_fn drained;
    void *drained_arg;
    int64_t drain_deadline_ms;

    /* What the database says about the topics; log 0: not known yet. */
    struct ledger_log submitted, results;
    struct ledger_log read_submitted; /* while results is being asked */

    /* The lanes of this assignment, by partition. */
    struct lane *lanes[PIPELINE_LANES_MAX];
    size_t lane_count;
    bool started;      /* consumer_start() since assigned() */
    size_t turn;       /* lane that is served first next time */
    bool refresh;      /* positions are to be read */
    int64_t unsure_ms; /* monotonic: when the log was last in doubt */

    enum talk talk;
    struct writing writing;
    size_t batch_limit;   /* below batch_records while bad data is sought */
    int64_t suspected_ms; /* monotonic: when one was last suspected */
    int outages;          /* in a row */
    int64_t retry_ms;     /* monotonic; no talk before it */
    int64_t raise_ms; /* monotonic; last time `announced` was raised alone */

    struct metric *taken, *below, *unproven, *expired;
    struct metric *kinds[4], *reasons[REASON_END];
    struct metric *batches, *batch_records, *write_seconds, *commit_seconds;
    struct metric *fenced, *stale, *outage, *unknown, *bad_data;
    struct metric *lanes_gauge, *stopped_gauge, *window_gauge;
    struct metric *oldest_gauge, *retention_gauge;
};

/* pipeline.c: does whatever is due next. Cheap when nothing is. */
void pipeline_next(struct pipeline *p);
/* pipeline.c: calls pipeline_next() after `ms`, if nothing does before. */
void pipeline_later(struct pipeline *p, int64_t ms);

/* intake.c */
extern const struct consumer_events intake_events;
struct lane *intake_lane(struct pipeline *p, int32_t partition);
/* Everything known of the database is gone: all lanes are to be located. */
void intake_forget(struct pipeline *p);
/* Stops a lane; what is decided is still announced. */
void intake_stop(struct pipeline *p, struct lane *l, enum lane_stop why);
/* Stopped lanes whose time has come look again. */
void intake_retry(struct pipeline *p);
/* There is room again in a paused lane. */
void intake_resume(struct pipeline *p, struct lane *l);
/* All partitions were taken away, or the pipeline ends. */
void intake_drop_lanes(struct pipeline *p);
/* The only place where a lane's state changes: it is logged here. */
void intake_move(struct lane *l, enum partition_event event);
/* Is it in a state in which records are read and judged? */
bool intake_takes(const struct lane *l);

/* locating.c: asks logs and positions; talk is TALK_REFRESH until they are
 * there. */
void locating_begin(struct pipeline *p);

/* writing.c: each returns true when it began a talk with the ledger. */
bool writing_init(struct writing *w, size_t batch_records);
void writing_fini(struct writing *w);
bool writing_look(struct pipeline *p);
bool writing_batch(struct pipeline *p);
/* `announced` by itself: all lanes that are ahead of the database. */
void writing_raise(struct pipeline *p);
/* The ledger is gone without an answer: lets its works go. */
void writing_abandon(struct pipeline *p);
/* Lets go of the batch. `then` is lane_decided or lane_undecided. */
void writing_give_back(struct pipeline *p, void (*then)(struct lane *));

/* written.c: the ledger's answer to a batch, a ledger_write_fn. */
void written(void *arg, const struct ledger_result *r);

/* status.c */
void status_metrics(struct pipeline *p);
void status_gauges(struct pipeline *p);

#endif
