/*
 * tests/support/tools/http_echo.c: our HTTP server answering 202 and the body's
 * length: what a request costs before anything is done with it.
 *
 *   http_echo 127.0.0.1:22002      prints "listening 22002"
 *
 * From: a load generator.
 * To:   consumer/base/http.h.
 */
#include <stdio.h>

#include "consumer/base/http.h"
#include "consumer/base/loop.h"

static size_t body_limit(void *arg, const struct http_request *head)
{
    (void)arg;
    (void)head;
    return 1024 * 1024;
}

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    char text[32];

    (void)arg;
    snprintf(text, sizeof(text), "{\"bytes\":%zu}", r->body.count);
    http_reply(x, 202, "application/json", BYTES_NONE, bytes_text(text));
}

int main(int argc, char **argv)
{
    struct http_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:0",
                                   .body_limit = body_limit,
                                   .request = request};
    struct loop *loop;
    struct http_server *server;

    CHECK(loop_open(&loop) == 0);
    int rc = http_server_open(loop, &options, &server);
    if (rc < 0) {
        fprintf(stderr, "http_echo: %s: %s\n", options.listen, fail_words(rc));
        return 1;
    }
    printf("listening %d\n", http_server_port(server));
    fflush(stdout);
    loop_run(loop);
    return 0;
}
