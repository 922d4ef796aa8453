"""The operator's commands on real parts: doctor, partitions, quarantine, replay."""

import contextlib
import functools
import json
import subprocess
import time

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry,
                                   ConfigResource, NewPartitions)

from system import (Account, Load, check, produce, read_topic, wait_at_rest,
                    wait_until)


@functools.cache
def client(brokers):
    """Kept: what was asked of a client that is gone is never answered."""
    return AdminClient({"bootstrap.servers": brokers})


def admin(mill):
    return client(mill.brokers)


def sign(name, count):
    account = Account(name)
    return [account.sign() for _ in range(count)]


def send(mill, signed, partitions=4, **more):
    """Spreads them evenly over the partitions."""
    return produce(mill.brokers, mill.topic_submitted, *[
        {"value": tx.raw, "partition": n % partitions,
         "headers": [("tm", "1;eip155:1;2")], **more}
        for n, tx in enumerate(signed)])


# Doctor. Its tests share topics and tables, and leave them well.

@pytest.fixture(scope="module")
def well(stack):
    return stack.fresh("doctor")


def doctor(mill):
    """(exit status, {check: its line})."""
    done = mill.tidemill("doctor", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return done.returncode, {line["check"]: line for line in lines}


def failed(lines):
    return {name for name, line in lines.items() if line["level"] == "failed"}


def set_topic(mill, topic, **pairs):
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic,
                              incremental_configs=[
        ConfigEntry(name.replace("_", "."), value,
                    incremental_operation=AlterConfigOpType.SET)
        for name, value in pairs.items()])
    for done in admin(mill).incremental_alter_configs([resource]).values():
        done.result(30)


@contextlib.contextmanager
def server_setting(mill, name, value):
    """ALTER SYSTEM, taken back at the end."""
    def alter(words):
        with psycopg.connect(mill.database_url, autocommit=True) as connection:
            connection.execute(f"alter system {words}")
            connection.execute("select pg_reload_conf()")
        wait_until(words, lambda: mill.sql(f"show {name}")[0][0]
                   == value if words.startswith("set") else True)
    alter(f"set {name} = '{value}'")
    try:
        yield
    finally:
        alter(f"reset {name}")


def test_doctor_finds_a_small_stack_well(well):
    status, lines = doctor(well)
    assert status == 0 and not failed(lines)
    topic = well.topic_submitted
    assert lines[f"{topic}.copies"]["level"] == "warning"
    assert "1 copy" in lines[f"{topic}.copies"]["words"]
    assert lines["standby"]["level"] == "warning"
    assert "the promise holds" in well.tidemill("doctor").stdout


GOOD = {"unclean_leader_election_enable": "false",
        "message_timestamp_type": "LogAppendTime", "cleanup_policy": "delete",
        "retention_ms": "604800000", "min_insync_replicas": "1"}


@pytest.mark.parametrize("pair, check", [
    ({"unclean_leader_election_enable": "true"}, "election"),
    ({"message_timestamp_type": "CreateTime"}, "clock"),
    ({"cleanup_policy": "compact"}, "cleanup"),
    ({"retention_ms": "3600000"}, "retention"),
    ({"min_insync_replicas": "2"}, "copies"),
])
def test_doctor_refuses_a_topic_that_forgets(well, pair, check):
    set_topic(well, well.topic_submitted, **pair)
    status, lines = doctor(well)
    set_topic(well, well.topic_submitted, **{key: GOOD[key] for key in pair})
    assert status == 1
    assert failed(lines) == {f"{well.topic_submitted}.{check}"}
    line = lines[f"{well.topic_submitted}.{check}"]
    assert line["endangers"] and well.topic_submitted in line["run"]


@pytest.mark.parametrize("name", ["fsync", "full_page_writes",
                                  "synchronous_commit"])
def test_doctor_refuses_a_database_that_forgets(well, name):
    with server_setting(well, name, "off"):
        status, lines = doctor(well)
        assert status == 1 and failed(lines) == {name}
        assert lines[name]["run"].startswith("alter system")
    assert doctor(well)[0] == 0


def test_doctor_names_what_a_reset_of_the_group_does_not_do(well):
    verifier = well.verifier().ready()
    send(well, sign("group", 8))
    wait_at_rest(well)
    verifier.stop()
    consumer = Consumer({"bootstrap.servers": well.brokers,
                         "group.id": "tidemill-verifier"})
    consumer.commit(offsets=[TopicPartition(well.topic_submitted, 0, 1000)],
                    asynchronous=False)
    consumer.close()
    status, lines = doctor(well)
    assert status == 0 and lines["group"]["level"] == "warning"
    assert "tidemill replay" in lines["group"]["run"]


def test_doctor_says_when_nothing_answers(well):
    well.env["TIDEMILL_KAFKA_BROKERS"], kept = "127.0.0.1:9", well.brokers
    well.env["REDIS_URL"], redis = "redis://127.0.0.1:9", well.redis_url
    try:
        status, lines = doctor(well)
    finally:
        well.env["TIDEMILL_KAFKA_BROKERS"] = kept
        well.env["REDIS_URL"] = redis
    assert status == 1 and failed(lines) == {"brokers"}
    assert lines["redis"]["level"] == "warning"
    assert lines["fsync"]["level"] == "ok"


def test_doctor_refuses_what_init_did_not_make(well):
    well.sql("delete from tidemill.leaf_counts where partition = 3")
    status, lines = doctor(well)
    assert status == 1 and failed(lines) == {"positions"}
    well.sql("update tidemill.logs set cluster_id = 'another'")
    assert failed(doctor(well)[1]) == {"positions", "log", "log.results"}
    well.sql("drop schema tidemill cascade")
    assert failed(doctor(well)[1]) == {"tables"}


# Lag.

def lag(mill):
    """(exit status, a dictionary a partition)."""
    done = mill.tidemill("lag", "--json")
    return done.returncode, [json.loads(line)
                             for line in done.stdout.splitlines()]


def test_lag_is_in_records_and_in_seconds(world):
    """Of the oldest record that waits; null where none does."""
    verifier = world.verifier().ready()
    send(world, sign("lag", 40))
    wait_at_rest(world)
    assert lag(world) == (0, [
        {"partition": p, "behind": 0, "behind_seconds": None, "unannounced": 0,
         "unannounced_seconds": None, "end": 10} for p in range(4)])
    assert verifier.metric("tidemill_verifier_oldest_seconds") == 0
    verifier.stop()
    began = time.monotonic()
    send(world, sign("waits", 3), partitions=3)
    world.sql("update tidemill.announced set announced = 8 where partition = 2")
    wait_until("it is old enough", lambda: lag(world)[1][0][
        "behind_seconds"] > 1.5)
    status, parts = lag(world)
    assert status == 0
    assert [part["behind"] for part in parts] == [1, 1, 1, 0]
    assert parts[3]["behind_seconds"] is None
    assert all(1.5 < part["behind_seconds"] < time.monotonic() - began + 0.5
               for part in parts[:3])
    assert [part["unannounced"] for part in parts] == [0, 0, 2, 0]
    assert parts[2]["unannounced_seconds"] >= parts[2]["behind_seconds"]
    assert parts[1]["unannounced_seconds"] is None
    assert "accepted" in world.tidemill("lag").stdout


def test_what_waits_for_half_of_the_retention_is_an_alarm(world):
    """lag and doctor fail, and the verifier's gauges cross."""
    verifier = world.verifier().ready()
    submit(world, 60000, sign("danger", 1), partition=1)

    def gauges():
        return [verifier.metric(f"tidemill_verifier_{name}") for name in (
            "partitions_stopped", "oldest_seconds", "retention_seconds")]
    wait_until("it is stopped", lambda: gauges()[0] == 1)
    wait_until("it waits", lambda: gauges()[1] > 2)
    assert gauges()[2] == 604800 and lag(world)[0] == 0
    assert "waiting" not in failed(doctor(world)[1])
    set_topic(world, world.topic_submitted, retention_ms="4000")
    done = world.tidemill("lag")
    assert done.returncode == 1 and "DANGER: partition 1" in done.stderr
    assert {"waiting", f"{world.topic_submitted}.retention"} == failed(
        doctor(world)[1])


# Partitions.

def partition_counts(mill):
    topics = admin(mill).list_topics(timeout=10).topics
    return [len(topics[topic].partitions)
            for topic in (mill.topic_results, mill.topic_submitted)]


def rows_of(mill, partition):
    return mill.sql("select count(*) from tidemill.transactions"
                    " where partition = %s", partition)[0][0]


def test_partitions_are_added_under_a_load(world):
    """New ones get used, results too, and nothing of it is lost."""
    door, verifier = world.producer(), world.verifier()
    door.ready(), verifier.ready()
    with Load(world, rate=60, name="partitions") as load:
        wait_until("rows", lambda: rows_of(world, 0) > 5)
        shown = world.tidemill("partitions", 6, check=True).stdout
        assert "--execute" in shown and partition_counts(world) == [4, 4]
        world.tidemill("partitions", 6, "--execute", check=True)
        assert partition_counts(world) == [6, 6]
        wait_until("the new ones are used",
                   lambda: rows_of(world, 4) > 5 and rows_of(world, 5) > 5)
    assert set(load.outcomes) == {202}
    check(world, journals=[load.journal.path])
    assert world.sql("select partitions from tidemill.logs") == [(6,), (6,)]
    again = world.tidemill("partitions", 6, "--execute", check=True).stdout
    assert "0 positions planted" in again
    assert world.tidemill("partitions", 5, "--execute").returncode == 64


def test_partitions_made_by_hand_are_mended(world):
    """Submitted alone was raised: they wait for a position and a place for
    their results, and then go on."""
    verifier = world.verifier().ready()
    admin(world).create_partitions([NewPartitions(
        world.topic_submitted, 5)])[world.topic_submitted].result(30)
    send(world, sign("by hand", 10), partitions=5)
    wait_until("the new one waits", lambda: {
        lane["partition"]: lane["stopped"]
        for lane in verifier.status()["partitions"]}.get(4) == "not_planted",
        seconds=60)
    assert failed(doctor(world)[1]) == {"partitions", "positions"}
    world.tidemill("partitions", 5, "--execute", check=True)
    wait_until("it goes on", lambda: rows_of(world, 4) == 2)
    check(world)
    assert not failed(doctor(world)[1])


# Quarantine.

def quarantined(mill):
    lines = mill.tidemill("quarantine", "list", "--json", check=True).stdout
    return [json.loads(line) for line in lines.splitlines()]


def show(mill, record):
    return json.loads(mill.tidemill("quarantine", "show", "--json", record,
                                    check=True).stdout)


@contextlib.contextmanager
def odd_amounts_refused(mill):
    """What a bad migration does."""
    mill.sql("alter table tidemill.transactions_1 add constraint odd"
             " check (amount % 2 = 0) not valid")
    yield
    mill.sql("alter table tidemill.transactions_1 drop constraint odd")


def retry(mill, *records):
    lines = mill.tidemill("quarantine", "retry", "--execute", "--json",
                          *records, check=True).stdout.splitlines()
    return [tuple(map(int, json.loads(line)["as"].split("-")))[1:]
            for line in lines]


def test_quarantined_records_are_shown_and_sent_again(world):
    """From the topic as they were; from the row when the topic forgot them."""
    world.verifier().ready()
    account = Account("quarantine")
    signed = [account.sign(amount=n) for n in range(6)]
    with odd_amounts_refused(world):
        places = produce(world.brokers, world.topic_submitted, *[
            {"value": tx.raw, "partition": 0, "key": bytes([n] * 36),
             "headers": [("tm", "1;eip155:1;2")]}
            for n, tx in enumerate(signed)])
        wait_at_rest(world)
    found = quarantined(world)
    assert [line["record"] for line in found] == [
        f"1-0-{places[n][1]}" for n in (5, 3, 1)]
    assert {line["sqlstate"] for line in found} == {"23514"}
    assert "odd" in world.tidemill("quarantine", "list").stdout
    seen = show(world, found[0]["record"])
    assert seen["payload"] == signed[5].hex and seen["today"] == "verified"
    assert seen["hash"] == signed[5].hash_hex and seen["row"] is None

    preview = world.tidemill("quarantine", "retry", found[0]["record"],
                             check=True).stdout
    assert "--execute" in preview
    wait_at_rest(world)
    assert len(read_topic(world.brokers, world.topic_submitted)) == 6

    fifth, third = retry(world, found[0]["record"], found[1]["record"])
    admin(world).delete_records([TopicPartition(
        world.topic_submitted, 0, places[5][1] + 1)])[
            TopicPartition(world.topic_submitted, 0)].result(30)
    first, = retry(world, found[2]["record"])
    check(world)
    log = {record.at: record
           for record in read_topic(world.brokers, world.topic_submitted)}
    assert log[fifth].value == signed[5].raw
    assert log[fifth].key == bytes([5] * 36)
    assert log[third].key == bytes([3] * 36)
    assert log[fifth].headers == [("tm", b"1;eip155:1;2")]
    assert log[first].value == signed[1].raw
    assert log[first].key[4:] == signed[1].hash
    assert log[first].headers == [("tm", b"1;eip155:1;1")]
    assert show(world, found[0]["record"])["row"] == "1-%d-%d" % fifth
    assert world.tidemill("quarantine", "show", "1-0-0").returncode == 65


# Replay.

TABLES = ("transactions", "rejections", "duplicates")


def every_row(mill):
    """All rows but for the leaf they lie in: {record: (table, row)}."""
    found = {}
    for table in TABLES:
        for row, in mill.sql(f"select to_jsonb(t) - 'leaf' from"
                             f" tidemill.{table} t"):
            at = row["log"], row["partition"], row["off"]
            assert at not in found
            found[at] = table, row
    return found


def lose(mill, condition):
    """Rows that somebody deleted. Returns their records."""
    lost = set()
    for table in TABLES:
        lost |= set(mill.sql(f"delete from tidemill.{table} where {condition}"
                             " returning log, partition, off"))
    return lost


def announcements(mill):
    """{record: the texts it was announced with}."""
    found = {}
    for record in read_topic(mill.brokers, mill.topic_results):
        id = tuple(map(int, json.loads(record.value)["id"].split("-")))
        assert record.partition == id[1]
        found.setdefault(id, []).append(record.value)
    return found


def mixed(name, count):
    """Good ones, forged ones, and repeats of both."""
    account = Account(name)
    signed = [account.sign(high_s=n % 5 == 0) for n in range(count)]
    return signed + signed[:count // 4]


def replay(mill, *arguments):
    lines = mill.tidemill("replay", "--json", *arguments,
                          check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_replay_restores_exactly_what_is_missing(world):
    """Rows as they were, announced once more under their own ids."""
    world.verifier().ready()
    send(world, mixed("replay", 120))
    wait_at_rest(world)
    rows, told = every_row(world), announcements(world)
    lost = lose(world, "off % 3 = 1")
    assert {rows[at][0] for at in lost} == set(TABLES)
    differs = world.tidemill("reconcile", "--json")
    assert differs.returncode == 1
    found = json.loads(differs.stdout)
    assert found["missing"] == len(lost) and found["stray"] == 0
    assert len(found["first_missing"]) == 10
    assert set(found["first_missing"]) <= {"%d-%d-%d" % at for at in lost}
    text = world.tidemill("reconcile").stdout
    assert f"  no row     {found['first_missing'][0]}\n" in text

    preview = replay(world)
    assert sum(part["missing"] for part in preview) == len(lost)
    ids = {id for part in preview for id in part["first"]}
    assert ids <= {"%d-%d-%d" % at for at in lost}
    assert set(every_row(world)) == set(rows) - lost
    assert "--execute" in world.tidemill("replay", check=True).stdout

    # One record, then one partition, then all.
    one = min(at for at in lost if at[1] == 2)
    name = "%d-%d-%d" % one
    done, = replay(world, "--from", name, "--to", name, "--execute")
    assert (done["looked"], done["missing"], done["announced"]) == (1, 1, 1)
    assert set(every_row(world)) == set(rows) - lost | {one}
    done, = replay(world, "--partition", 1, "--execute")
    assert done["missing"] == len([at for at in lost if at[1] == 1])
    replay(world, "--from", "1h", "--execute")

    assert every_row(world) == rows
    again = announcements(world)
    for at in rows:
        assert again[at] == told[at] * (2 if at in lost else 1)
    agreed = world.tidemill("reconcile")
    assert agreed.returncode == 0, agreed.stdout
    assert "reconcile" in world.tidemill("reconcile", "--progress").stderr
    assert sum(part["missing"] for part in replay(world, "--execute")) == 0
    assert announcements(world) == again
    assert world.sql("select count(*) from tidemill.replays where"
                     " finished_at is null or announced <> to_off") == [(0,)]


def test_a_replay_that_was_killed_goes_on(world):
    """While verifiers work on; and what it wrote last is announced again."""
    world.verifier().ready()
    send(world, mixed("killed", 3200))
    wait_at_rest(world)
    rows, told = every_row(world), announcements(world)
    lost = lose(world, "off % 7 = 3")
    done = subprocess.Popen([world.build / "tidemill", "replay", "--execute",
                             "--rate=500"], env=world.env,
                            stdout=subprocess.DEVNULL)
    try:
        wait_until("it has begun", lambda: world.sql(
            "select 1 from tidemill.replays where next_off > from_off"))
    finally:
        done.kill()
        done.wait()
    send(world, sign("meanwhile", 40))
    assert world.tidemill("reconcile", "--wait", 20000).returncode == 1
    assert "unfinished" in world.tidemill("replay", check=True).stdout
    replay(world, "--execute")
    wait_at_rest(world)
    now = every_row(world)
    assert {at: now[at] for at in rows} == rows and len(now) == len(rows) + 40
    again = announcements(world)
    assert all(len(again[at]) >= 2 for at in lost)
    assert all(set(again[at]) == set(told[at]) for at in rows)
    assert world.tidemill("reconcile").returncode == 0


def test_live_traffic_and_a_replay_leave_every_record_right(world):
    """A replay that is limited writes beside verifiers that are busy. What it
    costs them is measured by tests/bench/replay."""
    door, verifier = world.producer(), world.verifier()
    door.ready(), verifier.ready()
    send(world, mixed("beside", 640))
    wait_at_rest(world)
    rows = every_row(world)
    lost = lose(world, "off % 2 = 1")
    with Load(world, rate=40, name="live") as load:
        wait_until("it is live", lambda: rows_of(world, 0) > len(rows) / 8 + 5)
        parts = replay(world, "--execute", "--rate=400")
    assert sum(part["missing"] for part in parts) == len(lost)
    assert set(load.outcomes) == {202}
    check(world, journals=[load.journal.path])
    now = every_row(world)
    assert {at: now[at] for at in rows} == rows


def test_a_replay_announces_what_it_had_not_when_it_ended(world):
    """Its rows were committed, its announcements were not."""
    world.verifier().ready()
    send(world, sign("not announced", 40))
    wait_at_rest(world)
    world.sql("insert into tidemill.replays (log, partition, from_off, to_off,"
              " next_off, announced) values (1, 2, 0, 10, 8, 5)")
    told = announcements(world)
    replay(world, "--partition", 2, "--execute")
    again = announcements(world)
    assert {at for at in again if len(again[at]) == 2} == {
        (1, 2, offset) for offset in (5, 6, 7)}
    assert all(set(again[at]) == set(told[at]) for at in told)
    assert world.sql("select count(*) from tidemill.replays"
                     " where finished_at is null") == [(0,)]


def test_first_and_repeat_may_change_places_in_a_replay(world):
    """The row of the first was lost, the repeat took its place meanwhile."""
    world.verifier().ready()
    tx, = sign("places", 1)
    first, = send(world, [tx])
    wait_at_rest(world)
    lose(world, "true")
    again, = send(world, [tx])
    wait_at_rest(world)
    assert world.tidemill("reconcile").returncode == 1
    replay(world, "--execute")
    # What no replay touched is compared kind by kind, as before.
    forged, = send(world, [Account("kind").sign(high_s=True)])
    wait_at_rest(world)
    assert world.tidemill("reconcile").returncode == 0
    world.sql("insert into tidemill.duplicates_1 (accepted_at, off, chain, log,"
              " partition, hash, of_log, of_partition, of_off)"
              " select accepted_at, off, chain, log, partition, '\\x00', 1, 0, 0"
              " from tidemill.rejections")
    world.sql("delete from tidemill.rejections")
    wrong = world.tidemill("reconcile")
    assert wrong.returncode == 1 and "-1 rejected +1 dup" in wrong.stdout
    world.sql("delete from tidemill.duplicates where off = %s", forged[1])
    replay(world, "--execute")
    rows = every_row(world)
    assert rows[1, *again][0] == "transactions"
    assert rows[1, *first][0] == "duplicates"
    assert rows[1, *first][1]["of_off"] == again[1]
    assert world.tidemill("reconcile").returncode == 0


# Replay by another rule set.

def submit(mill, rules, signed, partition=None):
    """Records as a door of that rule set would have written them."""
    return produce(mill.brokers, mill.topic_submitted, *[
        {"value": tx.raw, "partition": n % 4 if partition is None else
         partition, "headers": [("tm", f"1;eip155:1;{rules}")]}
        for n, tx in enumerate(signed)])


def revisions(mill):
    return {(1, partition, off, rules): (verdict, reason)
            for partition, off, rules, verdict, reason in mill.sql(
                "select partition, off, rules, verdict, reason"
                " from tidemill.revisions where log = 1")}


def world_of_set_1(world):
    """Good ones, some that set 2 refuses and some that set 4 does, forged
    ones, repeats, and one that was passed. {record: its transaction}."""
    world.verifier().ready()
    account = Account("rules")
    kinds = {"good": {}, "low": {"gas": 20000}, "huge": {"gas": 20_000_000},
             "high": {"high_s": True}}
    signed = [(kind, account.sign(**more)) for _ in range(30)
              for kind, more in kinds.items()]
    signed += [pair for pair in signed if pair[0] == "low"][:10]
    places = submit(world, 1, [tx for _, tx in signed])
    newer, = submit(world, 60000, [account.sign()], partition=3)
    kind_at = dict(zip(((1, *at) for at in places), (k for k, _ in signed)))
    kind_at[1, *newer] = "passed"
    name = "1-%d-%d" % newer
    wait_until("it can be passed", lambda: world.tidemill(
        "log", "pass", "--execute", name).returncode == 0)
    wait_at_rest(world)
    return kind_at


def test_another_rule_set_is_tried_on_what_was_judged(world):
    """No row changes, nothing is announced; what differs is noted."""
    kind_at = world_of_set_1(world)
    rows, told = every_row(world), announcements(world)
    expected = {2: {"low": ("rejected", "intrinsic_gas"),
                    "passed": ("verified", None)},
                4: {"low": ("rejected", "intrinsic_gas"),
                    "huge": ("rejected", "gas_above_cap"),
                    "passed": ("verified", None)}}
    noted = {}
    for rules, words in expected.items():
        parts = replay(world, "--rules", rules)
        assert not any(part["executed"] for part in parts)
        differing = {at: words[kind] for at, kind in kind_at.items()
                     if kind in words}
        assert sum(part["differ"] for part in parts) == len(differing)
        assert sum(part["same"] for part in parts) == (
            len(kind_at) - len(differing))
        first = parts[0]["first"][0]
        at = tuple(map(int, first["record"].split("-")))
        assert (first["is"], first["is_reason"]) == differing[at]
        assert revisions(world) == noted
        replay(world, "--rules", rules, "--execute")
        noted |= {(*at, rules): verdict for at, verdict in differing.items()}
        assert revisions(world) == noted
        replay(world, "--rules", rules, "--execute")
        assert revisions(world) == noted
    assert every_row(world) == rows and announcements(world) == told
    assert world.sql("select distinct rules from tidemill.replays"
                     " order by 1") == [(2,), (4,)]
    # The set that judged them says what it said, but for the one that it never
    # judged.
    assert [part["differ"] for part in replay(world, "--rules", 1)] == [
        0, 0, 0, 1]
    assert world.tidemill("reconcile").returncode == 0
    text = world.tidemill("replay", "--rules", 2, check=True).stdout
    assert "verified -> rejected: intrinsic_gas" in text
    assert "quarantined -> verified" in text and "--execute" in text


def test_a_replay_by_other_rules_goes_on_where_it_was_killed(world):
    world.verifier().ready()
    account = Account("rules killed")
    places = submit(world, 1, [account.sign(gas=20000) for _ in range(4400)])
    wait_at_rest(world)
    done = subprocess.Popen([world.build / "tidemill", "replay", "--rules=2",
                             "--execute", "--rate=500"], env=world.env,
                            stdout=subprocess.DEVNULL)
    try:
        wait_until("it has begun", lambda: world.sql(
            "select 1 from tidemill.replays where next_off > from_off"))
    finally:
        done.kill()
        done.wait()
    assert 0 < len(revisions(world)) < len(places)
    # One by rows is another one, and leaves it alone.
    assert sum(part["missing"] for part in replay(world, "--execute")) == 0
    assert len(revisions(world)) < len(places)
    assert "unfinished" in world.tidemill("replay", "--rules", 2).stdout
    replay(world, "--rules", 2, "--execute")
    assert set(revisions(world)) == {(1, *at, 2) for at in places}
    assert world.sql("select count(*) from tidemill.replays"
                     " where finished_at is null") == [(0,)]


def test_rules_that_no_chain_has_are_refused(well):
    done = well.tidemill("replay", "--rules", 1000)
    assert done.returncode == 64 and "1 to" in done.stderr


# Reconcile for ever.

def audited(*verifiers):
    """(by how many records they differ, the one that looked)."""
    found = [(verifier.metric("tidemill_reconcile_checked_at_seconds"),
              verifier.metric("tidemill_reconcile_difference_records"),
              verifier) for verifier in verifiers]
    at, difference, who = max(found, key=lambda line: line[0])
    assert [line[1] for line in found if line[2] is not who].count(0) == (
        len(found) - 1)
    return difference if at else None, who


def differ_by(count, *verifiers):
    wait_until(f"it says {count}", lambda: audited(*verifiers)[0] == count)
    # And still says so, when every leaf was visited once more.
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert audited(*verifiers)[0] == count
        time.sleep(0.2)


def test_a_verifier_says_when_rows_and_ledger_do_not_agree(world):
    """In live leaves and sealed ones, before and after a replay."""
    settings = {"RECONCILE_MS": 100, "LEAF_ROWS": 100}
    verifiers = [world.verifier(f"verifier-{n}", **settings).ready()
                 for n in (1, 2)]
    for part in range(3):
        send(world, mixed(f"audit {part}", 160))
        wait_at_rest(world)
        wait_until("it flips", lambda: world.sql(
            "select leaf from tidemill.leaves where state = 'live'"
            )[0][0] >= part + 2)
    wait_until("leaves are sealed", lambda: world.sql(
        "select count(*) from tidemill.leaves where state = 'sealed'"
        " and step >= 5")[0][0] >= 2, seconds=120)
    differ_by(0, *verifiers)

    # The one that looks is gone; another one looks.
    who = audited(*verifiers)[1]
    who.kill()
    other, = (verifier for verifier in verifiers if verifier is not who)
    differ_by(0, other)

    # A replay that finds nothing leaves it as exact as it was.
    replay(world, "--execute")
    assert world.sql("select count(*) from tidemill.replays"
                     " where to_off > from_off") == [(0,)]
    lost = lose(world, "off % 10 = 4")
    differ_by(len(lost), other)
    assert other.events("reconcile.differs")[-1]["records"] == str(len(lost))
    replay(world, "--execute")
    differ_by(0, other)
    assert other.events("reconcile.agrees")
    assert world.tidemill("reconcile").returncode == 0

    # And what is lost after a replay is seen as well.
    more = lose(world, "leaf = 1 and off % 10 = 7")
    assert more
    differ_by(len(more), other)
    replay(world, "--execute")
    differ_by(0, other)
    world.sql("delete from tidemill.batches where leaf = 2 and from_off = "
              "(select max(from_off) from tidemill.batches where leaf = 2)")
    wait_until("the hole is seen", lambda: audited(other)[0] > 0)
    assert world.tidemill("reconcile").returncode == 1


# Passing a record.

def aborted(mill, partition, count):
    """Records that nobody reads: their transaction was aborted."""
    producer = Producer({"bootstrap.servers": mill.brokers,
                         "transactional.id": mill.topic_submitted})
    producer.init_transactions(30)
    producer.begin_transaction()
    for _ in range(count):
        producer.produce(mill.topic_submitted, b"aborted", partition=partition)
    producer.flush(30)
    producer.abort_transaction(30)


def test_a_record_behind_a_gap_of_offsets_is_passed(world):
    """The position stands before the gap, the record behind it."""
    verifier = world.verifier().ready()
    send(world, sign("before the gap", 4))
    wait_at_rest(world)
    aborted(world, 1, 3)
    newer, after = submit(world, 60000, sign("gap", 2), partition=1)
    assert newer[1] >= 4
    wait_until("it stops", lambda: stopped(verifier) == {1: "newer_rules"})
    wrong = world.tidemill("log", "pass", "1-1-%d" % after[1])
    assert wrong.returncode == 65 and "1-%d-%d" % newer in wrong.stderr
    assert world.tidemill("log", "pass", "1-1-0").returncode == 65
    name = "1-%d-%d" % newer
    assert "--execute" in world.tidemill("log", "pass", name, check=True).stdout
    world.tidemill("log", "pass", "--execute", name, check=True)
    wait_until("it stands at the next", lambda: world.tidemill(
        "log", "pass", "--execute", "1-1-%d" % after[1]).returncode == 0)
    send(world, sign("behind the gap", 4))
    wait_at_rest(world)
    assert [line["record"] for line in quarantined(world)] == [
        "1-1-%d" % after[1], name]
    assert world.tidemill("reconcile").returncode == 0


# Entries of the run book that no other test tries.

def on_every_insert(mill, table, body):
    """What somebody's trigger does."""
    mill.sql(f"create function tidemill.refuse() returns trigger language"
             f" plpgsql as $$ begin {body} return new; end $$")
    mill.sql(f"create trigger refuse before insert on tidemill.{table}"
             " for each row execute function tidemill.refuse()")


def stopped(verifier):
    return {lane["partition"]: lane["stopped"]
            for lane in verifier.status()["partitions"] if lane["stopped"]}


def test_a_database_that_refuses_everything_stops_the_partition(world):
    """The breaker: not bad data but a bad database."""
    verifier = world.verifier().ready()
    on_every_insert(world, "transactions_1",
                    "raise exception 'a bad trigger' using errcode = '23514';")
    submit(world, 2, sign("breaker", 40), partition=1)
    wait_until("it stops", lambda: stopped(verifier) == {1: "breaker"})
    assert len(quarantined(world)) <= 11
    world.sql("drop trigger refuse on tidemill.transactions_1")
    submit(world, 2, sign("beside", 10), partition=2)
    wait_until("others go on", lambda: rows_of(world, 2) == 10)
    verifier.restart().ready()
    wait_at_rest(world)
    assert not stopped(verifier)
    refused = [line["record"] for line in quarantined(world)]
    if refused:
        retry(world, *refused)
    wait_until("all are there", lambda: world.sql(
        "select count(*) from tidemill.transactions") == [(50,)])
    check(world)


def test_a_full_disk_of_the_database_loses_nothing(world):
    """53100 is an outage: nothing is quarantined, all of it waits."""
    verifier = world.verifier().ready()
    on_every_insert(world, "transactions_1",
                    "raise exception 'no space left' using errcode = '53100';")
    send(world, sign("disk", 40))
    wait_until("it says so", lambda: verifier.metric(
        "tidemill_verifier_outage_total") > 3)
    assert "53100" in verifier.events("ledger.outage")[0]["sqlstate"]
    assert sum(part["behind"] for part in lag(world)[1]) == 40
    assert quarantined(world) == [] and stopped(verifier) == {}
    world.sql("drop trigger refuse on tidemill.transactions_1")
    wait_at_rest(world)
    check(world)


def test_a_leaf_that_is_not_sealed_is_seen(world):
    """Somebody holds a lock; the gauges and the log say so until it goes."""
    verifier = world.verifier(LEAF_ROWS=100).ready()
    with psycopg.connect(world.database_url) as holder:
        holder.execute("lock table tidemill.transactions_1"
                       " in share update exclusive mode")
        send(world, sign("leaf", 120))
        wait_until("it waits", lambda: verifier.metric(
            "tidemill_leaf_unsealed") == 1)
        verifier.wait_for("sealer.failed", leaf="1")
        holder.rollback()
    wait_until("it is sealed", lambda: verifier.metric(
        "tidemill_leaf_unsealed") == 0)
    assert verifier.metric("tidemill_leaf_live") == 2
    assert verifier.metric("tidemill_leaf_rows_limit") == 100
    assert verifier.metric("tidemill_leaf_live_age_seconds") < 60
    send(world, sign("second leaf", 40))
    wait_until("its rows are known", lambda: verifier.metric(
        "tidemill_leaf_live_rows") == 40)
