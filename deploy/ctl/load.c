/*
 * deploy/ctl/load.c: one block of bytes, and a place in it for each.
 *
 * From: bench.
 * To:   deploy/ctl/gen.c, or a file made by it.
 */
#include "deploy/ctl/load.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/command.h"
#include "deploy/ctl/gen.h"
#include "deploy/ctl/hashes.h"
#include "deploy/ctl/payload.h"
#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/hex.h"

#define SENDERS 1000

struct load {
    struct buffer bytes;
    size_t *places; /* of the first byte of each, and of the end */
    size_t count, count_max;
    struct hashes *hashes;
};

static struct load *open_empty(size_t count_max)
{
    struct load *l = calloc(1, sizeof(*l));

    CHECK(l != NULL && count_max <= LOAD_MAX);
    buffer_init(&l->bytes, LOAD_BYTES_MAX);
    l->places = calloc(count_max + 1, sizeof(*l->places));
    CHECK(l->places != NULL);
    l->count_max = count_max;
    l->hashes = hashes_open(count_max);
    return l;
}

void load_close(struct load *l)
{
    if (l == NULL)
        return;
    buffer_fini(&l->bytes);
    hashes_close(l->hashes);
    free(l->places);
    free(l);
}

static int add(struct load *l, struct bytes raw, const uint8_t hash[32])
{
    if (buffer_append_bytes(&l->bytes, raw) < 0)
        return FAIL_FULL;
    hashes_add(l->hashes, hash, (uint32_t)l->count);
    l->places[++l->count] = l->bytes.count;
    return 0;
}

int load_sign(size_t count, uint64_t chain_id, struct load **out)
{
    struct gen_options o = {
        .chain_id = chain_id, .type = GEN_TYPE_MIX, .senders = SENDERS};
    struct command_progress *progress;
    struct gen_transaction t;
    uint8_t random[16];
    char seed[33];
    struct gen *g;
    struct load *l;
    int rc = hash_random(random, sizeof(random));

    hex_encode(bytes_of(random, sizeof(random)), seed);
    o.seed = seed;
    if (rc == 0)
        rc = gen_open(&o, &g);
    if (rc < 0)
        return rc;
    l = open_empty(count);
    progress = command_progress_open("signing", count);
    while (l->count < count) {
        gen_next(g, &t);
        CHECK(add(l, t.raw, t.hash) == 0);
        if (l->count % 256 == 0)
            command_progress_set(progress, l->count);
    }
    command_progress_set(progress, count);
    command_progress_close(progress);
    gen_close(g);
    *out = l;
    return 0;
}

/* Any value but 0 ends the walk; this one means "enough". */
#define ENOUGH (-1)

static int read_one(void *arg, struct bytes raw, const char *name)
{
    struct load *l = arg;
    uint8_t hash[32];

    hash_keccak256(raw, hash);
    if (add(l, raw, hash) < 0)
        return command_fail(COMMAND_DATA, "%s: the file is too long", name);
    return l->count == l->count_max ? ENOUGH : 0;
}

int load_read(const char *path, size_t count, struct load **out)
{
    struct load *l = open_empty(count);
    int rc = payload_each(path, read_one, l);

    if (rc == 0)
        rc = command_fail(COMMAND_DATA, "%s has %zu transactions, wanted %zu",
                          path, l->count, count);
    if (rc != ENOUGH) {
        load_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

size_t load_count(const struct load *l)
{
    return l->count;
}

struct bytes load_raw(const struct load *l, size_t i)
{
    return bytes_of(l->bytes.data + l->places[i],
                    l->places[i + 1] - l->places[i]);
}

int64_t load_find(const struct load *l, const uint8_t hash[32])
{
    return hashes_find(l->hashes, hash);
}
