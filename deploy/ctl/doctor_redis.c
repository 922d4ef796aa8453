/*
 * deploy/ctl/doctor_redis.c: how much may wait for a slow subscriber?
 *
 *      -> AUTH ...                                   (if the URL has a login)
 *      -> CONFIG GET client-output-buffer-limit
 *      <- +OK
 *      <- *2 $26 client-output-buffer-limit $N normal 0 0 0 ... pubsub 0 0 0
 *
 * One question in RESP over a plain connection: the stages' own door to Redis
 * publishes and listens, and does nothing else.
 *
 * From: deploy/ctl/doctor.c.
 * To:   consumer/base/stream.c; verifier/command/doctor.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "deploy/ctl/doctor.h"
#include "notifier/redis_url.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 3000
#define ANSWER_MS 5000
#define REPLY_BYTES_MAX 8192
#define LIMIT_BYTES_MIN ((int64_t)256 << 20)

/* ---- the reply ---- */

/* A line without its end; data NULL when it is not all there. */
static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *end =
        rest->count < 2 ? NULL : memmem(rest->data, rest->count, "\r\n", 2);
    struct bytes line = BYTES_NONE;

    if (end == NULL)
        return line;
    line = bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = bytes_slice(*rest, line.count + 2, rest->count);
    return line;
}

static void refuse(struct doctor_redis *out, struct bytes words)
{
    out->answered = out->refused = true;
    snprintf(out->why, sizeof(out->why), "%.*s", (int)words.count,
             (const char *)words.data);
}

/* "normal 0 0 0 slave … pubsub 33554432 8388608 60" */
static void read_limits(struct bytes value, struct doctor_redis *out)
{
    char text[512];
    const char *at;

    snprintf(text, sizeof(text), "%.*s", (int)value.count,
             (const char *)value.data);
    at = strstr(text, "pubsub ");
    if (at == NULL || sscanf(at, "pubsub %" SCNd64 " %" SCNd64 " %" SCNd64,
                             &out->hard, &out->soft, &out->soft_seconds) != 3)
        refuse(out, BYTES_LITERAL("its answer names no pubsub limit"));
    out->answered = true;
}

void doctor_redis_parse(struct bytes reply, bool auth, struct doctor_redis *out)
{
    struct bytes line;
    int lines = 0;

    memset(out, 0, sizeof(*out));
    while ((line = take_line(&reply)).data != NULL) {
        if (line.count > 0 && line.data[0] == '-') {
            refuse(out, bytes_slice(line, 1, line.count));
            return;
        }
        if (auth && lines == 0) {
            auth = false; /* +OK */
            continue;
        }
        /* *2, $26, the name, $N, the value */
        if (lines == 0 && !bytes_equal_text(line, "*2")) {
            refuse(out, BYTES_LITERAL("it does not answer CONFIG GET"));
            return;
        }
        if (++lines == 5) {
            read_limits(line, out);
            return;
        }
    }
}

/* ---- what it means ---- */

static bool too_small(int64_t limit)
{
    return limit > 0 && limit < LIMIT_BYTES_MIN;
}

void doctor_judge_redis(struct doctor *d, const struct doctor_redis *r)
{
    static const char run[] =
        "redis-cli config set client-output-buffer-limit "
        "\"pubsub 256mb 256mb 60\", and in its file";

    if (!r->answered)
        doctor_say(d, DOCTOR_WARNING, "redis", DOCTOR_FLOW,
                   "is REDIS_URL right, and does it run?",
                   "%s; gateways read the topic meanwhile", r->why);
    else if (r->refused)
        doctor_say(d, DOCTOR_WARNING, "redis", NULL,
                   "allow CONFIG GET, or look by hand: "
                   "client-output-buffer-limit pubsub 256mb 256mb 60",
                   "its settings cannot be read: %s", r->why);
    else if (too_small(r->hard) || too_small(r->soft))
        doctor_say(d, DOCTOR_WARNING, "redis", DOCTOR_FLOW, run,
                   "client-output-buffer-limit pubsub %" PRId64 " %" PRId64
                   " %" PRId64
                   ": in a spike a gateway is cut off and has to "
                   "read the topic; 256 MiB are wanted",
                   r->hard, r->soft, r->soft_seconds);
    else
        doctor_say(d, DOCTOR_OK, "redis", NULL, NULL,
                   "client-output-buffer-limit pubsub %" PRId64 " %" PRId64
                   " %" PRId64,
                   r->hard, r->soft, r->soft_seconds);
}

/* ---- asking ---- */

struct asking {
    struct redis_url url;
    struct buffer reply;
    struct doctor_redis found;
    struct stream *stream;
    bool done;   /* answered, or the connection ended */
    bool closed; /* the stream is gone */
};

static void append_word(struct buffer *b, const char *word)
{
    buffer_append_format(b, "$%zu\r\n%s\r\n", strlen(word), word);
}

static void on_connected(void *arg)
{
    struct asking *a = arg;
    struct buffer b;

    buffer_init(&b, 4096);
    if (a->url.password[0] != '\0') {
        buffer_append_text(&b, a->url.user[0] != '\0' ? "*3\r\n" : "*2\r\n");
        append_word(&b, "AUTH");
        if (a->url.user[0] != '\0')
            append_word(&b, a->url.user);
        append_word(&b, a->url.password);
    }
    buffer_append_text(&b, "*3\r\n");
    append_word(&b, "CONFIG");
    append_word(&b, "GET");
    append_word(&b, "client-output-buffer-limit");
    if (stream_send_bytes(a->stream, buffer_bytes(&b)) < 0)
        a->done = true;
    buffer_fini(&b);
}

static void on_data(void *arg, struct bytes b)
{
    struct asking *a = arg;

    if (buffer_append_bytes(&a->reply, b) == 0)
        doctor_redis_parse(buffer_bytes(&a->reply), a->url.password[0] != '\0',
                           &a->found);
    else
        refuse(&a->found, BYTES_LITERAL("it answers too much"));
    a->done = a->found.answered;
}

static void on_closed(void *arg, enum stream_end why)
{
    struct asking *a = arg;

    if (!a->found.answered)
        snprintf(a->found.why, sizeof(a->found.why), "%s",
                 stream_end_name(why));
    a->done = a->closed = true;
    a->stream = NULL;
}

static const struct stream_events events = {
    .connected = on_connected, .data = on_data, .closed = on_closed};

static void ask(struct asking *a, struct loop *loop)
{
    if (stream_connect(loop, a->url.host, a->url.port, CONNECT_MS, &events, a,
                       &a->stream) < 0) {
        snprintf(a->found.why, sizeof(a->found.why), "no such host or port");
        return;
    }
    if (command_run_until(loop, &a->done, ANSWER_MS) < 0)
        snprintf(a->found.why, sizeof(a->found.why), "no answer");
    if (a->stream != NULL)
        stream_close(a->stream);
    (void)loop_run_until(loop, &a->closed, 1000);
}

void doctor_ask_redis(struct doctor *d, const char *url)
{
    struct asking a = {.done = false};
    struct loop *loop;
    const char *why = "";

    if (redis_url_parse(url, &a.url, &why) < 0) {
        doctor_say(d, DOCTOR_WARNING, "redis", DOCTOR_FLOW, "mend REDIS_URL",
                   "%s", why);
        return;
    }
    if (a.url.host[0] == '\0') {
        doctor_say(d, DOCTOR_WARNING, "redis", NULL,
                   "redis-cli -s SOCKET config get client-output-buffer-limit",
                   "is reached by a socket file: not asked");
        return;
    }
    if (loop_open(&loop) < 0)
        return;
    buffer_init(&a.reply, REPLY_BYTES_MAX);
    ask(&a, loop);
    doctor_judge_redis(d, &a.found);
    buffer_fini(&a.reply);
    loop_close(loop);
}
