/*
 * tests/support/harness.c: runs the tests of one program and counts them.
 *
 * From: ctest, or a person with a filter as argument.
 * To:   standard output; the exit status is 1 when anything failed.
 */
#include "tests/support/harness.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TESTS_MAX 1024

struct test {
    const char *name;
    test_fn run;
};

static struct test tests[TESTS_MAX];
static size_t tests_count;
static jmp_buf give_up;
static bool absent;

void harness_add(const char *name, test_fn run)
{
    CHECK(tests_count < TESTS_MAX);
    tests[tests_count++] = (struct test){name, run};
}

void harness_true(bool ok, const char *words, const char *file, int line)
{
    if (ok)
        return;
    printf("%s:%d: not true: %s\n", file, line, words);
    longjmp(give_up, 1);
}

void harness_int(long long found, long long wanted, const char *words,
                 const char *file, int line)
{
    if (found == wanted)
        return;
    printf("%s:%d: %s is %lld, wanted %lld\n", file, line, words, found,
           wanted);
    longjmp(give_up, 1);
}

void harness_text(const char *found, const char *wanted, const char *words,
                  const char *file, int line)
{
    if (found != NULL && strcmp(found, wanted) == 0)
        return;
    printf("%s:%d: %s is\n  \"%s\", wanted\n  \"%s\"\n", file, line, words,
           found == NULL ? "(null)" : found, wanted);
    longjmp(give_up, 1);
}

static void print_bytes(const char *label, struct bytes b)
{
    size_t i;

    printf("  %s %zu bytes: ", label, b.count);
    for (i = 0; i < b.count && i < 256; i++)
        printf("%02x", b.data[i]);
    printf("\n");
}

void harness_bytes(struct bytes found, struct bytes wanted, const char *words,
                   const char *file, int line)
{
    if (bytes_equal(found, wanted))
        return;
    printf("%s:%d: %s differs\n", file, line, words);
    print_bytes("found ", found);
    print_bytes("wanted", wanted);
    longjmp(give_up, 1);
}

static char *vectors; /* as the environment named them, before it was cleared */

const char *harness_vectors(void)
{
    const char *path = vectors;
    struct stat st;

    if (path == NULL || *path == '\0')
        path = "../shared/vectors";
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

/* Programs that tests start read TIDEMILL_*: what the caller has set for
 * itself is not for them. */
static void clear_environment(void)
{
    char **e, name[128];
    const char *path = getenv("TIDEMILL_VECTORS");

    if (path != NULL)
        vectors = strdup(path);
    for (e = environ; *e != NULL;) {
        if (strncmp(*e, "TIDEMILL_", 9) == 0 &&
            sscanf(*e, "%127[^=]", name) == 1 && unsetenv(name) == 0)
            e = environ;
        else
            e++;
    }
}

void harness_absent(const char *what)
{
    printf("!!! ABSENT: %s. This test proves nothing without it.\n", what);
    absent = true;
}

char *harness_read_file(const char *path, size_t *out_count)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t count = 0, capacity = 1 << 16, got;

    if (f == NULL)
        return NULL;
    text = malloc(capacity);
    CHECK(text != NULL);
    while ((got = fread(text + count, 1, capacity - count - 1, f)) > 0) {
        count += got;
        if (capacity - count < 2) {
            capacity *= 2;
            text = realloc(text, capacity);
            CHECK(text != NULL);
        }
    }
    fclose(f);
    text[count] = '\0';
    if (out_count != NULL)
        *out_count = count;
    return text;
}

/* Runs one test: ok, skipped or FAILED, counted. */
static size_t passed, failed, skipped;

static void run_one(const struct test *t)
{
    absent = false;
    if (setjmp(give_up) != 0) {
        printf("FAILED   %s\n", t->name);
        failed++;
        return;
    }
    t->run();
    printf("%s %s\n", absent ? "skipped " : "ok      ", t->name);
    if (absent)
        skipped++;
    else
        passed++;
}

int main(int argc, char **argv)
{
    size_t i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    clear_environment();
    for (i = 0; i < tests_count; i++) {
        if (argc > 1 && strcmp(argv[1], "--list") == 0)
            printf("%s\n", tests[i].name);
        else if (argc < 2 || strstr(tests[i].name, argv[1]) != NULL)
            run_one(&tests[i]);
    }
    printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed > 0;
}
