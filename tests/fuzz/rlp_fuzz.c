/*
 * tests/fuzz/rlp_fuzz.c: whatever is read is written the same, all the way
 * down.
 */
#include "schemas/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void write_again(struct rlp_item item, struct buffer *out)
{
    struct bytes rest = item.payload;
    struct buffer items;

    if (!item.list) {
        CHECK(rlp_string_bytes(item.payload) == item.raw.count);
        rlp_append_string(out, item.payload);
        return;
    }
    buffer_init(&items, item.payload.count);
    while (rest.count > 0) {
        struct rlp_item inner;

        CHECK(rlp_read(&rest, &inner) == RLP_GOOD);
        write_again(inner, &items);
    }
    rlp_append_list(out, buffer_bytes(&items));
    buffer_fini(&items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count), rest = input;
    struct rlp_item item;
    struct buffer out;

    if (rlp_check(input, 64) < 0)
        return 0;
    CHECK(rlp_read(&rest, &item) == RLP_GOOD && rest.count == 0);
    buffer_init(&out, count);
    write_again(item, &out);
    CHECK(bytes_equal(buffer_bytes(&out), input));
    buffer_fini(&out);
    return 0;
}
