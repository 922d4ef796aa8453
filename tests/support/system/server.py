"""One of Kafka's nodes, PostgreSQL or Redis, started by deploy/local/up."""

import os
import signal
from pathlib import Path

from system import process
from system.wait import wait_until


class Server:
    """Kills, freezes and brings back one server of a stack.

    `start()` lets deploy/local/up start it, with its probes, so a server that
    is back answers and is ours. Servers of another kind are not looked at: they
    may be broken just now, on purpose.
    """

    def __init__(self, stack, name):
        self.stack = stack
        self.name = name

    def __repr__(self):
        return f"<server {self.name}>"

    def _identity(self):
        text = Path(self.stack.folder, "run", f"{self.name}.pid").read_text()
        pid, start, _boot = text.split()
        return int(pid), int(start)

    @property
    def pid(self):
        return self._identity()[0]

    def alive(self):
        try:
            return process.alive(*self._identity())
        except OSError:
            return False

    def send(self, number):
        """Sends a signal, to the process we started and to no other."""
        if not self.alive():
            raise ProcessLookupError(f"{self.name} does not run")
        os.kill(self.pid, number)

    def kill(self):
        """kill -9: a crash."""
        self._end(signal.SIGKILL)

    def stop(self):
        """An orderly stop, as an operator does it."""
        fast = signal.SIGINT if self.name == "postgres" else signal.SIGTERM
        self._end(fast)

    def _end(self, number):
        self.send(number)
        wait_until(f"{self.name} is gone", lambda: not self.alive())

    def freeze(self):
        """SIGSTOP: the machine that answers nothing and closes nothing."""
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def start(self):
        self.stack.up(only=self.name.split("-")[0])

    def restart(self):
        self.stop()
        self.start()
