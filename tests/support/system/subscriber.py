"""A WebSocket client that resumes with its cursor, in a thread of its own.

It keeps every event it was ever sent, in order. When its connection ends it
comes back with the last cursor it saw, as a careful client does.
"""

import json
import threading
import time

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from system.wait import wait_until


class Subscriber:
    def __init__(self, url, channel="transactions", cursor=None, **more):
        self.url = url.replace("http", "ws", 1) + "/v1/ws"
        self.request = {"id": 1, "op": "subscribe", "channel": channel, **more}
        self.cursor = cursor
        self.events = []
        self.connections = []  # the how manieth brought each event
        self.connected = 0
        self.answers = []      # to each subscribe
        self.closed = []       # why each connection ended
        self.arrived = {}      # id -> monotonic seconds
        self._end = threading.Event()
        self._socket = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __repr__(self):
        return f"<subscriber of {self.request['channel']}>"

    def __enter__(self):
        self._thread.start()
        wait_until("the subscription is answered", lambda: self.answers)
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._end.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(10)

    def cut(self):
        """Ends this connection; the next one resumes."""
        self._socket.socket.shutdown(2)

    def ids(self):
        return [event["id"] for event in self.events]

    def wait_for(self, hash, seconds=30, **members):
        """The first event of that transaction."""
        def there():
            for event in self.events:
                if event["hash"] == hash and members.items() <= event.items():
                    return event
            return None
        return wait_until(f"an event of {hash}", there, seconds)

    def _run(self):
        while not self._end.is_set():
            try:
                with connect(self.url, subprotocols=["tidemill.v1.json"],
                             max_size=None, open_timeout=5) as socket:
                    self._socket = socket
                    self.connected += 1
                    self._listen(socket)
            except (OSError, TimeoutError, WebSocketException) as error:
                self.closed.append(repr(error))
                time.sleep(0.1)

    def _listen(self, socket):
        request = dict(self.request)
        if self.cursor is not None:
            request["cursor"] = self.cursor
        socket.send(json.dumps(request))
        for text in socket:
            self._take(json.loads(text))

    def _take(self, message):
        if "error" in message:
            raise AssertionError(f"{self}: {message}")
        if "id" in message:
            self.answers.append(message)
        for event in message.get("events", ()):
            self.arrived.setdefault(event["id"], time.monotonic())
            self.connections.append(self.connected)
            self.events.append(event)
        if message.get("cursor"):
            self.cursor = message["cursor"]
