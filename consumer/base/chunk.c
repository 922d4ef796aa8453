/*
 * consumer/base/chunk.c: one allocation a chunk, counted by hand.
 *
 * From: consumer/base/stream.c and whoever builds frames.
 * To:   consumer/base/stream.c, which writes them.
 */
#include "consumer/base/chunk.h"

#include <stdlib.h>
#include <string.h>

struct chunk {
    uint32_t holders;
    size_t count;
    uint8_t data[];
};

struct chunk *chunk_blank(size_t count)
{
    struct chunk *c = malloc(sizeof(*c) + count);

    CHECK(c != NULL);
    c->holders = 1;
    c->count = count;
    return c;
}

struct chunk *chunk_new(struct bytes b)
{
    struct chunk *c = chunk_blank(b.count);

    if (b.count > 0)
        memcpy(c->data, b.data, b.count);
    return c;
}

uint8_t *chunk_space(struct chunk *c)
{
    CHECK(c->holders == 1);
    return c->data;
}

struct chunk *chunk_hold(struct chunk *c)
{
    CHECK(c->holders > 0 && c->holders < UINT32_MAX);
    c->holders++;
    return c;
}

void chunk_drop(struct chunk *c)
{
    if (c == NULL)
        return;
    CHECK(c->holders > 0);
    if (--c->holders == 0)
        free(c);
}

struct bytes chunk_bytes(const struct chunk *c)
{
    CHECK(c->holders > 0);
    return bytes_of(c->data, c->count);
}
