/*
 * notifier/gateway/page.c: finds a file of the page.
 *
 * The policy allows our own script, style and connections, and nothing else: no
 * inline code, no frames, no other origin.
 *
 * From: notifier/gateway/route.c.
 * To:   a browser; notifier/gateway/page/page.js goes on there.
 */
#include "notifier/gateway/page.h"

const char *const page_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src"
    " 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-cache\r\n";

const struct page_file *page_find(struct bytes path)
{
    for (size_t i = 0; i < page_files_count; i++)
        if (bytes_equal_text(path, page_files[i].path))
            return &page_files[i];
    return NULL;
}
