/*
 * deploy/ctl/tx.h: the commands about single transactions.
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_TX_H
#define DEPLOY_CTL_TX_H

#include "consumer/base/command.h"

extern const struct command command_tx_send;   /* tidemill tx send */
extern const struct command command_tx_get;    /* tidemill tx get */
extern const struct command command_tx_watch;  /* tidemill tx watch */
extern const struct command command_tx_decode; /* tidemill tx decode */
extern const struct command command_tx_verify; /* tidemill tx verify */
extern const struct command command_tx_demo;   /* tidemill tx demo */

struct url;

/* Reads a URL. Returns 0, or COMMAND_USAGE after printing what is wrong. */
int tx_url(const char *text, struct url *out) MUST_CHECK;

/*
 * A command that prints what people read has no use for warnings about how busy
 * the machine is: only errors, unless LOG_LEVEL asks for more than warnings.
 */
void tx_quiet(void);

/* Defaults of the two URLs, where nothing is set. */
#define TX_HTTP_URL "http://127.0.0.1:8080"
#define TX_GATEWAY_URL "http://127.0.0.1:8082"

#endif
