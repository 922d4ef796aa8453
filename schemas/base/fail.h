/*
 * schemas/base/fail.h: what went wrong in the world, and what to do about it.
 *
 * A failing function returns one of these negative codes. Each code has one
 * remedy, so that a caller decides between four things and not between twenty.
 * To add a code: add a line to FAIL_LIST. The words about one failure live in
 * the object that failed (`ledger_why(l)`), not here.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_BASE_FAIL_H
#define SCHEMAS_BASE_FAIL_H

#include "schemas/base/check.h"

enum remedy {
    REMEDY_RETRY,  /* the same thing later, with a growing pause */
    REMEDY_REJECT, /* this input never; say why and go on */
    REMEDY_YIELD,  /* it is not ours any more; drop it and read again */
    REMEDY_STOP    /* this process or partition cannot go on; say why */
};

/* X(code, remedy, words) */
#define FAIL_LIST(X)                                                           \
    X(FAIL_UNREACHABLE, REMEDY_RETRY, "the peer does not answer")              \
    X(FAIL_TIMEOUT, REMEDY_RETRY, "a deadline passed")                         \
    X(FAIL_FULL, REMEDY_RETRY, "a limit is reached")                           \
    X(FAIL_UNKNOWN, REMEDY_RETRY, "the outcome is not known")                  \
    X(FAIL_BUSY, REMEDY_RETRY, "somebody else holds it")                       \
    X(FAIL_MALFORMED, REMEDY_REJECT, "the bytes do not decode")                \
    X(FAIL_TOO_BIG, REMEDY_REJECT, "larger than the limit")                    \
    X(FAIL_UNSUPPORTED, REMEDY_REJECT, "not something we do")                  \
    X(FAIL_NOT_FOUND, REMEDY_REJECT, "there is no such thing")                 \
    X(FAIL_FENCED, REMEDY_YIELD, "another owner has this partition")           \
    X(FAIL_GONE, REMEDY_YIELD, "what we knew is no longer true")               \
    X(FAIL_SETTING, REMEDY_STOP, "a setting is missing or out of range")       \
    X(FAIL_VERSION, REMEDY_STOP, "the other side is newer or older")           \
    X(FAIL_DENIED, REMEDY_STOP, "we are not allowed to")                       \
    X(FAIL_BROKEN, REMEDY_STOP, "what is stored contradicts itself")           \
    X(FAIL_SYSTEM, REMEDY_STOP, "the operating system refused")

enum fail {
    FAIL_NONE = 0,
    FAIL_FIRST = -100, /* the first of the list is FAIL_FIRST + 1 */
#define FAIL_ENUM(code, remedy, words) code,
    FAIL_LIST(FAIL_ENUM)
#undef FAIL_ENUM
        FAIL_END
};

/* The code's name without "FAIL_", lower case: "unreachable". Static. */
const char *fail_name(int code);

/* The code's words, as in the list. Static. */
const char *fail_words(int code);

/* What a caller does about it. `code` is negative. */
enum remedy fail_remedy(int code);

#endif
