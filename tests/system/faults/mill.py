"""The world that is broken: three brokers, all programs, a load, subscribers.

    mill.stack      servers: stack.kafka[0..2], stack.postgres, stack.redis
    mill.door, mill.verifiers[0..2], mill.notifier, mill.gates[0..1]
    mill.load       sends all the time; mill.watching, a subscriber a gateway
    mill.net        cuts and delays for one program, or None without it
"""

import asyncio
import inspect
import json
import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from system import Load, Subscriber, check, wait_at_rest, wait_until
from system.door import Door

from faults.measure import Meter

RATE = 100
VERIFIERS = 3
SETTINGS = {"LEAF_ROWS": 5000}


def log_count(brokers, topic):
    """Records of a topic that nothing was ever deleted from."""
    reader = Consumer({"bootstrap.servers": brokers, "group.id": "counter"})
    try:
        numbers = reader.list_topics(topic, timeout=30).topics[topic]
        return wait_until(f"offsets of {topic}", lambda: 1 + sum(
            high - low for low, high in (
                reader.get_watermark_offsets(TopicPartition(topic, number),
                                             timeout=5)
                for number in numbers.partitions))) - 1
    finally:
        reader.close()


class Skip(Exception):
    """This machine cannot do it; the words say what is missing."""


class Mill:
    def __init__(self, stack, rate=RATE, net=None):
        self.stack = stack
        self.rate = rate
        self.net = net
        self.meter = Meter()
        self.notes = []
        self.undo = []
        self.worlds = 0
        self.standby = None
        older = os.environ.get("FAULTS_OLDER_BUILD")
        self.older = Path(older).resolve() if older else None

    # The world.

    @contextmanager
    def world(self, name, verifiers=VERIFIERS, partitions=4, load=True,
              programs=True, fresh=True, init=None, **settings):
        """Topics, tables, programs, load and subscribers of their own."""
        self.worlds += 1
        if fresh:
            self.stack.fresh(name.lower(), partitions, **(init or {}))
        with ExitStack() as inside:
            if programs:
                self.start(verifiers, **settings)
            inside.callback(self.stack.stop_all)
            if programs:
                self.watching = [
                    inside.enter_context(Subscriber(gate.url))
                    for gate in self.gates]
            self.load = None
            if load:
                self.load = inside.enter_context(
                    Load(self.stack, self.rate, connections=64,
                         name=f"{name}-{self.worlds}"))
                self.flows()
            yield self
            if self.load:
                self.load.rate = self.rate

    def start(self, verifiers=VERIFIERS, **settings):
        stack = self.stack
        self.settings = settings = {**SETTINGS, **settings}
        self.door = stack.producer(**settings)
        self.verifiers = [stack.verifier(f"verifier-{n + 1}", **settings)
                          for n in range(verifiers)]
        self.notifier = stack.notifier(**settings)
        self.gates = [stack.gateway(f"gateway-{n + 1}", **settings)
                      for n in range(2)]
        for program in self.programs:
            program.ready()
        self.meter.watch(stack)

    @property
    def programs(self):
        return [self.door, *self.verifiers, self.notifier, *self.gates]

    # What a fault says and asks.

    def note(self, words):
        self.notes.append(words)

    def later(self, call, *arguments):
        """Undone when the fault ends, however it ends; the last one first."""
        self.undo.append((call, arguments))

    def mend(self):
        """Everything that a fault left broken is whole again."""
        while self.undo:
            call, arguments = self.undo.pop()
            try:
                call(*arguments)
            except Exception as error:
                self.note(f"mending: {error!r}")
        if self.net:
            self.net.clear()
        servers = [*self.stack.kafka, self.stack.postgres, self.stack.redis]
        for server in servers:
            if server.alive():
                server.thaw()
        if not all(server.alive() for server in servers):
            self.stack.up()
        for program in self.programs:
            if program.alive():
                program.thaw()
            else:
                program.start()

    def bring_back(self, names):
        """Those programs and servers run, whoever stopped them."""
        things = {server.name: server for server in
                  [*self.stack.kafka, self.stack.postgres, self.stack.redis]}
        things |= {program.name: program for program in self.programs}
        things["door"] = self.door
        for name in names & things.keys():
            if things[name].alive():
                things[name].thaw()
            else:
                things[name].start()

    def hold(self, seconds):
        time.sleep(seconds)

    def flows(self, count=None, seconds=60):
        """Waits until that many more transactions have their answer."""
        before = self.load.known
        count = count or self.rate // 2
        wait_until("answers come", lambda: self.load.known >= before + count,
                   seconds)

    def written(self):
        """How many records have their rows, by the ledger."""
        found = self.stack.sql(
            "select coalesce(sum(verified + rejected + duplicates"
            " + quarantined), 0)::bigint from tidemill.batches")
        return found[0][0]

    def writes(self, count=None, seconds=60):
        """Waits until that many more records have their rows."""
        before = self.written()
        count = count or self.rate // 2
        wait_until("rows come", lambda: self.written() >= before + count,
                   seconds, every=0.2)

    def post(self, signed, seconds=15, url=None):
        """One transaction, outside the load: (answer or None, seconds)."""
        async def once():
            door = Door(url or self.stack.http_url, seconds)
            try:
                return await door.post("/v1/transactions", signed.raw)
            except (OSError, asyncio.TimeoutError):
                return None
            finally:
                door.close()
        begin = time.monotonic()
        return asyncio.run(once()), time.monotonic() - begin

    # What this step's own part of the journal and the tables say.

    def accepted(self, mark):
        """{hash: (partition, offset)} of what was accepted since the mark."""
        found = {}
        self.load.journal.file.flush()
        with self.load.journal.path.open() as journal:
            journal.seek(mark)
            for line in journal:
                event = json.loads(line)
                if event.get("status") in (200, 202):
                    found[event["hash"]] = event["partition"], event["offset"]
        return found

    def without_row(self, accepted):
        """Those hashes that have no row, though they were accepted."""
        stored = {"0x" + hash.hex() for hash, in self.stack.sql(
            "select hash from tidemill.transactions where hash = any(%s)",
            [bytes.fromhex(hash[2:]) for hash in accepted])}
        return sorted(set(accepted) - stored)

    def tables(self):
        """Counts: rows of each kind, ledger, and records in the log."""
        names = ("transactions", "rejections", "duplicates", "quarantine")
        counts = {name: self.stack.sql(
            f"select count(*) from tidemill.{name}")[0][0] for name in names}
        counts["rows"] = sum(counts.values())
        counts["hashes"], = self.stack.sql(
            "select count(distinct (chain, hash)) from tidemill.transactions"
            )[0]
        counts["ledger"] = self.written()
        counts["log"] = log_count(self.stack.brokers,
                                  self.stack.topic_submitted)
        return counts

    def results_count(self):
        """Announcements in the results topic."""
        return log_count(self.stack.brokers, self.stack.topic_results)

    # Rest and audit.

    def waiting(self):
        """Records that wait to be judged or announced, of all partitions."""
        done = self.stack.tidemill("lag", "--json", check=True, seconds=20)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return sum(line["behind"] + line["unannounced"] for line in lines)

    def healed(self, seconds=120):
        """Waits until all are ready and no more than 0.2 s of load waits."""
        begin = time.monotonic()
        for program in self.programs:
            left = seconds - (time.monotonic() - begin)
            program.ready(max(1, left))
        left = seconds - (time.monotonic() - begin)
        wait_until("nothing waits",
                   lambda: self.waiting() <= self.rate // 5,
                   max(1, left), every=0.1)
        return time.monotonic() - begin

    @contextmanager
    def rest(self, seconds=60):
        """The load pauses; everything that was sent is known and written."""
        rate, self.load.rate = self.load.rate, 0
        try:
            wait_until("every outcome is known",
                       lambda: self.load.made == self.load.known, seconds)
            wait_at_rest(self.stack, seconds)
            yield
        finally:
            self.load.rate = rate

    def audit(self):
        """The outside checker over all of it; returns what it has seen."""
        with self.rest():
            self.shown()
            # A checker that tells apart what a lossy failover and a killed
            # process explain is told that there were some.
            allowed = {name: value for name, value in (
                ("lossy", self.standby is not None), ("crashes", True))
                if name in inspect.signature(check).parameters}
            return check(self.stack, journals=[self.load.journal.path],
                         subscribers=self.watching, **allowed)

    def shown(self, seconds=60):
        """Every subscriber has as many different events as there are rows."""
        rows = self.written()
        for watching in self.watching:
            wait_until(f"{watching} has all {rows}", lambda: len(
                set(watching.arrived)) >= rows, seconds, every=0.1)
