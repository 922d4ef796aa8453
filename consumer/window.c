/*
 * consumer/window.c: the offsets in flight on one partition, in a ring.
 *
 * Offsets rise, so the ring is sorted and an offset is found by halving. A
 * finished one stays in its slot, marked, until everything before it is
 * finished, too; then the head passes over all of them at once:
 *
 *      handed out   5 6 9        resume 5
 *      finish 6     5(6)9        resume 5
 *      finish 5         9        resume 7    (7 and 8 are a gap)
 *      finish 9                  resume 10
 *
 * From: whoever consumes in parallel: verifier/pipeline.c.
 * To:   nothing; it is arithmetic.
 */
#include "consumer/window.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

static size_t slot_at(const struct window *w, size_t place);
static size_t find_place(const struct window *w, int64_t offset);
static void pass_over_finished(struct window *w);

/* An offset is never negative, so its complement can say "finished". */
static bool is_finished(int64_t slot)
{
    return slot < 0;
}

static int64_t offset_of(int64_t slot)
{
    return is_finished(slot) ? ~slot : slot;
}

int window_init(struct window *w, size_t count_max, int64_t offset)
{
    CHECK(count_max >= 1);
    CHECK(offset >= 0);

    memset(w, 0, sizeof(*w));
    w->offsets = calloc(count_max, sizeof(*w->offsets));
    if (w->offsets == NULL)
        return FAIL_SYSTEM;
    w->count_max = count_max;
    window_reset(w, offset);
    return 0;
}

void window_fini(struct window *w)
{
    if (w == NULL)
        return;
    free(w->offsets);
    memset(w, 0, sizeof(*w));
}

void window_reset(struct window *w, int64_t offset)
{
    CHECK(offset >= 0);
    w->head = 0;
    w->count = 0;
    w->finished_count = 0;
    w->resume_offset = offset;
    w->next_offset = offset;
}

int window_start(struct window *w, int64_t offset)
{
    CHECK(offset >= w->next_offset);
    if (w->count == w->count_max)
        return FAIL_FULL;
    w->offsets[slot_at(w, w->count)] = offset;
    w->count++;
    w->next_offset = offset + 1;
    return 0;
}

void window_finish(struct window *w, int64_t offset)
{
    size_t slot = slot_at(w, find_place(w, offset));

    CHECK(w->offsets[slot] == offset);
    w->offsets[slot] = ~offset;
    w->finished_count++;
    pass_over_finished(w);
}

int64_t window_resume_offset(const struct window *w)
{
    return w->resume_offset;
}

size_t window_in_flight(const struct window *w)
{
    return w->count - w->finished_count;
}

size_t window_count(const struct window *w)
{
    return w->count;
}

bool window_is_full(const struct window *w)
{
    return w->count == w->count_max;
}

static void pass_over_finished(struct window *w)
{
    while (w->count > 0 && is_finished(w->offsets[w->head])) {
        w->resume_offset = offset_of(w->offsets[w->head]) + 1;
        w->head = (w->head + 1) % w->count_max;
        w->count--;
        w->finished_count--;
    }
}

/* The place from the head of `offset`, which is in the ring. */
static size_t find_place(const struct window *w, int64_t offset)
{
    size_t low = 0;
    size_t high = w->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (offset_of(w->offsets[slot_at(w, middle)]) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    CHECK(low < w->count);
    return low;
}

static size_t slot_at(const struct window *w, size_t place)
{
    return (w->head + place) % w->count_max;
}
