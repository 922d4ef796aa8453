/*
 * deploy/ctl/main.c: tidemill, the operator's command: a list of commands.
 *
 * Each stage owns its commands; this is the only program that links several
 * stages. To add a command: give its stage a file, and this list a line.
 *
 * From: an operator.
 * To:   verifier/command/; here gen.c and tx_*.c.
 */
#include "consumer/base/command.h"
#include "deploy/ctl/bench.h"
#include "deploy/ctl/check.h"
#include "deploy/ctl/doctor.h"
#include "deploy/ctl/gen.h"
#include "deploy/ctl/tx.h"
#include "schemas/names.h"
#include "verifier/command/init.h"
#include "verifier/command/lag.h"
#include "verifier/command/log.h"
#include "verifier/command/partitions.h"
#include "verifier/command/quarantine.h"
#include "verifier/command/reconcile.h"
#include "verifier/command/replay.h"

/* clang-format off */
static const struct command *const commands[] = {
    &command_check,
    &command_doctor,
    &command_lag,
    &command_log_show,
    &command_init,
    &command_migrate,
    &command_partitions,
    &command_log_adopt,
    &command_log_pass,
    &command_quarantine_list,
    &command_quarantine_show,
    &command_quarantine_retry,
    &command_reconcile,
    &command_replay,
    &command_tx_send,
    &command_tx_get,
    &command_tx_watch,
    &command_tx_demo,
    &command_tx_decode,
    &command_tx_verify,
    &command_gen,
    &command_bench,
};
/* clang-format on */

static const struct command_heading headings[] = {
    {"check", "Look first"},
    {"init", "Make and change"},
    {"log adopt", "When something stopped"},
    {"reconcile", "Prove and mend"},
    {"tx send", "Transactions"},
    {"gen", "Try and measure"},
};

#define NAME(n) n,
static const char *const known[] = {NAMES_SETTINGS(NAME)};
#undef NAME

int main(int argc, char **argv)
{
    static const struct command_table table = {
        .program = "tidemill",
        .about = "the operator's hand on tidemill",
        .commands = commands,
        .commands_count = sizeof(commands) / sizeof(commands[0]),
        .headings = headings,
        .headings_count = sizeof(headings) / sizeof(headings[0]),
        .known = known,
        .known_count = sizeof(known) / sizeof(known[0]),
    };

    return command_main(&table, argc, argv);
}
