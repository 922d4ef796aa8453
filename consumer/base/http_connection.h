/*
 * consumer/base/http_connection.h: one HTTP connection, without a socket in it.
 *
 * Bytes go in, calls of struct http_wire come out; the clock and the random
 * start of request ids are given. So the same code is driven by sockets
 * (http_server.c), by golden transcripts and by a fuzzer.
 *
 *                       ┌── line: oldest request first, at most 16 ──┐
 *   input -> scan -> head -> body -> request(x) … http_reply(x) -> wire
 *
 * Only the first exchange of the line writes; the others keep their answers
 * until it is their turn.
 *
 * Internal to consumer/base/http*.c. Thread: the loop's.
 */
#ifndef CONSUMER_BASE_HTTP_CONNECTION_H
#define CONSUMER_BASE_HTTP_CONNECTION_H

#include "consumer/base/http_chunked.h"
#include "consumer/base/http_head.h"

struct metric;

/* What a connection asks of what carries it. */
struct http_wire {
    /* Sends both parts, in order; written now or copied. */
    void (*write)(void *wire, struct bytes first, struct bytes second);
    /* Sends a chunk by reference. */
    void (*share)(void *wire, struct chunk *c);
    /* Bytes not taken by the kernel yet. */
    size_t (*queued)(void *wire);
    /* Whether more input is wanted. */
    void (*reading)(void *wire, bool wanted);
    /* Calls http_connection_resume() at the end of this turn. */
    void (*resume)(void *wire);
    /* Sends what is queued and closes in order; input is read past. */
    void (*finish)(void *wire);
    /* Ends it now. */
    void (*abort)(void *wire);
    /* Gives the socket away; the connection is over. May return NULL. */
    struct stream *(*take)(void *wire, struct bytes head, struct bytes rest);
    const char *(*peer)(void *wire);
};

/* What the connections of one server share. */
struct http_core {
    struct http_options options; /* no defaults left */
    const struct http_wire *wire;
    int64_t (*now_ns)(void);
    int64_t (*wall_ms)(void);
    uint32_t id_start; /* random: request ids are id_start-id_next */
    uint64_t id_next;
    bool draining;
    size_t requests;                /* handed out and not answered */
    struct http_connection *corked; /* its output is collected in `cork` */
    struct buffer cork;
    struct buffer scratch;  /* where an answer's head is put together */
    int64_t date_ns;        /* monotonic: when `date` was made */
    char date[32];          /* "Sat, 21 Nov 2026 14:20:00 GMT" */
    struct metric *answers; /* may be NULL */
    struct metric *refused; /* requests that never reached the application */
};

/* Fills the defaults of `options` and makes `core` ready. */
void http_core_init(struct http_core *core, const struct http_options *options,
                    const struct http_wire *wire);
void http_core_fini(struct http_core *core);

enum http_phase {
    HTTP_PHASE_HEAD,    /* between requests, or inside a head */
    HTTP_PHASE_BODY,    /* inside the body of `reading` */
    HTTP_PHASE_HELD,    /* too much is unanswered: input waits */
    HTTP_PHASE_DISCARD, /* the last request was read; input is ignored */
    HTTP_PHASE_OVER     /* nothing will be written any more */
};

/* Which deadline a connection is under. */
enum http_wait {
    HTTP_WAIT_NONE,
    HTTP_WAIT_IDLE,
    HTTP_WAIT_HEAD,
    HTTP_WAIT_BODY,
    HTTP_WAIT_WRITE,
    HTTP_WAIT_COUNT
};

struct http_connection {
    struct http_core *core;
    void *wire;
    enum http_phase phase;
    bool parsing;                /* inside the parse loop */
    bool eof;                    /* the client sends no more */
    bool resuming;               /* wire->resume() was called */
    uint32_t serial;             /* requests begun: deadlines start anew */
    struct http_exchange *first; /* the line, oldest first */
    struct http_exchange *last;
    size_t line_count;
    struct http_exchange *reading; /* whose body comes; the last of the line */
    struct http_chunked *chunked;  /* its decoder, if it is chunked */
    struct bytes input;            /* what the parse loop has left */
    struct buffer kept;            /* a partial head, or what waits */
    struct http_scan scan;
};

void http_connection_init(struct http_connection *c, struct http_core *core,
                          void *wire);

/* What comes from below. */
void http_connection_input(struct http_connection *c, struct bytes b);
void http_connection_eof(struct http_connection *c);
void http_connection_drained(struct http_connection *c);
void http_connection_resume(struct http_connection *c);

/* The server stops: finish after what is being asked. */
void http_connection_drain(struct http_connection *c);

/* Which deadline it is under now, and when that one has passed. */
enum http_wait http_connection_wait(const struct http_connection *c);
void http_connection_expire(struct http_connection *c, enum http_wait wait);

/* Body bytes of the request being read so far. */
size_t http_connection_progress(const struct http_connection *c);

/*
 * The wire has closed: exchanges that are with the application are told and
 * live on without a connection; everything else is freed. Last call.
 */
void http_connection_gone(struct http_connection *c);

/* ---- between http_connection.c, http_line.c and http_answer.c ---- */

enum http_stage {
    HTTP_STAGE_READING,   /* its body is coming: the connection's */
    HTTP_STAGE_OPEN,      /* with the application */
    HTTP_STAGE_STREAMING, /* with the application, its head was sent */
    HTTP_STAGE_DONE       /* answered: the connection's */
};

struct http_exchange {
    uint32_t magic;
    enum http_stage stage;
    struct http_connection *connection; /* NULL: the client has gone */
    struct http_exchange *next;         /* the one asked after it */
    struct http_request request;
    bool head_only;      /* HEAD: no body is sent */
    bool keep_alive;     /* read and write on after it */
    bool upgrade;        /* the client wants to leave HTTP */
    bool counted;        /* in core->requests */
    bool continue_due;   /* 100 is to be sent when its turn comes */
    bool framed;         /* a streamed answer uses chunked framing */
    bool broken;         /* its answer was broken off */
    struct buffer body;  /* of the request */
    struct buffer added; /* by http_add_header() */
    struct buffer out;   /* the answer, until its turn comes */
    void (*gone)(void *arg);
    void *gone_arg;
    void (*drained)(void *arg);
    void *drained_arg;
    struct http_field fields[];
};

struct http_exchange *http_exchange_new(struct http_connection *c,
                                        const struct http_head *head,
                                        struct bytes bytes);
void http_exchange_free(struct http_exchange *x);

/* Puts an exchange behind the others. */
void http_line_add(struct http_connection *c, struct http_exchange *x);

/* The line is full, or the client reads too slowly to be given more. */
bool http_line_is_full(const struct http_connection *c);

/* Writes what the line has ready, as far as it goes. */
void http_line_advance(struct http_connection *c);

/* Bytes of `x` go to the wire, or wait for its turn. */
void http_connection_write(struct http_exchange *x, struct bytes first,
                           struct bytes second);

/* The answer of `x` is complete. Frees it now or when it was written. */
void http_connection_answered(struct http_exchange *x);

/* What is corked goes to the wire. */
void http_connection_uncork(struct http_connection *c);

/* Answers what never reached the application, and closes. `x` may be NULL. */
void http_connection_refuse(struct http_connection *c, struct http_exchange *x,
                            int status);

#endif
