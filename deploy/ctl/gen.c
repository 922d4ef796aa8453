/*
 * deploy/ctl/gen.c: `tidemill gen`: signed transactions, as many as wanted.
 *
 *      key i  = SHA-256(seed, i)
 *      nonces rise per sender, so no two transactions are equal
 *
 * From: deploy/ctl/main.c; deploy/ctl's load and demo.
 * To:   standard output, one hex transaction a line.
 */
#include "deploy/ctl/gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/hex.h"
#include "schemas/rlp.h"
#include "verifier/scheme_secp256k1.h"
#include "verifier/scheme_secp256k1_sign.h"

#define RAW_MAX 1024
#define GWEI 1000000000u

/* The order of secp256k1, big-endian (SEC 2, section 2.4.1). */
static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf,
                                  0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c,
                                  0xd0, 0x36, 0x41, 0x41};

struct account {
    uint8_t key[32];
    uint8_t address[20];
    uint64_t nonce;
};

struct gen {
    struct gen_options o;
    struct signer *signer;
    struct account *accounts;
    uint64_t count; /* made so far */
    struct buffer fields, list, raw;
};

static void derive(const char *seed, uint64_t i, uint8_t out[32])
{
    struct hash_sha256 h;
    uint8_t number[8];

    bytes_put_be64(number, i);
    hash_sha256_init(&h);
    hash_sha256_update(&h, bytes_text(seed));
    hash_sha256_update(&h, bytes_of(number, sizeof(number)));
    hash_sha256_final(&h, out);
}

static int open_account(struct gen *g, int i)
{
    struct account *a = &g->accounts[i];
    uint8_t public[65], hash[32];
    int rc;

    derive(g->o.seed, (uint64_t)i, a->key);
    rc = signer_public(g->signer, a->key, public);
    if (rc < 0)
        return rc;
    hash_keccak256(bytes_of(public + 1, 64), hash);
    memcpy(a->address, hash + 12, 20);
    return 0;
}

int gen_open(const struct gen_options *o, struct gen **out)
{
    struct gen *g = calloc(1, sizeof(*g));
    int rc, i;

    CHECK(g != NULL && o->senders > 0);
    g->o = *o;
    g->accounts = calloc((size_t)o->senders, sizeof(*g->accounts));
    CHECK(g->accounts != NULL);
    buffer_init(&g->fields, RAW_MAX);
    buffer_init(&g->list, RAW_MAX);
    buffer_init(&g->raw, RAW_MAX);
    rc = signer_open(&g->signer);
    for (i = 0; i < o->senders && rc == 0; i++)
        rc = open_account(g, i);
    if (rc < 0) {
        gen_close(g);
        return rc;
    }
    *out = g;
    return 0;
}

void gen_close(struct gen *g)
{
    if (g == NULL)
        return;
    signer_close(g->signer);
    buffer_fini(&g->fields);
    buffer_fini(&g->list);
    buffer_fini(&g->raw);
    free(g->accounts);
    free(g);
}

/* The fields under the signature, in the order of each type. */
static void append_fields(struct gen *g, int type, const struct account *a,
                          const struct account *to)
{
    struct buffer *f = &g->fields;

    buffer_clear(f);
    if (type > 0)
        rlp_append_uint(f, g->o.chain_id);
    rlp_append_uint(f, a->nonce);
    if (type == 2)
        rlp_append_uint(f, GWEI);
    rlp_append_uint(f, 20ull * GWEI + g->count % GWEI);
    rlp_append_uint(f, 21000);
    rlp_append_string(f, bytes_of(to->address, 20));
    rlp_append_uint(f, 1000000000000000ull + g->count);
    rlp_append_string(f, bytes_of("", 0));
    if (type > 0)
        rlp_append_list(f, bytes_of("", 0));
}

static void begin(struct buffer *b, int type)
{
    buffer_clear(b);
    if (type > 0)
        buffer_append_byte(b, (uint8_t)type);
}

static void signing_hash(struct gen *g, int type, uint8_t out[32])
{
    struct buffer *b = &g->list;
    size_t signed_count = g->fields.count;

    if (type == 0) {
        rlp_append_uint(&g->fields, g->o.chain_id);
        rlp_append_uint(&g->fields, 0);
        rlp_append_uint(&g->fields, 0);
    }
    begin(b, type);
    rlp_append_list(b, buffer_bytes(&g->fields));
    hash_keccak256(buffer_bytes(b), out);
    g->fields.count = signed_count;
}

/* The other s: just as true to the curve, and refused by every rule set. */
static void make_high(uint8_t s[32])
{
    int borrow = 0, i, difference;

    for (i = 31; i >= 0; i--) {
        difference = order[i] - s[i] - borrow;
        borrow = difference < 0;
        s[i] = (uint8_t)(difference + (borrow ? 256 : 0));
    }
}

/* An r that is on no point of the curve; about every second one is not. */
static void make_unrecoverable(const uint8_t hash[32], uint8_t signature[64],
                               uint8_t parity)
{
    uint8_t key[65];

    do {
        hash_sha256(bytes_of(signature, 32), signature);
    } while (memcmp(signature, order, 32) >= 0 ||
             scheme_secp256k1_recover(hash, signature, parity, key) == 0);
}

void gen_next(struct gen *g, struct gen_transaction *out)
{
    bool forged = g->o.forged_per_mille > 0 &&
                  (int)(g->count % 1000) < g->o.forged_per_mille;

    gen_next_as(g, forged ? GEN_HIGH_S : GEN_HONEST, out);
}

void gen_next_as(struct gen *g, enum gen_kind kind, struct gen_transaction *out)
{
    uint64_t i = g->count;
    struct account *a = &g->accounts[i % (uint64_t)g->o.senders];
    struct account *to = &g->accounts[(i * 7 + 1) % (uint64_t)g->o.senders];
    int type = g->o.type == GEN_TYPE_MIX ? (int)(i % 3) : g->o.type;
    uint8_t hash[32], signature[64], parity;

    append_fields(g, type, a, to);
    signing_hash(g, type, hash);
    CHECK(signer_sign(g->signer, a->key, hash, signature, &parity) == 0);
    out->forged = kind != GEN_HONEST;
    if (kind == GEN_HIGH_S)
        make_high(signature + 32);
    if (kind == GEN_UNRECOVERABLE)
        make_unrecoverable(hash, signature, parity);
    rlp_append_uint(&g->fields,
                    type == 0 ? g->o.chain_id * 2 + 35 + parity : parity);
    rlp_append_integer(&g->fields, bytes_of(signature, 32));
    rlp_append_integer(&g->fields, bytes_of(signature + 32, 32));
    begin(&g->raw, type);
    rlp_append_list(&g->raw, buffer_bytes(&g->fields));
    CHECK(!g->raw.overflow && !g->fields.overflow);
    out->raw = buffer_bytes(&g->raw);
    hash_keccak256(out->raw, out->hash);
    memcpy(out->sender, a->address, 20);
    a->nonce++;
    g->count++;
}

/* ---- the command ---- */

static long long count = 10, chain_id = 1, senders = 100, forged;
static const char *seed = "tidemill", *type_name = "mix";
static bool json;

static const struct command_option options[] = {
    COMMAND_COUNT("count", &count, 1, 1000000000, "how many (10)"),
    COMMAND_COUNT("chain-id", &chain_id, 1, 4611686018427387000,
                  "EIP-155 chain id (1)"),
    COMMAND_TEXT("type", &type_name, "TYPE", "0, 1, 2 or mix (mix)"),
    COMMAND_TEXT("seed", &seed, "TEXT", "the same seed, the same bytes"),
    COMMAND_COUNT("senders", &senders, 1, 1000000, "accounts (100)"),
    COMMAND_COUNT("forged", &forged, 0, 1000,
                  "of a thousand, so many with a high s (0)"),
    COMMAND_FLAG("json", &json, "raw, hash, sender as one object a line"),
};

static void print(const struct gen_transaction *t)
{
    char raw[2 * RAW_MAX + 1], hash[65], sender[41];

    hex_encode(t->raw, raw);
    if (!json) {
        printf("0x%s\n", raw);
        return;
    }
    hex_encode(bytes_of(t->hash, 32), hash);
    hex_encode(bytes_of(t->sender, 20), sender);
    printf(
        "{\"raw\":\"0x%s\",\"hash\":\"0x%s\",\"sender\":\"0x%s\","
        "\"forged\":%s}\n",
        raw, hash, sender, t->forged ? "true" : "false");
}

static int run(int argc, char **argv)
{
    struct gen_options o = {.chain_id = (uint64_t)chain_id,
                            .seed = seed,
                            .senders = (int)senders,
                            .forged_per_mille = (int)forged};
    struct gen_transaction t;
    struct gen *g;
    long long i;

    (void)argv;
    o.type = strcmp(type_name, "mix") == 0 ? GEN_TYPE_MIX : type_name[0] - '0';
    if (argc > 1 || o.type < GEN_TYPE_MIX || o.type > 2 ||
        (o.type != GEN_TYPE_MIX && type_name[1] != '\0'))
        return command_fail(COMMAND_USAGE, "see `tidemill gen --help`");
    if (gen_open(&o, &g) < 0)
        return command_fail(COMMAND_SOFTWARE, "no signer");
    for (i = 0; i < count && !ferror(stdout); i++) {
        gen_next(g, &t);
        print(&t);
    }
    gen_close(g);
    return COMMAND_OK;
}

const struct command command_gen = {
    .name = "gen",
    .usage = "[--count=N] [--chain-id=N] [--type=mix] [--seed=TEXT]",
    .help = "prints freshly signed transactions, one a line",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
