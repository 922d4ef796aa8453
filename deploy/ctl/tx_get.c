/*
 * deploy/ctl/tx_get.c: `tidemill tx get`: what is known of one transaction.
 *
 * From: deploy/ctl/main.c.
 * To:   the gateway's GET /v1/transactions/{chain}/{hash}.
 */
#include <stdio.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "deploy/ctl/card.h"
#include "deploy/ctl/http_client.h"
#include "deploy/ctl/tx.h"
#include "deploy/ctl/url.h"
#include "schemas/base/fail.h"
#include "schemas/chain.h"
#include "schemas/hex.h"

/* The gateway's own limit of ?wait. */
#define WAIT_MS_MAX 30000
#define ANSWER_MS 15000

static const char *gateway_url, *url_option;
static long long wait_ms;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("GATEWAY_URL", &gateway_url, TX_GATEWAY_URL,
                 "where the gateway is: http://host:port"),
};

static const struct command_option options[] = {
    COMMAND_TEXT("url", &url_option, "URL", "the same as --gateway-url"),
    COMMAND_COUNT("wait", &wait_ms, 0, WAIT_MS_MAX,
                  "wait so many ms for its row"),
    COMMAND_FLAG("json", &json, "the answer as it is"),
};

static void on_answer(void *arg, const struct http_outcome *o)
{
    int *exit = arg;
    int status;

    if (o->rc < 0) {
        *exit =
            command_fail(command_exit_code(o->rc), "the gateway: %s", o->why);
        return;
    }
    status = o->answer->status;
    if (json)
        printf("%.*s\n", (int)o->answer->body.count,
               (const char *)o->answer->body.data);
    else
        card_print(o->answer->body);
    *exit = status == 200   ? COMMAND_OK
            : status == 404 ? COMMAND_DIFFERS
            : status >= 500 ? COMMAND_TEMPORARY
                            : COMMAND_DATA;
}

static int get(const struct url *url, const char *chain, const char *hash)
{
    struct http_client_options o = {.url = url,
                                    .answer_ms = ANSWER_MS + (int)wait_ms};
    char target[256];
    int exit = COMMAND_TEMPORARY, rc;

    snprintf(target, sizeof(target), "/v1/transactions/%s/%s?wait=%lld", chain,
             hash, wait_ms);
    if (wait_ms == 0)
        *strchr(target, '?') = '\0';
    if (loop_open(&o.loop) < 0)
        return command_fail(COMMAND_SOFTWARE, "no loop");
    rc = http_client_ask(&o, "GET", target, NULL, BYTES_NONE, on_answer, &exit);
    loop_close(o.loop);
    return rc < 0 ? COMMAND_TEMPORARY : exit;
}

static int run(int argc, char **argv)
{
    const char *text = url_option != NULL ? url_option : gateway_url;
    struct chain chain;
    uint8_t hash[32];
    size_t count;
    struct url url;

    if (argc != 3)
        return command_fail(COMMAND_USAGE, "name a chain and a hash");
    if (chain_parse(bytes_text(argv[1]), &chain) < 0)
        return command_fail(COMMAND_USAGE, "%s is no chain", argv[1]);
    if (hex_decode_0x(bytes_text(argv[2]), hash, sizeof(hash), &count) < 0 ||
        count != sizeof(hash))
        return command_fail(COMMAND_USAGE, "a hash is 0x and 64 hex digits");
    if (tx_url(text, &url) != 0)
        return COMMAND_USAGE;
    return get(&url, chain.name, argv[2]);
}

const struct command command_tx_get = {
    .name = "tx get",
    .usage = "[--url=URL] [--wait=MS] [--json] CHAIN HASH",
    .help =
        "prints what is known of one transaction\n"
        "Ends with 1 when there is no row of it.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
