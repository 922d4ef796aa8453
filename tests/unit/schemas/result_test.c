/*
 * tests/unit/schemas/result_test.c: results against the golden files and the
 * examples that readers are shown.
 *
 * A golden file is a list of cases: members of struct result, one a line, and
 * the one line of JSON they make.
 */
#include "schemas/result.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json.h"
#include "tests/support/harness.h"

/* A case while it is read, with room for what it borrows. */
struct golden {
    struct result r;
    char chain[64];
    uint8_t hash[32], sender[64], recipient[3000], payload[32];
};

static struct bytes unhex(const char *text, uint8_t *out, size_t max)
{
    size_t count = 0;

    if (strcmp(text, "null") == 0)
        return BYTES_NONE;
    EXPECT_INT(hex_decode_0x(bytes_text(text), out, max, &count), 0);
    return bytes_of(out, count);
}

static enum result_type type_named(const char *name)
{
    for (int i = RESULT_VERIFIED; i <= RESULT_QUARANTINED; i++) {
        if (strcmp(result_type_name((enum result_type)i), name) == 0)
            return (enum result_type)i;
    }
    EXPECT(false);
    return RESULT_VERIFIED;
}

static void read_member(struct golden *g, const char *name, const char *text)
{
    struct result *r = &g->r;

    if (strcmp(name, "id") == 0)
        EXPECT_INT(record_id_parse(bytes_text(text), &r->id), 0);
    else if (strcmp(name, "of") == 0)
        EXPECT_INT(record_id_parse(bytes_text(text), &r->of), 0);
    else if (strcmp(name, "type") == 0)
        r->type = type_named(text);
    else if (strcmp(name, "chain") == 0)
        r->chain = strcmp(text, "null") == 0 ? NULL : strcpy(g->chain, text);
    else if (strcmp(name, "hash") == 0)
        r->hash = unhex(text, g->hash, sizeof(g->hash));
    else if (strcmp(name, "sender") == 0)
        r->sender = unhex(text, g->sender, sizeof(g->sender));
    else if (strcmp(name, "recipient") == 0)
        r->recipient = unhex(text, g->recipient, sizeof(g->recipient));
    else if (strcmp(name, "payload_sha256") == 0)
        r->payload_sha256 = unhex(text, g->payload, sizeof(g->payload));
    else if (strcmp(name, "reason") == 0)
        r->reason = reason_find(bytes_text(text));
    else if (strcmp(name, "accepted_at") == 0)
        r->accepted_at_ms = atoll(text);
    else if (strcmp(name, "amount") == 0) {
        r->has_amount = true;
        EXPECT_INT(amount_parse(bytes_text(text), r->amount), 0);
    } else
        EXPECT(false);
}

static void expect_view(const struct result *r, struct bytes json)
{
    struct result_view v;

    EXPECT_INT(result_view_parse(json, &v), 0);
    EXPECT_INT(v.id.log, r->id.log);
    EXPECT_INT(v.id.partition, r->id.partition);
    EXPECT_INT(v.id.offset, r->id.offset);
    EXPECT_INT(v.type, r->type);
    EXPECT_INT(v.accepted_at_ms, r->accepted_at_ms);
    EXPECT_INT(v.chain.data == NULL, r->chain == NULL);
    EXPECT_INT(v.hash.data == NULL, r->hash.data == NULL);
    EXPECT_INT(v.sender.data == NULL, r->sender.data == NULL);
    EXPECT_INT(v.recipient.data == NULL, r->recipient.data == NULL);
    if (r->chain != NULL)
        EXPECT_BYTES(v.chain, bytes_text(r->chain));
    if (r->sender.data != NULL)
        EXPECT_INT(v.sender.count, 2 + 2 * r->sender.count);
}

/* "want" ends the input of a case; the next line begins another. */
static size_t run_file(const char *path)
{
    char *text = harness_read_file(path, NULL), *rest = text, *line;
    struct golden g = {0};
    size_t cases = 0;

    EXPECT(text != NULL);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *name = strsep(&line, " ");
        struct buffer out;

        if (*name == '\0' || *name == '#')
            continue;
        EXPECT(line != NULL);
        line += strspn(line, " ");
        if (strcmp(name, "want") != 0) {
            read_member(&g, name, line);
            continue;
        }
        buffer_init(&out, 1 << 16);
        EXPECT_INT(result_encode(&g.r, &out), 0);
        EXPECT_TEXT(buffer_text(&out), line);
        expect_view(&g.r, buffer_bytes(&out));
        buffer_fini(&out);
        g = (struct golden){0};
        cases++;
    }
    free(text);
    return cases;
}

TEST(results_are_encoded_as_the_golden_files_say)
{
    glob_t files;
    size_t cases = 0;

    EXPECT_INT(glob("tests/golden/result/*.txt", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        cases += run_file(files.gl_pathv[i]);
    globfree(&files);
    printf("golden results: %zu cases\n", cases);
    EXPECT(cases >= 8);
}

TEST(every_example_result_is_read)
{
    glob_t files;

    EXPECT_INT(glob("schemas/examples/result-*.json", 0, NULL, &files), 0);
    EXPECT_INT(files.gl_pathc, 4);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct result_view v;
        size_t count;
        char *text = harness_read_file(files.gl_pathv[i], &count);

        EXPECT_INT(result_view_parse(bytes_of(text, count), &v), 0);
        EXPECT(strstr(files.gl_pathv[i], result_type_name(v.type)) != NULL);
        free(text);
    }
    globfree(&files);
}

#define VERIFIED                                                               \
    "{\"id\":\"1-2-3\",\"type\":\"verified\",\"chain\":\"eip155:1\","          \
    "\"hash\":null,\"sender\":null,\"recipient\":null,\"amount\":null,"        \
    "\"reason\":null,\"accepted_at\":5"

TEST(members_that_a_later_release_appends_are_let_through)
{
    struct result_view v;

    EXPECT_INT(result_view_parse(
                   bytes_text(VERIFIED ",\"new\":{\"x\":[1]},\"y\":null}"), &v),
               0);
    EXPECT_INT(v.accepted_at_ms, 5);
}

TEST(other_texts_are_no_results)
{
    static const char *const cases[] = {
        "",
        "null",
        "[]",
        "{}",
        VERIFIED,
        "x" VERIFIED "}",
        VERIFIED "}{}",
        "{\"type\":\"verified\",\"id\":\"1-2-3\"}",
        "{\"id\":\"1-2\",\"type\":\"verified\"}",
        "{\"id\":\"1-2-3\",\"type\":\"included\",\"chain\":null,\"hash\":null,"
        "\"sender\":null,\"recipient\":null,\"amount\":null,\"reason\":null,"
        "\"accepted_at\":5}",
        "{\"id\":\"1-2-3\",\"type\":\"verified\",\"chain\":7,\"hash\":null,"
        "\"sender\":null,\"recipient\":null,\"amount\":null,\"reason\":null,"
        "\"accepted_at\":5}",
        "{\"id\":\"1-2-3\",\"type\":\"verified\",\"chain\":null,\"hash\":null,"
        "\"sender\":null,\"recipient\":null,\"amount\":null,\"reason\":null,"
        "\"accepted_at\":\"5\"}",
    };
    struct result_view v;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(result_view_parse(bytes_text(cases[i]), &v), FAIL_MALFORMED);
    EXPECT_INT(result_view_parse(BYTES_NONE, &v), FAIL_MALFORMED);
}

/* A cut anywhere, and any changed byte, is seen or changes nothing we read. */
TEST(a_truncated_result_is_never_read)
{
    struct bytes whole = bytes_text(VERIFIED "}");
    struct result_view v;

    EXPECT_INT(result_view_parse(whole, &v), 0);
    for (size_t count = 0; count < whole.count; count++)
        EXPECT_INT(result_view_parse(bytes_slice(whole, 0, count), &v),
                   FAIL_MALFORMED);
}

TEST(a_result_that_is_too_large_leaves_nothing_behind)
{
    uint8_t recipient[3000] = {0};
    struct result r = {.chain = "jws",
                       .recipient = bytes_of(recipient, sizeof(recipient))};
    struct buffer out;

    buffer_init(&out, 1 << 16);
    EXPECT_INT(buffer_append_text(&out, "before"), 0);
    EXPECT_INT(result_encode(&r, &out), FAIL_FULL);
    EXPECT_BYTES(buffer_bytes(&out), bytes_text("before"));
    r.recipient.count = 1500;
    EXPECT_INT(result_encode(&r, &out), 0);
    buffer_fini(&out);

    buffer_init(&out, 20);
    EXPECT_INT(result_encode(&r, &out), FAIL_FULL);
    EXPECT_INT(out.count, 0);
    buffer_fini(&out);
}
