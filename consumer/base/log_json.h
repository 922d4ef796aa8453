/*
 * consumer/base/log_json.h: a log line's pairs as one JSON object.
 *
 * Thread: any; pure.
 */
#ifndef CONSUMER_BASE_LOG_JSON_H
#define CONSUMER_BASE_LOG_JSON_H

#include <stddef.h>

/*
 * Writes {"time":…,"level":…,"event":…,KEY:VALUE,…} and a newline into `out`,
 * and returns its bytes. `pairs` is printable ASCII: key=value or key="quoted",
 * separated by spaces. A value that is a plain decimal number of at most 15
 * digits, true, false or null stays bare; others become strings. A word without
 * '=' goes into "text". Pairs that do not fit `out_max` (at least 400) are left
 * out.
 */
size_t log_json(char *out, size_t out_max, const char *when, const char *level,
                const char *event, const char *pairs);

#endif
