/*
 * tests/unit/verifier/sealer_test.c: leaves are ended under load, and nothing
 * is lost at the seam.
 *
 * From: ctest.
 * To:   verifier/sealer.c with writers of verifier/ledger.c beside it.
 */
#include "verifier/sealer.h"

#include "schemas/record.h"
#include "tests/unit/verifier/writers.h"

#define LOAD_BATCHES 600

static struct sealer *s1, *s2;

static void open_sealer(struct sealer **s, const char *name, int64_t rows,
                        int keep_days)
{
    struct sealer_options o = {.url = url,
                               .application_name = name,
                               .leaf_rows = rows,
                               .keep_days = keep_days,
                               .turn_ms = 30};

    EXPECT_INT(sealer_open(loop, &o, s), 0);
}

static void stop_all(void)
{
    sealer_close(s1);
    sealer_close(s2);
    s1 = s2 = NULL;
    stop();
}

/* Runs the loop until the database says `want`. */
static bool becomes(const char *text, const char *want)
{
    bool never = false;
    int i;

    for (i = 0; i < 200; i++) {
        if (strcmp(sql(text), want) == 0)
            return true;
        (void)loop_run_until(loop, &never, 50);
    }
    printf("still: %s\n", sql(text));
    return false;
}

TEST(a_full_leaf_is_flipped_and_sealed_step_by_step)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "ABArq"), LEDGER_WRITTEN);
    EXPECT_INT(store(&w1, 1, 0, "CAD"), LEDGER_WRITTEN);
    open_sealer(&s1, "tidemill-verifier/here/1", 4, 0);
    EXPECT(
        becomes("SELECT leaf, state, step, seal IS NOT NULL"
                " FROM tidemill.leaves ORDER BY 1",
                "1|sealed|5|t\n2|live|0|f\n3|next|0|f"));
    EXPECT_INT(sealer_flips(s1), 1);
    EXPECT_TEXT(sql("SELECT partition, from_off, to_off, verified, rejected,"
                    " duplicates, quarantined FROM tidemill.leaf_counts"
                    " WHERE leaf = 1 ORDER BY 1"),
                "0|0|5|2|1|1|1\n1|0|3|2|0|1|0\n2|0|0|0|0|0|0\n"
                "3|100|100|0|0|0|0");
    EXPECT_TEXT(sql("SELECT count(*) FROM pg_index i JOIN pg_class c"
                    " ON c.oid = i.indexrelid WHERE indisvalid AND relname IN"
                    " ('transactions_1_sender', 'transactions_1_recipient')"),
                "2");
    EXPECT_TEXT(sql("SELECT reltuples FROM pg_class"
                    " WHERE relname = 'transactions_1'"),
                "4");
    EXPECT_INT(store(&w1, 0, 5, "A"), LEDGER_STALE);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 5, "AE"), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_DUPLICATE);
    stop_all();
}

/* A writer that goes on by itself: one partition, records of its own and some
 * that others have too. */
struct loader {
    struct writer *w;
    int32_t partition;
    int64_t position;
    int batches, stale, other;
};

static struct loader loaders[3];
static bool loaded;

static void load(struct loader *d);

static void on_reread(void *arg, int rc,
                      const struct ledger_position *positions, size_t count)
{
    struct loader *d = arg;

    if (rc == 0) {
        CHECK(count == 1 && positions[0].known);
        CHECK(positions[0].position == d->position);
    }
    load(d);
}

static void on_load(void *arg, const struct ledger_result *r)
{
    struct loader *d = arg;

    if (r->outcome == LEDGER_WRITTEN) {
        d->position = d->w->ranges[0].to;
        d->batches++;
        load(d);
        return;
    }
    if (r->outcome == LEDGER_STALE)
        d->stale++;
    else
        d->other++;
    ledger_positions(d->w->l, &d->partition, 1, on_reread, d);
}

static void load(struct loader *d)
{
    char what[9];
    int i;

    if (d->batches == LOAD_BATCHES) {
        loaded = loaders[0].batches == LOAD_BATCHES &&
                 loaders[1].batches == LOAD_BATCHES &&
                 loaders[2].batches == LOAD_BATCHES;
        return;
    }
    for (i = 0; i < 8; i++)
        what[i] = (char)('A' + (d->position * 7 + i * (d->partition + 1)) % 26);
    what[8] = '\0';
    begin_batch(d->w);
    add(d->w, d->partition, d->position, what);
    /* Most are new: their number is part of the hash. */
    for (i = 0; i < 8; i++)
        if (i % 4 != 0)
            bytes_put_be64(d->w->verdicts[i].tx.id, (uint64_t)(d->position + i)
                                                            << 8 |
                                                        (uint64_t)d->partition);
    ledger_write(d->w->l, &d->w->batch, on_load, d);
}

TEST(flips_under_load_lose_nothing_and_double_nothing)
{
    struct writer *all[3] = {&w1, &w2, &w3};
    int i;

    if (!started())
        return;
    open_writer_as(&w2, "tidemill-verifier/here/2", 2000);
    open_writer_as(&w3, "tidemill-verifier/here/3", 2000);
    open_sealer(&s1, "tidemill-verifier/here/1", 300, 0);
    open_sealer(&s2, "tidemill-verifier/here/2", 300, 0);
    loaded = false;
    for (i = 0; i < 3; i++) {
        read_positions(all[i]);
        loaders[i] = (struct loader){.w = all[i], .partition = i};
    }
    for (i = 0; i < 3; i++)
        load(&loaders[i]);
    EXPECT(loop_run_until(loop, &loaded, 60000));
    EXPECT(sealer_flips(s1) + sealer_flips(s2) >= 3);
    EXPECT(loaders[0].stale >= 2);
    for (i = 0; i < 3; i++)
        EXPECT_INT(loaders[i].other, 0);
    EXPECT_TEXT(sql("SELECT (SELECT count(*) FROM tidemill.transactions) +"
                    " (SELECT count(*) FROM tidemill.duplicates)"),
                "14400");
    EXPECT_TEXT(sql("SELECT count(*) FROM (SELECT FROM tidemill.transactions"
                    " GROUP BY hash, chain HAVING count(*) > 1) x"),
                "0");
    EXPECT_TEXT(sql("SELECT count(*) FROM (SELECT log, partition, off FROM"
                    " tidemill.transactions UNION SELECT log, partition, off"
                    " FROM tidemill.duplicates) x"),
                "14400");
    /* The ledger has neither hole nor overlap, across leaves too. */
    EXPECT_TEXT(sql("SELECT partition, min(from_off), max(to_off),"
                    " sum(to_off - from_off) FROM tidemill.batches"
                    " GROUP BY 1 ORDER BY 1"),
                "0|0|4800|4800\n1|0|4800|4800\n2|0|4800|4800");
    EXPECT(
        becomes("SELECT count(*) FROM tidemill.leaves"
                " WHERE state = 'sealed' AND step < 5",
                "0"));
    EXPECT_TEXT(sql("SELECT count(*) FROM tidemill.duplicates d WHERE NOT"
                    " EXISTS (SELECT FROM tidemill.transactions t WHERE"
                    " t.hash = d.hash AND t.log = d.of_log AND"
                    " t.partition = d.of_partition AND t.off = d.of_off)"),
                "0");
    stop_all();
}

TEST(a_leaf_is_dropped_when_old_and_announced_and_positions_stay)
{
    struct ledger_announced up = {0, 3, -1};
    bool never = false;

    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "ABr"), LEDGER_WRITTEN);
    flip(1);
    sql("UPDATE tidemill.leaves SET to_at = 1 WHERE leaf = 1");
    open_sealer(&s1, "tidemill-verifier/here/1", 1000, 1);
    EXPECT(becomes("SELECT step FROM tidemill.leaves WHERE leaf = 1", "5"));
    (void)loop_run_until(loop, &never, 200);
    EXPECT_TEXT(sql("SELECT state FROM tidemill.leaves WHERE leaf = 1"),
                "sealed"); /* nothing of it is announced yet */
    ledger_raise(w1.l, &up, 1);
    EXPECT(
        becomes("SELECT state FROM tidemill.leaves WHERE leaf = 1", "dropped"));
    EXPECT_TEXT(sql("SELECT count(*) FROM pg_class WHERE relname IN"
                    " ('transactions_1', 'batches_1', 'rejections_1')"),
                "0");
    read_positions(&w1);
    EXPECT_INT(w1.positions[0].position, 3);
    EXPECT(w1.positions[0].has_last);
    EXPECT_INT(store(&w1, 0, 3, "A"), LEDGER_WRITTEN);
    stop_all();
}

/* What is asked of a sealed leaf before BEGIN may meet its end. */
TEST(a_writer_whose_sealed_leaf_was_dropped_reads_again)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    flip(1);
    read_positions(&w1);
    sql("UPDATE tidemill.leaves SET state = 'dropped' WHERE leaf = 1;"
        "DROP TABLE tidemill.transactions_1");
    EXPECT_INT(store(&w1, 0, 1, "B"), LEDGER_STALE);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 1, "B"), LEDGER_WRITTEN);
    stop_all();
}

TEST(a_half_done_detach_is_finished)
{
    if (!started())
        return;
    flip(1);
    /* A reader holds the parents while the leaf goes: each DETACH runs into
     * its lock_timeout and stays half done. */
    hold("somebody", "SELECT count(*) FROM tidemill.transactions");
    sql("UPDATE tidemill.leaves SET state = 'dropping' WHERE leaf = 1");
    open_sealer(&s1, "tidemill-verifier/here/1", 1000, 1);
    EXPECT(becomes("SELECT count(*) FROM pg_inherits WHERE inhdetachpending",
                   "1"));
    let_go();
    EXPECT(
        becomes("SELECT state FROM tidemill.leaves WHERE leaf = 1", "dropped"));
    EXPECT_TEXT(sql("SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_1'"
                    " AND relkind = 'r'"),
                "0");
    stop_all();
}

TEST(a_shared_holder_that_is_stopped_is_ended_for_the_flip)
{
    int64_t before;

    if (!started())
        return;
    hold("tidemill-verifier/there/7", LEAF_SQL_LOCK_SHARED);
    open_sealer(&s1, "tidemill-verifier/here/1", 1000, 0);
    before = clock_ms();
    sealer_flip_now(s1);
    EXPECT(
        becomes("SELECT state FROM tidemill.leaves WHERE leaf = 1", "sealed"));
    EXPECT(clock_ms() - before >= 1900);
    let_go();
    stop_all();
}

TEST(the_live_leaf_is_summarized_and_its_accounts_are_found)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "ABCD"), LEDGER_WRITTEN);
    open_sealer(&s1, "tidemill-verifier/here/1", 1000, 0);
    EXPECT(
        becomes("SELECT brin_summarize_new_values("
                "'tidemill.transactions_1_accounts')",
                "0"));
    EXPECT_TEXT(sql("SET enable_seqscan = off; SELECT count(*)"
                    " FROM tidemill.transactions_1"
                    " WHERE sender = '\\x0000000000000000000000000000000000"
                    "000000'"),
                "4");
    stop_all();
}

/* Two full filters of one range are one index row: they must fit a page. */
TEST(a_summarized_range_of_many_accounts_still_takes_rows)
{
    if (!started())
        return;
    sql("INSERT INTO tidemill.transactions_1 (accepted_at, off, chain, log,"
        " partition, hash, sender, recipient, amount, signature, payload)"
        " SELECT 1, n, 1, 1, 9, sha256(n::text::bytea),"
        " substr(sha256(('s' || n)::bytea), 1, 20),"
        " substr(sha256(('r' || n)::bytea), 1, 20), n, sha256('s'),"
        " substr(repeat(md5(n::text), 4)::bytea, 1, 110)"
        " FROM generate_series(1, 20000) n;"
        "SELECT brin_summarize_new_values("
        "'tidemill.transactions_1_accounts')");
    EXPECT_TEXT(sql("INSERT INTO tidemill.transactions_1 (accepted_at, off,"
                    " chain, log, partition, hash, sender, recipient, amount,"
                    " signature, payload)"
                    " SELECT 1, n, 1, 1, 9, sha256(n::text::bytea),"
                    " substr(sha256(('s' || n)::bytea), 1, 20),"
                    " substr(sha256(('r' || n)::bytea), 1, 20), n,"
                    " sha256('s'), '' FROM generate_series(20001, 30000) n;"
                    "SELECT brin_summarize_new_values("
                    "'tidemill.transactions_1_accounts') > 0"),
                "t");
    EXPECT_TEXT(sql("SET enable_seqscan = off; SELECT off FROM"
                    " tidemill.transactions_1 WHERE sender ="
                    " substr(sha256('s777'), 1, 20)"),
                "777");
    stop_all();
}
