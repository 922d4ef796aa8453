"""Faults of a topic as a whole: each has topics and tables of its own."""

import time

from system import Account, wait_until

from faults.door import is_ready
from faults.kafka import admin
from faults.registry import fault, proved


@fault("F12", "the submitted topic is deleted under load",
       "door and verifiers are not ready and say so; no 202; nobody makes it"
       " again", own=True)
def topic_deleted(mill):
    with mill.world("F12", load=False):
        account, topic = Account("F12"), mill.stack.topic_submitted
        answer, _ = mill.post(account.sign())
        assert answer.status == 202, answer
        client = admin(mill.stack.brokers)
        client.delete_topics([topic])[topic].result(30)
        begin = time.monotonic()
        wait_until("the door is not ready",
                   lambda: not is_ready(mill.door), 60, every=0.2)
        mill.note(f"door not ready after {time.monotonic() - begin:.1f} s")
        for _ in range(5):
            answer, seconds = mill.post(account.sign())
            assert answer is not None and answer.status in (503, 504), answer
        wait_until("every verifier says so",
                   lambda: not any(map(is_ready, mill.verifiers)), 60,
                   every=0.2)
        mill.note("verifiers not ready after"
                  f" {time.monotonic() - begin:.1f} s")
        assert topic not in client.list_topics(timeout=20).topics
        assert all(p.alive() and p.get("/livez") for p in mill.programs)


LOG = "tests/system/test_log.py -k "
proved("F13", "the topic is deleted and made again, with as many records",
       "its partitions stop; `log adopt` goes on under a new log number",
       LOG + "recreated")
proved("F14", "acknowledged records at the end of the log are lost",
       "seen, and the partition stops; nothing is judged under old offsets",
       LOG + "truncated")
proved("F59", "retention takes records that were never read",
       "seen, and the partition stops until it is adopted",
       LOG + "retention")
proved("F60", "partitions are added under load",
       "the new ones are read from their start",
       "tests/system/test_operator.py -k partitions")
