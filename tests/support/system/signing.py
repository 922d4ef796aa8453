"""Transactions of Ethereum, made and signed by other people's libraries.

coincurve signs, rlp encodes, eth_utils hashes: nothing here is ours, so what
the programs say about a transaction can be compared with what these said.
"""

import hashlib
from dataclasses import dataclass

import rlp
from coincurve import PrivateKey
from eth_utils import keccak

ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141
GWEI = 10**9


@dataclass(frozen=True)
class Signed:
    raw: bytes
    hash: bytes
    sender: bytes
    recipient: bytes | None
    amount: int
    nonce: int
    type: int
    chain_id: int

    @property
    def hex(self):
        return "0x" + self.raw.hex()

    @property
    def hash_hex(self):
        return "0x" + self.hash.hex()

    @property
    def sender_hex(self):
        return "0x" + self.sender.hex()


class Account:
    """A key derived from a name; nonces rise with each transaction."""

    def __init__(self, name):
        secret = hashlib.sha256(f"tidemill test {name}".encode()).digest()
        self.key = PrivateKey(secret)
        point = self.key.public_key.format(compressed=False)[1:]
        self.address = keccak(point)[-20:]
        self.nonce = 0

    def sign(self, type=2, to=bytes([0x11] * 20), amount=1, data=b"",
             gas=None, chain_id=1, high_s=False, break_r=False):
        """The next transaction of this account.

        `high_s` gives the other s of the same signature. `break_r` gives an r
        that is no x of the curve: no key can be recovered.
        """
        nonce, self.nonce = self.nonce, self.nonce + 1
        gas = gas or 21000 + 68 * len(data) + (32000 if not to else 0)
        fields = [nonce, 20 * GWEI, gas, to or b"", amount, data]
        if type == 1:
            fields = [chain_id, *fields, []]
        elif type == 2:
            fields = [chain_id, nonce, GWEI, *fields[1:], []]
        prefix = bytes([type]) if type else b""
        tail = [] if type else [chain_id, 0, 0]
        digest = keccak(prefix + rlp.encode(fields + tail))
        signature = self.key.sign_recoverable(digest, hasher=None)
        r = int.from_bytes(signature[:32])
        s = int.from_bytes(signature[32:64])
        parity = signature[64]
        if high_s:
            s, parity = ORDER - s, parity ^ 1
        if break_r:
            r = 5  # 5^3 + 7 has no square root in the field
        v = parity if type else chain_id * 2 + 35 + parity
        raw = prefix + rlp.encode([*fields, v, r, s])
        return Signed(raw, keccak(raw), self.address, to or None, amount,
                      nonce, type, chain_id)
