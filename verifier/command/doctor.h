/*
 * verifier/command/doctor.h: do the settings out there carry the promise?
 *
 *      ok       tx.submitted   3 copies, 2 of them before an acknowledgement
 *      failed   fsync          off
 *               endangers: every record leaves exactly one row
 *               run: alter system set fsync = on
 *
 * Questions are asked first and judged afterwards, by functions that see only
 * facts. deploy/ctl/doctor.c is the command, and asks Redis.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_DOCTOR_H
#define VERIFIER_COMMAND_DOCTOR_H

#include "consumer/kafka.h"
#include "schemas/base/check.h"
#include "verifier/command/cluster.h"
#include "verifier/command/schema.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

/* The promise, sentence by sentence; a failed check endangers one of them. */
#define DOCTOR_STORED "202 means stored"
#define DOCTOR_ONE_ROW "every record leaves exactly one row"
#define DOCTOR_ANNOUNCED "every row is announced, under one id"
#define DOCTOR_FLOW "what is accepted arrives soon"

#define DOCTOR_LINES_MAX 128
#define DOCTOR_NAME_MAX 300
#define DOCTOR_WORDS_MAX 512

/* What was found. Zero-filled is nothing, printed as text. */
struct doctor {
    bool json;  /* one JSON object a line */
    bool quiet; /* nothing is printed: for tests */
    int counts[3];
    /* The worst level of each check, by name. */
    struct {
        char name[DOCTOR_NAME_MAX];
        enum doctor_level level;
    } lines[DOCTOR_LINES_MAX];
    size_t line_count;
};

/*
 * Prints and counts one check. `endangers` is one of the sentences above and
 * `run` what to do; both NULL when all is well.
 */
void doctor_say(struct doctor *d, enum doctor_level level, const char *name,
                const char *endangers, const char *run, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The worst that was said under this name; -1: nothing. For tests. */
int doctor_level_of(const struct doctor *d, const char *name);

/* Prints the sum. Returns COMMAND_OK, or COMMAND_DIFFERS when any failed. */
int doctor_end(const struct doctor *d);

/* ---- brokers ---- */

/* One topic: `submitted` has the stricter rules. `brokers` of them there are.
 */
void doctor_topic(struct doctor *d, const struct kafka_topic *t, bool submitted,
                  int brokers);

/* Asks the brokers about the topics submitted and results, in this order.
 * out_facts->known says whether they answered. */
void doctor_brokers(struct doctor *d, struct kafka_admin *admin,
                    const char *brokers, const char *const topics[2],
                    struct kafka_facts *out_facts);

/* ---- database ---- */

/* What the server said. */
struct doctor_database {
    int version;         /* 150004 */
    char fsync[8];       /* "on" */
    char full_pages[8];  /* full_page_writes */
    char commit[32];     /* synchronous_commit */
    char standbys[256];  /* synchronous_standby_names */
    int standbys_seen;   /* connected and synchronous; -1: not allowed to see */
    int locks;           /* max_locks_per_transaction */
    int leaves;          /* whose tables are there */
    bool live, next;     /* is there a leaf that is? */
    int half_detached;   /* tables whose DETACH CONCURRENTLY was cut off */
    int64_t snapshot_ms; /* age of the oldest open snapshot; 0: none */
    char snapshot_who[128];
    int32_t pid_first, pid_second; /* backend of two statements */
    int32_t pid_told;              /* backend the connection was told */
    bool pool_mode;                /* SHOW pool_mode was answered */
};

/* The server and how we reach it. */
void doctor_judge_database(struct doctor *d, const struct doctor_database *f);
/* Its leaves. */
void doctor_judge_leaves(struct doctor *d, const struct doctor_database *f);
/* Its tables. */
void doctor_judge_schema(struct doctor *d, const struct schema_state *s);

/*
 * Asks the database: settings and tables, then its logs. `facts` and `admin` as
 * above; facts->known false: only what needs no broker.
 */
void doctor_ask_database(struct doctor *d, const char *url,
                         struct kafka_admin *admin,
                         const struct kafka_facts *facts);

/* Logs, positions and the group's offsets, against what the brokers say. */
void doctor_ask_logs(struct doctor *d, struct database *db,
                     struct kafka_admin *admin,
                     const struct kafka_facts *facts);

#endif
