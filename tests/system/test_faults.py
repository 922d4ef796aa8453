"""What breaks under load, breaks nothing: one thing at a time, then many.

Every test ends alike: the outside checker agrees, and a WebSocket client that
resumed with its cursor has every event.
"""

import os
import random
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from system import (Account, Load, Subscriber, check, process, produce,
                    wait_at_rest, wait_until)

RATE = 200


@pytest.fixture
def mill(world):
    return world.start_all(verifiers=2, LEAF_ROWS=1000)


@contextmanager
def weather(mill, rate=RATE, name="faults"):
    """A load and a subscriber around the fault; afterwards all must agree."""
    with Subscriber(mill.gateway_url) as watching:
        with Load(mill, rate=rate, name=name) as load:
            some_more(load)
            yield load
            some_more(load)
        seen = check(mill, journals=[load.journal.path], alone=True)
        wait_until("all of it is shown", lambda: set(seen.results)
                   <= set(watching.ids()))
        check(mill, subscribers=[watching])
    assert all(answer["recovered"] for answer in watching.answers[1:])
    assert seen.counts["rejected"] == seen.counts["quarantined"] == 0
    print(dict(seen.counts), dict(load.outcomes), watching.closed)


def some_more(load, count=RATE // 2, seconds=60):
    before = load.known
    wait_until("answers come", lambda: load.known >= before + count, seconds)


@pytest.mark.parametrize("victim", ["door", "verifier-1", "verifiers",
                                    "notifier", "gateway"])
def test_kill_9_of_a_program(mill, victim):
    victims = {"door": [mill.door], "verifier-1": mill.verifiers[:1],
               "verifiers": mill.verifiers, "notifier": [mill.notify],
               "gateway": [mill.gate]}[victim]
    with weather(mill) as load:
        for _ in range(2):
            for program in victims:
                program.kill()
            time.sleep(0.5)
            for program in victims:
                program.start()
            for program in victims:
                program.ready()
            some_more(load)


def test_a_killed_verifier_that_stays_away_has_a_successor(mill):
    """After the session's six seconds its partitions go on elsewhere."""
    with weather(mill):
        mill.verifiers[0].kill()
        wait_until("the other one has all", lambda: len(
            mill.verifiers[1].status()["partitions"]) == 4, seconds=15)


@pytest.mark.parametrize("how", ["in order", "kill -9", "frozen for 8 s"])
@pytest.mark.parametrize("name", ["kafka", "redis"])
def test_restart_of_a_server(mill, name, how):
    server = mill.kafka[0] if name == "kafka" else mill.redis
    with weather(mill):
        if how == "frozen for 8 s":
            server.freeze()
            time.sleep(8)
            server.thaw()
        elif how == "kill -9":
            server.kill()
            server.start()
        else:
            server.restart()
        for program in (mill.door, mill.gate):
            program.ready()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT,
                                 signal.SIGKILL],
                         ids=["fast", "immediate", "kill -9"])
def test_restart_of_postgresql(mill, how):
    with weather(mill):
        mill.postgres._end(how)
        time.sleep(1)
        mill.postgres.start()


def backends(mill):
    """The postmaster and its children."""
    found = [mill.postgres.pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            if int(stat[1]) == mill.postgres.pid:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("how", ["frozen", "stopped"])
def test_postgresql_away_for_30_s(mill, how):
    """Nothing is rejected, memory stays bounded, it recovers by itself."""
    with weather(mill, rate=300) as load:
        before = [v.resident_bytes() for v in mill.verifiers]
        frozen = backends(mill)
        if how == "frozen":
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
        else:
            mill.postgres.stop()
        most = list(before)
        try:
            for _ in range(30):
                time.sleep(1)
                most = [max(m, v.resident_bytes())
                        for m, v in zip(most, mill.verifiers)]
            assert all(v.get("/livez") for v in mill.verifiers)
        finally:
            if how == "frozen":
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
            else:
                mill.postgres.start()
        grown = [(m - b) >> 20 for m, b in zip(most, before)]
        print("MiB grown:", grown, "outcomes", dict(load.outcomes))
        # Two partitions of at most 16 MiB each, and what they are held in.
        assert all(g < 96 for g in grown), grown
        assert load.known > 30 * 300 * 0.8, "the door goes on meanwhile"
        for verifier in mill.verifiers:
            verifier.ready()


def test_verifiers_join_and_leave_under_load(mill):
    with weather(mill) as load:
        third = mill.verifier("verifier-3").ready()
        some_more(load)
        fourth = mill.verifier("verifier-4").ready()
        some_more(load)
        assert mill.verifiers[0].stop() == 0
        third.kill()
        some_more(load)
        mill.verifiers[0].start().ready()
        third.start().ready()
        some_more(load)
        assert fourth.stop() == 0
        assert third.stop() == 0


def test_a_verifier_frozen_again_and_again_is_fenced(mill):
    """SIGSTOP past its session, wherever it happens to be."""
    with weather(mill):
        for _ in range(2):
            for verifier in mill.verifiers:
                verifier.freeze()
                time.sleep(7.5)
                verifier.thaw()
                time.sleep(1)


@contextmanager
def held_row(mill, signed):
    """Holds the place of this transaction's row in an open transaction."""
    leaf, = mill.sql("select leaf from tidemill.leaves where state = 'live'")
    with psycopg.connect(mill.database_url) as connection:
        connection.execute(
            f"insert into tidemill.transactions_{leaf[0]} (accepted_at, off,"
            " chain, log, partition, hash, sender, amount, signature, payload)"
            " values (0, 0, %s, 0, 0, %s, '', 0, '', '')",
            (0x1a290b3d78267165, signed.hash))
        yield
        connection.rollback()


def writers(mill, state):
    """Pids of verifiers whose connection is in that state."""
    query = {"waiting": "wait_event_type = 'Lock'",
             "open": "state = 'idle in transaction'"}[state]
    return [int(name.rsplit("/", 1)[1]) for name, in mill.sql(
        "select application_name from pg_stat_activity where"
        f" application_name like 'tidemill-verifier/%%' and {query}")]


def test_a_verifier_frozen_inside_its_transaction_blocks_nobody(mill):
    """
    we       hold the row's place
    owner    INSERT, waits for us
    we       SIGSTOP the owner, then let go
    backend  inserts, and has its transaction open with nobody at the other end
    group    gives the partition to the successor after 6 s
    successor writes the same row: the server has ended that transaction
    """
    account = Account("frozen")
    victim, *after = (account.sign() for _ in range(20))
    wait_at_rest(mill)
    with Subscriber(mill.gateway_url) as watching:
        with held_row(mill, victim):
            place, = produce(mill.brokers, mill.topic_submitted,
                             {"value": victim.raw, "partition": 1,
                              "headers": [("tm", "1;eip155:1;2")]})
            pid, = wait_until("its INSERT waits",
                              lambda: writers(mill, "waiting"))
            owner = next(v for v in mill.verifiers if v.pid == pid)
            owner.freeze()
        begin = time.monotonic()
        assert wait_until("its transaction is open",
                          lambda: writers(mill, "open")) == [pid]
        produce(mill.brokers, mill.topic_submitted,
                *[{"value": tx.raw, "partition": 1,
                   "headers": [("tm", "1;eip155:1;2")]} for tx in after])
        wait_until("the successor writes", lambda: mill.sql(
            "select count(*) from tidemill.transactions") == [(20,)])
        took = time.monotonic() - begin
        owner.thaw()
        wait_until("both have partitions again", lambda: [
            len(v.status()["partitions"]) for v in mill.verifiers] == [2, 2])
        seen = check(mill)
        wait_until("all of it is shown", lambda: set(seen.results)
                   <= set(watching.ids()))
        check(mill, subscribers=[watching])
    print(f"the successor had it {took:.1f} s after the freeze")
    assert took < 13, took
    assert seen.counts["verified"] == seen.counts["records"] == 20


def test_many_things_break_at_once(mill, request):
    """Half a minute of faults by dice; TIDEMILL_TEST_SEED throws others."""
    dice = random.Random(int(os.environ.get("TIDEMILL_TEST_SEED", "77")))
    programs = [mill.door, *mill.verifiers, mill.notify, mill.gate]

    def kill_program():
        victim = dice.choice(programs)
        victim.kill()
        time.sleep(dice.random())
        victim.start()
        return victim

    def freeze_program():
        victim = dice.choice(programs)
        victim.freeze()
        time.sleep(dice.uniform(0.2, 8))
        victim.thaw()
        return victim

    def server():
        victim = dice.choice([mill.kafka[0], mill.postgres, mill.redis])
        dice.choice([victim.kill, victim.stop])()
        victim.start()
        return victim

    with weather(mill):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            fault = dice.choice([kill_program, kill_program, freeze_program,
                                 server])
            print(f"{end - time.monotonic():5.1f}", fault.__name__, fault())
            time.sleep(dice.random())
        for program in programs:
            program.ready()
