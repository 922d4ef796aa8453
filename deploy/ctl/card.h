/*
 * deploy/ctl/card.h: one JSON object as lines for people.
 *
 *      {"type":2,"to":null}        type        2
 *                                  to          -
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_CARD_H
#define DEPLOY_CTL_CARD_H

#include "schemas/base/bytes.h"

/*
 * Prints each member on a line of its own, in order. What would control a
 * terminal, or turn the direction of text, is a '?'.
 * What is no object is printed as it is.
 */
void card_print(struct bytes json);

#endif
