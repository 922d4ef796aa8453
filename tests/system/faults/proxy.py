"""A TCP proxy that is slow on purpose, in a thread of its own."""

import asyncio
import random
import socket
import threading

CHUNK = 16384


class Proxy:
    """Passes bytes to 127.0.0.1:`target`, each direction in its order.

    `there` and `back` are seconds that bytes take to the server and from it,
    `jitter` is added by dice, `rate` limits bytes a second of each direction.
    What it has taken arrives even when the sender is dead meanwhile.
    """

    def __init__(self, target, there=0.0, back=0.0, jitter=0.0, rate=None,
                 seed=0):
        self.target = target
        self.delays = {"there": there, "back": back}
        self.jitter, self.rate = jitter, rate
        self.dice = random.Random(seed)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.loop = asyncio.new_event_loop()
        self.writers = set()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        # Connections that end while they wait have nothing to say.
        self.loop.set_exception_handler(lambda *_: None)
        self.loop.run_until_complete(
            asyncio.start_server(self._serve, sock=self.socket))
        self.loop.run_forever()
        self.loop.close()

    async def _serve(self, reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1",
                                                        self.target)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, back}
        await asyncio.gather(self._pass(reader, back, "there"),
                             self._pass(there, writer, "back"))
        self.writers -= {writer, back}

    async def _pass(self, reader, writer, way):
        queue = asyncio.Queue(maxsize=1024)
        await asyncio.gather(self._take(reader, queue, way),
                             self._give(queue, writer))

    async def _take(self, reader, queue, way):
        """Notes for every chunk when it is due at the other side."""
        free = 0.0
        while True:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            due = (self.loop.time() + self.delays[way]
                   + self.dice.uniform(0, self.jitter))
            if self.rate:
                free = max(free, self.loop.time()) + len(chunk) / self.rate
                due = max(due, free)
            await queue.put((due, chunk))
            if not chunk:
                return

    async def _give(self, queue, writer):
        last = False
        while not last:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0, due - self.loop.time()))
            last = not chunk
            try:
                if last:
                    writer.close()
                else:
                    writer.write(chunk)
                    await writer.drain()
            except OSError:
                continue  # the rest is taken, and goes nowhere

    def close(self):
        """Everything that goes through it is cut."""
        def end():
            for writer in self.writers:
                writer.transport.abort()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.1, self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(5)
        self.socket.close()
