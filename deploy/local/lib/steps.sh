# shellcheck shell=bash
# deploy/local/lib/steps.sh: one line a step, with the time it took.
#
#      0.71 s  kafka       one node, 127.0.0.1:19092
#
# On a terminal the line of a running step is already there and is overwritten
# when the step is done. A step that fails says which log to read and what to
# do, and ends the script.
#
# From: every script of deploy/local, and tests/run.
# To:   standard output.

# Decimal points, and messages that we can compare.
export LC_ALL=C

STEP_NAME=
STEP_START_US=0

# Microseconds of the wall clock.
steps_now_us() {
    printf '%s' "${EPOCHREALTIME/./}"
}

# steps_seconds SINCE_US: "0.71"
steps_seconds() {
    local us=$(($(steps_now_us) - $1))
    printf '%d.%02d' $((us / 1000000)) $((us % 1000000 / 10000))
}

# step NAME WORDS: what begins now.
step() {
    STEP_NAME=$1
    STEP_START_US=$(steps_now_us)
    if [ -t 1 ]; then
        printf '           %-11s %s ...\r' "$1" "$2"
    fi
}

# step_note WORDS: what the running step is at; only a terminal shows it.
step_note() {
    if [ -t 1 ]; then
        printf '\033[K           %-11s %s ...\r' "$STEP_NAME" "$1"
    fi
}

# step_done WORDS: what is true now.
step_done() {
    if [ -t 1 ]; then
        printf '\033[K'
    fi
    printf '%7s s  %-11s %s\n' "$(steps_seconds "$STEP_START_US")" \
        "$STEP_NAME" "$*"
    STEP_NAME=
}

# step_fail WHY REMEDY [LOG]: prints all three and the log's end, and exits.
step_fail() {
    {
        printf '\n%s failed after %s s: %s\n' "${STEP_NAME:-this}" \
            "$(steps_seconds "${STEP_START_US:-$(steps_now_us)}")" "$1"
        if [ -n "${3:-}" ] && [ -s "$3" ]; then
            printf '  the end of %s:\n' "$3"
            tail -n 12 "$3" | cut -c1-300 | sed 's/^/    /'
        fi
        printf '  what to do: %s\n' "$2"
    } >&2
    exit 1
}

# A wrong command line.
usage_fail() {
    printf '%s: %s (see --help)\n' "${0##*/}" "$1" >&2
    exit 64
}
