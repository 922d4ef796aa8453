/*
 * notifier/gateway/submitted.c: asks Kafka for ends, and remembers them.
 *
 * From: notifier/gateway/answer_stats.c.
 * To:   consumer/reader.c.
 */
#include "notifier/gateway/submitted.h"

#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/reader.h"

#define OLD_MS 2000

struct submitted {
    struct reader *reader;
    int64_t ends[CURSOR_PARTITIONS_MAX];
    int64_t asked_ms;
    bool asking;
    int32_t next;    /* partition asked, or to ask */
    int32_t through; /* ask up to before this one */
};

static void ask(struct submitted *s);
static void told(void *arg, int rc, int64_t start, int64_t end);

int submitted_open(struct loop *loop, const struct kafka_config *config,
                   const char *topic, struct submitted **out)
{
    struct submitted *s = calloc(1, sizeof(*s));
    struct reader_options o = {
        .loop = loop,
        .config = config,
        .name = "gateway-submitted",
        .topic = topic,
    };
    int rc;

    CHECK(s != NULL);
    for (size_t i = 0; i < CURSOR_PARTITIONS_MAX; i++)
        s->ends[i] = -1;
    rc = reader_open(&o, &s->reader);
    if (rc < 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void submitted_close(struct submitted *s)
{
    if (s == NULL)
        return;
    reader_cancel(s->reader, s);
    reader_close(s->reader, NULL, NULL);
    free(s);
}

const int64_t *submitted_ends(struct submitted *s, size_t partitions)
{
    int64_t now = clock_ms();

    if (!s->asking && partitions > 0 && now - s->asked_ms > OLD_MS) {
        s->asked_ms = now;
        s->next = 0;
        s->through = (int32_t)(partitions < CURSOR_PARTITIONS_MAX
                                   ? partitions
                                   : CURSOR_PARTITIONS_MAX);
        ask(s);
    }
    return s->ends;
}

static void ask(struct submitted *s)
{
    s->asking = s->next < s->through &&
                reader_offsets(s->reader, s->next, told, s) == 0;
}

static void told(void *arg, int rc, int64_t start, int64_t end)
{
    struct submitted *s = arg;

    (void)start;
    s->ends[s->next] = rc == 0 ? end : -1;
    s->next++;
    ask(s);
}
