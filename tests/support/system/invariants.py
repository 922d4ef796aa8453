"""What has to be true of log, rows, ledger and results, at rest (seen.py)."""

import hashlib
import json
from collections import Counter, defaultdict

from eth_utils import keccak

from system.verdicts import chain_of, number_of

PASSED = "TM001"  # by the operator, with `tidemill log pass`
SAID = ("verified", "rejected", "duplicate", "quarantined")


def name_chains(seen):
    """By which chain and rules a record was to be judged: row members."""
    for at, row in seen.rows.items():
        record = seen.records.get(at[1:]) if at[0] == seen.log else None
        row["chain_name"], row["rules"] = "", 0
        if record is None or "chain" not in row:
            continue
        chain, rules = chain_of(record, seen.chain, seen.rules)
        if (number_of(chain) != row["chain"]
                and not chain.startswith("eip155:")):
            # A namespace that this release does not know: a foreign header.
            chain, rules = seen.chain, seen.rules
        seen.unless("I7", number_of(chain) == row["chain"],
                    f"{at}: its chain is {chain}, the row's {row['chain']}")
        row["chain_name"], row["rules"] = chain, rules


def check_rows(seen):
    """I3, I7, I19: every record has its one row, which says what it is."""
    for partition, offset in seen.records:
        seen.unless("I3", (seen.log, partition, offset) in seen.rows,
                    f"record {partition}-{offset} has no row")
    for at, row in seen.rows.items():
        if row["kind"] == "quarantined":
            seen.unless("I19", row["sqlstate"] == PASSED
                        or row["sqlstate"][:2] in ("22", "23", "54"),
                        f"{at}: quarantined for {row['sqlstate']}")
        if row["kind"] == "duplicate":
            _check_repeat(seen, at, row)
        if at[0] != seen.log or at[2] < seen.starts.get(at[1], 0):
            continue  # of a topic that is gone, or expired since
        record = seen.records.get(at[1:])
        seen.unless("I3", record is not None, f"row {at} has no record")
        if record is not None:
            _check_bytes(seen, at, row, record.value or b"")


def _check_repeat(seen, at, row):
    first = seen.rows.get((row["of_log"], row["of_partition"], row["of_off"]))
    seen.unless("I4", first is not None and first["kind"] == "verified"
                and first["hash"] == row["hash"],
                f"{at}: duplicate of {first}")


def _check_bytes(seen, at, row, value):
    if row["kind"] == "verified":
        seen.unless("I7", row["payload"] == value, f"{at}: other bytes stored")
        if row["chain_name"].startswith("eip155:"):
            seen.unless("I7", row["hash"] == keccak(value),
                        f"{at}: other hash")
    if row["kind"] in ("rejected", "quarantined"):
        seen.unless("I7", row["payload_sha256"]
                    == hashlib.sha256(value).digest(),
                    f"{at}: other payload_sha256")


def check_twins(seen):
    """I4: no transaction has two rows."""
    times = Counter((row["chain"], row["hash"]) for row in seen.rows.values()
                    if row["kind"] == "verified")
    for (chain, hash), count in times.items():
        seen.unless("I4", count == 1,
                    f"0x{hash.hex()} on {chain}: {count} rows")


def check_results(seen):
    """I12: each row is announced under its id, in its partition, in order."""
    last, text = defaultdict(lambda: (0, -1)), {}
    for a in seen.announcements:
        result = json.loads(a.value)
        log, partition, offset = map(int, result["id"].split("-"))
        seen.unless("I12", partition == a.partition,
                    f"{result['id']} is in partition {a.partition}")
        if result["id"] in text:
            seen.unless("I12", text[result["id"]] == a.value,
                        f"{result['id']} was announced in other words")
            seen.counts["repeats"] += 1
            continue
        text[result["id"]] = a.value
        seen.results[result["id"]] = result
        seen.places[result["id"]] = a.offset
        seen.unless("I12", (log, offset) > last[partition],
                    f"{result['id']} comes after {last[partition]}")
        last[partition] = (log, offset)
        _check_result(seen, (log, partition, offset), result)
    for at in seen.rows:
        seen.unless("I12", "%d-%d-%d" % at in seen.results,
                    f"{at} has no result")


def _check_result(seen, at, result):
    row = seen.rows.get(at)
    if row is None:
        seen.unless("I12", False, f"result {result['id']} has no row")
        return
    said = {"type": row["kind"], "accepted_at": row["accepted_at"]}
    if row["chain_name"]:
        said["chain"] = row["chain_name"]
    if row.get("hash") is not None:
        said["hash"] = "0x" + row["hash"].hex()
    if row["kind"] == "verified" and row["chain_name"].startswith("eip155:"):
        to = row["recipient"]
        said |= {"sender": "0x" + row["sender"].hex(),
                 "amount": str(row["amount"]),
                 "recipient": to and "0x" + to.hex()}
    if row["kind"] == "rejected":
        said["reason"] = row["reason"]
    if row["kind"] in ("rejected", "quarantined"):
        said["payload_sha256"] = "0x" + row["payload_sha256"].hex()
    if row["kind"] == "duplicate":
        said["of"] = "%d-%d-%d" % (row["of_log"], row["of_partition"],
                                   row["of_off"])
    seen.unless("I12", said.items() <= result.items(),
                f"{result['id']}: {result} is not its row: {said}")


def check_ledger(seen):
    """I5, I10: ranges follow each other, and count the rows in them."""
    kinds = defaultdict(dict)
    for (log, partition, offset), row in seen.rows.items():
        kinds[log, partition][offset] = row["kind"]
    ends = {}
    for log, partition, start, end, *numbers in seen.ranges:
        at = log, partition
        seen.unless("I10", start == ends.get(at, start) and start < end,
                    f"{at}: range {start} to {end} after {ends.get(at)}")
        ends[at] = end
        found = Counter(kinds[at].pop(offset) for offset in range(start, end)
                        if offset in kinds[at])
        said = dict(zip(SAID, numbers))
        seen.unless("I5", all(found[kind] == n for kind, n in said.items()),
                    f"{at} {start}-{end}: ledger {said}, rows {dict(found)}")
    for at, left in kinds.items():
        seen.unless("I5", not left,
                    f"{at}: rows outside the ledger {list(left)[:5]}")
    for partition, offset in seen.records:
        seen.unless("I10", offset < ends.get((seen.log, partition), 0),
                    f"record {partition}-{offset} is not below the position")


def check_receipts(seen, subscriber):
    """I14, of one subscriber to everything that may have resumed."""
    got = {(event["id"], event["type"]) for event in subscriber.events}
    for id, result in seen.results.items():
        seen.unless("I14", (id, result["type"]) in got,
                    f"{subscriber} never got {id}")
    last, known, twice = defaultdict(lambda: -1), set(), set()
    for event, connection in zip(subscriber.events, subscriber.connections):
        seen.unless("I14", seen.results.get(event["id"]) == event,
                    f"{subscriber} got {event}, the topic has "
                    f"{seen.results.get(event['id'])}")
        seen.unless("I14", (connection, event["id"]) not in twice,
                    f"{subscriber} got {event['id']} twice on connection "
                    f"{connection}")
        twice.add((connection, event["id"]))
        if event["id"] in known or event["id"] not in seen.places:
            continue
        known.add(event["id"])
        partition = event["id"].split("-")[1]
        place = seen.places[event["id"]]
        seen.unless("I14", place > last[partition],
                    f"{subscriber} got {event['id']} out of order")
        last[partition] = place
    seen.counts["received"] += len(got)
    seen.counts["received again"] += len(subscriber.events) - len(got)
