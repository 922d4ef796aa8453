/*
 * consumer/pending.c: what an outlet has sent and not answered yet.
 *
 * From: consumer/outlet.c.
 * To:   the functions that outlet_send() was given.
 */
#include "consumer/pending.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

int pending_init(struct pending *p, size_t count_max)
{
    memset(p, 0, sizeof(*p));
    p->slots = calloc(count_max, sizeof(*p->slots));
    if (p->slots == NULL)
        return FAIL_SYSTEM;
    p->count_max = count_max;
    for (size_t i = count_max; i-- > 0;) {
        p->slots[i].next_free = p->free_slots;
        p->free_slots = &p->slots[i];
    }
    return 0;
}

void pending_fini(struct pending *p)
{
    free(p->slots);
    memset(p, 0, sizeof(*p));
}

struct pending_slot *pending_next(const struct pending *p)
{
    return p->free_slots;
}

void pending_start(struct pending *p, outlet_fn done, void *arg, size_t bytes)
{
    struct pending_slot *slot = p->free_slots;

    CHECK(slot != NULL && slot->sequence == 0 && done != NULL);
    p->free_slots = slot->next_free;
    p->sequence++;
    *slot = (struct pending_slot){
        .done = done, .arg = arg, .bytes = bytes, .sequence = p->sequence};
    p->backlog.count++;
    p->backlog.bytes += bytes;
}

/* Counts first: done() may send, flush or close. */
void pending_answer(struct pending *p, struct pending_slot *slot,
                    const struct outlet_report *report)
{
    outlet_fn done = slot->done;

    CHECK(slot->sequence != 0);
    if (done == NULL)
        return;
    slot->done = NULL;
    CHECK(p->backlog.count > 0 && p->backlog.bytes >= slot->bytes);
    p->backlog.count--;
    p->backlog.bytes -= slot->bytes;
    if (slot->sequence <= p->mark && p->marked > 0)
        p->marked--;
    done(slot->arg, report);
}

void pending_give(struct pending *p, struct pending_slot *slot)
{
    CHECK(slot->sequence != 0 && slot->done == NULL);
    *slot = (struct pending_slot){.next_free = p->free_slots};
    p->free_slots = slot;
}

void pending_answer_all(struct pending *p, uint64_t sequence, const char *why,
                        bool gone)
{
    struct outlet_report report = {OUTLET_UNKNOWN, -1, -1, -1, why};

    for (size_t i = 0; i < p->count_max; i++) {
        struct pending_slot *slot = &p->slots[i];
        if (slot->sequence == 0 || slot->sequence > sequence)
            continue;
        pending_answer(p, slot, &report);
        if (gone)
            pending_give(p, slot);
    }
}

void pending_mark(struct pending *p)
{
    p->mark = p->sequence;
    p->marked = p->backlog.count;
}
