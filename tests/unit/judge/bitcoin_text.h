/*
 * tests/unit/judge/bitcoin_text.h: scripts in the words of Bitcoin Core's
 * vectors: numbers, 0x.. as it stands, 'text', names of operations.
 */
#ifndef TESTS_UNIT_JUDGE_BITCOIN_TEXT_H
#define TESTS_UNIT_JUDGE_BITCOIN_TEXT_H

#include <ctype.h>

#include "tests/unit/judge/bitcoin.h"

#define NAMES_FIRST 0x61

static const char *const bitcoin_names[] = {
    "NOP",
    "VER",
    "IF",
    "NOTIF",
    "VERIF",
    "VERNOTIF",
    "ELSE",
    "ENDIF",
    "VERIFY",
    "RETURN",
    "TOALTSTACK",
    "FROMALTSTACK",
    "2DROP",
    "2DUP",
    "3DUP",
    "2OVER",
    "2ROT",
    "2SWAP",
    "IFDUP",
    "DEPTH",
    "DROP",
    "DUP",
    "NIP",
    "OVER",
    "PICK",
    "ROLL",
    "ROT",
    "SWAP",
    "TUCK",
    "CAT",
    "SUBSTR",
    "LEFT",
    "RIGHT",
    "SIZE",
    "INVERT",
    "AND",
    "OR",
    "XOR",
    "EQUAL",
    "EQUALVERIFY",
    "RESERVED1",
    "RESERVED2",
    "1ADD",
    "1SUB",
    "2MUL",
    "2DIV",
    "NEGATE",
    "ABS",
    "NOT",
    "0NOTEQUAL",
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MOD",
    "LSHIFT",
    "RSHIFT",
    "BOOLAND",
    "BOOLOR",
    "NUMEQUAL",
    "NUMEQUALVERIFY",
    "NUMNOTEQUAL",
    "LESSTHAN",
    "GREATERTHAN",
    "LESSTHANOREQUAL",
    "GREATERTHANOREQUAL",
    "MIN",
    "MAX",
    "WITHIN",
    "RIPEMD160",
    "SHA1",
    "SHA256",
    "HASH160",
    "HASH256",
    "CODESEPARATOR",
    "CHECKSIG",
    "CHECKSIGVERIFY",
    "CHECKMULTISIG",
    "CHECKMULTISIGVERIFY",
    "NOP1",
    "CHECKLOCKTIMEVERIFY",
    "CHECKSEQUENCEVERIFY",
    "NOP4",
    "NOP5",
    "NOP6",
    "NOP7",
    "NOP8",
    "NOP9",
    "NOP10",
    "CHECKSIGADD",
};

#define NAMES_COUNT (sizeof(bitcoin_names) / sizeof(bitcoin_names[0]))

/* The operation of this name, with or without OP_; -1: there is none. */
static int bitcoin_name(const char *name)
{
    if (strncmp(name, "OP_", 3) == 0)
        name += 3;
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        if (strcmp(name, bitcoin_names[i]) == 0)
            return NAMES_FIRST + (int)i;
    }
    if (strcmp(name, "NOP2") == 0)
        return OP_CHECKLOCKTIMEVERIFY;
    if (strcmp(name, "NOP3") == 0)
        return OP_CHECKSEQUENCEVERIFY;
    if (strcmp(name, "1NEGATE") == 0)
        return OP_1NEGATE;
    if (strcmp(name, "RESERVED") == 0)
        return OP_RESERVED;
    return strcmp(name, "0") == 0 ? OP_0 : -1;
}

/* Pushes as short as it goes. */
BITCOIN_UNUSED void bitcoin_append_push(struct buffer *out, struct bytes b)
{
    if (b.count >= OP_PUSHDATA1) {
        bool one = b.count <= 0xff;

        buffer_append_byte(out, one ? OP_PUSHDATA1 : OP_PUSHDATA1 + 1);
        bitcoin_append_number(out, b.count, one ? 1 : 2);
    } else {
        buffer_append_byte(out, (uint8_t)b.count);
    }
    buffer_append_bytes(out, b);
}

static void bitcoin_append_integer(struct buffer *out, long long n)
{
    unsigned long long rest =
        n < 0 ? (unsigned long long)-n : (unsigned long long)n;
    uint8_t bytes[10];
    size_t count = 0;

    if (n == -1 || (n >= 1 && n <= 16)) {
        buffer_append_byte(out, (uint8_t)(OP_1 - 1 + n));
        return;
    }
    for (; rest > 0; rest >>= 8)
        bytes[count++] = (uint8_t)rest;
    if (count > 0 && (bytes[count - 1] & 0x80))
        bytes[count++] = 0;
    if (n < 0)
        bytes[count - 1] |= 0x80;
    bitcoin_append_push(out, bytes_of(bytes, count));
}

static void bitcoin_append_word(struct buffer *out, const char *word)
{
    size_t count = strlen(word);
    int op = bitcoin_name(word);

    if (isdigit((uint8_t)word[word[0] == '-']) && strncmp(word, "0x", 2) != 0 &&
        strspn(word + 1, "0123456789") == count - 1) {
        bitcoin_append_integer(out, atoll(word));
    } else if (strncmp(word, "0x", 2) == 0) {
        struct bytes raw = bitcoin_hex(word + 2);

        buffer_append_bytes(out, raw);
        free((void *)(uintptr_t)raw.data);
    } else if (word[0] == '\'') {
        bitcoin_append_push(out, bytes_of(word + 1, count - 2));
    } else {
        if (op < 0)
            printf("no operation %s\n", word);
        EXPECT(op >= 0);
        buffer_append_byte(out, (uint8_t)op);
    }
}

/* Replaces what `out` holds by the script. */
BITCOIN_UNUSED struct bytes bitcoin_script(struct buffer *out, const char *text)
{
    char *copy = strdup(text), *rest = copy, *word;

    CHECK(copy != NULL);
    buffer_clear(out);
    while ((word = strsep(&rest, " \n\t")) != NULL) {
        if (*word != '\0')
            bitcoin_append_word(out, word);
    }
    free(copy);
    CHECK(!out->overflow);
    /* An empty script is not the absence of one. */
    return out->data == NULL ? BYTES_LITERAL("") : buffer_bytes(out);
}

#endif
