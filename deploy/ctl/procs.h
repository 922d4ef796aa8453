/*
 * deploy/ctl/procs.h: how much CPU other processes have used.
 *
 *      procs_parse("door=311,database=120")  ...  procs_read() at two moments
 *
 * A process counts with its children, dead or alive: a database is many.
 *
 * Thread: one at a time. Memory: values, nothing to free.
 */
#ifndef DEPLOY_CTL_PROCS_H
#define DEPLOY_CTL_PROCS_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

#define PROCS_MAX 32
#define PROCS_NAME_MAX 31

struct procs {
    size_t count;
    struct proc {
        char name[PROCS_NAME_MAX + 1];
        int pid;
    } list[PROCS_MAX];
};

/* One line of /proc/PID/stat. */
struct proc_stat {
    int pid, parent;
    uint64_t own_ticks;    /* user and system */
    uint64_t reaped_ticks; /* of children that ended and were waited for */
};

/*
 * Reads "name=pid,name=pid"; a name may come again. Returns 0, or
 *   FAIL_MALFORMED  no such form;
 *   FAIL_FULL       more than PROCS_MAX.
 */
int procs_parse(const char *text, struct procs *out) MUST_CHECK;

/* The first of the list with the name of the index-th. */
size_t procs_first(const struct procs *p, size_t index);

/* Reads a line of /proc/PID/stat. Returns 0, or FAIL_MALFORMED. */
int procs_parse_stat(struct bytes line, struct proc_stat *out) MUST_CHECK;

/*
 * The CPU time of each so far, in microseconds, into out_us[count]. Returns 0,
 * or FAIL_NOT_FOUND when one has gone (its index in *out_gone).
 */
int procs_read(const struct procs *p, uint64_t *out_us,
               size_t *out_gone) MUST_CHECK;

#endif
