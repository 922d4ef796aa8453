"""Leaves are filled, sealed and looked up while everything runs."""

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
