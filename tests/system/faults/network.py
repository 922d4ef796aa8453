"""Faults of the network: cuts of one direction, losses, delays, names."""

import time

from system import Account

from faults.door import is_ready
from faults.registry import fault


@fault("F25", "one verifier is cut from Kafka only, for 15 s",
       "it loses its partitions within the session, the others go on",
       needs="net", touches="verifier-1", dice=True)
def verifier_without_kafka(mill):
    mill.net.cut(mill.verifiers[0], "kafka")
    yield 12
    begin = time.monotonic()
    mill.writes(seconds=10)
    mill.note(f"rows come again {time.monotonic() - begin:.1f} s after 12 s")
    yield 3



@fault("F26", "one verifier is cut from PostgreSQL only, for 20 s",
       "its partitions wait in bounded memory or move on; no rejection",
       needs="net", touches="verifier-1")
def verifier_without_postgres(mill):
    mill.net.cut(mill.verifiers[0], "postgres")
    yield 20
    assert mill.verifiers[0].get("/livez")


@fault("F27", "what PostgreSQL answers one verifier is lost, for 12 s",
       "a deadline ends the wait, the position is read again",
       needs="net", touches="verifier-2", short=True)
def answers_of_postgres_lost(mill):
    mill.net.cut(mill.verifiers[1], "postgres", way="back")
    yield 12


@fault("F9", "the acks to the door are lost after the append, for 8 s",
       "504, not 202; what is sent again is a duplicate, one row",
       needs="net", touches="door", short=True)
def acks_lost(mill):
    before = mill.load.outcomes[504]
    mill.net.cut(mill.door, "kafka", way="back")
    yield 8
    assert mill.load.outcomes[504] > before, dict(mill.load.outcomes)
    mill.note(f"{mill.load.outcomes[504] - before} answers of 504")


@fault("F17", "every broker answers the door and a verifier after 2 s",
       "fewer answers, no false refusal, memory bounded",
       needs="net", touches="door verifier-1")
def slow_brokers(mill):
    refused = mill.load.outcomes[422] + mill.load.outcomes[400]
    for program in (mill.door, mill.verifiers[0]):
        mill.net.slow(program, "kafka", there=1.0, back=1.0)
    yield 20
    assert refused == mill.load.outcomes[422] + mill.load.outcomes[400]


@fault("F54", "5 % of all packets to and from all servers are lost, and"
       " 200 ms of jitter between verifiers and brokers",
       "slower, and that is all", needs="net",
       touches="door verifier-1 verifier-2")
def losses_and_jitter(mill):
    for verifier in mill.verifiers[:2]:
        mill.net.slow(verifier, "kafka", jitter=0.2)
    mill.net.lose(5, "kafka", "postgres", "redis")
    yield 20


@fault("F55", "64 kbit/s between one verifier and the brokers, for 15 s",
       "slower, and that is all", needs="net", touches="verifier-3")
def narrow_link(mill):
    mill.net.slow(mill.verifiers[2], "kafka", rate=8000)
    yield 15


@fault("F56", "what the brokers answer one verifier is lost, for 40 s",
       "the others make progress at the full rate; then all converges",
       needs="net", lasting=True)
def one_verifier_deaf(mill):
    mill.net.cut(mill.verifiers[0], "kafka", way="back")
    yield 12
    rows, begin = mill.written(), time.monotonic()
    yield 28
    rate = (mill.written() - rows) / (time.monotonic() - begin)
    mill.note(f"{rate:.0f} rows/s meanwhile")
    assert rate > mill.rate * 0.8, rate


@fault("F56b", "nobody reaches one broker, it reaches the others, for 40 s",
       "partitions that it does not lead make progress; then all converges",
       needs="net", lasting=True)
def one_broker_deaf(mill):
    mill.net.deaf("kafka-2")
    yield 10
    account = Account(f"F56b {time.time()}")
    answers = [mill.post(account.sign()) for _ in range(12)]
    statuses = [answer and answer.status for answer, _ in answers]
    mill.note(f"answers {sorted(map(str, statuses))}")
    yield 10
    assert statuses.count(202) >= 3, statuses
    assert set(statuses) <= {202, 503, 504}, statuses


@fault("F56c", "one verifier hears PostgreSQL and is not heard, for 40 s",
       "its partitions wait, bounded, and it is not ready; the others' make"
       " progress",
       needs="net", lasting=True)
def one_verifier_mute(mill):
    mill.net.cut(mill.verifiers[1], "postgres", way="out")
    yield 25
    rows, begin = mill.written(), time.monotonic()
    yield 15
    rate = (mill.written() - rows) / (time.monotonic() - begin)
    mill.note(f"{rate:.0f} rows/s after 25 s, {mill.waiting()} wait")
    assert not is_ready(mill.verifiers[1])
    assert rate > mill.rate * 0.4, rate
