/*
 * verifier/work.c: the life of one record's memory.
 *
 * From: verifier/pipeline.c, for each record the consumer hands over.
 * To:   verifier/lane.c, which keeps works in offset order.
 */
#include "verifier/work.h"

#include <stdlib.h>

#include "consumer/base/clock.h"

static size_t alive;

struct work *work_open(struct lane *lane, const struct record *r)
{
    struct work *w = calloc(1, sizeof(*w));

    CHECK(w != NULL);
    w->lane = lane;
    w->holders = WORK_HELD_BY_LANE;
    w->record = *r;
    w->bytes = r->key.count + r->value.count + sizeof(*w);
    w->taken_ms = clock_ms();
    alive++;
    return w;
}

void work_drop(struct work *w, enum work_holder holder)
{
    CHECK((w->holders & (unsigned)holder) != 0);
    w->holders &= ~(unsigned)holder;
    if (w->holders != 0)
        return;
    record_release(&w->record);
    free(w);
    alive--;
}

size_t work_alive(void)
{
    return alive;
}
