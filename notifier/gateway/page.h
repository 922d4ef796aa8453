/*
 * notifier/gateway/page.h: the live page, as it was embedded at build.
 *
 * Thread: any; constant.
 */
#ifndef NOTIFIER_GATEWAY_PAGE_H
#define NOTIFIER_GATEWAY_PAGE_H

#include "schemas/base/bytes.h"

struct page_file {
    const char *path;         /* "/", "/page.js" */
    const char *content_type; /* with its charset */
    const uint8_t *data;
    size_t count;
};

/* Made by notifier/gateway/page/embed.cmake from the files of that folder. */
extern const struct page_file page_files[];
extern const size_t page_files_count;

/* The file of a path, or NULL. */
const struct page_file *page_find(struct bytes path);

/* Headers of every file: what the page may load and where it may connect. */
extern const char *const page_headers;

#endif
