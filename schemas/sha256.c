/*
 * schemas/sha256.c: SHA-256 by the instructions that processors have for it.
 *
 * libsodium's is portable C; this is five times as fast where it works, so that
 * naming 131,072 refused bytes by their hash costs less than judging them did.
 * Where the processor has no such instructions, nothing of this runs.
 *
 *   abef, cdgh   the state, in the order the instructions want
 *   m[0..3]      the last 16 words of the message schedule, 4 in each
 *
 * From: schemas/hash.c.
 * To:   nothing.
 */
#include "schemas/sha256.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <string.h>

#define BLOCK SHA256_BLOCK_BYTES
#define LEAF_1_SSSE3 (1u << 9)
#define LEAF_1_SSE41 (1u << 19)
#define LEAF_7_SHA (1u << 29)

/* FIPS 180-4, 4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* 5.3.3: of the square roots of the first 8. */
static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                  0xa54ff53a, 0x510e527f, 0x9b05688c,
                                  0x1f83d9ab, 0x5be0cd19};

bool sha256_here(void)
{
    static atomic_int known; /* 0 not yet, 1 no, 2 yes */
    unsigned a, b, c, d;
    int here = atomic_load_explicit(&known, memory_order_relaxed);

    if (here == 0) {
        here = 1;
        if (__get_cpuid(1, &a, &b, &c, &d) && (c & LEAF_1_SSSE3) != 0 &&
            (c & LEAF_1_SSE41) != 0 &&
            __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & LEAF_7_SHA) != 0)
            here = 2;
        atomic_store_explicit(&known, here, memory_order_relaxed);
    }
    return here == 2;
}

/* Four words of the message from the sixteen before them. */
__attribute__((target("sha,ssse3,sse4.1"))) static __m128i
schedule(const __m128i m[4], int i)
{
    __m128i before = m[(i + 3) & 3];
    __m128i sum = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);

    sum = _mm_add_epi32(sum, _mm_alignr_epi8(before, m[(i + 2) & 3], 4));
    return _mm_sha256msg2_epu32(sum, before);
}

__attribute__((target("sha,ssse3,sse4.1"))) static void
mix(__m128i *abef, __m128i *cdgh, const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i a = *abef, c = *cdgh, m[4], words;

    for (int i = 0; i < 16; i++) {
        if (i < 4)
            m[i] = _mm_shuffle_epi8(
                _mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
        else
            m[i & 3] = schedule(m, i);
        words = _mm_add_epi32(m[i & 3],
                              _mm_loadu_si128((const __m128i *)(k + 4 * i)));
        c = _mm_sha256rnds2_epu32(c, a, words);
        a = _mm_sha256rnds2_epu32(a, c, _mm_shuffle_epi32(words, 0x0e));
    }
    *abef = _mm_add_epi32(*abef, a);
    *cdgh = _mm_add_epi32(*cdgh, c);
}

__attribute__((target("sha,ssse3,sse4.1"))) static void
mix_all(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    __m128i badc =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i hgfe =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    __m128i feba, dchg;

    for (; blocks > 0; blocks--, data += BLOCK)
        mix(&abef, &cdgh, data);
    feba = _mm_shuffle_epi32(abef, 0x1b);
    dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

void sha256_all(struct bytes b, uint8_t out[SHA256_BYTES])
{
    size_t whole = b.count / BLOCK, rest = b.count % BLOCK;
    size_t tail_count = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    uint8_t tail[2 * BLOCK] = {0};
    uint32_t state[8];

    CHECK(sha256_here());
    memcpy(state, start, sizeof(state));
    if (whole > 0)
        mix_all(state, b.data, whole);
    /* What is left, a bit, zeros, and how many bits there were. */
    if (rest > 0)
        memcpy(tail, b.data + whole * BLOCK, rest);
    tail[rest] = 0x80;
    bytes_put_be64(tail + tail_count - 8, (uint64_t)b.count * 8);
    mix_all(state, tail, tail_count / BLOCK);
    for (int i = 0; i < 8; i++)
        bytes_put_be32(out + 4 * i, state[i]);
}

#else

bool sha256_here(void)
{
    return false;
}

void sha256_all(struct bytes b, uint8_t out[SHA256_BYTES])
{
    (void)b;
    (void)out;
    CHECK(false);
}

#endif
