/*
 * deploy/ctl/tx_verify.c: `tidemill tx verify`: the verdict, without a server.
 *
 * The same judge as the verifier's: chain, rule set and bytes decide, nothing
 * else, so what is said here is what a record of these bytes would get.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/judge.c.
 */
#include <stdio.h>

#include "deploy/ctl/payload.h"
#include "deploy/ctl/tx.h"
#include "schemas/amount.h"
#include "schemas/hex.h"
#include "schemas/json_writer.h"
#include "verifier/judge.h"

#define LINE_BYTES_MAX 4096

static const char *chain_name = "eip155:1";
static long long rules; /* 0: not said */
static bool json;

static const struct command_option options[] = {
    COMMAND_TEXT("chain", &chain_name, "CHAIN", "judged for it (eip155:1)"),
    COMMAND_COUNT("rules", &rules, 1, 65535,
                  "rule set of that chain (the one for doors: eip155 4, "
                  "bip122 2, others 1)"),
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

struct verify {
    struct judge *judge;
    struct chain chain;
    bool rejected; /* at least one */
};

/* Who gets how much, of a verified one. */
static void write_payment(struct json_writer *w, const struct verdict *verdict)
{
    const struct transaction *t = &verdict->tx;
    char amount[AMOUNT_TEXT_MAX + 1], nonce[24];

    amount_format(t->amount, amount);
    snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)t->nonce);
    json_writer_name(w, "recipient");
    json_writer_hex(w,
                    verdict->verified ? transaction_recipient(t) : BYTES_NONE);
    json_writer_name(w, "amount");
    json_writer_text(w, verdict->verified ? amount : NULL);
    json_writer_name(w, "nonce");
    json_writer_text(w, verdict->verified && t->has_nonce ? nonce : NULL);
}

static void print_json(const struct verify *v, const struct verdict *verdict,
                       const char *name)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, LINE_BYTES_MAX);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    json_writer_name(&w, "from");
    json_writer_text(&w, name);
    json_writer_name(&w, "verdict");
    json_writer_text(&w, verdict->verified ? "verified" : "rejected");
    json_writer_name(&w, "chain");
    json_writer_text(&w, v->chain.name);
    json_writer_name(&w, "rules");
    json_writer_int(&w, rules);
    json_writer_name(&w, "hash");
    json_writer_hex(&w, verdict->tx.has_id ? bytes_of(verdict->tx.id, 32)
                                           : BYTES_NONE);
    json_writer_name(&w, "sender");
    json_writer_hex(&w, verdict->verified ? transaction_sender(&verdict->tx)
                                          : BYTES_NONE);
    write_payment(&w, verdict);
    json_writer_name(&w, "reason");
    json_writer_text(&w,
                     verdict->verified ? NULL : reason_name(verdict->reason));
    json_writer_name(&w, "why");
    json_writer_text(&w,
                     verdict->verified ? NULL : reason_words(verdict->reason));
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

static void print(const struct verdict *verdict, const char *name)
{
    char hash[65], sender[2 * TRANSACTION_PARTY_MAX + 1];

    hex_encode(bytes_of(verdict->tx.id, 32), hash);
    hex_encode(transaction_sender(&verdict->tx), sender);
    if (verdict->verified)
        printf("verified  0x%s  from 0x%s\n", hash, sender);
    else
        printf("rejected  %s%s  %s: %s\n", verdict->tx.has_id ? "0x" : "",
               verdict->tx.has_id ? hash : name, reason_name(verdict->reason),
               reason_words(verdict->reason));
}

static int verify_one(void *arg, struct bytes raw, const char *name)
{
    struct verify *v = arg;
    struct verdict verdict;

    judge_payload(v->judge, &v->chain, (int)rules, raw, &verdict);
    v->rejected |= !verdict.verified;
    if (json)
        print_json(v, &verdict, name);
    else
        print(&verdict, name);
    return 0;
}

static int run(int argc, char **argv)
{
    struct verify v = {.rejected = false};
    int rc = 0, newest;

    if (argc < 2)
        return command_fail(COMMAND_USAGE, "name a file, - or 0x…");
    if (chain_parse(bytes_text(chain_name), &v.chain) < 0)
        return command_fail(COMMAND_USAGE, "%s is no chain", chain_name);
    newest = chain_rules_newest(v.chain.ns);
    if (rules == 0)
        rules = chain_rules_door(v.chain.ns);
    if (rules > newest)
        return command_fail(COMMAND_USAGE,
                            "the newest rule set of %s is %d in this release",
                            chain_name, newest);
    if (judge_open(&v.judge) < 0)
        return command_fail(COMMAND_SOFTWARE, "no judge");
    for (int i = 1; i < argc && rc == 0; i++)
        rc = payload_each(argv[i], verify_one, &v);
    judge_close(v.judge);
    return rc != 0 ? rc : v.rejected ? COMMAND_DIFFERS : COMMAND_OK;
}

const struct command command_tx_verify = {
    .name = "tx verify",
    .usage = "[--chain=CHAIN] [--rules=N] [--json] FILE|-|0xHEX…",
    .help =
        "judges transactions as a verifier would; asks no server\n"
        "Ends with 1 when one is rejected.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
