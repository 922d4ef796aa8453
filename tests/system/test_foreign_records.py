"""What somebody else writes to tx.submitted leaves one row and stops nothing."""

import hashlib
import os
import subprocess

import pytest

from system import Account, check, produce, wait_until

GOOD = "1;eip155:1;2"


@pytest.fixture(scope="module")
def mill(stack):
    """Two verifiers on tables of this file's own."""
    stack.fresh("foreign")
    stack.verifiers = [stack.verifier(f"verifier-{n}").ready() for n in (1, 2)]
    return stack


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file: nothing may stop them."""


@pytest.fixture(scope="module", autouse=True)
def nothing_has_stopped(mill):
    yield
    seen = check(mill)
    print(dict(seen.counts))
    for verifier in mill.verifiers:
        assert verifier.alive()
        assert verifier.metric("tidemill_verifier_partitions_stopped") == 0
        assert verifier.stop() == 0, verifier.tail()
    mill.stop_all()


def row_of(mill, place):
    """(kind, reason, payload_sha256) of the record there."""
    queries = {
        "verified": "select null, null from tidemill.transactions",
        "rejected": "select reason, payload_sha256 from tidemill.rejections",
        "duplicate": "select null, null from tidemill.duplicates",
        "quarantined":
            "select sqlstate, payload_sha256 from tidemill.quarantine",
    }

    def there():
        found = [(kind, *row) for kind, query in queries.items()
                 for row in mill.sql(query + " where partition = %s"
                                     " and off = %s", *place)]
        assert len(found) < 2, found
        return found and found[0]
    return wait_until(f"a row of {place}", there)


TRANSACTION = Account("foreign").sign()
RANDOM = hashlib.shake_256(b"no transaction").digest(300)


@pytest.mark.parametrize("record, kind, reason", [
    pytest.param({"value": b"hello", "headers": [("tm", GOOD)]},
                 "rejected", None, id="text"),
    pytest.param({"value": RANDOM, "headers": [("tm", GOOD)]},
                 "rejected", None, id="random bytes"),
    pytest.param({"value": b"", "headers": [("tm", GOOD)]},
                 "rejected", "empty", id="empty value"),
    pytest.param({"value": None, "headers": [("tm", GOOD)]},
                 "rejected", "empty", id="null value"),
    pytest.param({"value": b"", "key": None, "headers": []},
                 "rejected", "empty", id="nothing at all"),
    pytest.param({"value": b"\x02" * 900_000, "headers": [("tm", GOOD)]},
                 "rejected", "too_large", id="900 kB"),
    pytest.param({"value": RANDOM, "key": os.urandom(3000)},
                 "rejected", None, id="long foreign key"),
    pytest.param({"value": RANDOM,
                  "headers": [(f"h{n}", b"x") for n in range(1000)]},
                 "rejected", None, id="1000 headers"),
    pytest.param({"value": RANDOM, "headers": [("tm", None)]},
                 "rejected", None, id="header without value"),
    pytest.param({"value": RANDOM, "headers": [("tm", b"x" * 5000)]},
                 "rejected", None, id="long header"),
    pytest.param({"value": RANDOM, "headers": [("tm", b"\0\xff;;")]},
                 "rejected", None, id="binary header"),
])
def test_a_broken_record_is_rejected(mill, record, kind, reason):
    place, = produce(mill.brokers, mill.topic_submitted, record)
    row = row_of(mill, place)
    assert row[0] == kind
    assert reason is None or row[1] == reason
    value = record["value"] or b""
    assert row[2] == hashlib.sha256(value).digest()


@pytest.mark.parametrize("header", [
    "1;eip155:1", "1;eip155:1;", "1;eip155:1;0", "1;eip155:1;65536",
    "1;eip155:1;-1", "1;eip155:1; 2", "1;eip155:1;2;", "2;eip155:1;2",
    "1;EIP155:1;2", "1;eip155:01;2", "1;;2", ";;", "",
    "1;eip155:" + "9" * 40 + ";2", "1;nosuch:1;1", "1;cosmos:hub;9",
])
def test_a_malformed_header_means_the_default_chain_and_set(mill, header):
    """Chain eip155:1 by set 1, as `init` wrote down: this one is verified."""
    signed = Account(f"header {header}").sign()
    place, = produce(mill.brokers, mill.topic_submitted,
                     {"value": signed.raw, "headers": [("tm", header)]})
    assert row_of(mill, place)[0] == "verified"


def test_without_a_header_the_default_chain_and_set_judge(mill):
    signed = Account("no header").sign()
    places = produce(mill.brokers, mill.topic_submitted,
                     {"value": signed.raw},
                     {"value": Account("no header 2").sign(type=0).raw})
    assert [row_of(mill, place)[0] for place in places] == ["verified"] * 2


def test_the_last_of_repeated_headers_counts(mill):
    signed = Account("twice").sign(chain_id=10)
    place, = produce(mill.brokers, mill.topic_submitted,
                     {"value": signed.raw,
                      "headers": [("tm", GOOD), ("tm", "1;eip155:10;2")]})
    assert row_of(mill, place)[0] == "verified"
    chain, = mill.sql("select c.name from tidemill.transactions t join"
                      " tidemill.chains c using (chain) where hash = %s",
                      signed.hash)
    assert chain == ("eip155:10",)


def test_a_transaction_of_another_chain_is_rejected_under_set_two(mill):
    signed = Account("other chain").sign(chain_id=5)
    place, = produce(mill.brokers, mill.topic_submitted,
                     {"value": signed.raw, "headers": [("tm", GOOD)]})
    assert row_of(mill, place)[:2] == ("rejected", "wrong_chain")


def test_the_wrong_partition_and_a_false_key_change_nothing(mill):
    """One transaction in four partitions: one row, three duplicates or none.

    Which of them is first depends on who was quicker; that it is one does not.
    """
    signed = Account("four").sign()
    places = produce(mill.brokers, mill.topic_submitted,
                     *[{"value": signed.raw, "headers": [("tm", GOOD)],
                        "partition": n, "key": b"not its key"}
                       for n in range(4)])
    kinds = sorted(row_of(mill, place)[0] for place in places)
    assert kinds == ["duplicate"] * 3 + ["verified"]


@pytest.mark.parametrize("change, reason", [
    ({"high_s": True}, "high_s"), ({"break_r": True}, None)])
def test_a_forged_record_is_rejected(mill, change, reason):
    signed = Account(f"forged {change}").sign(**change)
    place, = produce(mill.brokers, mill.topic_submitted,
                     {"value": signed.raw, "headers": [("tm", GOOD)]})
    row = row_of(mill, place)
    assert row[0] == "rejected"
    assert reason is None or row[1] == reason
    assert mill.sql("select count(*) from tidemill.transactions"
                    " where hash = %s", signed.hash) == [(0,)]


def test_kcat_is_as_good_as_any_producer(mill):
    done = subprocess.run(
        ["kcat", "-P", "-b", mill.brokers, "-t", mill.topic_submitted,
         "-p", "3", "-k", "key", "-H", "tm=nonsense"],
        input=b"by kcat", capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(b"by kcat").digest()
    wait_until("its row", lambda: mill.sql(
        "select reason from tidemill.rejections where payload_sha256 = %s",
        digest))


def test_a_newer_rule_set_stops_that_partition_until_it_is_passed(mill):
    """Three records in partition 1, the middle one of a set we lack."""
    first, newer, last = (Account(f"newer {n}").sign() for n in range(3))
    other = Account("newer, another partition").sign()
    before, stopped, after = produce(
        mill.brokers, mill.topic_submitted,
        *[{"value": tx.raw, "partition": 1, "headers": [("tm", header)]}
          for tx, header in ((first, GOOD), (newer, "1;eip155:1;77"),
                             (last, GOOD))])
    assert row_of(mill, before)[0] == "verified"

    def says():
        for verifier in mill.verifiers:
            for lane in verifier.status()["partitions"]:
                if lane["partition"] == 1:
                    return lane
    lane = wait_until("it says so", lambda: (
        lane := says()) and lane["stopped"] == "newer_rules" and lane)
    assert lane["position"] == stopped[1]
    assert any(v.events("partition.stopped") for v in mill.verifiers)

    # The others go on.
    place, = produce(mill.brokers, mill.topic_submitted,
                     {"value": other.raw, "partition": 2,
                      "headers": [("tm", GOOD)]})
    assert row_of(mill, place)[0] == "verified"
    assert mill.sql("select count(*) from tidemill.transactions"
                    " where hash = %s", last.hash) == [(0,)]

    record = f"1-1-{stopped[1]}"
    preview = mill.tidemill("log", "pass", record, check=True)
    assert "--execute" in preview.stdout
    mill.tidemill("log", "pass", "--execute", record, check=True)
    assert row_of(mill, after)[0] == "verified"
    assert row_of(mill, stopped)[0] == "quarantined"
