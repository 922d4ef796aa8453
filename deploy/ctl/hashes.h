/*
 * deploy/ctl/hashes.h: which of our transactions is the one with this hash?
 *
 * Thread: one at a time. Memory: sized at hashes_open(); 40 bytes an entry.
 */
#ifndef DEPLOY_CTL_HASHES_H
#define DEPLOY_CTL_HASHES_H

#include <stddef.h>
#include <stdint.h>

struct hashes;

/* Room for `count_max`. */
struct hashes *hashes_open(size_t count_max);

/* Notes that `hash` is number `index`; the first of equal ones stays. */
void hashes_add(struct hashes *h, const uint8_t hash[32], uint32_t index);

/* Its number, or -1. */
int64_t hashes_find(const struct hashes *h, const uint8_t hash[32]);

/* NULL is fine. */
void hashes_close(struct hashes *h);

#endif
