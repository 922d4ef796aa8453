/*
 * producer/door.h: what the front door answers, by method and path.
 *
 *      POST /v1/transactions, /v1/{chain}/transactions    rest.c
 *      POST /, /rpc/{chain}                               rpc.c
 *      POST /tx, /esplora/{chain}/tx                      esplora.c
 *
 * Thread: loop thread.
 */
#ifndef PRODUCER_DOOR_H
#define PRODUCER_DOOR_H

#include "consumer/base/http.h"
#include "producer/chains.h"
#include "producer/submit.h"

struct door {
    struct submit *submit;       /* set before the first request */
    const struct chains *chains; /* the same */
    const char *public_url;      /* before /v1/transactions/... in Location */
    struct buffer decode;        /* room for one body, decoded */
};

void door_init(struct door *d);
void door_fini(struct door *d);

/* For struct http_options; `arg` is the door. */
size_t door_body_limit(void *arg, const struct http_request *head);
void door_request(void *arg, struct http_exchange *x,
                  const struct http_request *r);

/*
 * rest.c: one transaction in the body, octets, hex text or JSON. `chain` NULL:
 * the bytes name it. Takes `x`.
 */
#define REST_BODY_MAX (1 << 20)
void rest_submit(struct door *d, const struct chain *chain,
                 struct http_exchange *x, const struct http_request *r);

/*
 * rpc.c: JSON-RPC 2.0, one call or a batch. `chain` is that of the path; NULL:
 * it names none. Takes `x`.
 */
#define RPC_BODY_MAX (5 << 20)
void rpc_serve(struct door *d, const struct chain *chain,
               struct http_exchange *x, const struct http_request *r);

/*
 * esplora.c: one transaction of Bitcoin in the body, as hex or a PSBT in
 * base64. Takes `x`.
 */
#define ESPLORA_BODY_MAX ((2 << 20) + 256) /* a PSBT in hex */
void esplora_submit(struct door *d, const struct chain *chain,
                    struct http_exchange *x, const struct http_request *r);

#endif
