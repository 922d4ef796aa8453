/*
 * deploy/ctl/tx_send.c: `tidemill tx send`: posts transactions to a door.
 *
 *      0x5c50… 3-88123 202          stored: partition and offset of its record
 *      file:7 - 422 high_s: s is in the upper half of its range
 *
 * Several are on their way at once; lines come in the order of the operands.
 *
 * From: deploy/ctl/main.c.
 * To:   deploy/ctl/posts.c, which asks the door.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "deploy/ctl/payload.h"
#include "deploy/ctl/posts.h"
#include "deploy/ctl/tx.h"
#include "deploy/ctl/url.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json_writer.h"

/* On their way at once, and connections for them. */
#define SLOTS 64
#define CONNECTIONS 16
#define NAME_BYTES 320

struct slot {
    uint8_t *raw;
    char name[NAME_BYTES];
    bool done;
    struct posted posted;
};

struct send {
    struct loop *loop;
    struct posts *posts;
    struct slot slots[SLOTS]; /* a ring */
    size_t head, count;
    bool room; /* fewer than SLOTS are out */
    bool empty;
    int exit; /* the worst so far */
};

static const char *http_url, *url_option, *chain;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("HTTP_URL", &http_url, TX_HTTP_URL,
                 "where the door is: http://host:port"),
};

static const struct command_option options[] = {
    COMMAND_TEXT("url", &url_option, "URL", "the same as --http-url"),
    COMMAND_TEXT("chain", &chain, "CHAIN",
                 "the chain to post to; without it the bytes must say"),
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

static void print_json(const struct slot *s)
{
    const struct posted *p = &s->posted;
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, 4096);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    json_writer_name(&w, "from");
    json_writer_text(&w, s->name);
    json_writer_name(&w, "status");
    json_writer_int(&w, p->status);
    if (p->stored) {
        json_writer_name(&w, "chain");
        json_writer_text(&w, p->chain);
        json_writer_name(&w, "hash");
        json_writer_hex(&w, bytes_of(p->hash, 32));
        json_writer_name(&w, "partition");
        json_writer_int(&w, p->partition);
        json_writer_name(&w, "offset");
        json_writer_int(&w, p->offset);
        json_writer_name(&w, "accepted_at");
        json_writer_int(&w, p->accepted_at_ms);
    } else {
        json_writer_name(&w, "code");
        json_writer_text(&w, p->code);
        json_writer_name(&w, "why");
        json_writer_text(&w, p->why);
    }
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

static void print(const struct slot *s)
{
    const struct posted *p = &s->posted;
    char hash[65];

    if (json) {
        print_json(s);
        return;
    }
    hex_encode(bytes_of(p->hash, 32), hash);
    if (p->stored)
        printf("0x%s %" PRId32 "-%" PRId64 " %d\n", hash, p->partition,
               p->offset, p->status);
    else
        printf("%s - %d %s: %s\n", s->name, p->status, p->code, p->why);
}

/* 65: it will never be taken; 75: send it again; 69: there is no door. */
static int exit_of(const struct posted *p)
{
    if (p->stored)
        return COMMAND_OK;
    if (p->status == 0)
        return strcmp(p->code, fail_name(FAIL_UNREACHABLE)) == 0
                   ? COMMAND_UNAVAILABLE
                   : COMMAND_TEMPORARY;
    return p->status >= 500 || p->status == 429 ? COMMAND_TEMPORARY
                                                : COMMAND_DATA;
}

static void on_done(void *arg, void *item, const struct http_outcome *o)
{
    struct send *s = arg;
    struct slot *slot = item;
    int code;

    posted_read(o, &slot->posted);
    slot->done = true;
    code = exit_of(&slot->posted);
    if (code > s->exit)
        s->exit = code;
    for (; s->count > 0 && s->slots[s->head].done; s->count--) {
        print(&s->slots[s->head]);
        free(s->slots[s->head].raw);
        s->slots[s->head].raw = NULL;
        s->head = (s->head + 1) % SLOTS;
    }
    s->room = s->count < SLOTS;
    s->empty = s->count == 0;
}

static int wait_for(struct send *s, const bool *what)
{
    return command_run_until(s->loop, what, 0) < 0 ? COMMAND_TEMPORARY : 0;
}

static int send_one(void *arg, struct bytes raw, const char *name)
{
    struct send *s = arg;
    struct slot *slot;
    int rc = wait_for(s, &s->room);

    if (rc != 0)
        return rc;
    slot = &s->slots[(s->head + s->count++) % SLOTS];
    slot->done = false;
    slot->raw = malloc(raw.count + 1);
    CHECK(slot->raw != NULL);
    memcpy(slot->raw, raw.data, raw.count);
    snprintf(slot->name, sizeof(slot->name), "%s", name);
    s->room = s->count < SLOTS;
    s->empty = false;
    posts_put(s->posts, bytes_of(slot->raw, raw.count), slot);
    return 0;
}

static int send_all(struct send *s, const struct url *url, int argc,
                    char **argv)
{
    struct posts_options o = {
        .loop = s->loop,
        .url = url,
        .chain = chain,
        .connections = CONNECTIONS,
        .done = on_done,
        .arg = s,
    };
    int rc = 0, waited;

    s->posts = posts_open(&o);
    for (int i = 1; i < argc && rc == 0; i++)
        rc = payload_each(argv[i], send_one, s);
    /* What is on its way still has its answer, whatever came after it. */
    waited = wait_for(s, &s->empty);
    posts_close(s->posts);
    for (size_t i = 0; i < SLOTS; i++)
        free(s->slots[i].raw);
    return rc != 0 ? rc : waited != 0 ? waited : s->exit;
}

static int run(int argc, char **argv)
{
    static struct send s;
    struct url url;
    const char *text = url_option != NULL ? url_option : http_url;
    int rc;

    if (argc < 2)
        return command_fail(COMMAND_USAGE, "name a file, - or 0x…");
    if (tx_url(text, &url) != 0)
        return COMMAND_USAGE;
    if (loop_open(&s.loop) < 0)
        return command_fail(COMMAND_SOFTWARE, "no loop");
    s.room = true;
    s.empty = true;
    rc = send_all(&s, &url, argc, argv);
    loop_close(s.loop);
    return rc;
}

const struct command command_tx_send = {
    .name = "tx send",
    .usage = "[--url=URL] [--chain=CHAIN] [--json] FILE|-|0xHEX…",
    .help =
        "posts transactions, and prints what the door answers\n"
        "A file has hex, one transaction a line. Ends with 0 when all are\n"
        "stored, 65 when one is refused, 75 when one should be sent again.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
