"""A PostgreSQL that follows the stack's by streaming, and takes its place.

    with Pair(stack) as pair:            # builds the standby, sets DATABASE_URL
        stack.fresh("failover")
        ...
        pair.cut()                       # from here on it hears of nothing
        ...                              # commits that will be lost
        lost = pair.fail_over()          # kill -9, promote
        pair.rebuild()                   # the old one, from nothing, follows

The programs get both addresses and `target_session_attrs=read-write`, as one
would give them to libpq, and find the primary by themselves.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from system import process
from system.server import Server
from system.wait import wait_until


def _free_port():
    from system.stack import free_port
    return free_port()


class Node(Server):
    """One of the two: `postgres` is the stack's own, `standby` is ours."""

    def __init__(self, stack, name, port, data, command):
        super().__init__(stack, name)
        self.port = port
        self.data = data
        self.command = command       # of the stack's, as /proc has it
        self.child = None
        self.frozen = ()

    def connect(self, database="postgres", seconds=5):
        return psycopg.connect(
            f"postgresql://tidemill@127.0.0.1:{self.port}/{database}",
            autocommit=True, connect_timeout=seconds)

    def ask(self, query, *arguments, database="postgres"):
        with self.connect(database) as connection:
            done = connection.execute(query, arguments or None)
            return done.fetchall() if done.description else []

    def one(self, query, *arguments, database="postgres"):
        return self.ask(query, *arguments, database=database)[0][0]

    def start(self):
        """The stack's recipe with another folder and port."""
        wait_until(f"{self.name}'s children are gone",
                   lambda: not self.lingers(), 15)
        command = list(self.command)
        command[command.index("-D") + 1] = str(self.data)
        command[command.index("-p") + 1] = str(self.port)
        log = self.stack.folder / "log" / f"{self.name}.log"
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [*_as_postgres("--pdeathsig", "QUIT"), *command], cwd="/",
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        self._note_pid()
        wait_until(f"{self.name} answers", self.answers, 60)
        return self

    def _note_pid(self):
        """As deploy/local/up does it, which then leaves it alone."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        _state, tick = process.stat(self.child.pid)
        Path(self.stack.folder, "run", f"{self.name}.pid").write_text(
            f"{self.child.pid} {tick} {boot}")

    def answers(self):
        if self.child is not None and self.child.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {self.child.returncode}")
        return self.one("show data_directory") == str(self.data)

    def lingers(self):
        """After a kill -9 its children still end, and hold the folder."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.path.samefile(entry / "cwd", self.data):
                        return True
                except OSError:
                    continue
        return False

    def family(self):
        """The postmaster and its children."""
        found = [self.pid]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "stat").read_text()
                except OSError:
                    continue
                if int(text.rsplit(") ", 1)[1].split()[1]) == found[0]:
                    found.append(int(entry.name))
        return found

    def freeze(self):
        """All of it: a machine that stopped, with its connections open."""
        self.frozen = self.family()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.frozen = ()

    def _end(self, number):
        """A stopped child would not see that its postmaster is gone."""
        self.send(number)
        self.thaw()
        wait_until(f"{self.name} is gone", lambda: not self.alive())

    def is_standby(self):
        return self.one("select pg_is_in_recovery()")

    def set(self, name, value, database="postgres"):
        """For this server, until `reset`; it needs no restart."""
        with self.connect(database) as connection:
            if value is None:
                connection.execute(f"alter system reset {name}")
            else:
                connection.execute(f"alter system set {name} = '{value}'")
            connection.execute("select pg_reload_conf()")


def _as_postgres(*more):
    if os.getuid() != 0:
        return ["setpriv", *more, "--"]
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
            *more, "--"]


def _data_of(stack):
    elsewhere = stack.folder / "postgres-at"
    return Path(elsewhere.read_text() if elsewhere.exists()
                else stack.folder / "postgres")


class Pair:
    """Two nodes; `primary` and `standby` change places when it fails over."""

    def __init__(self, stack, synchronous=False):
        self.stack = stack
        text = Path(f"/proc/{stack.postgres.pid}/cmdline").read_bytes()
        command = [word.decode() for word in text.split(b"\0")[:-1]]
        port = int(command[command.index("-p") + 1])
        data = _data_of(stack)
        self.primary = Node(stack, "postgres", port, data, command)
        self.standby = Node(stack, "standby", _free_port(),
                            data.with_name(data.name + "-standby"), command)
        stack.postgres = self.primary
        self.primary.set("wal_keep_size", "1GB")
        self._rebuild()
        self._tell_programs()
        if synchronous:
            self.synchronous(True)

    def __repr__(self):
        return f"<pair, primary {self.primary.name}>"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """The stack's own scripts end and remove only the stack's own."""
        for node in (self.primary, self.standby):
            if node.name == "standby":
                if node.alive():
                    node._end(signal.SIGQUIT)
                shutil.rmtree(node.data, ignore_errors=True)

    def _tell_programs(self):
        url = self.stack.env["DATABASE_URL"]
        name = url.rsplit("/", 1)[1].partition("?")[0]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in sorted(
            (self.primary, self.standby), key=lambda n: n.name))
        self.stack.env["DATABASE_URL"] = \
            f"postgresql://tidemill@{hosts}/{name}" \
            "?target_session_attrs=read-write"

    # Following.

    def rebuild(self):
        """What is left of the one that failed is thrown away."""
        if self.standby.alive():
            self.standby._end(signal.SIGQUIT)
        wait_until(f"{self.standby.name} is gone",
                   lambda: not self.standby.lingers(), 15)
        self._rebuild()
        return self

    def _rebuild(self):
        data = self.standby.data
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        program = Path(self.primary.command[0]).with_name("pg_basebackup")
        done = subprocess.run(
            [*_as_postgres(), program, "-h", "127.0.0.1", "-p",
             str(self.primary.port), "-U", "tidemill", "-D",
             data, "-X", "stream", "-c", "fast", "-R", "--no-sync"], cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"pg_basebackup:\n{done.stdout}")
        self.standby.start()
        self.join()
        self.caught_up()

    def _conninfo(self):
        return (f"host=127.0.0.1 port={self.primary.port} user=tidemill"
                f" application_name={self.standby.name}")

    def lag_bytes(self):
        """How far the standby has not replayed; None: it does not follow."""
        rows = self.primary.ask(
            "select pg_current_wal_lsn() - replay_lsn from pg_stat_replication"
            " where state = 'streaming'")
        return int(rows[0][0]) if rows and rows[0][0] is not None else None

    def caught_up(self, seconds=60):
        def level():
            sent = self.primary.one("select pg_current_wal_lsn()")
            return self.lag_bytes() is not None and self.standby.one(
                "select pg_last_wal_replay_lsn() >= %s::pg_lsn", sent)
        wait_until("the standby has all", level, seconds)

    def cut(self):
        """The standby hears no more of the primary."""
        self.standby.set("primary_conninfo", "")
        wait_until("nothing follows", lambda: self.lag_bytes() is None)

    def join(self):
        self.standby.set("primary_conninfo", self._conninfo())
        wait_until("it follows", lambda: self.lag_bytes() is not None)

    def synchronous(self, on):
        """Whether a COMMIT waits for the standby."""
        self.primary.set("synchronous_standby_names", "*" if on else None)

    # Failing over.

    def positions(self, node=None):
        """{(log, partition): position} as that node has them."""
        name = self.stack.env["DATABASE_URL"].rsplit("/", 1)[1]
        return {(log, partition): end for log, partition, end in
                (node or self.primary).ask(
                    "select log, partition, max(to_off) from (select log,"
                    " partition, to_off from tidemill.batches union all select"
                    " log, partition, to_off from tidemill.leaf_counts) b"
                    " group by 1, 2", database=name.partition("?")[0])}

    def fail_over(self, kill=True):
        """The standby takes over. Returns how many records' rows are lost.

        `kill` False leaves the old primary as it is: dead already, frozen, or
        running and not fenced.
        """
        had = self.positions() if kill else {}
        old = self.primary
        if kill:
            old._end(signal.SIGKILL)
        # Whoever starts it by mistake gets a standby that follows nobody.
        if not old.alive():
            (old.data / "standby.signal").touch()
        has = self.positions(self.standby)
        self.primary, self.standby = self.standby, old
        self.stack.postgres = self.primary
        self.primary.ask("select pg_promote(true, 30)")
        self.promoted = time.monotonic()
        return sum(had[at] - has.get(at, 0) for at in had)
