"""Short runs, each under the one condition that its rules are there for.

A scenario gets a stack with fresh topics and tables and ends with check(). It
waits for nothing that only good programs would do, or not for long: what did
not happen is for the checker to see.
"""

import time
from contextlib import contextmanager

import psycopg
from redis import Redis

from system import (Account, Load, Subscriber, check, produce, read_topic,
                    wait_until)

REST_S = 15
HEADERS = [("tm", "1;eip155:1;2")]
WRITER = "application_name like 'tidemill-verifier/%%'"


def settle(condition, seconds):
    """Waits, and goes on when it does not come."""
    try:
        wait_until("", condition, seconds)
    except TimeoutError:
        pass


def sign(name, count, **how):
    account = Account(name)
    return [account.sign(type=n % 3, **how) for n in range(count)]


def send(stack, signed, partition=None):
    """Past the door; spread over four partitions, or to one of them."""
    produce(stack.brokers, stack.topic_submitted, *[
        {"value": tx.raw, "headers": HEADERS,
         "partition": n % 4 if partition is None else partition}
        for n, tx in enumerate(signed)])


def count(stack, table="transactions"):
    return stack.sql(f"select count(*) from tidemill.{table}")[0][0]


def all_shown(stack, watching):
    ids = set(watching.ids())
    return len(ids) >= sum(count(stack, table) for table in (
        "transactions", "rejections", "duplicates", "quarantine"))


@contextmanager
def locked(stack, table):
    """Nobody inserts into it meanwhile."""
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(f"lock table tidemill.{table} in share mode")
        yield
        connection.rollback()


def waits(stack):
    """Backends of verifiers that wait for a lock."""
    return stack.sql("select pid from pg_stat_activity where"
                     f" wait_event_type = 'Lock' and {WRITER}")


def plain(stack):
    """Good ones, forged ones and repeats, to one verifier."""
    stack.verifier().ready()
    good = sign("plain", 24)
    send(stack, good + good[:8] + sign("other s", 8, high_s=True)
         + sign("no curve", 8, break_r=True))
    check(stack, wait=REST_S)


def killed_before_it_announces(stack):
    """Its rows are committed, its results still wait to be sent."""
    first = stack.verifier(TIDEMILL_KAFKA_LINGER_MS=60000).ready()
    send(stack, sign("unannounced", 20))
    wait_until("its rows are there", lambda: count(stack) == 20)
    settle(lambda: stack.sql("select 1 from tidemill.announced"
                             " where announced > 0"), 3)
    first.kill()
    stack.verifier("verifier-2")
    check(stack, wait=REST_S)


def cut_while_it_writes(stack):
    """Its connection ends between two statements of one transaction."""
    stack.verifier().ready()
    send(stack, sign("before", 8))
    settle(lambda: count(stack) == 8, REST_S)
    with locked(stack, "rejections_1"):
        send(stack, sign("rejected", 10, high_s=True))
        settle(lambda: waits(stack), 5)
        for pid, in waits(stack):
            stack.sql("select pg_terminate_backend(%s)", pid)
        settle(lambda: not waits(stack), 5)
    check(stack, wait=REST_S)


def sent_again_after_a_flip(stack):
    """All of a sealed leaf once more, to who knew it as the live one."""
    stack.verifier(LEAF_ROWS=100).ready()
    signed = sign("flip", 120)
    send(stack, signed)
    wait_until("a leaf is sealed", lambda: stack.sql(
        "select 1 from tidemill.leaves where state = 'sealed'"))
    send(stack, signed)
    check(stack, wait=REST_S)


def door_killed(stack):
    """While it has answered, and the broker has not."""
    door = stack.producer().ready()
    stack.verifier().ready()
    with Load(stack, rate=100, name="door killed") as load:
        wait_until("some are answered", lambda: load.known >= 20)
        stack.kafka[0].freeze()
        try:
            time.sleep(0.5)
            door.kill()
        finally:
            stack.kafka[0].thaw()
        door.start().ready()
        known = load.known
        wait_until("more are answered", lambda: load.known >= known + 20)
    check(stack, journals=[load.journal.path], alone=True, wait=REST_S)


@contextmanager
def shown(stack, **settings):
    """Everything but the door, and somebody who watches."""
    stack.verifier().ready()
    stack.notifier().ready()
    gate = stack.gateway().ready()
    with Subscriber(gate.url) as watching:
        yield watching
        settle(lambda: all_shown(stack, watching), 6)
    check(stack, subscribers=[watching], wait=REST_S)


def announced_again(stack):
    """As a successor does with what its predecessor had announced."""
    with shown(stack) as watching:
        send(stack, sign("first", 20))
        wait_until("all is shown", lambda: len(set(watching.ids())) == 20)
        produce(stack.brokers, stack.topic_results, *[
            {"key": r.key, "value": r.value, "headers": r.headers,
             "partition": r.partition}
            for r in read_topic(stack.brokers, stack.topic_results)])
        send(stack, sign("more", 8))
        settle(lambda: len(set(watching.ids())) == 28, REST_S)


def lost_on_the_wire(stack):
    """For a moment, shorter than a silence, Redis passes nothing on."""
    with shown(stack) as watching, Redis.from_url(stack.redis_url) as wire:
        send(stack, sign("before", 20))
        wait_until("all is shown", lambda: len(set(watching.ids())) == 20)
        wire.execute_command("ACL", "SETUSER", "default", "-publish")
        try:
            send(stack, sign("meanwhile", 20))
            settle(lambda: count(stack) == 40, 1)
            time.sleep(0.3)
        finally:
            wire.execute_command("ACL", "SETUSER", "default", "+publish")
        send(stack, sign("after", 20))


def rebalanced(stack):
    """A second verifier joins, and both have new assignments."""
    stack.verifier("verifier-1").ready()
    send(stack, sign("alone", 40))
    wait_until("all is written", lambda: count(stack) == 40)
    stack.verifier("verifier-2").ready()
    send(stack, sign("together", 40))
    check(stack, wait=REST_S)


def rolled_back(stack):
    """The database refuses one COMMIT, for no fault of the batch."""
    stack.sql("create sequence tidemill.commits")
    stack.sql("create function tidemill.refuse() returns trigger language"
              " plpgsql as $$ begin if nextval('tidemill.commits') = 1 then"
              " raise 'refused' using errcode = 'XX000'; end if;"
              " return null; end $$")
    stack.sql("create constraint trigger refuse after insert on"
              " tidemill.batches_1 deferrable initially deferred"
              " for each row execute function tidemill.refuse()")
    stack.verifier().ready()
    signed = sign("refused", 4)
    send(stack, signed + signed, partition=0)
    settle(lambda: count(stack) == 4, 3)
    send(stack, sign("after", 4), partition=0)
    check(stack, wait=REST_S)


def burst(stack):
    """More than the window holds, while the database waits."""
    stack.verifier(WINDOW_RECORDS=100).ready()
    with locked(stack, "transactions_1"):
        send(stack, sign("burst", 400), partition=0)
        settle(lambda: waits(stack), 5)
        time.sleep(1)
    check(stack, wait=REST_S)


SCENARIOS = {scenario.__name__: scenario for scenario in (
    plain, killed_before_it_announces, cut_while_it_writes,
    sent_again_after_a_flip, door_killed, announced_again, lost_on_the_wire,
    rebalanced, rolled_back, burst)}
