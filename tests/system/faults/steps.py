"""One fault in a running world: break, hold, mend, heal, check."""

import os
import random
import re
import subprocess
import time
import traceback
from dataclasses import asdict, dataclass, field

from system.stack import ROOT

from faults.mill import Skip


@dataclass
class Outcome:
    name: str
    what: str
    expected: str
    phase: str = ""
    result: str = "held"     # or FAILED, skipped
    seconds: float = 0       # of the fault, until it is mended
    heal: float | None = None
    answers: float | None = None   # a second, while it lasts
    verdicts: float | None = None
    memory: dict = field(default_factory=dict)
    accepted: int = 0        # during it, each with its row and shown
    words: list = field(default_factory=list)

    def as_dict(self):
        return asdict(self)


def run(mill, fault, phase):
    """Runs it and returns its Outcome; it never raises for what it finds."""
    outcome = Outcome(fault.name, fault.what, fault.expected, phase)
    mill.notes, mill.undo = [], []
    mill.meter.reset()
    print(f"{time.strftime('%H:%M:%S')} {fault.name:5} {fault.what} …",
          flush=True)
    begin = time.monotonic()
    try:
        (_alone if fault.own else _in_the_world)(mill, fault, outcome)
    except Skip as why:
        outcome.result = "skipped"
        mill.note(str(why))
    except Exception as error:
        outcome.result = "FAILED"
        mill.note(_short(error))
        traceback.print_exc()
        _mend(mill, fault)
    outcome.seconds = outcome.seconds or time.monotonic() - begin
    outcome.words = list(mill.notes)
    outcome.memory = dict(mill.meter.most)
    print(f"{fault.name:5} {outcome.result} {outcome.seconds:.0f} s,"
          f" healed {outcome.heal} {'; '.join(outcome.words)}", flush=True)
    return outcome


def prove(fault, stack):
    """Runs the test that shows it, on servers of its own; beside the world."""
    outcome = Outcome(fault.name, fault.what, fault.expected, "apart")
    begin = time.monotonic()
    words = fault.proof.split()
    if words[0].startswith("tests/"):
        words = [ROOT / "build/venv/bin/python", "-m", "pytest", "-q", "-c",
                 "tests/pytest.ini", "--rootdir", "tests", *words]
    else:
        words[0] = stack.build / "tests" / words[0]
    try:
        done = subprocess.run(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=900, env={**os.environ, "SYSTEM_DIR": str(
                stack.folder.parent / "proofs")})
        # The library's own lines may come after the test's last.
        said = [line.strip("= ") for line in done.stdout.splitlines()
                if re.search(r"[1-9]\d* passed|\bholds;", line)]
        outcome.words = [f"`{fault.proof}`: {said[-1]}"]
        if done.returncode != 0:
            outcome.result = "FAILED"
            print(done.stdout[-5000:], flush=True)
    except (OSError, subprocess.TimeoutExpired, IndexError) as error:
        outcome.result, outcome.words = "FAILED", [_short(error)]
    outcome.seconds = time.monotonic() - begin
    print(f"{fault.name:5} {outcome.result} {outcome.seconds:.0f} s, by"
          f" {'; '.join(outcome.words)}", flush=True)
    return outcome


def _short(error):
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:300]


def _mend(mill, fault):
    """After a failure the next fault finds a whole world all the same."""
    try:
        if fault.own:
            return
        mill.mend()
        mill.healed()
    except Exception as error:
        mill.note(f"does not heal: {_short(error)}")


def _alone(mill, fault, outcome):
    try:
        fault.body(mill)
    finally:
        while mill.undo:
            call, arguments = mill.undo.pop()
            call(*arguments)
        if mill.net:
            mill.net.clear()


def _in_the_world(mill, fault, outcome):
    mark = mill.load.journal.file.tell()
    before = mill.tables()
    known, rows = mill.load.known, mill.written()
    begin = time.monotonic()
    try:
        play(mill, fault)
    finally:
        mill.mend()
    took = outcome.seconds = time.monotonic() - begin
    outcome.answers = (mill.load.known - known) / took
    outcome.heal = mill.healed()
    outcome.verdicts = (mill.written() - rows) / (took + outcome.heal)
    with mill.rest():
        outcome.accepted = _check(mill, fault, mark, before)
    mill.flows(10)


def play(mill, fault, dice=None):
    """Its steps, with the holds it asks for, or shorter ones by dice."""
    if not fault.steps:
        fault.body(mill)
        return
    steps = fault.body(mill)
    answer = None
    try:
        while True:
            seconds = steps.send(answer)
            if dice is not None:
                seconds *= dice.uniform(0.2, 1.2)
            mill.hold(seconds)
            answer = seconds
    except StopIteration:
        pass
    finally:
        steps.close()


def _check(mill, fault, mark, before):
    """At rest: what was accepted during this step has its row, and was seen."""
    accepted = mill.accepted(mark)
    missing = mill.without_row(accepted)
    assert not missing, f"{len(missing)} accepted without a row: {missing[:3]}"
    after = mill.tables()
    assert after["rows"] == after["ledger"] == after["log"], after
    assert after["hashes"] == after["transactions"], after
    if not fault.rejects:
        for kind in ("rejections", "quarantine"):
            assert after[kind] == before[kind], (kind, before, after)
    mill.shown()
    over = mill.meter.over()
    assert not over, over
    return len(accepted)


def storm(mill, faults, dice: random.Random, seconds, at_once=3):
    """Faults by dice for a while, overlapping where they touch other things.

    Returns how often each began. One thread walks them all: each is a list of
    steps with a time at which the next one is due.
    """
    times, running = {}, []
    begin = time.monotonic()
    while running or time.monotonic() < begin + seconds:
        now = time.monotonic()
        if len(running) < at_once and now < begin + seconds:
            taken = {thing for fault, *_ in running for thing in fault.touches}
            free = [f for f in faults if not taken & f.touches]
            if free:
                fault = dice.choice(free)
                times[fault.name] = times.get(fault.name, 0) + 1
                print(f"  {now - begin:5.1f} {fault.name}", flush=True)
                running.append([fault, fault.body(mill), now, None])
        for entry in list(running):
            if now >= entry[2] and not _advance(mill, entry, dice, now):
                running.remove(entry)
        time.sleep(dice.uniform(0.1, 1))
    mill.mend()
    return times


def _advance(mill, entry, dice, now):
    """Its next step. What one fault expects of itself, others may upset: only
    the audit judges here, and whatever it took away comes back."""
    fault, steps, _, held = entry
    try:
        entry[3] = steps.send(held) * dice.uniform(0.1, 1.0)
        entry[2] = now + entry[3]
        return True
    except StopIteration:
        pass
    except (AssertionError, TimeoutError, RuntimeError) as error:
        print(f"        {fault.name}: {_short(error)}", flush=True)
    mill.bring_back(fault.touches)
    return False
