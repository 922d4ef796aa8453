/*
 * notifier/gateway/route.c: from a path to whoever answers it.
 *
 * From: consumer/base/http.h, with a whole request.
 * To:   notifier/gateway/client.c, events.c, lookup.c, answer_stats.c, page.c.
 */
#include "notifier/gateway/route.h"

#include <string.h>

#include "consumer/base/http.h"
#include "notifier/gateway/answer_stats.h"
#include "notifier/gateway/client.h"
#include "notifier/gateway/events.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/lookup.h"
#include "notifier/gateway/page.h"
#include "notifier/gateway/websocket.h"

static void allow_origin(struct gateway *g, struct http_exchange *x,
                         const struct http_request *r);
static void get(struct gateway *g, struct http_exchange *x,
                const struct http_request *r);
static void page(struct http_exchange *x, const struct page_file *f);
static bool is(const struct http_request *r, const char *path);

void route_request(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r)
{
    if (websocket_wanted(r)) {
        if (is(r, "/v1/ws") || is(r, "/"))
            client_accept(g, x, r);
        else
            http_reply_problem(x, 404, "no_such_path", NULL,
                               "WebSocket is spoken at /v1/ws");
        return;
    }
    allow_origin(g, x, r);
    if (http_method_is(r, "OPTIONS")) {
        http_reply(x, 204, NULL,
                   BYTES_LITERAL("Allow: GET, HEAD, OPTIONS\r\n"
                                 "Access-Control-Allow-Methods: GET\r\n"
                                 "Access-Control-Max-Age: 600\r\n"),
                   BYTES_NONE);
    } else if (http_method_is(r, "GET") || http_method_is(r, "HEAD")) {
        get(g, x, r);
    } else {
        http_add_header(x, "Allow", "GET, HEAD, OPTIONS");
        http_reply_problem(x, 405, "method_not_allowed", NULL,
                           "transactions are sent to the door, not here");
    }
}

/* A script of an allowed page may read the answer. */
static void allow_origin(struct gateway *g, struct http_exchange *x,
                         const struct http_request *r)
{
    struct bytes origin = http_header(r, "origin");
    char text[256];

    if (origin.data == NULL || origin.count >= sizeof(text) ||
        !gateway_origin_allowed(g, origin, r->host))
        return;
    memcpy(text, origin.data, origin.count);
    text[origin.count] = '\0';
    http_add_header(x, "Access-Control-Allow-Origin", text);
    http_add_header(x, "Vary", "Origin");
}

static void get(struct gateway *g, struct http_exchange *x,
                const struct http_request *r)
{
    static const char transactions[] = "/v1/transactions/";
    const struct page_file *file = page_find(r->path);

    if (file != NULL) {
        page(x, file);
    } else if (is(r, "/v1/stats")) {
        answer_stats(g, x);
    } else if (is(r, "/v1/events")) {
        events_accept(g, x, r);
    } else if (is(r, "/v1/rejections")) {
        lookup_rejections(g, x, r);
    } else if (is(r, "/v1/transactions")) {
        lookup_account(g, x, r);
    } else if (r->path.count > sizeof(transactions) - 1 &&
               memcmp(r->path.data, transactions, sizeof(transactions) - 1) ==
                   0) {
        lookup_transaction(g, x, r,
                           bytes_slice(r->path, sizeof(transactions) - 1,
                                       r->path.count));
    } else if (is(r, "/v1/ws")) {
        http_add_header(x, "Upgrade", "websocket");
        http_reply_problem(x, 426, "upgrade_required", NULL,
                           "this path speaks WebSocket");
    } else {
        http_reply_problem(x, 404, "no_such_path", NULL, NULL);
    }
}

static void page(struct http_exchange *x, const struct page_file *f)
{
    http_reply(x, 200, f->content_type, bytes_text(page_headers),
               bytes_of(f->data, f->count));
}

static bool is(const struct http_request *r, const char *path)
{
    return bytes_equal_text(r->path, path);
}
