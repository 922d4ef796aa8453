"""Ethereum transactions made, broken, and judged by software of other people.

`cases(seed, count)` makes transactions of all five types, signs them and breaks
most of them: a bit, a byte, an RLP item, its prefix, the signature, a field at
the edge of its range, the sidecar. `judge(case)` says what is to come of each,
from the pages of schemas/rules: pyrlp decides what an encoding is, coincurve who
the sender is (and eth_account, where it knows the transaction, says the same),
and what is left are comparisons of Python integers.

Prints `CHAIN RULES HEX` lines when it is run: ethereum.py SEED COUNT.
"""

import dataclasses
import hashlib
import random
import sys

import coincurve
import rlp
from eth_account import Account
from eth_utils import keccak

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIZE = 131072
NETWORK = 1 << 20
BLOB, POINT = 131072, 48

# What the rule sets say, in one table: types, a chain id is required, pool
# rules with floor and cap, and blocks of before Homestead.
Rules = dataclasses.make_dataclass(
    "Rules", ["type_max", "protected", "osaka", "frontier"])
RULES = {
    1: Rules(2, False, False, False),
    2: Rules(2, True, False, False),
    3: Rules(4, False, False, False),
    4: Rules(4, True, True, False),
    5: Rules(0, False, False, True),
}

LEGACY = "nonce price gas to value data v r s".split()
FIELDS = {
    0: LEGACY,
    1: "chain nonce price gas to value data access v r s".split(),
    2: "chain nonce tip price gas to value data access v r s".split(),
    3: "chain nonce tip price gas to value data access blob_price hashes "
       "v r s".split(),
    4: "chain nonce tip price gas to value data access authorizations "
       "v r s".split(),
}
LISTS = {"access", "hashes", "authorizations"}


@dataclasses.dataclass
class Case:
    chain: int
    rules: int
    raw: bytes
    about: str
    reason: str = ""  # the only fault it has, when that is known


@dataclasses.dataclass
class Verdict:
    hash: bytes
    sender: str


class Refused(Exception):
    """With the reason."""


# ---- judging ----

def need(good, reason):
    if not good:
        raise Refused(reason)


def number(item, width=None):
    need(isinstance(item, bytes), "malformed")
    need(width is None or len(item) <= width, "field_range")
    need(item[:1] != b"\0", "non_canonical")
    return int.from_bytes(item, "big")


def fixed(item, *sizes):
    need(isinstance(item, bytes), "malformed")
    need(len(item) in sizes, "field_range")
    return item


def items(item, count=None):
    need(isinstance(item, list), "malformed")
    need(count is None or len(item) == count, "malformed")
    return item


def decode(raw):
    try:
        return rlp.decode(raw, strict=True)
    except rlp.DecodingError as e:
        raise Refused("malformed or non_canonical") from e


def network(tree):
    return isinstance(tree, list) and tree and isinstance(tree[0], list)


def check_sidecar_shape(tree):
    if len(tree) > 1 and isinstance(tree[1], bytes):
        body, version, blobs, commitments, proofs = items(tree, 5)
        need(number(version, 1) == 1, "blob_sidecar")
        per_blob = 128
    else:
        body, blobs, commitments, proofs = items(tree, 4)
        per_blob = 1
    for item in items(blobs):
        fixed(item, BLOB)
    for item in items(commitments) + items(proofs):
        fixed(item, POINT)
    return body, len(blobs), commitments, len(proofs), per_blob


def check_sidecar(f, sidecar):
    _, blobs, commitments, proofs, per_blob = sidecar
    need(len(commitments) == len(f["hashes"]) == blobs, "blob_sidecar")
    need(proofs == blobs * per_blob, "blob_sidecar")
    for commitment, named in zip(commitments, f["hashes"]):
        computed = b"\1" + hashlib.sha256(commitment).digest()[1:]
        need(computed == named, "blob_sidecar")


def check_fields(kind, tree):
    f = dict(zip(FIELDS[kind], items(tree, len(FIELDS[kind]))))
    wide = None if kind < 3 else 32
    for name, item in f.items():
        if name in ("nonce", "gas"):
            f[name] = number(item, 8)
        elif name == "to":
            fixed(item, *((0, 20) if kind < 3 else (20,)))
        elif name == "data":
            need(isinstance(item, bytes), "malformed")
        elif name in LISTS:
            items(item)
        else:
            f[name] = number(item, wide)
    for entry in f.get("access", []):
        address, keys = items(entry, 2)
        fixed(address, 20)
        for key in items(keys):
            fixed(key, 32)
    for item in f.get("hashes", []):
        fixed(item, 32)
    for entry in f.get("authorizations", []):
        chain, address, nonce, v, r, s = items(entry, 6)
        fixed(address, 20)
        for item, width in (chain, 32), (nonce, 8), (v, 1), (r, 32), (s, 32):
            number(item, width)
    return f


def chain_of(kind, f):
    """The chain id the bytes name or None, and the parity or None."""
    if kind > 0:
        return f["chain"], f["v"] if f["v"] <= 1 else None
    if f["v"] in (27, 28):
        return None, f["v"] - 27
    if f["v"] < 35 or f["v"] >= 1 << 256:
        return None, None
    return (f["v"] - 35) // 2, (f["v"] - 35) % 2


def intrinsic(kind, f):
    zeros = f["data"].count(0)
    others = len(f["data"]) - zeros
    gas = 21000 + 4 * zeros + 16 * others
    if not f["to"]:
        gas += 32000 + (len(f["data"]) + 31) // 32 * 2
    gas += sum(2400 + 1900 * len(entry[1]) for entry in f.get("access", []))
    gas += 25000 * len(f.get("authorizations", []))
    return gas, 21000 + 10 * zeros + 40 * others


def check_pool(kind, f, rules):
    need(f["to"] or len(f["data"]) <= 49152, "initcode_size")
    need(not rules.osaka or f["gas"] <= 1 << 24, "gas_above_cap")
    need(f.get("tip", 0) <= f["price"], "tip_above_cap")
    need(f["nonce"] < 2**64 - 1, "nonce_too_high")
    least, floor = intrinsic(kind, f)
    need(f["gas"] >= least, "intrinsic_gas")
    need(not rules.osaka or f["gas"] >= floor, "floor_gas")
    if kind == 3:
        need(f["blob_price"] > 0, "blob_fee")
        need(1 <= len(f["hashes"]) <= 6, "blob_count")
        need(all(h[0] == 1 for h in f["hashes"]), "blob_version")
    if kind == 4:
        need(f["authorizations"], "no_authorization")
    cost = f["gas"] * f["price"] + f["value"]
    cost += len(f.get("hashes", [])) * BLOB * f.get("blob_price", 0)
    need(cost < 1 << 256, "cost_overflow")


def judge(case):
    """The verdict, or raises Refused."""
    raw, rules = case.raw, RULES[case.rules]
    need(raw, "empty")
    kind = 0 if raw[0] > 0x7F else raw[0]
    need(len(raw) <= NETWORK, "too_large")
    need(raw[0] > 0x7F or len(raw) > 1, "malformed")
    need(raw[0] > 0x7F or 1 <= kind <= rules.type_max, "unsupported_type")
    need(kind == 3 or len(raw) <= SIZE, "too_large")
    tree = decode(raw[1:] if kind else raw)
    sidecar = None
    if kind == 3 and network(tree):
        sidecar = check_sidecar_shape(tree)
        tree = sidecar[0]
        raw = raw[:1] + rlp.encode(tree)
    need(len(raw) <= SIZE, "too_large")
    f = check_fields(kind, tree)

    chain, parity = chain_of(kind, f)
    need(chain is None or chain < 1 << 256, "field_range")
    need(not rules.protected or chain is not None,
         "bad_recovery_id" if parity is None else "chain_required")
    need(all(f.get(name, 0) < 1 << 256 for name in ("price", "tip", "value")),
         "field_range")
    if rules.frontier:
        need(chain is None, "bad_recovery_id")
    elif chain is not None:
        need(len(str(chain)) <= 32, "chain_not_served")
        need(chain == case.chain, "wrong_chain")
    need(parity is not None, "bad_recovery_id")
    need(0 < f["r"] < N and 0 < f["s"] < N, "out_of_range")
    need(rules.frontier or f["s"] <= N // 2, "high_s")
    if rules.protected:
        check_pool(kind, f, rules)
    if sidecar:
        check_sidecar(f, sidecar)
    return Verdict(keccak(raw), sender_of(kind, tree, raw, chain, parity, f))


def sender_of(kind, tree, raw, chain, parity, f):
    signed = tree[:-3]
    if kind == 0 and chain is not None:
        signed = signed + [integer(chain), b"", b""]
    hashed = keccak(raw[:1] * (kind > 0) + rlp.encode(signed))
    signature = (f["r"].to_bytes(32, "big") + f["s"].to_bytes(32, "big") +
                 bytes([parity]))
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature, hashed, hasher=None)
    except Exception as e:
        raise Refused("recovery_failed") from e
    sender = "0x" + keccak(key.format(compressed=False)[1:])[-20:].hex()
    # It is stricter about a few numbers, such as those of authorizations.
    try:
        other = Account.recover_transaction(raw).lower()
    except Exception:
        other = sender
    assert other == sender, (raw.hex(), other, sender)
    return sender


# ---- making ----

def integer(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


class Raw(bytes):
    """An item that is encoded already."""


def encode(tree):
    """RLP; Raw items go in as they are."""
    if isinstance(tree, Raw):
        return bytes(tree)
    if isinstance(tree, list):
        inside = b"".join(encode(item) for item in tree)
        return prefix(0xC0, len(inside)) + inside
    if len(tree) == 1 and tree[0] < 0x80:
        return bytes(tree)
    return prefix(0x80, len(tree)) + tree


def prefix(base, count):
    if count < 56:
        return bytes([base + count])
    digits = integer(count)
    return bytes([base + 55 + len(digits)]) + digits


EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x100, 21000, 1 << 24, (1 << 24) + 1,
         2**32 - 1, 2**63, 2**64 - 2, 2**64 - 1, 2**64, 2**128, 2**255,
         2**256 - 1, 2**256]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keys = [coincurve.PrivateKey(hashlib.sha256(b"%d" % i).digest())
                     for i in range(16)]

    def some_bytes(self, count):
        r = self.random
        if r.random() < 0.3:
            return bytes(count)
        return bytes(r.randrange(256) if r.random() < 0.7 else 0
                     for _ in range(count))

    def fields(self, kind, chain):
        r = self.random
        f = {"chain": chain, "nonce": r.randrange(1 << r.randrange(1, 40)),
             "price": r.randrange(1 << 40), "tip": 0,
             "gas": 21000 + r.randrange(300000),
             "to": self.some_bytes(20), "value": r.randrange(1 << 80),
             "data": self.some_bytes(r.choice([0, 0, 4, 32, 68, 200])),
             "access": [], "blob_price": r.randrange(1 << 30),
             "hashes": [], "authorizations": []}
        f["tip"] = r.randrange(f["price"] + 1)
        if kind < 3 and r.random() < 0.15:
            f["to"] = b""
        for _ in range(r.choice([0, 0, 1, 2])):
            f["access"].append([self.some_bytes(20),
                                [self.some_bytes(32)
                                 for _ in range(r.randrange(3))]])
        for _ in range(r.randrange(1, 4)):
            f["hashes"].append(b"\1" + self.some_bytes(31))
            f["authorizations"].append(
                [integer(r.choice([0, chain, 2**256 - 1])),
                 self.some_bytes(20), integer(r.choice(EDGES[:13])),
                 integer(r.choice([0, 1, 27, 255])), integer(r.choice([0, N])),
                 integer(r.choice([1, 2**256 - 1]))])
        least, floor = intrinsic(kind, {**f, "access": f["access"]
                                        if kind else [], "authorizations":
                                        f["authorizations"]
                                        if kind == 4 else []})
        if r.random() < 0.8:
            f["gas"] += max(least, floor) - 21000
        else:
            f["gas"] = max(least, floor) + r.choice([-1, 0, 1])
        return f

    def tree(self, kind, f, names):
        return [f[n] if isinstance(f[n], (bytes, list)) else integer(f[n])
                for n in names]

    def sign(self, kind, f, protected):
        """The tree with its signature."""
        signed = self.tree(kind, f, FIELDS[kind][:-3])
        under = signed
        if kind == 0 and protected:
            under = signed + [integer(f["chain"]), b"", b""]
        hashed = keccak((bytes([kind]) if kind else b"") + encode(under))
        key = self.random.choice(self.keys)
        signature = key.sign_recoverable(hashed, hasher=None)
        v = signature[64]
        if kind == 0:
            v += 35 + 2 * f["chain"] if protected else 27
        return signed + [integer(v), integer(int.from_bytes(
            signature[:32], "big")), integer(int.from_bytes(
                signature[32:64], "big"))]

    def wrap(self, tree, hashes, count):
        """A network form; blobs are all zero but for a byte."""
        r = self.random
        version = r.randrange(2)
        commitments = [h for h in hashes]
        blobs = [r.randbytes(1) + bytes(BLOB - 1) for _ in range(count)]
        proofs = [self.some_bytes(POINT)
                  for _ in range(count * (128 if version else 1))]
        return [tree] + [integer(version)] * version + [
            blobs, commitments, proofs]

    # ---- breaking ----

    def break_bytes(self, raw):
        r = self.random
        raw = bytearray(raw)
        where = r.randrange(min(len(raw), 2000))
        if r.random() < 0.5:
            where = min(where, r.randrange(1, 40))
        how = r.randrange(6)
        if how == 0:
            raw[where] ^= 1 << r.randrange(8)
        elif how == 1:
            raw[where] = r.choice([0, 1, 0x7F, 0x80, 0x81, 0xB8, 0xC0, 0xC1,
                                   0xF8, 0xFF])
        elif how == 2:
            raw.insert(where, r.randrange(256))
        elif how == 3:
            del raw[where]
        elif how == 4:
            raw = raw[:where]
        else:
            raw += self.some_bytes(r.choice([1, 1, 2, 32]))
        return bytes(raw)

    def break_item(self, item):
        """Another item in the place of one."""
        r = self.random
        how = r.randrange(9)
        if isinstance(item, list):
            if how < 3 and item:
                where = r.randrange(len(item))
                return item[:where] + [self.break_item(item[where])] + \
                    item[where + 1:]
            if how == 3 and item:
                return item[:-1]
            if how == 4:
                return item + (item[-1:] or [b""])
            if how == 5:
                return b""
            if how == 6:
                inside = b"".join(encode(i) for i in item)
                return Raw(b"\xfa" + len(inside).to_bytes(3, "big") + inside)
            if how == 7:
                return item[::-1]
            return [item]
        if how == 0:
            return b"\0" + item
        if how == 1:
            return item[1:]
        if how == 2:
            return item + b"\1"
        if how == 3:
            return [item] if r.random() < 0.5 else []
        if how == 4:
            return Raw(b"\x81" + (item[:1] or b"\0"))
        if how == 5:
            return Raw(b"\xb8" + bytes([len(item) & 0xFF]) + item)
        if how == 6:
            return Raw(b"\xba" + len(item).to_bytes(3, "big") + item)
        if how == 7:
            return Raw(b"\0")
        return self.some_bytes(r.choice([0, 1, 8, 9, 19, 20, 21, 31, 32, 33]))

    def break_tree(self, tree):
        r = self.random
        how = r.random()
        if how < 0.06:
            return tree[:-1]
        if how < 0.12:
            return tree + [b""]
        where = r.randrange(len(tree))
        return tree[:where] + [self.break_item(tree[where])] + tree[where + 1:]

    def break_signature(self, kind, tree):
        """The tree, and the reason when it is the only one."""
        r = self.random
        v, rr, s = (int.from_bytes(i, "big") for i in tree[-3:])
        choice = r.randrange(10)
        reason = ""
        if choice == 0:
            s = N - s
            v = v ^ 1 if kind else v + (1 if v % 2 else -1)
            reason = "high_s"
        elif choice == 1:
            rr, reason = r.choice([0, N, N + 1, 2**256 - 1]), "out_of_range"
        elif choice == 2:
            s, reason = r.choice([0, N, N + 1, 2**256 - 1]), "out_of_range"
        elif choice == 3:
            rr = r.randrange(1, N)
        elif choice == 4:
            s = r.choice([1, N // 2, N // 2 + 1, N - 1])
        elif choice == 5:
            v = r.choice([0, 1, 2, 3, 26, 27, 28, 29, 30, 34, 35, 36, 37, 38,
                          255, 2**64 - 1, 2**256 - 1, 2**256])
        elif choice == 6:
            v ^= 1
        elif choice == 7:
            rr = r.choice([1, 2, 3, 4, 5, 6, 7, N - 1])
        elif choice == 8:
            rr, s = s, rr
        else:
            v += 2
        return tree[:-3] + [integer(v), integer(rr), integer(s)], reason

    def edge(self, kind, f):
        """One field at an edge, or one fault that the pool rules know."""
        r = self.random
        choice = r.randrange(12)
        if choice == 0:
            f["gas"] = intrinsic(kind, f if kind else {**f, "access": []})[0]
            f["gas"] -= r.randrange(2)
        elif choice == 1:
            f["tip"] = f["price"] + r.choice([0, 1])
        elif choice == 2:
            f["nonce"] = r.choice(EDGES)
        elif choice == 3:
            f["gas"] = r.choice(EDGES)
        elif choice == 4:
            f["value"] = r.choice(EDGES)
        elif choice == 5:
            f["price"] = r.choice(EDGES)
        elif choice == 6:
            f["data"] = self.some_bytes(r.choice([1, 500, 2000]))
        elif choice == 7:
            f["hashes"] = [b"\1" + bytes(31)] * r.choice([0, 1, 6, 7])
        elif choice == 8:
            f["hashes"] = [bytes([r.choice([0, 1, 2])]) + bytes(31)]
        elif choice == 9:
            f["authorizations"] = []
        elif choice == 10:
            f["chain"] = r.choice(EDGES)
        else:
            f["blob_price"] = r.choice(EDGES)
        return f

    def case(self):
        r = self.random
        kind = r.choice([0, 0, 1, 2, 2, 3, 3, 4, 4])
        chain = r.choice([1, 1, 1337, 11155111, 2**63 + 7, 10**31])
        rules = r.choice([1, 2, 3, 3, 4, 4, 4] + [5] * (kind == 0))
        protected = rules != 5 and r.random() < 0.8
        f = self.fields(kind, chain)
        about = r.choice(["whole", "edge", "bytes", "bytes", "tree", "tree",
                          "signature", "chain"])
        if about == "edge":
            f = self.edge(kind, f)
        blobs = kind == 3 and r.random() < 0.08
        commitments = [self.some_bytes(POINT) for _ in f["hashes"]]
        if blobs:
            del commitments[1:]
            f["hashes"] = [b"\1" + hashlib.sha256(c).digest()[1:]
                           for c in commitments]
        tree = self.sign(kind, f, protected)
        reason = ""
        if about == "signature":
            tree, reason = self.break_signature(kind, tree)
        if blobs:
            tree = self.wrap(tree, commitments, len(commitments))
        if about == "tree":
            tree = self.break_tree(tree)
        raw = (bytes([kind]) if kind else b"") + encode(tree)
        if about == "bytes":
            raw = self.break_bytes(raw)
        if about == "chain":
            chain = r.choice([1, 2, chain + 1, chain])
        return Case(chain, rules, raw, f"{about} {kind}", reason)


def cases(seed, count):
    maker = Maker(seed)
    made = 0
    while made < count:
        case = maker.case()
        if case.raw:
            made += 1
            yield case


if __name__ == "__main__":
    for c in cases(int(sys.argv[1]), int(sys.argv[2])):
        print(f"eip155:{c.chain} {c.rules} {c.raw.hex()}")
