/*
 * consumer/base/setting_print.h: a table of settings as pages.
 *
 * Thread: main thread.
 */
#ifndef CONSUMER_BASE_SETTING_PRINT_H
#define CONSUMER_BASE_SETTING_PRINT_H

#include "consumer/base/setting.h"

/* --settings: name, value, unit, range, default, help; secrets hidden. */
void setting_print(const struct setting_options *o, struct buffer *out);

/* --settings-markdown: the rows of deploy/settings.md, without values. */
void setting_print_markdown(const struct setting_options *o,
                            struct buffer *out);

/* --help: what the program is and its flags. */
void setting_print_help(const struct setting_options *o, struct buffer *out);

/* The list of flags in it. */
void setting_print_flags(const struct setting_options *o, struct buffer *out);

#endif
