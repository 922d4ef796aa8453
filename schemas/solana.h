/*
 * schemas/solana.h: Solana transactions, legacy and version 0.
 *
 *   n  n x signature (64)  message
 *
 *   legacy     required  readonly signed  readonly unsigned
 *              n x key (32)  blockhash (32)  n x instruction
 *   version 0  80  as above  n x lookup
 *
 *   instruction   program index  n x account index  n x byte
 *   lookup        table key (32)  n x writable index  n x readonly index
 *
 * Every n before a list is a compact-u16: 7 bits a byte, the lowest first, at
 * most three bytes and the shortest form only. The header's three numbers and
 * the indices are single bytes. Key i signs the whole message, version byte
 * included, with signature i; keys that are looked up in tables never sign.
 *
 * Stages use schemas/transaction.h; this is what stands behind it for `solana`,
 * and what a generator of transactions builds from.
 *
 * Thread: any. Memory: parts borrow from the input.
 */
#ifndef SCHEMAS_SOLANA_H
#define SCHEMAS_SOLANA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/transaction.h"

#define SOLANA_BYTES_MAX 1232 /* a packet: 1280 - 40 - 8 */
#define SOLANA_KEY_BYTES 32
#define SOLANA_SIGNATURE_BYTES 64
#define SOLANA_ACCOUNTS_MAX 256 /* static and looked up: indices are bytes */
#define SOLANA_TYPE_LEGACY 0
#define SOLANA_TYPE_V0 0x80 /* the version byte */

struct solana_parts {
    uint8_t type;              /* SOLANA_TYPE_LEGACY or SOLANA_TYPE_V0 */
    size_t signature_count;    /* of them */
    struct bytes signatures;   /* one behind the other */
    struct bytes message;      /* what is signed */
    uint8_t required;          /* the first so many keys sign */
    uint8_t readonly_signed;   /* the last so many of those do not change */
    uint8_t readonly_unsigned; /* the last so many of the others */
    size_t key_count;
    struct bytes keys; /* static ones, one behind the other */
    struct bytes blockhash;
    size_t instruction_count;
    struct bytes instructions; /* as encoded; solana_next_instruction() */
    size_t lookup_count;       /* version 0 */
    struct bytes lookups;      /* as encoded; solana_next_lookup() */
};

struct solana_instruction {
    uint8_t program;       /* index of a key */
    struct bytes accounts; /* indices, a byte each */
    struct bytes data;
};

struct solana_lookup {
    struct bytes table;              /* its key */
    struct bytes writable, readonly; /* indices into it, a byte each */
};

/*
 * Takes `input` apart: exactly one transaction in its one encoding. What the
 * numbers say about each other is not compared here.
 *
 * Returns REASON_NONE, or why not; `out` is then undefined.
 */
enum reason solana_parse(struct bytes input, struct solana_parts *out,
                         struct transaction_words *out_words);

/*
 * The next instruction, or lookup, of a list that was parsed; takes it off
 * `rest`. False: there are no more.
 */
bool solana_next_instruction(struct bytes *rest,
                             struct solana_instruction *out);
bool solana_next_lookup(struct bytes *rest, struct solana_lookup *out);

/*
 * Whether the parts agree with each other, as the runtime demands before it
 * looks at any account: as many signatures as the header wants, a fee payer
 * that can pay, every index inside what it points into, no key twice.
 */
enum reason solana_rules(const struct solana_parts *p,
                         struct transaction_words *out_words);

/*
 * The first transfer of the System Program. Returns false when there is none.
 * `out_recipient` has data NULL when the account stands in a lookup table.
 * The parts follow the rules.
 */
bool solana_transfer(const struct solana_parts *p, struct bytes *out_recipient,
                     uint64_t *out_lamports);

/* Behind transaction_decode(). */
enum reason solana_decode(int rules, struct bytes input,
                          struct transaction *out,
                          struct transaction_words *out_words);

/*
 * Appends message, or the whole transaction, field by field; the buffer marks
 * an overflow. Of the parts `message` is not read.
 */
void solana_encode_message(const struct solana_parts *p, struct buffer *out);
void solana_encode(const struct solana_parts *p, struct buffer *out);

/* Appends one of a list, for those who build it. */
void solana_append_instruction(const struct solana_instruction *i,
                               struct buffer *out);
void solana_append_lookup(const struct solana_lookup *l, struct buffer *out);

#endif
