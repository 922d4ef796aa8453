"""Faults of verifiers: killed, frozen, many, few."""

import time

from system import wait_until

from faults.registry import fault, proved


@fault("F19", "kill -9 one verifier in the middle of its batches, for 10 s",
       "the others have its partitions within the session and a second",
       touches="verifier-1", short=True, dice=True)
def one_killed(mill):
    begin = time.monotonic()
    mill.verifiers[0].kill()
    others = mill.verifiers[1:]
    yield 3
    wait_until("the others have all", lambda: owned(others) == 4, 12)
    mill.note(f"all partitions elsewhere after"
              f" {time.monotonic() - begin:.1f} s")
    yield 2
    mill.verifiers[0].start()


def owned(verifiers):
    """How many partitions these verifiers say they have."""
    return sum(len(v.status()["partitions"]) for v in verifiers if v.alive())


@fault("F20", "kill -9 all verifiers, 5 s later they are started",
       "they go on from the position in PostgreSQL",
       touches="verifier-1 verifier-2 verifier-3")
def all_killed(mill):
    for verifier in mill.verifiers:
        verifier.kill()
    yield 5
    for verifier in mill.verifiers:
        verifier.start()


@fault("F21", "SIGSTOP one verifier for 10 s, past its session",
       "it is fenced, what it had in hand is dropped",
       touches="verifier-2", dice=True)
def frozen(mill):
    mill.verifiers[1].freeze()
    mill.later(mill.verifiers[1].thaw)
    yield 10
    mill.verifiers[1].thaw()


proved("F22", "SIGSTOP a verifier between INSERT and COMMIT",
       "its successor waits for the server's timer at most, then goes on",
       "tests/system/test_faults.py"
       " -k frozen_inside_its_transaction")


@fault("F23", "a verifier joins or leaves every 5 s, for 45 s",
       "progress goes on, nothing is done twice",
       touches="verifier-1 verifier-2 verifier-3")
def rebalances(mill):
    worst, rows = 0, mill.written()
    extra = mill.stack.verifier("verifier-9", **mill.settings)
    mill.later(extra.clean_up)
    for n in range(9):
        yield 5
        begin = time.monotonic()
        mill.writes(1, seconds=20)
        worst = max(worst, time.monotonic() - begin)
        if not extra.alive():
            extra.start()
        elif n % 4 == 0:
            extra.kill()
        else:
            assert extra.stop() == 0
    mill.note(f"{mill.written() - rows} rows meanwhile, longest wait"
              f" for one {worst:.1f} s")


@fault("F24", "from 3 verifiers to 1, to 8, and back to 3",
       "even spread, no record waits longer than a session",
       touches="verifier-1 verifier-2 verifier-3")
def scaled(mill):
    for verifier in mill.verifiers[1:]:
        assert verifier.stop() == 0
    wait_until("one has all", lambda: owned(mill.verifiers[:1]) == 4, 20)
    yield 3
    more = [mill.stack.verifier(f"verifier-{n}", **mill.settings)
            for n in range(10, 15)]
    for verifier in more:
        mill.later(verifier.clean_up)
    for verifier in mill.verifiers[1:]:
        verifier.start()
    everybody = [*mill.verifiers, *more]
    for verifier in everybody:
        verifier.ready()
    wait_until("four have one each", lambda: sorted(
        owned([v]) for v in everybody) == [0] * 4 + [1] * 4, 30)
    yield 5
    for verifier in more:
        assert verifier.stop() == 0
    wait_until("three have all", lambda: owned(mill.verifiers) == 4, 20)


@fault("F42", "a dead verifier's results reach the broker after its"
       " successor's",
       "repeats under the same ids and in the same words; nobody sees them",
       needs="net", touches="verifier-1")
def results_land_late(mill):
    victim = mill.verifiers[0]
    mill.net.slow(victim, "kafka", there=12.0)
    yield 2
    victim.kill()
    yield 14
    victim.start()


@fault("F43", "`announced` falls back by 200 records in every partition",
       "announced again, in the same words; nobody is shown them twice",
       touches="verifier-1 verifier-2 verifier-3", short=True)
def announced_rolled_back(mill):
    for verifier in mill.verifiers:
        assert verifier.stop() == 0
    before = mill.results_count(), mill.written()
    mill.stack.sql("update tidemill.announced set announced ="
                   " greatest(announced - 200, 0)")
    for verifier in mill.verifiers:
        verifier.start().ready()
    yield 3
    wait_until("they are announced again", lambda: mill.results_count()
               - before[0] > mill.written() - before[1] + 100, 30)


@fault("F58", "the group's offsets are deleted in Kafka",
       "no effect: the position is PostgreSQL's",
       touches="verifier-1 verifier-2 verifier-3")
def group_offsets_deleted(mill):
    for verifier in mill.verifiers:
        assert verifier.stop() == 0
    from confluent_kafka.admin import AdminClient
    admin = AdminClient({"bootstrap.servers": mill.stack.brokers})
    gone = admin.delete_consumer_groups(["tidemill-verifier"])
    for done in gone.values():
        wait_until("the group is deleted", lambda: _deleted(done, admin), 30)
    for verifier in mill.verifiers:
        verifier.start()
    yield 2


def _deleted(done, admin):
    done.result(10)
    return True


@fault("B9", "a verifier leaves in order and joins again, three times",
       "no event is later than 3 s from broker to screen",
       touches="verifier-3", short=True)
def hand_over(mill):
    watching = mill.watching[0]
    first = len(watching.events)
    for _ in range(3):
        assert mill.verifiers[2].stop() == 0
        yield 2
        mill.verifiers[2].start().ready()
        yield 2
    wall = time.time() - time.monotonic()
    delays = sorted(wall + watching.arrived[event["id"]]
                    - event["accepted_at"] / 1000
                    for event in watching.events[first:])
    mill.note(f"{len(delays)} events: half within {_ms(delays, 0.5)},"
              f" 99 % within {_ms(delays, 0.99)}, all within"
              f" {_ms(delays, 1)}")
    assert delays[-1] < 3, delays[-1]


def _ms(delays, share):
    return f"{delays[min(len(delays) - 1, int(len(delays) * share))] * 1e3:.0f} ms"


@fault("F61", "one verifier, one gateway and the door are of an older version",
       "all read what the others write", needs="older",
       touches="door verifier-1 gateway-2")
def mixed_versions(mill):
    # The other gateway is asked again and again, and must not change its words.
    mixed = (mill.door, mill.verifiers[0], mill.gates[1])
    for program in mixed:
        assert program.stop() == 0
        mill.later(setattr, program, "build", program.build)
        program.build = mill.older
        program.start().ready()
    yield 10
    for program in mixed:
        assert program.stop() == 0
        program.build = mill.stack.build
        program.start().ready()
