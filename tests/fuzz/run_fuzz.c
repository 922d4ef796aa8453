/*
 * tests/fuzz/run_fuzz.c: runs, cursors, channels and requests from anybody.
 *
 * What parses is written again and must read the same: a run or a cursor has
 * one text only.
 *
 * From: libFuzzer.
 * To:   schemas/run.h, schemas/cursor.h, notifier/gateway/protocol.h.
 */
#include <stdlib.h>
#include <string.h>

#include "notifier/gateway/protocol.h"
#include "schemas/cursor.h"
#include "schemas/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void try_run(struct bytes text)
{
    static struct run_event events[RUN_EVENTS_MAX];
    struct run_header header;
    struct buffer again;
    size_t n;

    if (run_parse(text, &header, events, &n) < 0)
        return;
    buffer_init(&again, RUN_BYTES_MAX + RUN_HEADER_MAX);
    CHECK(run_header_append(&again, &header) == 0);
    for (size_t i = 0; i < n; i++)
        CHECK(run_event_append(&again, &events[i]) == 0);
    CHECK(bytes_equal(buffer_bytes(&again), text));
    buffer_fini(&again);
}

static void try_cursor(struct bytes text)
{
    char again[CURSOR_TEXT_MAX + 1];
    struct cursor c;

    if (cursor_parse(text, &c) < 0)
        return;
    CHECK(cursor_format(&c, again) == text.count);
    CHECK(memcmp(again, text.data, text.count) == 0);
}

static void try_channel(struct bytes text)
{
    struct channel c, again;

    if (channel_parse(text, &c) < 0)
        return;
    CHECK(channel_parse(bytes_text(c.name), &again) == 0);
    CHECK(strcmp(c.name, again.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes text = bytes_of(data, count);
    struct protocol_request request;

    try_run(text);
    try_cursor(text);
    try_channel(text);
    protocol_read(text, &request);
    return 0;
}
