"""Blob transactions: what comes with its blobs is stored without them."""

import hashlib

import httpx
import rlp

from oracle import ethereum
from system import check, produce, read_topic, wait_at_rest

COMMITMENT = b"\xc0" + bytes(47)
HEADER = [("tm", "1;eip155:1;4")]


def consensus(nonce, commitment=COMMITMENT):
    """The list of fields of a type 3 transaction, signed."""
    maker = ethereum.Maker(1)
    named = b"\1" + hashlib.sha256(commitment).digest()[1:]
    return maker.sign(3, {
        "chain": 1, "nonce": nonce, "tip": 1, "price": 10**9, "gas": 21000,
        "to": bytes([0x11] * 20), "value": 0, "data": b"", "access": [],
        "blob_price": 1, "hashes": [named]}, True)


def encoded(tree):
    return b"\3" + rlp.encode(tree)


def version_0(body, commitment=COMMITMENT, blob=bytes(131072)):
    return encoded([body, [blob], [commitment], [COMMITMENT]])


def version_1(body, commitment=COMMITMENT, blob=bytes(131072)):
    return encoded([body, b"\1", [blob], [commitment], [COMMITMENT] * 128])


def post(world, raw):
    return httpx.post(world.http_url + "/v1/transactions", content=raw,
                      headers={"content-type": "application/octet-stream"})


def test_blobs_are_checked_at_the_door_and_stored_nowhere(world):
    world.start_all(CHAINS="eip155:1=4")
    body = consensus(0)
    stored = encoded(body)
    id_hex = "0x" + ethereum.keccak(stored).hex()

    first = post(world, version_0(body))
    assert (first.status_code, first.json()["hash"]) == (202, id_hex)
    again = httpx.post(world.http_url, json={
        "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction",
        "params": ["0x" + version_1(body, blob=b"\1" * 131072).hex()]})
    assert again.json()["result"] == id_hex
    false = post(world, version_1(body, commitment=bytes(48)))
    assert (false.status_code, false.json()["code"]) == (422, "blob_sidecar")
    six = encoded([body, b"\1", [bytes(131072)] * 8, [COMMITMENT] * 8,
                   [COMMITMENT] * 1024])
    assert post(world, six).status_code == 413
    check(world)

    # Past the door: in network form, with a true sidecar and a false one. The
    # checker knows only rows that are the bytes of their record.
    other = consensus(1)
    produce(world.brokers, world.topic_submitted,
            {"value": version_1(other), "headers": HEADER},
            {"value": version_1(other, commitment=bytes(48)),
             "headers": HEADER})
    wait_at_rest(world)
    values = [r.value for r in read_topic(world.brokers,
                                          world.topic_submitted)]
    assert values.count(stored) == 2
    rows = world.sql("select hash, payload from tidemill.transactions")
    assert sorted(bytes(payload) for _, payload in rows) == sorted(
        [stored, encoded(other)])
    assert all(ethereum.keccak(payload) == hash for hash, payload in rows)
    assert world.sql("select count(*) from tidemill.duplicates") == [(1,)]
    assert world.sql("select hash, reason, payload_sha256"
                     " from tidemill.rejections") == [
        (None, "blob_sidecar", hashlib.sha256(
            version_1(other, commitment=bytes(48))).digest())]
    assert world.tidemill("reconcile").returncode == 0
