"""Signed messages of BIP 322: transactions in disguise, judged as such.

A message is signed by spending an output that commits to it. What signs it is
put together here as the BIP says, and judged by set 2 against that output; a
proof of funds is a finalized PSBT as it comes. What the BIP asks besides (that
the first input spends the message's output, that prefixes are right) is asked
here and counted.
"""

import json
from base64 import b64decode
from collections import Counter

import pytest
from embit.psbt import PSBT
from embit.script import address_to_scriptpubkey

from oracle import bitcoin
from test_oracle import verify
from vectors import need

CHAIN = "bip122:messages"
SHARES = "1FUGbznJZgPPNR49WGpAMWGqd2EJy7L411"
FILES = ["basic-test-vectors.json", "generated-test-vectors.json"]


def outpoint(message, script):
    """Of the output that commits to the message."""
    hash = bitcoin.tagged(b"BIP0322-signed-message", message.encode())
    return bitcoin.twice(
        bytes(4) + b"\1" + bytes(32) + b"\xff" * 4
        + bitcoin.string(b"\0\x20" + hash) + bytes(4) + b"\1"
        + bitcoin.output(0, script) + bytes(4)) + bytes(4)


def parse(text):
    """Variant and bytes; ValueError when it is none."""
    kind = text[:3] if text[:3] in ("smp", "ful", "pof") else "smp"
    body = text[3:] if text.startswith(kind) else text
    return kind, b64decode(body, validate=True)


def record(kind, raw, message, address):
    """What a door would be sent; ValueError when the BIP refuses it."""
    script = address_to_scriptpubkey(address).data
    spends = outpoint(message, script)
    if kind == "smp":
        if not raw:
            raise ValueError("nothing is signed")
        return (bitcoin.MAGIC + bytes(4) + b"\0\1\1" + spends + b"\0"
                + bytes(4) + b"\1" + bitcoin.output(0, b"\x6a") + raw
                + bytes(4) + bitcoin.output(0, script))
    if kind == "pof":
        first = PSBT.parse(raw).tx.vin[0]
        if first.txid[::-1] + first.vout.to_bytes(4, "little") != spends:
            raise ValueError("another message")
        return raw
    if raw[5:41] != spends and raw[7:43] != spends:
        raise ValueError("another message")
    return bitcoin.MAGIC + raw + bitcoin.output(0, script)


@pytest.mark.parametrize("name", FILES)
def test_signed_messages_are_verified_and_false_ones_never(name, tmp_path):
    path = need("bitcoin", "bips", "bip-0322", name)
    document = json.loads(path.read_text())
    seen = Counter()
    for kind in ("simple", "full", "proof_of_funds"):
        for case in document.get(kind, []):
            for text in case["bip322_signatures"]:
                raw = record(*parse(text), case["message"], case["address"])
                said, = verify(CHAIN, 2, [raw], tmp_path)
                reason = said["reason"] or "verified"
                seen[kind, reason] += 1
                # BIP 174 wants each input to say what it spends; one proof
                # leaves that to another input of the same transaction.
                assert reason in ("verified", "unsupported_script") or (
                    (kind, reason) == ("proof_of_funds", "prevout_missing")
                    and case["address"] == SHARES), case
    for case in document["error"]:
        try:
            raw = record(*parse(case["signature"]), case["message"],
                         case["address"])
        except Exception as refused:
            seen["error", f"refused before: {type(refused).__name__}"] += 1
            continue
        said, = verify(CHAIN, 2, [raw], tmp_path)
        seen["error", said["reason"]] += 1
        assert said["verdict"] == "rejected", case["description"]
    for hash in document.get("tx_hashes", []):
        script = address_to_scriptpubkey(hash["address"]).data
        assert outpoint(hash["message"], script)[31::-1].hex() == \
            hash["to_spend_tx_hash"]
        seen["hashes", "equal"] += 1
    print(f"{name}: " + ", ".join(f"{n} {kind} {reason}"
                                  for (kind, reason), n in seen.items()))
    assert seen["simple", "verified"] > 0
