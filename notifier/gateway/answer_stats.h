/*
 * notifier/gateway/answer_stats.h: /v1/stats, and how far behind we are.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_ANSWER_STATS_H
#define NOTIFIER_GATEWAY_ANSWER_STATS_H

#include "schemas/base/bytes.h"

struct gateway;
struct http_exchange;

/* Answers with what is known now; what is stale is asked for meanwhile. */
void answer_stats(struct gateway *g, struct http_exchange *x);

/* Appends the object that /v1/stats answers. */
void answer_stats_json(struct gateway *g, struct buffer *out);

/*
 * Appends how many seconds old the oldest accepted transaction without a result
 * is, at least: 0 when every record that was accepted is written; null when
 * nobody could tell.
 */
void answer_stats_behind(struct gateway *g, struct buffer *out);

#endif
