/*
 * consumer/base/log.c: one event, one line, and never a stalled loop.
 *
 * A line is made in one buffer on the stack and written with one call. When
 * standard error is a pipe or a terminal whose reader has stopped, an ordinary
 * write would stop us too, and O_NONBLOCK on the shared descriptor would change
 * it for everybody who shares it. So we open our own description of the same
 * pipe and make only that one non-blocking; a socket has MSG_DONTWAIT; a file
 * does not block. What does not fit is dropped and counted.
 *
 *     pairs as text ("partition=7 why=\"slow\"")  ->  scrubbed  ->  text line
 *                                                 \-> log_json.c -> JSON line
 *
 * From: everything that has something to say.
 * To:   consumer/base/log_json.c for the other format; standard error.
 */
#include "consumer/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log_json.h"
#include "consumer/base/metrics.h"
#include "schemas/base/fail.h"

enum way { WAY_UNKNOWN, WAY_WRITE, WAY_SEND, WAY_POLL };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static atomic_int level_least = LOG_INFO;
static atomic_bool json;
static atomic_ullong dropped_count;

/* Below: under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int target = -1;       /* what log_redirect() said, or -1 */
static int fd = -1;           /* where lines go */
static enum way way;          /* how they get there without blocking */
static uint64_t dropped_told; /* as of the last log.dropped line */

/* Opens our own non-blocking description of a pipe or a terminal. */
static int open_own(int shared)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", shared);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static void choose_way(void)
{
    int shared = target >= 0 ? target : STDERR_FILENO;
    struct stat st;

    fd = shared;
    way = WAY_WRITE;
    if (fstat(shared, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode)) {
        way = WAY_SEND;
    } else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        fd = open_own(shared);
        if (fd < 0) {
            /* Not allowed: look first. Another writer of the same pipe may
             * still fill it in between, and then we wait. */
            fd = shared;
            way = WAY_POLL;
        }
    }
}

static bool writable(void)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1;
}

/* Writes a whole line or nothing; false when it would block. */
static bool put(const char *line, size_t count)
{
    ssize_t done;

    if (way == WAY_UNKNOWN)
        choose_way();
    if (way == WAY_POLL && !writable())
        return false;
    do {
        if (way == WAY_SEND)
            done = send(fd, line, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
            done = write(fd, line, count);
    } while (done < 0 && errno == EINTR);
    /* A terminal or a full disk may take a part: the line is lost then. */
    return done == (ssize_t)count;
}

/* Builds the line of one event into `out`; returns its bytes with newline. */
static size_t build(char out[LOG_LINE_MAX], enum log_level level,
                    const char *event, const char *pairs)
{
    char when[CLOCK_TEXT_MAX];
    int count;

    clock_format(clock_wall_ms(), when);
    if (atomic_load_explicit(&json, memory_order_relaxed))
        return log_json(out, LOG_LINE_MAX, when, level_names[level], event,
                        pairs);
    count =
        snprintf(out, LOG_LINE_MAX, "%s %s %s%s%s", when, level_names[level],
                 event, *pairs == '\0' ? "" : " ", pairs);
    if (count > LOG_LINE_MAX - 1)
        count = LOG_LINE_MAX - 1;
    out[count] = '\n';
    return (size_t)count + 1;
}

/* Under the lock: says how much was lost before the next line. */
static bool put_dropped(void)
{
    uint64_t now = atomic_load(&dropped_count);
    char line[LOG_LINE_MAX];
    char pairs[80];
    size_t count;

    if (now == dropped_told)
        return true;
    snprintf(pairs, sizeof(pairs), "count=%llu why=\"standard error blocked\"",
             (unsigned long long)(now - dropped_told));
    count = build(line, LOG_WARN, "log.dropped", pairs);
    if (!put(line, count))
        return false;
    dropped_told = now;
    return true;
}

static struct metric *lines_metric(enum log_level level)
{
    static _Atomic(struct metric *) metrics[4];
    struct metric *m =
        atomic_load_explicit(&metrics[level], memory_order_acquire);
    char labels[32];

    if (m == NULL) {
        snprintf(labels, sizeof(labels), "level=\"%s\"", level_names[level]);
        m = metric_counter("tidemill_log_lines_total", labels,
                           "log lines, also those that were dropped");
        atomic_store_explicit(&metrics[level], m, memory_order_release);
    }
    return m;
}

static void count_drop(void)
{
    atomic_fetch_add(&dropped_count, 1);
    metric_add(metric_counter("tidemill_log_dropped_total", NULL,
                              "log lines lost because standard error blocked"),
               1);
}

/* Everything that is not printable ASCII would be somebody else's control. */
static void scrub(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            *text = '?';
    }
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    char pairs[LOG_LINE_MAX - 200];
    char line[LOG_LINE_MAX];
    int error = errno; /* a log line changes nothing */
    va_list args;
    size_t count;
    bool ok;

    if (!log_enabled(level))
        return;
    metric_add(lines_metric(level), 1);
    va_start(args, format);
    vsnprintf(pairs, sizeof(pairs), format, args);
    va_end(args);
    scrub(pairs);
    /* The macros put a space before the format; see log.h. */
    count = build(line, level, event, pairs + strspn(pairs, " "));

    pthread_mutex_lock(&lock);
    ok = put_dropped() && put(line, count);
    pthread_mutex_unlock(&lock);
    if (!ok)
        count_drop();
    errno = error;
}

bool log_enabled(enum log_level level)
{
    return (int)level >=
           atomic_load_explicit(&level_least, memory_order_relaxed);
}

int log_configure(const char *level, const char *format)
{
    int i, found = -1;

    for (i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(level, level_names[i]) == 0)
            found = i;
    }
    if (found < 0)
        return FAIL_SETTING;
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return FAIL_SETTING;
    atomic_store(&level_least, found);
    atomic_store(&json, *format == 'j');
    return 0;
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped_count);
}

const char *log_quote(struct bytes text, char out[LOG_QUOTE_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t i, at = 0;
    uint8_t c;

    if (text.data == NULL)
        return strcpy(out, "null");
    out[at++] = '"';
    for (i = 0; i < text.count; i++) {
        if (at > LOG_QUOTE_MAX - 10) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        c = text.data[i];
        if (c == '"' || c == '\\') {
            out[at++] = '\\';
            out[at++] = (char)c;
        } else if (c >= 0x20 && c <= 0x7e) {
            out[at++] = (char)c;
        } else {
            out[at++] = '\\';
            out[at++] = 'x';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        }
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}

const char *log_quote_text(const char *text, char out[LOG_QUOTE_MAX])
{
    return log_quote(text == NULL ? BYTES_NONE : bytes_text(text), out);
}

void log_redirect(int to)
{
    pthread_mutex_lock(&lock);
    if (way != WAY_UNKNOWN && fd != STDERR_FILENO && fd != target)
        close(fd);
    target = to;
    way = WAY_UNKNOWN;
    pthread_mutex_unlock(&lock);
}
