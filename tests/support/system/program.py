"""One tidemill process, run by a test."""

import ctypes
import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

from system import process
from system.wait import wait_until

_LISTENING = re.compile(r"service\.listening\b.*?\bmanagement=(?:\S*:)?(\d+)")
_PAIR = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)')
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_libc = ctypes.CDLL(None)


def _die_with_the_test():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Program:
    """Starts at once; `ready()` waits. Every method is for the test's thread.

    The management port is any free one, read from the log. `settings` are
    TIDEMILL_ names without the prefix, or whole names of others.
    """

    def __init__(self, stack, program, name, settings):
        self.stack = stack
        self.program = program
        self.name = name
        self.settings = settings
        self.log = Path(stack.folder, "log", f"{name}.log")
        self.child = None
        self.output = None     # a descriptor for its lines instead of `log`
        self.build = stack.build
        self.ends = []         # how it ended, each time but the last
        self.tampered = False  # it was ever started with faults inside
        self._log_first = None
        self.start()

    def __repr__(self):
        return f"<program {self.name} pid {self.pid}>"

    @property
    def pid(self):
        return self.child.pid

    def start(self):
        """Starts it (again), with the same settings."""
        assert not self.alive(), f"{self.name} runs already"
        if self.child is not None:
            self.ends.append(self.child.returncode)
        self.tampered |= "LD_PRELOAD" in self.settings
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            if self._log_first is None:
                self._log_first = self._log_start
            output = log if self.output is None else self.output
            self.child = subprocess.Popen(
                [self.build / self.program], cwd="/", stdout=output,
                stderr=output, stdin=subprocess.DEVNULL, env=self.environment(),
                start_new_session=True, preexec_fn=_die_with_the_test,
                group=self.stack.group_of(self.name))
        self._management = None
        return self

    def environment(self):
        env = dict(self.stack.env, TIDEMILL_MANAGEMENT_PORT="0")
        for key, value in self.settings.items():
            known = key in env or key.startswith(
                ("TIDEMILL_", "PG", "LD_"))
            env[key if known else f"TIDEMILL_{key}"] = str(value)
        return env

    def alive(self):
        return self.child is not None and self.child.poll() is None

    # Its end.

    def send(self, number):
        if not self.alive():
            raise ProcessLookupError(f"{self.name} does not run")
        self.child.send_signal(number)

    def kill(self):
        """kill -9: a crash, at any instruction."""
        self.send(signal.SIGKILL)
        return self.wait()

    def stop(self, seconds=30):
        """SIGTERM: it drains. Returns its exit status."""
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=30):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {seconds} s:\n"
                               + self.tail()) from None

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def restart(self):
        self.stop()
        return self.start()

    def clean_up(self):
        """Whatever state it is in, it is gone afterwards."""
        if self.alive():
            self.child.kill()
            self.child.wait()

    # What it says.

    def text(self):
        """Its log since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("ascii", "replace")

    def all_text(self):
        """Its log since it was started first, by this test."""
        with self.log.open("rb") as log:
            log.seek(self._log_first)
            return log.read().decode("ascii", "replace")

    def tail(self, lines=20):
        return "\n".join(self.text().splitlines()[-lines:])

    def events(self, name):
        """The pairs of every log line of that event, as dictionaries."""
        found = []
        for line in self.text().splitlines():
            words = line.split(" ", 3)
            if name in words[:3]:
                found.append({key: value.strip('"')
                              for key, value in _PAIR.findall(line)})
        return found

    def wait_for(self, name, seconds=30, **pairs):
        """Waits for a log line with these pairs and returns all its pairs."""
        wanted = {key: str(value) for key, value in pairs.items()}

        def there():
            for event in self.events(name):
                if wanted.items() <= event.items():
                    return event
            return None
        return self._wait(f"{name} {wanted}", there, seconds)

    def _wait(self, what, condition, seconds):
        """Like wait_until, but gives up when the process has died."""
        def asked():
            try:
                answer = condition()
            except Exception:
                if self.alive():
                    raise
                return "dead"
            return answer or (not self.alive() and "dead")
        try:
            answer = wait_until(f"{self.name}: {what}", asked, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from None
        if answer == "dead":
            raise RuntimeError(f"{self.name} ended with status "
                               f"{self.child.returncode}:\n{self.tail()}")
        return answer

    # Its management port.

    @property
    def management(self):
        if self._management is None:
            match = self._wait("service.listening",
                               lambda: _LISTENING.search(self.text()), 20)
            self._management = int(match.group(1))
        return self._management

    def get(self, path, seconds=5):
        """GET on the management port: the body. Raises on 4xx and 5xx."""
        url = f"http://127.0.0.1:{self.management}{path}"
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return answer.read().decode()

    def ready(self, seconds=60):
        self.management
        self._wait("ready", lambda: self.get("/readyz") is not None, seconds)
        return self

    def status(self):
        """What the program says about itself, as an object."""
        return json.loads(self.get("/status"))["program"]

    def metrics(self):
        """{name: [(labels, value), …]} as Prometheus would read it."""
        found = {}
        for line in self.get("/metrics").splitlines():
            match = _SAMPLE.match(line)
            if match is not None:
                name, labels, value = match.groups()
                found.setdefault(name, []).append(
                    (dict(_LABEL.findall(labels or "")), float(value)))
        return found

    def metric(self, name, **labels):
        """The sum over the series that have these labels; 0 without any."""
        return sum(value for found, value in self.metrics().get(name, ())
                   if labels.items() <= found.items())

    def cpu_seconds(self):
        return process.cpu_seconds(self.pid)

    def resident_bytes(self):
        return process.resident_bytes(self.pid)
