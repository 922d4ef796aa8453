"""Faults of Redis and of the notifier: the wire between results and gateways.

It is never the truth. What every fault here expects is the same: a subscriber
misses nothing, and while the wire is away gateways read the topic.
"""

import os
import socket
import subprocess
import time

from system import Account, check, produce, wait_at_rest, wait_until
from system.stack import free_port

from faults.postgres import HEADERS
from faults.registry import fault


def cli(mill, *words, port=None):
    """An answer of redis-cli; servers that say an error raise."""
    port = port or int(mill.stack.redis_url.rsplit(":", 1)[1].split("/")[0])
    done = subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(port),
                           *map(str, words)], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def setting(mill, name, value):
    """CONFIG SET until the fault is over."""
    before = cli(mill, "config", "get", name).split("\n")[1]
    cli(mill, "config", "set", name, value)
    mill.later(cli, mill, "config", "set", name, before)


def shown_meanwhile(mill, seconds):
    """Yields for that long; the longest that a subscriber waited for news."""
    watching, gap = mill.watching[0], 0
    begin = last = time.monotonic()
    count = len(watching.events)
    while time.monotonic() < begin + seconds:
        yield 0.25
        now = time.monotonic()
        if len(watching.events) > count:
            count, last = len(watching.events), now
        gap = max(gap, now - last)
    mill.note(f"news never later than {gap + 0.25:.1f} s")
    assert gap < 10, gap


@fault("F44", "kill -9 of the notifier, away for 10 s",
       "gateways notice its silence and read the topic; nothing is missed",
       touches="notifier", short=True, dice=True)
def notifier_killed(mill):
    mill.notifier.kill()
    yield from shown_meanwhile(mill, 10)
    mill.notifier.start()


@fault("F45", "Redis killed and started again, empty",
       "as if a run were lost: gateways read what is missing from the topic",
       touches="redis", short=True, dice=True)
def restarted(mill):
    mill.stack.redis.kill()
    yield from shown_meanwhile(mill, 3)
    mill.stack.redis.start()


@fault("F46", "Redis frozen for 30 s",
       "the notifier does not wait for it, gateways read the topic",
       touches="redis", dice=True)
def frozen(mill):
    mill.later(mill.stack.redis.thaw)
    mill.stack.redis.freeze()
    yield from shown_meanwhile(mill, 30)
    mill.stack.redis.thaw()


@fault("F47", "Redis is at its maxmemory, refuses to store, and evicts the"
       " clients that take most",
       "runs go through or are lost; then gateways read the topic",
       touches="redis")
def out_of_memory(mill):
    cli(mill, "set", "ballast", "x" * 100_000)
    mill.later(cli, mill, "del", "ballast")
    setting(mill, "maxmemory-policy", "noeviction")
    setting(mill, "maxmemory", "100kb")
    refused = cli(mill, "set", "more", "x")
    assert "OOM" in refused, refused
    yield from shown_meanwhile(mill, 10)
    setting(mill, "maxmemory-clients", "1")
    yield from shown_meanwhile(mill, 10)


@fault("F48", "failover to a replica that was cut off before: it takes the"
       " port of the master that died",
       "nothing of what the replica does not know is missed",
       touches="redis")
def stale_replica(mill):
    port, other = redis_port(mill), free_port()
    program = os.readlink(f"/proc/{mill.stack.redis.pid}/exe")
    replica = subprocess.Popen(
        ["redis-server", "--port", str(other), "--bind", "127.0.0.1",
         "--save", "", "--appendonly", "no",
         "--replicaof", "127.0.0.1", str(port)], executable=program, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mill.later(end, replica)
    wait_until("the replica follows", lambda: "master_link_status:up" in cli(
        mill, "info", "replication", port=other))
    cli(mill, "replicaof", "no", "one", port=other)
    yield from shown_meanwhile(mill, 4)
    mill.stack.redis.kill()
    cli(mill, "config", "set", "port", port, port=other)
    yield from shown_meanwhile(mill, 10)
    end(replica)
    mill.stack.redis.start()


def redis_port(mill):
    return int(mill.stack.redis_url.rsplit(":", 1)[1].split("/")[0])


def end(child):
    if child.poll() is None:
        child.kill()
        child.wait()


@fault("F49", "a gateway stands still while 24 MB of somebody else's words are"
       " published: Redis closes its subscription for its full buffer",
       "a gap is noticed and read from the topic; foreign words are dropped",
       touches="redis gateway-1")
def buffer_overflow(mill):
    setting(mill, "client-output-buffer-limit", "pubsub 2mb 1mb 1")
    gate = mill.gates[0]
    subscribers = lambda: cli(mill, "client", "list", "type",
                              "pubsub").count("cmd=")
    before = subscribers()
    mill.later(gate.thaw)
    gate.freeze()
    channels = cli(mill, "pubsub", "channels").split("\n")
    for n in range(240):
        publish(redis_port(mill), channels[n % len(channels)],
                b"nobody's run " * 8000)
    wait_until("Redis has cut it off", lambda: subscribers() < before, 10)
    yield 2
    gate.thaw()
    repaired = gate.metric("tidemill_gateway_repairs_total")
    yield 3
    mill.note(f"{gate.metric('tidemill_gateway_repairs_total') - repaired:.0f}"
              " repairs")
    wait_until("it listens again", lambda: subscribers() == before, 15)


def publish(port, channel, data):
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (
            len(channel), channel.encode(), len(data), data))
        assert s.recv(100).startswith(b":")


@fault("B10", "the notifier comes back 12,000 results behind",
       "it publishes headers only, gateways read the topic, nothing is missed",
       needs="standby", own=True)
def far_behind(mill):
    with mill.world("b10", load=False, LEAF_ROWS=100_000):
        stack, account = mill.stack, Account("behind")
        mill.notifier.kill()
        made = [{"value": account.sign().raw, "partition": n % 4,
                 "headers": HEADERS} for n in range(12_000)]
        for at in range(0, len(made), 4000):
            produce(stack.brokers, stack.topic_submitted, *made[at:at + 4000])
        wait_at_rest(stack, 120)
        begin = time.monotonic()
        mill.notifier.start().ready()
        for watching in mill.watching:
            wait_until("all is shown", lambda: len(
                set(watching.arrived)) == 12_000, 60, every=0.2)
        mill.note(f"all shown {time.monotonic() - begin:.1f} s after its"
                  " start")
        check(stack, subscribers=mill.watching)
