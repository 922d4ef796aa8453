/*
 * verifier/command/step.h: what a command did, or would do, step by step.
 *
 *      4 positions planted, 0 were there
 *      {"step":"positions","count":4,"words":"4 positions planted, 0 were
 * there"}
 *
 * For commands that act; those that answer print objects of their own.
 *
 * Thread: main thread. Writes to standard output.
 */
#ifndef VERIFIER_COMMAND_STEP_H
#define VERIFIER_COMMAND_STEP_H

#include <stdbool.h>
#include <stdint.h>

/* Steps are said as JSON from now on. */
void step_as_json(bool on);

/* One step: its name for programs, and words without a newline. */
void step_say(const char *step, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, with a number that the words have, too. */
void step_count(const char *step, int64_t count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
