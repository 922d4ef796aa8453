/*
 * consumer/base/metrics.h: counters, gauges and histograms, as Prometheus reads
 * them (text format 0.0.4).
 *
 *     static struct metric *accepted;
 *     accepted = metric_counter("tidemill_accepted_total",
 *                               "chain=\"eip155:1\"", "transactions stored");
 *     metric_add(accepted, 1);
 *
 * Names start with tidemill_, use base units (_seconds, _bytes), and counters
 * end in _total. Labels come from closed lists, never from outside. A metric
 * lives as long as the process.
 *
 * Thread: any; updates are single relaxed atomics, registration takes a lock.
 */
#ifndef CONSUMER_BASE_METRICS_H
#define CONSUMER_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

struct metric;

/* More series than this stop the process: a label has no bound. */
#define METRICS_MAX 4096

/*
 * Registers a series, or returns the one that has this name and these labels
 * already (kind and help are then those of the first). Name, labels and help
 * are copied. `labels` is NULL or `name="value",…`. Never NULL.
 */
struct metric *metric_counter(const char *name, const char *labels,
                              const char *help);
struct metric *metric_gauge(const char *name, const char *labels,
                            const char *help);
/*
 * `bounds` are rising upper bounds, kept (static); NULL means
 * METRIC_SECONDS: 1 ms to 10 s, finest around the promise of 100 ms.
 */
struct metric *metric_histogram(const char *name, const char *labels,
                                const char *help, const double *bounds,
                                size_t bounds_count);
#define METRIC_SECONDS NULL, 0

/* Counters only. */
void metric_add(struct metric *m, uint64_t n);

/* Gauges; or a counter that somebody else counts (it never falls). */
void metric_set(struct metric *m, double value);

/* Gauges: moves up or down. */
void metric_move(struct metric *m, double by);

/* Histograms. */
void metric_observe(struct metric *m, double value);

/* The value of a counter or gauge; a histogram's count. For tests, /status. */
double metric_value(const struct metric *m);

/*
 * Calls `fill` before every exposition, on the thread that exposes: for gauges
 * that are read from somewhere. At most 32.
 */
void metrics_before(void (*fill)(void *arg), void *arg);

/* Forgets the fill functions with this argument, which is about to go. */
void metrics_forget(void *arg);

/* Appends all series. What does not fit is left out and `overflow` is set. */
void metrics_expose(struct buffer *out);

/* Registers process_* and tidemill_build_info; once, at start. */
void metrics_process(const char *program);

#endif
