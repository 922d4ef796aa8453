/*
 * tests/model/search.c: breadth first, and back again for dead ends.
 *
 *   first state -> moves -> states not seen before go to the end of a list
 *                        -> each is checked once
 *
 * The list is the queue and the memory: entry i holds the part numbers of state
 * i and the entry it came from. A timeline is that chain walked back; the moves
 * of each state on it are made once more to learn the words.
 *
 * Dead ends: a state is good if it is a good end, or if a move of ours leads to
 * a good one. The list is walked backwards until nothing changes; what is not
 * good then is a state from which only a crash or luck would help.
 *
 * From: tests/model/model.c, one run a process.
 * To:   tests/model/protocol.c and screen.c, which say what moves there are.
 */
#include "tests/model/search.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schemas/base/check.h"

#define BLOCK_STATES (1u << 18) /* the list grows by blocks and never moves */
#define BLOCKS_MAX 4096
#define NONE UINT32_MAX

/* Distinct byte strings of one size, numbered in order of appearance. */
struct numbers {
    uint8_t *values;
    size_t bytes; /* of one value */
    uint32_t count, capacity;
    uint32_t *slots;
    uint32_t slot_count; /* a power of two */
};

enum task { TASK_SEARCH, TASK_TELL, TASK_GOOD };

struct search {
    const struct search_model *model;
    const void *arg;
    struct numbers numbers[SEARCH_PARTS_MAX];
    uint32_t *blocks[BLOCKS_MAX]; /* entries of part_count + 1 words */
    uint32_t count;
    uint32_t *slots;
    uint64_t slot_count;
    uint64_t moves;

    enum task task;
    uint32_t at; /* the state whose moves are being made */
    const uint8_t *from;
    uint32_t broken_at; /* first state found broken */
    const char *broken;
    uint32_t wanted; /* TASK_TELL: the state whose words we want */
    char *words;
    size_t words_max;
    uint8_t *good; /* TASK_GOOD: one byte a state */
    bool found_good;
};

static uint32_t *entry(const struct search *s, uint32_t i)
{
    size_t words = s->model->part_count + 1;

    return s->blocks[i / BLOCK_STATES] + (size_t)(i % BLOCK_STATES) * words;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t hash_bytes(const uint8_t *data, size_t count)
{
    uint64_t h = count, word;

    for (; count >= 8; data += 8, count -= 8) {
        memcpy(&word, data, 8);
        h = mix(h, word);
    }
    word = 0;
    memcpy(&word, data, count);
    h = mix(h, word);
    return h ^ (h >> 32);
}

static void *must(void *memory)
{
    CHECK(memory != NULL);
    return memory;
}

static void numbers_grow(struct numbers *n)
{
    uint32_t i;

    if (n->count == n->capacity) {
        n->capacity = n->capacity == 0 ? 1024 : n->capacity * 2;
        n->values = must(realloc(n->values, n->capacity * n->bytes));
    }
    if (n->count < n->slot_count / 2)
        return;
    n->slot_count = n->slot_count == 0 ? 4096 : n->slot_count * 2;
    free(n->slots);
    n->slots = must(malloc(n->slot_count * sizeof(*n->slots)));
    memset(n->slots, 0xff, n->slot_count * sizeof(*n->slots));
    for (i = 0; i < n->count; i++) {
        const uint8_t *value = n->values + i * n->bytes;
        uint64_t at = hash_bytes(value, n->bytes) & (n->slot_count - 1);

        while (n->slots[at] != NONE)
            at = (at + 1) & (n->slot_count - 1);
        n->slots[at] = i;
    }
}

static uint32_t number_of(struct numbers *n, const uint8_t *value, size_t bytes)
{
    uint64_t at;

    n->bytes = bytes;
    numbers_grow(n);
    at = hash_bytes(value, bytes) & (n->slot_count - 1);
    for (; n->slots[at] != NONE; at = (at + 1) & (n->slot_count - 1)) {
        if (memcmp(n->values + n->slots[at] * bytes, value, bytes) == 0)
            return n->slots[at];
    }
    memcpy(n->values + n->count * bytes, value, bytes);
    n->slots[at] = n->count;
    return n->count++;
}

/* A part that the move left alone keeps its number without a look. */
static void pack(struct search *s, const uint8_t *state, uint32_t *out_key)
{
    const struct search_model *m = s->model;
    size_t i;

    for (i = 0; i < m->part_count; i++) {
        const struct search_part *p = &m->parts[i];

        if (s->from != NULL &&
            memcmp(s->from + p->pos, state + p->pos, p->bytes) == 0)
            out_key[i] = entry(s, s->at)[i];
        else
            out_key[i] =
                number_of(&s->numbers[p->kind], state + p->pos, p->bytes);
    }
}

static void unpack(const struct search *s, uint32_t i, uint8_t *out_state)
{
    const struct search_model *m = s->model;
    size_t k;

    for (k = 0; k < m->part_count; k++) {
        const struct search_part *p = &m->parts[k];

        memcpy(out_state + p->pos,
               s->numbers[p->kind].values + entry(s, i)[k] * p->bytes,
               p->bytes);
    }
}

static uint64_t slot_of(const struct search *s, const uint32_t *key)
{
    uint64_t h = 0;
    size_t i;

    for (i = 0; i < s->model->part_count; i++)
        h = mix(h, key[i]);
    return (h ^ (h >> 32)) & (s->slot_count - 1);
}

static void slots_grow(struct search *s)
{
    uint32_t i;

    if (s->count < s->slot_count - s->slot_count / 3)
        return;
    s->slot_count = s->slot_count == 0 ? 1 << 16 : s->slot_count * 2;
    free(s->slots);
    s->slots = must(malloc(s->slot_count * sizeof(*s->slots)));
    memset(s->slots, 0xff, s->slot_count * sizeof(*s->slots));
    for (i = 0; i < s->count; i++) {
        uint64_t at = slot_of(s, entry(s, i));

        while (s->slots[at] != NONE)
            at = (at + 1) & (s->slot_count - 1);
        s->slots[at] = i;
    }
}

/* The state with this key, or NONE; its slot either way. */
static uint32_t find(const struct search *s, const uint32_t *key,
                     uint64_t *out_slot)
{
    size_t bytes = s->model->part_count * sizeof(*key);
    uint64_t at = slot_of(s, key);

    while (s->slots[at] != NONE &&
           memcmp(entry(s, s->slots[at]), key, bytes) != 0)
        at = (at + 1) & (s->slot_count - 1);
    *out_slot = at;
    return s->slots[at];
}

static void add(struct search *s, const uint32_t *key, uint64_t slot)
{
    size_t words = s->model->part_count + 1, block = s->count / BLOCK_STATES;
    uint32_t *e;

    CHECK(block < BLOCKS_MAX);
    if (s->blocks[block] == NULL)
        s->blocks[block] = must(malloc(BLOCK_STATES * words * sizeof(*e)));
    e = entry(s, s->count);
    memcpy(e, key, (words - 1) * sizeof(*e));
    e[words - 1] = s->at;
    s->slots[slot] = s->count++;
}

void search_move(struct search *s, enum search_mover mover, const void *next,
                 const char *words, ...)
{
    uint32_t key[SEARCH_PARTS_MAX], seen;
    uint64_t slot;

    if (s->task == TASK_GOOD && (mover != SEARCH_OWN || s->found_good))
        return;
    pack(s, next, key);
    slots_grow(s);
    seen = find(s, key, &slot);
    if (s->task == TASK_GOOD) {
        s->found_good = seen != NONE && s->good[seen];
        return;
    }
    if (s->task == TASK_TELL) {
        if (seen == s->wanted && s->words[0] == '\0') {
            va_list args;

            va_start(args, words);
            vsnprintf(s->words, s->words_max, words, args);
            va_end(args);
        }
        return;
    }
    s->moves++;
    if (seen != NONE)
        return;
    add(s, key, slot);
    if (s->broken == NULL) {
        s->broken = s->model->broken(s->arg, next);
        s->broken_at = s->count - 1;
    }
}

bool search_telling(const struct search *s)
{
    return s->task == TASK_TELL;
}

static void make_moves(struct search *s, uint32_t i)
{
    uint8_t state[SEARCH_STATE_BYTES_MAX];

    unpack(s, i, state);
    s->at = i;
    s->from = state;
    s->model->moves(s->arg, state, s);
    s->from = NULL;
}

/* The first state, in order of distance, that cannot come to a good end. */
static uint32_t find_dead_end(struct search *s)
{
    uint8_t state[SEARCH_STATE_BYTES_MAX];
    bool changed = true;
    uint32_t i;

    s->good = must(calloc(s->count, 1));
    for (i = 0; i < s->count; i++) {
        unpack(s, i, state);
        s->good[i] = s->model->done(s->arg, state);
    }
    s->task = TASK_GOOD;
    while (changed) {
        changed = false;
        for (i = s->count; i-- > 0;) {
            if (s->good[i])
                continue;
            s->found_good = false;
            make_moves(s, i);
            s->good[i] = s->found_good;
            changed = changed || s->found_good;
        }
    }
    for (i = 0; i < s->count && s->good[i]; i++)
        ;
    return i < s->count ? i : NONE;
}

/* Prints how to get to state `end`; returns the number of steps. */
static size_t tell(struct search *s, uint32_t end, FILE *f)
{
    size_t parent = s->model->part_count, count = 0, i;
    uint32_t chain[1024], at;
    char words[512];

    for (at = end; at != 0 && count < 1024; at = entry(s, at)[parent])
        chain[count++] = at;
    if (f == NULL)
        return count;
    s->task = TASK_TELL;
    s->words = words;
    s->words_max = sizeof(words);
    for (i = count; i-- > 0;) {
        words[0] = '\0';
        s->wanted = chain[i];
        make_moves(s, entry(s, chain[i])[parent]);
        fprintf(f, "%5zu. %s\n", count - i, words);
    }
    return count;
}

static void release(struct search *s)
{
    size_t i;

    for (i = 0; i < SEARCH_PARTS_MAX; i++) {
        free(s->numbers[i].values);
        free(s->numbers[i].slots);
    }
    for (i = 0; i < BLOCKS_MAX; i++)
        free(s->blocks[i]);
    free(s->slots);
    free(s->good);
    free(s);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct search_result search_run(const struct search_model *m, const void *arg,
                                uint64_t states_max, FILE *timeline)
{
    struct search *s = must(calloc(1, sizeof(*s)));
    struct search_result result = {0};
    uint8_t state[SEARCH_STATE_BYTES_MAX];
    uint32_t next;

    CHECK(m->state_bytes <= sizeof(state) && m->part_count < SEARCH_PARTS_MAX);
    result.seconds = now_s();
    s->model = m;
    s->arg = arg;
    m->first(arg, state);
    search_move(s, SEARCH_WORLD, state, "start");
    for (next = 0; next < s->count && s->broken == NULL && !result.cut;
         next++) {
        make_moves(s, next);
        result.cut = states_max != 0 && s->count >= states_max;
    }
    if (s->broken == NULL && !result.cut && m->done != NULL) {
        s->broken_at = find_dead_end(s);
        s->broken = s->broken_at == NONE ? NULL : m->dead_end;
    }
    result.states = s->count;
    result.moves = s->moves;
    result.broken = s->broken;
    if (s->broken != NULL) {
        result.steps = tell(s, s->broken_at, timeline);
        if (timeline != NULL)
            fprintf(timeline, "       BROKEN: %s\n", s->broken);
    }
    result.seconds = now_s() - result.seconds;
    release(s);
    return result;
}
