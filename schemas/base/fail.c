/*
 * schemas/base/fail.c: the words and the remedy of each failure code.
 *
 * From: any caller that has a negative return code in its hand.
 * To:   its log line, or its choice between retry, reject, yield and stop.
 */
#include "schemas/base/fail.h"

#include <stddef.h>

struct row {
    const char *name;
    const char *words;
    enum remedy remedy;
};

static const struct row rows[] = {
#define FAIL_ROW(code, remedy, words) {#code, words, remedy},
    FAIL_LIST(FAIL_ROW)
#undef FAIL_ROW
};

static const struct row *find(int code)
{
    int index = code - FAIL_FIRST - 1;

    CHECK(index >= 0 && index < (int)(sizeof(rows) / sizeof(rows[0])));
    return &rows[index];
}

const char *fail_name(int code)
{
    static const char *const names[] = {
        "unreachable", "timeout",   "full",    "unknown",
        "busy",        "malformed", "too_big", "unsupported",
        "not_found",   "fenced",    "gone",    "setting",
        "version",     "denied",    "broken",  "system",
    };

    _Static_assert(sizeof(names) / sizeof(names[0]) ==
                       sizeof(rows) / sizeof(rows[0]),
                   "one name a code");
    if (code == FAIL_NONE)
        return "ok";
    return names[find(code) - rows];
}

const char *fail_words(int code)
{
    return code == FAIL_NONE ? "all is well" : find(code)->words;
}

enum remedy fail_remedy(int code)
{
    return find(code)->remedy;
}
