/*
 * notifier/gateway/route.h: which path answers what.
 *
 *   GET /                                   the live page
 *   GET /v1/ws                              WebSocket (an upgrade at / too)
 *   GET /v1/events?channel=…                SSE
 *   GET /v1/transactions/{chain}/{hash}     state of one; ?wait=ms
 *   GET /v1/transactions?account=0x…        the newest of an account
 *   GET /v1/rejections                      the newest; ?record=1-7-88123
 *   GET /v1/stats                           counts, lag, rates, positions
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_ROUTE_H
#define NOTIFIER_GATEWAY_ROUTE_H

struct gateway;
struct http_exchange;
struct http_request;

/* Answers a request, now or later. Takes `x`. */
void route_request(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r);

#endif
