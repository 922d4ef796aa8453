"""F57: servers by name, while names are missing or lead elsewhere."""

import subprocess
from pathlib import Path

import psycopg

from faults.door import is_ready
from faults.registry import fault

NAMES = ("broker.test", "tables.test", "wire.test")


def resolve(mill, address):
    """All names lead to that address, or are unknown (None)."""
    hosts = Path(mill.stack.folder, "hosts")
    lines = ["127.0.0.1 localhost"]
    if address is not None:
        lines += [f"{address} {name}" for name in NAMES]
    if not hosts.exists():
        hosts.write_text("")
        subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    hosts.write_text("\n".join(lines) + "\n")


@fault("F57", "names of all servers are unknown, then lead to a machine that"
       " is not there, while connections break",
       "who starts waits and lives; all go on once the names are right",
       needs="net", own=True)
def names(mill):
    stack, plain = mill.stack, dict(mill.stack.env)
    resolve(mill, "127.0.0.1")
    mill.later(resolve, mill, None)
    for key, name in zip(("TIDEMILL_KAFKA_BROKERS", "DATABASE_URL",
                          "REDIS_URL"), NAMES):
        stack.env[key] = plain[key].replace("127.0.0.1", name)
    try:
        with mill.world("F57"):
            for address in (None, "127.0.0.9"):
                _lost_and_found(mill, plain, address)
            mill.audit()
    finally:
        for key in ("TIDEMILL_KAFKA_BROKERS", "DATABASE_URL", "REDIS_URL"):
            stack.env[key] = plain[key]


def _lost_and_found(mill, plain, address):
    resolve(mill, address)
    late = (mill.door, mill.verifiers[0], mill.gates[1])
    for program in late:
        program.kill()
        program.start()
    with psycopg.connect(plain["DATABASE_URL"].rsplit("/", 1)[0]
                         + "/postgres", autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'tidemill%'")
    mill.stack.redis.restart()
    mill.hold(6)
    assert all(program.get("/livez") for program in mill.programs)
    assert not is_ready(late[0]) and not is_ready(late[1])
    resolve(mill, "127.0.0.1")
    mill.note(f"healed in {mill.healed():.1f} s")
    mill.flows()
