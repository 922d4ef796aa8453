/*
 * consumer/base/http_target.h: the request target, the Host, and small readers
 * of field values.
 *
 * Thread: any; no state.
 */
#ifndef CONSUMER_BASE_HTTP_TARGET_H
#define CONSUMER_BASE_HTTP_TARGET_H

#include "consumer/base/http_head.h"

/*
 * Splits h->target into path and query and checks it against h->host. Returns
 * 0, or minus the status of the refusal.
 */
int http_target_split(struct http_head *h);

/* A comma-separated list has that element, any case. */
bool http_list_has(struct bytes list, const char *element);

/* Takes the next element of a comma-separated list, without white space
 * around it; false at its end. Empty elements are skipped. */
bool http_list_next(struct bytes *list, struct bytes *out_element);

/* 0-15, or -1. */
int http_hex_digit(uint8_t byte);

#endif
