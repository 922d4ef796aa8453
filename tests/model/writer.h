/*
 * tests/model/writer.h: what writer.c and batch.c know of each other.
 *
 * `w` is the place of a writer in the state. Functions that take `search` add
 * moves to it and change nothing.
 *
 * Thread: any; all of it is pure.
 */
#ifndef TESTS_MODEL_WRITER_H
#define TESTS_MODEL_WRITER_H

#include "tests/model/protocol.h"

/* writer.c */

bool writer_is_replay(const struct protocol *c, int w);

/* A bit for every partition. */
uint8_t writer_partitions(const struct protocol *c);

/* "3", or "3 and 1" when there are two partitions. Returns `out`. */
const char *writer_pair(const struct protocol *c, const uint8_t *numbers,
                        char out[16]);

/* The batch is over; `again` says what must be read before the next. */
void writer_end_batch(const struct protocol *c, struct writer *x, int phase,
                      uint8_t again);

/* batch.c */

/* A READY writer begins: batches of every size. */
void batch_begin(const struct protocol *c, const struct state *s, int w,
                 struct search *search);

/* A WAITING writer gets the lock. */
void batch_take_lock(const struct protocol *c, const struct state *s, int w,
                     struct search *search);

/* The next statement of a writer in a transaction. */
void batch_statement(const struct protocol *c, const struct state *s, int w,
                     struct search *search);

/* Rolled back; everything is read again. */
void batch_roll_back(const struct protocol *c, const struct state *s, int w,
                     struct search *search, const char *why);

#endif
