/*
 * deploy/ctl/tx_decode.c: `tidemill tx decode`: what do these bytes say?
 *
 * From: deploy/ctl/main.c.
 * To:   deploy/ctl/decode.c; no server is asked.
 */
#include <stdio.h>

#include "deploy/ctl/card.h"
#include "deploy/ctl/decode.h"
#include "deploy/ctl/payload.h"
#include "deploy/ctl/tx.h"

#define TEXT_BYTES_MAX 16384

static bool json;

static const struct command_option options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

struct decode {
    struct judge *judge;
    bool printed; /* an empty line stands between two */
    int exit;
};

static int decode_one(void *arg, struct bytes raw, const char *name)
{
    struct decode *d = arg;
    struct transaction_words words = {""};
    struct buffer text;
    enum reason reason;

    buffer_init(&text, TEXT_BYTES_MAX);
    reason = decode_describe(d->judge, raw, &text, &words);
    if (reason != REASON_NONE) {
        d->exit = command_fail(COMMAND_DATA, "%s: %s: %s", name,
                               reason_name(reason), words.text);
    } else if (json) {
        printf("%s\n", buffer_text(&text));
    } else {
        if (d->printed)
            putchar('\n');
        card_print(buffer_bytes(&text));
        d->printed = true;
    }
    buffer_fini(&text);
    return 0;
}

static int run(int argc, char **argv)
{
    struct decode d = {.exit = COMMAND_OK};
    int rc = 0;

    if (argc < 2)
        return command_fail(COMMAND_USAGE, "name a file, - or 0x…");
    if (judge_open(&d.judge) < 0)
        return command_fail(COMMAND_SOFTWARE, "no judge");
    for (int i = 1; i < argc && rc == 0; i++)
        rc = payload_each(argv[i], decode_one, &d);
    judge_close(d.judge);
    return rc != 0 ? rc : d.exit;
}

const struct command command_tx_decode = {
    .name = "tx decode",
    .usage = "[--json] FILE|-|0xHEX…",
    .help =
        "prints what transactions say; asks no server\n"
        "Amounts are in the smallest unit. Ends with 65 when one does not "
        "decode.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
