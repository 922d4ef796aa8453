/*
 * tests/unit/judge/examples_test.c: the examples of all chains are what their
 * index says.
 */
#include "schemas/amount.h"
#include "tests/unit/judge/vectors.h"

#define EXAMPLES "schemas/examples/"
#define COLUMNS 11

enum column {
    COLUMN_FILE,
    COLUMN_CHAIN,
    COLUMN_RULES,
    COLUMN_TYPE,
    COLUMN_HASH,
    COLUMN_SENDER,
    COLUMN_RECIPIENT,
    COLUMN_AMOUNT,
    COLUMN_NONCE
};

static struct judge *judge;

static const char *text_or_none(struct bytes b)
{
    return b.data == NULL ? "-" : vectors_text(b);
}

static void expect_row(char *columns[COLUMNS])
{
    struct chain chain = vectors_chain(columns[COLUMN_CHAIN]);
    char path[256], amount[AMOUNT_TEXT_MAX + 1], nonce[24] = "-", *text;
    struct verdict v;
    struct bytes raw;

    snprintf(path, sizeof(path), EXAMPLES "%s", columns[COLUMN_FILE]);
    text = harness_read_file(path, NULL);
    EXPECT(text != NULL);
    text[strcspn(text, "\n")] = '\0';
    raw = vectors_hex(text);
    judge_payload(judge, &chain, atoi(columns[COLUMN_RULES]), raw, &v);
    EXPECT_TEXT(reason_name(v.reason), "none");
    EXPECT_INT(v.tx.type, atoi(columns[COLUMN_TYPE]));
    EXPECT_TEXT(vectors_text(bytes_of(v.tx.id, 32)), columns[COLUMN_HASH]);
    EXPECT_TEXT(text_or_none(transaction_sender(&v.tx)),
                columns[COLUMN_SENDER]);
    EXPECT_TEXT(text_or_none(transaction_recipient(&v.tx)),
                columns[COLUMN_RECIPIENT]);
    amount_format(v.tx.amount, amount);
    EXPECT_TEXT(amount, columns[COLUMN_AMOUNT]);
    if (v.tx.has_nonce)
        snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)v.tx.nonce);
    EXPECT_TEXT(nonce, columns[COLUMN_NONCE]);
    free((void *)raw.data);
    free(text);
}

TEST(every_example_of_every_chain_is_what_its_index_says)
{
    char *index = harness_read_file(EXAMPLES "examples.tsv", NULL);
    char *rest = index, *line;
    size_t rows = 0;

    EXPECT(index != NULL);
    EXPECT_INT(judge_open(&judge), 0);
    strsep(&rest, "\n"); /* the heading */
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        char *columns[COLUMNS];

        for (size_t i = 0; i < COLUMNS; i++) {
            columns[i] = strsep(&line, "\t");
            EXPECT(columns[i] != NULL);
        }
        expect_row(columns);
        rows++;
    }
    printf("examples: %zu\n", rows);
    EXPECT(rows >= 13);
    judge_close(judge);
    free(index);
}
