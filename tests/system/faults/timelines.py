"""The timelines of the design's review that are not a fault of their own."""

import time

from system import Account, produce, wait_until

from faults.registry import fault, proved

SYSTEM = "tests/system/"


@fault("A8", "records whose sender's clock is 8 days slow, or 2 hours fast",
       "kept and judged like all others, by the broker's clock")
def foreign_clocks(mill):
    account, now = Account(f"A8 {time.time()}"), int(time.time() * 1000)
    signed = [account.sign(), account.sign()]
    produce(mill.stack.brokers, mill.stack.topic_submitted, *[
        {"value": tx.raw, "timestamp": now + ms,
         "headers": [("tm", "1;eip155:1;2")]}
        for tx, ms in zip(signed, (-8 * 86_400_000, 2 * 3_600_000))])
    yield 1
    rows = wait_until("both have rows", lambda: len(found := mill.stack.sql(
        "select accepted_at from tidemill.transactions where hash = any(%s)",
        [tx.hash for tx in signed])) == 2 and found)
    assert all(abs(at - now) < 30_000 for at, in rows), rows

proved("A1", "a stranger's bytes under the same id, just before",
       "the door remembers bytes, never ids: nobody's is suppressed",
       SYSTEM + "test_path.py -k same_bytes_at_once")
proved("A2", "a writer that believes in a sealed leaf; verifiers killed while"
       " leaves are sealed", "one row a transaction, in one leaf",
       SYSTEM + "test_leaves.py")
proved("A2m", "the same in every order of events",
       "no state with two rows for one hash", "model/model leaves")
proved("A3", "first and repeat of one transaction after a lossy failover",
       "one partition for one id: they never change places",
       "model/model failover")
proved("A4", "a replay over live traffic",
       "records keep their one row and one id",
       SYSTEM + "test_operator.py -k replay")
proved("A6", "cursor, ring and marks: runs lost, repeated, late",
       "no silent hole for any subscriber", "model/model screen")
proved("A9", "a topic recreated and grown past the position between two"
       " fetches", "not the log we know: it stops",
       SYSTEM + "test_log.py -k between_two_fetches")
proved("A11", "a record of a rule set that this verifier does not know",
       "its partition stops and says so; no verdict is made up",
       SYSTEM + "test_foreign_records.py -k newer_rule_set")
proved("B4", "the library's queue is longer than our window",
       "our window pauses and resumes, no record is lost or repeated",
       "consumer_test pauses")
