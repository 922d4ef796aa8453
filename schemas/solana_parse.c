/*
 * schemas/solana_parse.c: takes the bytes of a Solana transaction apart, once,
 * in reading order.
 *
 * A compact-u16 has one form only: a last byte of zero adds nothing, and is
 * refused. So the encoding is canonical when every count is and no byte is left
 * over; nothing has to be written again to know it.
 *
 *   05          5
 *   80 01       128
 *   ff ff 03    65535
 *   85 00       5 again: refused
 *
 * The words of a refusal are those of a node, which clients match on.
 *
 * From: schemas/solana.c, verifier/scheme_solana.c.
 * To:   schemas/transaction.h, for the words.
 */
#include "schemas/solana.h"

#define COUNT_BYTES_MAX 3
#define VERSION_BIT 0x80
#define VERSION_OFFCHAIN 127

/* Where we are; `reason` is set at the first fault, and nothing moves after. */
struct reader {
    struct bytes rest;
    enum reason reason;
    struct transaction_words *words;
};

static struct bytes take(struct reader *r, size_t count)
{
    struct bytes taken = bytes_of(r->rest.data, count);

    if (r->reason != REASON_NONE)
        return BYTES_NONE;
    if (count > r->rest.count) {
        r->reason = transaction_refuse(r->words, REASON_MALFORMED,
                                       "io error: failed to fill whole buffer");
        return BYTES_NONE;
    }
    r->rest = bytes_of(taken.data + count, r->rest.count - count);
    return taken;
}

static uint8_t take_byte(struct reader *r)
{
    struct bytes b = take(r, 1);

    return b.count == 0 ? 0 : b.data[0];
}

/* Of byte `i` > 0 of a count, which has come to `value` with it. */
static enum reason count_fault(struct reader *r, uint8_t byte, int i,
                               uint32_t value)
{
    if (byte == 0)
        return transaction_refuse(r->words, REASON_NON_CANONICAL,
                                  "invalid value: alias encoding, expected "
                                  "strict form encoding");
    if (i == COUNT_BYTES_MAX - 1 && (byte & 0x80) != 0)
        return transaction_refuse(r->words, REASON_MALFORMED,
                                  "invalid value: continue signal on "
                                  "byte-three, expected a terminal signal on "
                                  "or before byte-three");
    if (value > UINT16_MAX)
        return transaction_refuse(r->words, REASON_MALFORMED,
                                  "invalid value: integer `%u`, expected a "
                                  "value in the range [0, 65535]",
                                  value);
    return REASON_NONE;
}

static size_t take_count(struct reader *r)
{
    uint32_t value = 0;

    for (int i = 0; r->reason == REASON_NONE; i++) {
        uint8_t byte = take_byte(r);

        if (r->reason != REASON_NONE)
            break;
        value |= (uint32_t)(byte & 0x7f) << 7 * i;
        if (i > 0)
            r->reason = count_fault(r, byte, i, value);
        if (byte < 0x80)
            return r->reason == REASON_NONE ? value : 0;
    }
    return 0;
}

/* A count and so many bytes. */
static struct bytes take_bytes(struct reader *r)
{
    return take(r, take_count(r));
}

static struct solana_instruction take_instruction(struct reader *r)
{
    struct solana_instruction i;

    i.program = take_byte(r);
    i.accounts = take_bytes(r);
    i.data = take_bytes(r);
    return i;
}

static struct solana_lookup take_lookup(struct reader *r)
{
    struct solana_lookup l;

    l.table = take(r, SOLANA_KEY_BYTES);
    l.writable = take_bytes(r);
    l.readonly = take_bytes(r);
    return l;
}

bool solana_next_instruction(struct bytes *rest, struct solana_instruction *out)
{
    struct reader r = {.rest = *rest};

    if (rest->count == 0)
        return false;
    *out = take_instruction(&r);
    CHECK(r.reason == REASON_NONE);
    *rest = r.rest;
    return true;
}

bool solana_next_lookup(struct bytes *rest, struct solana_lookup *out)
{
    struct reader r = {.rest = *rest};

    if (rest->count == 0)
        return false;
    *out = take_lookup(&r);
    CHECK(r.reason == REASON_NONE);
    *rest = r.rest;
    return true;
}

/* What was read since `from`. */
static struct bytes since(const struct reader *r, const uint8_t *from)
{
    return bytes_of(from, (size_t)(r->rest.data - from));
}

static void take_instructions(struct reader *r, struct solana_parts *out)
{
    const uint8_t *from;

    out->instruction_count = take_count(r);
    from = r->rest.data;
    for (size_t i = 0; i < out->instruction_count; i++) {
        take_instruction(r);
        if (r->reason != REASON_NONE)
            return;
    }
    out->instructions = since(r, from);
}

static void take_lookups(struct reader *r, struct solana_parts *out)
{
    const uint8_t *from;

    out->lookup_count = take_count(r);
    from = r->rest.data;
    for (size_t i = 0; i < out->lookup_count; i++) {
        take_lookup(r);
        if (r->reason != REASON_NONE)
            return;
    }
    out->lookups = since(r, from);
}

/* The first byte of a message, if it is a version that we judge. */
static uint8_t take_version(struct reader *r, struct solana_parts *out)
{
    uint8_t byte = take_byte(r);

    out->type = SOLANA_TYPE_LEGACY;
    if (r->reason != REASON_NONE || byte < VERSION_BIT)
        return byte;
    out->type = byte;
    if (byte == SOLANA_TYPE_V0)
        return take_byte(r);
    if ((byte & ~VERSION_BIT) == VERSION_OFFCHAIN)
        r->reason = transaction_refuse(r->words, REASON_UNSUPPORTED_TYPE,
                                       "off-chain messages are not accepted");
    else
        r->reason = transaction_refuse(
            r->words, REASON_UNSUPPORTED_TYPE,
            "invalid value: integer `%d`, expected a valid transaction "
            "message version",
            byte & ~VERSION_BIT);
    return 0;
}

static void take_message(struct reader *r, struct solana_parts *out)
{
    out->message = r->rest;
    out->required = take_version(r, out);
    out->readonly_signed = take_byte(r);
    out->readonly_unsigned = take_byte(r);
    out->key_count = take_count(r);
    out->keys = take(r, out->key_count * SOLANA_KEY_BYTES);
    out->blockhash = take(r, SOLANA_KEY_BYTES);
    take_instructions(r, out);
    if (out->type == SOLANA_TYPE_V0)
        take_lookups(r, out);
}

/*
 * A message of version 1 comes first, its signatures behind it. No other
 * transaction begins with that byte: 129 signatures do not fit.
 */
static bool begins_with_version_1(struct bytes input)
{
    return input.count > 0 && input.data[0] == (VERSION_BIT | 1);
}

enum reason solana_parse(struct bytes input, struct solana_parts *out,
                         struct transaction_words *out_words)
{
    struct reader r = {.rest = input, .words = out_words};

    *out = (struct solana_parts){.type = SOLANA_TYPE_LEGACY};
    if (begins_with_version_1(input)) {
        take_version(&r, out);
        return r.reason;
    }
    out->signature_count = take_count(&r);
    out->signatures = take(&r, out->signature_count * SOLANA_SIGNATURE_BYTES);
    if (r.reason == REASON_NONE)
        take_message(&r, out);
    if (r.reason == REASON_NONE && r.rest.count > 0)
        return transaction_refuse(out_words, REASON_NON_CANONICAL,
                                  "Slice had bytes remaining after "
                                  "deserialization");
    return r.reason;
}
