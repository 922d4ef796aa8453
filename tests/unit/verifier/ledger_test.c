/*
 * tests/unit/verifier/ledger_test.c: one row a record, whatever happens to the
 * writer.
 *
 * From: ctest.
 * To:   verifier/ledger.c and its parts against a private server.
 */
#include "tests/unit/verifier/writers.h"

/* ---- what it promises ---- */

TEST(a_batch_leaves_one_row_for_each_record)
{
    if (!started())
        return;
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "ABrq");
    add(&w1, 3, 100, "C");
    w1.announced[0] = (struct ledger_announced){0, 0, -1};
    w1.announced[1] = (struct ledger_announced){3, 100, 12};
    w1.batch.announced_count = 2;
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.records[2].out_kind, LEDGER_REJECTED);
    EXPECT_INT(w1.records[3].out_kind, LEDGER_QUARANTINED);
    EXPECT_TEXT(sql(COUNT_ALL), "3|1|0|1|2");
    EXPECT_TEXT(sql("SELECT partition, from_off, to_off, verified, rejected,"
                    " duplicates, quarantined FROM tidemill.batches_1"
                    " ORDER BY 1"),
                "0|0|4|2|1|0|1\n3|100|101|1|0|0|0");
    EXPECT_TEXT(sql("SELECT hash, amount, nonce, chain, record"
                    " FROM tidemill.transaction_events ORDER BY 1 LIMIT 1"),
                "0x41414141414141414141414141414141414141414141414141414141414"
                "14141|9|7|eip155:1|1-0-0");
    EXPECT_TEXT(sql("SELECT reason, encode(hash, 'escape') = repeat('r', 32),"
                    " payload FROM tidemill.rejections_1"),
                "high_s|t|\\x7061796c6f6164");
    EXPECT_TEXT(sql("SELECT sqlstate, detail, encode(sha256(payload), 'hex') ="
                    " encode(payload_sha256, 'hex') FROM"
                    " tidemill.quarantine_1"),
                "22P05|it ? would not|t");
    EXPECT_TEXT(sql("SELECT announced, results_offset FROM tidemill.announced"
                    " WHERE partition = 3"),
                "100|12");
    read_positions(&w1);
    EXPECT_INT(w1.positions[0].position, 4);
    EXPECT_INT(w1.positions[0].announced, 0);
    EXPECT(w1.positions[0].has_last);
    EXPECT_INT(w1.positions[0].last_sha256[0], 4);
    EXPECT_INT(w1.positions[3].position, 101);
    EXPECT_INT(w1.positions[3].results_offset, 12);
    EXPECT(w1.positions[1].known && !w1.positions[1].has_last);
    stop();
}

TEST(a_second_name_and_a_currency_are_in_the_row)
{
    if (!started())
        return;
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "ABC");
    w1.verdicts[0].tx.has_alias = true;
    memset(w1.verdicts[0].tx.alias, 'a', sizeof(w1.verdicts[0].tx.alias));
    w1.verdicts[1].tx.alias_in = BYTES_LITERAL("bb");
    strcpy(w1.verdicts[1].tx.currency, "EUR");
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_TEXT(sql("SELECT off, encode(alias, 'escape'), currency FROM"
                    " tidemill.transactions_1 ORDER BY 1"),
                "0|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|\n1|bb|EUR\n2||");
    EXPECT_TEXT(sql("SELECT count(*) FROM pg_indexes WHERE schemaname ="
                    " 'tidemill' AND indexname IN ('transactions_1_alias',"
                    " 'transactions_2_alias')"),
                "2");
    stop();
}

TEST(a_rejection_without_a_covering_id_has_no_hash)
{
    if (!started())
        return;
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "rr");
    w1.verdicts[0].tx.id_covers_all = false;
    w1.verdicts[1].tx.has_id = false;
    w1.records[1].value = BYTES_NONE;
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_TEXT(sql("SELECT count(*), count(hash) FROM tidemill.rejections_1"),
                "2|0");
    stop();
}

TEST(a_writer_that_has_not_read_positions_is_stale)
{
    if (!started())
        return;
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_STALE);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    stop();
}

TEST(a_batch_that_does_not_start_at_the_position_is_fenced)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "AB"), LEDGER_WRITTEN);
    EXPECT_INT(store(&w1, 0, 0, "CD"), LEDGER_FENCED);
    EXPECT_TEXT(w1.result.sqlstate, "23502");
    EXPECT_INT(store(&w1, 0, 2, "C"), LEDGER_STALE); /* must read again */
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 5, "C"), LEDGER_FENCED);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 9, 0, "C"), LEDGER_FENCED); /* never planted */
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 2, "C"), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(COUNT_ALL), "3|0|0|0|2");
    stop();
}

/* Its rejection is stored already; were the ledger asked after the rows, the
 * answer would be 23505 on rejections_1, and nobody would read again. */
TEST(a_fenced_writer_hears_it_from_the_ledger_and_not_from_a_row)
{
    if (!started())
        return;
    open_writer(&w2);
    read_positions(&w1);
    read_positions(&w2);
    EXPECT_INT(store(&w1, 0, 0, "AArr"), LEDGER_WRITTEN);
    EXPECT_INT(store(&w2, 0, 0, "AAr"), LEDGER_FENCED);
    EXPECT_TEXT(w2.result.sqlstate, "23502");
    read_positions(&w2);
    EXPECT_INT(w2.positions[0].position, 4);
    EXPECT_TEXT(sql(COUNT_ALL), "1|2|1|0|1");
    stop();
}

TEST(of_two_writers_at_one_position_the_slower_is_fenced_by_the_key)
{
    if (!started())
        return;
    open_writer(&w2);
    read_positions(&w1);
    read_positions(&w2);
    begin_batch(&w1);
    add(&w1, 0, 0, "AB");
    begin_batch(&w2);
    add(&w2, 0, 0, "ABC");
    send_batch(&w1);
    send_batch(&w2);
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT(loop_run_until(loop, &w2.done, WAIT_MS));
    EXPECT((w1.result.outcome == LEDGER_WRITTEN) !=
           (w2.result.outcome == LEDGER_WRITTEN));
    EXPECT((w1.result.outcome == LEDGER_FENCED) !=
           (w2.result.outcome == LEDGER_FENCED));
    EXPECT_TEXT(sql("SELECT count(*) FROM tidemill.batches"), "1");
    EXPECT_TEXT(sql("SELECT count(*) FROM tidemill.duplicates"), "0");
    stop();
}

/* The two see the same position before either commits: only the key is left.
 * A trigger holds the first one back inside its transaction. */
TEST(a_lost_race_shows_as_23505_on_the_ledger)
{
    if (!started())
        return;
    open_writer_as(&w2, "tidemill-verifier/here/2", 5000);
    /* The name of a chain is stored by whoever is first, who is waited for. */
    read_positions(&w1);
    EXPECT_INT(store(&w1, 1, 0, "r"), LEDGER_WRITTEN);
    read_positions(&w2);
    EXPECT_INT(store(&w2, 1, 1, "r"), LEDGER_WRITTEN);
    sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.verified = 1 THEN PERFORM pg_sleep(0.4); END IF;"
        " RETURN NULL; END $$;"
        "CREATE TRIGGER slow AFTER INSERT ON tidemill.batches_1"
        " FOR EACH ROW EXECUTE FUNCTION slow()");
    read_positions(&w1);
    read_positions(&w2);
    begin_batch(&w1);
    add(&w1, 0, 0, "A");
    begin_batch(&w2);
    add(&w2, 0, 0, "rr");
    send_batch(&w1);
    (void)loop_run_until(loop, &w1.done, 150);
    send_batch(&w2);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_INT(written(&w2), LEDGER_FENCED);
    EXPECT_TEXT(w2.result.sqlstate, "23505");
    EXPECT_TEXT(sql(COUNT_ALL), "1|2|0|0|3");
    stop();
}

TEST(repeats_are_duplicates_of_the_first_wherever_it_is)
{
    if (!started())
        return;
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "ABA");
    add(&w1, 1, 0, "BC");
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[2].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.records[2].out_of.offset, 0);
    EXPECT_INT(w1.records[3].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.records[3].out_of.partition, 0);
    EXPECT_INT(w1.records[3].out_of.offset, 1);
    EXPECT_INT(w1.records[4].out_kind, LEDGER_VERIFIED);
    /* Another batch: conflicts are resolved by a statement of their own. */
    EXPECT_INT(store(&w1, 2, 0, "CDCA"), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.records[0].out_of.partition, 1);
    EXPECT_INT(w1.records[0].out_of.offset, 1);
    EXPECT_INT(w1.records[1].out_kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.records[2].out_of.partition, 1);
    EXPECT_INT(w1.records[3].out_of.partition, 0);
    EXPECT_TEXT(sql(COUNT_ALL), "4|0|5|0|3");
    EXPECT_TEXT(sql("SELECT record, of FROM tidemill.duplicate_events"
                    " ORDER BY 1"),
                "1-0-2|1-0-0\n1-1-0|1-0-1\n1-2-0|1-1-1\n1-2-2|1-1-1\n"
                "1-2-3|1-0-0");
    stop();
}

TEST(one_hash_on_two_chains_is_two_transactions)
{
    struct chain other;

    if (!started())
        return;
    EXPECT_INT(chain_parse(BYTES_LITERAL("eip155:10"), &other), 0);
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "AA");
    w1.records[1].chain = &other;
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(COUNT_ALL), "2|0|0|0|1");
    EXPECT_TEXT(sql("SELECT name FROM tidemill.chains ORDER BY 1"),
                "eip155:1\neip155:10");
    flip(1);
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 2, "AA");
    w1.records[1].chain = &other;
    send_batch(&w1);
    EXPECT_INT(written(&w1), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_of.offset, 0);
    EXPECT_INT(w1.records[1].out_of.offset, 1);
    stop();
}

TEST(after_a_flip_writers_are_stale_once_and_positions_go_on)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "AB"), LEDGER_WRITTEN);
    flip(1);
    EXPECT_INT(store(&w1, 0, 2, "C"), LEDGER_STALE);
    read_positions(&w1);
    EXPECT_INT(ledger_live_leaf(w1.l), 2);
    EXPECT_INT(w1.positions[0].position, 2);
    EXPECT(w1.positions[0].has_last);
    EXPECT_INT(w1.positions[0].last_sha256[0], 2);
    EXPECT_INT(w1.positions[3].position, 100); /* idle ones too */
    EXPECT_INT(store(&w1, 0, 2, "CA"), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[1].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.records[1].out_of.offset, 0);
    flip(2);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 1, 0, "CBE"), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_of.offset, 2);
    EXPECT_INT(w1.records[1].out_of.offset, 1);
    EXPECT_INT(w1.records[2].out_kind, LEDGER_VERIFIED);
    EXPECT_TEXT(sql("SELECT hash FROM tidemill.transactions"
                    " GROUP BY hash HAVING count(*) > 1"),
                "");
    stop();
}

TEST(outside_the_dedupe_window_a_sealed_leaf_is_not_asked)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = url,
                               .application_name = "tidemill-verifier/x/2",
                               .log = 1,
                               .dedupe_ms = 1000};

    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    flip(1);
    sql("UPDATE tidemill.leaves SET to_at = 1763719990000 WHERE leaf = 1");
    memset(&w2, 0, sizeof(w2));
    EXPECT_INT(ledger_open(loop, &o, &events, &w2, &w2.l), 0);
    EXPECT(loop_run_until(loop, &w2.done, WAIT_MS));
    read_positions(&w2);
    EXPECT_INT(store(&w2, 0, 1, "A"), LEDGER_WRITTEN);
    EXPECT_INT(w2.records[0].out_kind, LEDGER_VERIFIED);
    stop();
}

TEST(a_holder_of_ours_that_does_not_go_on_is_ended)
{
    char text[400];
    int64_t before;

    if (!started())
        return;
    read_positions(&w1);
    snprintf(text, sizeof(text),
             "INSERT INTO tidemill.transactions_1 (accepted_at, off, chain,"
             " log, partition, hash, sender, amount, signature, payload)"
             " VALUES (1, 9, %lld, 1, 1, convert_to(repeat('A', 32), 'UTF8'),"
             " 's', 1, 's', 'p')",
             (long long)chain.number);
    hold("tidemill-verifier/there/7", text);
    before = clock_ms();
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    EXPECT(clock_ms() - before >= 250);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.downs, 0);
    let_go();
    stop();
}

/* w2 waits for the holder, w1 for w2: only the holder may be ended. */
TEST(a_waiter_of_ours_is_not_ended_for_the_holder)
{
    if (!started())
        return;
    open_writer_as(&w2, "tidemill-verifier/here/2", 300);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 1, 0, "r"), LEDGER_WRITTEN);
    read_positions(&w2);
    EXPECT_INT(store(&w2, 1, 1, "r"), LEDGER_WRITTEN);
    hold("tidemill-verifier/there/7",
         "UPDATE tidemill.announced SET announced = 1 WHERE partition = 2");
    begin_batch(&w2);
    add(&w2, 2, 0, "A");
    w2.announced[0] = (struct ledger_announced){2, 2, -1};
    w2.batch.announced_count = 1;
    send_batch(&w2);
    (void)loop_run_until(loop, &w2.done, 100);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    EXPECT_INT(written(&w2), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.downs + w2.downs, 0);
    let_go();
    stop();
}

TEST(a_holder_that_is_not_ours_is_waited_for_and_then_said)
{
    if (!started())
        return;
    read_positions(&w1);
    hold("somebody", LEAF_SQL_LOCK_EXCLUSIVE);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_OUTAGE);
    EXPECT_TEXT(w1.result.sqlstate, "55P03");
    let_go();
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    stop();
}

TEST(an_ended_connection_is_unknown_and_everything_is_read_again)
{
    if (!started())
        return;
    sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_sleep(30); RETURN NULL; END $$;"
        "CREATE TRIGGER slow AFTER INSERT ON tidemill.batches_1"
        " FOR EACH ROW EXECUTE FUNCTION slow()");
    read_positions(&w1);
    begin_batch(&w1);
    add(&w1, 0, 0, "A");
    send_batch(&w1);
    (void)loop_run_until(loop, &w1.done, 150);
    EXPECT_TEXT(sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'tidemill-verifier/here/1'"
                    " AND state = 'active'"),
                "t");
    EXPECT_INT(written(&w1), LEDGER_UNKNOWN);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_UNKNOWN); /* still down */
    sql("DROP TRIGGER slow ON tidemill.batches_1");
    while (w1.ups < 2) {
        w1.done = false;
        EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    }
    EXPECT_INT(w1.downs, 1);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_STALE);
    read_positions(&w1);
    EXPECT_INT(w1.positions[0].position, 0);
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    stop();
}

TEST(a_record_that_the_database_refuses_is_bad_data)
{
    if (!started())
        return;
    sql("ALTER TABLE tidemill.transactions_1 ADD CHECK"
        " (hash <> convert_to(repeat('!', 32), 'UTF8'))");
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "A!B"), LEDGER_BAD_DATA);
    EXPECT_TEXT(w1.result.sqlstate, "23514");
    EXPECT_TEXT(sql(COUNT_ALL), "0|0|0|0|0");
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    EXPECT_INT(store(&w1, 0, 1, "!"), LEDGER_BAD_DATA);
    EXPECT_INT(store(&w1, 0, 1, "qB"), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(COUNT_ALL), "2|0|0|1|2");
    stop();
}

TEST(a_table_that_is_not_as_it_should_be_is_an_outage)
{
    if (!started())
        return;
    read_positions(&w1);
    sql("ALTER TABLE tidemill.leaves RENAME COLUMN live_id TO gone");
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_OUTAGE);
    EXPECT_TEXT(w1.result.sqlstate, "42703");
    sql("ALTER TABLE tidemill.leaves RENAME COLUMN gone TO live_id");
    EXPECT_INT(store(&w1, 0, 0, "A"), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(COUNT_ALL), "1|0|0|0|1");
    stop();
}

TEST(a_row_above_the_position_is_never_quarantined_away)
{
    if (!started())
        return;
    read_positions(&w1);
    sql("INSERT INTO tidemill.rejections_1 (accepted_at, off, chain, log,"
        " partition, reason, payload_sha256) VALUES (1, 0, 1, 1, 0, 'x', 'y')");
    EXPECT_INT(store(&w1, 0, 0, "r"), LEDGER_OUTAGE);
    EXPECT_TEXT(w1.result.sqlstate, "23505");
    stop();
}

TEST(its_own_row_counts_as_what_it_is)
{
    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "AB"), LEDGER_WRITTEN);
    /* The ledger row is lost and the rows are not: an operator's hand. */
    sql("DELETE FROM tidemill.batches_1");
    EXPECT_INT(store(&w1, 0, 0, "AB"), LEDGER_WRITTEN);
    EXPECT_INT(w1.records[0].out_kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.records[1].out_kind, LEDGER_VERIFIED);
    EXPECT_TEXT(sql(COUNT_ALL), "2|0|0|0|1");
    stop();
}

static void on_rows(void *arg, int rc, const struct ledger_row *rows,
                    size_t count)
{
    struct writer *w = arg;

    w->rc = rc;
    if (rc == 0)
        memcpy(w->rows, rows, count * sizeof(*rows));
    w->done = true;
}

static struct ledger_row_query query(int32_t partition, int64_t offset,
                                     char what)
{
    struct ledger_row_query q = {.partition = partition,
                                 .offset = offset,
                                 .has_hash = what >= 'A' && what <= 'Z',
                                 .chain = chain.number};

    memset(q.hash, what, sizeof(q.hash));
    return q;
}

TEST(rows_are_found_in_any_table_of_any_leaf)
{
    struct ledger_row_query q[8];

    if (!started())
        return;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "ArAq"), LEDGER_WRITTEN);
    flip(1);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 4, "BA"), LEDGER_WRITTEN);
    q[0] = query(0, 5, 'A');
    q[1] = query(0, 0, 'A');
    q[2] = query(0, 1, 'r');
    q[3] = query(0, 2, 'A');
    q[4] = query(0, 3, 'q');
    q[5] = query(0, 4, 'B');
    q[6] = query(0, 77, 'A'); /* the transaction, but not this record */
    q[7] = query(1, 0, 'r');
    w1.done = false;
    ledger_rows(w1.l, q, 8, on_rows, &w1);
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT_INT(w1.rc, 0);
    EXPECT_INT(w1.rows[0].kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.rows[0].of.offset, 0);
    EXPECT_INT(w1.rows[1].kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.rows[2].kind, LEDGER_REJECTED);
    EXPECT_INT(w1.rows[3].kind, LEDGER_DUPLICATE);
    EXPECT_INT(w1.rows[4].kind, LEDGER_QUARANTINED);
    EXPECT_INT(w1.rows[5].kind, LEDGER_VERIFIED);
    EXPECT_INT(w1.rows[6].kind, LEDGER_NO_ROW);
    EXPECT_INT(w1.rows[7].kind, LEDGER_NO_ROW);
    stop();
}

/* ---- a replay ---- */

/* Fills holes of partition 0 as replay 1, from where it is believed to be. */
static enum ledger_outcome refill(struct writer *w, int64_t next,
                                  int64_t announced, int64_t from,
                                  const char *what, int64_t to)
{
    struct ledger_replay r = {1, next, announced, to, from};

    begin_batch(w);
    add(w, 0, from, what);
    w->batch.range_count = 0;
    w->batch.replay = &r;
    send_batch(w);
    return written(w);
}

static bool started_with_holes(void)
{
    if (!started())
        return false;
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 0, "ABrC"), LEDGER_WRITTEN);
    sql("DELETE FROM tidemill.transactions_1 WHERE off = 1;"
        "DELETE FROM tidemill.rejections_1;"
        "INSERT INTO tidemill.replays (log, partition, from_off, to_off,"
        " next_off, announced) VALUES (1, 0, 0, 4, 0, 0)");
    return true;
}

#define REPLAY "SELECT next_off, announced FROM tidemill.replays"

TEST(a_replay_moves_itself_and_not_the_ledger)
{
    if (!started_with_holes())
        return;
    EXPECT_INT(refill(&w1, 0, 0, 1, "Br", 4), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(COUNT_ALL), "3|1|0|0|1");
    EXPECT_TEXT(sql(REPLAY), "4|1");
    EXPECT_TEXT(sql("SELECT off FROM tidemill.transactions ORDER BY 1"),
                "0\n1\n3");
    read_positions(&w1);
    EXPECT_INT(w1.positions[0].position, 4);
    stop();
}

TEST(a_replay_that_stands_elsewhere_writes_nothing)
{
    if (!started_with_holes())
        return;
    EXPECT_INT(refill(&w1, 1, 0, 1, "Br", 4), LEDGER_FENCED);
    read_positions(&w1);
    EXPECT_INT(refill(&w1, 0, 1, 1, "Br", 4), LEDGER_FENCED);
    read_positions(&w1);
    sql("UPDATE tidemill.replays SET id = DEFAULT");
    EXPECT_INT(refill(&w1, 0, 0, 1, "Br", 4), LEDGER_FENCED);
    EXPECT_TEXT(sql(COUNT_ALL), "2|0|0|0|1");
    EXPECT_TEXT(sql(REPLAY), "0|0");
    stop();
}

/* Its row had been there and has expired: another one would be its second. */
TEST(a_replay_never_writes_below_a_dropped_leaf)
{
    if (!started_with_holes())
        return;
    flip(1);
    sql("UPDATE tidemill.leaves SET state = 'dropping' WHERE leaf = 1");
    read_positions(&w1);
    EXPECT_INT(refill(&w1, 0, 0, 1, "Br", 4), LEDGER_FENCED);
    read_positions(&w1);
    EXPECT_INT(store(&w1, 0, 4, "D"), LEDGER_WRITTEN);
    sql("DELETE FROM tidemill.transactions_2;"
        "UPDATE tidemill.replays SET to_off = 5");
    EXPECT_INT(refill(&w1, 0, 0, 4, "D", 5), LEDGER_WRITTEN);
    EXPECT_TEXT(sql(REPLAY), "5|4");
    stop();
}

TEST(of_two_processes_of_a_replay_one_is_fenced)
{
    struct ledger_replay r = {1, 0, 0, 4, 1};

    if (!started_with_holes())
        return;
    open_writer(&w2);
    read_positions(&w2);
    for (int i = 0; i < 2; i++) {
        struct writer *w = i == 0 ? &w1 : &w2;

        begin_batch(w);
        add(w, 0, 1, "Br");
        w->batch.range_count = 0;
        w->batch.replay = &r;
        send_batch(w);
    }
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT(loop_run_until(loop, &w2.done, WAIT_MS));
    EXPECT((w1.result.outcome == LEDGER_WRITTEN) !=
           (w2.result.outcome == LEDGER_WRITTEN));
    EXPECT((w1.result.outcome == LEDGER_FENCED) !=
           (w2.result.outcome == LEDGER_FENCED));
    EXPECT_TEXT(sql(COUNT_ALL), "3|1|0|0|1");
    stop();
}

TEST(announced_is_raised_and_never_lowered)
{
    struct ledger_announced up[2] = {{0, 5, 50}, {3, 130, 60}};
    struct ledger_announced down[1] = {{0, 3, 40}};

    if (!started())
        return;
    ledger_raise(w1.l, up, 2);
    ledger_raise(w1.l, down, 1);
    read_positions(&w1);
    EXPECT_INT(w1.positions[0].announced, 5);
    EXPECT_INT(w1.positions[0].results_offset, 50);
    EXPECT_INT(w1.positions[3].announced, 130);
    stop();
}

static void on_log(void *arg, int rc, const struct ledger_log *log)
{
    struct writer *w = arg;

    w->rc = rc;
    if (rc == 0)
        w->log = *log;
    w->done = true;
}

TEST(the_newest_number_of_a_topic_is_its_log)
{
    if (!started())
        return;
    sql("INSERT INTO tidemill.logs (log, topic, partitions, chain, rules)"
        " VALUES (3, 'tx.submitted', 12, 'jws', 1)");
    w1.done = false;
    ledger_log(w1.l, "tx.submitted", on_log, &w1);
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT_INT(w1.rc, 0);
    EXPECT_INT(w1.log.log, 3);
    EXPECT_INT(w1.log.partitions, 12);
    EXPECT_INT(w1.log.rules, 1);
    EXPECT_TEXT(w1.log.chain, "jws");
    EXPECT_TEXT(w1.log.cluster_id, "");
    w1.done = false;
    ledger_log(w1.l, "nowhere", on_log, &w1);
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT_INT(w1.rc, FAIL_NOT_FOUND);
    stop();
}

TEST(a_database_without_tables_is_waited_for)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = url,
                               .application_name = "tidemill-verifier/x/1"};
    bool never = false;

    if (!start())
        return;
    EXPECT_INT(loop_open(&loop), 0);
    memset(&w1, 0, sizeof(w1));
    EXPECT_INT(ledger_open(loop, &o, &events, &w1, &w1.l), 0);
    (void)loop_run_until(loop, &never, 300);
    EXPECT_INT(w1.ups, 0);
    EXPECT(strstr(ledger_why(w1.l), "tidemill init") != NULL);
    prepare();
    EXPECT(loop_run_until(loop, &w1.done, WAIT_MS));
    EXPECT_INT(w1.ups, 1);
    stop();
}

TEST(a_newer_database_is_refused)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = url,
                               .application_name = "tidemill-verifier/x/1"};
    bool never = false;

    if (!start())
        return;
    prepare();
    sql("INSERT INTO tidemill.schema_version VALUES (9, 9, 'later', 0)");
    EXPECT_INT(loop_open(&loop), 0);
    memset(&w1, 0, sizeof(w1));
    EXPECT_INT(ledger_open(loop, &o, &events, &w1, &w1.l), 0);
    (void)loop_run_until(loop, &never, 300);
    EXPECT_INT(w1.ups, 0);
    EXPECT(strstr(ledger_why(w1.l), "newer") != NULL);
    stop();
}
