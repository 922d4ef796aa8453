# shellcheck shell=bash
# deploy/local/lib/kafka.sh: a real Kafka (KRaft, no ZooKeeper), one or three nodes.
#
#   jars      fetched once by Maven, for every stack of this checkout
#   archive   the classes as the JVM wants them in memory: boots in 0.7 s
#             instead of 1.6 s; made once for each Java and set of jars
#   node      its configuration is written at every start, its data is
#             formatted once with the stack's cluster id
#
# Node N serves clients on KAFKA_PORT + 2(N-1) and its peers on the next port.
#
# From: up, down; packages.sh asks whether Maven is needed.
# To:   process.sh.

KAFKA_LIBS=${LOCAL_KAFKA_LIBS:-$ROOT/build/kafka/libs}
KAFKA_POM=$ROOT/deploy/local/kafka/pom.xml
KAFKA_COPY=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies

kafka_node_port() {
    # shellcheck disable=SC2153
    printf '%s' $((KAFKA_PORT + 2 * ($1 - 1)))
}

kafka_brokers() {
    local node list=
    for node in $(seq "$NODES"); do
        list+=,127.0.0.1:$(kafka_node_port "$node")
    done
    printf '%s' "${list#,}"
}

# The jars of exactly this pom; the mark is written last.
kafka_jars_are_there() {
    cmp -s "$KAFKA_POM" "$KAFKA_LIBS/.pom"
}

kafka_fetch() {
    local log=$DIR/log/maven.log fetched=$KAFKA_LIBS.new.$$
    mkdir -p "${KAFKA_LIBS%/*}"
    (
        flock 8
        kafka_jars_are_there && exit
        rm -rf "$fetched"
        mvn -B -ntp -q -f "$KAFKA_POM" "$KAFKA_COPY" \
            -DoutputDirectory="$fetched" -DincludeScope=runtime >"$log" 2>&1 ||
            step_fail "Maven did not fetch Kafka" \
                "read the log: usually the network or a certificate" "$log"
        cp "$KAFKA_POM" "$fetched/.pom"
        rm -rf "$KAFKA_LIBS"
        mv "$fetched" "$KAFKA_LIBS"
    ) 8>"$KAFKA_LIBS.lock"
}

# The jars in a fixed order: the archive is good for one class path only.
kafka_class_path() {
    printf '%s\n' "$KAFKA_LIBS"/*.jar | paste -sd :
}

kafka_archive() {
    local key
    key=$({
        "$(java_command)" -version 2>&1
        kafka_class_path
    } | sha256sum | cut -c1-12)
    printf '%s/archive-%s.jsa' "${KAFKA_LIBS%/*}" "$key"
}

# The compiler of short runs costs least in the first minutes;
# LOCAL_KAFKA_C2=1 chooses the one for measuring.
kafka_java_flags() {
    KAFKA_JAVA=("$(java_command)" -Xms32m -Xmx256m -XX:+UseSerialGC
        -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError
        "-Dlog4j2.configurationFile=$ROOT/deploy/local/kafka/log4j2.properties")
    if [ "${LOCAL_KAFKA_C2:-0}" != 1 ]; then
        KAFKA_JAVA+=(-XX:TieredStopAtLevel=1)
    fi
    if [ -s "$(kafka_archive)" ]; then
        KAFKA_JAVA+=("-XX:SharedArchiveFile=$(kafka_archive)" -Xshare:auto)
    fi
    KAFKA_JAVA+=(-cp "$(kafka_class_path)")
}

# Runs one node once, on throw-away data, and keeps the classes that it used.
# Without the archive everything works, a second slower.
kafka_make_archive() {
    local archive name=kafka-archive data
    archive=$(kafka_archive)
    [ -s "$archive" ] && return
    data=$DIR/kafka/archive
    rm -rf "$data"
    kafka_configure 1 1 "$data"
    kafka_java_flags
    kafka_format "$data"
    process_start "$name" "${KAFKA_JAVA[0]}" \
        "-XX:ArchiveClassesAtExit=$archive.$$" -Xlog:cds=off \
        -Xlog:cds+dynamic=off "${KAFKA_JAVA[@]:1}" \
        kafka.Kafka "$data/server.properties"
    process_wait "$name" 60 "read the log" \
        kafka_answers "$(kafka_node_port 1)" 1
    process_stop "$name" 30 TERM
    mv "$archive.$$" "$archive" 2>/dev/null || true
    rm -rf "$data"
}

# kafka_configure NODE OF DATA: writes DATA/server.properties.
kafka_configure() {
    local port
    port=$(kafka_node_port "$1")
    mkdir -p "$3"
    cat >"$3/server.properties" <<END
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$(kafka_voters "$2")
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$3/log
auto.create.topics.enable=false
default.replication.factor=$2
min.insync.replicas=$((($2 + 1) / 2))
unclean.leader.election.enable=false
offsets.topic.replication.factor=$2
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$2
transaction.state.log.min.isr=$((($2 + 1) / 2))
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=67108864
metadata.max.idle.interval.ms=5000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=$(($2 == 1 ? 2000 : 3000))
END
    if [ "$2" = 3 ]; then
        cat >>"$3/server.properties" <<END
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.timeout.ms=500
controller.quorum.request.timeout.ms=1000
END
    fi
}

kafka_voters() {
    local node list=
    for node in $(seq "$1"); do
        list+=,$node@127.0.0.1:$(($(kafka_node_port "$node") + 1))
    done
    printf '%s' "${list#,}"
}

# One id for all nodes of a stack, made at the first start.
kafka_cluster_id() {
    local file=$DIR/kafka/cluster-id
    if [ ! -s "$file" ]; then
        mkdir -p "$DIR/kafka"
        printf 'K%s' "$(head -c 24 /dev/urandom | base64 | tr '+/' ab |
            cut -c2-22)" >"$file"
    fi
    cat "$file"
}

kafka_format() {
    local log=$DIR/log/kafka-format.log
    [ -e "$1/log/meta.properties" ] && return
    "${KAFKA_JAVA[@]}" kafka.tools.StorageTool format \
        -t "$(kafka_cluster_id)" -c "$1/server.properties" >"$log" 2>&1 ||
        step_fail "Kafka did not format its folder" "read the log" "$log"
}

# kafka_answers PORT NODES: does this port belong to our cluster, and does it
# know that many nodes? One Metadata request (key 3, version 2, no topics); the
# answer's third word is the count of brokers, and the cluster id is in it.
kafka_answers() {
    local answer id count
    answer=$(mktemp)
    id=$(kafka_cluster_id)
    # shellcheck disable=SC2016
    timeout 3 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit
        printf "\0\0\0\16\0\3\0\2\0\0\0\1\377\377\0\0\0\0" >&3
        count=$(head -c 4 <&3 | od -An -tu4 --endian=big)
        head -c "$count" <&3 >"$2"' - "$1" "$answer" 2>/dev/null || true
    count=$(od -An -tu4 --endian=big -j 4 -N 4 "$answer" 2>/dev/null |
        tr -d ' ') || true
    if [ "$count" != "$2" ] || ! grep -aqF "$id" "$answer"; then
        rm -f "$answer"
        return 1
    fi
    rm -f "$answer"
}

kafka_start() {
    local node data started=0
    for node in $(seq "$NODES"); do
        process_alive "kafka-$node" && continue
        port_must_be_free "$(kafka_node_port "$node")"
        port_must_be_free $(($(kafka_node_port "$node") + 1))
        data=$DIR/kafka/$node
        kafka_configure "$node" "$NODES" "$data"
        kafka_java_flags
        kafka_format "$data"
        process_start "kafka-$node" "${KAFKA_JAVA[@]}" \
            kafka.Kafka "$data/server.properties"
        started=$((started + 1))
    done
    for node in $(seq "$NODES"); do
        process_wait "kafka-$node" 60 \
            "read the log; data you do not need: deploy/local/down --delete" \
            kafka_answers "$(kafka_node_port "$node")" "$NODES"
    done
    step_done "$NODES node(s), $(kafka_brokers)$(kafka_ran_already $started)"
}

kafka_ran_already() {
    [ "$1" != 0 ] || printf ', ran already'
}

# The last of three nodes would wait five minutes for a quorum that is gone,
# so it is killed; every acknowledged record is on all three.
kafka_stop() {
    local node
    for node in $(seq "$NODES"); do
        if [ "$NODES" = 3 ] && [ "$node" = 3 ]; then
            process_stop "kafka-$node" 10 KILL
        else
            process_stop "kafka-$node" 20 TERM
        fi
    done
    process_stop kafka-archive 10 KILL
}
