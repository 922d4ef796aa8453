/*
 * tests/support/harness.h: a test proves one sentence and is named for it.
 *
 *   TEST(window_resumes_at_the_first_gap) { EXPECT_INT(window_resume(w), 7); }
 *
 * A test program has no main() of its own. `--list` prints its tests, an
 * argument runs those whose name contains it. A failed expectation prints both
 * values and ends its test; the others still run. The last line is
 * "N passed, N failed".
 */
#ifndef TESTS_SUPPORT_HARNESS_H
#define TESTS_SUPPORT_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

typedef void (*test_fn)(void);

void harness_add(const char *name, test_fn run);

/* Each prints what was wanted and what was found, and ends the test. */
void harness_true(bool ok, const char *words, const char *file, int line);
void harness_int(long long found, long long wanted, const char *words,
                 const char *file, int line);
void harness_text(const char *found, const char *wanted, const char *words,
                  const char *file, int line);
void harness_bytes(struct bytes found, struct bytes wanted, const char *words,
                   const char *file, int line);

/*
 * The folder of third-party vectors: TIDEMILL_VECTORS, else ../shared/vectors.
 * NULL when it is not there: the test says so loudly with harness_absent() and
 * returns, and is counted as skipped.
 */
const char *harness_vectors(void);
void harness_absent(const char *what);

/* A whole file, NUL-terminated, free() it; NULL when it cannot be read. */
char *harness_read_file(const char *path, size_t *out_count);

#define TEST(name)                                                             \
    static void name(void);                                                    \
    __attribute__((constructor)) static void add_##name(void)                  \
    {                                                                          \
        harness_add(#name, name);                                              \
    }                                                                          \
    static void name(void)

#define EXPECT(condition)                                                      \
    harness_true((condition), #condition, __FILE__, __LINE__)
#define EXPECT_INT(found, wanted)                                              \
    harness_int((long long)(found), (long long)(wanted), #found, __FILE__,     \
                __LINE__)
#define EXPECT_TEXT(found, wanted)                                             \
    harness_text((found), (wanted), #found, __FILE__, __LINE__)
#define EXPECT_BYTES(found, wanted)                                            \
    harness_bytes((found), (wanted), #found, __FILE__, __LINE__)

#endif
