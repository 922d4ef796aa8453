"""How much memory each program takes, and how much it may (I17)."""

import threading
from collections import defaultdict

MIB = 1 << 20

# What a program may hold at most, whatever happens to it: its windows and
# queues at their limits, its libraries' buffers, and room for an allocator.
CAPS = {"tidemill-producer": 192 * MIB, "tidemill-verifier": 384 * MIB,
        "tidemill-notifier": 192 * MIB, "tidemill-gateway": 256 * MIB}


class Meter:
    """Looks at every program four times a second, from a thread of its own."""

    def __init__(self):
        self.most = defaultdict(int)   # since reset(), by kind of program
        self.stack = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def watch(self, stack):
        self.stack = stack
        if not self._thread.is_alive():
            self._thread.start()

    def reset(self):
        self.most.clear()

    def close(self):
        self._end.set()

    def _run(self):
        while not self._end.wait(0.25):
            for program in list(self.stack.programs):
                try:
                    bytes = program.resident_bytes()
                except (OSError, AttributeError, IndexError):
                    continue
                kind = program.program
                self.most[kind] = max(self.most[kind], bytes)

    def over(self):
        """Words for every program that passed its cap."""
        return [f"{kind} took {bytes / MIB:.0f} MiB of {CAPS[kind] // MIB}"
                for kind, bytes in self.most.items()
                if bytes > CAPS.get(kind, 1 << 62)]
