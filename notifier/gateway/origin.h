/*
 * notifier/gateway/origin.h: which web pages may talk to us. Pure.
 *
 * Thread: any.
 */
#ifndef NOTIFIER_GATEWAY_ORIGIN_H
#define NOTIFIER_GATEWAY_ORIGIN_H

#include "schemas/base/bytes.h"

/*
 * `origin` is a request's Origin field (data NULL: it is no browser's), `host`
 * its Host. `list` is "" for our own page only, "*", or origins with commas
 * between them.
 */
bool origin_allowed(const char *list, struct bytes origin, struct bytes host);

#endif
