/*
 * tests/unit/producer/rpc_solana_params_test.c: what sendTransaction may be
 * asked, and what is said of anything else.
 */
#include "producer/rpc_solana_params.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/harness.h"

static char words[512];

/* "encoding text", or the words of the refusal. */
static const char *read(const char *json)
{
    static uint8_t room[RPC_SEND_TEXT_MAX];
    static char said[RPC_SEND_TEXT_MAX + 16];
    struct json_value params;
    struct rpc_send send;

    EXPECT_INT(json_parse(bytes_text(json), 8, &params, NULL), 0);
    if (!rpc_send_read(params, room, &send, words, sizeof(words)))
        return words;
    snprintf(said, sizeof(said), "%s %.*s", send.base64 ? "base64" : "base58",
             (int)send.text.count, (const char *)send.text.data);
    return said;
}

TEST(the_text_is_base58_unless_it_says_otherwise)
{
    EXPECT_TEXT(read("[\"2NEp\"]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"2NEp\",null]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"2NEp\",{}]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"2NEp\",{\"encoding\":null}]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"2NEp\",{\"encoding\":\"base58\"}]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"2NEp\",{\"encoding\":\"binary\"}]"), "base58 2NEp");
    EXPECT_TEXT(read("[\"AQ==\",{\"encoding\":\"base64\"}]"), "base64 AQ==");
    EXPECT_TEXT(read("[\"\"]"), "base58 ");
}

/* Some writers of JSON escape the slash, which base64 has. */
TEST(a_text_may_have_escapes)
{
    EXPECT_TEXT(read("[\"A\\/A\\u003d\",{\"encoding\":\"base64\"}]"),
                "base64 A/A=");
}

TEST(what_clients_send_beside_it_is_taken)
{
    EXPECT_TEXT(read("[\"AQ==\",{\"encoding\":\"base64\",\"skipPreflight\":"
                     "true,\"preflightCommitment\":\"confirmed\","
                     "\"maxRetries\":0,\"minContextSlot\":"
                     "18446744073709551615,\"more\":[1]}]"),
                "base64 AQ==");
    EXPECT_TEXT(read("[\"AQ==\",{\"skipPreflight\":false,"
                     "\"preflightCommitment\":null,\"maxRetries\":null}]"),
                "base58 AQ==");
}

TEST(wrong_params_are_refused_in_a_nodes_words)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"null", "`params` should have at least 1 argument(s)"},
        {"[]", "`params` should have at least 1 argument(s)"},
        {"{\"a\":1}", "`params` should be an array"},
        {"[\"2\",{},3]", "Expected from 1 to 2 parameters."},
        {"[null]", "Invalid params: invalid type: null, expected a string."},
        {"[5]", "Invalid params: invalid type: number, expected a string."},
        {"[\"2\",true]",
         "Invalid params: invalid type: boolean `true`, expected struct "
         "RpcSendTransactionConfig."},
        {"[\"2\",{\"encoding\":\"json\"}]",
         "unsupported encoding: json. Supported encodings: base58, base64"},
        {"[\"2\",{\"encoding\":\"jsonParsed\"}]",
         "unsupported encoding: jsonParsed. Supported encodings: base58, "
         "base64"},
        {"[\"2\",{\"encoding\":\"hex\"}]",
         "Invalid params: unknown variant `hex`, expected one of `binary`, "
         "`base64`, `base58`, `json`, `jsonParsed`."},
        {"[\"2\",{\"encoding\":58}]",
         "Invalid params: invalid type: number, expected string or map."},
        {"[\"2\",{\"encoding\":\"base58\",\"encoding\":\"base64\"}]",
         "Invalid params: duplicate field."},
        {"[\"2\",{\"skipPreflight\":null}]",
         "Invalid params: invalid type: null, expected a boolean."},
        {"[\"2\",{\"skipPreflight\":1}]",
         "Invalid params: invalid type: number, expected a boolean."},
        {"[\"2\",{\"preflightCommitment\":\"soon\"}]",
         "Invalid params: unknown variant `soon`, expected one of "
         "`processed`, `confirmed`, `finalized`."},
        {"[\"2\",{\"maxRetries\":-1}]",
         "Invalid params: invalid value: -1, expected usize."},
        {"[\"2\",{\"maxRetries\":\"1\"}]",
         "Invalid params: invalid type: string, expected usize."},
        {"[\"2\",{\"minContextSlot\":1.5}]",
         "Invalid params: invalid value: 1.5, expected u64."},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_TEXT(read(cases[i].json), cases[i].words);
}

/* Longer than any transaction, with an escape: it is not even unescaped. */
TEST(a_long_text_is_refused_by_its_length)
{
    static char json[3 * RPC_SEND_TEXT_MAX];
    char expected[96];

    memset(json, '2', sizeof(json) - 1);
    memcpy(json, "[\"\\/", 4);
    strcpy(json + sizeof(json) - 3, "\"]");
    snprintf(expected, sizeof(expected),
             "encoded transaction too large: %zu bytes", strlen(json) - 4);
    EXPECT_TEXT(read(json), expected);
}

TEST(a_name_that_is_not_known_is_quoted_as_far_as_it_is_short)
{
    char json[512] = "[\"2\",{\"encoding\":\"", *end = json + strlen(json);

    memset(end, 'x', 200);
    strcpy(end + 200, "\"}]");
    EXPECT_TEXT(read(json),
                "Invalid params: unknown variant ``, expected one of `binary`, "
                "`base64`, `base58`, `json`, `jsonParsed`.");
}
