/*
 * notifier/gateway/channel.c: reads and spells the names of channels.
 *
 * A result's own fields are in the one spelling already, so that routing is a
 * concatenation and a look-up; only what clients write is folded.
 *
 * From: notifier/gateway/protocol.c, with a client's words.
 * To:   notifier/gateway/fanout.c, which looks names up.
 */
#include "notifier/gateway/channel.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/base58.h"
#include "schemas/chain.h"
#include "schemas/hex.h"
#include "schemas/transaction.h"

/* Bytes of an address at most: a text recipient of `jws` may be long. */
#define ADDRESS_BYTES_MAX TRANSACTION_PARTY_MAX
#define KEY_BYTES 32 /* of what Solana writes in base58: account, hash */
#define ALIAS_BYTES TRANSACTION_ALIAS_MAX /* and a signature */

static int parse_transaction(struct bytes rest, struct channel *out);
static int parse_account(struct bytes rest, struct channel *out);
static int spell_hex(struct bytes text, size_t bytes_min, size_t bytes_max,
                     char *out);
static int spell_base58(struct bytes text, size_t count, char *out);
static bool begins(struct bytes text, const char *with, struct bytes *out_rest);
static size_t join(const char *prefix, struct bytes a, struct bytes b,
                   char *out);

int channel_parse(struct bytes text, struct channel *out)
{
    struct bytes rest;

    if (text.data == NULL || text.count > CHANNEL_NAME_MAX)
        return FAIL_MALFORMED;
    *out = (struct channel){.kind = CHANNEL_KIND_SYSTEM};
    if (bytes_equal_text(text, CHANNEL_TRANSACTIONS)) {
        out->kind = CHANNEL_KIND_TRANSACTIONS;
        strcpy(out->name, CHANNEL_TRANSACTIONS);
        return 0;
    }
    if (bytes_equal_text(text, CHANNEL_SYSTEM)) {
        out->kind = CHANNEL_KIND_SYSTEM;
        strcpy(out->name, CHANNEL_SYSTEM);
        return 0;
    }
    if (begins(text, NAMES_CHANNEL_TRANSACTION, &rest))
        return parse_transaction(rest, out);
    if (begins(text, NAMES_CHANNEL_ACCOUNT, &rest))
        return parse_account(rest, out);
    return FAIL_MALFORMED;
}

/* The last colon parts chain and hash: a chain's name may have one itself. */
static int parse_transaction(struct bytes rest, struct channel *out)
{
    const uint8_t *colon = memrchr(rest.data, ':', rest.count);
    char hash[2 + 64 + 1];
    struct bytes chain, digits;
    struct chain parsed;
    size_t count;

    if (colon == NULL)
        return FAIL_MALFORMED;
    chain = bytes_of(rest.data, (size_t)(colon - rest.data));
    digits = bytes_of(colon + 1, rest.count - chain.count - 1);
    if (chain_parse(chain, &parsed) < 0)
        return FAIL_MALFORMED;
    if (spell_hex(digits, 32, 32, hash) < 0 &&
        (parsed.ns != CHAIN_SOLANA ||
         spell_base58(digits, KEY_BYTES, hash) < 0))
        return FAIL_MALFORMED;
    count = channel_of_transaction(chain, bytes_text(hash), out->name);
    out->kind = CHANNEL_KIND_TRANSACTION;
    strcpy(out->chain, parsed.name);
    out->value_at = count - strlen(hash);
    return 0;
}

static int spell_alias(enum chain_namespace ns, struct bytes alias, char *out)
{
    char prefixed[2 + 2 * KEY_BYTES];

    if (ns == CHAIN_BIP122 && alias.count == 2 * KEY_BYTES) {
        memcpy(prefixed, "0x", 2);
        memcpy(prefixed + 2, alias.data, alias.count);
        return spell_hex(bytes_of(prefixed, sizeof(prefixed)), KEY_BYTES,
                         KEY_BYTES, out);
    }
    if (ns != CHAIN_SOLANA)
        return FAIL_MALFORMED;
    if (spell_hex(alias, ALIAS_BYTES, ALIAS_BYTES, out) == 0)
        return 0;
    return spell_base58(alias, ALIAS_BYTES, out);
}

int channel_parse_alias(struct bytes chain, struct bytes alias,
                        struct channel *out)
{
    char digits[2 + 2 * ALIAS_BYTES + 1];
    struct chain parsed;
    size_t count;

    if (chain_parse(chain, &parsed) < 0 ||
        spell_alias(parsed.ns, alias, digits) < 0)
        return FAIL_MALFORMED;
    memset(out, 0, sizeof(*out));
    count = channel_of_transaction(chain, bytes_text(digits), out->name);
    out->kind = CHANNEL_KIND_TRANSACTION;
    strcpy(out->chain, parsed.name);
    out->value_at = count - strlen(digits);
    return 0;
}

static int parse_account(struct bytes rest, struct channel *out)
{
    char address[2 + 2 * ADDRESS_BYTES_MAX + 1];
    size_t count;

    if (spell_hex(rest, 1, ADDRESS_BYTES_MAX, address) < 0 &&
        spell_base58(rest, KEY_BYTES, address) < 0)
        return FAIL_MALFORMED;
    count = channel_of_account(bytes_text(address), out->name);
    out->kind = CHANNEL_KIND_ACCOUNT;
    out->value_at = count - strlen(address);
    return 0;
}

size_t channel_of_transaction(struct bytes chain, struct bytes hash,
                              char out[CHANNEL_NAME_MAX + 1])
{
    if (chain.data == NULL || hash.data == NULL)
        return 0;
    return join(NAMES_CHANNEL_TRANSACTION, chain, hash, out);
}

size_t channel_of_account(struct bytes address, char out[CHANNEL_NAME_MAX + 1])
{
    if (address.data == NULL)
        return 0;
    return join(NAMES_CHANNEL_ACCOUNT, address, BYTES_NONE, out);
}

struct bytes channel_value(const struct channel *c)
{
    if (c->value_at == 0)
        return BYTES_NONE;
    return bytes_text(c->name + c->value_at);
}

bool channel_matches(const struct channel *c, const struct run_event *e)
{
    struct bytes value = channel_value(c);

    switch (c->kind) {
    case CHANNEL_KIND_TRANSACTIONS:
        return true;
    case CHANNEL_KIND_TRANSACTION:
        return bytes_equal_text(e->chain, c->chain) &&
               bytes_equal(e->hash, value);
    case CHANNEL_KIND_ACCOUNT:
        return bytes_equal(e->sender, value) ||
               bytes_equal(e->recipient, value);
    case CHANNEL_KIND_SYSTEM:
        break;
    }
    return false;
}

/* Copies "0x" and digits in lower case, with a NUL. */
static int spell_hex(struct bytes text, size_t bytes_min, size_t bytes_max,
                     char *out)
{
    if (text.count < 2 + 2 * bytes_min || text.count > 2 + 2 * bytes_max ||
        text.count % 2 != 0 || text.data[0] != '0' ||
        (text.data[1] | 0x20) != 'x')
        return FAIL_MALFORMED;
    out[0] = '0';
    out[1] = 'x';
    for (size_t i = 2; i < text.count; i++) {
        uint8_t c = text.data[i];

        if (c >= 'A' && c <= 'F')
            c = (uint8_t)(c | 0x20);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return FAIL_MALFORMED;
        out[i] = (char)c;
    }
    out[text.count] = '\0';
    return 0;
}

/* The hex of `count` bytes that are written in base58, which never has a 0. */
static int spell_base58(struct bytes text, size_t count, char *out)
{
    uint8_t raw[ALIAS_BYTES];
    size_t found;

    CHECK(count <= sizeof(raw));
    if (text.count > 2 * count ||
        base58_decode(text, raw, sizeof(raw), &found, NULL) < 0 ||
        found != count)
        return FAIL_MALFORMED;
    memcpy(out, "0x", 2);
    hex_encode(bytes_of(raw, count), out + 2);
    return 0;
}

static bool begins(struct bytes text, const char *with, struct bytes *out_rest)
{
    size_t count = strlen(with);

    if (text.count < count || memcmp(text.data, with, count) != 0)
        return false;
    *out_rest = bytes_slice(text, count, text.count);
    return true;
}

/* prefix, a, and if there is one a colon and b. 0 when it would not fit. */
static size_t join(const char *prefix, struct bytes a, struct bytes b,
                   char *out)
{
    size_t count = strlen(prefix);

    if (count + a.count + 1 + b.count > CHANNEL_NAME_MAX)
        return 0;
    memcpy(out, prefix, count);
    memcpy(out + count, a.data, a.count);
    count += a.count;
    if (b.data != NULL) {
        out[count++] = ':';
        memcpy(out + count, b.data, b.count);
        count += b.count;
    }
    out[count] = '\0';
    return count;
}
