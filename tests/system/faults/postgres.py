"""Faults of PostgreSQL: restarts, stops, failovers that lose commits.

A second server follows the stack's by streaming; which of the two is the
primary changes with every failover, so ask `mill.standby.primary`.
"""

import os
import signal
import time
from contextlib import contextmanager

import psycopg

from system import Account, check, produce, wait_at_rest, wait_until
from system.standby import Pair

from faults.registry import around, fault

HEADERS = [("tm", "1;eip155:1;2")]


@around
@contextmanager
def standby(mill):
    with Pair(mill.stack) as pair:
        mill.standby = pair
        yield


def primary(mill):
    return mill.standby.primary


def end(mill, how, node=None):
    """Ends a node; it is back when the fault is over, whatever happens."""
    node = node or primary(mill)
    mill.later(bring_back, node)
    node._end(how)
    return node


def bring_back(node):
    if not node.alive():
        node.start()


def backends(mill, verifier, connection=None):
    """{pid: state} of one verifier's connections, those that wait for it."""
    query = ("select pid, case when wait_event = 'ClientRead' then state end"
             " from pg_stat_activity where application_name like %s",
             [f"tidemill-verifier/%/{verifier.pid}"])
    if connection is not None:
        return dict(connection.execute(*query).fetchall())
    with primary(mill).connect() as connection:
        return dict(connection.execute(*query).fetchall())


def position(mill, verifier):
    """The sum of the positions of the partitions that it owns."""
    mine = {p["partition"] for p in verifier.status()["partitions"]}
    return sum(at for (_, partition), at in mill.standby.positions().items()
               if partition in mine)


def goes_on(mill, verifier, seconds, count=5):
    """How long until rows come again in its partitions."""
    begin, before = time.monotonic(), position(mill, verifier)
    wait_until(f"{verifier.name} writes again",
               lambda: position(mill, verifier) >= before + count, seconds)
    return time.monotonic() - begin


@fault("F28", "PostgreSQL restarted: fast, then immediate",
       "verifiers connect again by themselves; nothing lost, nothing rejected",
       touches="postgres", needs="standby", short=True, dice=True)
def restarted(mill):
    for how in (signal.SIGINT, signal.SIGQUIT):
        node = end(mill, how)
        yield 2
        bring_back(node)
        yield 1


@fault("F29", "kill -9 of PostgreSQL's postmaster",
       "crash recovery, then as after a restart",
       touches="postgres", needs="standby", dice=True)
def killed(mill):
    node = end(mill, signal.SIGKILL)
    yield 1
    bring_back(node)


@fault("F29f", "PostgreSQL frozen as a whole for 25 s",
       "our own deadlines end the connections; the door goes on; it heals",
       touches="postgres", needs="standby")
def frozen(mill):
    node = primary(mill)
    mill.later(node.thaw)
    lost = [v.metric("tidemill_postgres_lost_total") for v in mill.verifiers]
    node.freeze()
    known = mill.load.known
    seconds = yield 25
    assert mill.load.known - known > mill.rate * seconds * 0.8, \
        "the door goes on meanwhile"
    for before, verifier in zip(lost, mill.verifiers):
        assert verifier.get("/livez")
        assert verifier.metric("tidemill_postgres_lost_total") > before, \
            "libpq alone would wait for ever"
    node.thaw()


def freeze_backends(mill, verifier, inside):
    """Stops them while one waits inside a transaction, or all between two.

    One that is stopped at work may hold a lock of the server's own memory, and
    then all of the server stands; that is another fault.
    """
    wanted = {"idle", "idle in transaction"} if inside else {"idle"}

    def caught():
        pids = backends(mill, verifier, look)
        if set(pids.values()) != wanted:
            return None
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if backends(mill, verifier, look) == pids:
            return list(pids)
        thaw(pids)
        return None
    with primary(mill).connect() as look:
        pids = wait_until(f"backends {wanted}", caught, 60, every=0)
    mill.later(thaw, pids)
    return pids


def thaw(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


@fault("F30", "the server's processes of one verifier stopped, between two"
       " transactions",
       "its deadline of 10 s ends the connection; it writes on a new one while"
       " the old ones are still stopped",
       touches="postgres verifier-1", needs="standby")
def backend_stopped(mill):
    victim = mill.verifiers[0]
    pids = freeze_backends(mill, victim, inside=False)
    took = goes_on(mill, victim, 20)
    mill.note(f"wrote again after {took:.1f} s")
    assert took < 13, took
    thaw(pids)
    yield 1


@fault("F30t", "the same inside an open transaction, 20 s",
       "only that batch waits; the others' partitions go on",
       touches="postgres verifier-1", needs="standby")
def backend_stopped_inside(mill):
    victim, *others = mill.verifiers
    pids = freeze_backends(mill, victim, inside=True)
    begin = time.monotonic()
    while time.monotonic() < begin + 20:
        for other in others:
            goes_on(mill, other, 6)
        yield 2
    thaw(pids)


@fault("F33", "failover that loses the last commits",
       "records are read again, the same ids; repeats of announcements only",
       touches="postgres", needs="standby", short=True, dice=True)
def failed_over(mill):
    pair = mill.standby
    pair.caught_up()
    mill.later(whole, pair)
    pair.cut()
    yield 5
    lost = pair.fail_over()
    mill.note(f"rows of {lost} records lost")
    assert lost > 0, "it was to lose something"
    begin = time.monotonic()
    mill.writes(lost + 20)
    mill.note(f"written again {time.monotonic() - begin:.1f} s after the"
              " promotion")
    pair.rebuild()


def whole(pair):
    """A primary and a standby that follows, from whatever there is."""
    if not pair.primary.alive():
        pair.primary.start()
    pair.primary.thaw()
    if pair.lag_bytes() is None:
        if pair.standby.alive():
            pair.standby.thaw()
        pair.rebuild()


@fault("F33f", "the same, and the old primary does not die but stops answering",
       "deadlines end the connections to it, and the new one is found",
       touches="postgres", needs="standby")
def failed_over_from_a_frozen_one(mill):
    pair = mill.standby
    pair.caught_up()
    mill.later(whole, pair)
    pair.cut()
    yield 4
    old = pair.primary
    old.freeze()
    mill.later(old.thaw)
    begin = time.monotonic()
    pair.fail_over(kill=False)
    on_new = lambda: sum(bool(backends(mill, v)) for v in mill.verifiers)
    wait_until("all write to the new one",
               lambda: on_new() == len(mill.verifiers), 40)
    mill.note(f"all on the new one after {time.monotonic() - begin:.1f} s")
    yield 2
    old._end(signal.SIGKILL)
    pair.rebuild()


@fault("A10", "failover that loses commits of a partition that is idle",
       "its rows come back without a new record, under the same ids",
       needs="standby", own=True)
def failed_over_while_idle(mill):
    pair, account = mill.standby, Account("idle")
    with mill.world("a10", load=False):
        stack = mill.stack

        def send(count):
            produce(stack.brokers, stack.topic_submitted, *[
                {"value": account.sign().raw, "partition": 2,
                 "headers": HEADERS} for _ in range(count)])
            wait_at_rest(stack)
        send(40)
        pair.caught_up()
        mill.later(whole, pair)
        pair.cut()
        send(40)
        before = len(read_ids(stack))
        assert pair.fail_over() == 40
        begin = time.monotonic()
        wait_until("the rows are back", lambda: stack.sql(
            "select count(*) from tidemill.transactions") == [(80,)], 20)
        mill.note(f"40 lost rows back after {time.monotonic() - begin:.1f} s")
        seen = check(stack, subscribers=mill.watching)
        assert before == 80 and len(seen.results) == 80
        assert seen.counts["verified"] == 80
        pair.rebuild()


def read_ids(stack):
    """Ids in the results topic."""
    import json

    from system import read_topic
    return {json.loads(r.value)["id"]
            for r in read_topic(stack.brokers, stack.topic_results)}


@fault("A10s", "two primaries: the old one is not fenced, and two of three"
       " verifiers stay on it",
       "what was committed and announced there is done again on the new one,"
       " in the same words",
       touches="postgres verifier-2", needs="standby")
def two_primaries(mill):
    pair, mover = mill.standby, mill.verifiers[1]
    pair.caught_up()
    mill.later(whole, pair)
    pair.cut()
    yield 2
    old = pair.primary
    pair.fail_over(kill=False)
    mill.later(settle, mover, mover.settings.get("DATABASE_URL"))
    name = mill.stack.env["DATABASE_URL"].rsplit("/", 1)[1].partition("?")[0]
    mover.settings["DATABASE_URL"] = \
        f"postgresql://tidemill@127.0.0.1:{pair.primary.port}/{name}"
    mover.stop()
    mover.start().ready()
    on_old = sum(pair.positions(old).values())
    on_new = sum(pair.positions().values())
    yield 6
    went_on_old = sum(pair.positions(old).values()) - on_old
    went_on_new = sum(pair.positions().values()) - on_new
    mill.note(f"{went_on_old} records written to the old one,"
              f" {went_on_new} to the new one")
    assert went_on_old > 0 and went_on_new > 0
    old._end(signal.SIGKILL)
    pair.rebuild()
    settle(mover, None)


def settle(program, url):
    """Back to the common address."""
    if program.settings.pop("DATABASE_URL", None) == url:
        return
    if url is not None:
        program.settings["DATABASE_URL"] = url
    if program.alive():
        program.stop()
    program.start()


@fault("F34", "the synchronous standby is gone for 25 s: COMMIT does not return",
       "an outcome that is unknown; the position is read again; it heals",
       touches="postgres", needs="standby")
def standby_gone(mill):
    pair = mill.standby
    mill.later(whole, pair)
    mill.later(pair.synchronous, False)
    pair.synchronous(True)
    mill.writes(20)
    unknown = unknowns(mill)
    pair.cut()
    yield 25
    mill.note(f"{unknowns(mill) - unknown:.0f} outcomes unknown")
    assert unknowns(mill) > unknown
    pair.join()
    mill.writes(20)
    pair.synchronous(False)


def unknowns(mill):
    return sum(v.metric("tidemill_verifier_unknown_total")
               for v in mill.verifiers)


@fault("F34b", "the same, and then the primary dies: what it committed alone"
       " is lost",
       "as any failover that loses commits",
       touches="postgres", needs="standby")
def standby_gone_then_failover(mill):
    pair = mill.standby
    mill.later(whole, pair)
    mill.later(lambda: pair.synchronous(False))
    pair.synchronous(True)
    pair.caught_up()
    pair.cut()
    yield 15
    lost = pair.fail_over()
    mill.note(f"rows of {lost} records lost")
    mill.writes(20)
    pair.rebuild()


@fault("F35", "max_connections reached for 15 s, and every verifier's"
       " connections ended",
       "they wait with a growing, jittered pause, no storm; then connect",
       touches="postgres", needs="standby", dice=True)
def connections_exhausted(mill):
    node, taken = primary(mill), []
    mill.later(lambda: [c.close() for c in taken])
    admin = node.connect()
    taken.append(admin)

    def take_all():
        try:
            while len(taken) < 500:
                taken.append(node.connect())
        except psycopg.OperationalError as refused:
            assert "too many" in str(refused), refused
    take_all()
    # Each one that is ended leaves its place; we are there first, or next.
    def connected():
        return admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'tidemill-verifier/%'").fetchall()
    deadline = time.monotonic() + 20
    while connected() or len(taken) < 90:
        take_all()
        assert time.monotonic() < deadline, "a verifier is always first"
    tries = [len(v.events("postgres.unreachable")) for v in mill.verifiers]
    seconds = yield 15
    for before, verifier in zip(tries, mill.verifiers):
        more = len(verifier.events("postgres.unreachable")) - before
        mill.note(f"{verifier.name}: {more} tries in {seconds:.0f} s")
        assert more < 10 * seconds, more
    for connection in taken:
        connection.close()
