/*
 * deploy/ctl/http_client.h: one HTTP/1.1 connection, one request at a time.
 *
 *      open --send--> connect if need be --> answer --> idle --send--> ...
 *
 * The connection is kept while the server keeps it, and made again by the next
 * request when it does not. Nothing is sent twice by itself: whether a lost
 * request may be repeated is its owner's to know.
 *
 * Thread: the loop's. Memory: one answer of at most body_bytes_max.
 */
#ifndef DEPLOY_CTL_HTTP_CLIENT_H
#define DEPLOY_CTL_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy/ctl/answer.h"
#include "deploy/ctl/url.h"
#include "schemas/base/bytes.h"

struct loop;
struct http_client;

/* Zero means the default in brackets. */
struct http_client_options {
    struct loop *loop;
    const struct url *url; /* outlives the client */
    int connect_ms;        /* [5000] */
    int answer_ms;         /* from the send to the last byte [15000] */
    size_t body_bytes_max; /* of an answer [1 MiB] */
};

/* The end of one request. */
struct http_outcome {
    int rc;                      /* 0: `answer` is whole; else
                                  * FAIL_UNREACHABLE  it never got there
                                  * FAIL_GONE         sent, and no answer came
                                  * FAIL_TIMEOUT      likewise, in time
                                  * FAIL_MALFORMED, FAIL_TOO_BIG */
    const char *why;             /* words for rc; "" when 0 */
    const struct answer *answer; /* borrowed for the call; NULL unless rc 0 */
};

/* From inside it, the client may send again or be closed. */
typedef void (*http_client_fn)(void *arg, const struct http_outcome *o);

/* Opens a client; nothing is connected yet. Never fails. */
struct http_client *http_client_open(const struct http_client_options *o);

/*
 * Sends a request whose `target` begins with '/' (the path of the URL goes
 * before it). Bytes are borrowed for the call; `content_type` NULL: no body.
 * Only when idle. `done` comes exactly once, never from inside this call,
 * unless the client is closed before.
 */
void http_client_send(struct http_client *c, const char *method,
                      const char *target, const char *content_type,
                      struct bytes body, http_client_fn done, void *arg);

/* No request is under way. */
bool http_client_idle(const struct http_client *c);

/* Ends it, in any state; done() will not come. NULL is fine. */
void http_client_close(struct http_client *c);

/*
 * For commands: opens, sends, waits, and closes. Runs `done` and returns 0, or
 * FAIL_GONE when a signal came first.
 */
int http_client_ask(const struct http_client_options *o, const char *method,
                    const char *target, const char *content_type,
                    struct bytes body, http_client_fn done,
                    void *arg) MUST_CHECK;

#endif
