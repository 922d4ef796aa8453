/*
 * tests/unit/schemas/run_test.c: runs as text, whole and broken.
 *
 * From: schemas/run.h.
 * To:   tests/golden/run, whose transcripts are read here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/run.h"
#include "tests/support/harness.h"

#define JSON_1                                                                 \
    "{\"id\":\"1-7-90412\",\"type\":\"verified\",\"chain\":\"eip155:1\","      \
    "\"hash\":\"0xaa\",\"sender\":\"0xbb\",\"recipient\":null,"                \
    "\"amount\":\"1\",\"reason\":null,\"accepted_at\":1763720000123}"

static struct run_event events[RUN_EVENTS_MAX];

static struct bytes golden(const char *name, char **out_memory)
{
    char path[128];
    size_t count = 0;

    snprintf(path, sizeof(path), "tests/golden/run/%s", name);
    *out_memory = harness_read_file(path, &count);
    EXPECT(*out_memory != NULL);
    return bytes_of(*out_memory, count);
}

static int parse(struct bytes text, struct run_header *h, size_t *count)
{
    return run_parse(text, h, events, count);
}

TEST(run_of_three_events_reads_as_written)
{
    struct run_header h;
    struct buffer again;
    char *memory;
    size_t count;
    struct bytes text = golden("three", &memory);

    EXPECT_INT(parse(text, &h, &count), 0);
    EXPECT_INT(h.log, 1);
    EXPECT_INT(h.partition, 7);
    EXPECT_INT(h.first, 88001);
    EXPECT_INT(h.last, 88003);
    EXPECT_INT(h.previous, 88000);
    EXPECT_INT(count, 3);
    EXPECT_INT(events[1].type, RESULT_REJECTED);
    EXPECT(events[1].hash.data == NULL);
    EXPECT_INT(events[2].id.offset, 90414);
    EXPECT_INT(events[2].id.partition, 7);

    buffer_init(&again, 65536);
    EXPECT_INT(run_header_append(&again, &h), 0);
    for (size_t i = 0; i < count; i++)
        EXPECT_INT(run_event_append(&again, &events[i]), 0);
    EXPECT_BYTES(buffer_bytes(&again), text);
    buffer_fini(&again);
    free(memory);
}

TEST(run_heartbeat_and_headers_only_have_no_events)
{
    struct run_header h;
    size_t count = 9;

    EXPECT_INT(parse(BYTES_LITERAL("1 0 0 -1 -1 -1 0\n"), &h, &count), 0);
    EXPECT_INT(count, 0);
    EXPECT_INT(h.last, -1);
    EXPECT_INT(parse(BYTES_LITERAL("1 3 7 9 9 5 0\n"), &h, &count), 0);
    EXPECT_INT(h.last, 9);
    EXPECT_INT(parse(BYTES_LITERAL("1 3 7 10 265 9 256\n"), &h, &count), 0);
    EXPECT_INT(count, 0);
    EXPECT_INT(h.count, 256);
}

TEST(run_cut_anywhere_is_refused_or_headers_only)
{
    struct run_header h;
    char *memory;
    size_t count;
    struct bytes text = golden("three", &memory);

    for (size_t cut = 0; cut < text.count; cut++)
        if (parse(bytes_slice(text, 0, cut), &h, &count) == 0)
            EXPECT_INT(count, 0);
    free(memory);
}

TEST(run_with_one_bit_wrong_never_reads_past_itself)
{
    struct run_header h;
    char *memory;
    size_t count;
    struct bytes text = golden("three", &memory);

    for (size_t i = 0; i < text.count; i++)
        for (int bit = 0; bit < 8; bit++) {
            memory[i] ^= (char)(1 << bit);
            if (parse(text, &h, &count) == 0)
                EXPECT(count == 0 || count == h.count);
            memory[i] ^= (char)(1 << bit);
        }
    free(memory);
}

TEST(run_refuses_what_no_notifier_writes)
{
    static const char *const texts[] = {
        "",
        "\n",
        "1 1 7 1 1 0 0",
        "2 1 7 1 1 0 0\n",
        "01 1 7 1 1 0 0\n",
        "1  1 7 1 1 0 0\n",
        "1 1 7 1 1 0 0 \n",
        "1 1 7 1 1 0 0 0\n",
        "1 -1 7 1 1 0 0\n",
        "1 1 7 2 1 0 0\n",
        "1 1 7 1 1 -2 0\n",
        "1 1 7 1 1 0 257\n",
        "1 1 7 5 5 5 1\n",
        "1 1 7 -1 5 -1 1\n",
        "1 1 7 1 9223372036854775807 0 0\n",
        "1 1 7 1 99999999999999999999 0 0\n",
        "1 1 4294967296 1 1 0 0\n",
        "1 1 7 1 1 0 1\n1 verified eip155:1 - - - {}\n",
        "1 1 7 1 1 0 1\n2 verified eip155:1 - - - " JSON_1 "\n",
        "1 1 7 2 2 0 1\n1 verified eip155:1 - - - " JSON_1 "\n",
        "1 1 7 1 1 0 1\n1 cleared eip155:1 - - - " JSON_1 "\n",
        "1 1 7 1 1 0 1\n1 verified eip155:1 - - " JSON_1 "\n",
        "1 1 7 1 1 0 1\n1 verified eip155:1 - - - " JSON_1,
        "1 1 7 1 2 0 2\n1 verified eip155:1 - - - " JSON_1 "\n",
        "1 1 7 1 2 0 2\n1 verified eip155:1 - - - " JSON_1
        "\n1 verified eip155:1 - - - " JSON_1 "\n",
    };
    struct run_header h;
    size_t count;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = parse(bytes_text(texts[i]), &h, &count);

        if (rc == 0)
            EXPECT_TEXT(texts[i], "refused");
    }
    EXPECT_INT(
        parse(BYTES_LITERAL("1 1 7 1 1 0 1\n1 verified eip155:1 - - - " JSON_1
                            "\n"),
              &h, &count),
        0);
}

TEST(run_event_is_made_of_a_result_and_of_nothing_else)
{
    struct run_event e;

    EXPECT_INT(run_event_of(5, BYTES_LITERAL(JSON_1), &e), 0);
    EXPECT_INT(e.offset, 5);
    EXPECT_INT(e.id.offset, 90412);
    EXPECT(bytes_equal_text(e.hash, "0xaa"));
    EXPECT(e.recipient.data == NULL);
    EXPECT_INT(run_event_of(5, BYTES_LITERAL("{}"), &e), FAIL_MALFORMED);
    EXPECT_INT(run_event_of(5, BYTES_NONE, &e), FAIL_MALFORMED);
    EXPECT_INT(run_event_of(5, BYTES_LITERAL(JSON_1 "\n"), &e), FAIL_MALFORMED);
}

TEST(run_log_reads_the_header_of_a_result)
{
    EXPECT_INT(run_log(BYTES_LITERAL("1;1")), 1);
    EXPECT_INT(run_log(BYTES_LITERAL("1;2147483647")), 2147483647);
    EXPECT_INT(run_log(BYTES_LITERAL("1;2147483648")), 0);
    EXPECT_INT(run_log(BYTES_LITERAL("1;0")), 0);
    EXPECT_INT(run_log(BYTES_LITERAL("1;01")), 0);
    EXPECT_INT(run_log(BYTES_LITERAL("1;1;2")), 0);
    EXPECT_INT(run_log(BYTES_LITERAL("1;1 2")), 0);
    EXPECT_INT(run_log(BYTES_LITERAL("1;")), 0);
    EXPECT_INT(run_log(BYTES_NONE), 0);
}

TEST(run_channel_names_the_partition)
{
    char name[RUN_CHANNEL_MAX + 1];

    EXPECT_INT(run_channel(7, name), 18);
    EXPECT_TEXT(name, "tidemill:results:7");
}
