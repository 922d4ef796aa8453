/*
 * tests/unit/ctl/decode_test.c: what is said of a transaction, and of a result.
 *
 * From: ctest.
 * To:   deploy/ctl/decode.c, event.c.
 */
#include "deploy/ctl/decode.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/ctl/event.h"
#include "deploy/ctl/gen.h"
#include "schemas/hex.h"
#include "tests/support/harness.h"

static struct judge *judge;
static struct buffer text;

static struct transaction_words words;

static enum reason describe(struct bytes raw)
{
    enum reason reason;

    EXPECT_INT(judge_open(&judge), 0);
    words.text[0] = '\0';
    buffer_fini(&text);
    buffer_init(&text, 65536);
    reason = decode_describe(judge, raw, &text, &words);
    judge_close(judge);
    return reason;
}

/* An example of schemas/examples. */
static enum reason describe_file(const char *path)
{
    static uint8_t raw[65536];
    size_t count, bytes = 0;
    char *hex = harness_read_file(path, &count);

    EXPECT(hex != NULL);
    while (count > 0 && hex[count - 1] == '\n')
        count--;
    struct bytes digits = bytes_of(hex, count);
    if (count > 2 && hex[1] == 'x')
        digits = bytes_slice(digits, 2, count);
    int rc = hex_decode(digits, raw, sizeof(raw), &bytes);
    free(hex);
    EXPECT_INT(rc, 0);
    return describe(bytes_of(raw, bytes));
}

static bool says(const char *part)
{
    return strstr(buffer_text(&text), part) != NULL;
}

TEST(a_dynamic_fee_transfer_says_all_its_fields)
{
    EXPECT_INT(describe_file("schemas/examples/dynamic-fee-transfer.hex"),
               REASON_NONE);
    EXPECT(says("\"type\":2,\"form\":\"dynamic fee\",\"chain\":\"eip155:1\","));
    EXPECT(
        says("\"hash\":\"0xb1bf27dbb46eb4e3d5ea4665bdd299343236b01f1679bb7e2"
             "7cf9df0159f7d67\""));
    EXPECT(
        says("\"sender\":\"0x8fd00f170fdf3772c5ebdcd90bf257316c69ba45\","
             "\"nonce\":3804619,"
             "\"to\":\"0x4e34ffc77db84dc990afa3eac3853ea9e7a0716f\","
             "\"value\":\"222212082052284554\",\"gas\":100000,"
             "\"max_fee\":\"51464346428\",\"max_tip\":\"1000000000\","
             "\"data_bytes\":0,"));
}

TEST(a_bitcoin_transaction_is_described_with_what_it_spends)
{
    EXPECT_INT(describe_file("schemas/examples/bitcoin-witnesses.hex"),
               REASON_NONE);
    EXPECT(says("{\"form\":\"bitcoin extended\",\"chain\":null,"));
    EXPECT(says("\"inputs\":2,\"spent\":[{\"txid\":\"0x"));
    EXPECT(says("\"stated_fee\":"));
    EXPECT(!says("why_no_sender"));
    EXPECT_INT(describe_file("schemas/examples/bitcoin-psbt.hex"), REASON_NONE);
    EXPECT(says("{\"form\":\"bitcoin psbt\""));
    EXPECT(!says("why_no_sender"));
}

TEST(a_bitcoin_transaction_alone_is_not_described)
{
    EXPECT_INT(describe(BYTES_LITERAL("btx\x01")), REASON_MALFORMED);
    EXPECT_INT(describe(BYTES_LITERAL("psbt\xff")), REASON_MALFORMED);
}

TEST(a_solana_transaction_is_told_from_an_ethereum_one)
{
    EXPECT_INT(describe_file("schemas/examples/solana-version-0-table.hex"),
               REASON_NONE);
    EXPECT(says("{\"type\":128,\"form\":\"solana version 0\",\"chain\":null,"));
    EXPECT(says("\"lamports\":\"42\""));
    EXPECT(says("\"keys\":3,\"instructions\":2,\"tables\":1,\"looked_up\":1,"));
    EXPECT(!says("why_no_sender"));
    EXPECT_INT(describe_file("schemas/examples/solana-two-signers.hex"),
               REASON_NONE);
    EXPECT(says("\"form\":\"solana legacy\""));
    EXPECT(says("\"signatures\":2,\"sender\":\"AAai"));
}

TEST(a_broken_solana_transaction_is_refused_in_its_own_words)
{
    static const uint8_t versions[] = {1, 0x80};

    for (size_t i = 0; i < sizeof(versions); i++) {
        uint8_t cut[1 + 64 + 2] = {1, [65] = versions[i], [66] = 1};

        EXPECT_INT(describe(bytes_of(cut, sizeof(cut))), REASON_MALFORMED);
        EXPECT_TEXT(words.text, "io error: failed to fill whole buffer");
        /* A message that asks for more than there are begins like none. */
        cut[65] = cut[66] = 2;
        EXPECT_INT(describe(bytes_of(cut, sizeof(cut))), REASON_MALFORMED);
        EXPECT(strstr(words.text, "rlp: ") == words.text);
    }
    EXPECT_INT(text.count, 0);
}

TEST(a_signed_payment_says_who_gets_how_much)
{
    EXPECT_INT(describe_file("schemas/examples/jws-es256k.hex"), REASON_NONE);
    EXPECT(says("{\"form\":\"jws compact\",\"chain\":\"jws\",\"hash\":\"0x"));
    EXPECT(says("\"algorithm\":\"ES256K\",\"thumbprint\":\""));
    EXPECT(
        says("\"recipient\":\"acct:shop@example.com\",\"amount\":\"1500\","
             "\"currency\":\"EUR\",\"nonce\":7,"));
    EXPECT(!says("why_no_sender"));
    EXPECT_INT(describe_file("schemas/examples/jws-ed25519-flattened.hex"),
               REASON_NONE);
    EXPECT(says("{\"form\":\"jws flattened\""));
    EXPECT(says("\"currency\":null,\"nonce\":null,"));
    EXPECT_INT(describe(BYTES_LITERAL("eyJhbGciOiJub25lIn0.e30.")),
               REASON_UNSUPPORTED_ALGORITHM);
}

TEST(a_creation_has_no_recipient_and_no_selector)
{
    EXPECT_INT(describe_file("schemas/examples/legacy-creation.hex"),
               REASON_NONE);
    EXPECT(says("\"to\":null"));
    EXPECT(!says("selector"));
}

TEST(a_transaction_without_chain_id_still_has_its_sender)
{
    EXPECT_INT(describe_file(
                   "schemas/examples/legacy-unprotected-transfer.hex"),
               REASON_NONE);
    EXPECT(says("\"chain\":null"));
    EXPECT(says("\"sender\":\"0x"));
}

TEST(a_forgery_is_described_without_sender_and_says_why)
{
    struct gen_options o = {.chain_id = 5, .seed = "a", .senders = 1};
    struct gen_transaction t;
    struct gen *g;

    EXPECT_INT(gen_open(&o, &g), 0);
    gen_next_as(g, GEN_UNRECOVERABLE, &t);
    EXPECT_INT(describe(t.raw), REASON_NONE);
    EXPECT(says("\"chain\":\"eip155:5\""));
    EXPECT(
        says("\"sender\":null,\"why_no_sender\":\"no public key belongs to "
             "this signature\""));
    gen_next_as(g, GEN_HIGH_S, &t);
    EXPECT_INT(describe(t.raw), REASON_NONE);
    EXPECT(says("\"sender\":null,\"why_no_sender\":\"s is in the upper half"));
    gen_close(g);
}

TEST(bytes_that_do_not_decode_have_a_reason)
{
    EXPECT_INT(describe(BYTES_LITERAL("\xc0")), REASON_MALFORMED);
    EXPECT_INT(describe(BYTES_NONE), REASON_EMPTY);
    EXPECT_INT(text.count, 0);
}

/* ---- lines of events ---- */

static const char *line(const char *json)
{
    buffer_fini(&text);
    buffer_init(&text, 65536);
    event_format(bytes_text(json), &text);
    return buffer_text(&text);
}

#define HASH                                                                   \
    "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"

TEST(a_verified_event_is_one_line)
{
    EXPECT_TEXT(
        line("{\"id\":\"1-7-88123\",\"type\":\"verified\","
             "\"chain\":\"eip155:1\",\"hash\":\"" HASH "\","
             "\"sender\":\"0xa1e4380a3b1f749673e270229993ee55f35663b4\","
             "\"recipient\":\"0x5df9b87991262f6ba471f09758cde1c0fc1de734\","
             "\"amount\":\"31337\",\"reason\":null,"
             "\"accepted_at\":1763720000123}"),
        "10:13:20.123  verified    eip155:1    0x5c504e..2060  0xa1e438..63b4 "
        "-> 0x5df9b8..e734  1-7-88123");
}

TEST(a_rejected_event_says_why)
{
    EXPECT_TEXT(line("{\"id\":\"1-0-5\",\"type\":\"rejected\","
                     "\"chain\":\"eip155:1\",\"hash\":null,\"sender\":null,"
                     "\"recipient\":null,\"amount\":null,"
                     "\"reason\":\"malformed\",\"accepted_at\":0,"
                     "\"payload_sha256\":\"" HASH "\"}"),
                "00:00:00.000  rejected    eip155:1    -  - -> -  1-0-5  "
                "malformed");
}

TEST(what_is_no_result_is_shown_without_control_bytes)
{
    EXPECT_TEXT(line("{\"a\":\"\033[2J\"}"), "{\"a\":\"?[2J\"}");
}
