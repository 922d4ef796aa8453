"""The outside checker sees what is wrong: each kind of damage, done by hand.

What it sees when the product itself is wrong: tests/system/sensitivity.
"""

import functools
import json
import os
import signal
from copy import copy
from pathlib import Path

import pytest

from system import checker
from system import Differs, Load, Subscriber, check, produce, wait_until

TABLES = ["transactions_1", "batches_1", "quarantine_1"]


@pytest.fixture(scope="module")
def mill(stack):
    """A small world that is well, and a copy of its rows."""
    stack.fresh("checker").start_all(verifiers=1)
    with Subscriber(stack.gateway_url) as stack.watching:
        with Load(stack, rate=200, name="checker") as load:
            wait_until("some", lambda: load.known >= 60)
            wait_until("rows are seen", lambda: load.witness.written)
        stack.journal = load.journal.path
        seen = check(stack, journals=[stack.journal], alone=True)
        wait_until("all of it is shown", lambda: set(seen.results)
                   <= set(stack.watching.ids()))
    assert {f"I{n}" for n in range(1, 22)} - set(seen.looked) == {
        "I8", "I13", "I14", "I19", "I20"}
    stack.stop_all()
    for table in TABLES:
        stack.sql(f"create table kept_{table} as table tidemill.{table}")
    yield stack


@pytest.fixture
def mended(mill):
    yield
    for table in TABLES:
        mill.sql(f"delete from tidemill.{table}")
        mill.sql(f"insert into tidemill.{table} table kept_{table}")


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """There are none; the servers stay."""


@pytest.fixture
def still(monkeypatch):
    """Topics that do not change are read once."""
    for name in ("read_topic", "log_starts"):
        monkeypatch.setattr(checker, name, _READ[name])
    monkeypatch.setattr(checker, "wait_at_rest", lambda *_: None)


_READ = {name: functools.cache(getattr(checker, name))
         for name in ("read_topic", "log_starts")}


def checked(mill, **more):
    more.setdefault("journals", [mill.journal])
    more.setdefault("subscribers", [mill.watching])
    return check(mill, alone=True, **more)


def broken(mill, words, **more):
    """The invariants that do not hold, one of them in these words."""
    with pytest.raises(Differs, match=words) as raised:
        checked(mill, **more)
    return raised.value.broken


ONE = "ctid = (select ctid from tidemill.transactions_1 limit 1)"
RANGE = "ctid = (select ctid from tidemill.batches_1 limit 1)"


@pytest.mark.parametrize("damage, name, words", [
    (f"delete from tidemill.transactions_1 where {ONE}", "I3", "has no row"),
    (f"update tidemill.transactions_1 set off = off + 100000 where {ONE}",
     "I3", "has no record"),
    (f"update tidemill.transactions_1 set sender = '\\x00' where {ONE}",
     "I6", "sender 00, others say"),
    (f"update tidemill.transactions_1 set sender = '\\x00' where {ONE}",
     "I12", "is not its row"),
    (f"update tidemill.transactions_1 set payload = '\\x02' where {ONE}",
     "I7", "other bytes stored"),
    (f"update tidemill.transactions_1 set chain = 7 where {ONE}",
     "I7", "its chain is eip155:1"),
    (f"update tidemill.transactions_1 set off = off + 1 where {ONE}",
     "I9", "now there is"),
    (f"delete from tidemill.batches_1 where {RANGE}",
     "I5", "rows outside the ledger"),
    (f"update tidemill.batches_1 set verified = verified + 1 where {RANGE}",
     "I5", "ledger"),
    (f"update tidemill.batches_1 set to_off = to_off + 1 where {RANGE}",
     "I10", "range"),
    ("insert into tidemill.quarantine_1 (accepted_at, off, log, partition,"
     " payload_sha256, sqlstate, detail) values (0, 100000, 1, 0, '\\x00',"
     " '57014', '')", "I19", "quarantined for 57014"),
], ids=["gone", "elsewhere", "sender", "told otherwise", "payload", "chain",
        "moved", "range gone", "counts", "overlap", "outage"])
def test_it_sees_a_damaged_row(mill, mended, still, damage, name, words):
    mill.sql(damage)
    assert name in broken(mill, words)


def test_it_sees_a_transaction_with_two_rows(mill, still):
    mill.sql("select tidemill.leaf_create(77)")
    mill.sql("insert into tidemill.transactions_77 (accepted_at, off, chain,"
             " log, partition, hash, sender, recipient, amount, nonce,"
             " signature, payload) select accepted_at, off + 100000, chain,"
             " log, partition, hash, sender, recipient, amount, nonce,"
             " signature, payload from tidemill.transactions_1 limit 1")
    try:
        assert "I4" in broken(mill, ": 2 rows")
    finally:
        mill.sql("delete from tidemill.transactions_77")


@pytest.fixture
def journal(mill, still, tmp_path):
    """A copy to falsify: (path, events, witness events)."""
    path = tmp_path / "journal.jsonl"
    beside = mill.journal.with_suffix(".witness").read_text()
    return (path, lines(mill.journal.read_text()), lines(beside))


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def keep(path, events, seen):
    for file, kept in (path, events), (path.with_suffix(".witness"), seen):
        file.write_text("".join(json.dumps(event) + "\n" for event in kept))


def answers(events):
    return [event for event in events if event.get("status") == 202]


@pytest.mark.parametrize("lie, name, words", [
    ({"offset": 100000}, "I1", "not in the log"),
    ({"status": 422}, "I2", "yet it was refused"),
    ({"status": 503}, "I2", "which make 0"),
], ids=["never stored", "refused", "turned away"])
def test_it_sees_a_promise_that_was_not_kept(mill, journal, lie, name, words):
    path, events, seen = journal
    answer = answers(events)[0]
    if "status" in lie:
        for member in ("hash", "partition", "offset"):
            answer.pop(member)
    answer.update(lie)
    keep(path, events, seen)
    assert name in broken(mill, words, journals=[path])


def test_it_sees_a_record_that_nobody_sent(mill, journal):
    path, events, seen = journal
    n = answers(events)[0]["n"]
    keep(path, [event for event in events if event["n"] != n], seen)
    assert "I2" in broken(mill, "1 records nobody sent", journals=[path])


def position_falls(seen):
    last = next(event for event in reversed(seen) if "positions" in event)
    fallen = [[log, partition, position - 1, announced]
              for log, partition, position, announced in last["positions"]]
    seen.append({"positions": fallen})


def announced_is_ahead(seen):
    last = next(event for event in reversed(seen) if "positions" in event)
    last["positions"][0][3] = last["positions"][0][2] + 1


def row_was_another(seen):
    first = next(event for event in seen if event.get("rows"))
    seen.append({"asked": [row[0] for row in first["rows"]],
                 "rows": [[hash, at, "0"] for hash, at, _ in first["rows"]]})


def is_not_told(seen):
    next(event for event in seen if event.get("row"))["status"] = 404


def is_told_otherwise(seen):
    told = next(event for event in seen if event.get("status") == 200)
    seen.append(dict(told, said="0"))


@pytest.mark.parametrize("lie, name, words", [
    (position_falls, "I11", "position fell"),
    (announced_is_ahead, "I11", "above the position"),
    (row_was_another, "I9", "then"),
    (is_not_told, "I15", "told 404"),
    (is_told_otherwise, "I15", "answered differently"),
])
def test_it_sees_what_a_witness_saw(mill, journal, lie, name, words):
    path, events, seen = journal
    lie(seen)
    keep(path, events, seen)
    assert name in broken(mill, words, journals=[path])


def missed(events, connections):
    del events[9], connections[9]


def twice(events, connections):
    events.append(events[0])
    connections.append(connections[0])


def out_of_order(events, connections):
    events.reverse()


def invented(events, connections):
    events[9] = dict(events[9], amount="7")


@pytest.mark.parametrize("damage, words", [
    (missed, "never got"), (twice, "twice on connection 1"),
    (out_of_order, "out of order"), (invented, "the topic has")])
def test_it_sees_what_a_subscriber_was_not_shown_well(mill, still, damage, words):
    watching = copy(mill.watching)
    watching.events = list(mill.watching.events)
    watching.connections = list(mill.watching.connections)
    damage(watching.events, watching.connections)
    assert broken(mill, words, subscribers=[watching]) == {"I14"}


def test_a_subscriber_that_came_again_may_be_shown_again(mill, still):
    watching = copy(mill.watching)
    watching.events = mill.watching.events + mill.watching.events[-5:]
    watching.connections = mill.watching.connections + [2] * 5
    seen = checked(mill, subscribers=[watching])
    assert seen.counts["received again"] == 5


def test_it_agrees_when_all_is_well_and_sees_a_false_result(mill, capsys):
    seen = checked(mill)
    assert seen.counts["verified"] == len(seen.results)
    said = capsys.readouterr().out
    assert "records {0} = distinct {0} + sent again 0".format(
        len(seen.records)) in said
    assert "DOES NOT HOLD" not in said
    produce(mill.brokers, mill.topic_results,
            {"value": b'{"id":"1-0-999999","type":"verified"}',
             "partition": 0})
    assert broken(mill, "has no row") >= {"I12", "balance"}


def test_it_sees_processes_that_are_not_well(stack, tmp_path):
    """Last, since it has topics and tables of its own."""
    stack.fresh("processes").start_all(verifiers=1)
    with Load(stack, rate=100, name="processes") as load:
        wait_until("some", lambda: load.known >= 20)
    try:
        seen = check(stack, journals=[load.journal.path], alone=True)
        assert seen.looked["I16"] > 0
        with pytest.raises(Differs) as raised:
            check(stack, memory_mib=1)
        assert raised.value.broken == {"I17"}
        told = lines(Path(load.journal.path).read_text())
        more = [dict(event, n=event["n"] + 100) for event in told]
        keep(tmp_path / "more.jsonl", more, [])
        with pytest.raises(Differs, match="clients counted") as raised:
            check(stack, journals=[load.journal.path, tmp_path / "more.jsonl"])
        assert raised.value.broken == {"I16"}
        os.kill(stack.verifiers[0].pid, signal.SIGABRT)
        stack.verifiers[0].wait()
        stack.verifiers[0].start().ready()
        with pytest.raises(Differs, match="verifier-1") as raised:
            check(stack)
        assert raised.value.broken == {"I21"}
        check(stack, crashes=True)
    finally:
        stack.stop_all()
