# shellcheck shell=bash
# deploy/local/lib/postgres.sh: a private PostgreSQL, without a socket file.
#
# PostgreSQL refuses to run as root, so root runs it as the user `postgres`,
# who must be able to reach the data: under a closed home directory he cannot,
# and the data goes to /var/tmp instead. Where it is stands in DIR/postgres-at.
#
# From: up, down.
# To:   process.sh, packages.sh (where its programs are).

POSTGRES_DATA=
POSTGRES_AS=()

# Sets POSTGRES_DATA and POSTGRES_AS. Makes the folder.
postgres_place() {
    POSTGRES_DATA=$DIR/postgres
    if [ -s "$DIR/postgres-at" ]; then
        POSTGRES_DATA=$(<"$DIR/postgres-at")
    fi
    if [ "$(id -u)" != 0 ]; then
        install -d -m 700 "$POSTGRES_DATA"
        return
    fi
    POSTGRES_AS=(setpriv --reuid=postgres --regid=postgres --init-groups --)
    install -d -m 700 -o postgres -g postgres "$POSTGRES_DATA"
    if ! (cd / && "${POSTGRES_AS[@]}" test -w "$POSTGRES_DATA"); then
        postgres_place_elsewhere
    fi
}

postgres_place_elsewhere() {
    rmdir "$POSTGRES_DATA"
    POSTGRES_DATA=/var/tmp/tidemill-$(id -u)-$(printf '%s' "$DIR" |
        sha256sum | cut -c1-8)
    # A folder that somebody else made there is not ours to use.
    if [ -e "$POSTGRES_DATA" ] &&
        [ "$(stat -c %U "$POSTGRES_DATA")" != postgres ]; then
        step_fail "$POSTGRES_DATA belongs to somebody else" "remove it"
    fi
    install -d -m 700 -o postgres -g postgres "$POSTGRES_DATA"
    printf '%s' "$POSTGRES_DATA" >"$DIR/postgres-at"
}

postgres_init() {
    local log=$DIR/log/initdb.log
    [ -s "$POSTGRES_DATA/PG_VERSION" ] && return
    (cd / && "${POSTGRES_AS[@]}" "$POSTGRES_BIN/initdb" \
        -D "$POSTGRES_DATA" -U tidemill -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync --no-instructions) >"$log" 2>&1 ||
        step_fail "initdb" "read the log" "$log"
}

postgres_start() {
    local ran=', ran already'
    postgres_place
    if ! process_alive postgres; then
        ran=
        port_must_be_free "$POSTGRES_PORT"
        postgres_init
        postgres_settle
        process_start postgres "${POSTGRES_AS[@]}" "$POSTGRES_BIN/postgres" \
            -D "$POSTGRES_DATA" -p "$POSTGRES_PORT" -h 127.0.0.1 \
            -c unix_socket_directories= -c shared_buffers=128MB -c jit=off \
            -c max_wal_size=2GB -c max_locks_per_transaction=512
    fi
    process_wait postgres 60 "read the log" postgres_answers
    postgres_sql template1 \
        "select 1 from pg_database where datname = 'tidemill'" | grep -q 1 ||
        postgres_sql template1 'create database tidemill'
    step_done "127.0.0.1:$POSTGRES_PORT, data in $POSTGRES_DATA$ran"
}

# After a kill -9 a new server is refused while the old one's children still
# end, or its own zombie waits to be taken from the table.
postgres_settle() {
    local deadline=$(($(steps_now_us) + 10 * 1000000))
    while postgres_lingers && [ "$(steps_now_us)" -lt "$deadline" ]; do
        sleep 0.05
    done
}

postgres_lingers() {
    local pid stat folder
    [ -s "$POSTGRES_DATA/postmaster.pid" ] || return 1
    read -r pid <"$POSTGRES_DATA/postmaster.pid"
    stat=$(process_stat "$pid") || stat=gone
    case $stat in Z*) return 0 ;; esac
    for folder in /proc/[0-9]*/cwd; do
        if [ "$folder" -ef "$POSTGRES_DATA" ]; then
            return 0
        fi
    done
    return 1
}

postgres_sql() {
    timeout 30 "$POSTGRES_BIN/psql" -X -h 127.0.0.1 -p "$POSTGRES_PORT" -U tidemill \
        -d "$1" -qAtc "$2" 2>/dev/null
}

# Ours, and out of recovery.
postgres_answers() {
    [ "$(postgres_sql template1 'show data_directory')" = "$POSTGRES_DATA" ]
}

# INT is "fast": open transactions are rolled back. QUIT is a crash.
postgres_stop() {
    process_stop postgres 20 INT QUIT
}

postgres_delete() {
    if [ -s "$DIR/postgres-at" ]; then
        rm -rf "$(<"$DIR/postgres-at")"
    fi
}
