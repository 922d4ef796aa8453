# shellcheck shell=bash
# deploy/local/lib/redis.sh: a private Redis that keeps nothing on disk.
#
# Redis is a wire here, never the truth: what a subscriber missed is read from
# the topic. A gateway that reads slowly may have 256 MB waiting for it.
#
# From: up, down.
# To:   process.sh.

redis_start() {
    local ran=', ran already' program
    if ! process_alive redis; then
        ran=
        port_must_be_free "$REDIS_PORT"
        mkdir -p "$DIR/redis"
        # One program with several names; without Debian's package of the
        # service only another of its names is on the path.
        program=$(command -v redis-server || command -v redis-check-rdb) ||
            step_fail "there is no redis-server" "apt-get install redis-tools"
        # shellcheck disable=SC2016
        process_start redis bash -c 'exec -a redis-server "$@"' - "$program" \
            --port "$REDIS_PORT" --bind 127.0.0.1 --dir "$DIR/redis" \
            --save '' --appendonly no \
            --client-output-buffer-limit pubsub 256mb 256mb 60
    fi
    process_wait redis 20 "read the log" redis_answers
    step_done "127.0.0.1:$REDIS_PORT$ran"
}

redis_answers() {
    process_alive redis &&
        timeout 3 redis-cli -h 127.0.0.1 -p "$REDIS_PORT" info server 2>/dev/null |
        grep -q "^process_id:$PROCESS_PID"
}

redis_stop() {
    process_stop redis 10 TERM
}
