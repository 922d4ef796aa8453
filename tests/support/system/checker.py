"""The outside checker: log, rows, results and receipts, read by other software.

It shares no code with the programs: Kafka is read with confluent-kafka, the
tables with psycopg, hashes come from eth_utils, senders from the journal of
whoever signed. `check()` gathers every difference and raises them together.
"""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import psycopg
from eth_utils import keccak

from system.journal import read_journal
from system.topic import log_starts, read_topic
from system.wait import wait_until


KINDS = {
    "verified": "select log, partition, off, hash, sender, recipient, amount,"
                " payload, chain, signature from tidemill.transactions",
    "rejected": "select log, partition, off, hash, reason, payload_sha256,"
                " payload, chain from tidemill.rejections",
    "duplicate": "select log, partition, off, hash, of_log, of_partition,"
                 " of_off from tidemill.duplicates",
    "quarantined": "select log, partition, off, payload_sha256, payload,"
                   " sqlstate from tidemill.quarantine",
}
COUNTED = {"verified": "verified", "rejected": "rejected",
           "duplicate": "duplicates", "quarantined": "quarantined"}


@dataclass
class Seen:
    """What the three witnesses hold, and what differs between them."""

    records: dict = field(default_factory=dict)   # (partition, offset)
    starts: dict = field(default_factory=dict)    # partition -> offset
    rows: dict = field(default_factory=dict)      # (log, partition, offset)
    results: dict = field(default_factory=dict)   # id -> JSON object
    announcements: list = field(default_factory=list)
    ranges: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def unless(self, true, words):
        if not true:
            self.wrong.append(words)


def wait_at_rest(stack, seconds=60):
    """Until nothing waits to be judged or announced."""
    def at_rest():
        done = stack.tidemill("lag", "--json", check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return all(line["behind"] == 0 and line["unannounced"] == 0
                   for line in lines) or None
    wait_until("no record waits", at_rest, seconds, every=0.2)


def check(stack, journals=(), subscribers=(), log=1, wait=60):
    """At rest: all of it agrees. Returns what was seen, for more questions."""
    wait_at_rest(stack, wait)
    seen = Seen()
    _read(stack, seen)
    _check_rows(seen, log)
    _check_twins(seen)
    _check_results(seen)
    _check_ledger(seen)
    for path in journals:
        _check_journal(seen, path, log)
    for subscriber in subscribers:
        _check_receipts(seen, subscriber)
    assert not seen.wrong, f"{len(seen.wrong)} differences:\n" + \
        "\n".join(seen.wrong[:20])
    done = stack.tidemill("reconcile")
    assert done.returncode == 0, done.stdout + done.stderr
    return seen


def _read(stack, seen):
    seen.starts = log_starts(stack.brokers, stack.topic_submitted)
    for r in read_topic(stack.brokers, stack.topic_submitted):
        seen.records[r.at] = r
    seen.announcements = read_topic(stack.brokers, stack.topic_results)
    with psycopg.connect(stack.database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for kind, query in KINDS.items():
            cursor = connection.execute(query)
            names = [column.name for column in cursor.description]
            for values in cursor:
                row = dict(zip(names, values), kind=kind)
                at = row["log"], row["partition"], row["off"]
                seen.unless(at not in seen.rows,
                            f"{at} has two rows: {row} {seen.rows.get(at)}")
                seen.rows[at] = row
                seen.counts[kind] += 1
        seen.ranges = connection.execute(
            "select log, partition, from_off, to_off, verified, rejected,"
            " duplicates, quarantined from tidemill.batches"
            " order by log, partition, from_off").fetchall()
    seen.counts["records"] = len(seen.records)
    seen.counts["announcements"] = len(seen.announcements)


def _check_rows(seen, log):
    """Every record has its one row, and the row says what the record is."""
    for partition, offset in seen.records:
        seen.unless((log, partition, offset) in seen.rows,
                    f"record {partition}-{offset} has no row")
    for at, row in seen.rows.items():
        if at[0] != log or at[2] < seen.starts[at[1]]:
            continue  # of a topic that is gone, or expired since
        record = seen.records.get(at[1:])
        if record is None:
            seen.wrong.append(f"row {at} has no record")
            continue
        value = record.value or b""
        if row["kind"] == "verified":
            seen.unless(row["payload"] == value, f"{at}: other bytes stored")
            seen.unless(row["hash"] == keccak(value), f"{at}: other hash")
        if row["kind"] in ("rejected", "quarantined"):
            seen.unless(row["payload_sha256"]
                        == hashlib.sha256(value).digest(),
                        f"{at}: other payload_sha256")
        if row["kind"] == "duplicate":
            first = seen.rows.get((row["of_log"], row["of_partition"],
                                   row["of_off"]))
            seen.unless(first is not None and first["kind"] == "verified"
                        and first["hash"] == row["hash"],
                        f"{at}: duplicate of {first}")


def _check_twins(seen):
    times = Counter((row["chain"], row["hash"]) for row in seen.rows.values()
                    if row["kind"] == "verified")
    for (chain, hash), count in times.items():
        seen.unless(count == 1, f"0x{hash.hex()} on {chain}: {count} rows")


def _check_results(seen):
    """Each row is announced under its id, in its partition, in order."""
    last, text = defaultdict(lambda: (0, -1)), {}
    for a in seen.announcements:
        result = json.loads(a.value)
        log, partition, offset = map(int, result["id"].split("-"))
        seen.unless(partition == a.partition,
                    f"{result['id']} is in partition {a.partition}")
        if result["id"] in text:
            seen.unless(text[result["id"]] == a.value,
                        f"{result['id']} was announced in other words")
            seen.counts["repeats"] += 1
            continue
        text[result["id"]] = a.value
        seen.results[result["id"]] = result
        seen.unless((log, offset) > last[partition],
                    f"{result['id']} comes after {last[partition]}")
        last[partition] = (log, offset)
        _check_result(seen, (log, partition, offset), result)
    for at in seen.rows:
        seen.unless("%d-%d-%d" % at in seen.results, f"{at} has no result")


def _check_result(seen, at, result):
    row = seen.rows.get(at)
    if row is None:
        seen.wrong.append(f"result {result['id']} has no row")
        return
    seen.unless(result["type"] == row["kind"],
                f"{result['id']} says {result['type']}, row {row['kind']}")
    if row.get("hash") is not None:
        seen.unless(result["hash"] == "0x" + row["hash"].hex(),
                    f"{result['id']}: hash {result['hash']}")
    if row["kind"] == "verified":
        to = row["recipient"]
        seen.unless(result["sender"] == "0x" + row["sender"].hex()
                    and result["amount"] == str(row["amount"])
                    and result["recipient"] == (to and "0x" + to.hex()),
                    f"{result['id']}: {result} is not its row")
    if row["kind"] == "rejected":
        seen.unless(result["reason"] == row["reason"]
                    and result["payload_sha256"]
                    == "0x" + row["payload_sha256"].hex(),
                    f"{result['id']}: {result} is not its row")
    if row["kind"] == "duplicate":
        of = "%d-%d-%d" % (row["of_log"], row["of_partition"], row["of_off"])
        seen.unless(result["of"] == of, f"{result['id']}: of {result['of']}")


def _check_ledger(seen):
    """Ranges follow each other, and count the rows that lie in them."""
    counts = defaultdict(Counter)
    for (log, partition, offset), row in seen.rows.items():
        counts[log, partition][offset] = row["kind"]
    ends = {}
    for log, partition, start, end, *numbers in seen.ranges:
        at = log, partition
        if at in ends:
            seen.unless(start == ends[at],
                        f"{at}: range from {start} after {ends[at]}")
        seen.unless(start < end, f"{at}: range {start} to {end}")
        ends[at] = end
        kinds = Counter(counts[at].pop(offset) for offset in range(start, end)
                        if offset in counts[at])
        said = dict(zip(("verified", "rejected", "duplicate", "quarantined"),
                        numbers))
        seen.unless(all(kinds[kind] == count for kind, count in said.items()),
                    f"{at} {start}-{end}: ledger {said}, rows {dict(kinds)}")
    for at, left in counts.items():
        seen.unless(not left, f"{at}: rows outside the ledger {list(left)[:5]}")


def _check_journal(seen, path, log):
    """What the door promised is in the log, and says who signed it."""
    by_hash = defaultdict(list)
    for row in seen.rows.values():
        if row["kind"] == "verified":
            by_hash[row["hash"]].append(row)
    in_log = {record.value for record in seen.records.values()}
    for n, attempt in read_journal(path).items():
        status = attempt.get("status", "cut")
        seen.counts[f"answered {status}"] += 1
        raw = bytes.fromhex(attempt["raw"][2:])
        if status in (200, 202):
            _check_accepted(seen, n, attempt, raw, by_hash, log)
        elif status == 422:
            seen.unless(raw not in in_log, f"attempt {n}: refused, yet stored")


def _check_accepted(seen, n, attempt, raw, by_hash, log):
    at = attempt["partition"], attempt["offset"]
    record = seen.records.get(at)
    seen.unless(record is not None and record.value == raw,
                f"attempt {n}: {attempt['status']} for {at}, not in the log")
    seen.unless((log, *at) in seen.rows, f"attempt {n}: {at} has no row")
    rows = by_hash[bytes.fromhex(attempt["hash"][2:])]
    seen.unless(len(rows) == 1 and "0x" + rows[0]["sender"].hex()
                == attempt["sender"],
                f"attempt {n}: {attempt['hash']} of {attempt['sender']} has "
                f"{len(rows)} rows: {rows[:1]}")


def _check_receipts(seen, subscriber):
    """A subscriber of everything that resumed has every event, once or more."""
    got = {(event["id"], event["type"]) for event in subscriber.events}
    for id, result in seen.results.items():
        seen.unless((id, result["type"]) in got,
                    f"{subscriber} never got {id}")
    for event in subscriber.events:
        seen.unless(seen.results.get(event["id"]) == event,
                    f"{subscriber} got {event}, the topic has "
                    f"{seen.results.get(event['id'])}")
    seen.counts["received"] += len(got)
