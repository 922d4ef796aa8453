/*
 * deploy/ctl/url.h: where a door or gateway is, as an operator writes it.
 *
 *      http://127.0.0.1:18080        host 127.0.0.1, port 18080, path ""
 *      http://[::1]:8080/tidemill/   host ::1, port 8080, path "/tidemill"
 *
 * Thread: any. Memory: values, nothing to free.
 */
#ifndef DEPLOY_CTL_URL_H
#define DEPLOY_CTL_URL_H

#include "schemas/base/check.h"

#define URL_HOST_MAX 255
#define URL_PATH_MAX 1023

struct url {
    char host[URL_HOST_MAX + 1];          /* without brackets */
    int port;                             /* 1..65535 */
    char authority[URL_HOST_MAX + 1 + 8]; /* what a Host field says */
    char path[URL_PATH_MAX + 1]; /* "", or "/…" without / at its end */
};

/*
 * Reads http:// and ws:// (the same to us: the port is the same). Returns 0, or
 *   FAIL_UNSUPPORTED  https, wss: TLS is not spoken by this command;
 *   FAIL_MALFORMED    anything else;
 * and `*out_why`, static words for both.
 */
int url_parse(const char *text, struct url *out,
              const char **out_why) MUST_CHECK;

#endif
