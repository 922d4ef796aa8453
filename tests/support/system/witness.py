"""Looks while everything runs: at positions, at rows, and through the gateway.

Beside the journal NAME.jsonl it leaves NAME.witness, a line for each look:

    {"at": ms, "positions": [[log, partition, position, announced], …]}
    {"at": ms, "asked": [hash, …], "rows": [[hash, [log, partition, offset],
                                             digest], …]}
    {"at": ms, "get": hash, "row": true, "status": 200, "said": digest}

What cannot be seen, since a server is away, is not written.
"""

import hashlib
import json
import random
import threading
import time
import urllib.error
import urllib.request

import psycopg

EVERY_S = 0.5
SAMPLE = 20
GETS = 3

POSITIONS = """
    select p.log, p.partition, p.position, coalesce(a.announced, 0)
      from (select log, partition, max(to_off) as position
              from (select log, partition, to_off from tidemill.batches
                    union all
                    select log, partition, to_off from tidemill.leaf_counts) x
             group by log, partition) p
      left join tidemill.announced a using (log, partition)"""
ROWS = """
    select encode(hash, 'hex'), log, partition, off,
           md5(sender || payload || signature)
      from tidemill.transactions where hash = any(%s)"""


class Witness:
    """`accepted` is the growing list of hashes that were answered 202."""

    def __init__(self, stack, path, accepted):
        self.stack = stack
        self.database_url = stack.database_url
        self.gateway_url = stack.gateway_url
        self.accepted = accepted
        self.file = path.open("w", buffering=1)
        self.dice = random.Random(1)
        self.written = set()   # hashes whose row was seen
        self.connection = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self, seconds=10):
        self._end.set()
        self._thread.join(seconds)
        if not self._thread.is_alive():
            self.file.close()

    def _run(self):
        while not self._end.wait(EVERY_S):
            self._look()
        self._look()
        if self.connection is not None:
            self.connection.close()

    def _look(self):
        self._look_at_tables()
        self._ask()

    def _write(self, **event):
        event["at"] = time.time_ns() // 1_000_000
        self.file.write(json.dumps(event) + "\n")

    def _look_at_tables(self):
        try:
            if self.connection is None:
                self.connection = psycopg.connect(
                    self.database_url, autocommit=True, connect_timeout=2,
                    application_name="witness",
                    options="-c statement_timeout=2000")
            found = self.connection.execute(POSITIONS).fetchall()
            self._write(positions=[list(map(int, row)) for row in found])
            self._look_at_rows()
        except psycopg.Error:
            if self.connection is not None:
                self.connection.close()
            self.connection = None

    def _look_at_rows(self):
        """Some that were accepted at any time, and the same ones again."""
        count = len(self.accepted)
        if count == 0:
            return
        asked = self.dice.sample(self.accepted[:count], min(SAMPLE, count))
        known = sorted(self.written)
        asked += self.dice.sample(known, min(SAMPLE, len(known)))
        rows = self.connection.execute(
            ROWS, [[bytes.fromhex(hash) for hash in asked]]).fetchall()
        self._write(asked=asked, rows=[[hash, at, digest]
                                       for hash, *at, digest in rows])
        self.written.update(row[0] for row in rows)

    def _ask(self):
        """What the gateway says of a row that is there, and of any."""
        count = len(self.accepted)
        known = sorted(self.written)
        hashes = self.dice.sample(known, min(GETS - 1, len(known)))
        if count > 0:
            hashes.append(self.dice.choice(self.accepted[:count]))
        for hash in hashes:
            try:
                status, body = self._get(hash)
            except OSError:
                return
            self._write(get=hash, row=hash in self.written, status=status,
                        said=hashlib.sha256(body).hexdigest())

    def _get(self, hash):
        url = f"{self.gateway_url}/v1/transactions/eip155:1/0x{hash}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
