/*
 * deploy/ctl/load.h: transactions that are signed before the clock starts.
 *
 * Thread: one at a time. Memory: about 250 bytes each, at most LOAD_MAX.
 */
#ifndef DEPLOY_CTL_LOAD_H
#define DEPLOY_CTL_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

#define LOAD_MAX 1000000
#define LOAD_BYTES_MAX ((size_t)512 << 20)

struct load;

/* Signs `count` of them, with a progress bar. Returns 0, or FAIL_SYSTEM. */
int load_sign(size_t count, uint64_t chain_id, struct load **out) MUST_CHECK;

/*
 * Reads the first `count` of a file (deploy/ctl/payload.h). Returns 0, or a
 * command_exit after printing why, also when there are fewer.
 */
int load_read(const char *path, size_t count, struct load **out) MUST_CHECK;

size_t load_count(const struct load *l);
struct bytes load_raw(const struct load *l, size_t i);

/* Which one has this hash; -1: none. */
int64_t load_find(const struct load *l, const uint8_t hash[32]);

/* NULL is fine. */
void load_close(struct load *l);

#endif
