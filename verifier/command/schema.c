/*
 * verifier/command/schema.c: brings the tables to this release.
 *
 * A migration and the note that it was applied are one transaction, so a crash
 * leaves both or neither. An advisory lock keeps two migrations apart.
 *
 * From: verifier/command/init.c, `tidemill migrate`.
 * To:   schemas/sql, embedded in this program.
 */
#include "verifier/command/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/command.h"
#include "schemas/base/bytes.h"
#include "schemas/base/fail.h"
#include "schemas/migration.h"
#include "verifier/command/step.h"

#define LOCK "SELECT pg_advisory_xact_lock(29805, 1)"
#define READ                                                                   \
    "SELECT version, oldest_reader FROM tidemill.schema_version "              \
    "ORDER BY version DESC LIMIT 1"

int schema_newest(void)
{
    return migrations[migrations_count - 1].number;
}

static void take_state(void *arg, const struct postgres_answer *a)
{
    struct schema_state *s = arg;

    if (a->rows == 0)
        return;
    s->version = postgres_cell_i32(a, 0, 0, 0);
    s->oldest_reader = postgres_cell_i32(a, 0, 1, 0);
}

int schema_read(struct database *db, struct schema_state *out)
{
    struct schema_state s = {0, 0};
    int rc = database_run(db, READ, NULL, 0, take_state, &s);

    /* No such schema or table yet: nothing was ever applied. */
    if (rc == FAIL_BROKEN && (strcmp(database_sqlstate(db), "42P01") == 0 ||
                              strcmp(database_sqlstate(db), "3F000") == 0))
        rc = 0;
    if (rc == 0)
        *out = s;
    return rc;
}

/* The first line may say `-- oldest reader: N`; otherwise it stays as it is. */
static int oldest_reader(const struct migration *m, int before)
{
    static const char mark[] = "-- oldest reader: ";

    if (strncmp(m->sql, mark, sizeof(mark) - 1) != 0)
        return before;
    return atoi(m->sql + sizeof(mark) - 1);
}

static int apply(struct database *db, const struct migration *m,
                 struct schema_state *state)
{
    struct buffer script;
    int reader = oldest_reader(m, state->oldest_reader), rc;

    buffer_init(&script, 4 << 20);
    /* When somebody applied it while we waited for the lock, its tables exist:
     * it fails as a whole, and nothing of it happens twice. */
    buffer_append_format(
        &script,
        "BEGIN; " LOCK
        "; %s\n"
        "INSERT INTO tidemill.schema_version VALUES (%d, %d, '%s', "
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint); COMMIT;",
        m->sql, m->number, reader, m->name);
    CHECK(!script.overflow);
    rc = database_script(db, buffer_text(&script));
    buffer_fini(&script);
    if (rc < 0) {
        char why[512];

        snprintf(why, sizeof(why), "%s", database_why(db));
        rc = database_script(db, "ROLLBACK") < 0 ? FAIL_UNREACHABLE : rc;
        command_fail(0, "migration %s: %s", m->name, why);
        return rc;
    }
    step_count("migration", m->number, "applied %s", m->name);
    state->version = m->number;
    state->oldest_reader = reader;
    return 0;
}

int schema_migrate(struct database *db)
{
    struct schema_state state;
    size_t i;
    int rc, applied = 0;

    rc = schema_read(db, &state);
    if (rc < 0) {
        command_fail(0, "postgresql: %s", database_why(db));
        return rc;
    }
    if (state.oldest_reader > schema_newest()) {
        command_fail(0,
                     "the database is at version %d and wants programs of "
                     "version %d; this one is %d",
                     state.version, state.oldest_reader, schema_newest());
        return FAIL_VERSION;
    }
    for (i = 0; i < migrations_count; i++) {
        if (migrations[i].number <= state.version)
            continue;
        rc = apply(db, &migrations[i], &state);
        if (rc < 0)
            return rc;
        applied++;
    }
    return applied;
}

int schema_require(struct database *db)
{
    struct schema_state state;
    int rc = schema_read(db, &state);

    if (rc < 0)
        return command_fail(command_exit_code(rc), "postgresql: %s",
                            database_why(db));
    if (state.oldest_reader > schema_newest())
        return command_fail(COMMAND_CONFIG,
                            "the tables are of version %d, newer than this "
                            "release can read",
                            state.version);
    if (state.version < schema_newest())
        return command_fail(COMMAND_CONFIG,
                            "the tables are of version %d and this release "
                            "needs %d: run `tidemill migrate`",
                            state.version, schema_newest());
    return 0;
}
