"""Many WebSocket clients in one thread, each of one account, each with a cursor.

They speak just enough of RFC 6455 to be cheap: two thousand of them cost less
than one that decodes everything. A client that is cut off comes again with its
last cursor, after a random pause that grows, as the documents ask of clients.
"""

import asyncio
import base64
import json
import os
import random
import re
import struct
import threading
import time
from urllib.parse import urlsplit

_IDS = re.compile(rb'"id":"(\d+-\d+-\d+)"')
_CURSOR = re.compile(rb'"cursor":"([-_A-Za-z0-9]+)"')
_RECOVERED = re.compile(rb'"recovered":(true|false)')


def frame(text, opcode=1):
    """One masked frame, as a client sends it; shorter than 64 KiB."""
    data = text.encode() if isinstance(text, str) else text
    mask = os.urandom(4)
    head = (struct.pack("!BB", 0x80 | opcode, 0x80 | len(data))
            if len(data) < 126
            else struct.pack("!BBH", 0x80 | opcode, 0xfe, len(data)))
    body = bytes(b ^ mask[n % 4] for n, b in enumerate(data))
    return head + mask + body


def handshake(host, port):
    key = base64.b64encode(os.urandom(16)).decode()
    return (f"GET /v1/ws HTTP/1.1\r\nHost: {host}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: tidemill.v1.json\r\n\r\n").encode()


async def read_frame(reader):
    """(opcode, payload)"""
    first, length = await reader.readexactly(2)
    if length == 126:
        length, = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        length, = struct.unpack("!Q", await reader.readexactly(8))
    return first & 15, await reader.readexactly(length)


class Client:
    def __init__(self, channel):
        self.channel = channel
        self.cursor = None
        self.ids = set()
        self.live = False
        self.resumed = False   # this connection came with a cursor
        self.lost = 0          # of those: how many could not go on
        self.times = 0         # it was connected
        self.writer = None


class Crowd:
    """`pause` is the first of its growing pauses, in seconds; 0: none."""

    def __init__(self, url, channels, pause=0.2):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.clients = [Client(channel) for channel in channels]
        self.pause = pause
        self.refused = 0
        self._ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(60)
        assert not self._thread.is_alive(), "listeners that do not end"

    @property
    def live(self):
        """How many are subscribed just now."""
        return sum(client.live for client in self.clients)

    def cut(self):
        """All connections at once, from the clients' side."""
        def do():
            for client in self.clients:
                if client.writer is not None:
                    client.writer.transport.abort()
        self._loop.call_soon_threadsafe(do)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._tasks = [self._loop.create_task(self._stay(client))
                       for client in self.clients]
        try:
            self._loop.run_until_complete(
                asyncio.gather(*self._tasks, return_exceptions=True))
        finally:
            self._loop.close()

    def _stop(self):
        self._ended = True
        for task in self._tasks:
            task.cancel()

    async def _stay(self, client):
        pause = self.pause
        # asyncio.wait_for() may lose a cancellation in Python 3.11.
        while not self._ended:
            begin = time.monotonic()
            try:
                await self._listen(client)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError,
                    ConnectionError):
                self.refused += 1
            finally:
                client.live = False
                if client.writer is not None:
                    client.writer.transport.abort()
                    client.writer = None
            pause = self.pause if time.monotonic() > begin + 5 else \
                min(pause * 2, 5)
            await asyncio.sleep(random.uniform(0, pause))

    async def _listen(self, client):
        reader, client.writer = await asyncio.wait_for(
            asyncio.open_connection(self.host, self.port), 15)
        client.writer.write(handshake(self.host, self.port))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head[:40])
        request = {"id": 1, "op": "subscribe", "channel": client.channel}
        client.resumed = client.cursor is not None
        if client.resumed:
            request["cursor"] = client.cursor
        client.writer.write(frame(json.dumps(request)))
        client.times += 1
        while not self._ended:
            opcode, payload = await read_frame(reader)
            if opcode == 9:
                client.writer.write(frame(payload, 10))
            elif opcode == 8:
                raise ConnectionError(payload)
            else:
                self._take(client, payload)

    @staticmethod
    def _take(client, payload):
        answer = _RECOVERED.search(payload[:120])
        if answer is not None and payload.startswith(b'{"id":'):
            client.live = True
            client.lost += client.resumed and answer[1] == b"false"
        else:
            client.ids.update(id.decode() for id in _IDS.findall(payload))
        for cursor in _CURSOR.findall(payload[-400:]):
            client.cursor = cursor.decode()
