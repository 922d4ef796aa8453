"""A load that remembers, on disk, every attempt and what became of it.

Each line is one event, written before the next thing happens:

    {"n": 1, "at": ms, "hash": "0x…", "sender": "0x…", "raw": "0x…"}   an attempt
    {"n": 1, "at": ms, "status": 202, "partition": 3, "offset": 17}    its answer
    {"n": 2, "at": ms, "cut": "ConnectionResetError(…)"}               no answer

A transaction whose outcome is unknown (503, 504, no answer) is sent again, as
the door says it may be, until the outcome is known.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from pathlib import Path

from system.door import Door
from system.signing import Account
from system.witness import Witness

KNOWN = (200, 202)


class Journal:
    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w", buffering=1)
        self.count = 0

    def attempt(self, tx):
        self.count += 1
        self._write(n=self.count, hash=tx.hash_hex, sender=tx.sender_hex,
                    raw=tx.hex)
        return self.count

    def answer(self, n, answer):
        found = {}
        if answer.status in KNOWN:
            body = answer.json()
            found = {key: body[key]
                     for key in ("hash", "partition", "offset")}
        self._write(n=n, status=answer.status, **found)

    def cut(self, n, error):
        self._write(n=n, cut=repr(error))

    def _write(self, **event):
        event["at"] = time.time_ns() // 1_000_000
        self.file.write(json.dumps(event) + "\n")

    def close(self):
        self.file.close()


def read_journal(path):
    """The attempts with their outcomes: {n: dict}."""
    attempts = {}
    with open(path) as lines:
        for line in lines:
            event = json.loads(line)
            n = event.pop("n")
            if "raw" in event:
                attempts[n] = event
            else:
                event["answered_at"] = event.pop("at")
                event.pop("hash", None)
                attempts[n].update(event)
    return attempts


class Load:
    """Sends fresh transactions at a rate from a thread of its own.

        with Load(stack, rate=300) as load:
            stack.verifiers[0].kill()
            …
        load.outcomes      {202: 2961, "cut": 12, 503: 40}

    Leaving the block waits until the outcome of all of them is known. Beside
    the journal, a witness keeps what it saw meanwhile (witness.py).
    """

    def __init__(self, stack, rate=200, connections=16, accounts=50,
                 name="load", make=None):
        self.url = stack.http_url
        self.rate = rate
        self.connections = connections
        self.make = make or self._fresh
        self.accounts = [Account(f"{name} {n}") for n in range(accounts)]
        self.journal = Journal(stack.folder / "journal" / f"{name}.jsonl")
        self.outcomes = Counter()
        self.accepted = []     # hashes, without 0x
        self.witness = Witness(
            stack, self.journal.path.with_suffix(".witness"), self.accepted)
        self.made = 0
        self.known = 0
        self.trouble = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.witness.start()
        return self

    def __exit__(self, kind, *_):
        self.finish(5 if kind else 90)

    def _fresh(self, n):
        account = self.accounts[n % len(self.accounts)]
        return account.sign(type=n % 3, amount=n + 1)

    def finish(self, seconds=90):
        """No new ones; waits for what is under way."""
        self._stop.set()
        self._thread.join(seconds)
        self.journal.close()
        self.witness.stop()
        assert not self._thread.is_alive(), \
            f"{self.made - self.known} outcomes unknown: {self.outcomes}"
        if self.trouble is not None:
            raise self.trouble

    def _run(self):
        try:
            asyncio.run(self._load())
        except Exception as error:
            self.trouble = error

    async def _load(self):
        queue = asyncio.Queue(maxsize=4096)
        workers = [asyncio.create_task(self._work(queue))
                   for _ in range(self.connections)]
        due, last = self.made, time.monotonic()
        while not self._stop.is_set():
            rate, now = self.rate, time.monotonic()  # others change the rate
            due, last = due + (now - last) * rate, now
            # What could not be sent in an outage is not sent in one burst.
            if due - self.made > max(rate, 1):
                due = self.made
            while self.made < int(due) and not queue.full():
                queue.put_nowait(self.make(self.made))
                self.made += 1
            await asyncio.sleep(0.01)
        for _ in workers:
            await queue.put(None)
        await asyncio.gather(*workers)

    async def _work(self, queue):
        door = Door(self.url)
        while (tx := await queue.get()) is not None:
            while not await self._attempt(door, tx):
                await asyncio.sleep(0.1)
            self.known += 1
        door.close()

    async def _attempt(self, door, tx):
        n = self.journal.attempt(tx)
        try:
            answer = await door.post("/v1/transactions", tx.raw)
        except (OSError, asyncio.TimeoutError) as error:
            self.journal.cut(n, error)
            self.outcomes["cut"] += 1
            return False
        self.journal.answer(n, answer)
        self.outcomes[answer.status] += 1
        if answer.status in KNOWN:
            self.accepted.append(tx.hash.hex())
        return answer.status not in (503, 504)
