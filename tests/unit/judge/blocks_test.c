/*
 * tests/unit/judge/blocks_test.c: transactions of real blocks, from three
 * sources in three shapes: RLP bodies, an RLP chain, JSON of a node.
 */
#include "schemas/amount.h"
#include "schemas/ethereum.h"
#include "tests/unit/judge/vectors.h"

#define COLUMNS 13
enum column {
    COLUMN_BLOCK = 1,
    COLUMN_INDEX = 3,
    COLUMN_TYPE,
    COLUMN_HASH,
    COLUMN_SENDER,
    COLUMN_RECIPIENT,
    COLUMN_VALUE,
    COLUMN_NONCE,
    COLUMN_CHAIN = 11,
    COLUMN_BYTES
};

static struct judge *judge;
static size_t by_type[5];

/* Splits a line in place; false at the end. */
static bool next_row(char **rest, char *columns[COLUMNS])
{
    char *line = strsep(rest, "\n");

    if (line == NULL || *line == '\0')
        return false;
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = strsep(&line, ",");
        EXPECT(columns[i] != NULL);
    }
    return true;
}

/* What is expected of one transaction, as text; "" where there is none. */
static void check_row(struct bytes raw, char *columns[COLUMNS])
{
    struct chain chain = vectors_chain_of(raw);
    char amount[AMOUNT_TEXT_MAX + 1];
    int type = atoi(columns[COLUMN_TYPE]);
    struct verdict v;

    EXPECT_INT(raw.count, atoi(columns[COLUMN_BYTES]));
    judge_payload(judge, &chain, 1, raw, &v);
    EXPECT_INT(v.reason, type > 2 ? REASON_UNSUPPORTED_TYPE : REASON_NONE);
    judge_payload(judge, &chain, 3, raw, &v);
    by_type[type]++;
    EXPECT_TEXT(reason_name(v.reason), "none");
    EXPECT_INT(v.tx.type, type);
    vectors_expect_canonical(raw);
    EXPECT_TEXT(vectors_text(bytes_of(v.tx.id, 32)), columns[COLUMN_HASH]);
    EXPECT_TEXT(vectors_text(bytes_of(v.tx.sender, v.tx.sender_count)),
                columns[COLUMN_SENDER]);
    EXPECT_TEXT(vectors_text(v.tx.recipient), columns[COLUMN_RECIPIENT]);
    amount_format(v.tx.amount, amount);
    EXPECT_TEXT(amount, columns[COLUMN_VALUE]);
    EXPECT(v.tx.nonce == strtoull(columns[COLUMN_NONCE], NULL, 10));
    EXPECT_INT(v.tx.has_chain_id, *columns[COLUMN_CHAIN] != '\0');
    if (v.tx.has_chain_id)
        EXPECT_TEXT(v.tx.chain_in_bytes.name + 7, columns[COLUMN_CHAIN]);
}

/* Every transaction of a list, against the next rows. */
static void check_transactions(struct bytes items, char **rows)
{
    char *columns[COLUMNS];
    struct rlp_item item;

    while (items.count > 0) {
        EXPECT_INT(rlp_read(&items, &item), RLP_GOOD);
        EXPECT(next_row(rows, columns));
        check_row(vectors_transaction(item), columns);
    }
}

static void print_counts(const char *source)
{
    printf("%s: %zu + %zu + %zu + %zu + %zu of types 0 to 4 verified\n", source,
           by_type[0], by_type[1], by_type[2], by_type[3], by_type[4]);
}

static char *read_rows(const char *name, char **out_rest)
{
    char *rows = harness_read_file(vectors_path(name), NULL);

    EXPECT(rows != NULL);
    *out_rest = rows;
    strsep(out_rest, "\n"); /* the heading */
    memset(by_type, 0, sizeof(by_type));
    return rows;
}

TEST(every_transaction_of_the_portal_blocks_has_its_row)
{
    static const char *const blocks[] = {"14764013", "15537393", "17034869",
                                         "19426587", "22869878"};
    char *rows, *rest;

    if (vectors_path("ethereum/portal-spec-tests") == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    rows = read_rows("derived/ethereum-portal-blocks.csv", &rest);
    for (size_t i = 0; i < 5; i++) {
        char name[128], *text, *body;
        struct bytes raw;
        struct rlp_item outer;

        snprintf(name, sizeof(name),
                 "ethereum/portal-spec-tests/block-data-%s.yaml", blocks[i]);
        text = harness_read_file(vectors_path(name), NULL);
        EXPECT(text != NULL);
        body = strstr(text, "\nbody: ");
        EXPECT(body != NULL);
        body += strlen("\nbody: ");
        body[strcspn(body, "\n")] = '\0';
        raw = vectors_hex(body);
        outer = vectors_item(raw, 0);
        check_transactions(vectors_item(outer.payload, 0).payload, &rest);
        free((void *)raw.data);
        free(text);
    }
    free(rows);
    judge_close(judge);
    print_counts("portal blocks");
    EXPECT_INT(by_type[0] + by_type[1] + by_type[2], 447);
    EXPECT_INT(by_type[3] + by_type[4], 4); /* verified as well */
}

TEST(every_transaction_of_the_execution_apis_chain_has_its_row)
{
    char *rows, *rest, *text;
    struct rlp_item block;
    struct bytes blocks;
    size_t count;

    if (vectors_path("ethereum/execution-apis/chain.rlp") == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    text = harness_read_file(vectors_path("ethereum/execution-apis/chain.rlp"),
                             &count);
    EXPECT(text != NULL);
    rows = read_rows("derived/ethereum-execution-apis-chain.csv", &rest);
    for (blocks = bytes_of(text, count); blocks.count > 0;) {
        EXPECT_INT(rlp_read(&blocks, &block), RLP_GOOD);
        check_transactions(vectors_item(block.payload, 1).payload, &rest);
    }
    free(rows);
    free(text);
    judge_close(judge);
    print_counts("execution-apis chain");
    EXPECT_INT(by_type[0] + by_type[1] + by_type[2], 242);
    EXPECT_INT(by_type[3] + by_type[4], 7);
}

/* What a client sends: with its blob, which the answer's hash does not cover.
 */
TEST(a_blob_transaction_that_a_client_sent_has_the_hash_of_the_answer)
{
    const char *path = vectors_path(
        "ethereum/execution-apis/eth_sendRawTransaction/send-blob-tx.io");
    char *text, *hex, *answer;
    struct buffer room;
    struct chain chain;
    struct bytes raw;
    struct verdict v, again;

    if (path == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    text = harness_read_file(path, NULL);
    EXPECT(text != NULL);
    hex = strstr(text, "\"params\":[\"");
    EXPECT(hex != NULL);
    hex += strlen("\"params\":[\"");
    answer = strstr(hex, "\"result\":\"");
    EXPECT(answer != NULL);
    answer += strlen("\"result\":\"");
    answer[66] = '\0';
    hex[strcspn(hex, "\"")] = '\0';
    raw = vectors_hex(hex);
    EXPECT_INT(raw.count, 137725);
    chain = vectors_chain_of(raw);
    vectors_expect_canonical(raw);
    buffer_init(&room, TRANSACTION_BYTES_MAX);
    for (int rules = 3; rules <= 4; rules++) {
        judge_payload(judge, &chain, rules, raw, &v);
        EXPECT(v.verified && v.tx.stripped && !v.tx.id_covers_all);
        EXPECT_TEXT(vectors_text(bytes_of(v.tx.id, 32)), answer);
        judge_payload(judge, &chain, rules, transaction_canonical(&v.tx, &room),
                      &again);
        EXPECT(again.verified && again.tx.id_covers_all);
        EXPECT_TEXT(vectors_text(bytes_of(again.tx.id, 32)), answer);
        EXPECT_BYTES(bytes_of(again.tx.sender, 20), bytes_of(v.tx.sender, 20));
    }
    printf("execution-apis send-blob-tx: %zu bytes, stored as %zu\n", raw.count,
           room.count);
    buffer_fini(&room);
    free((void *)raw.data);
    free(text);
    judge_close(judge);
}

/* A number of a node's JSON, or data: hex with or without an odd digit. */
static struct bytes json_hex(json_t *tx, const char *name)
{
    const char *text = json_string_value(json_object_get(tx, name));
    char even[80];

    if (text == NULL)
        return bytes_of(calloc(1, 1), 0);
    if (strlen(text) % 2 == 0)
        return vectors_hex(text);
    snprintf(even, sizeof(even), "0x0%s", text + 2);
    return vectors_hex(even);
}

static uint64_t json_number(json_t *tx, const char *name)
{
    const char *text = json_string_value(json_object_get(tx, name));

    return text == NULL ? 0 : strtoull(text, NULL, 16);
}

/* The items of an access list, written from JSON. */
static void append_access_list(json_t *list, struct buffer *out)
{
    json_t *entry, *key;
    size_t i, k;

    json_array_foreach(list, i, entry)
    {
        struct buffer keys, tuple;
        struct bytes address = json_hex(entry, "address");

        buffer_init(&keys, 1 << 20);
        buffer_init(&tuple, 1 << 20);
        json_array_foreach(json_object_get(entry, "storageKeys"), k, key)
        {
            struct bytes raw = vectors_hex(json_string_value(key));

            rlp_append_string(&keys, raw);
            free((void *)raw.data);
        }
        rlp_append_string(&tuple, address);
        rlp_append_list(&tuple, buffer_bytes(&keys));
        rlp_append_list(out, buffer_bytes(&tuple));
        buffer_fini(&keys);
        buffer_fini(&tuple);
        free((void *)address.data);
    }
}

static void append_hashes(json_t *list, struct buffer *out)
{
    json_t *hash;
    size_t i;

    json_array_foreach(list, i, hash)
    {
        struct bytes raw = vectors_hex(json_string_value(hash));

        rlp_append_string(out, raw);
        free((void *)raw.data);
    }
}

/* Builds the bytes of a transaction from a node's JSON. */
static void rebuild(json_t *tx, struct buffer *out)
{
    struct buffer access, hashes;
    struct ethereum_fields f = {0};

    f.type = (uint8_t)json_number(tx, "type");
    f.nonce = json_number(tx, "nonce");
    f.gas = json_number(tx, "gas");
    f.chain_id = json_hex(tx, "chainId");
    f.price = json_hex(tx, f.type >= 2 ? "maxFeePerGas" : "gasPrice");
    f.tip = json_hex(tx, "maxPriorityFeePerGas");
    f.to = json_hex(tx, "to");
    f.value = json_hex(tx, "value");
    f.data = json_hex(tx, "input");
    f.v = json_hex(tx, "v");
    f.r = json_hex(tx, "r");
    f.s = json_hex(tx, "s");
    f.blob_price = json_hex(tx, "maxFeePerBlobGas");
    buffer_init(&access, 1 << 20);
    append_access_list(json_object_get(tx, "accessList"), &access);
    f.access_list = buffer_bytes(&access);
    buffer_init(&hashes, 1 << 20);
    append_hashes(json_object_get(tx, "blobVersionedHashes"), &hashes);
    f.blob_hashes = buffer_bytes(&hashes);
    ethereum_encode(&f, out);
    EXPECT(!out->overflow);
    buffer_fini(&access);
    buffer_fini(&hashes);
    free((void *)f.blob_price.data);
    free((void *)f.chain_id.data);
    free((void *)f.price.data);
    free((void *)f.tip.data);
    free((void *)f.to.data);
    free((void *)f.value.data);
    free((void *)f.data.data);
    free((void *)f.v.data);
    free((void *)f.r.data);
    free((void *)f.s.data);
}

static size_t verified, high_s, unsupported, frontier;

static void expect_json(json_t *tx, const struct verdict *v)
{
    EXPECT_TEXT(reason_name(v->reason), "none");
    EXPECT_TEXT(vectors_text(bytes_of(v->tx.id, 32)),
                json_string_value(json_object_get(tx, "hash")));
    EXPECT_TEXT(vectors_text(bytes_of(v->tx.sender, v->tx.sender_count)),
                json_string_value(json_object_get(tx, "from")));
}

static void check_json(json_t *tx)
{
    int type = (int)json_number(tx, "type");
    struct buffer raw;
    struct chain chain;
    struct verdict v;

    if (type > 4) {
        /* The bytes are not ours to build; the type byte decides. */
        uint8_t start[2] = {(uint8_t)type, 0xc0};

        chain = vectors_chain("eip155:1");
        judge_payload(judge, &chain, 3, bytes_of(start, 2), &v);
        EXPECT_INT(v.reason, REASON_UNSUPPORTED_TYPE);
        unsupported++;
        return;
    }
    buffer_init(&raw, 1 << 20);
    rebuild(tx, &raw);
    chain = vectors_chain_of(buffer_bytes(&raw));
    judge_payload(judge, &chain, 3, buffer_bytes(&raw), &v);
    if (v.reason == REASON_HIGH_S) {
        judge_payload(judge, &chain, 1, buffer_bytes(&raw), &v);
        EXPECT_INT(v.reason, REASON_HIGH_S);
        judge_payload(judge, &chain, 5, buffer_bytes(&raw), &v);
        high_s++;
    } else {
        verified++;
    }
    expect_json(tx, &v);
    buffer_fini(&raw);
}

/* Below block 1,150,000 whatever set 3 verifies, set 5 verifies too. */
static void check_frontier(json_t *block, json_t *tx)
{
    struct chain chain = vectors_chain("eip155:1");
    struct buffer raw;
    struct verdict v;

    if (json_number(block, "number") >= 1150000)
        return;
    buffer_init(&raw, 1 << 20);
    rebuild(tx, &raw);
    judge_payload(judge, &chain, 5, buffer_bytes(&raw), &v);
    expect_json(tx, &v);
    frontier++;
    buffer_fini(&raw);
}

TEST(transactions_rebuilt_from_a_nodes_json_have_their_hash_and_sender)
{
    static const char *const patterns[] = {
        "ethereum/pevm/ethereum/blocks/*/block.json",
        "ethereum/pevm/ethereum/*/block.json",
        "ethereum/pevm/rise/blocks/*/block.json",
        "ethereum/pevm/rise/*/block.json",
    };

    if (vectors_path("ethereum/pevm") == NULL)
        return;
    verified = high_s = unsupported = frontier = 0;
    EXPECT_INT(judge_open(&judge), 0);
    for (size_t p = 0; p < 4; p++) {
        glob_t files;

        if (glob(vectors_path(patterns[p]), 0, NULL, &files) != 0)
            continue;
        for (size_t i = 0; i < files.gl_pathc; i++) {
            json_t *doc = vectors_json(files.gl_pathv[i]), *tx;
            size_t k;

            json_array_foreach(json_object_get(doc, "transactions"), k, tx)
            {
                check_json(tx);
                check_frontier(doc, tx);
            }
            json_decref(doc);
        }
        globfree(&files);
    }
    judge_close(judge);
    printf(
        "pevm blocks: %zu verified by set 3, %zu with a high s of before "
        "Homestead by set 5 alone, %zu of type 7e refused as unsupported; %zu "
        "of before Homestead by set 5\n",
        verified, high_s, unsupported, frontier);
    EXPECT_INT(unsupported, 1);
    EXPECT(high_s > 0 && frontier > high_s);
    EXPECT_INT(verified + high_s + unsupported, 3838);
}
