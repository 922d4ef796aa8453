"""Verdicts by software that is not ours, for the outside checker.

tests/oracle judges a record by its rule set: with pyrlp and coincurve, with
cryptography and jwcrypto, or with solders. A part of Ethereum's verified ones
is recovered once more by eth_keys' curve in plain Python, which shares no line
with libsecp256k1. Of many records a part is judged, the same in every run over
the same records; how many is in the report.
"""

import hashlib
import random
import re

import rlp
from eth_keys.backends.native import NativeECCBackend
from eth_keys.datatypes import Signature
from eth_utils import keccak

from oracle import ethereum, jws, solana

ORACLE_MAX = 1000
NATIVE_MAX = 40

_HEADER = re.compile(
    rb"1;(eip155:(?:0|[1-9][0-9]{0,31})"
    rb"|(?!eip155)[a-z0-9]{3,8}(?::[-_a-zA-Z0-9]{1,32})?);([1-9][0-9]{0,4})")
_native = NativeECCBackend()


def chain_of(record, chain, rules):
    """(chain name, rule set): what its header says, or the log's."""
    said = [value for name, value in record.headers if name == "tm"]
    match = said and said[-1] and _HEADER.fullmatch(said[-1])
    if not match or len(said[-1]) > 64 or int(match[2]) > 65535:
        return chain, rules
    return match[1].decode(), int(match[2])


def number_of(chain):
    """As tables have it: 8 bytes of SHA-256, the top bit cleared."""
    digest = hashlib.sha256(chain.encode()).digest()
    return int.from_bytes(digest[:8]) & (1 << 63) - 1


def check_verdicts(seen):
    """I6, of records that are in the log and of a chain known here."""
    known = [at for at, row in sorted(seen.rows.items())
             if row["kind"] in ("verified", "rejected", "duplicate")
             and at[0] == seen.log and at[1:] in seen.records
             and _known(row)]
    chosen = known if len(known) <= ORACLE_MAX else \
        random.Random(len(known)).sample(known, ORACLE_MAX)
    for at in chosen:
        _check(seen, at, seen.rows[at])
    verified = [at for at in chosen if seen.rows[at]["kind"] == "verified"
                and seen.rows[at]["chain_name"].startswith("eip155:")]
    for at in verified[:NATIVE_MAX] if not seen.wrong.get("I6") else ():
        _check_native(seen, at, seen.rows[at])
    seen.counts["judged by others"] = len(chosen)
    seen.counts["judged by a curve in Python"] = len(verified[:NATIVE_MAX])
    seen.counts["not judged by others"] = len(seen.rows) - len(chosen)


def _known(row):
    if row["chain_name"] == "jws" or row["chain_name"].startswith("solana:"):
        return row["rules"] == 1
    return (row["chain_name"].startswith("eip155:")
            and row["rules"] in ethereum.RULES)


def _judge(row, value):
    """(hash, "0x" and sender), or raises Refused."""
    if row["chain_name"] == "jws":
        verdict = jws.judge(jws.Case(value, ""))
        return bytes.fromhex(verdict.hash), "0x" + verdict.sender
    if row["chain_name"].startswith("solana:"):
        verdict = solana.judge(solana.Case(value, ""))
        return verdict.hash, "0x" + verdict.sender.hex()
    verdict = ethereum.judge(ethereum.Case(
        int(row["chain_name"].split(":")[1]), row["rules"], value, ""))
    return verdict.hash, verdict.sender


def _check(seen, at, row):
    value = seen.records[at[1:]].value or b""
    try:
        hash, sender = _judge(row, value)
    except (ethereum.Refused, jws.Refused, solana.Refused) as refused:
        seen.unless("I6", row["kind"] == "rejected",
                    f"{at}: {row['kind']}, others refuse it: {refused}")
        return
    except AssertionError as error:
        seen.unless("I6", False, f"{at}: others differ: {error}")
        return
    if row["kind"] == "rejected":
        seen.unless("I6", False, f"{at}: rejected for {row['reason']}, "
                    "others verify it")
        return
    seen.unless("I6", row["hash"] == hash,
                f"{at}: hash {row['hash'].hex()}, others say {hash.hex()}")
    if row["kind"] == "verified":
        seen.unless("I6", "0x" + row["sender"].hex() == sender,
                    f"{at}: sender {row['sender'].hex()}, others say {sender}")


def _check_native(seen, at, row):
    sender = _recover(seen.records[at[1:]].value)
    seen.unless("I6", sender == row["sender"],
                f"{at}: sender {row['sender'].hex()}, plain Python recovers "
                f"{sender.hex()}")


def _recover(raw):
    """The sender of a transaction in consensus form, by plain Python."""
    kind = raw[:1] if raw[0] < 0x80 else b""
    *signed, v, r, s = rlp.decode(raw[len(kind):])
    v, r, s = (int.from_bytes(item) for item in (v, r, s))
    parity = v if kind else (v - 27 if v < 35 else (v - 35) % 2)
    if not kind and v >= 35:
        signed += [ethereum.integer((v - 35) // 2), b"", b""]
    digest = keccak(kind + rlp.encode(signed))
    key = _native.ecdsa_recover(digest, Signature(vrs=(parity, r, s)))
    return keccak(key.to_bytes())[-20:]
