"""Faults of the front door."""

import time

from faults.registry import fault


@fault("F1", "kill -9 of the door under load",
       "requests under way are cut, nothing else; ready again within 2 s",
       touches="door", short=True, dice=True)
def killed(mill):
    before = mill.load.outcomes[504], mill.load.outcomes[500]
    mill.door.kill()
    yield 1
    begin = time.monotonic()
    mill.door.start().ready()
    took = time.monotonic() - begin
    mill.note(f"ready after {took:.1f} s")
    assert took < 2, took
    assert before == (mill.load.outcomes[504], mill.load.outcomes[500])
