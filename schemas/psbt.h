/*
 * schemas/psbt.h: a finalized PSBT, turned into the extended form.
 *
 * Wallets pass a transaction and what it spends around as a PSBT, version 0
 * (BIP 174) or 2 (BIP 370). One whose inputs all have their final script or
 * witness says just what schemas/bitcoin.h's extended form says.
 *
 * Thread: any. Pure.
 */
#ifndef SCHEMAS_PSBT_H
#define SCHEMAS_PSBT_H

#include "schemas/transaction.h"

#define PSBT_BYTES_MAX (1 << 20) /* previous transactions come along */

/* Where a row finds in the PSBT what it borrows; data NULL: not there. */
struct psbt_places {
    struct bytes recipient; /* script of the first output */
    struct bytes script;    /* final scriptSig of the first input */
    struct bytes witness;   /* items of its final witness */
    struct bytes spent;     /* script of the output it spends */
};

/* Whether these bytes begin like a PSBT. */
bool psbt_is(struct bytes input);

/* Whether this text does in base64, as wallets print it. */
bool psbt_is_base64(struct bytes text);

/*
 * Appends the extended form to `out`, which has a limit.
 *
 * Returns REASON_NONE, or MALFORMED, NON_CANONICAL, BAD_INPUTS, NOT_FINAL,
 * PREVOUT_MISSING, INCONSISTENT, TOO_LARGE, with words unless `words` is
 * NULL.
 */
enum reason psbt_extend(struct bytes input, struct buffer *out,
                        struct psbt_places *out_places,
                        struct transaction_words *words);

#endif
