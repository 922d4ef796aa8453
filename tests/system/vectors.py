"""Third-party transactions, read from the folder TIDEMILL_VECTORS.

Each reader returns Vectors: bytes to post, and what other software says of
them. What a file gives only as fields is put together here with the rlp
package, and stands only if its keccak is the hash that the file names.
"""

import csv
import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import rlp
from coincurve import PrivateKey
from eth_utils import keccak

from system.signing import ORDER
from system.stack import ROOT

VECTORS = Path(os.environ.get("TIDEMILL_VECTORS")
               or ROOT.parent / "shared" / "vectors")

# What the latest fork says counts; the files list forks by the alphabet.
FORKS = ("Frontier", "Homestead", "EIP150", "EIP158", "Byzantium",
         "Constantinople", "ConstantinopleFix", "Istanbul", "Berlin", "London",
         "Merge", "Paris", "Shanghai", "Cancun", "Prague", "Osaka")


@dataclass(frozen=True)
class Vector:
    """One transaction. None: the file does not say."""

    name: str
    raw: bytes
    hash: bytes | None = None
    sender: bytes | None = None
    fields: tuple | None = None   # recipient or None, amount, nonce
    invalid: str | None = None    # the exception that is expected

    @property
    def type(self):
        return self.raw[0] if self.raw[:1] < b"\x80" else 0

    @property
    def chain_id(self):
        """As the bytes say; None for a legacy one of before EIP-155."""
        if self.type:
            return number(rlp.decode(self.raw[1:], strict=False)[0])
        v = self._legacy(6)
        return (v - 35) // 2 if v >= 35 else None

    @property
    def high_s(self):
        return self.type == 0 and self._legacy(8) > ORDER // 2

    def _legacy(self, index):
        return number(rlp.decode(self.raw)[index])


def need(*path):
    """That file or folder; without it the test is skipped, loudly."""
    found = VECTORS.joinpath(*path)
    if not found.exists():
        pytest.skip(f"NO VECTORS: {found} is not there; set TIDEMILL_VECTORS")
    return found


def number(data):
    return int.from_bytes(data, "big")


def minimal(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def unhex(text):
    """Data, or a number of a node's JSON with its odd digit; b"" for none."""
    digits = (text or "0x").removeprefix("0x")
    return bytes.fromhex("0" * (len(digits) % 2) + digits)


def quantity(text):
    return minimal(int(text or "0x0", 16))


# --- ethers: five signed forms of random fields, and the key they are by

FORMS = ("signedLegacy", "signedEip155", "signedBerlin", "signedLondon",
         "signedCancun")


def address_of(key):
    return keccak(PrivateKey(key).public_key.format(False)[1:])[-20:]


def ethers():
    path = need("ethereum", "ethers", "transactions.json.gz")
    found = []
    with gzip.open(path) as file:
        records = json.load(file)
    for record in records:
        t = record["transaction"]
        sender = address_of(unhex(record["privateKey"]))
        fields = (unhex(t.get("to")) or None, int(t.get("value", "0x0"), 16),
                  t.get("nonce", 0))
        found += [Vector(f"{record['name']} {form}", raw, keccak(raw), sender,
                         fields)
                  for form in FORMS if (raw := unhex(record.get(form)))]
    return found


# --- blocks as RLP: an exported chain, bodies of mainnet, tests of chains

def in_block(item):
    """The bytes of a transaction as they lie in a block's list."""
    return rlp.encode(item) if isinstance(item, list) else bytes(item)


def with_rows(raws, table):
    """Beside each transaction its line of a derived table."""
    with need("derived", table).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(raws)
    found = []
    for raw, row in zip(raws, rows):
        assert len(raw) == int(row["raw_bytes"])
        found.append(Vector(
            f"{row['block_number']}/{row['tx_index']}", raw,
            unhex(row["tx_hash"]), unhex(row["sender"]),
            (unhex(row["recipient"]) or None, int(row["value_wei"]),
             int(row["nonce"]))))
        if row["chain_id"]:
            assert found[-1].chain_id == int(row["chain_id"])
    return found


def execution_apis():
    data = need("ethereum", "execution-apis", "chain.rlp").read_bytes()
    raws = []
    while data:
        block, _, end = rlp.codec.consume_item(data, 0)
        raws += [in_block(item) for item in block[1]]
        data = data[end:]
    return with_rows(raws, "ethereum-execution-apis-chain.csv")


def portal_blocks():
    folder = need("ethereum", "portal-spec-tests")
    raws = []
    for path in sorted(folder.glob("block-data-*.yaml")):
        line, = (line for line in path.read_text().splitlines()
                 if line.startswith("body: "))
        raws += [in_block(item) for item in rlp.decode(unhex(line[6:]))[0]]
    return with_rows(raws, "ethereum-portal-blocks.csv")


def chain_tests():
    folder = need("ethereum", "ethereum-tests", "BlockchainTests")
    found = []
    for path in sorted(folder.glob("**/*.json")):
        for name, test in json.loads(path.read_text()).items():
            for height, block in enumerate(test["blocks"]):
                items = rlp.decode(unhex(block["rlp"]))[1]
                said = block.get("transactions", [])
                assert len(items) == len(said)
                for n, (item, t) in enumerate(zip(items, said)):
                    raw = in_block(item)
                    found.append(Vector(
                        f"{name} {height}/{n}", raw, keccak(raw),
                        unhex(t.get("sender")) or None,
                        (unhex(t["to"]) or None, int(t["value"], 16),
                         int(t["nonce"], 16))))
    return found


# --- blocks as a node's JSON: the bytes are put together again

def rebuilt(t):
    """The transaction of eth_getBlockByNumber, as bytes."""
    kind = int(t.get("type") or "0x0", 16)
    q = {key: quantity(t.get(key)) for key in (
        "nonce", "gasPrice", "gas", "value", "v", "r", "s", "chainId",
        "maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas", "mint")}
    to, data = unhex(t.get("to")), unhex(t["input"])
    access = [[unhex(entry["address"]), [unhex(k) for k in
                                         entry["storageKeys"]]]
              for entry in t.get("accessList") or ()]
    signature = [q["v"], q["r"], q["s"]]
    end = [q["gas"], to, q["value"], data]
    fees = [q["maxPriorityFeePerGas"], q["maxFeePerGas"]]
    if kind == 0:
        return rlp.encode([q["nonce"], q["gasPrice"], *end, *signature])
    if kind == 1:
        items = [q["chainId"], q["nonce"], q["gasPrice"], *end, access]
    elif kind == 2:
        items = [q["chainId"], q["nonce"], *fees, *end, access]
    elif kind == 3:
        items = [q["chainId"], q["nonce"], *fees, *end, access,
                 q["maxFeePerBlobGas"],
                 [unhex(h) for h in t["blobVersionedHashes"]]]
    elif kind == 0x7e:  # put into a block by its chain, signed by nobody
        return b"\x7e" + rlp.encode([
            unhex(t["sourceHash"]), unhex(t["from"]), to, q["mint"],
            q["value"], q["gas"], b"", data])
    else:
        raise ValueError(f"type {kind}")
    return bytes([kind]) + rlp.encode(items + signature)


def _node_blocks(folder):
    found = []
    for path in sorted(folder.glob("*/block.json"),
                       key=lambda path: int(path.parent.name)):
        for t in json.loads(path.read_text())["transactions"]:
            raw = rebuilt(t)
            assert keccak(raw) == unhex(t["hash"]), (path, t["hash"])
            found.append(Vector(
                f"{path.parent.name}/{int(t['transactionIndex'], 16)}", raw,
                unhex(t["hash"]), unhex(t["from"]),
                (unhex(t.get("to")) or None, int(t["value"], 16),
                 int(t.get("nonce") or "0x0", 16))))
    return found


def pevm_mainnet():
    return _node_blocks(need("ethereum", "pevm", "ethereum"))


def pevm_rise():
    return _node_blocks(need("ethereum", "pevm", "rise"))


# --- single transactions

def transaction_tests():
    """Valid and invalid ones, by the latest fork that each file lists."""
    folder = need("ethereum", "ethereum-tests", "TransactionTests")
    found = []
    for path in sorted(folder.glob("*/*.json")):
        for name, test in json.loads(path.read_text()).items():
            fork = max(test["result"], key=FORKS.index)
            said = test["result"][fork]
            name = f"{path.parent.name}/{name}"
            raw = unhex(test["txbytes"])
            if "exception" in said:
                found.append(Vector(name, raw, invalid=said["exception"]))
            else:
                found.append(Vector(name, raw, unhex(said["hash"]),
                                    unhex(said["sender"])))
    return found


def send_raw_calls():
    """(name, request, response) of a node's eth_sendRawTransaction."""
    folder = need("ethereum", "execution-apis", "eth_sendRawTransaction")
    found = []
    for path in sorted(folder.glob("*.io")):
        lines = path.read_text().splitlines()
        request, = (line[3:] for line in lines if line.startswith(">> "))
        answer, = (line[3:] for line in lines if line.startswith("<< "))
        found.append((path.stem, json.loads(request), json.loads(answer)))
    return found
