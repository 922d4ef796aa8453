/*
 * tests/unit/base/postgres_array_test.c: numbers there and back, lists of
 * hosts, rings of answers; what needs no server.
 *
 * From: ctest.
 * To:   consumer/base/postgres_array.c, postgres_hosts.c, postgres_steps.c.
 */
#include "consumer/base/postgres_array.h"

#include <stdio.h>
#include <string.h>

#include "consumer/base/postgres_hosts.h"
#include "consumer/base/postgres_steps.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

TEST(numerics_come_back_for_every_single_bit_and_its_neighbours)
{
    uint8_t in[32], out[32], cell[50];
    size_t n;
    int bit, by;

    for (bit = 0; bit < 256; bit++) {
        for (by = -1; by <= 1; by++) {
            int i = 31 - bit / 8;

            memset(in, 0, sizeof(in));
            in[i] = (uint8_t)(1 << bit % 8);
            if (by == 1)
                in[31] |= 1;
            for (; by == -1 && i < 32; i++)
                in[i] =
                    (uint8_t)(i == 31 - bit / 8 ? (1 << bit % 8) - 1 : 0xff);
            n = postgres_numeric_be(in, 32, cell);
            EXPECT(n <= 50);
            EXPECT_INT(postgres_numeric_parse(bytes_of(cell, n), out), 0);
            EXPECT_BYTES(bytes_of(out, 32), bytes_of(in, 32));
        }
    }
}

TEST(a_numeric_is_sent_without_its_zero_digits)
{
    static const uint8_t ten_thousand[] = {0x27, 0x10};
    uint8_t cell[50];

    EXPECT_BYTES(bytes_of(cell, postgres_numeric_be(ten_thousand, 2, cell)),
                 BYTES_LITERAL("\0\1\0\1\0\0\0\0\0\1"));
    EXPECT_BYTES(bytes_of(cell, postgres_numeric_be(NULL, 0, cell)),
                 BYTES_LITERAL("\0\0\0\0\0\0\0\0"));
}

TEST(numerics_that_are_no_whole_number_of_256_bits_are_refused)
{
    static const struct {
        const char *data;
        size_t count;
    } bad[] = {
        {"\0\0\0\0\0\0\0", 7},              /* cut short */
        {"\0\1\0\0\xc0\0\0\0\0\1", 10},     /* NaN */
        {"\0\1\0\0\x40\0\0\0\0\1", 10},     /* negative */
        {"\0\1\xff\xff\0\0\0\1\0\1", 10},   /* a fraction */
        {"\0\2\0\0\0\0\0\1\0\1\0\1", 12},   /* with a fraction */
        {"\0\1\0\1\0\0\0\0\x27\x10", 10},   /* a digit of 10,000 */
        {"\0\1\0\x14\0\0\0\0\0\1", 10},     /* 10^80 */
        {"\0\1\0\x13\0\0\0\0\x27\x0f", 10}, /* above 2^256 */
        {"\0\2\0\1\0\0\0\0\0\1", 10},       /* a digit is missing */
    };
    uint8_t out[32];
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_INT(postgres_numeric_parse(bytes_of(bad[i].data, bad[i].count),
                                          out),
                   FAIL_MALFORMED);
    EXPECT_INT(postgres_numeric_parse(BYTES_NONE, out), FAIL_MALFORMED);
}

TEST(an_array_past_its_limit_is_marked_full)
{
    struct postgres_array a;

    postgres_array_init(&a, POSTGRES_BYTEA_ARRAY);
    a.bytes.limit = 64;
    postgres_array_bytes(&a, BYTES_LITERAL("0123456789012345678901234567"));
    EXPECT(!postgres_array_full(&a));
    postgres_array_bytes(&a, BYTES_LITERAL("0123456789"));
    EXPECT(postgres_array_full(&a));
    postgres_array_clear(&a);
    EXPECT(!postgres_array_full(&a));
    EXPECT_INT(a.count, 0);
    postgres_array_fini(&a);
}

TEST(hosts_take_turns_and_the_pause_grows_to_its_limit)
{
    struct postgres_hosts h;
    int pause = 0, i, last = 0;

    EXPECT_INT(postgres_hosts_init(&h, "a,b", NULL, "5432"), 0);
    EXPECT_TEXT(postgres_hosts_next(&h)->host, "a");
    EXPECT_INT(postgres_hosts_failed(&h, 0), 0);
    EXPECT_TEXT(postgres_hosts_next(&h)->host, "b");
    EXPECT_TEXT(postgres_hosts_next(&h)->port, "5432");
    for (i = 0; i < 10; i++) {
        pause = postgres_hosts_failed(&h, 0);
        EXPECT(pause >= last);
        last = pause;
        EXPECT_INT(postgres_hosts_failed(&h, 0), 0);
    }
    EXPECT_INT(pause, POSTGRES_PAUSE_MS_MAX / 2);
    EXPECT_INT(postgres_hosts_failed(&h, POSTGRES_PAUSE_MS_MAX / 2),
               POSTGRES_PAUSE_MS_MAX);
    postgres_hosts_worked(&h);
    (void)postgres_hosts_failed(&h, 0);
    EXPECT_INT(postgres_hosts_failed(&h, 0), POSTGRES_PAUSE_MS_MIN / 2);
}

TEST(lists_of_hosts_that_do_not_match_are_refused)
{
    struct postgres_hosts h;

    EXPECT_INT(postgres_hosts_init(&h, "a,b", "1.1.1.1", NULL), FAIL_SETTING);
    EXPECT_INT(postgres_hosts_init(&h, "a,b", NULL, "1,2,3"), FAIL_SETTING);
    EXPECT_INT(postgres_hosts_init(&h, NULL, NULL, NULL), 0);
    EXPECT(!postgres_host_needs_lookup(postgres_hosts_next(&h)));
    EXPECT_INT(postgres_hosts_init(&h, "/run/x,name", NULL, "1,2"), 0);
    EXPECT(!postgres_host_needs_lookup(&h.hosts[0]));
    EXPECT(postgres_host_needs_lookup(&h.hosts[1]));
    EXPECT_TEXT(h.hosts[1].port, "2");
    EXPECT_INT(postgres_hosts_init(&h, "name", "1.1.1.1", "1"), 0);
    EXPECT(!postgres_host_needs_lookup(&h.hosts[0]));
}

TEST(the_ring_of_steps_keeps_its_order_while_it_grows)
{
    struct postgres_steps s = {0};
    uint64_t in = 0, out = 0;
    int round, i;

    for (round = 0; round < 50; round++) {
        for (i = 0; i < 7; i++)
            postgres_steps_push(&s, (struct postgres_step){.name = ++in});
        for (i = 0; i < 4; i++)
            EXPECT_INT(postgres_steps_pop(&s).name, ++out);
    }
    EXPECT_INT(s.count, 150);
    while (s.count > 0)
        EXPECT_INT(postgres_steps_pop(&s).name, ++out);
    EXPECT(postgres_steps_head(&s) == NULL);
    postgres_steps_fini(&s);
}

TEST(the_earliest_deadline_counts)
{
    struct postgres_steps s = {0};

    EXPECT_INT(postgres_steps_deadline(&s), 0);
    postgres_steps_push(&s, (struct postgres_step){.deadline_ms = 0});
    postgres_steps_push(&s, (struct postgres_step){.deadline_ms = 90});
    postgres_steps_push(&s, (struct postgres_step){.deadline_ms = 70});
    EXPECT_INT(postgres_steps_deadline(&s), 70);
    postgres_steps_fini(&s);
}

TEST(the_name_unused_longest_makes_room)
{
    static struct postgres_names n;
    uint64_t evicted = 0, first;
    char sql[16];
    int i;

    first = postgres_names_add(&n, "first", 1, &evicted);
    postgres_names_confirm(&n, first);
    EXPECT_INT(evicted, 0);
    for (i = 1; i < POSTGRES_NAMES_MAX; i++) {
        snprintf(sql, sizeof(sql), "%d", i);
        postgres_names_confirm(&n, postgres_names_add(&n, sql, 1, &evicted));
        EXPECT_INT(evicted, 0);
    }
    EXPECT_INT(postgres_names_find(&n, "first", 2), first);
    (void)postgres_names_add(&n, "one more", 2, &evicted);
    EXPECT(evicted != 0 && evicted != first);
    EXPECT_INT(postgres_names_find(&n, "1", 2), 0);
    EXPECT_INT(postgres_names_find(&n, "first", 2), first);
    postgres_names_forget(&n, first);
    EXPECT_INT(postgres_names_find(&n, "first", 2), 0);
    postgres_names_clear(&n);
}

TEST(a_name_that_may_fail_serves_its_own_flight_only)
{
    static struct postgres_names n;
    uint64_t evicted, name = postgres_names_add(&n, "x", 7, &evicted);

    EXPECT_INT(postgres_names_find(&n, "x", 7), name);
    EXPECT_INT(postgres_names_find(&n, "x", 8), 0);
    postgres_names_confirm(&n, name);
    EXPECT_INT(postgres_names_find(&n, "x", 8), name);
    postgres_names_clear(&n);
}
