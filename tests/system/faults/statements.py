"""Faults that PostgreSQL answers with: locks, refused statements, full disks.

What refuses a statement at will is a trigger on the tables that a batch writes.
"""

import errno
import json
import os
import shutil
import signal
import subprocess
import time

from eth_utils import keccak

from system import Account, check, produce, wait_at_rest, wait_until

from faults.mill import Skip
from faults.postgres import HEADERS, primary
from faults.registry import fault, proved


def database(mill):
    """The name of the one that the programs use now."""
    return mill.stack.env["DATABASE_URL"].rsplit("/", 1)[1].partition("?")[0]


def outages(mill, *sqlstates):
    """How often verifiers said that the database refused, by SQLSTATE."""
    return sum(event.get("sqlstate") in sqlstates
               for verifier in mill.verifiers
               for event in verifier.events("ledger.outage"))


# Locks.

@fault("F36", "an operator holds an exclusive lock on the ledger for 12 s",
       "a batch waits 4 s at most, says so (55P03) and is tried again; the"
       " operator is not ended",
       touches="postgres", needs="standby")
def long_lock(mill):
    before = outages(mill, "55P03")
    with primary(mill).connect(database(mill)) as operator:
        mill.later(operator.close)
        with operator.transaction():
            operator.execute("lock table tidemill.batches"
                             " in access exclusive mode")
            yield 12
            assert operator.execute("select 1").fetchone() == (1,)
            said = outages(mill, "55P03") - before
    mill.note(f"55P03 said {said} times")
    assert said >= 2, said
    begin = time.monotonic()
    mill.writes(20, seconds=15)
    mill.note(f"rows {time.monotonic() - begin:.1f} s after it let go")


@fault("F37", "a deadlock between a batch and an operator, five times",
       "40P01 is an outage: the same batch again, nothing rejected",
       touches="postgres", needs="standby")
def deadlocks(mill):
    """
    operator  LOCK batches_N                     granted
    batch     INSERT transactions_N              granted
    batch     INSERT batches_N                   waits, and looks after 1 s
    operator  LOCK transactions_N                waits: a circle
    server    ends the batch that looks first    40P01
    """
    before = outages(mill, "40P01")
    with primary(mill).connect(database(mill)) as operator, \
            primary(mill).connect(database(mill)) as look:
        mill.later(operator.close)
        operator.execute("set deadlock_timeout = '10s'")
        deadline = time.monotonic() + 60
        while outages(mill, "40P01") < before + 5:
            assert time.monotonic() < deadline, outages(mill, "40P01") - before
            leaf, = look.execute("select leaf from tidemill.leaves"
                                 " where state = 'live'").fetchone()
            with operator.transaction():
                operator.execute(f"lock table tidemill.batches_{leaf}"
                                 " in share row exclusive mode")
                wait_until("a batch waits", lambda: look.execute(
                    "select 1 from pg_locks where not granted and relation ="
                    f" 'tidemill.batches_{leaf}'::regclass").fetchall(), 10,
                    every=0)
                operator.execute(f"lock table tidemill.transactions_{leaf}"
                                 " in access exclusive mode")
            yield 0.5


@fault("B3", "a snapshot is held for 40 s, as a dump does",
       "rows go on at the rate of the load: nothing hot is updated in place",
       touches="postgres", needs="standby", dice=True)
def held_snapshot(mill):
    with primary(mill).connect(database(mill)) as dump:
        mill.later(dump.close)
        dump.execute("begin isolation level repeatable read")
        dump.execute("select count(*) from tidemill.transactions")
        before, begin = mill.written(), time.monotonic()
        yield 40
        rate = (mill.written() - before) / (time.monotonic() - begin)
        mill.note(f"{rate:.0f} rows/s at {mill.rate}/s")
        dump.execute("rollback")


# Errors.

REFUSE = """
create or replace function public.refuse() returns trigger language plpgsql as $$
begin
    {body}
    return new;
end $$;
create trigger refuse before insert on tidemill.{table}
    for each row execute function public.refuse();
"""
AT_COMMIT = """
create or replace function public.refuse_commit() returns trigger
    language plpgsql as $$
begin
    if random() < 0.3 then
        raise exception 'not now' using errcode = '40001';
    end if;
    return null;
end $$;
create constraint trigger refuse_commit after insert on tidemill.batches
    deferrable initially deferred
    for each row execute function public.refuse_commit();
"""


def on_primary(mill, text):
    """Again and again for a minute: a busy table is not locked at once."""
    def done():
        with primary(mill).connect(database(mill)) as connection:
            connection.execute("set lock_timeout = '1s'")
            connection.execute(text)
        return True
    wait_until(text[:60], done, 60, every=0.1)


def refuse(mill, body, table="transactions"):
    mill.later(refuse_no_more, mill, table)
    on_primary(mill, REFUSE.format(body=body, table=table))


def refuse_no_more(mill, table="transactions"):
    """At once by the function, which needs no lock; then the trigger goes."""
    on_primary(mill, "create or replace function public.refuse() returns"
               " trigger language plpgsql as $$ begin return new; end $$")
    on_primary(mill, f"drop trigger if exists refuse on tidemill.{table}")


def refuse_commits_no_more(mill):
    on_primary(mill, "create or replace function public.refuse_commit()"
               " returns trigger language plpgsql as"
               " $$ begin return null; end $$")
    on_primary(mill, "drop trigger if exists refuse_commit"
               " on tidemill.batches")


SPRINKLE = """
    if random() < 0.01 then
        raise exception 'sprinkled' using errcode =
            (array['40001', '57014', 'XX000', '53200', '58030'])
            [1 + floor(random() * 5)::int];
    end if;
"""


@fault("F38", "errors by chance: 40001, 57014, XX000, 53200, 58030 in rows,"
       " 40001 at COMMIT, statements cancelled, connections ended, for 20 s",
       "the same batch again until it is stored; nothing rejected",
       touches="postgres", needs="standby", short=True)
def sprinkled(mill):
    refuse(mill, SPRINKLE)
    mill.later(refuse_commits_no_more, mill)
    on_primary(mill, AT_COMMIT)
    states = "40001", "57014", "XX000", "53200", "58030"
    before = {state: outages(mill, state) for state in states}
    ended = 0
    for _ in range(40):
        yield 0.5
        ended += primary(mill).one(
            "select count(*) from (select case when random() < 0.5"
            " then pg_cancel_backend(pid) else pg_terminate_backend(pid) end"
            " from pg_stat_activity where application_name"
            " like 'tidemill-verifier/%' and random() < 0.2) ended")
    seen = {state: outages(mill, state) - before[state] for state in states}
    mill.note(f"refused {seen}, {ended} cancelled or ended")
    assert all(seen.values()), seen


def by_hash(condition):
    return (f"if {condition} then raise exception 'poison'"
            " using errcode = '22P05'; end if;")


@fault("F39", "one record of a batch of 500 is one that the database refuses",
       "that one is quarantined, the others are stored",
       needs="standby", own=True, rejects=True)
def one_poisoned(mill):
    account = Account("poison")
    made = [account.sign() for _ in range(500)]
    bad = made[237]
    with mill.world("f39", load=False):
        stack = mill.stack
        refuse(mill, by_hash(f"new.hash = '\\x{bad.hash.hex()}'"))
        for verifier in mill.verifiers:
            verifier.stop()
        places = produce(stack.brokers, stack.topic_submitted, *[
            {"value": tx.raw, "partition": 1, "headers": HEADERS}
            for tx in made])
        begin = time.monotonic()
        for verifier in mill.verifiers:
            verifier.start()
        wait_until("all have a row", lambda: mill.written() == 500)
        mill.note(f"written {time.monotonic() - begin:.1f} s after the start")
        assert stack.sql("select partition, off, sqlstate"
                         " from tidemill.quarantine") == [
            (1, places[237][1], "22P05")]
        seen = check(stack, subscribers=mill.watching)
        assert seen.counts["verified"] == 499
        refuse_no_more(mill)


@fault("F40", "every tenth record is one that the database refuses, for 75 s",
       "10 a minute and partition are quarantined, then it stops for a minute,"
       " because that is a fault of the database; mended, all the rest is"
       " stored",
       needs="standby", own=True, rejects=True)
def many_poisoned(mill):
    with mill.world("f40"):
        stack, before = mill.stack, mill.written()
        refuse(mill, by_hash("get_byte(new.hash, 31) < 26"))
        begin = time.monotonic()
        time.sleep(75)
        during = mill.written() - before
        stopped = sum(p["state"] == "stopped" for v in mill.verifiers
                      for p in v.status()["partitions"])
        waits = mill.waiting()
        mill.note(f"{during / (time.monotonic() - begin):.0f} rows/s of"
                  f" {mill.rate}/s while it lasts; {stopped} of 4 partitions"
                  f" stopped, {waits} records wait")
        assert mill.load.known > 70 * mill.rate, "the door goes on"
        refuse_no_more(mill)
        begin = time.monotonic()
        mill.healed(90)
        mill.note(f"healed {time.monotonic() - begin:.0f} s after it was"
                  " mended")
        with mill.rest():
            mill.shown()
            seen = check(stack, subscribers=mill.watching)
            quarantined_first(mill, seen)
        poisoned = [row for row in seen.rows.values()
                    if row["kind"] == "quarantined"]
        mill.note(f"{len(poisoned)} quarantined of {seen.counts['records']},"
                  " and sent again")
        assert all(keccak(row["payload"])[31] < 26 for row in poisoned)
        assert len(poisoned) <= 4 * 10 * 2, len(poisoned)


def quarantined_first(mill, seen):
    """What was accepted has one row; what has it in quarantine is sent again,
    as an operator does it, and is verified then."""
    rows = {(partition, off): row for (_, partition, off), row
            in seen.rows.items()}
    accepted = mill.accepted(0)
    assert all(rows[at]["kind"] in ("verified", "quarantined", "duplicate")
               for at in accepted.values())
    stack = mill.stack
    listed = stack.tidemill("quarantine", "list", "--json", check=True).stdout
    records = [json.loads(line)["record"] for line in listed.splitlines()]
    assert len(records) == seen.counts["quarantined"]
    if records:
        stack.tidemill("quarantine", "retry", "--execute", *records,
                       check=True)
    wait_at_rest(stack)
    missing = mill.without_row(accepted)
    assert not missing, missing[:3]


@fault("A12", "errors that judge no record: a table renamed (42P01), a"
       " database made read-only (25006), a constraint that nothing meets"
       " (23514)",
       "it waits and says so; nothing is quarantined, for a database that"
       " refuses everything has not shown that it would store anything",
       needs="standby", own=True, rejects=True)
def unlisted_errors(mill):
    with mill.world("a12", LEAF_ROWS=1_000_000):
        stack, name = mill.stack, database(mill)
        on_primary(mill, "alter table tidemill.batches_1 rename to away")
        mill.later(on_primary, mill,
                   "alter table if exists tidemill.away rename to batches_1")
        time.sleep(6)
        on_primary(mill, "alter table tidemill.away rename to batches_1")
        assert outages(mill, "42P01") > 0
        mill.writes(50, 20)

        admin = primary(mill)
        admin.ask(f'alter database "{name}" set'
                  " default_transaction_read_only = on")
        mill.later(admin.ask, f'alter database "{name}" reset'
                   " default_transaction_read_only")
        admin.ask("select pg_terminate_backend(pid) from pg_stat_activity"
                  " where application_name like 'tidemill-verifier/%%'")
        time.sleep(6)
        admin.ask(f'alter database "{name}" reset'
                  " default_transaction_read_only")
        mill.writes(50, 20)
        assert stack.sql("select count(*) from tidemill.quarantine") == [(0,)]

        on_primary(mill, "alter table tidemill.transactions add constraint"
                   " wrong check (amount < 0) not valid")
        mill.later(on_primary, mill, "alter table tidemill.transactions"
                   " drop constraint if exists wrong")
        time.sleep(20)
        stopped = sum(p["state"] == "stopped" for v in mill.verifiers
                      for p in v.status()["partitions"])
        on_primary(mill, "alter table tidemill.transactions"
                   " drop constraint wrong")
        begin = time.monotonic()
        mill.healed(90)
        count, = stack.sql("select count(*) from tidemill.quarantine")[0]
        mill.note(f"by the constraint {stopped} of 4 partitions stopped and"
                  f" {count} records quarantined; healed"
                  f" {time.monotonic() - begin:.0f} s after it was dropped")
        assert count == 0, count
        with mill.rest():
            mill.shown()
            quarantined_first(mill, check(stack, subscribers=mill.watching))


# Disks and leaves.

@fault("F31", "the disk of the tables is full for 20 s",
       "53100 is an outage: nothing rejected, it goes on when there is room",
       needs="standby", own=True)
def disk_full(mill):
    """A database on a file system of 160 MB of its own; the WAL is elsewhere."""
    pair, stack = mill.standby, mill.stack
    place = stack.folder / "small"
    mount(mill, place)
    # A standby of this machine would make its tables in the same folder.
    pair.standby._end(signal.SIGQUIT)
    mill.later(pair.rebuild)
    primary(mill).ask(f"create tablespace small location '{place / 'data'}'")
    stack.fresh("f31")
    name = database(mill)
    mill.later(remove_space, mill, name)
    primary(mill).ask(f'alter database "{name}" set tablespace small')
    with mill.world("f31", fresh=False):
        ballast = place / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError as full:
                assert full.errno == errno.ENOSPC
        wait_until("the database says so", lambda: outages(mill, "53100"), 60)
        known = mill.load.known
        time.sleep(20)
        assert mill.load.known - known > 10 * mill.rate, "the door goes on"
        waits = mill.waiting()
        ballast.unlink()
        took = mill.healed()
        mill.note(f"{outages(mill, '53100')} times 53100, {waits} records"
                  f" waited; healed {took:.1f} s after there was room")
        seen = mill.audit()
        assert seen.counts["rejected"] == seen.counts["quarantined"] == 0


def mount(mill, place):
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs",
                           str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"no file system of its own: {done.stderr.strip()}")
    mill.later(subprocess.run, ["umount", "-l", str(place)])
    data = place / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(data, "postgres", "postgres")


def remove_space(mill, name):
    primary(mill).ask(f'drop database "{name}" with (force)')
    primary(mill).ask("drop tablespace small")


@fault("B6", "leaves are dropped under load while a reader holds them for 8 s:"
       " DETACH ends half done",
       "rows go on meanwhile; the drop is finished afterwards; the numbers of"
       " what was dropped stay",
       needs="standby", own=True)
def leaf_dropped(mill):
    with mill.world("b6", LEAF_ROWS=300, KEEP_DAYS=1):
        stack = mill.stack
        wait_until("three leaves are sealed", lambda: stack.sql(
            "select count(*) >= 3 from tidemill.leaves where state = 'sealed'"
            " and step = 5") == [(True,)], 90)
        with primary(mill).connect(database(mill)) as reader:
            with reader.transaction():
                reader.execute("select count(*) from tidemill.transactions")
                stack.sql("update tidemill.leaves set to_at = 1"
                          " where state = 'sealed' and leaf <= 2")
                before, begin = mill.written(), time.monotonic()
                half = False
                while time.monotonic() < begin + 8:
                    half |= stack.sql("select exists (select from pg_inherits"
                                      " where inhdetachpending)")[0][0]
                    time.sleep(0.2)
                rate = (mill.written() - before) / (time.monotonic() - begin)
        assert half, "no DETACH was left half done"
        assert rate > mill.rate / 2, rate
        begin = time.monotonic()
        wait_until("both are dropped", lambda: stack.sql(
            "select count(*) from tidemill.leaves where state = 'dropped'")
            == [(2,)], 60)
        mill.note(f"{rate:.0f} rows/s meanwhile; both dropped"
                  f" {time.monotonic() - begin:.1f} s after the reader")
        with mill.rest():
            kept = sum(mill.tables()[kind] for kind in (
                "transactions", "rejections", "duplicates", "quarantine"))
            gone, = stack.sql(
                "select sum(verified + rejected + duplicates + quarantined)"
                "::bigint from tidemill.leaf_counts where leaf in (1, 2)")[0]
            assert kept + gone == mill.tables()["log"], (kept, gone)
            done = stack.tidemill("reconcile")
            assert done.returncode == 0, done.stdout + done.stderr
            for watching in mill.watching:
                wait_until("all was shown", lambda: len(
                    set(watching.arrived)) == kept + gone, 60)


proved("A5", "a verifier frozen inside its transaction, which holds the leaves'"
       " lock and a row",
       "its successor ends it after 2 s; nobody waits for it",
       "tests/system/test_faults.py -k frozen_inside_its_transaction")

proved("A7", "a quiet week: retention takes what was written and not noted as"
       " announced",
       "the partition goes on, and says what was not proved",
       "tests/system/test_log.py -k retention_took_after_it_was_written")
