/*
 * tests/fuzz/base58_fuzz.c: bytes have one text, and a text that decodes is the
 * one of its bytes; in base58, and in base64 as far as we only read it.
 */
#include <string.h>

#include "schemas/base58.h"
#include "schemas/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void expect_text(struct bytes raw)
{
    char text[BASE58_TEXT_BYTES(BASE58_ENCODED_MAX)];
    uint8_t back[BASE58_ENCODED_MAX];
    size_t written, count;

    if (raw.count > BASE58_ENCODED_MAX)
        return;
    written = base58_encode(raw, text);
    CHECK(written < BASE58_TEXT_BYTES(raw.count) && text[written] == '\0');
    CHECK(base58_decode(bytes_of(text, written), back, sizeof(back), &count,
                        NULL) == 0);
    CHECK(bytes_equal(bytes_of(back, count), raw));
}

static void expect_bytes(struct bytes text)
{
    char again[BASE58_TEXT_BYTES(BASE58_ENCODED_MAX)];
    uint8_t raw[BASE58_TEXT_MAX];
    size_t count, fault = SIZE_MAX, written;

    if (base58_decode(text, raw, sizeof(raw), &count, &fault) < 0) {
        CHECK(fault < text.count || text.count > BASE58_TEXT_MAX);
        return;
    }
    CHECK(count <= text.count);
    if (count > BASE58_ENCODED_MAX)
        return;
    written = base58_encode(bytes_of(raw, count), again);
    CHECK(bytes_equal(bytes_of(again, written), text));
}

static void expect_base64(struct bytes text)
{
    uint8_t raw[3 * 4096 / 4];
    size_t count, fault = SIZE_MAX;

    if (text.count > 4096)
        return;
    if (base64_decode(text, raw, sizeof(raw), &count, &fault) < 0)
        CHECK(fault <= text.count);
    else
        CHECK(text.count == (count + 2) / 3 * 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);

    expect_text(input);
    expect_bytes(input);
    expect_base64(input);
    return 0;
}
