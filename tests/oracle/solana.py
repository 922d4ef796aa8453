"""Solana transactions made, broken, and judged by the runtime's own code.

`cases(seed, count)` makes legacy and version 0 transactions, signs them and
breaks most of them: a bit, a byte, a count in a longer form, a number of the
header, an index, a key twice, a signature too many, another version. `judge`
says what is to come of each: solders is made of the Rust that validators run,
so it decides what decodes, what its sanitize() lets through and which
signatures are good (verify_strict), and it reads the transfers.

Prints hex lines when it is run: solana.py SEED COUNT.
"""

import dataclasses
import hashlib
import random
import struct
import sys

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM, decode_transfer
from solders.transaction import VersionedTransaction

CHAIN, RULES = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", 1
BYTES_MAX = 1232
ORDER = 2**252 + 27742317777372353535851937790883648493
ELSEWHERE = Pubkey(b"\xfe" * 32)  # an account in a lookup table


@dataclasses.dataclass
class Case:
    raw: bytes
    about: str
    reasons: tuple = ()  # when it is known which faults it has


@dataclasses.dataclass
class Verdict:
    hash: bytes
    sender: bytes
    recipient: bytes | None
    amount: int


class Refused(Exception):
    """With the reasons that are right: the first fault may be one of several."""


# ---- judging ----

def need(good, *reasons):
    if not good:
        raise Refused(*reasons)


def decode(raw):
    need(raw, "empty")
    need(len(raw) <= BYTES_MAX, "too_large")
    need(raw[0] != 0x81, "unsupported_type")
    try:
        decoded = VersionedTransaction.from_bytes(raw)
    except ValueError as e:
        raise Refused("malformed", "non_canonical", "unsupported_type") from e
    need(bytes(decoded) == raw, "non_canonical")
    return decoded


def sanitized(decoded):
    try:
        decoded.sanitize()
    except Exception as e:
        raise Refused("inconsistent") from e
    keys = decoded.message.account_keys
    need(len(set(keys)) == len(keys), "duplicate_key")


def transfer_of(message):
    """(recipient, lamports) of the first transfer; the recipient may be None."""
    keys = message.account_keys
    for one in message.instructions:
        places = bytes(one.accounts)
        if keys[one.program_id_index] != SYSTEM or len(places) < 2:
            continue
        accounts = [AccountMeta(keys[n] if n < len(keys) else ELSEWHERE,
                                False, False) for n in places]
        try:
            read = decode_transfer(Instruction(SYSTEM, bytes(one.data),
                                               accounts))
        except BaseException:  # of another kind: it panics, or says so
            continue
        to = read["to_pubkey"]
        return None if to == ELSEWHERE else bytes(to), read["lamports"]
    return None, 0


def judge(case):
    """A Verdict, or raises Refused."""
    decoded = decode(case.raw)
    sanitized(decoded)
    need(all(decoded.verify_with_results()), "bad_signature")
    message = decoded.message
    recipient, amount = transfer_of(message)
    return Verdict(hashlib.sha256(to_bytes_versioned(message)).digest(),
                   bytes(message.account_keys[0]), recipient, amount)


# ---- making ----

def count(n, longer=0):
    """A compact-u16; `longer` adds bytes that say nothing."""
    out = b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    out += bytes([n])
    for _ in range(longer):
        out = out[:-1] + bytes([out[-1] | 128, 0])
    return out


@dataclasses.dataclass
class Made:
    """One transaction before it is bytes; any of it may be wrong."""

    version: int | None  # None: legacy
    header: list
    keys: list
    instructions: list   # (program, accounts, data)
    lookups: list        # (table, writable, readonly)
    signers: list
    blockhash: bytes
    longer: dict = dataclasses.field(default_factory=dict)
    extra: bytes = b""   # behind the message, and signed

    def list(self, name, n):
        return count(n, self.longer.get(name, 0))

    def message(self):
        out = b"" if self.version is None else bytes([0x80 | self.version])
        out += bytes(self.header) + self.list("keys", len(self.keys))
        out += b"".join(self.keys) + self.blockhash
        out += self.list("instructions", len(self.instructions))
        for program, accounts, data in self.instructions:
            out += bytes([program]) + self.list("accounts", len(accounts))
            out += bytes(accounts) + self.list("data", len(data)) + data
        if self.version is not None:
            out += self.list("lookups", len(self.lookups))
            for table, writable, readonly in self.lookups:
                out += table + self.list("writable", len(writable))
                out += bytes(writable) + self.list("readonly", len(readonly))
                out += bytes(readonly)
        return out + self.extra

    def encode(self):
        message = self.message()
        out = self.list("signatures", len(self.signers))
        for key in self.signers:
            out += bytes(key.sign_message(message))
        return out + message


class Maker:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.pool = [Keypair.from_seed(hashlib.sha256(
            f"tidemill oracle {n}".encode()).digest()) for n in range(14)]

    def bytes(self, n):
        return self.dice.randbytes(n)

    def data(self):
        """Of an instruction of the System Program, or nearly."""
        dice, amount = self.dice, self.dice.choice([0, 1, 10**9, 2**64 - 1])
        whole = struct.pack("<IQ", dice.choice([2, 2, 2, 2, 0, 3, 11, 258]),
                            amount)
        return dice.choice([whole, whole, whole, whole + self.bytes(3),
                            whole[:11], whole[:4], b""])

    def make(self):
        dice = self.dice
        version = dice.choice([None, 0])
        signers = dice.sample(self.pool, dice.choice([1, 1, 1, 2, 3]))
        readonly_signed = dice.randrange(len(signers))
        others = [self.bytes(32) for _ in range(dice.randrange(4))]
        others.append(dice.choice([bytes(SYSTEM), bytes(SYSTEM),
                                   self.bytes(32)]))
        keys = [bytes(key.pubkey()) for key in signers] + others
        lookups = [(self.bytes(32), self.bytes(dice.randrange(1, 4)),
                    self.bytes(dice.randrange(3)))
                   for _ in range(dice.choice([0, 0, 1, 3]))]
        if version is None:
            lookups = []
        accounts = len(keys) + sum(len(w) + len(r) for _, w, r in lookups)
        instructions = []
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3])):
            places = [dice.randrange(accounts)
                      for _ in range(dice.choice([0, 1, 2, 2, 2, 3]))]
            program = dice.choice([len(keys) - 1, len(keys) - 1,
                                   dice.randrange(1, len(keys))])
            instructions.append((program, places, self.data()))
        return Made(version,
                    [len(signers), readonly_signed,
                     dice.randrange(len(others) + 1)],
                    keys, instructions, lookups, signers, self.bytes(32))

    # Each breaks one thing before it is signed, and says which reasons may
    # come of it; an empty tuple: whatever is right.

    def longer_count(self, m):
        names = ["signatures", "keys", "instructions"]
        if m.instructions:
            names += ["accounts", "data"]
        if m.version is not None:
            names.append("lookups")
        if m.lookups:
            names += ["writable", "readonly"]
        name = self.dice.choice(names)
        m.longer[name] = self.dice.choice([1, 1, 2])
        one = name == "signatures" and len(m.signers) == 1
        return ("unsupported_type",) if one else ("non_canonical",)

    def header(self, m):
        m.header[self.dice.randrange(3)] = self.dice.choice(
            [0, 1, 2, 3, 4, 5, 127, 128, 255])
        return ()

    def index(self, m):
        if not m.instructions:
            return ()
        n = self.dice.randrange(len(m.instructions))
        program, places, data = m.instructions[n]
        wrong = self.dice.choice([0, len(m.keys) - 1, len(m.keys),
                                  len(m.keys) + 1, len(m.keys) + 5, 255])
        if self.dice.random() < 0.5 or not places:
            m.instructions[n] = wrong, places, data
        else:
            places[self.dice.randrange(len(places))] = wrong
        return ()

    def twice(self, m):
        m.keys[self.dice.randrange(len(m.keys))] = self.dice.choice(m.keys)
        return ()

    def lookup(self, m):
        how = self.dice.randrange(4)
        if how == 0:
            m.lookups.append((self.bytes(32), b"", b""))
        elif how == 1:
            some = self.dice.randrange(250 - len(m.keys), 258 - len(m.keys))
            m.lookups = [(self.bytes(32), bytes(some // 2),
                          bytes(some - some // 2))]
        elif how == 2:
            m.lookups = m.lookups * 2
        else:
            m.version = 0
        return ()

    def version(self, m):
        m.version = self.dice.choice([1, 2, 3, 64, 126, 127])
        return ("unsupported_type",)

    def form(self, m):
        """What one form says, read as the other."""
        m.version = 0 if m.version is None else None
        return ()

    def signers(self, m):
        how = self.dice.randrange(4)
        if how == 0:
            m.signers = m.signers[:-1]
        elif how == 1:
            m.signers = m.signers + [self.pool[13]]
        elif how == 2:
            m.signers = m.signers[::-1]
        else:
            m.signers[self.dice.randrange(len(m.signers))] = self.pool[13]
        return ()

    def many(self, m):
        """As many signers as fit, or one too many."""
        n = self.dice.choice([10, 11, 12, 13])
        m.signers = self.pool[:n]
        m.keys = [bytes(key.pubkey()) for key in m.signers] + m.keys[-1:]
        m.header = [n, 0, 0]
        m.instructions, m.lookups = [], []
        return ()

    def size(self, m):
        """Around the size of a packet."""
        missing = BYTES_MAX - len(m.encode()) - 4
        data = bytes(max(missing + self.dice.randrange(-2, 4), 0))
        m.instructions.append((len(m.keys) - 1, [], data))
        return ()

    def behind(self, m):
        m.extra = self.bytes(self.dice.choice([1, 1, 2, 40]))
        return ()

    # These break bytes.

    def bit(self, raw):
        at = self.dice.randrange(8 * len(raw))
        raw[at // 8] ^= 1 << at % 8

    def byte(self, raw):
        raw[self.dice.randrange(len(raw))] = self.dice.choice(
            [0, 1, 0x7f, 0x80, 0x81, 0xff, self.dice.randrange(256)])

    def structure(self, raw):
        """A byte near the counts, where it is not all signature."""
        start = 1 + 64 * raw[0]
        at = self.dice.choice([0, start, start + 1, start + 2, start + 3,
                               self.dice.randrange(start, len(raw))])
        raw[at] = self.dice.choice([0, 1, 2, 0x80, self.dice.randrange(256)])

    def insert(self, raw):
        raw.insert(self.dice.randrange(len(raw) + 1), self.dice.randrange(256))

    def delete(self, raw):
        del raw[self.dice.randrange(len(raw))]

    def cut(self, raw):
        del raw[self.dice.randrange(len(raw)):]

    def scalar(self, raw):
        """The same s, written once more around."""
        s = int.from_bytes(raw[33:65], "little") + ORDER
        raw[33:65] = s.to_bytes(32, "little")

    def small(self, raw):
        """Points of small order, for key and R."""
        one = (1).to_bytes(32, "little")
        start = 1 + 64 * raw[0] + (4 if raw[1 + 64 * raw[0]] < 0x80 else 5)
        raw[start:start + 32] = self.dice.choice(
            [one, bytes(32), (ORDER % 2**255).to_bytes(32, "little")])
        raw[1:65] = one + bytes(32)

    BEFORE = [longer_count, header, index, twice, lookup, version, form,
              signers, many, size, behind]
    AFTER = [bit, byte, structure, structure, insert, delete, cut, scalar,
             small]

    def case(self):
        m = self.make()
        how = self.dice.random()
        if how < 0.3:
            return Case(m.encode(), "good")
        if how < 0.7:
            change = self.dice.choice(self.BEFORE)
            reasons = change(self, m)
            return Case(m.encode(), change.__name__, reasons)
        raw = bytearray(m.encode())
        change = self.dice.choice(self.AFTER)
        change(self, raw)
        return Case(bytes(raw), change.__name__)


def cases(seed, count):
    maker = Maker(seed)
    for _ in range(count):
        yield maker.case()


def main():
    for case in cases(int(sys.argv[1]), int(sys.argv[2])):
        print("0x" + case.raw.hex())


if __name__ == "__main__":
    main()
