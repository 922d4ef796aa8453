/*
 * notifier/gateway/websocket_utf8.h: is this UTF-8 so far?
 *
 * Thread: any.
 */
#ifndef NOTIFIER_GATEWAY_WEBSOCKET_UTF8_H
#define NOTIFIER_GATEWAY_WEBSOCKET_UTF8_H

#include "schemas/base/bytes.h"

/* Between two characters: where a text may start and end. */
#define WEBSOCKET_UTF8_WHOLE 0

/*
 * Goes on from `*state` (WEBSOCKET_UTF8_WHOLE at first) over `b`, wherever it
 * was cut. Returns false at the first byte that no valid text (RFC 3629) can
 * have there.
 */
bool websocket_utf8(uint32_t *state, struct bytes b);

#endif
