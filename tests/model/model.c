/*
 * tests/model/model.c: runs the searches and says what they found.
 *
 *   model                     the test: every run holds; every rule is needed
 *   model --list              runs and rules
 *   model NAME...             these runs
 *   model --without R1,R7 replay_one    with rules switched off
 *   model --big               the large runs (gigabytes, minutes)
 *   model --quick             the test, each run cut off early (sanitizers)
 *
 * Each search is a process of its own, two at a time: a search never gives
 * memory back before it ends, and the machine may have two cores.
 *
 * From: ctest, or a person with a doubt.
 * To:   tests/model/runs.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schemas/base/check.h"
#include "tests/model/product.h"
#include "tests/model/runs.h"

#define TOGETHER 2
#define STATES_MAX 45000000 /* about two gigabytes */
#define STATES_MAX_QUICK 50000

/* One search and what it should find. */
struct job {
    struct run run;
    uint64_t off;
    const char *broken; /* NULL: it holds */
    FILE *out;
    pid_t pid; /* 0: not started, or its words were taken */
};

static const struct {
    const char *name, *words;
} rules[] = {
#define RULE_WORDS(name, words) {#name, words},
    RULE_LIST(RULE_WORDS)
#undef RULE_WORDS
};

static struct job jobs[512];
static size_t job_count;
static size_t passed, failed;
static uint64_t states_max = STATES_MAX;

/* "F2,K4" into `out`. */
static const char *rule_names(uint64_t mask, char *out, size_t count)
{
    size_t used = 0;
    int i;

    out[0] = '\0';
    for (i = 0; i < RULES && used < count; i++) {
        if (mask & 1ull << i)
            used += (size_t)snprintf(out + used, count - used, "%s%s",
                                     used > 0 ? "," : "", rules[i].name);
    }
    return out;
}

static void add_job(const struct run *run, uint64_t off, const char *broken)
{
    CHECK(job_count < sizeof(jobs) / sizeof(jobs[0]));
    jobs[job_count++] = (struct job){*run, off, broken, NULL, 0};
}

/* Searches, prints one line, and the timeline if it is not what was wanted.
 * Returns the exit status. */
static int search_one(const struct job *j, bool tell)
{
    uint64_t max = j->broken == NULL ? states_max : STATES_MAX;
    struct search_result r =
        run_search(&j->run, j->off, max, tell ? stdout : NULL);
    const char *found = r.broken == NULL ? "holds" : r.broken;
    bool good = strcmp(found, j->broken == NULL ? "holds" : j->broken) == 0;
    char names[128];

    if (!good && !tell)
        r = run_search(&j->run, j->off, max, stdout);
    printf("%s  %-21s", good ? "ok  " : tell ? "find" : "FAIL", j->run.name);
    if (j->off != 0)
        printf("without %s: ", rule_names(j->off, names, sizeof(names)));
    printf("%s%s", r.cut ? "nothing found, cut off" : found,
           good || tell ? "" : ": not what was expected");
    printf("; %llu states, %.1f s", (unsigned long long)r.states, r.seconds);
    if (r.broken != NULL)
        printf(", %zu steps", r.steps);
    printf("\n");
    fflush(stdout);
    return good ? 0 : 1;
}

static void start(struct job *j, bool tell)
{
    j->out = tmpfile();
    CHECK(j->out != NULL);
    fflush(stdout);
    j->pid = fork();
    CHECK(j->pid >= 0);
    if (j->pid == 0) {
        CHECK(dup2(fileno(j->out), STDOUT_FILENO) >= 0);
        _exit(search_one(j, tell));
    }
}

static void finish(struct job *j, int status)
{
    char words[4096];
    size_t count;
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    j->pid = 0;
    rewind(j->out);
    while ((count = fread(words, 1, sizeof(words), j->out)) > 0)
        fwrite(words, 1, count, stdout);
    fclose(j->out);
    if (!WIFEXITED(status))
        printf("FAIL  %s ended by signal %d\n", j->run.name, WTERMSIG(status));
    fflush(stdout);
    passed += good;
    failed += !good;
}

static void run_jobs(bool tell, size_t together)
{
    size_t next = 0, running = 0, i;
    int status;
    pid_t pid;

    while (next < job_count || running > 0) {
        if (next < job_count && running < together) {
            start(&jobs[next++], tell);
            running++;
            continue;
        }
        pid = waitpid(-1, &status, 0);
        CHECK(pid > 0);
        for (i = 0; i < next; i++) {
            if (jobs[i].pid == pid) {
                finish(&jobs[i], status);
                running--;
            }
        }
    }
}

static bool find_run(const char *name, struct run *out)
{
    size_t i;

    for (i = 0; i < run_count(); i++) {
        *out = run_at(i);
        if (strcmp(out->name, name) == 0)
            return true;
    }
    return false;
}

/* "F2,K4" as a mask; 0 when one of them is no rule. */
static uint64_t find_rules(const char *names)
{
    uint64_t mask = 0;
    size_t count;
    int i;

    for (;; names += count + 1) {
        count = strcspn(names, ",");
        for (i = 0; i < RULES; i++) {
            if (strlen(rules[i].name) == count &&
                strncmp(rules[i].name, names, count) == 0)
                break;
        }
        if (i == RULES)
            return 0;
        mask |= 1ull << i;
        if (names[count] == '\0')
            return mask;
    }
}

static void list(void)
{
    struct run r;
    size_t i;

    printf("runs\n");
    for (i = 0; i < run_count(); i++) {
        r = run_at(i);
        printf("  %-22s %-8s %-40s %s\n", r.name, r.records, r.with, r.words);
    }
    printf("rules\n");
    for (i = 0; i < RULES; i++)
        printf("  %-10s %s\n", rules[i].name, rules[i].words);
}

/* Where several rules are each enough, putting one back makes it hold. */
static void add_removal(const struct removal *m)
{
    struct run run;
    int i;

    CHECK(find_run(m->run, &run));
    add_job(&run, m->rules, m->broken);
    for (i = 0; i < RULES && m->nets; i++) {
        if (m->rules & 1ull << i && m->rules != (1ull << i))
            add_job(&run, m->rules & ~(1ull << i), NULL);
    }
}

static int test(void)
{
    struct removal m;
    struct run run;
    uint64_t removed = 0;
    size_t i;

    for (i = 0; i < run_count(); i++) {
        run = run_at(i);
        if (!run.big)
            add_job(&run, 0, NULL);
    }
    for (i = 0; i < removal_count(); i++) {
        m = removal_at(i);
        removed |= m.rules;
        add_removal(&m);
    }
    run_jobs(false, TOGETHER);
    for (i = 0; i < RULES; i++) {
        if ((removed & 1ull << i) == 0) {
            printf("FAIL  rule %s is never removed\n", rules[i].name);
            failed++;
        }
    }
    product_agrees(&passed, &failed);
    printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint64_t off = 0;
    struct run run;
    size_t k;
    int i;

    if (argc == 2 && strcmp(argv[1], "--quick") == 0)
        states_max = STATES_MAX_QUICK;
    if (argc == 1 || states_max == STATES_MAX_QUICK)
        return test();
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list();
            return 0;
        }
        if (strcmp(argv[i], "--big") == 0) {
            for (k = 0; k < run_count(); k++) {
                run = run_at(k);
                if (run.big)
                    add_job(&run, off, NULL);
            }
            continue;
        }
        if (strcmp(argv[i], "--without") == 0 && i + 1 < argc) {
            off = find_rules(argv[++i]);
            if (off != 0)
                continue;
        } else if (find_run(argv[i], &run)) {
            add_job(&run, off, NULL);
            continue;
        }
        fprintf(stderr, "model: no such run or rule: %s (see --list)\n",
                argv[i]);
        return 64;
    }
    run_jobs(true, 1);
    return failed == 0 ? 0 : 1;
}
