"""Leaves are filled, sealed and looked up while everything runs."""

import time
import urllib.error
import urllib.request

import psycopg

from system import Account, Load, Subscriber, check, produce, wait_until

HEADERS = [("tm", "1;eip155:1;2")]


def states(mill):
    return dict(mill.sql("select state, count(*)::int from tidemill.leaves"
                         " group by state"))


def fill(mill, signed):
    produce(mill.brokers, mill.topic_submitted,
            *[{"value": tx.raw, "headers": HEADERS, "key": tx.hash}
              for tx in signed])


def test_what_lies_in_a_sealed_leaf_is_not_written_again(world):
    """Four leaves and more; each transaction comes once more at the end."""
    world.verifiers = [world.verifier(f"verifier-{n}", LEAF_ROWS=100)
                       for n in (1, 2)]
    account = Account("leaves")
    signed = [account.sign() for _ in range(500)]
    for at in range(0, 500, 125):
        fill(world, signed[at:at + 125])
        wait_until("that leaf is sealed", lambda sealed=at // 125 + 1:
                   states(world).get("sealed", 0) >= sealed)
    fill(world, signed)
    seen = check(world)
    assert seen.counts["verified"] == seen.counts["duplicate"] == 500
    assert states(world)["live"] == 1
    spread = world.sql("select count(distinct leaf) from"
                       " tidemill.transactions")
    assert spread[0][0] >= 4


def test_verifiers_killed_while_leaves_are_sealed_lose_nothing(world):
    """A leaf about every second, and a kill -9 as often."""
    world.start_all(verifiers=2, LEAF_ROWS=200)
    with Subscriber(world.gateway_url) as watching:
        with Load(world, rate=200, name="leaves") as load:
            for n in range(4):
                before = load.known
                wait_until("some more", lambda: load.known > before + 150)
                world.verifiers[n % 2].kill()
                world.verifiers[n % 2].start().ready()
        seen = check(world, journals=[load.journal.path])
        wait_until("all of it is shown", lambda: set(seen.results)
                   <= set(watching.ids()))
        check(world, subscribers=[watching])
    wait_until("leaves are sealed", lambda: states(world)["sealed"] >= 3)
    print(dict(seen.counts), states(world))


def asked(world, tx):
    """The status of the gateway's answer about a transaction."""
    try:
        with urllib.request.urlopen(
                f"{world.gateway_url}/v1/transactions/eip155:1/"
                f"0x{tx.hash.hex()}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_row_is_found_from_the_moment_it_is_there(world):
    """Also in a leaf that went live a moment ago."""
    world.start_all(verifiers=1, LEAF_ROWS=100)
    account = Account("found at once")
    first = account.sign()
    fill(world, [first])
    with psycopg.connect(world.database_url, autocommit=True) as rows:
        def there(tx):
            return rows.execute("select 1 from tidemill.transactions"
                                " where hash = %s", [tx.hash]).fetchone()
        wait_until("the first row", lambda: there(first))
        end = time.monotonic() + 6
        answers = []
        while time.monotonic() < end:
            assert asked(world, first) == 200  # the list of leaves is read
            signed = [account.sign() for _ in range(40)]
            fill(world, signed)
            wait_until("the last row", lambda: there(signed[-1]), every=0.001)
            answers.append(asked(world, signed[-1]))
    print(len(answers), "asked,", states(world))
    assert states(world)["sealed"] >= 3
    assert set(answers) == {200}, answers
