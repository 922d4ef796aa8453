/*
 * consumer/base/http.h: an HTTP/1.1 server on a loop.
 *
 * Requests are read strictly: any doubt about where a message ends is answered
 * 400 and the connection is closed, never repaired. An application sees only
 * whole requests, and answers each exactly once, now or any time later, in any
 * order; answers to pipelined requests leave in the order of their requests.
 *
 *   bytes -> body_limit(head) -> request(x, r) … later … http_reply(x, 202, …)
 *
 * An exchange belongs to the application from request() until its answer is
 * finished, also when the client has gone meanwhile; answering a client that
 * has gone is harmless. After the finishing call (http_reply,
 * http_reply_problem, http_reply_end, http_reply_abort, http_upgrade) `x`, `r`
 * and every slice of it are gone.
 *
 * Every answer carries Date, X-Request-Id (the client's, if it is 1 to 64 of
 * A-Z a-z 0-9 . _ -, else a new one) and Server-Timing.
 *
 * Thread: the loop's, for everything here.
 */
#ifndef CONSUMER_BASE_HTTP_H
#define CONSUMER_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/chunk.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"
#include "schemas/base/fail.h"

struct loop;
struct stream;
struct http_server;
struct http_exchange;

#define HTTP_HEADERS_MAX 64
#define HTTP_HEAD_BYTES_MAX 16384
#define HTTP_TARGET_BYTES_MAX 4096
#define HTTP_REQUEST_ID_MAX 64
/* Requests of one connection that wait for their answers at a time. */
#define HTTP_PIPELINE_MAX 16

struct http_field {
    struct bytes name;  /* a token, in the client's case */
    struct bytes value; /* without white space around it */
};

/* One request. Everything is borrowed from its exchange. */
struct http_request {
    struct bytes method; /* a token: "POST" */
    struct bytes target; /* as it came: "/v1/eip155%3A1/transactions?x=1" */
    struct bytes path;   /* begins with '/', or is "*" (OPTIONS); escapes of
                            printable ASCII but / ? # % \ are decoded */
    struct bytes query;  /* after '?', not decoded; count 0 when there is none
                          */
    struct bytes host;   /* the one Host */
    int minor;           /* 1, or 0 for HTTP/1.0 */
    const struct http_field *fields;
    size_t field_count;
    bool has_body;          /* Content-Length above 0, or chunked */
    int64_t content_length; /* -1 when chunked or absent */
    struct bytes body;      /* empty until request() */
    const char *request_id; /* what the answer will carry */
    const char *peer;       /* "127.0.0.1:40312" */
    int64_t started_ns;     /* monotonic: when the head was complete */
};

/* The value of the first field of that name, any case; data NULL: none. */
struct bytes http_header(const struct http_request *r, const char *name);

/* How many fields of that name there are. */
size_t http_header_count(const struct http_request *r, const char *name);

/* True if a comma-separated field has that element, any case. */
bool http_header_has(const struct http_request *r, const char *name,
                     const char *element);

bool http_method_is(const struct http_request *r, const char *method);

/*
 * The media type is `type` (any case), whatever parameters follow it:
 * "application/json; charset=utf-8" is "application/json".
 */
bool http_content_type_is(const struct http_request *r, const char *type);

/*
 * The first value of `name` in the query, with %XX and + decoded, as a C
 * string. Returns its length, or
 *   FAIL_NOT_FOUND  there is none;
 *   FAIL_MALFORMED  a broken escape, or one of a control byte;
 *   FAIL_TOO_BIG    it does not fit `out_max` with its NUL.
 */
int http_query(const struct http_request *r, const char *name, char *out_value,
               size_t out_max);

/* Zero or NULL means the default in brackets. */
struct http_options {
    /* "host:port", ":port", "[::1]:port", "port"; port 0 is any free one */
    const char *listen;
    const char *name; /* for logs and metrics ["http"] */
    void *arg;
    /*
     * How many bytes of body this request may have, asked when its head is
     * complete. A longer one is answered 413 before it is read. 0: request() is
     * called at once, without a body, and the connection closes after the
     * answer if the client meant to send one. NULL: 0 for every request. May
     * not answer.
     */
    size_t (*body_limit)(void *arg, const struct http_request *head);
    /* One whole request. Takes `x` until it is answered. */
    void (*request)(void *arg, struct http_exchange *x,
                    const struct http_request *r);
    int connections_max; /* beyond it: 503 and close [10000] */
    int backlog;         /* [1024] */
    int head_ms;         /* from a request's first byte to its head's end [5000]
                          */
    int body_ms;         /* for each 16 KiB of body [10000] */
    int idle_ms;         /* between requests [75000] */
    int write_ms;        /* in which the client takes something [10000] */
    size_t answer_bytes_max; /* queued of a streamed answer [1 MiB] */
};

/*
 * Listens and serves. `options` is copied; the strings in it are borrowed until
 * the call returns. Returns 0, or
 *   FAIL_SETTING  `listen` has no such form or its host is unknown;
 *   FAIL_SYSTEM   the address cannot be bound.
 */
MUST_CHECK int http_server_open(struct loop *loop,
                                const struct http_options *options,
                                struct http_server **out_server);

/* The port it listens on. */
int http_server_port(const struct http_server *s);

/* Open connections, and requests that are not answered yet. */
size_t http_server_connections(const struct http_server *s);
size_t http_server_requests(const struct http_server *s);

/*
 * Stops accepting, after what is in the queue already; every answer from now on
 * says Connection: close, idle connections are closed. `done` is called once,
 * later, when the last connection has gone. Streamed answers are the
 * application's to end; connections that were upgraded are not waited for.
 */
void http_server_drain(struct http_server *s, void (*done)(void *arg),
                       void *arg);

/*
 * Closes every connection now and frees the server once the loop has let go of
 * its handles. Exchanges that are not answered stay valid until they are, and
 * who asked by http_on_gone() is told in a later turn. NULL is accepted.
 */
void http_server_close(struct http_server *s);

/* The request of an exchange that is not answered yet. */
const struct http_request *http_exchange_request(const struct http_exchange *x);

/* The client has gone: the answer will reach nobody. */
bool http_gone(const struct http_exchange *x);

/*
 * Asks to be told, once, when the client goes before the answer is finished:
 * for answers that are streamed or waited for. The exchange still has to be
 * finished. NULL asks no more. Never called from inside a call of this header.
 */
void http_on_gone(struct http_exchange *x, void (*gone)(void *arg), void *arg);

/*
 * Adds "name: value" to the answer that will be given. What cannot stand in a
 * field (a control byte) is replaced by a space. At most 4 KiB in total; the
 * rest is dropped.
 */
void http_add_header(struct http_exchange *x, const char *name,
                     const char *value);

/*
 * Answers. `content_type` NULL: no such field. `extra_headers`: whole lines
 * with CRLF, or BYTES_NONE. The body is copied or written; HEAD, 204 and 304
 * send none. Finishes the exchange.
 */
void http_reply(struct http_exchange *x, int status, const char *content_type,
                struct bytes extra_headers, struct bytes body);

/* The same with a text body. */
void http_reply_text(struct http_exchange *x, int status, const char *text);

/*
 * Answers with an RFC 9457 problem: `code` is stable and for programs
 * ("chain_required"), `title` for people (NULL: the words of the status),
 * `detail` about this case (NULL: none). Finishes the exchange.
 */
void http_reply_problem(struct http_exchange *x, int status, const char *code,
                        const char *title, const char *detail);

/*
 * Begins an answer whose length is not known: chunked, or ended by closing for
 * HTTP/1.0. What the client sends meanwhile waits.
 */
void http_reply_begin(struct http_exchange *x, int status,
                      const char *content_type, struct bytes extra_headers);

/*
 * Sends a piece of it. Empty is accepted and sends nothing. Returns 0, or
 *   FAIL_FULL  `answer_bytes_max` are queued; nothing was sent: wait for
 *              http_on_drained();
 *   FAIL_GONE  the client has gone: http_reply_end() is all that is left.
 */
int http_reply_chunk(struct http_exchange *x, struct bytes piece);

/*
 * A piece that goes to many: framed once, sent to each by reference. The caller
 * holds the chunk. Only for http_reply_shared().
 */
struct chunk *http_shared_new(struct bytes piece);

/*
 * As http_reply_chunk(), with a chunk of http_shared_new(). All of one turn
 * leave in one write at its end; http_reply_chunk() writes at once.
 */
int http_reply_shared(struct http_exchange *x, struct chunk *c);

/* Bytes of this answer that the kernel has not taken yet. */
size_t http_reply_queued(const struct http_exchange *x);

/*
 * Asks to be told every time the queue of a streamed answer has become empty
 * after it was not. NULL asks no more. Never called from inside a call of this
 * header.
 */
void http_on_drained(struct http_exchange *x, void (*drained)(void *arg),
                     void *arg);

/* Ends a streamed answer in order. Finishes the exchange. */
void http_reply_end(struct http_exchange *x);

/* Breaks it off, so that the client sees it is not whole. Finishes it. */
void http_reply_abort(struct http_exchange *x);

/*
 * Hands the connection over: no HTTP is spoken on it any more. `head` is the
 * whole answer ("HTTP/1.1 101 …\r\n\r\n") and is sent first. Call
 * stream_listen() on what comes back; bytes that were read already are
 * delivered then. Finishes the exchange.
 *
 * NULL: the client has gone, the request has a body, or earlier requests of
 * the connection are not answered: nothing happened, reply as usual.
 */
struct stream *http_upgrade(struct http_exchange *x, struct bytes head);

/* "Not Found" for 404; "" when unknown. Static. */
const char *http_status_words(int status);

#endif
