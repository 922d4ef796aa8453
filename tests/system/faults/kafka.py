"""Faults of the brokers: killed, frozen, too few, settings that refuse."""

import functools
import time

from confluent_kafka.admin import (AdminClient, AlterConfigOpType,
                                   ConfigEntry, ConfigResource)

from system import Account, wait_until

from faults.registry import fault


@functools.cache
def admin(brokers):
    """Kept: what was asked of a client that is gone is never answered."""
    return AdminClient({"bootstrap.servers": brokers, "log_level": 0})


def set_topic(mill, topic, seconds=30, **pairs):
    """Changes a topic's settings; None gives the brokers' default back."""
    entries = [ConfigEntry(
        name.replace("_", "."), None if value is None else str(value),
        incremental_operation=AlterConfigOpType.DELETE if value is None
        else AlterConfigOpType.SET) for name, value in pairs.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic,
                              incremental_configs=entries)
    client = admin(mill.stack.brokers)

    def done():
        for future in client.incremental_alter_configs([resource]).values():
            future.result(10)
        return True
    wait_until(f"{topic} has {pairs}", done, seconds)


def leader(mill, topic, partition):
    """The broker (1..3) that leads a partition."""
    found = admin(mill.stack.brokers).list_topics(topic, timeout=20)
    return found.topics[topic].partitions[partition].leader


@fault("F6", "kill -9 the broker that leads partition 0, for 10 s",
       "a new leader within seconds; idempotent retries; nothing lost",
       touches="kafka-1 kafka-2 kafka-3", short=True, dice=True)
def leader_killed(mill):
    server = mill.stack.kafka[leader(
        mill, mill.stack.topic_submitted, 0) - 1]
    server.kill()
    mill.later(server.start)
    yield 10
    mill.flows(10, 10)
    server.start()


@fault("F7", "all brokers are killed, for 20 s",
       "503 with Retry-After, at once; never a 202; it heals by itself",
       touches="kafka-1 kafka-2 kafka-3")
def all_brokers_down(mill):
    for server in mill.stack.kafka:
        server.kill()
    yield 7  # what was under way has run into its deadline
    before = mill.load.outcomes[202] + mill.load.outcomes[200]
    account, times = Account(f"F7 {time.time()}"), []
    for _ in range(20):
        answer, seconds = mill.post(account.sign())
        times.append(seconds)
        assert answer is not None and answer.status == 503, answer
        assert int(answer.headers["retry-after"]) >= 1
        time.sleep(0.1)
    yield 5
    times.sort()
    mill.note(f"half of the answers within {times[10] * 1e3:.0f} ms,"
              f" all within {times[-1] * 1e3:.0f} ms")
    # A few are let through as probes, and wait for their record's time.
    assert times[15] < 0.5 and times[-1] < 6, times
    assert before == mill.load.outcomes[202] + mill.load.outcomes[200]


@fault("F8", "SIGSTOP the broker that leads partition 0, for 15 s",
       "its partitions move on; unknown outcomes are 504; nothing lost",
       touches="kafka-1 kafka-2 kafka-3", dice=True)
def leader_frozen(mill):
    server = mill.stack.kafka[leader(
        mill, mill.stack.topic_submitted, 0) - 1]
    server.freeze()
    mill.later(server.thaw)
    yield 15
    mill.flows(10, 10)
    server.thaw()


@fault("F10", "the submitted topic wants three copies and has two, for 20 s",
       "503 after the record's time; none is accepted, none lost",
       touches="kafka-1 kafka-2 kafka-3")
def too_few_replicas(mill):
    topic = mill.stack.topic_submitted
    set_topic(mill, topic, min_insync_replicas=3)
    mill.later(functools.partial(set_topic, mill, topic,
                                 min_insync_replicas=None))
    server = mill.stack.kafka[2]
    server.kill()
    mill.later(server.start)
    yield 12
    before = mill.load.outcomes[202] + mill.load.outcomes[200]
    yield 8
    answer, seconds = mill.post(Account(f"F10 {time.time()}").sign())
    mill.note(f"answered {answer and answer.status} after {seconds:.1f} s")
    assert answer is not None and answer.status in (503, 504), answer
    assert before == mill.load.outcomes[202] + mill.load.outcomes[200]


@fault("F11", "the topic takes records of at most 1000 bytes",
       "a larger one is refused with words, never accepted; others flow",
       touches="settings", short=True)
def record_too_large(mill):
    topic = mill.stack.topic_submitted
    set_topic(mill, topic, max_message_bytes=1000)
    mill.later(functools.partial(set_topic, mill, topic,
                                 max_message_bytes=None))
    yield 1
    big = Account(f"F11 {time.time()}").sign(data=b"x" * 5000)
    answer, seconds = mill.post(big)
    mill.note(f"answered {answer and answer.status} after {seconds:.1f} s")
    assert answer is not None and (answer.status == 413
                                   or answer.status >= 500), answer
    assert any("size too large" in event["why"]
               for event in mill.door.events("outlet.refused"))
    mill.flows(10, 10)


@fault("F41", "the results topic takes nothing, for 30 s",
       "rows are written meanwhile; what is not announced comes in order",
       touches="kafka-1 kafka-2 kafka-3")
def results_unavailable(mill):
    topic = mill.stack.topic_results
    set_topic(mill, topic, min_insync_replicas=3)
    mill.later(functools.partial(set_topic, mill, topic,
                                 min_insync_replicas=None))
    server = mill.stack.kafka[2]
    server.kill()
    mill.later(server.start)
    yield 15
    announced, rows = all_announced(mill), mill.written()
    yield 15
    more = mill.written() - rows, all_announced(mill) - announced
    mill.note(f"{more[0]} rows and {more[1]} results in 15 s")
    assert more[0] > 5 * mill.rate
    assert more[1] == 0


def all_announced(mill):
    return mill.stack.sql(
        "select sum(announced)::bigint from tidemill.announced")[0][0]
