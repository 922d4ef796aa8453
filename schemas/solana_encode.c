/*
 * schemas/solana_encode.c: writes what schemas/solana_parse.c reads.
 *
 * From: generators of transactions; tests, which write again what they read.
 * To:   a buffer.
 */
#include "schemas/solana.h"

static void append_count(size_t count, struct buffer *out)
{
    CHECK(count <= UINT16_MAX);
    for (; count >= 0x80; count >>= 7)
        buffer_append_byte(out, (uint8_t)(0x80 | (count & 0x7f)));
    buffer_append_byte(out, (uint8_t)count);
}

static void append_bytes(struct bytes b, struct buffer *out)
{
    append_count(b.count, out);
    buffer_append_bytes(out, b);
}

void solana_append_instruction(const struct solana_instruction *i,
                               struct buffer *out)
{
    buffer_append_byte(out, i->program);
    append_bytes(i->accounts, out);
    append_bytes(i->data, out);
}

void solana_append_lookup(const struct solana_lookup *l, struct buffer *out)
{
    buffer_append_bytes(out, l->table);
    append_bytes(l->writable, out);
    append_bytes(l->readonly, out);
}

static void append_instructions(const struct solana_parts *p,
                                struct buffer *out)
{
    struct bytes rest = p->instructions;
    struct solana_instruction i;

    append_count(p->instruction_count, out);
    while (solana_next_instruction(&rest, &i))
        solana_append_instruction(&i, out);
}

static void append_lookups(const struct solana_parts *p, struct buffer *out)
{
    struct bytes rest = p->lookups;
    struct solana_lookup l;

    append_count(p->lookup_count, out);
    while (solana_next_lookup(&rest, &l))
        solana_append_lookup(&l, out);
}

void solana_encode_message(const struct solana_parts *p, struct buffer *out)
{
    if (p->type == SOLANA_TYPE_V0)
        buffer_append_byte(out, SOLANA_TYPE_V0);
    buffer_append_byte(out, p->required);
    buffer_append_byte(out, p->readonly_signed);
    buffer_append_byte(out, p->readonly_unsigned);
    append_count(p->key_count, out);
    buffer_append_bytes(out, p->keys);
    buffer_append_bytes(out, p->blockhash);
    append_instructions(p, out);
    if (p->type == SOLANA_TYPE_V0)
        append_lookups(p, out);
}

void solana_encode(const struct solana_parts *p, struct buffer *out)
{
    append_count(p->signature_count, out);
    buffer_append_bytes(out, p->signatures);
    solana_encode_message(p, out);
}
