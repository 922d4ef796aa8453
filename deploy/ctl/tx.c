/*
 * deploy/ctl/tx.c: what the commands that speak to servers begin with.
 *
 * From: tx send, get, watch, demo, and bench.
 * To:   deploy/ctl/url.c.
 */
#include "deploy/ctl/tx.h"

#include "consumer/base/log.h"
#include "deploy/ctl/url.h"
#include "schemas/base/check.h"

int tx_url(const char *text, struct url *out)
{
    const char *why = "";

    if (url_parse(text, out, &why) < 0)
        return command_fail(COMMAND_USAGE, "%s: %s", text, why);
    return 0;
}

void tx_quiet(void)
{
    if (!log_enabled(LOG_INFO))
        CHECK(log_configure("error", "text") == 0);
}
