/*
 * tests/system/faults/break_inside.c: breaks a program from the inside.
 *
 * Loaded by LD_PRELOAD. SIGUSR1: from then on every 2000th malloc, calloc and
 * realloc fails. SIGUSR2: every producer of librdkafka is told that its
 * sequence is out of order, which is fatal for it.
 *
 * From: process.py, which compiles it.
 * To:   the C library's own allocator; rd_kafka_test_fatal_error().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { EVERY = 2000, HANDLES_MAX = 64, PRODUCER = 0, OUT_OF_ORDER = 45 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static atomic_bool starving, breaking;
static atomic_ullong asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *producers[HANDLES_MAX];

static int fails(void)
{
    if (!atomic_load(&starving) || atomic_fetch_add(&asked, 1) % EVERY != 0)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

/* Remembers the producers; the configuration and words pass through. */
void *rd_kafka_new(int type, void *conf, char *why, size_t count)
{
    void *(*real)(int, void *, char *, size_t) =
        (void *(*)(int, void *, char *, size_t))dlsym(RTLD_NEXT,
                                                      "rd_kafka_new");
    void *handle = real(type, conf, why, count);

    pthread_mutex_lock(&lock);
    for (size_t i = 0; type == PRODUCER && i < HANDLES_MAX; i++)
        if (producers[i] == NULL) {
            producers[i] = handle;
            break;
        }
    pthread_mutex_unlock(&lock);
    return handle;
}

void rd_kafka_destroy_flags(void *handle, int flags)
{
    void (*real)(void *, int) =
        (void (*)(void *, int))dlsym(RTLD_NEXT, "rd_kafka_destroy_flags");

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (producers[i] == handle)
            producers[i] = NULL;
    pthread_mutex_unlock(&lock);
    real(handle, flags);
}

void rd_kafka_destroy(void *handle)
{
    rd_kafka_destroy_flags(handle, 0);
}

static void *watch(void *arg)
{
    int (*fatal)(void *, int, const char *) =
        (int (*)(void *, int, const char *))dlsym(RTLD_DEFAULT,
                                                  "rd_kafka_test_fatal_error");
    struct timespec moment = {0, 20000000};

    for (;;) {
        nanosleep(&moment, NULL);
        if (!atomic_exchange(&breaking, 0) || fatal == NULL)
            continue;
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < HANDLES_MAX; i++)
            if (producers[i] != NULL)
                fatal(producers[i], OUT_OF_ORDER, "injected");
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void starve(int number)
{
    (void)number;
    atomic_store(&starving, 1);
}

static void break_producers(int number)
{
    (void)number;
    atomic_store(&breaking, 1);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    sigset_t all, before;

    signal(SIGUSR1, starve);
    signal(SIGUSR2, break_producers);
    /* A signal for the program goes to any thread that does not block it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
