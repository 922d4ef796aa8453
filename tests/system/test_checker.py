"""The outside checker sees what is wrong: each kind of damage, done by hand."""

import json

import pytest

from system import Load, Subscriber, check, produce, wait_until

TABLES = ["transactions_1", "batches_1"]


@pytest.fixture(scope="module")
def mill(stack):
    """A small world that is well, and a copy of its rows."""
    stack.fresh("checker").start_all(verifiers=1)
    with Subscriber(stack.gateway_url) as stack.watching:
        with Load(stack, rate=200, name="checker") as load:
            wait_until("some", lambda: load.known >= 60)
        stack.journal = load.journal.path
        seen = check(stack)
        wait_until("all of it is shown", lambda: set(seen.results)
                   <= set(stack.watching.ids()))
    stack.stop_all()
    for table in TABLES:
        stack.sql(f"create table kept_{table} as table tidemill.{table}")
    yield stack


@pytest.fixture(autouse=True)
def mended(mill):
    yield
    for table in TABLES:
        mill.sql(f"delete from tidemill.{table}")
        mill.sql(f"insert into tidemill.{table} table kept_{table}")


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """There are none; the servers stay."""


def checked(mill, **more):
    more.setdefault("journals", [mill.journal])
    more.setdefault("subscribers", [mill.watching])
    return check(mill, **more)


ONE = "(select ctid from tidemill.transactions_1 limit 1)"


@pytest.mark.parametrize("damage, words", [
    (f"delete from tidemill.transactions_1 where ctid = {ONE}", "has no row"),
    (f"update tidemill.transactions_1 set off = off + 100000"
     f" where ctid = {ONE}", "has no record"),
    (f"update tidemill.transactions_1 set sender = '\\x00'"
     f" where ctid = {ONE}", "is not its row"),
    (f"update tidemill.transactions_1 set payload = '\\x00'"
     f" where ctid = {ONE}", "other bytes stored"),
    ("delete from tidemill.batches_1 where ctid ="
     " (select ctid from tidemill.batches_1 limit 1)", "rows outside"),
    ("update tidemill.batches_1 set verified = verified + 1 where ctid ="
     " (select ctid from tidemill.batches_1 limit 1)", "ledger"),
], ids=["gone", "elsewhere", "sender", "payload", "range", "counts"])
def test_it_sees_a_damaged_row(mill, damage, words):
    mill.sql(damage)
    with pytest.raises(AssertionError, match=words):
        checked(mill)


def test_it_sees_a_transaction_with_two_rows(mill):
    mill.sql("select tidemill.leaf_create(77)")
    mill.sql("insert into tidemill.transactions_77 (accepted_at, off, chain,"
             " log, partition, hash, sender, recipient, amount, nonce,"
             " signature, payload) select accepted_at, off + 100000, chain,"
             " log, partition, hash, sender, recipient, amount, nonce,"
             " signature, payload from tidemill.transactions_1 limit 1")
    try:
        with pytest.raises(AssertionError, match=": 2 rows"):
            checked(mill)
    finally:
        mill.sql("delete from tidemill.transactions_77")


def test_it_sees_a_202_that_nobody_stored(mill, tmp_path):
    lines = mill.journal.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    event = next(e for e in events if e.get("status") == 202)
    event["offset"] += 100000
    false = tmp_path / "journal.jsonl"
    false.write_text("\n".join(map(json.dumps, events)))
    with pytest.raises(AssertionError, match="not in the log"):
        checked(mill, journals=[false])


def test_it_sees_a_subscriber_who_missed_an_event(mill):
    events = mill.watching.events
    missed = events.pop(len(events) // 2)
    try:
        with pytest.raises(AssertionError, match="never got"):
            checked(mill)
    finally:
        events.append(missed)


def test_it_agrees_when_all_is_well_and_sees_a_false_result(mill):
    seen = checked(mill)
    assert seen.counts["verified"] == len(seen.results)
    produce(mill.brokers, mill.topic_results,
            {"value": b'{"id":"1-0-999999","type":"verified"}',
             "partition": 0})
    with pytest.raises(AssertionError, match="has no row"):
        checked(mill)
