/*
 * schemas/base/check.h: assertions that stay on in every build.
 *
 * CHECK() is for our own mistakes only: it stops the process, because the only
 * safe continuation after a broken invariant is a restart from what is durable.
 * What comes from outside is never CHECKed; it gets a verdict or a FAIL_ code.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_BASE_CHECK_H
#define SCHEMAS_BASE_CHECK_H

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (__builtin_expect(!(condition), 0))                                 \
            check_failed(__FILE__, __LINE__, #condition);                      \
    } while (0)

/* A result that must not be ignored. */
#define MUST_CHECK __attribute__((warn_unused_result))

/*
 * Turns a `void *` that came back from a library into the struct it is, and
 * stops the process if it is another. The struct's first member is
 * `uint32_t magic`, set to the value that the struct's name stands for.
 */
#define CHECKED_CAST(type, pointer, magic_value)                               \
    ((type *)check_magic((pointer), (magic_value), __FILE__, __LINE__))

/* Prints file, line and condition to standard error and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

/* The body of CHECKED_CAST: `pointer`, whose first word must be `magic`. */
void *check_magic(void *pointer, unsigned magic, const char *file, int line);

#endif
