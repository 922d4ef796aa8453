/*
 * tests/bench/bench_insert.c: a row in PostgreSQL beside the same row by COPY.
 *
 * Ours: ledger_write() in batches of 500, as the verifier writes: look at the
 * leaf, insert, ledger row, commit. Bare: COPY BINARY of exactly these rows,
 * 500 a transaction, into a table made LIKE the leaf, with all its indexes.
 * What is measured is the CPU time of the server process that does it.
 *
 *      bench_insert DATABASE_URL     an empty database; its tables are made
 * here
 *
 * From: tests/bench/run.
 * To:   verifier/ledger.c and the database.
 */
#include <libpq-fe.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "schemas/hash.h"
#include "schemas/migration.h"
#include "tests/bench/rounds.h"
#include "verifier/judge.h"
#include "verifier/ledger.h"

#define BATCH 500
#define BATCHES 60 /* a round */
#define ROWS (BATCH * BATCHES)
#define PAYLOAD 115
#define NAME "tidemill-verifier/bench/1"
#define COPY_HEAD 19

static PGconn *pg;
static struct loop *loop;
static struct ledger *ledger;
static bool up, done;
static struct chain chain;

static struct row {
    struct verdict verdict;
    uint8_t payload[PAYLOAD];
    uint8_t recipient[20];
    uint8_t key[36];
} rows[BATCH];
static struct ledger_record records[BATCH];

/* ---- the database, asked directly ---- */

static PGresult *sql(const char *text)
{
    PGresult *r = PQexec(pg, text);
    ExecStatusType s = PQresultStatus(r);

    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_COPY_OUT &&
        s != PGRES_COPY_IN) {
        fprintf(stderr, "%s: %s", text, PQerrorMessage(pg));
        exit(1);
    }
    return r;
}

static void run(const char *text)
{
    PQclear(sql(text));
}

static int number(const char *text)
{
    PGresult *r = sql(text);
    int n = PQntuples(r) > 0 ? atoi(PQgetvalue(r, 0, 0)) : 0;

    PQclear(r);
    return n;
}

static void prepare_tables(void)
{
    for (size_t i = 0; i < migrations_count; i++)
        run(migrations[i].sql);
    run("INSERT INTO tidemill.schema_version VALUES (2, 1, 'bench', 0)");
    run("INSERT INTO tidemill.logs (log, topic, cluster_id, partitions, chain,"
        " rules) VALUES (1, 'bench', 'c', 1, 'eip155:1', 2)");
    run("SELECT tidemill.plant(1, '{0}', '{0}')");
    run("CREATE TABLE copied (LIKE tidemill.transactions_1 INCLUDING ALL)");
}

/* CPU time of a server process, to the nanosecond. */
static double server_us(int pid)
{
    char path[64];
    unsigned long long ns = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    file = fopen(path, "r");
    CHECK(file != NULL && fscanf(file, "%llu", &ns) == 1);
    fclose(file);
    return (double)ns / 1000;
}

/* ---- ours ---- */

static void on_up(void *arg)
{
    (void)arg;
    up = true;
}

static void on_down(void *arg, const char *why)
{
    (void)arg;
    fprintf(stderr, "the connection went: %s\n", why);
    exit(1);
}

static void on_positions(void *arg, int rc, const struct ledger_position *p,
                         size_t count)
{
    (void)arg;
    CHECK(rc == 0 && count == 1 && p->known && p->position == 0);
    done = true;
}

static void on_written(void *arg, const struct ledger_result *r)
{
    (void)arg;
    if (r->outcome != LEDGER_WRITTEN) {
        fprintf(stderr, "not written: %s %s\n", r->sqlstate, r->why);
        exit(1);
    }
    done = true;
}

static void wait_for(bool *what)
{
    CHECK(loop_run_until(loop, what, 60000));
    *what = false;
}

static void open_ledger(const char *url)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = url, .application_name = NAME, .log = 1};
    int32_t partition = 0;

    CHECK(ledger_open(loop, &o, &events, NULL, &ledger) == 0);
    wait_for(&up);
    ledger_positions(ledger, &partition, 1, on_positions, NULL);
    wait_for(&done);
}

/* A row as random as a real one, and as long. */
static void make_row(int i, int64_t offset)
{
    struct row *r = &rows[i];
    struct transaction *tx = &r->verdict.tx;
    uint32_t random;

    memset(tx, 0, sizeof(*tx));
    CHECK(hash_random(r->payload, PAYLOAD) == 0 &&
          hash_random(tx->id, 32) == 0 &&
          hash_random((uint8_t *)&random, sizeof(random)) == 0);
    r->verdict.verified = true;
    tx->has_id = tx->id_covers_all = tx->has_nonce = true;
    tx->nonce = (uint64_t)offset / 1000;
    tx->canonical = bytes_of(r->payload, PAYLOAD);
    random %= 1000;
    hash_sha256(bytes_of(&random, 4), tx->sender);
    tx->sender_count = 20;
    random = (random * 7 + 1) % 1000;
    uint8_t hash[32];
    hash_sha256(bytes_of(&random, 4), hash);
    memcpy(r->recipient, hash, 20);
    tx->recipient = bytes_of(r->recipient, 20);
    memcpy(tx->amount + 24, r->payload, 7);
    memcpy(tx->signature, r->payload, 65);
    tx->signature_count = 65;
    record_key(&chain, tx->id, r->key);
    records[i] = (struct ledger_record){.offset = offset,
                                        .append_ms = 1763720000000 + offset,
                                        .key = bytes_of(r->key, 36),
                                        .value = tx->canonical,
                                        .chain = &chain,
                                        .verdict = &r->verdict};
}

static double ours(int pid, int64_t *offset)
{
    double used = 0, before;

    for (int b = 0; b < BATCHES; b++) {
        struct ledger_range range = {.from = *offset, .to = *offset + BATCH};
        struct ledger_batch batch = {.records = records,
                                     .count = BATCH,
                                     .ranges = &range,
                                     .range_count = 1};
        for (int i = 0; i < BATCH; i++)
            make_row(i, (*offset)++);
        before = server_us(pid);
        ledger_write(ledger, &batch, on_written, NULL);
        wait_for(&done);
        used += server_us(pid) - before;
    }
    return used / ROWS;
}

/* ---- bare ---- */

/* The rows of [from, from + ROWS) as COPY BINARY wrote them, one slice each. */
struct copied {
    char head[COPY_HEAD];
    char *rows[ROWS];
    int counts[ROWS];
    int count;
};

static void fetch(int64_t from, struct copied *out)
{
    char text[256], *line;
    int count;

    snprintf(
        text, sizeof(text),
        "COPY (SELECT * FROM tidemill.transactions_1 WHERE off >= %lld AND "
        "off < %lld) TO STDOUT (FORMAT binary)",
        (long long)from, (long long)from + ROWS);
    PQclear(sql(text));
    out->count = 0;
    while ((count = PQgetCopyData(pg, &line, 0)) > 0) {
        char *at = line;
        if (out->count == 0) {
            memcpy(out->head, at, COPY_HEAD);
            at += COPY_HEAD;
            count -= COPY_HEAD;
        }
        /* The trailer is two bytes of ff. */
        if (count > 2) {
            CHECK(out->count < ROWS);
            out->rows[out->count] = malloc((size_t)count);
            CHECK(out->rows[out->count] != NULL);
            memcpy(out->rows[out->count], at, (size_t)count);
            out->counts[out->count++] = count;
        }
        PQfreemem(line);
    }
    CHECK(count == -1 && out->count == ROWS);
    while (PQgetResult(pg) != NULL)
        ;
}

static double bare(const struct copied *c)
{
    int pid = PQbackendPID(pg);
    double before = server_us(pid);

    for (int b = 0; b < BATCHES; b++) {
        run("BEGIN");
        PQclear(sql("COPY copied FROM STDIN (FORMAT binary)"));
        CHECK(PQputCopyData(pg, c->head, COPY_HEAD) == 1);
        for (int i = b * BATCH; i < (b + 1) * BATCH; i++)
            CHECK(PQputCopyData(pg, c->rows[i], c->counts[i]) == 1);
        CHECK(PQputCopyData(pg, "\xff\xff", 2) == 1 &&
              PQputCopyEnd(pg, NULL) == 1);
        for (PGresult *r; (r = PQgetResult(pg)) != NULL; PQclear(r))
            CHECK(PQresultStatus(r) == PGRES_COMMAND_OK);
        run("COMMIT");
    }
    return (server_us(pid) - before) / ROWS;
}

static void drop(struct copied *c)
{
    for (int i = 0; i < c->count; i++)
        free(c->rows[i]);
}

int main(int argc, char **argv)
{
    static struct copied copied;
    double b[ROUNDS], o[ROUNDS];
    int64_t offset = 0;
    int pid;

    CHECK(argc == 2 && log_configure("error", "text") == 0 &&
          loop_open(&loop) == 0 &&
          chain_parse(BYTES_LITERAL("eip155:1"), &chain) == 0);
    pg = PQconnectdb(argv[1]);
    if (PQstatus(pg) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(pg));
        return 1;
    }
    prepare_tables();
    open_ledger(argv[1]);
    pid = number(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '" NAME "'");
    CHECK(pid > 0);
    for (int r = 0; r < ROUNDS; r++) {
        o[r] = ours(pid, &offset);
        fetch(offset - ROWS, &copied);
        b[r] = bare(&copied);
        drop(&copied);
    }
    CHECK(number("SELECT count(*) FROM tidemill.transactions_1") ==
          number("SELECT count(*) FROM copied"));
    rounds_print("insert", b, o);
    ledger_close(ledger);
    loop_close(loop);
    PQfinish(pg);
    return 0;
}
