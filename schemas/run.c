/*
 * schemas/run.c: writes and reads runs.
 *
 *   1 1 7 88001 88003 88000 3
 *   88001 verified eip155:1 0x5c50… 0x90f8… 0x3535… {"id":"1-7-90412",…}
 *   88002 rejected eip155:1 - - - {"id":"1-7-90413",…}
 *   88003 duplicate eip155:1 0x5c50… 0x90f8… 0x3535… {"id":"1-7-90414",…}
 *
 * A reader trusts nothing: one line that is not right, and the whole run is
 * refused, for then the gateway reads the same offsets from the topic.
 *
 * From: notifier/publish.c, which cuts a partition's results into runs.
 * To:   notifier/gateway/intake.c, which follows them.
 */
#include "schemas/run.h"

#include <string.h>

#include "schemas/base/fail.h"

#define FIELD_BYTES_MAX RESULT_BYTES_MAX

static const enum result_type types[] = {RESULT_VERIFIED, RESULT_REJECTED,
                                         RESULT_DUPLICATE, RESULT_QUARANTINED};

static int append_line(struct buffer *out, const struct run_event *e);
static void append_field(struct buffer *out, struct bytes field);
static int parse_header(struct bytes line, struct run_header *out);
static int parse_event(struct bytes line, struct run_event *out);
static bool event_fits(const struct run_header *h, int64_t above,
                       const struct run_event *e);
static bool take_line(struct bytes *text, struct bytes *out_line);
static bool take_word(struct bytes *line, struct bytes *out_word);
static bool take_number(struct bytes *line, int64_t least, int64_t most,
                        int64_t *out);
static bool take_field(struct bytes *line, struct bytes *out);
static bool parse_type(struct bytes word, enum result_type *out);
static bool parse_id(struct bytes json, struct record_id *out);

int run_event_of(int64_t offset, struct bytes json, struct run_event *out_event)
{
    struct result_view view;

    if (json.count > RESULT_BYTES_MAX)
        return FAIL_TOO_BIG;
    if (json.data == NULL || result_view_parse(json, &view) < 0)
        return FAIL_MALFORMED;
    /* A line feed would end the line that carries it. Ours never has one. */
    if (memchr(json.data, '\n', json.count) != NULL)
        return FAIL_MALFORMED;
    *out_event = (struct run_event){
        .offset = offset,
        .id = view.id,
        .type = view.type,
        .chain = view.chain,
        .hash = view.hash,
        .sender = view.sender,
        .recipient = view.recipient,
        .json = json,
    };
    return 0;
}

int run_header_append(struct buffer *out, const struct run_header *h)
{
    return buffer_append_format(out, "1 %d %d %lld %lld %lld %u\n", (int)h->log,
                                (int)h->partition, (long long)h->first,
                                (long long)h->last, (long long)h->previous,
                                (unsigned)h->count);
}

int run_event_append(struct buffer *out, const struct run_event *e)
{
    size_t before = out->count;

    if (append_line(out, e) == 0)
        return 0;
    out->count = before;
    return FAIL_FULL;
}

/* The buffer remembers a refused append, so only the last one is asked. */
static int append_line(struct buffer *out, const struct run_event *e)
{
    buffer_append_format(out, "%lld %s ", (long long)e->offset,
                         result_type_name(e->type));
    append_field(out, e->chain);
    append_field(out, e->hash);
    append_field(out, e->sender);
    append_field(out, e->recipient);
    buffer_append_bytes(out, e->json);
    buffer_append_byte(out, '\n');
    return out->overflow ? FAIL_FULL : 0;
}

static void append_field(struct buffer *out, struct bytes field)
{
    if (field.data == NULL)
        buffer_append_byte(out, '-');
    else
        buffer_append_bytes(out, field);
    buffer_append_byte(out, ' ');
}

int run_parse(struct bytes text, struct run_header *out_header,
              struct run_event *out_events, size_t *out_count)
{
    struct run_header h;
    struct bytes line;
    size_t count = 0;
    int64_t above;
    int rc;

    if (text.data == NULL || text.count > RUN_BYTES_MAX + RUN_HEADER_MAX)
        return FAIL_MALFORMED;
    if (!take_line(&text, &line))
        return FAIL_MALFORMED;
    rc = parse_header(line, &h);
    if (rc < 0)
        return rc;

    above = h.first - 1;
    for (; text.count > 0; count++) {
        if (count == h.count || !take_line(&text, &line))
            return FAIL_MALFORMED;
        rc = parse_event(line, &out_events[count]);
        if (rc < 0)
            return rc;
        if (!event_fits(&h, above, &out_events[count]))
            return FAIL_MALFORMED;
        above = out_events[count].offset;
    }
    if (count != 0 && count != h.count)
        return FAIL_MALFORMED;
    *out_header = h;
    *out_count = count;
    return 0;
}

static int parse_header(struct bytes line, struct run_header *out)
{
    int64_t version, log, partition, count;

    if (!take_number(&line, 1, 1, &version) ||
        !take_number(&line, 0, INT32_MAX, &log) ||
        !take_number(&line, 0, INT32_MAX, &partition) ||
        !take_number(&line, -1, INT64_MAX - 1, &out->first) ||
        !take_number(&line, -1, INT64_MAX - 1, &out->last) ||
        !take_number(&line, -1, INT64_MAX - 1, &out->previous) ||
        !take_number(&line, 0, RUN_EVENTS_MAX, &count) || line.data != NULL)
        return FAIL_MALFORMED;
    if (out->first > out->last ||
        (count > 0 && (out->first < 0 || out->previous >= out->first)))
        return FAIL_MALFORMED;
    out->log = (int32_t)log;
    out->partition = (int32_t)partition;
    out->count = (uint32_t)count;
    return 0;
}

static int parse_event(struct bytes line, struct run_event *out)
{
    struct bytes type;

    if (!take_number(&line, 0, INT64_MAX - 1, &out->offset) ||
        !take_word(&line, &type) || !parse_type(type, &out->type) ||
        !take_field(&line, &out->chain) || !take_field(&line, &out->hash) ||
        !take_field(&line, &out->sender) || !take_field(&line, &out->recipient))
        return FAIL_MALFORMED;
    if (line.data == NULL || line.count > RESULT_BYTES_MAX ||
        !parse_id(line, &out->id))
        return FAIL_MALFORMED;
    out->json = line;
    return 0;
}

static bool event_fits(const struct run_header *h, int64_t above,
                       const struct run_event *e)
{
    return e->offset > above && e->offset <= h->last;
}

/* Takes what stands before the next line feed; a text ends with one. */
static bool take_line(struct bytes *text, struct bytes *out_line)
{
    const uint8_t *end = memchr(text->data, '\n', text->count);

    if (end == NULL)
        return false;
    *out_line = bytes_of(text->data, (size_t)(end - text->data));
    *text = bytes_slice(*text, out_line->count + 1, text->count);
    return true;
}

/* Takes what stands before the next space. The last word leaves data NULL. */
static bool take_word(struct bytes *line, struct bytes *out_word)
{
    const uint8_t *end;

    if (line->data == NULL)
        return false;
    end = memchr(line->data, ' ', line->count);
    if (end == NULL) {
        *out_word = *line;
        *line = BYTES_NONE;
    } else {
        *out_word = bytes_of(line->data, (size_t)(end - line->data));
        *line = bytes_of(end + 1, line->count - out_word->count - 1);
    }
    return out_word->count > 0;
}

/* A decimal number without leading zero or plus; -1 is the only negative. */
static bool take_number(struct bytes *line, int64_t least, int64_t most,
                        int64_t *out)
{
    struct bytes word;
    int64_t value = 0;

    if (!take_word(line, &word))
        return false;
    if (bytes_equal(word, BYTES_LITERAL("-1"))) {
        *out = -1;
        return least <= -1;
    }
    if (word.count > 19 || (word.count > 1 && word.data[0] == '0'))
        return false;
    for (size_t i = 0; i < word.count; i++) {
        int digit = word.data[i] - '0';

        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return value >= least && value <= most;
}

static bool take_field(struct bytes *line, struct bytes *out)
{
    if (!take_word(line, out) || line->data == NULL ||
        out->count > FIELD_BYTES_MAX)
        return false;
    if (bytes_equal(*out, BYTES_LITERAL("-")))
        *out = BYTES_NONE;
    return true;
}

static bool parse_type(struct bytes word, enum result_type *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (bytes_equal_text(word, result_type_name(types[i]))) {
            *out = types[i];
            return true;
        }
    return false;
}

/* The record id is always the first member, so it is read where it stands. */
static bool parse_id(struct bytes json, struct record_id *out)
{
    static const char before[] = "{\"id\":\"";
    struct bytes rest;
    const uint8_t *end;

    if (json.count < sizeof(before) ||
        memcmp(json.data, before, sizeof(before) - 1) != 0)
        return false;
    rest = bytes_slice(json, sizeof(before) - 1, RECORD_ID_TEXT_MAX + 1);
    end = memchr(rest.data, '"', rest.count);
    if (end == NULL)
        return false;
    rest.count = (size_t)(end - rest.data);
    return record_id_parse(rest, out) == 0;
}

int32_t run_log(struct bytes header)
{
    int64_t log;

    if (header.data == NULL || header.count < 3 ||
        memcmp(header.data, "1;", 2) != 0)
        return 0;
    header = bytes_slice(header, 2, header.count);
    return take_number(&header, 1, INT32_MAX, &log) && header.data == NULL
               ? (int32_t)log
               : 0;
}

int run_channel(int32_t partition, char out[RUN_CHANNEL_MAX + 1])
{
    struct buffer text;
    int count;

    CHECK(partition >= 0);
    buffer_init(&text, RUN_CHANNEL_MAX + 1);
    CHECK(buffer_append_format(&text, RUN_CHANNEL_PREFIX "%d",
                               (int)partition) == 0);
    count = (int)text.count;
    memcpy(out, text.data, text.count);
    out[count] = '\0';
    buffer_fini(&text);
    return count;
}
