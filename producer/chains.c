/*
 * producer/chains.c: reads and answers TIDEMILL_CHAINS.
 *
 * From: producer/main.c, at start.
 * To:   producer/submit.c and producer/rpc.c, for each transaction.
 */
#include "producer/chains.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

static int wrong(struct buffer *why, struct bytes entry, const char *words)
{
    buffer_append_text(why, "TIDEMILL_CHAINS: \"");
    buffer_append_bytes(why, entry);
    buffer_append_format(why, "\": %s", words);
    return FAIL_SETTING;
}

/* The star's namespace, by way of any chain of it. */
static int parse_star(struct bytes name, struct chain *out)
{
    char any[CHAIN_NAME_MAX + 1];

    if (name.count < 3 || name.count >= sizeof(any))
        return FAIL_MALFORMED;
    memcpy(any, name.data, name.count);
    any[name.count - 1] = '1';
    any[name.count] = '\0';
    return chain_parse(bytes_text(any), out);
}

static int parse_entry(struct bytes entry, struct chains_entry *out,
                       struct buffer *why)
{
    const uint8_t *equals = memchr(entry.data, '=', entry.count);
    struct bytes name, number;
    int rc, newest;

    if (equals == NULL)
        return wrong(why, entry, "has the form <chain>=<rule set>");
    name = bytes_of(entry.data, (size_t)(equals - entry.data));
    number = bytes_slice(entry, name.count + 1, entry.count);
    out->star = name.count > 2 && name.data[name.count - 1] == '*' &&
                name.data[name.count - 2] == ':';
    rc = out->star ? parse_star(name, &out->chain)
                   : chain_parse(name, &out->chain);
    if (rc < 0)
        return wrong(why, entry, "is not a CAIP-2 chain name");
    newest = chain_rules_newest(out->chain.ns);
    out->rules = 0;
    for (size_t i = 0; i < number.count && out->rules <= newest; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return wrong(why, entry, "the rule set is not a number");
        out->rules = out->rules * 10 + (number.data[i] - '0');
    }
    if (out->rules < 1 || out->rules > newest)
        return wrong(why, entry, "this release has no such rule set");
    return 0;
}

int chains_parse(const char *text, struct chains *out, struct buffer *out_why)
{
    struct chains c = {.count = 0};
    const char *end;
    int rc;

    for (;; text = end + 1) {
        end = strchrnul(text, ',');
        if (c.count == CHAINS_MAX)
            return wrong(out_why, bytes_text(text), "is one chain too many");
        rc = parse_entry(bytes_of(text, (size_t)(end - text)),
                         &c.entries[c.count], out_why);
        if (rc < 0)
            return rc;
        c.count++;
        if (*end == '\0')
            break;
    }
    *out = c;
    return 0;
}

int chains_rules(const struct chains *c, const struct chain *chain)
{
    int star = 0;
    size_t i;

    for (i = 0; i < c->count; i++) {
        if (!c->entries[i].star && chain_equal(&c->entries[i].chain, chain))
            return c->entries[i].rules;
        if (c->entries[i].star && c->entries[i].chain.ns == chain->ns)
            star = c->entries[i].rules;
    }
    return star;
}

bool chains_serve(const struct chains *c, enum chain_namespace ns)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].chain.ns == ns)
            return true;
    }
    return false;
}

const struct chain *chains_sole(const struct chains *c, enum chain_namespace ns)
{
    const struct chains_entry *sole = NULL;

    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].chain.ns != ns)
            continue;
        if (sole != NULL)
            return NULL;
        sole = &c->entries[i];
    }
    return sole == NULL || sole->star ? NULL : &sole->chain;
}

const struct chain *chains_only(const struct chains *c)
{
    return c->count == 1 ? chains_default(c) : NULL;
}

const struct chain *chains_default(const struct chains *c)
{
    return c->entries[0].star ? NULL : &c->entries[0].chain;
}
