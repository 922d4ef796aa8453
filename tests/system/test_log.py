"""Is the topic the log we know? Recreated, truncated and expired ones."""

import functools
import re

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from system import Account, check, produce, wait_at_rest, wait_until
from system.topic import log_starts

PARTITIONS = 4


@pytest.fixture
def mill(world):
    world.verifiers = [world.verifier(f"verifier-{n}") for n in (1, 2)]
    return restarted(world, start=False)


def restarted(mill, start=True):
    for verifier in mill.verifiers:
        if start:
            verifier.start()
    for verifier in mill.verifiers:
        verifier.ready()
    return mill


def send(mill, signed):
    """Spreads them evenly over the partitions."""
    return produce(mill.brokers, mill.topic_submitted, *[
        {"value": tx.raw, "partition": n % PARTITIONS,
         "headers": [("tm", "1;eip155:1;2")]} for n, tx in enumerate(signed)])


def sign(name, count):
    account = Account(name)
    return [account.sign() for _ in range(count)]


@functools.cache
def client(brokers):
    """Kept: what was asked of a client that is gone is never answered."""
    return AdminClient({"bootstrap.servers": brokers})


def admin(mill):
    return client(mill.brokers)


def recreate(mill, topic):
    """The same name, and offsets that start anew."""
    admin(mill).delete_topics([topic])[topic].result(30)
    wait_until("it is gone", lambda: topic not in
               admin(mill).list_topics(timeout=10).topics)
    made = NewTopic(topic, PARTITIONS, 1,
                    config={"message.timestamp.type": "LogAppendTime"})
    wait_until("it is there again", lambda: admin(mill).create_topics(
        [made])[topic].result(30) is None, every=0.5)


def delete_records(mill, offsets):
    """As retention does it: everything below these offsets is gone."""
    places = [TopicPartition(mill.topic_submitted, partition, offset)
              for partition, offset in offsets.items()]
    for done in admin(mill).delete_records(places).values():
        done.result(30)


def stopped(mill):
    """{partition: why} of every partition that does not run."""
    return {lane["partition"]: lane["stopped"] for v in mill.verifiers
            if v.alive() for lane in v.status()["partitions"]
            if lane["stopped"]}


def said(mill, event, **pairs):
    return [found for v in mill.verifiers for found in v.events(event)
            if pairs.items() <= found.items()]


def count(mill, table="transactions"):
    return mill.sql(f"select count(*) from tidemill.{table}")[0][0]


def adopt(mill):
    """The operator's way on. Returns the new log number."""
    preview = mill.tidemill("log", "adopt", check=True).stdout
    assert "--execute" in preview
    done = mill.tidemill("log", "adopt", "--execute", check=True).stdout
    return int(re.search(r"log (\d+) is adopted", done).group(1))


def all_stopped(mill):
    return stopped(mill) == {n: "unknown_log" for n in range(PARTITIONS)}


def stops_and_is_adopted(mill):
    """80 records are there, 40 rows of another log, and 20 of both."""
    wait_until("all of it stops", lambda: all_stopped(mill), seconds=60)
    for n in range(PARTITIONS):
        assert said(mill, "partition.stopped", partition=str(n),
                    reason="unknown_log")
    shown = mill.tidemill("log", "show")
    assert shown.returncode == 1, shown.stdout
    assert count(mill) == 40

    log = adopt(mill)
    wait_until("it goes on", lambda: count(mill) == 100, seconds=60)
    seen = check(mill, log=log)
    assert seen.counts["verified"] == 100
    assert seen.counts["duplicate"] == 20
    assert stopped(mill) == {}


def test_a_recreated_topic_stops_and_is_adopted(mill):
    """It has grown past the old positions, so that offsets alone look well."""
    old, new = sign("before", 40), sign("after", 60)
    send(mill, old)
    wait_at_rest(mill)
    assert [v.stop() for v in mill.verifiers] == [0, 0]
    recreate(mill, mill.topic_submitted)
    send(mill, new + old[:20])  # 20 in each partition, 10 were known
    restarted(mill)
    stops_and_is_adopted(mill)


def test_a_topic_recreated_under_the_eyes_of_verifiers_stops(mill):
    """It is short for a moment, as it is in life, and that is remembered."""
    old, new = sign("before", 40), sign("after", 60)
    send(mill, old)
    wait_at_rest(mill)
    recreate(mill, mill.topic_submitted)
    wait_until("it is seen", lambda: all_stopped(mill), seconds=60)
    send(mill, new + old[:20])
    wait_until("it is looked at again", lambda: all(
        len(said(mill, "partition.located", partition=str(n))) > 3
        for n in range(PARTITIONS)))
    stops_and_is_adopted(mill)


def test_a_topic_recreated_and_grown_between_two_fetches_stops(mill):
    """No fetch ever finds it short: it has only been refused for a moment."""
    old, new = sign("before", 40), sign("after", 60)
    send(mill, old)
    wait_at_rest(mill)
    recreate(mill, mill.topic_submitted)
    send(mill, new + old[:20])
    stops_and_is_adopted(mill)


def test_a_truncated_topic_stops(mill):
    """Recreated and shorter than the old positions."""
    send(mill, sign("long", 40))
    wait_at_rest(mill)
    for verifier in mill.verifiers:
        verifier.stop()
    recreate(mill, mill.topic_submitted)
    send(mill, sign("short", 8))
    restarted(mill)
    wait_until("all of it stops", lambda: all_stopped(mill), seconds=60)
    log = adopt(mill)
    wait_until("it goes on", lambda: count(mill) == 48, seconds=60)
    check(mill, log=log)


def test_a_partition_without_rows_goes_on_in_a_recreated_topic(mill):
    """Nothing was written of it, so nothing can be told twice."""
    known = sign("known", 10)
    produce(mill.brokers, mill.topic_submitted,
            *[{"value": tx.raw, "partition": 0} for tx in known])
    wait_at_rest(mill)
    for verifier in mill.verifiers:
        verifier.stop()
    recreate(mill, mill.topic_submitted)
    send(mill, sign("fresh", 48))
    restarted(mill)
    wait_until("the others go on", lambda: count(mill) == 46)
    wait_until("that one stops", lambda:
               stopped(mill) == {0: "unknown_log"})
    assert count(mill) == 46


def test_what_retention_took_after_it_was_written_is_no_stop(mill):
    """The record before the position has expired: unproven, and on it goes."""
    send(mill, sign("old", 40))
    wait_at_rest(mill)
    for verifier in mill.verifiers:
        verifier.stop()
    delete_records(mill, {n: 10 for n in range(PARTITIONS)})
    assert set(log_starts(mill.brokers,
                          mill.topic_submitted).values()) == {10}
    send(mill, sign("new", 20))
    restarted(mill)
    wait_until("it goes on", lambda: count(mill) == 60)
    assert {event["partition"] for event in said(mill, "partition.unproven")
            } == {"0", "1", "2", "3"}
    assert stopped(mill) == {}
    check(mill)


def test_what_retention_took_unread_stops_and_is_adopted(mill):
    """Records that nobody judged have expired: that is never passed over."""
    send(mill, sign("read", 40))
    wait_at_rest(mill)
    for verifier in mill.verifiers:
        verifier.stop()
    send(mill, sign("unread", 40))
    delete_records(mill, {n: 15 for n in range(PARTITIONS)})
    restarted(mill)
    wait_until("all of it stops", lambda: all_stopped(mill), seconds=60)
    assert count(mill) == 40
    adopt(mill)
    wait_until("it goes on", lambda: count(mill) == 60, seconds=60)
    wait_at_rest(mill)
    assert mill.tidemill("reconcile").returncode == 0


def test_results_adopted_anew_do_not_disturb_rows(mill):
    """A recreated results topic gives offsets again: said, and adopted."""
    send(mill, sign("first", 20))
    wait_at_rest(mill)
    recreate(mill, mill.topic_results)
    send(mill, sign("second", 20))
    wait_until("rows go on", lambda: count(mill) == 40, seconds=60)
    wait_until("announcing stops", lambda: set(stopped(mill).values())
               == {"results_unknown"}, seconds=60)
    mill.tidemill("log", "adopt", "--results", "--execute", check=True)
    wait_until("it goes on", lambda: stopped(mill) == {}, seconds=60)
    wait_at_rest(mill)
    assert mill.tidemill("reconcile").returncode == 0
