/*
 * consumer/batch.h: the record, and nothing about what it means.
 *
 * A record's bytes live in the Kafka library's own memory; `owner` keeps them
 * there until record_release(). Whoever was handed a record to keep ("takes")
 * releases it exactly once, before consumer_close() is called.
 *
 * Thread: records are released on the loop thread only; their bytes may be read
 * on any thread until then.
 */
#ifndef CONSUMER_BATCH_H
#define CONSUMER_BATCH_H

#include <stdint.h>

#include "schemas/base/bytes.h"

struct record {
    int32_t partition;
    int64_t offset;
    int64_t append_ms;   /* the broker's clock at append; -1: not known */
    struct bytes key;    /* data NULL: null */
    struct bytes value;  /* data NULL: null */
    struct bytes header; /* the last one of the name asked for; data NULL: no
                          * such header, or one without a value */
    void *owner;         /* keeps the bytes alive; NULL: nothing to release */
};

/*
 * Gives the record's memory back. The record's bytes are gone afterwards; a
 * second call on the same struct does nothing, as its owner is NULL by then.
 */
void record_release(struct record *r);

#endif
