/*
 * tests/unit/judge/golden_test.c: the transcripts of tests/golden, a folder a
 * kind of chain, fed whole, and cut at every byte.
 */
#include <stdlib.h>

#include "schemas/amount.h"
#include "tests/unit/judge/vectors.h"

#define FED_MAX 200000

static struct judge *judge;
static size_t cases;

struct transcript {
    struct chain chain;
    int rules;
    uint8_t fed[FED_MAX];
    size_t count;
    bool judged; /* `v` is of these bytes */
    struct verdict v;
};

static struct bytes fed(const struct transcript *t)
{
    return bytes_of(t->fed, t->count);
}

/* Digits with spaces between them. */
static void feed(struct transcript *t, char *text)
{
    char *digits;

    while ((digits = strsep(&text, " ")) != NULL) {
        size_t count;

        EXPECT_INT(hex_decode(bytes_text(digits), t->fed + t->count,
                              sizeof(t->fed) - t->count, &count),
                   0);
        t->count += count;
    }
    t->judged = false;
}

/* What is text already. */
static void feed_ascii(struct transcript *t, const char *text)
{
    size_t count = strlen(text);

    EXPECT(count <= sizeof(t->fed) - t->count);
    memcpy(t->fed + t->count, text, count);
    t->count += count;
    t->judged = false;
}

/* "300 00 01": the digits, that often. */
static void feed_times(struct transcript *t, char *text)
{
    int times = atoi(strsep(&text, " "));
    char *copy;

    EXPECT(times > 0 && text != NULL);
    while (times-- > 0) {
        copy = strdup(text);
        CHECK(copy != NULL);
        feed(t, copy);
        free(copy);
    }
}

static void judge_once(struct transcript *t)
{
    if (!t->judged)
        judge_payload(judge, &t->chain, t->rules, fed(t), &t->v);
    t->judged = true;
}

static const char *text_or_none(struct bytes b)
{
    return b.data == NULL ? "-" : vectors_text(b);
}

static const char *member(const struct transcript *t, const char *name)
{
    static char text[AMOUNT_TEXT_MAX + 1];
    const struct transaction *tx = &t->v.tx;

    if (strcmp(name, "hash") == 0)
        return vectors_text(bytes_of(tx->id, 32));
    if (strcmp(name, "sender") == 0)
        return vectors_text(transaction_sender(tx));
    if (strcmp(name, "recipient") == 0)
        return text_or_none(transaction_recipient(tx));
    if (strcmp(name, "signature") == 0)
        return text_or_none(transaction_signature(tx));
    if (strcmp(name, "nonce") == 0 && !tx->has_nonce)
        return "-";
    if (strcmp(name, "chain") == 0)
        return tx->has_chain_id ? tx->chain_in_bytes.name : "-";
    if (strcmp(name, "amount") == 0)
        amount_format(tx->amount, text);
    else if (strcmp(name, "type") == 0)
        snprintf(text, sizeof(text), "%d", tx->type);
    else if (strcmp(name, "nonce") == 0 && !tx->has_nonce)
        return "-";
    else if (strcmp(name, "nonce") == 0)
        snprintf(text, sizeof(text), "%llu", (unsigned long long)tx->nonce);
    else
        EXPECT(false);
    return text;
}

static void want(struct transcript *t, char *text)
{
    char *name = strsep(&text, " ");

    judge_once(t);
    EXPECT_TEXT(reason_name(t->v.reason), "none");
    EXPECT_TEXT(member(t, name), text);
}

static void fail(struct transcript *t, char *text)
{
    char *name = strsep(&text, " ");
    struct transaction_words words;
    struct transaction tx;
    enum reason reason;

    judge_once(t);
    EXPECT_TEXT(reason_name(t->v.reason), name);
    reason = transaction_decode(&t->chain, t->rules, fed(t), &tx, &words);
    /* What only the curve knows has no words. */
    if (reason == REASON_NONE)
        EXPECT(t->v.reason == REASON_RECOVERY_FAILED ||
               t->v.reason == REASON_BAD_SIGNATURE ||
               t->v.reason == REASON_BAD_KEY);
    else
        EXPECT_INT(reason, t->v.reason);
    EXPECT_TEXT(words.text, text == NULL ? "" : text);
}

/* No beginning of a good one decodes to anything. */
static void cut_everywhere(const struct transcript *t)
{
    for (size_t count = 0; count < t->count; count += count < 1000 ? 1 : 997) {
        struct verdict v;

        judge_payload(judge, &t->chain, t->rules, bytes_slice(fed(t), 0, count),
                      &v);
        EXPECT(!v.verified);
    }
}

static void print_tree(struct rlp_item item, struct buffer *out)
{
    struct bytes rest = item.payload;
    bool first = true;

    if (!item.list) {
        buffer_append_byte(out, '"');
        hex_append(out, item.payload);
        buffer_append_byte(out, '"');
        return;
    }
    buffer_append_byte(out, '[');
    for (; rest.count > 0; first = false) {
        EXPECT_INT(rlp_read(&rest, &item), RLP_GOOD);
        if (!first)
            buffer_append_byte(out, ',');
        print_tree(item, out);
    }
    buffer_append_byte(out, ']');
}

static void tree(const struct transcript *t, const char *text)
{
    struct bytes rest = fed(t);
    struct rlp_item item;
    struct buffer out;

    EXPECT_INT(rlp_check(fed(t), 16), 0);
    EXPECT_INT(rlp_read(&rest, &item), RLP_GOOD);
    EXPECT_INT(rest.count, 0);
    buffer_init(&out, 1 << 20);
    print_tree(item, &out);
    EXPECT_TEXT(buffer_text(&out), text);
    buffer_fini(&out);
    for (size_t count = 0; count < t->count; count++)
        EXPECT(rlp_check(bytes_slice(fed(t), 0, count), 16) < 0);
}

static void run_line(struct transcript *t, char *line)
{
    char *word = strsep(&line, " ");
    char *text = line == NULL ? (char[]){""} : line + strspn(line, " ");

    if (strcmp(word, "chain") == 0)
        t->chain = vectors_chain(text);
    else if (strcmp(word, "rules") == 0)
        t->rules = atoi(text);
    else if (strcmp(word, "feed") == 0)
        feed(t, text);
    else if (strcmp(word, "ascii") == 0)
        feed_ascii(t, text);
    else if (strcmp(word, "times") == 0)
        feed_times(t, text);
    else if (strcmp(word, "want") == 0)
        want(t, text);
    else if (strcmp(word, "fail") == 0)
        fail(t, text);
    else if (strcmp(word, "tree") == 0)
        tree(t, text);
    else if (strcmp(word, "fault") == 0)
        EXPECT(rlp_check(fed(t), 16) < 0);
    else {
        EXPECT_TEXT(word, "end");
        if (t->judged && t->v.verified)
            cut_everywhere(t);
        t->count = 0;
        t->judged = false;
        cases++;
    }
}

static size_t run_file(const char *path)
{
    static struct transcript t;
    char *text = harness_read_file(path, NULL), *rest = text, *line;

    EXPECT(text != NULL);
    EXPECT_INT(judge_open(&judge), 0);
    cases = 0;
    t.count = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0' && *line != '#')
            run_line(&t, line);
    }
    EXPECT_INT(t.count, 0);
    judge_close(judge);
    free(text);
    printf("%s: %zu cases\n", path, cases);
    return cases;
}

TEST(verified_transactions_are_what_their_transcript_says)
{
    EXPECT(run_file("tests/golden/ethereum/verified.txt") >= 13);
}

TEST(refused_transactions_are_refused_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/ethereum/refused.txt") >= 40);
}

TEST(solana_transactions_are_verified_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/solana/verified.txt") >= 13);
}

TEST(solana_transactions_are_refused_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/solana/refused.txt") >= 45);
}

TEST(bitcoin_transactions_are_verified_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/bitcoin/verified.txt") >= 20);
}

TEST(bitcoin_transactions_are_refused_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/bitcoin/refused.txt") >= 37);
}

TEST(rlp_is_the_tree_its_transcript_says)
{
    EXPECT(run_file("tests/golden/ethereum/rlp.txt") >= 20);
}

TEST(verified_jws_are_what_their_transcript_says)
{
    EXPECT(run_file("tests/golden/jws/verified.txt") >= 10);
}

TEST(refused_jws_are_refused_as_their_transcript_says)
{
    EXPECT(run_file("tests/golden/jws/refused.txt") >= 60);
}
