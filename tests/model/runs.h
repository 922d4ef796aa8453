/*
 * tests/model/runs.h: the configurations that are searched, and the removals.
 *
 * Thread: any; constant tables.
 */
#ifndef TESTS_MODEL_RUNS_H
#define TESTS_MODEL_RUNS_H

#include <stddef.h>

#include "tests/model/protocol.h"
#include "tests/model/screen.h"

/* One configuration, of either search. */
struct run {
    const char *name;
    const char *words;
    const char *with; /* who takes part and what may happen */
    const char *records;
    bool big;       /* not in the default run */
    bool is_screen; /* which of these it is */
    struct protocol protocol;
    struct screen screen;
};

/* Rules taken away from a run, and what the search must find then. */
struct removal {
    uint64_t rules;
    const char *run;
    const char *broken;
    bool nets; /* each of the rules alone is enough: put back, it holds */
};

size_t run_count(void);
struct run run_at(size_t i);

size_t removal_count(void);
struct removal removal_at(size_t i);

/* Searches it with these rules off as well, up to so many states. */
struct search_result run_search(const struct run *r, uint64_t off,
                                uint64_t states_max, FILE *timeline);

#endif
