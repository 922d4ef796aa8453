"""The fault suite's command; tests/system/faults/run calls it.

    safety    every fault that shares the world, in an order by the seed;
              then a time of overlapping ones by dice
    liveness  one part stays cut off, the rest makes progress; then it heals
    replay    the whole log once more: no new row, no other announcement
    apart     faults that need topics and tables of their own

Each phase ends with the audit: the outside checker over everything.
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from system import Stack
from system.stack import ROOT

from faults import registry, report, steps
from faults.mill import RATE, Mill

RESULTS = Path(__file__).with_name("RESULTS.md")


def arguments():
    a = argparse.ArgumentParser(prog="tests/system/faults/run")
    a.add_argument("--seed", type=int, default=random.randrange(10**6),
                   help="order of the faults, and what the dice do")
    a.add_argument("--only", help="names of faults, with commas between")
    a.add_argument("--short", action="store_true",
                   help="the short form: a fixed part, below five minutes")
    a.add_argument("--list", action="store_true", help="names every fault")
    a.add_argument("--storm", type=int, default=120, metavar="SECONDS",
                   help="of overlapping faults (120; short: 12)")
    a.add_argument("--json", help="the outcomes, for a program")
    a.add_argument("--skip", default="", help="names of faults, with commas")
    a.add_argument("--add", metavar="JSON", action="append", default=[],
                   help="goes on with what an earlier run wrote by --json:"
                   " runs what has not held yet")
    a.add_argument("--results", help="where RESULTS.md is written; by"
                   " default beside the suite, after a full run")
    return a.parse_args()


def chosen(options, held):
    """The faults of this run: shared ones in seeded order, then the others."""
    faults = sorted(registry.load().values(), key=lambda f: f.number)
    if options.only:
        names = options.only.split(",")
        unknown = set(names) - {f.name for f in faults}
        if unknown:
            sys.exit(f"no such fault: {', '.join(sorted(unknown))}")
        faults = [f for f in faults if f.name in names]
    elif options.short:
        faults = [f for f in faults if f.short]
    else:
        faults = [f for f in faults if f.name not in held]
    faults = [f for f in faults if f.name not in options.skip.split(",")]
    shared = [f for f in faults
              if not f.own and (options.only or not f.lasting)]
    random.Random(options.seed).shuffle(shared)
    return shared, [f for f in faults if f.own]


def earlier(options):
    """What earlier runs wrote: their seeds, versions, outcomes, audits."""
    all = {"seeds": [], "outcomes": [], "audits": [], "versions": {}}
    for path in options.add:
        found = json.loads(Path(path).read_text())
        all["seeds"] += found["seeds"]
        failed = [o["name"] for o in found["outcomes"]
                  if o["result"] == "FAILED"]
        for audit in found["audits"]:
            # What had failed before it may be what it found.
            audit.setdefault("failed", failed if audit["wrong"] else [])
        all["audits"] += found["audits"]
        all["versions"].update(found.get("versions", {}))
        all["outcomes"] += [steps.Outcome(**o) for o in found["outcomes"]]
    return all


class Run:
    def __init__(self, options):
        self.options = options
        self.before = earlier(options)
        self.held = {o.name for o in self.before["outcomes"]
                     if o.result == "held"}
        self.versions = self.before["versions"]
        self.shared, self.apart = chosen(options, self.held)
        self.outcomes = []
        self.proved = []
        self.audits = []
        self.storms = {}
        self.begin = time.time()

    def __call__(self, folder):
        with ExitStack() as servers:
            stack = servers.enter_context(Stack(
                folder / "stack", nodes=3, groups=self.have("net")))
            self.mill = Mill(stack, net=self.net(stack))
            servers.callback(self.mill.meter.close)
            for manager in registry.AROUND:
                servers.enter_context(manager(self.mill))
            self.versions = report.versions(stack)
            # Tests that prove a fault by themselves run beside all the rest.
            proofs = threading.Thread(target=self.prove, daemon=True)
            proofs.start()
            if self.shared:
                self.in_one_world()
            for fault in self.apart:
                if fault.proof is None:
                    self.take(fault, "apart")
            proofs.join()

    def prove(self):
        for fault in self.apart:
            if fault.proof is not None:
                self.proved.append(steps.prove(fault, self.mill.stack))

    def have(self, thing):
        """Does this machine have what a fault needs?"""
        if thing == "net":
            return os.environ.get("FAULTS_NET") == "1"
        return getattr(self.mill, thing, None) is not None

    def net(self, stack):
        if not self.have("net"):
            return None
        from faults.net import Net
        return Net(stack)

    def in_one_world(self):
        with self.mill.world("safety"):
            for fault in self.shared:
                self.take(fault, "safety")
            # The short form has one audit, at its end.
            if not self.options.short:
                self.audit("safety")
            if not self.options.only:
                self.phases()

    @property
    def everything(self):
        """Outcomes of this run and of those before; the last one counts."""
        return list({o.name: o for o in
                     self.before["outcomes"] + self.outcomes}.values())

    @property
    def all_audits(self):
        return self.before["audits"] + self.audits

    @property
    def seeds(self):
        now = [self.options.seed] if self.outcomes else []
        return self.before["seeds"] + now

    @property
    def rate(self):
        return self.mill.rate if self.outcomes else RATE

    def phases(self):
        from faults import phases
        if {"dice", "replay"} <= self.held:
            return
        phases.storm(self)
        if not self.options.short:
            phases.liveness(self)
        phases.replay(self)

    def take(self, fault, phase):
        lacking = [n for n in sorted(fault.needs) if not self.have(n)]
        if lacking:
            outcome = steps.Outcome(
                fault.name, fault.what, fault.expected, phase, "skipped",
                words=[f"this machine has no {', '.join(lacking)}"])
            print(f"!!! {fault.name} SKIPPED: {outcome.words[0]}", flush=True)
        else:
            outcome = steps.run(self.mill, fault, phase)
        self.outcomes.append(outcome)

    def audit(self, phase):
        """The outside checker over everything, whatever it finds."""
        audit = {"phase": phase, "counts": {}, "lines": [], "wrong": None}
        try:
            seen = self.mill.audit()
            audit["counts"] = dict(seen.counts)
            audit["lines"] = list(getattr(seen, "balance", []))
            print(f"audit after {phase}: {audit['counts']}", flush=True)
        except Exception as error:
            audit["wrong"] = str(error)
            print(f"audit after {phase} FAILED: {error}", flush=True)
        self.audits.append(audit)

    @property
    def failed(self):
        return (sum(o.result == "FAILED" for o in self.outcomes)
                + sum(a["wrong"] is not None for a in self.audits))


def main():
    options = arguments()
    if options.list:
        for f in sorted(registry.load().values(), key=lambda f: f.number):
            marks = "".join(letter for letter, on in (
                ("s", f.short), ("d", f.dice), ("o", f.own)) if on)
            print(f"{f.name:5} {marks:3} {f.what}: {f.expected}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {options.seed}", flush=True)
    run = Run(options)
    folder = Path(os.environ.get("SYSTEM_DIR", ROOT / "build/system/faults"))
    try:
        # With nothing left to run, what was run is written once more.
        if run.shared or run.apart:
            run(folder.resolve() / "faults")
    finally:
        if run.outcomes or run.proved or not (run.shared or run.apart):
            write(run)
    counts = {r: sum(o.result == r for o in run.outcomes)
              for r in ("held", "FAILED", "skipped")}
    print(f"{counts['held']} passed, {run.failed} failed,"
          f" {counts['skipped']} skipped")
    return 1 if run.failed else 0


def write(run):
    options = run.options
    run.outcomes += [o for o in run.proved if o not in run.outcomes]
    if options.json:
        Path(options.json).write_text(json.dumps(
            {"seed": options.seed, "seeds": run.seeds,
             "versions": run.versions,
             "outcomes": [o.as_dict() for o in run.everything],
             "audits": run.all_audits}, indent=1))
    if options.results or not (options.only or options.short):
        report.write(run, Path(options.results or RESULTS))


if __name__ == "__main__":
    sys.exit(main())
