# shellcheck shell=bash
# deploy/local/lib/packages.sh: installs what is missing, and starts nothing.
#
# What is there is found by command or library, not by package, so a Java or a
# Node of your own is as good as Debian's. Installing is apt's work, as root or
# through sudo.
#
# Debian's PostgreSQL package makes and starts a database cluster of its own.
# The stack never uses it, so it is not made: a file that says so is written
# before the first install, unless you already have one.
#
# From: up, tests/run.
# To:   apt-get.

PACKAGES_MISSING=()
POSTGRES_BIN=

need_command() {
    command -v "$1" >/dev/null 2>&1 || PACKAGES_MISSING+=("$2")
}

need_file() {
    [ -e "$1" ] || PACKAGES_MISSING+=("$2")
}

# need_libraries NAME PACKAGE ...: as pkg-config knows them.
need_libraries() {
    while [ $# -gt 0 ]; do
        pkg-config --exists "$1" 2>/dev/null || PACKAGES_MISSING+=("$2")
        shift 2
    done
}

# What Kafka, PostgreSQL and Redis need. `redis-tools` holds the server's
# program as well; `redis-server` would only add a system service.
packages_for_stack() {
    java_is_new_enough || PACKAGES_MISSING+=(default-jre-headless)
    kafka_jars_are_there || need_command mvn maven
    postgres_find || PACKAGES_MISSING+=(postgresql)
    need_command redis-cli redis-tools
    need_command curl curl
    need_file /etc/ssl/certs/ca-certificates.crt ca-certificates
}

# What building tidemill needs.
packages_for_build() {
    need_command cc build-essential
    need_command cmake cmake
    need_command ninja ninja-build
    need_command pkg-config pkg-config
    need_libraries \
        libuv libuv1-dev \
        rdkafka librdkafka-dev \
        libpq libpq-dev \
        hiredis libhiredis-dev \
        libsecp256k1 libsecp256k1-dev \
        libsodium libsodium-dev \
        jansson libjansson-dev
}

# The newest PostgreSQL server on this machine.
postgres_find() {
    local bin
    while read -r bin; do
        if [ -x "$bin/initdb" ]; then
            # shellcheck disable=SC2034
            POSTGRES_BIN=$bin
            return 0
        fi
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV)
    return 1
}

java_is_new_enough() {
    local version
    version=$("$(java_command)" -version 2>&1) || return 1
    [[ $version =~ \"([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 17 ]
}

java_command() {
    printf '%s' "${JAVA_HOME:+$JAVA_HOME/bin/}java"
}

# Runs a command as root; the words are shown by sudo when it asks.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# packages_install: what PACKAGES_MISSING names; prints the step's line.
packages_install() {
    local log=$DIR/log/packages.log
    if [ ${#PACKAGES_MISSING[@]} = 0 ]; then
        step_done "all there"
        return
    fi
    packages_may_install "$log"
    case " ${PACKAGES_MISSING[*]} " in
    *' postgresql '*) packages_no_cluster ;;
    esac
    packages_apt update -q >"$log" 2>&1 ||
        step_fail "apt-get update" "mend the package sources" "$log"
    packages_apt install -q -y --no-install-recommends \
        "${PACKAGES_MISSING[@]}" >>"$log" 2>&1 ||
        step_fail "apt-get install ${PACKAGES_MISSING[*]}" \
            "read the log; install them by hand and run this again" "$log"
    step_done "installed ${PACKAGES_MISSING[*]}"
    PACKAGES_MISSING=()
}

packages_may_install() {
    command -v apt-get >/dev/null ||
        step_fail "missing, and there is no apt-get: ${PACKAGES_MISSING[*]}" \
            "install what these Debian packages contain"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        step_fail "missing: ${PACKAGES_MISSING[*]}" \
            "as root: apt-get install ${PACKAGES_MISSING[*]}"
}

packages_apt() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 "$@"
}

packages_no_cluster() {
    local conf=/etc/postgresql-common/createcluster.conf
    [ -e "$conf" ] && return
    as_root mkdir -p "${conf%/*}"
    printf '%s\n' '# Written by deploy/local/up of tidemill before it installed' \
        '# PostgreSQL: a cluster that nobody asked for is not made.' \
        'create_main_cluster = false' | as_root tee "$conf" >/dev/null
}
