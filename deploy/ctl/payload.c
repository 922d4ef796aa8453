/*
 * deploy/ctl/payload.c: reads hex, JWS and PSBT from operands, files and pipes.
 *
 * From: tx send, tx decode, tx verify, bench.
 * To:   whoever asked, one transaction at a time.
 */
#include "deploy/ctl/payload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/command.h"
#include "schemas/base64.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json.h"
#include "schemas/psbt.h"

#define NAME_MAX_BYTES 320
#define LINE_BYTES_MAX (2 * PAYLOAD_BYTES_MAX + 1024)

/* {"raw":"0x…", …}: its hex. */
static int from_json(struct bytes line, struct bytes *out)
{
    struct json_value doc, raw;

    if (json_parse(line, 8, &doc, NULL) < 0 ||
        json_member(doc, "raw", &raw) < 0)
        return FAIL_MALFORMED;
    return json_plain(raw, out);
}

/* The compact form begins with the base64url of {" or of { and white space,
 * which is no hex; the flattened form is an object with a member of this name.
 */
static bool is_jws(struct bytes text)
{
    struct json_value doc, payload;

    if (text.count >= 2 && text.data[0] == 'e' &&
        (text.data[1] == 'y' || text.data[1] == 'w'))
        return true;
    return text.count > 0 && text.data[0] == '{' &&
           json_parse(text, 8, &doc, NULL) == 0 &&
           json_member(doc, "protected", &payload) == 0 &&
           payload.type != JSON_ABSENT;
}

static int take_psbt(struct bytes text, uint8_t *room, const char *name,
                     payload_fn each, void *arg)
{
    size_t count;

    if (base64_decode(text, room, PAYLOAD_BYTES_MAX, &count, NULL) < 0)
        return command_fail(COMMAND_DATA, "%s: a PSBT that is not base64",
                            name);
    return each(arg, bytes_of(room, count), name);
}

static int take(struct bytes text, uint8_t *room, const char *name,
                payload_fn each, void *arg)
{
    size_t count;
    int rc = 0;

    if (is_jws(text))
        return each(arg, text, name);
    if (psbt_is_base64(text))
        return take_psbt(text, room, name, each, arg);
    if (text.count > 0 && text.data[0] == '{')
        rc = from_json(text, &text);
    if (rc == 0 && text.count >= 2 && text.data[0] == '0' &&
        (text.data[1] == 'x' || text.data[1] == 'X'))
        text = bytes_slice(text, 2, text.count);
    if (rc == 0)
        rc = hex_decode(text, room, PAYLOAD_BYTES_MAX, &count);
    if (rc == 0)
        return each(arg, bytes_of(room, count), name);
    return command_fail(COMMAND_DATA, "%s: %s", name,
                        rc == FAIL_TOO_BIG
                            ? "longer than any transaction"
                            : "not an even number of hex digits");
}

/* An object that is printed to be read begins in one line and ends in another.
 */
static bool is_begun(struct bytes text)
{
    struct json_value doc;

    return text.count > 0 && text.data[0] == '{' &&
           json_parse(text, 8, &doc, NULL) < 0;
}

/* A file that is one object: its first line, and the rest. */
static int whole(FILE *file, struct bytes first, uint8_t *room,
                 const char *name, payload_fn each, void *arg)
{
    uint8_t *all = malloc(LINE_BYTES_MAX + 1);
    size_t count = first.count;
    int rc;

    CHECK(all != NULL);
    memcpy(all, first.data, count);
    count += fread(all + count, 1, LINE_BYTES_MAX + 1 - count, file);
    rc = count > LINE_BYTES_MAX
             ? command_fail(COMMAND_DATA, "%s: an object too long", name)
             : take(bytes_trim(bytes_of(all, count)), room, name, each, arg);
    free(all);
    return rc;
}

static int each_line(FILE *file, const char *path, uint8_t *room,
                     payload_fn each, void *arg)
{
    char name[NAME_MAX_BYTES], *line = NULL;
    size_t capacity = 0, number = 0, taken = 0;
    ssize_t count;
    int rc = 0;

    while (rc == 0 && (count = getline(&line, &capacity, file)) >= 0) {
        struct bytes text = bytes_trim(bytes_of(line, (size_t)count));
        number++;
        if (text.count == 0 || text.data[0] == '#')
            continue;
        snprintf(name, sizeof(name), "%.280s:%zu", path, number);
        if (text.count > LINE_BYTES_MAX)
            rc = command_fail(COMMAND_DATA, "%s: a line too long", name);
        else if (taken++ == 0 && is_begun(text))
            rc = whole(file, text, room, name, each, arg);
        else
            rc = take(text, room, name, each, arg);
    }
    if (rc == 0 && ferror(file))
        rc = command_fail(COMMAND_UNAVAILABLE, "%s: %s", path, strerror(errno));
    free(line);
    return rc;
}

int payload_each(const char *operand, payload_fn each, void *arg)
{
    uint8_t *room = malloc(PAYLOAD_BYTES_MAX);
    FILE *file;
    int rc;

    CHECK(room != NULL);
    if (strcmp(operand, "-") == 0) {
        rc = each_line(stdin, "standard input", room, each, arg);
    } else if (strncmp(operand, "0x", 2) == 0) {
        rc = take(bytes_text(operand), room, "the operand", each, arg);
    } else if ((file = fopen(operand, "r")) == NULL) {
        rc = command_fail(COMMAND_DATA, "%s: %s", operand, strerror(errno));
    } else {
        rc = each_line(file, operand, room, each, arg);
        fclose(file);
    }
    free(room);
    return rc;
}
