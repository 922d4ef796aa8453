/*
 * schemas/base/check.c: what happens when our own assumption is wrong.
 *
 * One line to standard error, then abort(): no cleanup is tried, since the
 * state is not what we think it is.
 *
 * From: everywhere.
 * To:   the supervisor, which starts the process again.
 */
#include "schemas/base/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "check.failed file=%s line=%d condition=\"%s\"\n", file,
            line, condition);
    abort();
}

void *check_magic(void *pointer, unsigned magic, const char *file, int line)
{
    uint32_t found = 0;

    if (pointer != NULL)
        memcpy(&found, pointer, sizeof(found));
    if (found != magic)
        check_failed(file, line, "the object is what the library was given");
    return pointer;
}
