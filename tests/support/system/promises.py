"""What clients were told, and what became of it: I1, I2, I9, I11, I15, I16.

The journal says what was sent and answered; the witness beside it, what
somebody saw who looked at rows and positions and asked the gateway meanwhile.
"""

import json
import time
from collections import Counter, defaultdict
from pathlib import Path

from system import process
from system.journal import read_journal

LATE_MS = 60_000

KINDS = {200: "from_memory", 202: "accepted", 429: "turned_away",
         503: "turned_away"}


def kind_of(attempt):
    """504, any other 5xx and no answer at all: nobody knows."""
    status = attempt.get("status", 0)
    return KINDS.get(status, "refused" if 400 <= status < 500 else "unknown")


def read_journals(seen, journals):
    for path in journals:
        for n, attempt in read_journal(path).items():
            attempt["n"] = n
            attempt["kind"] = kind_of(attempt)
            attempt["value"] = bytes.fromhex(attempt["raw"][2:])
            seen.attempts.append(attempt)
            seen.counts[f"answered {attempt.get('status', 'cut')}"] += 1


def check_promises(seen, alone):
    """I1 and I2, and the upper half of the balance."""
    by_hash = defaultdict(list)
    for row in seen.rows.values():
        if row["kind"] == "verified":
            by_hash[row["hash"]].append(row)
    for attempt in seen.attempts:
        if attempt["kind"] in ("accepted", "from_memory"):
            _check_accepted(seen, attempt, by_hash)
    _count_records(seen, alone)


def _check_accepted(seen, attempt, by_hash):
    n, at = attempt["n"], (attempt["partition"], attempt["offset"])
    if at[1] < seen.starts.get(at[0], 0):
        return  # it has expired since
    record = seen.records.get(at)
    seen.unless("I1", record is not None and record.value == attempt["value"],
                f"attempt {n}: {attempt['status']} for {at}, not in the log")
    seen.unless("I3", (seen.log, *at) in seen.rows,
                f"attempt {n}: {at} has no row")
    rows = by_hash[bytes.fromhex(attempt["hash"][2:])]
    seen.unless("I4", len(rows) == 1,
                f"attempt {n}: {attempt['hash']} has {len(rows)} rows")
    for row in rows:
        seen.unless("I6", "0x" + row["sender"].hex() == attempt["sender"],
                    f"attempt {n}: signed by {attempt['sender']}, the row "
                    f"says 0x{row['sender'].hex()}")


def _may_have_made(attempt, record):
    """Whether it was under way when the record was appended, or a little
    before: what stands in a socket of a frozen broker is appended later."""
    return (attempt["kind"] in ("accepted", "unknown") and
            attempt["at"] - 100 <= record.append_ms
            <= attempt.get("answered_at", attempt["at"]) + LATE_MS)


def _count_records(seen, alone):
    """Each record is accounted for by an attempt that may have made it."""
    may = defaultdict(Counter)
    places = defaultdict(set)
    attempts, records = defaultdict(list), defaultdict(list)
    for attempt in seen.attempts:
        may[attempt["value"]][attempt["kind"]] += 1
        attempts[attempt["value"]].append(attempt)
        if "offset" in attempt:
            places[attempt["value"]].add(
                (attempt["partition"], attempt["offset"]))
    for record in seen.records.values():
        records[record.value or b""].append(record)
    times = {value: len(found) for value, found in records.items()}
    again = doubled = foreign = 0
    for value, count in times.items():
        if value not in may:
            foreign += count
            again += count - 1
            continue
        most = len(places[value]) + may[value]["unknown"]
        what = f"0x{value[:20].hex()}…: {count} records"
        seen.unless("I2", most > 0 or not may[value]["refused"],
                    f"{what}, yet it was refused")
        # A producer whose acks are late starts a new epoch, and sends what was
        # under way once more, and again: then there are more records than
        # attempts. None is of an attempt that was turned away.
        seen.unless("I2", count <= most or most > 0 and all(
            any(_may_have_made(attempt, record)
                for attempt in attempts[value]) for record in records[value]),
            f"{what} for {dict(may[value])}, which make {most}")
        doubled += max(0, count - max(most, 1))
        again += min(count, max(most, 1)) - 1
    if alone:
        seen.unless("I2", foreign == 0, f"{foreign} records nobody sent")
    seen.counts["sent by others"] = foreign
    kinds = Counter(attempt["kind"] for attempt in seen.attempts)
    if seen.attempts:
        seen.add_up("sent", len(seen.attempts), accepted=kinds["accepted"],
                    from_memory=kinds["from_memory"],
                    unknown=kinds["unknown"],
                    turned_away=kinds["turned_away"],
                    refused=kinds["refused"])
    seen.add_up("records", len(seen.records), distinct=len(times),
                sent_again=again, doubled_by_a_producer=doubled)


def check_door(stack, seen):
    """I16, of a door that has been there since the first attempt."""
    doors = [p for p in stack.programs if p.program == "tidemill-producer"]
    if len(doors) != 1 or not doors[0].alive() or not seen.attempts:
        return
    first = min(attempt["at"] for attempt in seen.attempts)
    if _started_ms(doors[0]) > first:
        return  # what it counted died with the one before
    door = doors[0]
    kinds = Counter(attempt["kind"] for attempt in seen.attempts)
    cut = sum("status" not in attempt for attempt in seen.attempts)
    words = {"accepted": ("accepted",), "from_memory": ("repeated",),
             "turned_away": ("away", "busy"),
             "refused": ("refused", "chain_required", "not_served")}
    for kind, outcomes in words.items():
        said = sum(door.metric("tidemill_door_transactions_total",
                               outcome=outcome) for outcome in outcomes)
        seen.unless("I16", kinds[kind] <= said,
                    f"clients counted {kinds[kind]} {kind}, the door {said}")
        if not seen.counts["sent by others"]:
            seen.unless("I16", said <= kinds[kind] + cut,
                        f"the door counted {said} {kind}, clients "
                        f"{kinds[kind]}, {cut} were cut")
    stored = door.metric("tidemill_outlet_reports_total",
                         client="producer.submitted", outcome="persisted")
    seen.unless("I16", stored <= len(seen.records) or any(
        seen.starts.values()), f"the door had {stored} records persisted, "
        f"the log has {len(seen.records)}")


def _started_ms(program):
    """When it was started, ms since 1970."""
    ticks = process.stat(program.pid)[1]
    up = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100
    return (time.time() - up) * 1000


def check_witness(seen, journal, lossy):
    """I9, I11, I15: what somebody saw while it ran."""
    path = Path(journal).with_suffix(".witness")
    if not path.exists():
        return
    last, rows, told = {}, {}, {}
    for line in path.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            break  # it is writing
        event = json.loads(line)
        if "positions" in event:
            _check_positions(seen, event, last, lossy)
        elif "rows" in event:
            _check_seen_rows(seen, event, rows, lossy)
        else:
            _check_answer(seen, event, told, lossy)
    for hash, (at, digest) in rows.items():
        row = seen.rows.get(tuple(at))
        seen.unless("I9", row is not None and row.get("hash") is not None
                    and row["hash"].hex() == hash,
                    f"0x{hash} had a row at {at}, now there is {row}")


def _check_positions(seen, event, last, lossy):
    for log, partition, *numbers in event["positions"]:
        before = last.get((log, partition), numbers)
        for name, was, now in zip(("position", "announced"), before, numbers):
            seen.unless("I11", lossy or was <= now,
                        f"{log}-{partition}: {name} fell from {was} to {now}")
        last[log, partition] = numbers
        seen.unless("I11", numbers[1] <= numbers[0] or lossy,
                    f"{log}-{partition}: announced {numbers[1]} is above the "
                    f"position {numbers[0]}")


def _check_seen_rows(seen, event, rows, lossy):
    found = {hash: (at, digest) for hash, at, digest in event["rows"]}
    for hash in event["asked"]:
        if hash in rows:
            seen.unless("I9", found.get(hash) == rows[hash]
                        or (lossy and hash not in found),
                        f"0x{hash} was {rows[hash]}, then {found.get(hash)}")
    rows.update(found)


def _check_answer(seen, event, told, lossy):
    """404 is the answer only while no row is there."""
    hash, status = event["get"], event["status"]
    if status == 404:
        seen.unless("I15", lossy or not event["row"],
                    f"0x{hash} has its row, who asks is told 404")
    if status == 200:
        seen.unless("I15", told.setdefault(hash, event["said"])
                    == event["said"], f"0x{hash} was answered differently")
    seen.counts[f"asked {status}"] += 1
