/*
 * tests/unit/judge/pages_test.c: the pages of schemas/rules say what the code
 * does, and never say anything else once they are released.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/chain.h"
#include "schemas/hash.h"
#include "schemas/hex.h"
#include "schemas/reason.h"
#include "tests/support/harness.h"

#define PAGES "schemas/rules/*.md"
#define GOLDEN "tests/golden/*/*.txt"

/*
 * Every page and its SHA-256. A line that fails here is a page that was
 * changed: take the change back and write a new page with a new number, unless
 * no release has the old one.
 */
static const struct {
    const char *path, *sha256;
} released[] = {
    {"schemas/rules/eip155-1.md",
     "e849922b653c4df8d6358f7490b49a992d293af9d86a6bf44e4997117e8fa8a5"},
    {"schemas/rules/eip155-2.md",
     "47ba39373ebc7f657c21b281c87837559e3b45e57102459de99285fd4b3034ac"},
    {"schemas/rules/eip155-3.md",
     "d15525401cc3e8f8a6c59ddd927785f18132fa1d9c533b260e7803e7be9dde56"},
    {"schemas/rules/eip155-4.md",
     "28ad28da51acd2f3f90fbe3e2e8829df781842734d5622ec7eef6fadbb0ddcb0"},
    {"schemas/rules/eip155-5.md",
     "53b2cf650dade46dc1b8bab4059caea12d09bd402f65d94c034a16c04eda7fc5"},
    {"schemas/rules/solana-1.md",
     "c9701bf1fc1b0e1caa0f1b05b58ad1e6649b195ce599b4f3f8a0924088bca40b"},
    {"schemas/rules/jws-1.md",
     "d25ee5a4316d6ea78d2c017cbac36a3b4fc0997c7b2c3a38b32e149caaac249c"},
    {"schemas/rules/bip122-1.md",
     "b94148d1f39911aa33868974a9acfb1dfdc6c31365278df53144a4f07fba48b2"},
    {"schemas/rules/bip122-2.md",
     "450de79c94ed7c196a42ced822080b20e9bfb3616de68d6a3bc2c84c08b94d47"},
};

#define RELEASED_COUNT (sizeof(released) / sizeof(released[0]))

/* All files of a pattern, one behind the other; free() it. */
static char *read_all(const char *pattern)
{
    char *all = calloc(1, 1);
    size_t used = 0;
    glob_t files;

    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        size_t count;
        char *text = harness_read_file(files.gl_pathv[i], &count);

        EXPECT(text != NULL);
        all = realloc(all, used + count + 1);
        CHECK(all != NULL);
        memcpy(all + used, text, count + 1);
        used += count;
        free(text);
    }
    globfree(&files);
    return all;
}

TEST(a_released_page_never_changes)
{
    for (size_t i = 0; i < RELEASED_COUNT; i++) {
        size_t count;
        char *text = harness_read_file(released[i].path, &count);
        uint8_t hash[HASH_BYTES];
        char found[2 * HASH_BYTES + 1];

        EXPECT(text != NULL);
        hash_sha256(bytes_of(text, count), hash);
        hex_encode(bytes_of(hash, sizeof(hash)), found);
        if (strcmp(found, released[i].sha256) != 0)
            printf("%s is another page than the one that was released\n",
                   released[i].path);
        EXPECT_TEXT(found, released[i].sha256);
        free(text);
    }
}

TEST(every_page_is_among_the_released_ones)
{
    glob_t files;
    size_t found = 0;

    EXPECT_INT(glob(PAGES, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i];
        size_t k = 0;

        if (strcmp(path, "schemas/rules/README.md") == 0)
            continue;
        while (k < RELEASED_COUNT && strcmp(released[k].path, path) != 0)
            k++;
        if (k == RELEASED_COUNT)
            printf("%s is not in the list above\n", path);
        EXPECT(k < RELEASED_COUNT);
        found++;
    }
    globfree(&files);
    EXPECT_INT(found, RELEASED_COUNT);
}

/* "name-1.md" to "name-N.md", N the newest the code knows. */
TEST(every_rule_set_has_its_page)
{
    static const struct {
        enum chain_namespace ns;
        const char *name;
    } namespaces[] = {
        {CHAIN_EIP155, "eip155"},
        {CHAIN_JWS, "jws"},
        {CHAIN_SOLANA, "solana"},
        {CHAIN_BIP122, "bip122"},
    };
    size_t pages = 0;

    for (size_t i = 0; i < 4; i++) {
        for (int n = 1; n <= chain_rules_newest(namespaces[i].ns); n++) {
            char path[64], *text;

            snprintf(path, sizeof(path), "schemas/rules/%s-%d.md",
                     namespaces[i].name, n);
            text = harness_read_file(path, NULL);
            if (text == NULL)
                printf("there is no %s\n", path);
            EXPECT(text != NULL);
            free(text);
            pages++;
        }
    }
    EXPECT_INT(pages, RELEASED_COUNT);
}

TEST(every_reason_is_on_a_page)
{
    char *pages = read_all(PAGES);

    for (int i = REASON_NONE + 1; i < REASON_END; i++) {
        char quoted[64];

        snprintf(quoted, sizeof(quoted), "`%s`", reason_name((enum reason)i));
        if (strstr(pages, quoted) == NULL)
            printf("no page in schemas/rules has %s\n", quoted);
        EXPECT(strstr(pages, quoted) != NULL);
    }
    free(pages);
}

/* A transcript that must end in it: "fail NAME ...". */
TEST(every_reason_has_a_golden_case)
{
    char *golden = read_all(GOLDEN), *rest = golden, *line;
    size_t cases[REASON_END] = {0};

    while ((line = strsep(&rest, "\n")) != NULL) {
        size_t count;

        if (strncmp(line, "fail", 4) != 0)
            continue;
        line += 4 + strspn(line + 4, " ");
        count = strcspn(line, " ");
        cases[reason_find(bytes_of(line, count))]++;
    }
    for (int i = REASON_NONE + 1; i < REASON_END; i++) {
        if (cases[i] == 0)
            printf("no file in tests/golden ends with %s\n",
                   reason_name((enum reason)i));
        EXPECT(cases[i] > 0);
    }
    free(golden);
}

/* The words in the third column of "| 7 | check | `reason` | from |". */
static size_t check_row(char *line)
{
    char *column = line, *word;
    size_t words = 0;

    for (int i = 0; i < 3 && column != NULL; i++)
        strsep(&column, "|");
    word = column == NULL ? NULL : strsep(&column, "|");
    while (word != NULL && (word = strchr(word, '`')) != NULL) {
        size_t count = strcspn(word + 1, "`");

        if (reason_find(bytes_of(word + 1, count)) == REASON_NONE)
            printf("%.*s is no reason\n", (int)count, word + 1);
        EXPECT(reason_find(bytes_of(word + 1, count)) != REASON_NONE);
        word += count + 2;
        words++;
    }
    return words;
}

TEST(every_reason_on_a_page_is_one)
{
    size_t words = 0;

    for (size_t i = 0; i < RELEASED_COUNT; i++) {
        char *text = harness_read_file(released[i].path, NULL), *rest = text;
        char *line;

        EXPECT(text != NULL);
        while ((line = strsep(&rest, "\n")) != NULL) {
            if (strncmp(line, "| ", 2) == 0 && isdigit((uint8_t)line[2]))
                words += check_row(line);
        }
        free(text);
    }
    printf("reasons on pages: %zu\n", words);
    EXPECT(words > 40);
}
