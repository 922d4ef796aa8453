# shellcheck shell=bash
# deploy/local/lib/programs.sh: builds tidemill, and runs each of its processes.
#
#   producer  18080   HTTP -> tx.submitted         management 18181
#   verifier-1, -2    tx.submitted -> PostgreSQL   management 18182, 18183
#   notifier          tx.results -> Redis          management 18184
#   gateway   18082   Redis -> WebSocket           management 18185
#
# A process keeps running when `up` is called again, unless its program was
# built anew or its settings are others.
#
# From: up, down.
# To:   process.sh, settings.sh.

PROGRAMS='producer verifier-1 verifier-2 notifier gateway'
BUILD=$ROOT/build/release

programs_build() {
    local log=$DIR/log/build.log
    {
        (cd "$ROOT" && nice cmake --preset release) &&
            nice cmake --build "$BUILD" --target tidemill-producer \
                tidemill-verifier tidemill-notifier tidemill-gateway tidemill
    } >"$log" 2>&1 ||
        step_fail "the build" "read the log; a fresh start: rm -r $BUILD" "$log"
    step_done "${BUILD#"$ROOT"/}"
}

# Topics and tables; what is there already is compared, not made again.
programs_init() {
    local log=$DIR/log/init.log rc=0 settings
    mapfile -t settings < <(settings_print)
    env "${settings[@]}" "$BUILD/tidemill" init --partitions 4 \
        >"$log" 2>&1 || rc=$?
    [ "$rc" = 0 ] || step_fail "tidemill init (status $rc)" \
        "read the log; data you do not need: deploy/local/down --delete" "$log"
    step_done "topics and tables"
}

# programs_command NAME: sets COMMAND, PORTS (its own, then management).
programs_command() {
    local management=$MANAGEMENT_PORT settings
    mapfile -t settings < <(settings_print)
    PORTS=()
    case $1 in
    producer) PORTS=("$PRODUCER_PORT") ;;
    verifier-1) management=$((management + 1)) ;;
    verifier-2) management=$((management + 2)) ;;
    notifier) management=$((management + 3)) ;;
    gateway)
        PORTS=("$GATEWAY_PORT")
        management=$((management + 4))
        ;;
    esac
    COMMAND=(env "${settings[@]}" "TIDEMILL_MANAGEMENT_PORT=$management")
    if [ ${#PORTS[@]} = 1 ]; then
        COMMAND+=("TIDEMILL_LISTEN=127.0.0.1:${PORTS[0]}")
    fi
    COMMAND+=("$BUILD/tidemill-${1%-[0-9]}")
    PORTS+=("$management")
}

# What the process was started with, to compare with what it would be today.
programs_fingerprint() {
    {
        env | grep -E '^(TIDEMILL_|PG)' | sort || true
        printf '%s\n' "${COMMAND[@]}"
        stat -c '%i %Y' "$BUILD/tidemill-${1%-[0-9]}"
    } | sha256sum
}

programs_start() {
    local name started=
    for name in $PROGRAMS; do
        programs_start_one "$name" && started+=" $name"
    done
    for name in $PROGRAMS; do
        programs_command "$name"
        process_wait "$name" 60 \
            "read the log; ask http://127.0.0.1:${PORTS[-1]}/readyz" \
            programs_ready "${PORTS[-1]}"
    done
    step_done "ready${started:+, started:$started}"
}

# Fails when the process runs already as it should.
programs_start_one() {
    local name=$1 print port
    programs_command "$name"
    print=$(programs_fingerprint "$name")
    if process_alive "$name"; then
        [ "$(cat "$DIR/run/$name.print" 2>/dev/null)" = "$print" ] && return 1
        process_stop "$name" 20 TERM
    fi
    for port in "${PORTS[@]}"; do
        port_must_be_free "$port"
    done
    process_start "$name" "${COMMAND[@]}"
    printf '%s\n' "$print" >"$DIR/run/$name.print"
}

programs_ready() {
    curl -fsS -o /dev/null --max-time 3 "http://127.0.0.1:$1/readyz" \
        2>/dev/null
}

# The door first, so that nothing new comes in; the gateway last, so that
# clients see what is still on its way.
programs_stop() {
    local name
    for name in $PROGRAMS; do
        process_stop "$name" 20 TERM
        rm -f "$DIR/run/$name.print"
    done
}
