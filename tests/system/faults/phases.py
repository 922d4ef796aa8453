"""What is done to the world beside one named fault after the other."""

import random
import time

from faults import registry, steps
from faults.steps import Outcome


def storm(run):
    """Safety, second part: overlapping faults by dice."""
    options = run.options
    seconds = 12 if options.short else options.storm
    faults = [f for f in sorted(registry.FAULTS.values(),
                                key=lambda f: f.number)
              if f.dice and not f.own and all(map(run.have, f.needs))]
    outcome = Outcome("dice", f"{seconds} s of overlapping faults by the seed",
                      "all of it heals and the audit agrees", "random")

    def body(mill):
        run.storms = steps.storm(mill, faults, random.Random(options.seed),
                                 seconds)
        mill.note(", ".join(f"{n} {times}x" for n, times
                            in sorted(run.storms.items())))
    _phase(run, outcome, body)
    if not options.short:
        run.audit("random")


def liveness(run):
    """A part stays away: the rest goes on without it; then it is back."""
    for fault in registry.FAULTS.values():
        if fault.lasting:
            run.take(fault, "liveness")
    run.audit("liveness")


def replay(run):
    """The whole log once more, over a world in which nothing is missing."""
    outcome = Outcome("replay", "`tidemill replay --execute` over the whole log",
                      "no new row, no new announcement", "replay")

    def body(mill):
        with mill.rest():
            before = mill.tables()
            results = mill.results_count()
            begin = time.monotonic()
            done = mill.stack.tidemill("replay", "--execute", "--rate", 0,
                                       check=True, seconds=600)
            mill.note(f"{before['log']} records in"
                      f" {time.monotonic() - begin:.1f} s")
            assert mill.tables() == before, done.stdout
            assert mill.results_count() == results, done.stdout
    _phase(run, outcome, body)
    run.audit("replay")


def _phase(run, outcome, body):
    """Like one fault, around a function of its own."""
    made = registry.Fault(outcome.name, outcome.what, outcome.expected, body)
    run.outcomes.append(steps.run(run.mill, made, outcome.phase))
