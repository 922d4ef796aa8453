/*
 * tests/fuzz/http_fuzz.c: any bytes into an HTTP connection.
 *
 * What comes out must not depend on how the input was cut, every request that
 * reaches the application must be framed as its own fields say, and an answer
 * must leave for each of them.
 *
 * From: the fuzzer; the first byte chooses how the input is cut.
 * To:   consumer/base/http_connection.c.
 */
#include "tests/support/http_probe.h"

static struct http_probe probe;

static char *story_of(struct bytes feed, size_t piece)
{
    http_probe_open(&probe);
    probe.never_upgrade = true;
    http_probe_feed(&probe, feed, piece);
    char *story = strdup(http_probe_story(&probe));
    http_probe_close(&probe);
    CHECK(story != NULL);
    return story;
}

/* 100 is sent or not, depending on whether the body came along. */
static void drop_continues(char *story)
{
    static const char line[] = "continue\n";
    char *at;

    while ((at = strstr(story, line)) != NULL)
        memmove(at, at + sizeof(line) - 1, strlen(at + sizeof(line) - 1) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    if (count < 1)
        return 0;
    struct bytes feed = bytes_of(data + 1, count - 1);
    char *whole = story_of(feed, SIZE_MAX);
    char *cut = story_of(feed, 1 + data[0] % 64);
    drop_continues(whole);
    drop_continues(cut);
    CHECK(strcmp(whole, cut) == 0);
    free(whole);
    free(cut);
    return 0;
}
