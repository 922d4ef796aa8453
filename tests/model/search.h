/*
 * tests/model/search.h: every state that some order of moves can reach.
 *
 * Breadth first, so that the first violation found is one of the shortest. A
 * state is a struct of bytes made of parts (databases, writers, ...). Each
 * distinct part is kept once and has a number; a state is kept as the numbers
 * of its parts. A few bytes a state is what makes tens of millions fit.
 *
 * Thread: one search a process.
 */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SEARCH_PARTS_MAX 8
#define SEARCH_STATE_BYTES_MAX 1024

/* One stretch of the state. Parts of one kind share their numbers. */
struct search_part {
    size_t pos;
    size_t bytes;
    int kind; /* 0 .. SEARCH_PARTS_MAX - 1 */
};

/* Who makes a move. Only OWN moves are counted on when we ask whether a state
 * can still come to a good end. */
enum search_mover {
    SEARCH_OWN,  /* a process of ours does its work */
    SEARCH_WORLD /* a crash, a loss, the sealer, a reader: may never happen */
};

struct search;

/* What is searched. Every function is pure; `arg` says which rules hold. */
struct search_model {
    const struct search_part *parts; /* in order, covering the state */
    size_t part_count;
    size_t state_bytes;
    void (*first)(const void *arg, void *out_state);
    /* Calls search_move() for every move that is possible in `state`. */
    void (*moves)(const void *arg, const void *state, struct search *s);
    /* What is broken in this state, in words, or NULL. */
    const char *(*broken)(const void *arg, const void *state);
    /* Is this a good end? NULL: ends are not asked for. */
    bool (*done)(const void *arg, const void *state);
    const char *dead_end; /* the words when no good end can be reached */
};

/*
 * Adds `next` as the outcome of one move, told as a sentence. The words are
 * formatted only while a timeline is printed.
 */
void search_move(struct search *s, enum search_mover mover, const void *next,
                 const char *words, ...) __attribute__((format(printf, 4, 5)));

/* A timeline is being printed: long words are worth building. */
bool search_telling(const struct search *s);

struct search_result {
    uint64_t states;
    uint64_t moves;
    double seconds;
    bool cut;           /* states_max was reached: not everything was seen */
    const char *broken; /* static words; NULL: everything holds */
    size_t steps;       /* length of the timeline that ends there */
};

/*
 * Searches. At a violation prints the numbered timeline that leads to it to
 * `timeline` (NULL: does not print). `states_max` 0 is no limit.
 */
struct search_result search_run(const struct search_model *m, const void *arg,
                                uint64_t states_max, FILE *timeline);

#endif
