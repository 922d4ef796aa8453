/*
 * notifier/gateway/websocket_hash.h: SHA-1 and base64, for Sec-WebSocket-Accept
 * and for nothing else: SHA-1 protects nothing here, it only shows that the
 * other side speaks WebSocket.
 *
 * Internal to notifier/gateway/websocket*.c. Thread: any.
 */
#ifndef NOTIFIER_GATEWAY_WEBSOCKET_HASH_H
#define NOTIFIER_GATEWAY_WEBSOCKET_HASH_H

#include "schemas/base/bytes.h"

/* The SHA-1 of `b` (FIPS 180-4, section 6.1). */
void websocket_sha1(struct bytes b, uint8_t out[20]);

/* Writes 4 characters for every 3 bytes, with padding, and a NUL. */
void websocket_base64(struct bytes b, char *out);

/* The text is the base64 of exactly `count` bytes, padding included. */
bool websocket_is_base64(struct bytes text, size_t count);

#endif
