"""Cuts, losses and delays for one program, by nftables in our own namespace.

Each program runs under a group id of its own. What it opens is marked with that
id, so a rule can tell its packets to a server from everybody else's, and the
answers to it from all other answers:

    program --- original: ct mark G, dport P --->  server
    program <--- reply:   ct mark G, sport P ----  server

Packets are dropped where they arrive, so to both ends it looks as if they were
on their way. Delays are made by a small proxy (proxy.py) that new connections
are redirected to; old ones are reset, so that they come anew.
"""

import subprocess
from urllib.parse import urlsplit

from faults.proxy import Proxy

BASE = """
table inet faults
delete table inet faults
table inet faults {
    chain remember {
        type filter hook output priority mangle; policy accept;
        ct direction original ct mark set meta skgid map { GROUPS }
    }
    chain cuts {
        type filter hook input priority filter; policy accept;
    }
    chain turns {
        type nat hook output priority -100; policy accept;
    }
}
"""


def _ports(addresses):
    """Of "user@host:1,host:2"."""
    return [int(address.rsplit(":", 1)[1])
            for address in addresses.rsplit("@", 1)[-1].split(",")]


def nft(text):
    done = subprocess.run(["nft", "-f", "-"], input=text, text=True,
                          capture_output=True)
    assert done.returncode == 0, f"{text}\n{done.stderr}"


class Net:
    def __init__(self, stack):
        self.stack = stack
        self.proxies = []
        nft(BASE.replace("GROUPS", ", ".join(
            f"{group} : {group}" for group in stack.GROUPS)))

    def ports(self, *servers):
        """The numbers of "kafka", "kafka-2", "postgres", "redis"."""
        found = []
        brokers = _ports(self.stack.brokers)
        for name in servers:
            if name == "kafka":
                found += brokers
            elif name.startswith("kafka-"):
                found.append(brokers[int(name[6:]) - 1])
            elif name == "postgres":
                # All hosts that are named: the primary, and its standby.
                found += _ports(urlsplit(self.stack.database_url).netloc)
            else:
                found += _ports(urlsplit(self.stack.redis_url).netloc)
        return found

    # What is done to one program.

    def cut(self, program, *servers, way="both"):
        """Drops what it sends ("out"), what comes back ("back"), or both."""
        group, ports = self._of(program), self._set(self.ports(*servers))
        if way in ("both", "out"):
            self._cut(f"ct mark {group} tcp dport {ports} drop")
        if way in ("both", "back"):
            self._cut(f"ct mark {group} tcp sport {ports} drop")

    def reset(self, program, *servers):
        """Its connections of now are reset; new ones are welcome."""
        group, ports = self._of(program), self._set(self.ports(*servers))
        self._cut(f"ct mark {group} tcp dport {ports} tcp flags & syn == 0"
                  " reject with tcp reset")

    def slow(self, program, *servers, **how):
        """Delays by a proxy; `how` is what Proxy takes. Returns the proxies."""
        group, made = self._of(program), []
        for port in self.ports(*servers):
            proxy = Proxy(port, **how)
            made.append(proxy)
            nft(f"add rule inet faults turns meta skgid {group}"
                f" tcp dport {port} redirect to :{proxy.port}")
        self.proxies += made
        self.reset(program, *servers)
        return made

    # What is done to servers.

    def deaf(self, *servers, peers=True):
        """Nobody reaches their listeners; what they open goes through."""
        ports = self.ports(*servers)
        if peers:  # the controller's listener is the next port
            ports += [port + 1 for port in ports]
        self._cut(f"tcp dport {self._set(ports)} drop")
        self._cut(f"tcp sport {self._set(ports)} drop")

    def lose(self, percent, *servers):
        """That share of all packets to and from them is lost."""
        ports = self._set(self.ports(*servers))
        for end in ("dport", "sport"):
            self._cut(f"tcp {end} {ports} numgen random mod 1000"
                      f" < {round(percent * 10)} drop")

    def clear(self):
        """No cut and no delay; connections through a proxy are ended."""
        nft("flush chain inet faults cuts\nflush chain inet faults turns")
        for proxy in self.proxies:
            proxy.close()
        self.proxies.clear()

    def _cut(self, rule):
        nft(f"add rule inet faults cuts {rule}")

    def _of(self, program):
        return self.stack.group_of(program.name)

    @staticmethod
    def _set(ports):
        return "{ " + ", ".join(map(str, ports)) + " }"
