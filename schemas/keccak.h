/*
 * schemas/keccak.h: the permutation below Keccak-256, for schemas/hash.c alone.
 *
 * Thread: any. Memory: the caller's lanes.
 */
#ifndef SCHEMAS_KECCAK_H
#define SCHEMAS_KECCAK_H

#include <stdint.h>

/*
 * keccak-f[1600]: 24 rounds over 25 lanes; lane (x, y) is lanes[x + 5 * y].
 */
void keccak_permute(uint64_t lanes[25]);

#endif
