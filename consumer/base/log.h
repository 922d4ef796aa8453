/*
 * consumer/base/log.h: one event, one line on standard error.
 *
 *     log_info("ledger.written", "partition=%d count=%zu ms=%d", p, n, ms);
 *
 *     2025-11-21T14:20:00.123Z info ledger.written partition=7 count=500 ms=12
 *
 * The event says what happened, in the past tense; the pairs say to whom and
 * why. A value with spaces, and every text from outside, goes through
 * LOG_QUOTE(). Keys, signatures and payloads are never logged. With the setting
 * LOG_FORMAT=json a line is one JSON object with the same pairs.
 *
 * A line is at most LOG_LINE_MAX bytes of ASCII; control bytes become '?'.
 * Writing never blocks: when standard error takes no more, the line is dropped
 * and counted (tidemill_log_dropped_total), and the next line that gets through
 * follows a `log.dropped count=…`.
 *
 * Thread: any. Works before log_configure(), as text at level info.
 */
#ifndef CONSUMER_BASE_LOG_H
#define CONSUMER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

/* At most this many bytes, so that a pipe takes a line whole or not at all. */
#define LOG_LINE_MAX 4096

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/*
 * The second argument, when there is one, is a format that is a string literal.
 * Arguments are evaluated even when the level is off, except for log_debug().
 */
#define log_info(event, ...) log_write(LOG_INFO, event, " " __VA_ARGS__)
#define log_warn(event, ...) log_write(LOG_WARN, event, " " __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_ERROR, event, " " __VA_ARGS__)
#define log_debug(event, ...)                                                  \
    do {                                                                       \
        if (log_enabled(LOG_DEBUG))                                            \
            log_write(LOG_DEBUG, event, " " __VA_ARGS__);                      \
    } while (0)

/* What the macros call. `format` makes key=value pairs. */
void log_write(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Is a line of this level written? */
bool log_enabled(enum log_level level);

/*
 * Sets level ("debug", "info", "warn", "error") and format ("text", "json").
 * Returns 0, or FAIL_SETTING when a word is none of these; nothing changed.
 */
MUST_CHECK int log_configure(const char *level, const char *format);

/* How many lines were dropped because standard error was blocked. */
uint64_t log_dropped(void);

/* Room for what log_quote() makes, its quotes and NUL. */
#define LOG_QUOTE_MAX 300

/*
 * Writes `text` in quotes, safe for a line: quote and backslash get a
 * backslash, other bytes than printable ASCII become \xNN, and what is too long
 * ends in "...". No value (data NULL) is `null` without quotes. Returns `out`.
 */
const char *log_quote(struct bytes text, char out[LOG_QUOTE_MAX]);

/* As an argument of log_info(): why=%s, LOG_QUOTE(bytes). Lives to the end of
 * the block. */
#define LOG_QUOTE(bytes) log_quote((bytes), (char[LOG_QUOTE_MAX]){0})
/* The same of a C string, which may be NULL. */
#define LOG_TEXT(text) log_quote_text((text), (char[LOG_QUOTE_MAX]){0})
const char *log_quote_text(const char *text, char out[LOG_QUOTE_MAX]);

/*
 * Sends lines to `fd` instead of standard error; -1 goes back. The descriptor
 * stays the caller's. For tests.
 */
void log_redirect(int fd);

#endif
