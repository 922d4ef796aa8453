/*
 * schemas/migration.h: the numbered SQL files of schemas/sql, embedded.
 *
 * A migration is never changed once released: to change the tables, add the
 * next number. Each is additive, so that the previous release's programs go on
 * reading; its first line may carry `-- oldest reader: N` (see
 * schemas/sql/README.md).
 */
#ifndef SCHEMAS_MIGRATION_H
#define SCHEMAS_MIGRATION_H

#include <stddef.h>

struct migration {
    int number;       /* 1, 2, 3, ... without a hole */
    const char *name; /* the file's name without ".sql" */
    const char *sql;  /* its text, NUL-terminated */
};

extern const struct migration migrations[]; /* ends with number 0 */
extern const size_t migrations_count;

#endif
