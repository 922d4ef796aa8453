"""A stack of its own for tests: servers on free ports, programs beside them.

    with Stack("build/system/one") as stack:
        stack.init()
        stack.start_all()
        stack.verifiers[0].kill()
        stack.kafka[0].restart()
        assert stack.tidemill("reconcile").returncode == 0

The servers come from deploy/local/up, so there is one recipe for them; the
programs are children of the test and die with it.
"""

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from system.program import Program
from system.server import Server

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / "deploy" / "local"

# The ports that deploy/local/up adds its offset to; three Kafka nodes.
_PORTS = [*range(19092, 19098), 19379, 19432, 18080, 18082,
          *range(18181, 18186)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_offset():
    """All ports below the ephemeral ones, so that no client takes one."""
    for _ in range(200):
        offset = random.randrange(1000, 13000, 10)
        if all(_is_free(port + offset) for port in _PORTS):
            return offset
    raise RuntimeError("no free ports")


class Stack:
    """`build` is the folder of the programs; `settings` go to all of them.

    With `groups` each program runs under a group id of its own, by which a
    packet filter knows it. That takes root.
    """

    GROUPS = range(47001, 47065)

    def __init__(self, folder, nodes=1, build=None, groups=False, **settings):
        self.folder = Path(folder).resolve()
        self.nodes = nodes
        self.build = Path(build or os.environ.get("BUILD_DIR")
                          or ROOT / "build" / "dev").resolve()
        self.settings = settings
        self.env = {}
        self.programs = []
        self.groups = {} if groups else None
        self._fresh = 0
        self.kafka = [Server(self, f"kafka-{n + 1}") for n in range(nodes)]
        self.postgres = Server(self, "postgres")
        self.redis = Server(self, "redis")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    # Servers.

    def start(self):
        """From nothing: what an earlier run left in the folder is removed."""
        self._script("down", "--delete")
        self.offset = _free_offset()
        self.up()
        self._read_env()

    def up(self, only=None):
        """Starts the servers that do not run; returns when all answer.

        `only` kafka, postgres or redis leaves the others as they are.
        """
        what = ["--only", only] if only else ["--stack-only"]
        self._script("up", *what, "--ports-offset", str(self.offset),
                     "--nodes", str(self.nodes))

    def _script(self, name, *arguments):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith("TIDEMILL_")}
        done = subprocess.run(
            [LOCAL / name, "--dir", self.folder, *arguments], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300)
        if done.returncode != 0:
            why = [line for line in done.stdout.splitlines()
                   if " failed after " in line]
            raise RuntimeError(
                f"deploy/local/{name}: {' '.join(why)}\n{done.stdout}")
        return done.stdout

    def _read_env(self):
        kept = ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                "TSAN_OPTIONS")
        self.env = {key: os.environ[key] for key in kept if key in os.environ}
        for line in self._script("env").splitlines():
            key, value = line.split("=", 1)
            self.env[key] = value
        for key, value in self.settings.items():
            self.env[f"TIDEMILL_{key}"] = str(value)

    def close(self):
        for program in self.programs:
            program.clean_up()
        self._script("down")

    def fresh(self, name, partitions=4, **options):
        """Topics and tables of their own, on the servers that run.

        Everything in them belongs to the test that asked. `options` are those
        of `tidemill init`.
        """
        self.stop_all()
        self._fresh += 1
        name = f"{name}_{self._fresh}"
        server, rest = self.database_url.rsplit("/", 1)
        more = "".join(rest.partition("?")[1:])
        with psycopg.connect(f"{server}/postgres{more}",
                             autocommit=True) as admin:
            admin.execute(f'create database "{name}"')
        self.env["DATABASE_URL"] = f"{server}/{name}{more}"
        self.env["TIDEMILL_TOPIC_SUBMITTED"] = f"tx.submitted.{name}"
        self.env["TIDEMILL_TOPIC_RESULTS"] = f"tx.results.{name}"
        self.init(partitions, **options)
        return self

    @property
    def topic_submitted(self):
        return self.env.get("TIDEMILL_TOPIC_SUBMITTED", "tx.submitted")

    @property
    def topic_results(self):
        return self.env.get("TIDEMILL_TOPIC_RESULTS", "tx.results")

    @property
    def brokers(self):
        return self.env["TIDEMILL_KAFKA_BROKERS"]

    @property
    def database_url(self):
        return self.env["DATABASE_URL"]

    @property
    def redis_url(self):
        return self.env["REDIS_URL"]

    @property
    def http_url(self):
        return self.env["TIDEMILL_HTTP_URL"]

    @property
    def gateway_url(self):
        return self.env["TIDEMILL_GATEWAY_URL"]

    def sql(self, query, *arguments):
        """All rows of one statement, on a connection of its own."""
        with psycopg.connect(self.database_url, autocommit=True,
                             connect_timeout=5) as connection:
            done = connection.execute(query, arguments or None)
            return done.fetchall() if done.description else []

    # Programs.

    def tidemill(self, *arguments, check=False, seconds=120, text=True,
                 data=None):
        """Runs the command: a CompletedProcess with stdout and stderr."""
        done = subprocess.run(
            [self.build / "tidemill", *map(str, arguments)], env=self.env,
            input=data, stdin=None if data is not None
            else subprocess.DEVNULL, capture_output=True, text=text,
            timeout=seconds)
        if check and done.returncode != 0:
            raise RuntimeError(f"tidemill {' '.join(map(str, arguments))}: "
                               f"status {done.returncode}\n{done.stdout}"
                               f"\n{done.stderr}")
        return done

    def init(self, partitions=4, **options):
        """Topics and tables."""
        more = [f"--{key.replace('_', '-')}={value}"
                for key, value in options.items()]
        return self.tidemill("init", "--partitions", partitions, *more,
                             check=True)

    def program(self, program, name=None, **settings):
        """Starts one process; `ready()` on it waits."""
        started = Program(self, program, name or program, settings)
        self.programs.append(started)
        return started

    def group_of(self, name):
        """The group id of the program with that name, or None."""
        if self.groups is None:
            return None
        return self.groups.setdefault(name, self.GROUPS[len(self.groups)])

    def producer(self, name="producer", **settings):
        return self._listener("tidemill-producer", name, self.http_url,
                              settings)

    def gateway(self, name="gateway", **settings):
        return self._listener("tidemill-gateway", name, self.gateway_url,
                              settings)

    def _listener(self, program, name, url, settings):
        """The first one has the stack's port, each further one any."""
        port = int(url.rsplit(":", 1)[1])
        if any(p.program == program and p.port == port and p.alive()
               for p in self.programs):
            port = free_port()
        settings.setdefault("LISTEN", f"127.0.0.1:{port}")
        started = self.program(program, name, **settings)
        started.port = port
        started.url = f"http://127.0.0.1:{port}"
        return started

    def verifier(self, name="verifier-1", **settings):
        return self.program("tidemill-verifier", name, **settings)

    def notifier(self, name="notifier", **settings):
        return self.program("tidemill-notifier", name, **settings)

    def start_all(self, verifiers=2, **settings):
        """The whole pipeline, ready; its parts are attributes afterwards."""
        self.door = self.producer(**settings)
        self.verifiers = [self.verifier(f"verifier-{n + 1}", **settings)
                          for n in range(verifiers)]
        self.notify = self.notifier(**settings)
        self.gate = self.gateway(**settings)
        for started in (self.door, *self.verifiers, self.notify, self.gate):
            started.ready()
        return self

    def stop_all(self, seconds=5):
        """Ends every program that runs; the servers stay.

        They are asked first: a verifier that just dies is missed by its group
        for six seconds, and the next test would wait for it.
        """
        running = [p for p in self.programs if p.alive()]
        for program in running:
            program.thaw()
            program.send(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for program in running:
            try:
                program.child.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                program.clean_up()
        self.programs.clear()
