/*
 * consumer/base/setting_value.h: one value of one setting, read and printed.
 *
 * Thread: main thread.
 */
#ifndef CONSUMER_BASE_SETTING_VALUE_H
#define CONSUMER_BASE_SETTING_VALUE_H

#include "consumer/base/setting.h"

/* Sets the variable to its default. */
void setting_value_reset(const struct setting *s);

/*
 * Reads `text` into the variable; a text is kept, not copied. Returns 0, or
 * FAIL_SETTING, nothing changed, and `why` says what is wrong and what the
 * range is, without the value.
 */
MUST_CHECK int setting_value_read(const struct setting *s, const char *text,
                                  struct buffer *why);

/* Appends the value as a reader may see it: no secret, no password. */
void setting_value_print(const struct setting *s, struct buffer *out);

/* Appends the default, the unit, or the range ("1..1000"); may be nothing. */
void setting_value_default(const struct setting *s, struct buffer *out);
void setting_value_range(const struct setting *s, struct buffer *out);
const char *setting_value_unit(const struct setting *s);

#endif
