/*
 * notifier/gateway/lookup.h: answers that come from rows.
 *
 * Thread: loop thread only. At most LOOKUP_MAX are under way at a time.
 */
#ifndef NOTIFIER_GATEWAY_LOOKUP_H
#define NOTIFIER_GATEWAY_LOOKUP_H

#include "schemas/base/bytes.h"

#define LOOKUP_MAX 4096
#define LOOKUP_WAIT_MS_MAX 30000

struct gateway;
struct http_exchange;
struct http_request;

/*
 * /v1/transactions/{chain}/{hash}: `rest` is what stands after the second
 * slash. 200 with the row, or with the rejection that came while it waited; 404
 * with behind_s; 503 when the database is away.
 */
void lookup_transaction(struct gateway *g, struct http_exchange *x,
                        const struct http_request *r, struct bytes rest);

/* /v1/transactions?account=0x…&limit=100 */
void lookup_account(struct gateway *g, struct http_exchange *x,
                    const struct http_request *r);

/* /v1/rejections?limit=100, ?record=1-7-88123 */
void lookup_rejections(struct gateway *g, struct http_exchange *x,
                       const struct http_request *r);

#endif
