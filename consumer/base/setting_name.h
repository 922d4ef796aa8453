/*
 * consumer/base/setting_name.h: which names of settings there are, and which is
 * meant by a misspelt one.
 *
 * A name is upper case without TIDEMILL_ ("BATCH_MS"); its flag is
 * "--batch-ms".
 *
 * Thread: any; pure.
 */
#ifndef CONSUMER_BASE_SETTING_NAME_H
#define CONSUMER_BASE_SETTING_NAME_H

#include "consumer/base/setting.h"

/* Room for a name and its NUL; longer ones are nobody's. */
#define SETTING_NAME_MAX 128

/* The row of that name, or NULL. */
const struct setting *setting_name_find(const struct setting_options *o,
                                        const char *name);

/* The row whose NAME_FILE this is, if it may be read from a file; or NULL. */
const struct setting *setting_name_find_file(const struct setting_options *o,
                                             const char *name);

/* Another program's setting, or its _FILE. */
bool setting_name_known(const struct setting_options *o, const char *name);

/*
 * Writes the name of the flag of `count` letters (without dashes), "batch-ms",
 * as "BATCH_MS". What no flag may contain becomes '?'; too long is cut.
 */
void setting_name_of_flag(const char *flag, size_t count,
                          char out[SETTING_NAME_MAX]);

/* Appends "--batch-ms" for "BATCH_MS". */
void setting_name_append_flag(const char *name, struct buffer *out);

/* The nearest name, or NULL when there is none; of the tables only when
 * `ours`. */
const char *setting_name_nearest(const struct setting_options *o,
                                 const char *name, bool ours);

#endif
