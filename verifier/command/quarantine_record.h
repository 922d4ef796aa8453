/*
 * verifier/command/quarantine_record.h: one quarantined record: its row, the
 * record itself if the topic still has it, and what we say of it today.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_QUARANTINE_RECORD_H
#define VERIFIER_COMMAND_QUARANTINE_RECORD_H

#include "schemas/record.h"
#include "verifier/command/cluster.h"
#include "verifier/judge.h"

struct quarantine_record {
    struct record_id id;

    /* The row. */
    char sqlstate[8]; /* of the server, or TM001: passed by an operator */
    char detail[512];
    int64_t accepted_at_ms;
    uint8_t payload_sha256[32];
    bool stored; /* `payload` is the row's: not longer than it keeps */

    /* The record. `payload` is the topic's where that still has it. */
    bool in_topic;
    struct buffer payload, key;
    bool has_key;
    bool has_value;
    bool has_header;
    char header[RECORD_HEADER_MAX + 1];

    /* Today. */
    bool judged; /* false: no bytes, or of a newer rule set */
    struct chain chain;
    int rules;
    struct verdict verdict; /* borrows from `payload` */
    bool has_row;           /* this transaction is in `transactions` ... */
    struct record_id row;   /* ... as this record */
};

/*
 * Reads all of it. Returns 0, then quarantine_record_fini(), or a command_exit
 * after printing why: no such record is in quarantine, or somebody does not
 * answer.
 */
int quarantine_record_read(struct cluster *c, const struct judge *judge,
                           struct record_id id,
                           struct quarantine_record *out) MUST_CHECK;
void quarantine_record_fini(struct quarantine_record *q);

/* Are its bytes anywhere? */
bool quarantine_record_has_payload(const struct quarantine_record *q);

/* Key and header as they were, or as a door would make them today: they borrow
 * from `q` or from `room`. data NULL: none. */
struct bytes quarantine_record_key(const struct quarantine_record *q,
                                   uint8_t room[RECORD_KEY_BYTES]);
struct bytes quarantine_record_header(const struct quarantine_record *q,
                                      char room[RECORD_HEADER_MAX + 1]);
struct bytes quarantine_record_value(const struct quarantine_record *q);

#endif
