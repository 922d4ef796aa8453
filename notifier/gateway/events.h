/*
 * notifier/gateway/events.h: one Server-Sent Events listener.
 *
 *   GET /v1/events?channel=account:0x…
 *   Last-Event-ID: <cursor>                         or ?cursor=…
 *
 * First an event `subscribed`, {"channel":…,"recovered":…,"cursor":…}, then the
 * pushes of the WebSocket as `data:`, with the cursor as `id:`.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_EVENTS_H
#define NOTIFIER_GATEWAY_EVENTS_H

struct gateway;
struct http_exchange;
struct http_request;

/* Answers 200 with a stream that ends with its client, or a problem. */
void events_accept(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r);

#endif
