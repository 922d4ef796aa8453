/*
 * schemas/reason.c: the closed list as text.
 *
 * From: schemas/result.c, the tables, the door's problems, the metrics.
 * To:   nothing.
 */
#include "schemas/reason.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *words;
} reasons[REASON_END] = {[REASON_NONE] = {"none", "nothing is wrong"},
#define REASON_TEXT(code, name, words) [code] = {name, words},
                         REASON_LIST(REASON_TEXT)
#undef REASON_TEXT
};

const char *reason_name(enum reason reason)
{
    CHECK(reason >= 0 && reason < REASON_END);
    return reasons[reason].name;
}

const char *reason_words(enum reason reason)
{
    CHECK(reason >= 0 && reason < REASON_END);
    return reasons[reason].words;
}

enum reason reason_find(struct bytes name)
{
    for (int i = REASON_NONE + 1; i < REASON_END; i++) {
        if (bytes_equal_text(name, reasons[i].name))
            return (enum reason)i;
    }
    return REASON_NONE;
}
