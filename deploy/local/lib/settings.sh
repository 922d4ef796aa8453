# shellcheck shell=bash
# deploy/local/lib/settings.sh: where one stack lives and on which ports.
#
# A stack is a folder. The two numbers that cannot be guessed later, its ports'
# offset and its count of Kafka nodes, are kept in DIR/stack, so that `up`
# again, `down` and `env` need no more than the folder.
#
# From: up, down, env, demo.
# To:   every other file here, as variables; programs, as their environment.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# settings_load DIR OFFSET NODES: the last two may be empty: what the folder
# says, else the defaults.
settings_load() {
    local OFFSET_KEPT=0 NODES_KEPT=1
    DIR=$(realpath -m "${1:-$ROOT/build/local}")
    if [ -f "$DIR/stack" ]; then
        # shellcheck disable=SC1091
        . "$DIR/stack"
    fi
    OFFSET=${2:-$OFFSET_KEPT}
    NODES=${3:-$NODES_KEPT}
    [[ $OFFSET =~ ^(0|[1-9][0-9]{0,3}|[1-3][0-9]{4}|40000)$ ]] ||
        usage_fail "--ports-offset is 0 to 40000"
    [[ $NODES =~ ^[13]$ ]] || usage_fail "--nodes is 1 or 3"
    if [ -f "$DIR/stack" ]; then
        settings_unchanged "$OFFSET_KEPT" "$NODES_KEPT"
    fi
    settings_ports
}

# The data of one Kafka node is no data of three.
settings_unchanged() {
    if [ "$OFFSET $NODES" != "$1 $2" ]; then
        printf '%s has ports offset %s and %s Kafka node(s).\n' \
            "$DIR" "$1" "$2" >&2
        printf 'To change that: deploy/local/down --dir %s --delete\n' \
            "$DIR" >&2
        exit 64
    fi
}

# shellcheck disable=SC2034
settings_ports() {
    KAFKA_PORT=$((19092 + OFFSET))
    POSTGRES_PORT=$((19432 + OFFSET))
    REDIS_PORT=$((19379 + OFFSET))
    PRODUCER_PORT=$((18080 + OFFSET))
    GATEWAY_PORT=$((18082 + OFFSET))
    MANAGEMENT_PORT=$((18181 + OFFSET))
}

settings_keep() {
    mkdir -p "$DIR/run" "$DIR/log"
    printf 'OFFSET_KEPT=%s\nNODES_KEPT=%s\n' "$OFFSET" "$NODES" >"$DIR/stack"
}

# What clients and all programs need to know, as KEY=VALUE. What the caller has
# set of the third group wins over what is written here.
settings_print() {
    cat <<END
TIDEMILL_HTTP_URL=http://127.0.0.1:$PRODUCER_PORT
TIDEMILL_GATEWAY_URL=http://127.0.0.1:$GATEWAY_PORT
TIDEMILL_KAFKA_BROKERS=$(kafka_brokers)
DATABASE_URL=postgresql://tidemill@127.0.0.1:$POSTGRES_PORT/tidemill
REDIS_URL=redis://127.0.0.1:$REDIS_PORT/0
TIDEMILL_PUBLIC_URL=${TIDEMILL_PUBLIC_URL:-http://127.0.0.1:$GATEWAY_PORT}
TIDEMILL_CHAINS=${TIDEMILL_CHAINS:-eip155:1=4,eip155:*=3}
TIDEMILL_LEAF_ROWS=${TIDEMILL_LEAF_ROWS:-200000}
TIDEMILL_OPEN=${TIDEMILL_OPEN:-1}
END
}
