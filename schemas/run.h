/*
 * schemas/run.h: results that travel together through Redis, as text.
 *
 *   1 <log> <partition> <first> <last> <previous> <count>
 *   <offset> <type> <chain> <hash|-> <sender|-> <recipient|-> <json>
 *   ...                                     one line per event, `count` of them
 *
 * All offsets are offsets of tx.results. A run says about the topic: between
 * `previous` and `last` there is nothing but these events. `previous` -1 says
 * it of `first` to `last` only. Count 0 is a heartbeat: the topic reaches
 * `last` (-1: it is empty). A count above 0 with no line after it is headers
 * only: read the events from the topic.
 *
 * The routing fields come first, so that nobody parses JSON to route. Pure.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_RUN_H
#define SCHEMAS_RUN_H

#include "schemas/base/bytes.h"
#include "schemas/record.h"
#include "schemas/result.h"

#define RUN_EVENTS_MAX 256
#define RUN_BYTES_MAX 65536 /* of event lines */
#define RUN_HEADER_MAX 128  /* of line 1 */
#define RUN_CHANNEL_PREFIX "tidemill:results:"
#define RUN_CHANNEL_MAX 32 /* of a channel's name, without its NUL */

struct run_header {
    int32_t log; /* number of the results log; 0: not known yet */
    int32_t partition;
    int64_t first, last, previous; /* result offsets; -1: none */
    uint32_t count;                /* events in the run */
};

/* One result on its way. All bytes are borrowed. */
struct run_event {
    int64_t offset;      /* of the result, in tx.results */
    struct record_id id; /* of the record it is about */
    enum result_type type;
    struct bytes chain;
    struct bytes hash, sender, recipient; /* "0x…"; data NULL: none */
    struct bytes json;                    /* the result, byte for byte */
};

/*
 * The event that a record of tx.results at `offset` is. Borrows from `json`.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   `json` is not a result.
 *   FAIL_TOO_BIG     longer than a result can be.
 */
int run_event_of(int64_t offset, struct bytes json,
                 struct run_event *out_event) MUST_CHECK;

/* Appends line 1. Returns 0, or FAIL_FULL and nothing was appended. */
int run_header_append(struct buffer *out, const struct run_header *h);

/* Appends one event's line. Returns 0, or FAIL_FULL and nothing appended. */
int run_event_append(struct buffer *out, const struct run_event *e);

/*
 * Reads a whole run. `out_events` has room for RUN_EVENTS_MAX; `*out_count` is
 * 0 for a heartbeat and for headers only. Events rise by offset and lie within
 * first and last. The events borrow from `text`.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   not a run; nothing was written but perhaps out_events.
 */
int run_parse(struct bytes text, struct run_header *out_header,
              struct run_event *out_events, size_t *out_count) MUST_CHECK;

/*
 * The number in a result's `tm` header, "1;<results log>"; 0 when it says none.
 */
int32_t run_log(struct bytes header);

/* "tidemill:results:7". Returns its length. */
int run_channel(int32_t partition, char out[RUN_CHANNEL_MAX + 1]);

#endif
