"""Solana: @solana/web3.js in front of the real door, to row and event."""

import base64
import hashlib
import json
import re

import httpx
import pytest
from solders.keypair import Keypair

from oracle.solana import CHAIN
from system import (Subscriber, check, node, produce, wait_at_rest,
                    wait_until)
from test_page import Page

TYPE = "solana_transaction::versioned::VersionedTransaction"


@pytest.fixture(scope="module")
def mill(stack):
    """A door that serves Ethereum and one cluster of Solana."""
    stack.fresh("solana").start_all(
        verifiers=1, CHAINS=f"eip155:1=2,{CHAIN}=1")
    yield stack
    seen = check(stack)
    stack.stop_all()
    print(dict(seen.counts))


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


@pytest.fixture(scope="module")
def report(mill):
    """What web3.js was told, and the account that listened meanwhile."""
    seed = hashlib.sha256(b"tidemill web3 payer").digest()
    payer = Keypair.from_seed(seed).pubkey()
    url = f"{mill.http_url}/rpc/{CHAIN}"
    with Subscriber(mill.gateway_url, f"account:{payer}") as listening:
        said = json.loads(node("solana.mjs", url, "web3"))
        assert said["payer"] == str(payer)
        last = said["sent"][-1]["message"]
        listening.wait_for("0x" + last, type="verified")
    said["events"] = listening.events
    wait_at_rest(mill)
    return said


def rpc(mill, method, *parameters, path="/"):
    answer = httpx.post(mill.http_url + path, json={
        "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters})
    assert answer.status_code == 200
    return answer.json()


def row_of(mill, message):
    rows = mill.sql(
        "select sender, recipient, amount, nonce, signature, payload"
        " from tidemill.transactions where hash = %s", bytes.fromhex(message))
    assert len(rows) == 1, rows
    return rows[0]


def test_web3js_sends_each_form_and_is_told_its_signature(report):
    assert [one["way"] for one in report["sent"]] == [
        "legacy", "two signers", "version 0", "with preflight"]
    assert [one["answered"] for one in report["sent"]] == [
        one["own"] for one in report["sent"]]
    assert report["base58"]["result"] == report["base58Own"]
    assert report["repeat"] == report["sent"][0]["own"]
    # Rust clients up to 1.18 send only to what parses and is 1.9.0 or later.
    assert re.fullmatch(r"3\.0\.0\+tidemill\.[0-9]+\.[0-9]+\.[0-9]+",
                        report["version"]["solana-core"])


def test_the_row_says_what_was_signed(mill, report):
    amounts = {"legacy": 10**9, "two signers": 7, "version 0": 42,
               "with preflight": 8}
    for one in report["sent"]:
        sender, to, amount, nonce, signature, payload = row_of(
            mill, one["message"])
        assert sender.hex() == report["payerHex"]
        assert to.hex() == report["toHex"]
        assert (amount, nonce) == (amounts[one["way"]], None)
        assert payload.hex() == one["raw"]
        assert signature == payload[1:65]


def test_a_forged_signature_is_rejected_and_not_in_its_name(mill, report):
    """The door does not know: it touches no curve."""
    assert "result" in report["forgery"]
    raw = bytes.fromhex(report["forgedRaw"])
    rows = mill.sql("select hash, reason from tidemill.rejections"
                    " where payload_sha256 = %s", hashlib.sha256(raw).digest())
    assert rows and set(rows) == {(None, "bad_signature")}
    assert not mill.sql("select from tidemill.transactions where hash = %s",
                        bytes.fromhex(report["forgedMessage"]))


def test_an_account_is_heard_by_its_base58_name(mill, report):
    """Its channel is that of the hex, and nothing else is on it."""
    assert {event["sender"] for event in report["events"]} == {
        "0x" + report["payerHex"]}
    assert {event["chain"] for event in report["events"]} == {CHAIN}
    listed = httpx.get(mill.gateway_url + "/v1/transactions",
                       params={"account": report["payer"]}).text
    for one in report["sent"]:
        assert one["message"] in listed


def test_the_page_writes_accounts_and_amounts_as_people_do(mill, report):
    with Page(mill.gateway_url) as page:
        page("open")
        said = page("follow", report["payer"])
        assert said == {"state": "following", "note": None, "invalid": "false"}
        one = report["sent"][0]
        page("shown", "0x" + one["message"])
        row, = [row for row in page("seen")["rows"]
                if row["hash"] == "0x" + one["message"]]
        assert row["from"] == report["payer"]
        assert row["amount"] == "1 SOL"


def test_a_transaction_is_found_by_hash_and_by_signature(mill, report):
    for one in report["sent"]:
        for name in ("0x" + one["message"], one["own"]):
            found = httpx.get(
                f"{mill.gateway_url}/v1/transactions/{CHAIN}/{name}")
            assert found.status_code == 200, (name, found.text)
            assert one["message"] in found.text


def test_the_same_record_again_is_a_duplicate(mill, report):
    one = report["sent"][2]
    key = mill.sql("select partition from tidemill.transactions"
                   " where hash = %s", bytes.fromhex(one["message"]))
    place, = produce(mill.brokers, mill.topic_submitted, {
        "value": bytes.fromhex(one["raw"]), "partition": key[0][0],
        "headers": [("tm", f"1;{CHAIN};1")]})
    wait_at_rest(mill)
    assert mill.sql("select hash from tidemill.duplicates where partition = %s"
                    " and off = %s", *place) == [
        (bytes.fromhex(one["message"]),)]


def test_refusals_arrive_in_the_words_of_a_node(report):
    words = {
        "nothing": f"failed to deserialize {TYPE}: io error: failed to fill "
                   "whole buffer",
        "cut": f"failed to deserialize {TYPE}: io error: failed to fill whole "
               "buffer",
        "a byte more": f"failed to deserialize {TYPE}: Slice had bytes "
                       "remaining after deserialization",
        "blockhash": "blockhash unknown: no upstream node",
        "balance": "balance unknown: no upstream node",
        "simulation": "nothing is simulated: no upstream node",
    }
    for case, said in report["refusals"].items():
        assert words[case] in said["words"], (case, said)
        assert said.get("code") in (None, -32601, -32602), (case, said)


@pytest.mark.parametrize("parameters, code, message", [
    (["0"], -32602, "invalid base58 encoding: InvalidCharacter { "
                    "character: '0', index: 0 }"),
    (["é"], -32602, "invalid base58 encoding: NonAsciiCharacter { "
                    "index: 0 }"),
    (["A==", {"encoding": "base64"}], -32602,
     "invalid base64 encoding: InvalidPadding"),
    (["A*==", {"encoding": "base64"}], -32602,
     "invalid base64 encoding: InvalidByte(1, 42)"),
    (["z" * 1684], -32602, f"base58 encoded {TYPE} too large: 1684 bytes "
                           "(max: encoded/raw 1683/1232)"),
    (["A" * 1648, {"encoding": "base64"}], -32602,
     f"base64 encoded {TYPE} too large: 1648 bytes "
     "(max: encoded/raw 1644/1232)"),
    (["A" * 1644, {"encoding": "base64"}], -32602,
     f"decoded {TYPE} too large: 1233 bytes (max: 1232 bytes)"),
    (["1" * 1683], -32602,
     f"decoded {TYPE} too large: 1683 bytes (max: 1232 bytes)"),
    ([], -32602, "`params` should have at least 1 argument(s)"),
    (["11", {"encoding": "json"}], -32602,
     "unsupported encoding: json. Supported encodings: base58, base64"),
    (["11"], -32602, f"failed to deserialize {TYPE}: io error: failed to fill "
                     "whole buffer"),
])
def test_what_is_no_transaction_is_refused(mill, parameters, code, message):
    answer = rpc(mill, "sendTransaction", *parameters, path=f"/rpc/{CHAIN}")
    assert answer["error"] == {"code": code, "message": message}


def test_a_path_is_a_node_of_its_kind_and_the_root_of_all(mill):
    health = {"jsonrpc": "2.0", "id": 7, "result": "ok"}
    assert rpc(mill, "getHealth") == health
    assert rpc(mill, "getHealth", path=f"/rpc/{CHAIN}") == health
    assert rpc(mill, "eth_chainId")["result"] == "0x1"
    assert rpc(mill, "eth_chainId", path=f"/rpc/{CHAIN}")["error"] == {
        "code": -32601, "message": "Method not found"}
    assert rpc(mill, "getHealth", path="/rpc/1")["error"]["code"] == -32601


def test_rest_takes_the_bytes(mill, report):
    """A repeat is answered from memory, or stored again, under one hash."""
    one = report["sent"][0]
    octets = {"content-type": "application/octet-stream"}
    raw = bytes.fromhex(one["raw"])
    answer = httpx.post(f"{mill.http_url}/v1/{CHAIN}/transactions",
                        content=raw, headers=octets)
    assert answer.status_code in (200, 202)
    assert answer.json()["hash"] == "0x" + one["message"]
    nameless = httpx.post(f"{mill.http_url}/v1/transactions", content=raw,
                          headers=octets)
    assert (nameless.status_code, nameless.json()["code"]) == (
        400, "chain_required")
    forged = httpx.post(f"{mill.http_url}/v1/{CHAIN}/transactions",
                        content=raw + b"\0", headers=octets)
    assert (forged.status_code, forged.json()["code"]) == (
        422, "non_canonical")


def test_a_door_without_brokers_is_an_unhealthy_node(mill, report):
    """And one that serves nothing else is a node of Solana at its root."""
    blind = mill.producer("blind", KAFKA_BROKERS="127.0.0.1:9",
                          CHAINS=f"{CHAIN}=1")
    text = base64.b64encode(bytes.fromhex(report["sent"][0]["raw"])).decode()
    unhealthy = {"code": -32005, "message": "Node is unhealthy",
                 "data": {"numSlotsBehind": None}}

    def call(method, *parameters):
        answer = httpx.post(blind.url, headers={
            "content-type": "application/json; charset=utf-8"}, content=(
                json.dumps({"jsonrpc": "2.0", "id": "0", "method": method,
                            "params": parameters})))
        assert (answer.status_code, answer.json()["id"]) == (200, "0")
        return answer.json()

    try:
        said = wait_until("the door listens", lambda: call("getHealth"))
        assert said["error"] == unhealthy
        assert call("sendTransaction", text, {"encoding": "base64"})[
            "error"] == unhealthy
        assert call("eth_chainId")["error"] == {
            "code": -32601, "message": "Method not found"}
    finally:
        blind.stop()
