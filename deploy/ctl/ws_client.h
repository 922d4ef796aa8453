/*
 * deploy/ctl/ws_client.h: one WebSocket connection to a gateway.
 *
 *      open --> `opened` --> `text`, `text`, ... --> `closed`
 *
 * It answers pings, sends its own when it has heard nothing for a while, and
 * ends a connection that stays silent. Reconnecting is its owner's business.
 *
 * Thread: the loop's. Memory: one message of at most message_bytes_max.
 */
#ifndef DEPLOY_CTL_WS_CLIENT_H
#define DEPLOY_CTL_WS_CLIENT_H

#include <stddef.h>

#include "deploy/ctl/url.h"
#include "schemas/base/bytes.h"

struct loop;
struct ws_client;

struct ws_client_events {
    /* The handshake is done: messages may be sent. */
    void (*opened)(void *arg);
    /* One whole message, borrowed for the call. */
    void (*text)(void *arg, struct bytes message);
    /*
     * Last call, exactly once unless ws_client_close() came before: `code` is
     * the peer's close code, or an HTTP status of a refused handshake, or 0.
     * The client is freed when it returns.
     */
    void (*closed)(void *arg, int code, const char *why);
};

struct ws_client_options {
    struct loop *loop;
    const struct url *url; /* outlives the client */
    const char *target;    /* "/v1/ws"; the path of the URL goes before it */
    const char *protocol;  /* subprotocol to insist on */
    size_t message_bytes_max;
    const struct ws_client_events *events; /* outlive the client */
    void *arg;
};

/* Starts to connect; one of opened and closed follows. Never fails. */
struct ws_client *ws_client_open(const struct ws_client_options *o);

/* Sends a text message; after opened. A connection that is gone drops it. */
void ws_client_send(struct ws_client *c, struct bytes message);

/* Says goodbye and ends it; no call comes any more. NULL is fine. */
void ws_client_close(struct ws_client *c);

#endif
