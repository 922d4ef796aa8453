/*
 * consumer/base/postgres_param.c: single parameters, and numbers in answers.
 *
 * From: whoever queues a statement or reads an answer.
 * To:   consumer/base/postgres_answer.c, which knows the cells.
 */
#include <stdlib.h>
#include <string.h>

#include "consumer/base/postgres.h"

struct postgres_param postgres_i16(int16_t value, uint8_t at[8])
{
    at[0] = (uint8_t)((uint16_t)value >> 8);
    at[1] = (uint8_t)value;
    return (struct postgres_param){POSTGRES_INT2, bytes_of(at, 2)};
}

struct postgres_param postgres_i32(int32_t value, uint8_t at[8])
{
    bytes_put_be32(at, (uint32_t)value);
    return (struct postgres_param){POSTGRES_INT4, bytes_of(at, 4)};
}

struct postgres_param postgres_i64(int64_t value, uint8_t at[8])
{
    bytes_put_be64(at, (uint64_t)value);
    return (struct postgres_param){POSTGRES_INT8, bytes_of(at, 8)};
}

struct postgres_param postgres_bool(bool value, uint8_t at[8])
{
    at[0] = value;
    return (struct postgres_param){POSTGRES_BOOL, bytes_of(at, 1)};
}

struct postgres_param postgres_text(const char *value)
{
    struct bytes b = value == NULL ? BYTES_NONE : bytes_text(value);

    return (struct postgres_param){POSTGRES_TEXT, b};
}

struct postgres_param postgres_bytea(struct bytes value)
{
    return (struct postgres_param){POSTGRES_BYTEA, value};
}

int32_t postgres_cell_i32(const struct postgres_answer *a, int row, int col,
                          int32_t absent)
{
    struct bytes b = postgres_cell(a, row, col);

    if (b.data == NULL || b.count != 4)
        return absent;
    return (int32_t)bytes_get_be32(b.data);
}

int64_t postgres_cell_i64(const struct postgres_answer *a, int row, int col,
                          int64_t absent)
{
    struct bytes b = postgres_cell(a, row, col);

    if (b.data == NULL || b.count != 8)
        return absent;
    return (int64_t)bytes_get_be64(b.data);
}

bool postgres_cell_bool(const struct postgres_answer *a, int row, int col,
                        bool absent)
{
    struct bytes b = postgres_cell(a, row, col);

    return b.data == NULL || b.count != 1 ? absent : b.data[0] != 0;
}

const char *postgres_cell_text(const struct postgres_answer *a, int row,
                               int col)
{
    struct bytes b = postgres_cell(a, row, col);

    return b.data == NULL ? "" : (const char *)b.data;
}

/* "INSERT 0 500", "SELECT 3", "UPDATE 1": the last word, when a number. */
int64_t postgres_tag_count(const struct postgres_answer *a)
{
    const char *at = a->tag == NULL ? NULL : strrchr(a->tag, ' ');
    char *end;
    long long count;

    if (at == NULL)
        return -1;
    count = strtoll(at + 1, &end, 10);
    return end == at + 1 || *end != '\0' ? -1 : count;
}
