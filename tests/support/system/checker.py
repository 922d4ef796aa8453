"""The outside checker: log, rows, results and receipts, read by other software.

It shares no code with the programs: Kafka is read with confluent-kafka, the
tables with psycopg, hashes come from eth_utils, senders from the journal of
whoever signed and from two other implementations of the curve (verdicts.py).
`check()` gathers every difference, by invariant (seen.py says which there are),
prints the balance and raises all that is wrong together.
"""

import json
import re
import signal
from pathlib import Path

import psycopg

from system import invariants, process, promises
from system.seen import Differs, Seen
from system.topic import log_starts, read_topic
from system.verdicts import check_verdicts
from system.wait import wait_until

KINDS = {
    "verified": "select log, partition, off, hash, sender, recipient, amount,"
                " payload, chain, signature, accepted_at"
                " from tidemill.transactions",
    "rejected": "select log, partition, off, hash, reason, payload_sha256,"
                " payload, chain, accepted_at from tidemill.rejections",
    "duplicate": "select log, partition, off, hash, of_log, of_partition,"
                 " of_off, chain, accepted_at from tidemill.duplicates",
    "quarantined": "select log, partition, off, payload_sha256, payload,"
                   " sqlstate, accepted_at from tidemill.quarantine",
}
RANGES = ("select log, partition, from_off, to_off, verified, rejected,"
          " duplicates, quarantined from tidemill.batches"
          " order by log, partition, from_off")

DESCRIPTORS_MAX = 512
# What a process says before it dies of its own fault, ours or a sanitizer's.
LAST_WORDS = re.compile(
    r"check\.failed .*|ERROR: (Address|Leak|Memory)Sanitizer.*"
    r"|WARNING: ThreadSanitizer.*|.*runtime error: .*")
CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE,
           signal.SIGILL, signal.SIGTRAP}


def wait_at_rest(stack, seconds=60):
    """Until nothing waits to be judged or announced."""
    def at_rest():
        done = stack.tidemill("lag", "--json", check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return all(line["behind"] == 0 and line["unannounced"] == 0
                   for line in lines) or None
    wait_until("no record waits", at_rest, seconds, every=0.2)


def check(stack, journals=(), subscribers=(), log=1, wait=60, alone=False,
          lossy=False, crashes=False, memory_mib=512):
    """At rest: all of it agrees. Returns what was seen, for more questions.

    `alone`: the journals are of all who sent anything. `lossy`: a failover that
    lost commits was part of it, so rows and positions may have gone and come
    back, as they were. `crashes`: processes were made to fail. Prints the
    balance and a line for each invariant; raises Differs.
    """
    seen = Seen(log=log)
    try:
        wait_at_rest(stack, wait)
    except TimeoutError as error:
        # What is there is looked at all the same.
        seen.unless("I18", False, str(error))
    seen.unless("I18", True, "")
    _read(stack, seen)
    promises.read_journals(seen, journals)
    invariants.name_chains(seen)
    invariants.check_rows(seen)
    invariants.check_twins(seen)
    check_verdicts(seen)
    invariants.check_results(seen)
    invariants.check_ledger(seen)
    promises.check_promises(seen, alone)
    promises.check_door(stack, seen)
    for path in journals:
        promises.check_witness(seen, path, lossy)
    for subscriber in subscribers:
        invariants.check_receipts(seen, subscriber)
    _check_processes(stack, seen, crashes, memory_mib)
    _check_reconcile(stack, seen)
    _balance(seen)
    print(seen.report())
    if seen.wrong:
        raise Differs(seen)
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
                seen.unless("I3", at not in seen.rows,
                            f"{at} has two rows: {row} {seen.rows.get(at)}")
                seen.rows[at] = row
                seen.counts[kind] += 1
        seen.ranges = connection.execute(RANGES).fetchall()
        seen.chain, seen.rules = connection.execute(
            "select chain, rules from tidemill.logs where log = %s",
            [seen.log]).fetchone()
    seen.counts["records"] = len(seen.records)
    seen.counts["announcements"] = len(seen.announcements)


def _check_processes(stack, seen, crashes, memory_mib):
    """I17 and I21, of the programs that the test runs, or has ended."""
    for program in stack.programs:
        spoken = LAST_WORDS.search(program.all_text())
        ended = {number for number in program.ends if number is not None
                 and -number in CRASHES}
        expected = crashes or program.tampered
        seen.unless("I21", expected or not (spoken or ended),
                    f"{program.name}: {spoken and spoken[0]} {ended or ''}")
        if not program.alive():
            continue
        seen.unless("I21", process.stat(program.pid)[0] != "Z",
                    f"{program.name} is a zombie")
        count = len(list(Path(f"/proc/{program.pid}/fd").iterdir()))
        seen.unless("I21", count <= DESCRIPTORS_MAX,
                    f"{program.name} has {count} descriptors")
        most = process.most_resident_bytes(program.pid) >> 20
        seen.unless("I17", most <= memory_mib,
                    f"{program.name} had {most} MiB, the cap is {memory_mib}")
        seen.counts["most MiB"] = max(seen.counts["most MiB"], most)


def _check_reconcile(stack, seen):
    done = stack.tidemill("reconcile")
    seen.unless("reconcile", done.returncode == 0, done.stdout + done.stderr)


def _balance(seen):
    """The lower half; promises.py has the upper."""
    n = seen.counts
    here = sum(at[0] == seen.log and at[1:] in seen.records
               for at in seen.rows)
    seen.add_up("rows", len(seen.rows), of_records=len(seen.records),
                expired_or_of_other_logs=len(seen.rows) - here)
    seen.add_up("rows", len(seen.rows), verified=n["verified"],
                rejected=n["rejected"], duplicates=n["duplicate"],
                quarantined=n["quarantined"])
    seen.add_up("results", len(seen.results), rows=len(seen.rows))
    seen.add_up("announcements", len(seen.announcements),
                results=len(seen.results), repeats=n["repeats"])
    more = [f"{name} {n[name]}" for name in (
        "sent by others", "judged by others", "judged by a curve in Python",
        "received", "received again", "most MiB") if n[name]]
    seen.balance.append(", ".join(more))
