/*
 * notifier/gateway/client.h: one WebSocket connection.
 *
 * Thread: loop thread only. Memory: a client, its subscriptions, and at most
 * queued_bytes_max of references to shared frames.
 */
#ifndef NOTIFIER_GATEWAY_CLIENT_H
#define NOTIFIER_GATEWAY_CLIENT_H

struct gateway;
struct http_exchange;
struct http_request;

/*
 * Answers a request for an upgrade: 101 and a client that lives until its
 * connection ends, or 400, 403 (Origin), 426, 503 (full, or not ready).
 */
void client_accept(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r);

#endif
