/*
 * consumer/base/resolve.c: host names on libuv's threads, addresses on the
 * loop.
 *
 * getaddrinfo() blocks for seconds when a name server is away, so it runs on
 * another thread. A look-up that nobody wants any more cannot be interrupted
 * there; it is only forgotten.
 *
 * From: whoever connects to PostgreSQL, Redis or an upstream by name.
 * To:   uv_getaddrinfo().
 */
#include "consumer/base/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "consumer/base/loop.h"
#include "schemas/base/fail.h"

#define ADDRESS_TEXT_MAX 64

struct resolve {
    uv_getaddrinfo_t uv;
    struct loop *loop;
    struct loop_timer *refused; /* reports that the look-up never began */
    resolve_fn done;            /* NULL: cancelled */
    void *arg;
};

static void report(struct resolve *r, int rc, const char *const *addresses,
                   size_t count)
{
    int64_t since;

    if (r->done == NULL)
        return;
    since = loop_enter(r->loop);
    r->done(r->arg, rc, addresses, count);
    loop_leave(r->loop, "resolve", since);
}

/* Writes the addresses as text, each once, and returns how many. */
static size_t collect(const struct addrinfo *a,
                      char texts[RESOLVE_MAX][ADDRESS_TEXT_MAX],
                      const char *addresses[RESOLVE_MAX])
{
    size_t i, count = 0;

    for (; a != NULL && count < RESOLVE_MAX; a = a->ai_next) {
        if (uv_ip_name(a->ai_addr, texts[count], ADDRESS_TEXT_MAX) < 0)
            continue;
        for (i = 0; i < count && strcmp(texts[i], texts[count]) != 0; i++)
            continue;
        if (i < count)
            continue;
        addresses[count] = texts[count];
        count++;
    }
    return count;
}

static bool no_such_name(int status)
{
    return status == UV_EAI_NONAME || status == UV_EAI_NODATA ||
           status == UV_EAI_ADDRFAMILY;
}

static void on_found(uv_getaddrinfo_t *request, int status,
                     struct addrinfo *found)
{
    struct resolve *r = request->data;
    char texts[RESOLVE_MAX][ADDRESS_TEXT_MAX];
    const char *addresses[RESOLVE_MAX];
    size_t count;

    if (status < 0) {
        report(r, no_such_name(status) ? FAIL_NOT_FOUND : FAIL_UNREACHABLE,
               NULL, 0);
    } else {
        count = collect(found, texts, addresses);
        report(r, count > 0 ? 0 : FAIL_NOT_FOUND, addresses, count);
        uv_freeaddrinfo(found);
    }
    free(r);
}

static void on_refused(void *arg)
{
    struct resolve *r = arg;

    loop_timer_close(r->refused);
    report(r, FAIL_NOT_FOUND, NULL, 0);
    free(r);
}

struct resolve *resolve_start(struct loop *l, const char *host, resolve_fn done,
                              void *arg)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct resolve *r = calloc(1, sizeof(*r));

    CHECK(r != NULL);
    r->loop = l;
    r->done = done;
    r->arg = arg;
    r->uv.data = r;
    /* A name that cannot be one (too long) is refused at once; that too is
     * reported later. */
    if (uv_getaddrinfo(loop_uv(l), &r->uv, on_found, host, NULL, &hints) < 0) {
        r->refused = loop_timer_open(l, "resolve.refused", on_refused, r);
        loop_timer_start(r->refused, 0, 0);
    }
    return r;
}

void resolve_cancel(struct resolve *r)
{
    if (r == NULL)
        return;
    r->done = NULL;
    if (r->refused != NULL) {
        loop_timer_close(r->refused);
        free(r);
        return;
    }
    uv_cancel((uv_req_t *)&r->uv);
}
