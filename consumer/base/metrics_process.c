/*
 * consumer/base/metrics_process.c: what the kernel knows about this process.
 *
 * The names are those that every Prometheus dashboard already draws
 * (process_cpu_seconds_total and so on). They are read when somebody asks.
 *
 * From: consumer/base/service.c, once at start.
 * To:   consumer/base/metrics.c; /proc/self.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/metrics.h"

static struct metric *cpu, *resident, *open_fds, *max_fds;

static double cpu_seconds(void)
{
    struct rusage u;

    CHECK(getrusage(RUSAGE_SELF, &u) == 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long total = 0, pages = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &pages) != 2)
        pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/*
 * Newer kernels say the count as the folder's size; older ones are listed,
 * which takes some milliseconds for 50,000 descriptors, every scrape.
 */
static double count_fds(void)
{
    struct dirent *e;
    double count = 0;
    struct stat st;
    DIR *d;

    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size;
    d = opendir("/proc/self/fd");
    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL)
        count += e->d_name[0] != '.';
    closedir(d);
    return count - 1; /* the one we listed with */
}

static double fds_limit(void)
{
    struct rlimit r;

    CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
    return (double)r.rlim_cur;
}

static void fill(void *arg)
{
    (void)arg;
    metric_set(cpu, cpu_seconds());
    metric_set(resident, resident_bytes());
    metric_set(open_fds, count_fds());
    metric_set(max_fds, fds_limit());
}

void metrics_process(const char *program)
{
    struct metric *start;
    char labels[128];

    if (cpu != NULL)
        return;
    cpu = metric_counter("process_cpu_seconds_total", NULL,
                         "user and system CPU time");
    resident =
        metric_gauge("process_resident_memory_bytes", NULL, "memory in RAM");
    open_fds = metric_gauge("process_open_fds", NULL, "open descriptors");
    max_fds = metric_gauge("process_max_fds", NULL,
                           "how many descriptors may be open");
    start = metric_gauge("process_start_time_seconds", NULL,
                         "when this process started, since 1970");
    metric_set(start, (double)clock_wall_ms() / 1000);
    snprintf(labels, sizeof(labels), "program=\"%s\",version=\"%s\"", program,
             TIDEMILL_VERSION);
    metric_set(metric_gauge("tidemill_build_info", labels,
                            "1; what runs is in the labels"),
               1);
    metrics_before(fill, NULL);
}
