"""Faults of the front door."""

import json
import os
import socket
import subprocess
import time

from system import wait_until

from faults.registry import fault


@fault("F1", "kill -9 of the door under load",
       "requests under way are cut, nothing else; ready again within 3 s",
       touches="door", short=True, dice=True)
def killed(mill):
    before = mill.load.outcomes[504], mill.load.outcomes[500]
    mill.door.kill()
    yield 1
    begin = time.monotonic()
    mill.door.start().ready()
    took = time.monotonic() - begin
    mill.note(f"ready after {took:.1f} s")
    assert took < 3, took
    assert before == (mill.load.outcomes[504], mill.load.outcomes[500])


@fault("F2", "SIGTERM to the door under load",
       "what it has begun it answers; exit 0",
       touches="door", short=True, dice=True)
def stopped(mill):
    mark = mill.load.journal.file.tell()
    assert mill.door.stop() == 0
    yield 1
    mill.door.start().ready()
    cuts = [event["cut"] for event in events(mill, mark) if "cut" in event]
    reset = [cut for cut in cuts if "Refused" not in cut]
    mill.note(f"{len(cuts) - len(reset)} connections refused,"
              f" {len(reset)} requests met a closed one")
    # An idle connection is closed while a request is on its way to it: at
    # most one for each connection of the load.
    assert len(reset) <= mill.load.connections, reset[:3]


def events(mill, mark):
    with mill.load.journal.path.open() as journal:
        journal.seek(mark)
        return [json.loads(line) for line in journal if line.endswith("\n")]


@fault("F3", "SIGSTOP of the door for 20 s",
       "clients give up; a late 202 only for what is stored; no crash",
       touches="door", dice=True)
def frozen(mill):
    pid = mill.door.pid
    mill.door.freeze()
    mill.later(mill.door.thaw)
    yield 20
    mill.door.thaw()
    mill.flows(10, 20)
    assert mill.door.pid == pid and mill.door.alive()


@fault("F5", "the door has no descriptor left, for 10 s",
       "accepting pauses without a busy loop, open connections are served",
       touches="door", short=True)
def no_descriptors(mill):
    pid = mill.door.pid
    highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))
    descriptors(mill.door, highest + 5)
    mill.later(descriptors, mill.door, 1024)
    knocking = [socket.create_connection(("127.0.0.1", mill.door.port))
                for _ in range(40)]
    try:
        yield 2
        before = mill.door.cpu_seconds()
        mill.flows(50, 20)
        yield 5
        busy = (mill.door.cpu_seconds() - before) / 5
        mill.note(f"{busy * 100:.0f} % of a core meanwhile")
        assert busy < 0.4, busy
    finally:
        for one in knocking:
            one.close()
    descriptors(mill.door, 1024)
    yield 1
    wait_until("a new connection is served", lambda: socket.create_connection(
        ("127.0.0.1", mill.door.port), 2).close() is None, 10)


def descriptors(program, most):
    """Only who is of its group may change a program's limits."""
    subprocess.run(["prlimit", f"--pid={program.pid}", f"--nofile={most}:"],
                   group=program.stack.group_of(program.name), check=True)


@fault("F15", "a door and a verifier want TLS where the brokers have none",
       "not ready, said in the log, alive, and no storm of attempts",
       touches="extra")
def wrong_security(mill):
    wrong = [mill.stack.producer("door-wrong", **mill.settings,
                                 KAFKA_SECURITY_PROTOCOL="ssl"),
             mill.stack.verifier("verifier-wrong", **mill.settings,
                                 KAFKA_SECURITY_PROTOCOL="ssl")]
    for program in wrong:
        mill.later(program.clean_up)
        program.management
    yield 6
    for program in wrong:
        assert program.alive() and program.get("/livez") is not None
        assert not is_ready(program), program
        lines = program.text().splitlines()
        assert any("ssl" in line.lower() for line in lines), lines[-5:]
        assert len(lines) < 200, len(lines)
        mill.note(f"{program.name} said {len(lines)} lines")
        program.kill()


def is_ready(program):
    try:
        program.get("/readyz")
    except OSError:
        return False
    return True
