/*
 * deploy/ctl/decode_inside.h: what the files that describe transactions share,
 * and nobody else includes.
 *
 * Thread: any. Pure.
 */
#ifndef DEPLOY_CTL_DECODE_INSIDE_H
#define DEPLOY_CTL_DECODE_INSIDE_H

#include "deploy/ctl/decode.h"
#include "schemas/json_writer.h"

/*
 * One form each, as decode_describe(): REASON_NONE, or why the bytes are none
 * of that form, and then nothing is appended.
 */
enum reason decode_ethereum(const struct judge *judge, struct bytes raw,
                            struct buffer *out,
                            struct transaction_words *out_words);
enum reason decode_solana(const struct judge *judge, struct bytes raw,
                          struct buffer *out,
                          struct transaction_words *out_words);
enum reason decode_bitcoin(const struct judge *judge, struct bytes raw,
                           struct buffer *out,
                           struct transaction_words *out_words);
enum reason decode_jws(const struct judge *judge, struct bytes raw,
                       struct buffer *out, struct transaction_words *out_words);

/*
 * Whether the bytes begin like a Solana transaction: some signatures, and a
 * message that asks for as many. Nothing is said of the rest.
 */
bool decode_solana_is_likely(struct bytes raw);

/* A number of up to 32 bytes as its decimal digits; longer ones as hex. */
void decode_number(struct json_writer *w, const char *name, struct bytes be);

/* Members of an object, by name. */
void decode_whole(struct json_writer *w, const char *name, uint64_t n);
void decode_hex(struct json_writer *w, const char *name, struct bytes b);

/* Who signed, or null and why nobody did. */
void decode_sender(struct json_writer *w, const struct verdict *v);

#endif
