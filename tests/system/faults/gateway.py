"""Faults of gateways and of those who listen to them."""

import json
import socket
import time
from urllib.parse import urlsplit

from system import Subscriber, wait_until

from faults import crowd
from faults.crowd import Crowd
from faults.registry import fault

LISTENERS = 2000


def accounts(mill):
    """Channels: every fifth is of an account of the load, the rest is quiet.

    All of them come again with a cursor; that two thousand are sent something
    all the time would be a load of its own, on this side more than on theirs.
    """
    senders = [account.address.hex() for account in mill.load.accounts]
    return [f"account:0x{senders[n // 5 % len(senders)]}" if n % 5 == 0
            else f"account:0x{n:040x}" for n in range(LISTENERS)]


def all_live(listeners, seconds):
    begin = time.monotonic()
    wait_until("all are subscribed",
               lambda: listeners.live == len(listeners.clients), seconds)
    return time.monotonic() - begin


def missed(mill, listeners, mark):
    """Events of a client's account since `mark` that it was never sent."""
    wanted = {}
    for event in mill.watching[0].events[mark:]:
        wanted.setdefault(f"account:{event['sender']}", set()).add(event["id"])
    return sum(len(wanted.get(client.channel, set()) - client.ids)
               for client in listeners.clients)


def others_waited(mill, since):
    """The 99th of 100 times from accept to screen, at the other gateway."""
    watching, found = mill.watching[0], []
    late = time.time() - time.monotonic()
    for event in reversed(watching.events):
        if watching.arrived[event["id"]] < since:
            break
        found.append(watching.arrived[event["id"]] + late
                     - event["accepted_at"] / 1000)
    found.sort()
    return found[int(len(found) * 0.99)] if found else 0


def storm(mill, cut, pause):
    """Cuts off a crowd on the second gateway; yields while it comes back."""
    gate = mill.gates[1]
    with Crowd(gate.url, accounts(mill), pause) as listeners:
        mill.note(f"{LISTENERS} listeners there after"
                  f" {all_live(listeners, 90):.1f} s")
        mark = len(mill.watching[0].events)
        yield 2
        before = [client.times for client in listeners.clients]
        begin = time.monotonic()
        cut(gate, listeners)
        wait_until("all were cut off and are back", lambda: all(
            client.live and client.times > times
            for client, times in zip(listeners.clients, before)), 120,
            every=0.1)
        took = time.monotonic() - begin
        waited = others_waited(mill, begin)
        mill.note(f"all back after {took:.1f} s; at the other gateway p99 was"
                  f" {waited * 1000:.0f} ms")
        assert waited < 5, waited
        yield 2
        with mill.rest():
            mill.shown()
            wait_until("nothing was missed",
                       lambda: missed(mill, listeners, mark) == 0, 30,
                       every=0.5)
        assert sum(client.lost for client in listeners.clients) == 0
        mib = gate.resident_bytes() >> 20
        mill.note(f"{mib} MiB with {LISTENERS} listeners")


@fault("F50", f"kill -9 of a gateway with {LISTENERS} listeners, which come"
       " again with growing random pauses",
       "each goes on from its cursor; the other gateway's listeners notice"
       " nothing",
       touches="gateway-2")
def killed(mill):
    def cut(gate, listeners):
        gate.kill()
        time.sleep(1)
        gate.start()
    yield from storm(mill, cut, pause=0.5)


@fault("F53", f"{LISTENERS} listeners cut off at once, and back without a pause",
       "all are served; the other gateway's listeners notice nothing",
       touches="gateway-2")
def reconnect_storm(mill):
    yield from storm(mill, lambda gate, listeners: listeners.cut(), pause=0.01)


class Slow:
    """A listener of everything, on a plain socket with a small window."""

    def __init__(self, url, receive_bytes=4096):
        parts = urlsplit(url)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                               receive_bytes)
        self.socket.settimeout(10)
        self.socket.connect((parts.hostname, parts.port))
        self.socket.sendall(crowd.handshake(parts.hostname, parts.port))
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.socket.recv(1)
        self.data = b""
        self.socket.sendall(crowd.frame(json.dumps(
            {"id": 1, "op": "subscribe", "channel": "transactions"})))

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def read(self, count):
        got = self.socket.recv(count)
        self.data += got
        return got

    def frames(self):
        """(opcode, payload) of every whole frame that was read."""
        found, at, data = [], 0, self.data
        while len(data) >= at + 2:
            length, at = data[at + 1], at + 2
            if length == 126:
                length, at = int.from_bytes(data[at:at + 2], "big"), at + 2
            elif length == 127:
                length, at = int.from_bytes(data[at:at + 8], "big"), at + 8
            if len(data) < at + length:
                break
            found.append((data[at - 2 if length < 126 else
                               at - 4 if length < 65536 else at - 10] & 15,
                          data[at:at + length]))
            at += length
        return found


def no_more(mill, program):
    program.clean_up()
    mill.stack.programs.remove(program)


def cuts(gate, why="slow"):
    return gate.metric("tidemill_gateway_cut_total", why=why)


@fault("F51", "a listener of everything reads one byte a second",
       "it is cut off with 4008 in bounded memory, and resumes from its"
       " cursor; nobody else waits",
       touches="gateway-3")
def slow_listener(mill):
    gate = mill.stack.gateway("gateway-3", CLIENT_QUEUE_BYTES=262144).ready()
    mill.later(no_more, mill, gate)
    before, memory = cuts(gate), gate.resident_bytes()
    rate, mill.load.rate = mill.load.rate, 3 * mill.load.rate
    mill.later(setattr, mill.load, "rate", rate)
    slow = Slow(gate.url)
    mill.later(slow.socket.close)
    begin = time.monotonic()
    while cuts(gate) == before:
        slow.read(1)
        assert time.monotonic() < begin + 120, "it is never cut off"
        yield 1
    grown = (gate.resident_bytes() - memory) >> 20
    mill.note(f"cut off after {time.monotonic() - begin:.0f} s,"
              f" {grown} MiB grown")
    assert grown < 16, grown
    waited = others_waited(mill, begin)
    mill.note(f"another listener's p99 was {waited * 1000:.0f} ms")
    assert waited < 5, waited
    mill.load.rate = rate
    try:
        while slow.read(1 << 20):
            pass
    except ConnectionResetError:
        pass
    frames = slow.frames()
    opcode, last = frames[-1]
    assert opcode == 8 and last[:2] == (4008).to_bytes(2, "big"), frames[-1]
    resumes(mill, gate, frames)


def resumes(mill, gate, frames):
    """With its last cursor it gets all that came after what it has."""
    cursor, seen = None, set()
    for opcode, payload in frames:
        if opcode != 1:
            continue
        message = json.loads(payload)
        cursor = message.get("cursor") or cursor
        seen |= {event["id"] for event in message.get("events", ())}
    assert cursor is not None
    first = min(n for n, event in enumerate(mill.watching[0].events)
                if event["id"] in seen) if seen else 0
    with Subscriber(gate.url, cursor=cursor) as again, mill.rest():
        mill.shown()
        wanted = {e["id"] for e in mill.watching[0].events[first:]}
        wait_until("nothing is missing",
                   lambda: wanted <= seen | set(again.ids()), 30)
        assert again.answers[0]["recovered"]


@fault("F52", "a listener vanishes: its packets are lost both ways, no FIN",
       "20 s of silence, a ping, 20 s without an answer: its connection ends",
       touches="gateway-1", needs="net")
def vanished(mill):
    gate = mill.gates[0]
    before = gate.metric("tidemill_gateway_clients")
    parts = urlsplit(gate.url)
    gone = Slow(gate.url, receive_bytes=1 << 16)
    mill.later(gone.socket.close)
    wait_until("it is counted", lambda: gate.metric(
        "tidemill_gateway_clients") == before + 1, 5)
    mill.net._cut(f"tcp sport {gone.port} tcp dport {parts.port} drop")
    mill.net._cut(f"tcp dport {gone.port} tcp sport {parts.port} drop")
    begin = time.monotonic()
    while gate.metric("tidemill_gateway_clients") > before:
        assert time.monotonic() < begin + 50, "it is still there"
        yield 0.5
    mill.note(f"gone after {time.monotonic() - begin:.0f} s")
