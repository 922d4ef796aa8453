/*
 * tests/unit/base/http_llhttp_test.c: another strict parser's cases.
 *
 * The cases are requests with the events that parser reports. Where it refuses
 * by default, so must we, but for the few cases named below; where it accepts,
 * we may be stricter by policy, and how often is printed. Most cases have no
 * Host, which we need, so one is put in: otherwise everything would be refused
 * for the same reason.
 *
 * From: http/llhttp/ of the third-party vectors.
 * To:   consumer/base/http_head.c and the rest of the parser.
 */
#include "tests/support/harness.h"
#include "tests/support/http_probe.h"

#define CASES_MAX 400

static struct http_probe probe;
static size_t both_accept, both_refuse, stricter, looser, unnamed, total;

/* Refused there by default and not here, each for its reason. */
static const struct {
    const char *file, *title, *why;
} allowed[] = {
    {"method.md", "", "unknown methods are the application's matter"},
    {"invalid.md", "ANNOUNCE method", "likewise"},
    {"connection.md", "No restart when keep-alive is off (1.0)",
     "what follows the last request is not looked at"},
    {"connection.md", "CRLF between requests, explicit `close`", "likewise"},
};

static bool is_allowed(const char *file, const char *title)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (strcmp(allowed[i].file, file) == 0 &&
            strstr(title, allowed[i].title) != NULL)
            return true;
    return false;
}

/* Newlines are CRLF; \r \n \t \f \xHH are bytes; \ before a newline joins. */
static void unescape(const char *text, const char *end, struct buffer *out)
{
    while (text < end) {
        char c = *text++;
        if (c == '\n') {
            buffer_append_text(out, "\r\n");
            continue;
        }
        if (c != '\\' || text == end) {
            buffer_append_byte(out, (uint8_t)c);
            continue;
        }
        c = *text++;
        if (c == '\n')
            continue;
        if (c == 'x') {
            char hex[3] = {text[0], text[1], '\0'};
            buffer_append_byte(out, (uint8_t)strtol(hex, NULL, 16));
            text += 2;
        } else if (strchr("rntf", c) != NULL) {
            buffer_append_byte(out, (uint8_t)(c == 'r'   ? '\r'
                                              : c == 'n' ? '\n'
                                              : c == 't' ? '\t'
                                                         : '\f'));
        } else {
            buffer_append_byte(out, '\\');
            buffer_append_byte(out, (uint8_t)c);
        }
    }
}

/* Puts a Host behind every request line whose head has none. */
static void add_hosts(struct bytes in, struct buffer *out)
{
    while (in.count > 0) {
        const uint8_t *eol = memmem(in.data, in.count, "\r\n", 2);
        size_t count = eol ? (size_t)(eol - in.data) + 2 : in.count;
        struct bytes line = bytes_slice(in, 0, count);
        in = bytes_slice(in, count, in.count);
        buffer_append_bytes(out, line);
        if (line.count < 12 ||
            memcmp(line.data + line.count - 11, " HTTP/1.1\r\n", 11) != 0)
            continue;
        const uint8_t *blank = memmem(in.data, in.count, "\r\n\r\n", 4);
        size_t head = blank ? (size_t)(blank - in.data) + 4 : in.count;
        bool has = false;
        for (size_t i = 0; i + 5 < head; i++)
            if ((i == 0 || in.data[i - 1] == '\n') &&
                bytes_equal_text_any_case(bytes_slice(in, i, 5), "host:"))
                has = true;
        if (!has)
            buffer_append_text(out, "Host: a\r\n");
    }
}

static bool refuses(struct bytes feed, size_t piece)
{
    http_probe_open(&probe);
    probe.body_limit = 1024 * 1024;
    http_probe_feed(&probe, feed, piece);
    const char *story = http_probe_story(&probe);
    bool refused = strstr(story, "answer 4") || strstr(story, "answer 5");
    http_probe_close(&probe);
    return refused;
}

static void check(const char *file, const char *title, const char *meta,
                  const char *text, const char *end, bool wanted_refused)
{
    struct buffer raw, feed;

    buffer_init(&raw, 1024 * 1024);
    buffer_init(&feed, 1024 * 1024);
    unescape(text, end, &raw);
    add_hosts(buffer_bytes(&raw), &feed);
    bool refused = refuses(buffer_bytes(&feed), SIZE_MAX);
    EXPECT_INT(refuses(buffer_bytes(&feed), 1), refused);
    /* A head that ends early there is judged here when it is whole. */
    if (!refused && wanted_refused) {
        buffer_append_text(&feed, "\r\n\r\n");
        refused = refuses(buffer_bytes(&feed), SIZE_MAX);
    }
    buffer_fini(&raw);
    buffer_fini(&feed);
    /* A lenient mode is not ours: what it lets through may be refused. */
    bool lenient = strstr(meta, "lenient") != NULL;
    total++;
    if (refused && wanted_refused)
        both_refuse++;
    else if (!refused && !wanted_refused)
        both_accept++;
    else if (refused)
        stricter++;
    else if (!is_allowed(file, title) && !lenient) {
        printf("  accepted here, refused there: %s: %s\n", file, title);
        unnamed++;
    } else {
        looser++;
    }
}

/* One file: "## title", a comment with meta, a block, a block of events. */
static void run_file(const char *folder, const char *file)
{
    char path[512], title[256] = "", meta[256] = "";
    size_t count;

    snprintf(path, sizeof(path), "%s/http/llhttp/%s", folder, file);
    char *text = harness_read_file(path, &count);
    EXPECT(text != NULL);
    for (char *line = text, *eol; (eol = strchr(line, '\n')) != NULL;
         line = eol + 1) {
        if (line[0] == '#') {
            snprintf(title, sizeof(title), "%.*s", (int)(eol - line), line);
        } else if (strncmp(line, "<!-- meta=", 10) == 0) {
            snprintf(meta, sizeof(meta), "%.*s", (int)(eol - line), line);
        } else if (strncmp(line, "```http", 7) == 0) {
            char *block = eol + 1;
            char *end = strstr(block, "\n```");
            CHECK(end != NULL);
            char *log = strstr(end, "```log\n");
            CHECK(log != NULL);
            char *log_end = strstr(log + 6, "\n```");
            CHECK(log_end != NULL);
            *log_end = '\0';
            if (strstr(meta, "\"request") != NULL)
                check(file, title, meta, block, end,
                      strstr(log, "error code=") != NULL);
            eol = log_end + 3;
        }
    }
    free(text);
}

TEST(what_another_strict_parser_refuses_is_refused)
{
    static const char *const files[] = {
        "sample.md",
        "content-length.md",
        "transfer-encoding.md",
        "invalid.md",
        "connection.md",
        "uri.md",
        "method.md",
        "finish.md",
        "pausing.md",
        "pipelining.md",
        "lenient-headers.md",
        "lenient-version.md",
        "lenient-header-value-relaxed.md",
    };
    const char *folder = harness_vectors();

    if (folder == NULL) {
        harness_absent("http/llhttp");
        return;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        run_file(folder, files[i]);
    printf(
        "  %zu cases: %zu accepted by both, %zu refused by both, "
        "%zu stricter here, %zu refused only there\n",
        total, both_accept, both_refuse, stricter, looser);
    EXPECT_INT(unnamed, 0);
    EXPECT(total > 100 && both_accept > 20 && both_refuse > 30);
}
