/*
 * schemas/hash.c: Keccak-256 over our own permutation; SHA-256 from the
 * processor, if it has it, else from libsodium, and so always what comes in
 * pieces; random bytes from libsodium.
 *
 * Keccak-256 here is Ethereum's: the padding is 01 00.. 80, where SHA3-256 has
 * 06. Whole blocks are mixed in lane by lane from the input; only the tail is
 * copied.
 *
 * From: schemas/chain.c, schemas/record.c, schemas/ethereum.c,
 *       verifier/judge.c.
 * To:   schemas/keccak.c, schemas/sha256.c; libsodium.
 */
#include "schemas/hash.h"

#include <sodium.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/keccak.h"
#include "schemas/sha256.h"

#define RATE HASH_KECCAK_RATE

_Static_assert(sizeof(crypto_hash_sha256_state) <=
                   sizeof(((struct hash_sha256 *)0)->state),
               "libsodium's state fits ours");

/* Lanes are little-endian; on such machines the compiler makes this a load. */
static uint64_t load_lane(const uint8_t *at)
{
    uint64_t lane = 0;

    for (int i = 7; i >= 0; i--)
        lane = lane << 8 | at[i];
    return lane;
}

static void absorb_block(uint64_t lanes[25], const uint8_t *block)
{
    for (int i = 0; i < RATE / 8; i++)
        lanes[i] ^= load_lane(block + 8 * i);
    keccak_permute(lanes);
}

/* The last, partial block with its padding, and the first 32 bytes out. */
static void squeeze(uint64_t lanes[25], const uint8_t *tail, size_t count,
                    uint8_t out[HASH_BYTES])
{
    uint8_t block[RATE] = {0};

    if (count > 0)
        memcpy(block, tail, count);
    block[count] ^= 0x01;
    block[RATE - 1] ^= 0x80;
    absorb_block(lanes, block);
    for (int i = 0; i < HASH_BYTES; i++)
        out[i] = (uint8_t)(lanes[i / 8] >> 8 * (i % 8));
}

void hash_keccak256(struct bytes b, uint8_t out[HASH_BYTES])
{
    uint64_t lanes[25] = {0};

    while (b.count >= RATE) {
        absorb_block(lanes, b.data);
        b = bytes_slice(b, RATE, b.count - RATE);
    }
    squeeze(lanes, b.data, b.count, out);
}

void hash_keccak256_init(struct hash_keccak256 *h)
{
    *h = (struct hash_keccak256){0};
}

void hash_keccak256_update(struct hash_keccak256 *h, struct bytes b)
{
    size_t i = 0;

    while (i < b.count) {
        if (h->pos == 0 && b.count - i >= RATE) {
            absorb_block(h->lanes, b.data + i);
            i += RATE;
            continue;
        }
        h->lanes[h->pos / 8] ^= (uint64_t)b.data[i++] << 8 * (h->pos % 8);
        if (++h->pos == RATE) {
            keccak_permute(h->lanes);
            h->pos = 0;
        }
    }
}

void hash_keccak256_final(struct hash_keccak256 *h, uint8_t out[HASH_BYTES])
{
    h->lanes[h->pos / 8] ^= (uint64_t)0x01 << 8 * (h->pos % 8);
    h->lanes[RATE / 8 - 1] ^= (uint64_t)0x80 << 56;
    keccak_permute(h->lanes);
    for (int i = 0; i < HASH_BYTES; i++)
        out[i] = (uint8_t)(h->lanes[i / 8] >> 8 * (i % 8));
}

void hash_sha256(struct bytes b, uint8_t out[HASH_BYTES])
{
    static const uint8_t nothing[1];

    if (sha256_here()) {
        sha256_all(b, out);
        return;
    }
    crypto_hash_sha256(out, b.count == 0 ? nothing : b.data, b.count);
}

static crypto_hash_sha256_state *sha256_state(struct hash_sha256 *h)
{
    return (crypto_hash_sha256_state *)(void *)h->state;
}

void hash_sha256_init(struct hash_sha256 *h)
{
    crypto_hash_sha256_init(sha256_state(h));
}

void hash_sha256_update(struct hash_sha256 *h, struct bytes b)
{
    if (b.count > 0)
        crypto_hash_sha256_update(sha256_state(h), b.data, b.count);
}

void hash_sha256_final(struct hash_sha256 *h, uint8_t out[HASH_BYTES])
{
    crypto_hash_sha256_final(sha256_state(h), out);
}

int hash_random(uint8_t *out, size_t count)
{
    /* Cheap after the first time, and safe from several threads. */
    if (sodium_init() < 0)
        return FAIL_SYSTEM;
    randombytes_buf(out, count);
    return 0;
}
