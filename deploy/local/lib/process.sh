# shellcheck shell=bash
# deploy/local/lib/process.sh: starts, finds and ends the stack's own processes.
#
# A process is known by three things, kept in $DIR/run/NAME.pid: its pid, the
# tick at which it started, and the boot it belongs to. A pid that the kernel
# gave to somebody else since then fails the comparison and is left alone.
# A zombie counts as dead: only a slow parent keeps it in the table.
#
# From: kafka.sh, postgres.sh, redis.sh, programs.sh, and down.
# To:   /proc and signals.

# Set by process_alive.
PROCESS_PID=

process_pid_file() {
    printf '%s/run/%s.pid' "$DIR" "$1"
}

process_log() {
    printf '%s/log/%s.log' "$DIR" "$1"
}

# process_stat PID: "STATE START_TICK"; fails when there is no such process.
process_stat() {
    local line fields
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # The name in parentheses may itself contain blanks and parentheses.
    read -r -a fields <<<"${line##*) }"
    printf '%s %s' "${fields[0]}" "${fields[19]}"
}

# process_alive NAME: is the process we started still running?
process_alive() {
    local pid start boot stat
    PROCESS_PID=
    { read -r pid start boot <"$(process_pid_file "$1")"; } 2>/dev/null ||
        return 1
    [ "$boot" = "$(</proc/sys/kernel/random/boot_id)" ] || return 1
    stat=$(process_stat "$pid") || return 1
    [ "${stat#* }" = "$start" ] || return 1
    case $stat in [ZX]*) return 1 ;; esac
    PROCESS_PID=$pid
}

# process_start NAME COMMAND...: in a session of its own, from /, its output
# into its log. The command may not fork. The lock of the caller (descriptor
# 9) is not inherited, or the next caller would wait for ever.
process_start() {
    local name=$1 pid stat
    shift
    mkdir -p "$DIR/run" "$DIR/log"
    (cd / && exec setsid "$@") </dev/null >>"$(process_log "$name")" 2>&1 9>&- &
    pid=$!
    stat=$(process_stat "$pid") || stat='gone 0'
    printf '%s %s %s\n' "$pid" "${stat#* }" \
        "$(</proc/sys/kernel/random/boot_id)" >"$(process_pid_file "$name")"
}

# process_wait NAME SECONDS REMEDY PROBE...: until the probe succeeds. Ends the
# script when the process dies first or the deadline passes.
process_wait() {
    local name=$1 seconds=$2 remedy=$3 start
    shift 3
    start=$(steps_now_us)
    until "$@"; do
        if ! process_alive "$name"; then
            step_fail "$name ended$(process_why "$name")" "$remedy" \
                "$(process_log "$name")"
        fi
        if [ $(($(steps_now_us) - start)) -gt $((seconds * 1000000)) ]; then
            step_fail "$name does not answer after $seconds s" "$remedy" \
                "$(process_log "$name")"
        fi
        sleep 0.05
    done
}

# process_why NAME: the exit status of a child of this shell, in words.
process_why() {
    local pid rc=0
    read -r pid _ <"$(process_pid_file "$1")"
    wait "$pid" 2>/dev/null || rc=$?
    case $rc in
    127) ;; # not our child
    64) printf ' (status 64: its command line is wrong)' ;;
    69) printf ' (status 69: something it needs does not answer)' ;;
    70) printf ' (status 70: a fault of its own, please report it)' ;;
    78) printf ' (status 78: a setting is wrong)' ;;
    *) printf ' (status %d)' "$rc" ;;
    esac
}

# process_stop NAME SECONDS SIGNAL...: each signal in turn, SECONDS to obey
# each, then KILL. A stopped process is continued, or it could not obey.
process_stop() {
    local name=$1 seconds=$2 signal deadline
    shift 2
    for signal in "$@" KILL; do
        process_alive "$name" || break
        kill -s "$signal" "$PROCESS_PID" ||
            step_fail "pid $PROCESS_PID ($name) does not take our signals" \
                "run this as the user who started it"
        kill -s CONT "$PROCESS_PID" 2>/dev/null || true
        deadline=$(($(steps_now_us) + seconds * 1000000))
        while process_alive "$name" && [ "$(steps_now_us)" -lt "$deadline" ]; do
            sleep 0.02
        done
    done
    if process_alive "$name"; then
        step_fail "pid $PROCESS_PID ($name) survives KILL" \
            "it hangs in the kernel: look at its disk"
    fi
    rm -f "$(process_pid_file "$name")"
}

# port_open PORT: does anybody accept connections on 127.0.0.1:PORT?
port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# port_must_be_free PORT: before a start. Otherwise somebody else's server
# would answer our question whether ours is ready.
port_must_be_free() {
    if port_open "$1"; then
        step_fail "another program has port $1" \
            "end it, or choose other ports: deploy/local/up --ports-offset 1000"
    fi
}
