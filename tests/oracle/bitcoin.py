"""Bitcoin transactions made and broken at random, with what they spend.

Messages are put together here from the BIPs, keys are coincurve's; nothing is
shared with the programs.

    build/venv/bin/python tests/oracle/bitcoin.py SEED COUNT
"""

import hashlib
import random
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from coincurve import PrivateKey

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAGIC = b"btx\x01"
ALL, NONE, SINGLE, ALONE = 1, 2, 3, 0x80
KINDS = ["p2pk", "p2pkh", "multisig", "p2sh-p2pk", "p2sh-p2pkh",
         "p2sh-multisig", "p2wpkh", "p2wsh-p2pk", "p2wsh-p2pkh",
         "p2wsh-multisig", "p2sh-p2wpkh", "p2sh-p2wsh-multisig", "p2tr",
         "tapscript", "tapscript-verify", "tapscript-threshold"]


def sha256(b):
    return hashlib.sha256(b).digest()


def twice(b):
    return sha256(sha256(b))


def hash160(b):
    # OpenSSL 3 has RIPEMD-160 only in its legacy provider.
    from Crypto.Hash import RIPEMD160
    return RIPEMD160.new(sha256(b)).digest()


def tagged(tag, message):
    return sha256(sha256(tag) * 2 + message)


def size(n):
    if n < 0xfd:
        return bytes([n])
    if n < 0x10000:
        return b"\xfd" + struct.pack("<H", n)
    return b"\xfe" + struct.pack("<I", n)


def string(b):
    return size(len(b)) + b


def push(b):
    if len(b) < 0x4c:
        return bytes([len(b)]) + b
    if len(b) < 0x100:
        return b"\x4c" + bytes([len(b)]) + b
    return b"\x4d" + struct.pack("<H", len(b)) + b


def number(n):
    """A small number or a minimal push of it."""
    if n == 0:
        return b"\0"
    if n <= 16:
        return bytes([0x50 + n])
    b = n.to_bytes(5, "little").rstrip(b"\0")
    return push(b + b"\0" if b[-1] & 0x80 else b)


def output(value, script):
    return struct.pack("<Q", value) + string(script)


@dataclass
class Key:
    private: PrivateKey
    compressed: bool = True

    def __deepcopy__(self, memo):
        return self

    @property
    def public(self):
        return self.private.public_key.format(self.compressed)

    @property
    def x(self):
        return self.private.public_key.format()[1:]


@dataclass
class Input:
    kind: str
    outpoint: bytes
    sequence: int
    value: int
    keys: list
    signers: list             # indexes into keys
    types: list               # hash type of each
    locks: bytes = b""        # timelocks before the script
    spent: bytes = b""        # scriptPubKey
    script: bytes = b""       # redeem, witness or tapscript
    control: bytes = b""
    internal: Key = None
    root: bytes = b""
    annex: bytes = None
    sig_script: bytes = b""
    witness: list = field(default_factory=list)
    redeem: bytes = None      # what a p2sh pushes


@dataclass
class Transaction:
    version: int
    inputs: list
    outputs: list             # (value, script)
    locktime: int

    def serialize(self, witness=True):
        has = witness and any(i.witness for i in self.inputs)
        out = struct.pack("<i", self.version) + (b"\0\1" if has else b"")
        out += size(len(self.inputs))
        for i in self.inputs:
            out += i.outpoint + string(i.sig_script)
            out += struct.pack("<I", i.sequence)
        out += size(len(self.outputs))
        out += b"".join(output(*o) for o in self.outputs)
        if has:
            for i in self.inputs:
                out += size(len(i.witness))
                out += b"".join(string(w) for w in i.witness)
        return out + struct.pack("<I", self.locktime)

    def spent(self):
        return b"".join(output(i.value, i.spent) for i in self.inputs)

    def extended(self):
        return MAGIC + self.serialize() + self.spent()

    def txid(self):
        return twice(self.serialize(False))[::-1]

    def wtxid(self):
        return twice(self.serialize())[::-1]

    # ---- messages

    def legacy(self, index, code, kind):
        base = kind & 0x1f
        if base == SINGLE and index >= len(self.outputs):
            return (1).to_bytes(32, "little")
        inputs = []
        for k, i in enumerate(self.inputs):
            if kind & ALONE and k != index:
                continue
            sequence = i.sequence
            if k != index and base in (NONE, SINGLE):
                sequence = 0
            inputs.append(i.outpoint + string(code if k == index else b"")
                          + struct.pack("<I", sequence))
        if base == NONE:
            outputs = []
        elif base == SINGLE:
            outputs = [b"\xff" * 8 + b"\0"] * index
            outputs.append(output(*self.outputs[index]))
        else:
            outputs = [output(*o) for o in self.outputs]
        return twice(struct.pack("<i", self.version) + size(len(inputs))
                     + b"".join(inputs) + size(len(outputs))
                     + b"".join(outputs) + struct.pack("<I", self.locktime)
                     + struct.pack("<I", kind))

    def v0(self, index, code, kind):
        base, zero = kind & 0x1f, bytes(32)
        me = self.inputs[index]
        prevouts = sequences = outputs = zero
        if not kind & ALONE:
            prevouts = twice(b"".join(i.outpoint for i in self.inputs))
            if base not in (NONE, SINGLE):
                sequences = twice(b"".join(struct.pack("<I", i.sequence)
                                           for i in self.inputs))
        if base not in (NONE, SINGLE):
            outputs = twice(b"".join(output(*o) for o in self.outputs))
        elif base == SINGLE and index < len(self.outputs):
            outputs = twice(output(*self.outputs[index]))
        return twice(struct.pack("<i", self.version) + prevouts + sequences
                     + me.outpoint + string(code)
                     + struct.pack("<Q", me.value)
                     + struct.pack("<I", me.sequence) + outputs
                     + struct.pack("<I", self.locktime)
                     + struct.pack("<I", kind))

    def v1(self, index, kind, leaf=None):
        base, me = kind & 3, self.inputs[index]
        m = bytes([0, kind]) + struct.pack("<i", self.version)
        m += struct.pack("<I", self.locktime)
        if not kind & ALONE:
            m += sha256(b"".join(i.outpoint for i in self.inputs))
            m += sha256(b"".join(struct.pack("<Q", i.value)
                                 for i in self.inputs))
            m += sha256(b"".join(string(i.spent) for i in self.inputs))
            m += sha256(b"".join(struct.pack("<I", i.sequence)
                                 for i in self.inputs))
        if base not in (NONE, SINGLE):
            m += sha256(b"".join(output(*o) for o in self.outputs))
        m += bytes([2 * (leaf is not None) + (me.annex is not None)])
        if kind & ALONE:
            m += me.outpoint + output(me.value, me.spent)
            m += struct.pack("<I", me.sequence)
        else:
            m += struct.pack("<I", index)
        if me.annex is not None:
            m += sha256(string(me.annex))
        if base == SINGLE:
            m += sha256(output(*self.outputs[index]))
        if leaf is not None:
            m += leaf + b"\0" + b"\xff" * 4
        return tagged(b"TapSighash", m)


def leaf_hash(script):
    return tagged(b"TapLeaf", b"\xc0" + string(script))


def high_s(der):
    """The twin of a DER signature, with s in the other half."""
    r_count = der[3]
    r, s = der[4:4 + r_count], int.from_bytes(der[6 + r_count:], "big")
    s = (N - s).to_bytes(32, "big").lstrip(b"\0")
    s = b"\0" + s if s[0] & 0x80 else s
    body = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(s)]) + s
    return b"\x30" + bytes([len(body)]) + body


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, count):
        return self.random.randbytes(count)

    def key(self, compressed=True):
        return Key(PrivateKey(self.random.randrange(1, N).to_bytes(32, "big")),
                   compressed)

    # ---- scripts

    def lock(self, i, tx_locktime, version):
        """A timelock that holds, or (in one of eight) may not."""
        r = self.random
        off = r.choice([0] * 7 + [1])
        if r.random() < 0.5 and i.sequence != 0xffffffff:
            n = max(0, tx_locktime - r.randrange(3) + 2 * off)
            return number(n) + b"\xb1\x75"
        n = (i.sequence & 0x40ffff) + off
        return number(n) + b"\xb2\x75" if version >= 2 else b""

    def inner(self, i):
        """The script under the last part of a kind."""
        name = i.kind.split("-")[-1]
        if name == "p2pk":
            return i.locks + push(i.keys[0].public) + b"\xac"
        if name == "p2pkh":
            return (i.locks + b"\x76\xa9" + push(hash160(i.keys[0].public))
                    + b"\x88\xac")
        m = len(i.signers)
        return (i.locks + number(m) + b"".join(push(k.public) for k in i.keys)
                + number(len(i.keys)) + b"\xae")

    def tapscript(self, i):
        if i.kind == "tapscript":
            return i.locks + push(i.keys[0].x) + b"\xac"
        if i.kind == "tapscript-verify":
            out = b"".join(push(k.x) + b"\xad" for k in i.keys[:-1])
            return i.locks + out + push(i.keys[-1].x) + b"\xac"
        out = push(i.keys[0].x) + b"\xac"
        out += b"".join(push(k.x) + b"\xba" for k in i.keys[1:])
        return i.locks + out + number(len(i.signers)) + b"\x9c"

    def tree(self, i):
        """Script tree and control block of a taproot output."""
        root = b""
        if i.kind != "p2tr" or self.random.random() < 0.3:
            i.script = self.tapscript(i) if i.kind != "p2tr" else b"\x51"
            node, path = leaf_hash(i.script), b""
            for _ in range(self.random.choice([0, 0, 1, 2, 5])):
                other = self.some(32)
                path += other
                node = tagged(b"TapBranch", min(node, other) + max(node, other))
            root = node
            i.control = path
        i.root = root

    def program(self, i):
        i.internal = self.key()
        self.tree(i)
        t = tagged(b"TapTweak", i.internal.x + i.root)
        inner = i.internal.private
        if inner.public_key.format()[0] == 3:
            inner = PrivateKey((N - int.from_bytes(inner.secret, "big"))
                               .to_bytes(32, "big"))
        outer = PrivateKey(((int.from_bytes(inner.secret, "big")
                             + int.from_bytes(t, "big")) % N)
                           .to_bytes(32, "big"))
        parity = outer.public_key.format()[0] & 1
        i.control = bytes([0xc0 | parity]) + i.internal.x + i.control
        i.spent = b"\x51\x20" + outer.public_key.format()[1:]
        if i.kind == "p2tr":
            i.keys = [Key(outer)]

    def lock_script(self, i):
        """Sets what is spent, and the scripts inside."""
        kind = i.kind
        if kind.startswith(("p2tr", "tapscript")):
            self.program(i)
            return
        if kind in ("p2wpkh", "p2sh-p2wpkh"):
            i.redeem = b"\0\x14" + hash160(i.keys[0].public)
        else:
            i.script = self.inner(i)
            i.redeem = (b"\0\x20" + sha256(i.script)
                        if "p2wsh" in kind else i.script)
        i.spent = (b"\xa9\x14" + hash160(i.redeem) + b"\x87"
                   if kind.startswith("p2sh") else i.redeem)

    # ---- signing

    def sign(self, tx, index):
        i = tx.inputs[index]
        if i.kind.startswith(("p2tr", "tapscript")):
            self.sign_taproot(tx, index)
            return
        name = i.kind.split("-")[-1]
        segwit = "wpkh" in i.kind or "wsh" in i.kind
        code = i.script
        if name == "p2wpkh":
            code = b"\x76\xa9" + push(hash160(i.keys[0].public)) + b"\x88\xac"
        signatures = []
        for who, kind in zip(i.signers, i.types):
            message = (tx.v0 if segwit else tx.legacy)(index, code, kind)
            der = i.keys[who].private.sign(message, hasher=None)
            signatures.append(der + bytes([kind]))
        stack = signatures
        if name == "multisig":
            stack = [b""] + signatures
        elif name in ("p2pkh", "p2wpkh"):
            stack = signatures + [i.keys[0].public]
        if segwit:
            i.witness = stack + ([i.script] if "wsh" in i.kind else [])
            i.sig_script = (push(i.redeem) if i.kind.startswith("p2sh")
                            else b"")
        else:
            i.witness = []
            i.sig_script = b"".join(push(s) for s in stack)
            if i.kind.startswith("p2sh"):
                i.sig_script += push(i.redeem)

    def sign_taproot(self, tx, index):
        i = tx.inputs[index]
        leaf = None if i.kind == "p2tr" else leaf_hash(i.script)
        signatures = [b""] * len(i.keys)
        for who, kind in zip(i.signers, i.types):
            s = i.keys[who].private.sign_schnorr(tx.v1(index, kind, leaf),
                                                 bytes(32))
            signatures[who] = s + (bytes([kind]) if kind else b"")
        i.witness = signatures[::-1]
        if leaf is not None:
            i.witness += [i.script, i.control]
        if i.annex is not None:
            i.witness.append(i.annex)

    # ---- whole transactions

    def hash_type(self, taproot, index, outputs):
        r = self.random
        kind = r.choice([ALL] * 6 + [NONE, SINGLE])
        if taproot and r.random() < 0.5:
            kind = 0
        if taproot and kind == SINGLE and index >= outputs:
            kind = ALL
        if kind and r.random() < 0.2:
            kind |= ALONE
        return kind

    def input(self, kind, index, outputs, simple):
        r = self.random
        taproot = kind.startswith(("p2tr", "tapscript"))
        segwit = taproot or "wpkh" in kind or "wsh" in kind
        count = 1
        if kind.endswith(("multisig", "threshold")):
            count = r.randrange(1, 6)
        elif kind == "tapscript-verify":
            count = r.randrange(2, 4)
        signers = list(range(count))
        if kind.endswith(("multisig", "threshold")):
            signers = sorted(r.sample(signers, r.randrange(1, count + 1)))
        compressed = segwit or simple or r.random() < 0.7
        if kind == "p2sh-multisig" and count > 7:
            compressed = True
        types = [ALL if not taproot else 0 for _ in signers]
        if not simple:
            types = [self.hash_type(taproot, index, outputs) for _ in signers]
        return Input(kind, self.some(32) + struct.pack("<I", r.randrange(4)),
                     r.choice([0xffffffff, 0xfffffffe, 0xfffffffd, 0, 7,
                               0x400005]),
                     r.randrange(1000, 10**10),
                     [self.key(compressed) for _ in range(count)], signers,
                     types)

    def transaction(self, kinds=None, simple=False):
        r = self.random
        if kinds is None:
            kinds = [r.choice(KINDS) for _ in range(r.choice([1, 1, 2, 3]))]
        count = r.choice([1, 2, 2, 3])
        tx = Transaction(r.choice([1, 2, 2]),
                         [self.input(k, n, count, simple)
                          for n, k in enumerate(kinds)],
                         [], r.choice([0, 0, 800000, 1700000000]))
        left = sum(i.value for i in tx.inputs)
        for _ in range(count):
            value = r.randrange(left // 2 + 1)
            left -= value
            script = r.choice([b"\0\x14" + self.some(20),
                               b"\x51\x20" + self.some(32),
                               b"\x76\xa9\x14" + self.some(20) + b"\x88\xac",
                               b"\x6a" + push(self.some(r.randrange(1, 90)))])
            tx.outputs.append((value, script))
        for i in tx.inputs:
            taproot = i.kind.startswith(("p2tr", "tapscript"))
            if not simple and r.random() < 0.1:
                i.locks = self.lock(i, tx.locktime, tx.version)
            if not simple and taproot and r.random() < 0.05:
                i.annex = b"\x50" + self.some(r.randrange(4))
            self.lock_script(i)
        for n in range(len(tx.inputs)):
            self.sign(tx, n)
        return tx


# ---- PSBT


def pair(kind, value, data=b""):
    return string(bytes([kind]) + data) + string(value)


def psbt(tx, version=0, previous=(), skip=(), locks=None):
    """A finalized PSBT. `previous`: whole transactions by input; inputs in
    `skip` do not say what they spend. `locks`: version 2; for each input
    {0x11: time, 0x12: height}, and then no locktime for all.
    """
    bare = Transaction(tx.version, [Input(**{**vars(i), "sig_script": b"",
                                             "witness": []})
                                    for i in tx.inputs], tx.outputs,
                       tx.locktime)
    out = b"psbt\xff"
    if version == 0:
        out += pair(0, bare.serialize())
    else:
        out += pair(2, struct.pack("<i", tx.version))
        if locks is None:
            out += pair(3, struct.pack("<I", tx.locktime))
        out += pair(4, size(len(tx.inputs))) + pair(5, size(len(tx.outputs)))
        out += pair(0xfb, struct.pack("<I", 2))
    out += b"\0"
    for n, i in enumerate(tx.inputs):
        if n in dict(previous):
            out += pair(0, dict(previous)[n])
        elif n not in skip:
            out += pair(1, output(i.value, i.spent))
        if i.sig_script:
            out += pair(7, i.sig_script)
        if i.witness:
            out += pair(8, size(len(i.witness))
                        + b"".join(string(w) for w in i.witness))
        if version == 2:
            out += pair(0x0e, i.outpoint[:32]) + pair(0x0f, i.outpoint[32:])
            out += pair(0x10, struct.pack("<I", i.sequence))
            for kind, lock in (locks[n] if locks else {}).items():
                out += pair(kind, struct.pack("<I", lock))
        out += b"\0"
    for value, script in tx.outputs:
        if version == 2:
            out += pair(3, struct.pack("<Q", value)) + pair(4, script)
        out += b"\0"
    return out


# ---- broken on purpose


@dataclass
class Case:
    rules: int
    raw: bytes
    about: str


# What a script may do before or after it checks a signature.
OPERATIONS = [0x00, 0x51, 0x52, 0x61, 0x63, 0x68, 0x69, 0x75, 0x76, 0x87, 0x88,
              0x9c, 0xa9, 0xab, 0xac, 0xad, 0xae, 0xb1, 0xb2, 0xba, 0xbb]


class Breaker(Maker):
    """Cases: transactions as they are, and with one thing changed."""

    breaks_scripts = False    # before they are committed to and signed

    def inner(self, i):
        return self.break_script(super().inner(i))

    def tapscript(self, i):
        return self.break_script(super().tapscript(i))

    def break_script(self, script):
        r = self.random
        if not self.breaks_scripts:
            return script
        where, how = r.randrange(len(script)), r.randrange(3)
        operation = bytes([r.choice(OPERATIONS)])
        if how == 0:
            return script[:where] + script[where + 1:]
        return script[:where] + operation + script[where + how - 1:]

    def break_bytes(self, raw):
        r = self.random
        where = r.randrange(4, len(raw))
        how = r.randrange(5)
        if how == 0:
            return raw[:where] + raw[where + 1:]
        if how == 1:
            return raw[:where] + self.some(1) + raw[where:]
        if how == 2:
            return raw[:where]
        bit = bytes([raw[where] ^ 1 << r.randrange(8)])
        return raw[:where] + bit + raw[where + 1:]

    def break_item(self, item):
        r = self.random
        how = r.randrange(8)
        if how == 0 or not item:
            return r.choice([b"", b"\0", b"\1", self.some(64), self.some(33)])
        where = r.randrange(len(item))
        if how == 1:
            return item + bytes([r.choice([0, 1, 2, 3, 0x81, 0x83, 0x50])])
        if how == 2:
            return item[:-1]
        if how == 3:
            return item[:-1] + bytes([r.choice([0, 1, 2, 3, 4, 0x21, 0x41,
                                                0x80, 0x81, 0x82, 0x83])])
        if how == 4:
            return bytes([item[0] ^ r.choice([1, 2, 4, 6])]) + item[1:]
        if how == 5:
            return item[:where] + item[where + 1:]
        return (item[:where] + bytes([item[where] ^ 1 << r.randrange(8)])
                + item[where + 1:])

    def break_stack(self, stack):
        r = self.random
        how = r.randrange(7)
        where = r.randrange(len(stack))
        if how == 0:
            return stack[:where] + stack[where + 1:]
        if how == 1:
            return stack[:where] + [stack[where]] + stack[where:]
        if how == 2:
            return [r.choice([b"", b"\1"])] + stack
        if how == 3:
            return stack[::-1]
        return (stack[:where] + [self.break_item(stack[where])]
                + stack[where + 1:])

    def pushes(self, script):
        """The items of a scriptSig that only pushes."""
        items = []
        while script:
            n, script = script[0], script[1:]
            if n == 0x4c:
                n, script = script[0], script[1:]
            elif n == 0x4d:
                n, script = struct.unpack("<H", script[:2])[0], script[2:]
            items.append(script[:n])
            script = script[n:]
        return items

    def push_any(self, item):
        """A push that is the shortest but for one in ten."""
        r = self.random
        if len(item) == 1 and 1 <= item[0] <= 16:
            return bytes([0x50 + item[0]])
        if r.random() < 0.1 and len(item) < 0x100:
            return b"\x4c" + bytes([len(item)]) + item
        return push(item)

    def break_input(self, i):
        """Something in what one input brings."""
        r = self.random
        if i.witness and (not i.sig_script or r.random() < 0.8):
            i.witness = self.break_stack(i.witness)
            return
        if not i.sig_script:
            i.sig_script = self.push_any(self.some(3))
            return
        if r.random() < 0.1:
            i.sig_script += bytes([r.choice([0x51, 0x61, 0x75, 0x76])])
            return
        stack = self.break_stack(self.pushes(i.sig_script))
        i.sig_script = b"".join(self.push_any(item) for item in stack)

    def turn_s(self, i):
        def turned(item):
            if len(item) < 60 or item[0] != 0x30 or item[1] != len(item) - 3:
                return item
            return high_s(item[:-1]) + item[-1:]
        i.witness = [turned(w) for w in i.witness]
        if i.sig_script:
            i.sig_script = b"".join(push(turned(item))
                                    for item in self.pushes(i.sig_script))

    def break_spent(self, i):
        r = self.random
        how = r.randrange(4)
        if how == 0:
            i.value += r.choice([1, -1, 10**6])
        elif how == 1:
            i.spent = self.break_item(i.spent)
        elif how == 2:
            i.spent = r.choice([b"", b"\x51", b"\x6a", i.script or b"\x51",
                                b"\x51\x02\x4e\x73", b"\x52\x20" + bytes(32),
                                b"\0\x20" + sha256(i.script)])
        else:
            i.value = r.choice([0, 2100000000000000, 2100000000000001,
                                2**63, 2**64 - 1])

    def break_rest(self, tx):
        r = self.random
        how = r.randrange(8)
        if how == 0:
            tx.version = r.choice([1, 2, 3, -1, 0])
        elif how == 1:
            tx.locktime ^= 1 << r.randrange(32)
        elif how == 2:
            i = r.choice(tx.inputs)
            i.sequence ^= 1 << r.randrange(32)
        elif how == 3:
            tx.outputs = tx.outputs[:-1]
        elif how == 4:
            tx.outputs.append((r.choice([0, 1, 10**15, 2**64 - 1]), b"\x6a"))
        elif how == 5:
            tx.inputs.append(tx.inputs[0])
        elif how == 6:
            tx.inputs = tx.inputs[::-1]
        else:
            tx.inputs[0].outpoint = r.choice([bytes(32) + b"\xff" * 4,
                                              self.some(36)])

    def case(self):
        r = self.random
        about = r.choice(["whole", "whole", "bytes", "input", "input", "input",
                          "input", "s", "spent", "rest", "annex", "script"])
        self.breaks_scripts = about == "script"
        tx = self.transaction()
        i = r.choice(tx.inputs)
        if about == "input":
            self.break_input(i)
        elif about == "s":
            self.turn_s(i)
        elif about == "spent":
            self.break_spent(i)
        elif about == "rest":
            self.break_rest(tx)
        elif about == "annex" and i.witness:
            i.witness.append(b"\x50" + self.some(2))
        raw = tx.extended()
        if about == "bytes":
            raw = self.break_bytes(raw)
        kinds = " ".join(k.kind for k in tx.inputs)
        return Case(r.choice([1, 2]), raw, f"{about}: {kinds}")


def cases(seed, count):
    breaker = Breaker(seed)
    for _ in range(count):
        yield breaker.case()


# ---- the other opinion


class Reader:
    def __init__(self, raw):
        self.raw, self.pos = raw, 0

    def take(self, count):
        self.pos += count
        return self.raw[self.pos - count:self.pos]

    def size(self):
        first = self.take(1)[0]
        width = {0xfd: 2, 0xfe: 4, 0xff: 8}.get(first)
        return int.from_bytes(self.take(width), "little") if width else first

    def string(self):
        return self.take(self.size())

    def output(self):
        return struct.unpack("<Q", self.take(8))[0], self.string()


def party(script):
    if not script:
        return None
    return script if len(script) <= 96 else sha256(script)


def row(raw):
    """Sender, recipient and amount of an extended form that is verified."""
    r = Reader(raw)
    r.take(8)
    inputs = r.size()
    segwit = inputs == 0
    if segwit:
        r.take(1)
        inputs = r.size()
    for _ in range(inputs):
        r.take(36), r.string(), r.take(4)
    outputs = [r.output() for _ in range(r.size())]
    for _ in range(inputs if segwit else 0):
        for _ in range(r.size()):
            r.string()
    r.take(4)
    return party(r.output()[1]), party(outputs[0][1]), outputs[0][0]


def engine(cases):
    """btcd's words for each case: "ok WTXID TXID", or what refuses it."""
    done = subprocess.run(
        ["go", "run", "."], cwd=Path(__file__).parent / "btcd", text=True,
        input="".join(f"{c.rules} {c.raw.hex()}\n" for c in cases),
        capture_output=True)
    words = done.stdout.splitlines()
    assert len(words) == len(cases), done.stderr
    return words


if __name__ == "__main__":
    for c in cases(int(sys.argv[1]), int(sys.argv[2])):
        print(f"{c.rules} {c.raw.hex()}")
