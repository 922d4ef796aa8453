/*
 * verifier/ledger.c: the connection, and one call after the other on it.
 *
 * Nothing of one call may run inside another's transaction, so calls wait in a
 * queue and each starts at the end of a turn in which the one before was over.
 *
 *   connected -> is the schema ours? -> up() ... calls ... -> lost
 *       ^            no: ask again in a second                  |
 *       +---- every call fails, then down() <-------------------+
 *
 * From: verifier/pipeline.c and its parts.
 * To:   verifier/ledger_read.c and ledger_write.c, which carry calls out.
 */
#include "verifier/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"
#include "verifier/ledger_inside.h"

#define FLIGHT_MS 10000
#define LOCK_MS 2000
#define AGE_MS 600000
#define TICK_MS 1000
#define CALLS_MAX 256

static void on_state(void *arg, enum postgres_state state, const char *why);
static void on_hook(void *arg);
static void on_tick(void *arg);
static void on_lock_timer(void *arg);

void ledger_note_why(struct ledger *l, const char *why)
{
    snprintf(l->why, sizeof(l->why), "%s", why);
}

int ledger_flight_ms(const struct ledger *l)
{
    return l->options.flight_ms;
}

static void set_defaults(struct ledger_options *o)
{
    if (o->flight_ms == 0)
        o->flight_ms = FLIGHT_MS;
    if (o->lock_ms == 0)
        o->lock_ms = LOCK_MS;
    if (o->age_ms == 0)
        o->age_ms = AGE_MS;
}

/*
 * The server gives a lock wait up only after we had time to end the blocker:
 * its timer is the net, ours is the rule.
 */
static int open_connection(struct ledger *l)
{
    struct postgres_options o = {.url = l->options.url,
                                 .application_name =
                                     l->options.application_name,
                                 .session_sql = l->session_sql,
                                 .read_write = true,
                                 .connect_ms = l->options.connect_ms,
                                 .age_ms_max = l->options.age_ms,
                                 .name = "ledger"};

    snprintf(l->session_sql, sizeof(l->session_sql), "%s SET lock_timeout = %d",
             LEAF_SQL_SESSION, l->options.lock_ms + 2000);
    return postgres_open(l->loop, &o, on_state, l, &l->pg);
}

static void open_parts(struct ledger *l)
{
    int i;

    for (i = 0; i < LEDGER_COLUMNS_KINDS; i++)
        ledger_columns_init(&l->columns[i], (enum ledger_columns_kind)i);
    postgres_array_init(&l->chain_numbers, POSTGRES_INT8_ARRAY);
    postgres_array_init(&l->chain_names, POSTGRES_TEXT_ARRAY);
    buffer_init(&l->sql, 1 << 20);
    l->guard =
        ledger_guard_open(l->loop, l->options.url, l->options.application_name);
    l->hook = loop_hook_open(l->loop, "ledger.hook", on_hook, l);
    l->tick = loop_timer_open(l->loop, "ledger.tick", on_tick, l);
    l->lock_timer = loop_timer_open(l->loop, "ledger.lock", on_lock_timer, l);
    l->doubts = metric_counter("tidemill_ledger_doubts_total", NULL,
                               "batches whose rows did not add up");
    loop_timer_start(l->tick, TICK_MS, TICK_MS);
}

int ledger_open(struct loop *loop, const struct ledger_options *options,
                const struct ledger_events *events, void *arg,
                struct ledger **out_ledger)
{
    struct ledger *l = calloc(1, sizeof(*l));
    int rc;

    CHECK(l != NULL);
    l->loop = loop;
    l->options = *options;
    l->events = *events;
    l->arg = arg;
    l->log = options->log;
    set_defaults(&l->options);
    rc = open_connection(l);
    if (rc < 0) {
        free(l);
        return rc;
    }
    open_parts(l);
    *out_ledger = l;
    return 0;
}

static void free_call(struct ledger_call *c)
{
    if (c == NULL)
        return;
    free(c->partitions);
    free(c->positions);
    free(c->queries);
    free(c->rows);
    free(c->order);
    free(c->announced);
    free(c);
}

static struct ledger_call *take_first(struct ledger *l)
{
    struct ledger_call *c = l->first;

    l->first = c->next;
    if (l->first == NULL)
        l->last = NULL;
    l->waiting--;
    return c;
}

void ledger_close(struct ledger *l)
{
    int i;

    if (l == NULL)
        return;
    postgres_close(l->pg);
    ledger_guard_close(l->guard);
    loop_hook_close(l->hook);
    loop_timer_close(l->tick);
    loop_timer_close(l->lock_timer);
    while (l->first != NULL)
        free_call(take_first(l));
    free_call(l->call);
    for (i = 0; i < LEDGER_COLUMNS_KINDS; i++)
        ledger_columns_fini(&l->columns[i]);
    postgres_array_fini(&l->chain_numbers);
    postgres_array_fini(&l->chain_names);
    buffer_fini(&l->sql);
    ledger_plan_fini(&l->plan);
    ledger_leaves_fini(&l->leaves);
    free(l);
}

/* ---- up and down ------------------------------------------------------ */

static const char schema_sql[] =
    "SELECT max(version)::int4, max(oldest_reader)::int4"
    " FROM tidemill.schema_version";

static void on_schema(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;
    int version = postgres_cell_i32(a, 0, 0, 0);
    int oldest = postgres_cell_i32(a, 0, 1, 0);

    if (a->outcome == POSTGRES_LOST)
        return;
    if (version < LEAF_SCHEMA_VERSION) {
        ledger_note_why(l,
                        "its tables are missing or older: run "
                        "`tidemill init` or `tidemill migrate`");
        return;
    }
    if (oldest > LEAF_SCHEMA_VERSION) {
        ledger_note_why(l, "its tables are newer than this program reads");
        log_error("ledger.schema", "version=%d oldest_reader=%d ours=%d",
                  version, oldest, LEAF_SCHEMA_VERSION);
        return;
    }
    if (l->up)
        return;
    l->up = true;
    ledger_note_why(l, "");
    l->events.up(l->arg);
}

static void ask_schema(struct ledger *l)
{
    postgres_once(l->pg, schema_sql, NULL, 0, on_schema, l);
    postgres_sync(l->pg, l->options.flight_ms);
}

static void forget(struct ledger *l)
{
    l->known = false;
    l->live_id_known = false;
    l->chain_count = 0;
    ledger_leaves_clear(&l->leaves);
}

static void fail_call(struct ledger *l, struct ledger_call *c)
{
    struct ledger_result r = {LEDGER_UNKNOWN, "", l->why};

    switch (c->kind) {
    case CALL_LOG:
        c->done.log(c->arg, FAIL_UNREACHABLE, NULL);
        break;
    case CALL_POSITIONS:
        c->done.positions(c->arg, FAIL_UNREACHABLE, NULL, 0);
        break;
    case CALL_WRITE:
        c->done.write(c->arg, &r);
        break;
    case CALL_ROWS:
        c->done.rows(c->arg, FAIL_UNREACHABLE, NULL, 0);
        break;
    case CALL_RAISE:
        break;
    }
    free_call(c);
}

/* Only those that wait now: what they call in turn fails in a later turn. */
static void fail_waiting(struct ledger *l)
{
    size_t count = l->waiting;

    for (; count > 0; count--)
        fail_call(l, take_first(l));
    if (l->waiting > 0)
        loop_hook_arm(l->hook);
}

/* The call under way got its POSTGRES_LOST before this, and is over. */
static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct ledger *l = arg;
    bool was_up = l->up;

    l->connected = state == POSTGRES_UP;
    forget(l);
    if (l->connected) {
        ask_schema(l);
        return;
    }
    CHECK(l->call == NULL);
    ledger_note_why(l, why);
    l->up = false;
    fail_waiting(l);
    if (was_up)
        l->events.down(l->arg, l->why);
}

/* Every second: the schema that was missing, the age of what is idle. */
static void on_tick(void *arg)
{
    struct ledger *l = arg;

    if (!l->connected) {
        ledger_note_why(l, postgres_why(l->pg));
        return;
    }
    if (!l->up)
        ask_schema(l);
    else if (l->call == NULL)
        (void)postgres_renew_if_old(l->pg);
}

static void on_lock_timer(void *arg)
{
    struct ledger *l = arg;

    if (l->call == NULL || !postgres_up(l->pg))
        return;
    ledger_guard_end_blockers(l->guard, postgres_backend_pid(l->pg),
                              l->options.lock_ms);
}

/* ---- the queue of calls ----------------------------------------------- */

static void start_call(struct ledger *l)
{
    switch (l->call->kind) {
    case CALL_LOG:
        ledger_read_log(l);
        break;
    case CALL_POSITIONS:
        ledger_read_positions(l);
        break;
    case CALL_WRITE:
        ledger_write_start(l);
        break;
    case CALL_ROWS:
        ledger_read_rows(l);
        break;
    case CALL_RAISE:
        ledger_raise_start(l);
        break;
    }
}

/* Between two calls is between two transactions: the place to renew. */
static void on_hook(void *arg)
{
    struct ledger *l = arg;

    if (l->call != NULL)
        return;
    if (!l->connected) {
        fail_waiting(l);
        return;
    }
    /* A door that is about to say DOWN fails them then. */
    if (l->first == NULL || !postgres_up(l->pg) || postgres_renew_if_old(l->pg))
        return;
    l->call = take_first(l);
    start_call(l);
}

void ledger_call_over(struct ledger *l)
{
    free_call(l->call);
    l->call = NULL;
    loop_timer_stop(l->lock_timer);
    loop_hook_arm(l->hook);
}

static struct ledger_call *new_call(struct ledger *l, enum ledger_call_kind k,
                                    size_t count, void *arg)
{
    struct ledger_call *c = calloc(1, sizeof(*c));

    CHECK(c != NULL && l->waiting < CALLS_MAX);
    c->kind = k;
    c->count = count;
    c->arg = arg;
    if (l->last != NULL)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
    l->waiting++;
    loop_hook_arm(l->hook);
    return c;
}

/* malloc(0) may be NULL; a copy never is. */
static void *copy_of(const void *from, size_t count, size_t each)
{
    void *to = calloc(count + 1, each);

    CHECK(to != NULL);
    if (count > 0)
        memcpy(to, from, count * each);
    return to;
}

void ledger_log(struct ledger *l, const char *topic, ledger_log_fn done,
                void *arg)
{
    struct ledger_call *c = new_call(l, CALL_LOG, 0, arg);

    c->topic = topic;
    c->done.log = done;
}

void ledger_use_log(struct ledger *l, int log)
{
    l->log = log;
}

void ledger_positions(struct ledger *l, const int32_t *partitions, size_t count,
                      ledger_positions_fn done, void *arg)
{
    struct ledger_call *c = new_call(l, CALL_POSITIONS, count, arg);

    CHECK(count <= LEDGER_RANGES_MAX);
    c->partitions = copy_of(partitions, count, sizeof(*partitions));
    c->done.positions = done;
}

void ledger_write(struct ledger *l, struct ledger_batch *b,
                  ledger_write_fn done, void *arg)
{
    struct ledger_call *c = new_call(l, CALL_WRITE, b->count, arg);

    CHECK(b->range_count <= LEDGER_RANGES_MAX);
    CHECK((b->range_count > 0) != (b->replay != NULL));
    c->batch = b;
    c->done.write = done;
}

void ledger_rows(struct ledger *l, const struct ledger_row_query *queries,
                 size_t count, ledger_rows_fn done, void *arg)
{
    struct ledger_call *c = new_call(l, CALL_ROWS, count, arg);

    CHECK(count <= LEDGER_RECORDS_MAX);
    c->queries = copy_of(queries, count, sizeof(*queries));
    c->done.rows = done;
}

void ledger_raise(struct ledger *l, const struct ledger_announced *announced,
                  size_t count)
{
    struct ledger_call *c;

    if (count == 0)
        return;
    CHECK(count <= LEDGER_RANGES_MAX);
    c = new_call(l, CALL_RAISE, count, NULL);
    c->announced = copy_of(announced, count, sizeof(*announced));
}

bool ledger_ready(const struct ledger *l)
{
    return l->up && l->known;
}

int ledger_live_leaf(const struct ledger *l)
{
    return l->known ? l->leaves.live : 0;
}

const char *ledger_why(const struct ledger *l)
{
    return l->why;
}
