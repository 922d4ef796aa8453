/*
 * verifier/refusal.h: a batch was refused for what is in it. What now?
 *
 * Batches are halved in offset order until all but one of a batch's records are
 * known: that one is the refused record. It is not quarantined at once, but
 * *suspected*: its quarantine row goes into the next batch, together with the
 * record after it. When that is stored, the fault was the record's, and the
 * same transaction says so; when it is refused as well, it is suspected, too.
 * So nothing is quarantined while a database that refuses everything is asked,
 * and a partition with too many suspects stops.
 *
 *      A b C D          refused        halve
 *      A b              refused        halve
 *      A                stored
 *      b                refused        b is suspected
 *      b' C             stored         b is quarantined, beside C
 *      D                stored
 *
 * A suspect with nothing behind it waits for a second, and is stored alone.
 *
 * Pure. Thread: any.
 */
#ifndef VERIFIER_REFUSAL_H
#define VERIFIER_REFUSAL_H

#include <stddef.h>

enum refusal {
    REFUSAL_OF_DATABASE, /* only quarantine rows were left, and they will not */
    REFUSAL_OF_ONE,      /* it is the one that was not suspected */
    REFUSAL_OF_SOME      /* of those not suspected: halve them */
};

/*
 * What a refused batch of `count` records says, of which `suspected` are
 * suspected already. *out_limit is how many records the next batch may have.
 */
enum refusal refusal_of(size_t count, size_t suspected, size_t *out_limit);

#endif
