"""ethers, viem and web3.py, unmodified, against the door."""

import json

import httpx
import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound, Web3RPCError

from system import Account, check, node, wait_at_rest

# What is refused, and the words of geth that reach the caller.
BAD = [
    (Account("bad").sign(high_s=True).hex,
     "invalid sender: invalid transaction v, r, s values"),
    (Account("bad").sign(chain_id=5).hex,
     "invalid sender: invalid chain id for signer: have 5 want 1"),
    (Account("bad").sign(gas=20000).hex,
     "intrinsic gas too low: gas 20000, minimum needed 21000"),
    (Account("bad").sign().hex[:-2],
     "rlp: value size exceeds available input length"),
    (Account("bad").sign().hex + "00",
     "rlp: input contains more than one value"),
    ("0x05c0", "transaction type not supported"),
    ("0x02", "typed transaction too short"),
]
RAW = [raw for raw, _ in BAD]
WORDS = [words for _, words in BAD]


@pytest.fixture(scope="module")
def mill(stack):
    stack.fresh("clients").start_all(verifiers=1, CHAINS="eip155:1=2")
    yield stack
    check(stack)
    stack.stop_all()


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


def test_ethers_viem_and_a_browser_work_on_this_node():
    said = json.loads(node("load.mjs"))
    assert said["byEthers"] and said["byViem"]
    assert said["heading"] == "tidemill"


def in_rows(mill, sent):
    """Each has the hash its own library gives it, and its row the sender."""
    assert all(tx["answered"] == tx["wanted"] for tx in sent)
    wait_at_rest(mill)
    for tx in sent:
        assert mill.sql("select '0x' || encode(sender, 'hex'), payload"
                        " from tidemill.transactions where hash = %s",
                        bytes.fromhex(tx["wanted"][2:])) == [
            (tx["sender"], bytes.fromhex(tx["raw"][2:]))]


def test_ethers_broadcasts(mill):
    said = json.loads(node("ethers.mjs", mill.http_url, *RAW))
    in_rows(mill, said["sent"])
    assert said["again"] == said["sent"][2]["wanted"]
    assert (said["chainId"], said["blockNumber"]) == (1, 0)
    assert said["receipt"] is None
    assert "nonce unknown: no upstream node" in said["nonce"]
    for heard, words in zip(said["refused"], WORDS, strict=True):
        assert words in heard


def test_viem_sends_alone_and_in_batches(mill):
    said = json.loads(node("viem.mjs", mill.http_url, *RAW))
    in_rows(mill, said["sent"])
    assert len(said["sent"]) == 6
    for way in (said["alone"], said["batched"]):
        assert (way["chainId"], way["blockNumber"]) == (1, 0)
        assert way["receipt"].startswith("TransactionReceiptNotFoundError")
        assert "nonce unknown: no upstream node" in way["nonce"]
        for heard, words in zip(way["refused"], WORDS, strict=True):
            assert words in heard


def test_web3_py_sends(mill):
    web3 = Web3(HTTPProvider(mill.http_url))
    account = web3.eth.account.from_key("0x" + "3b" * 32)
    assert web3.is_connected()
    assert (web3.eth.chain_id, web3.eth.block_number) == (1, 0)
    sent = []
    for nonce, prices in enumerate([
            {"gasPrice": 20 * 10**9},
            {"gasPrice": 20 * 10**9, "type": 1, "accessList": []},
            {"maxFeePerGas": 20 * 10**9, "maxPriorityFeePerGas": 10**9}]):
        signed = account.sign_transaction({
            "chainId": 1, "nonce": nonce, "gas": 21000, "value": 7,
            "to": "0x" + "44" * 20, **prices})
        answered = web3.eth.send_raw_transaction(signed.raw_transaction)
        sent.append({"wanted": signed.hash.to_0x_hex(),
                     "answered": answered.to_0x_hex(),
                     "raw": signed.raw_transaction.to_0x_hex(),
                     "sender": account.address.lower()})
    in_rows(mill, sent)
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(sent[0]["wanted"])
    with pytest.raises(Web3RPCError, match="nonce unknown"):
        web3.eth.get_transaction_count(account.address)
    for raw, words in BAD:
        with pytest.raises(Web3RPCError) as refused:
            web3.eth.send_raw_transaction(raw)
        assert words in str(refused.value)


@pytest.mark.parametrize("request_body, answer", [
    (b"{", {"jsonrpc": "2.0", "id": None, "error": {
        "code": -32700, "message": "parse error"}}),
    (b'{"jsonrpc":"2.0","id":3390114152043086,"method":"eth_foo"}',
     {"jsonrpc": "2.0", "id": 3390114152043086, "error": {
         "code": -32601, "message":
         "the method eth_foo does not exist/is not available"}}),
    (b"[]", {"jsonrpc": "2.0", "id": None, "error": {
        "code": -32600, "message": "empty batch"}}),
    (b'{"jsonrpc":"2.0","id":"u","method":"eth_sendRawTransaction",'
     b'"params":["02"]}', {"jsonrpc": "2.0", "id": "u", "error": {
         "code": -32602, "message": "invalid argument 0: json: cannot "
         "unmarshal hex string without 0x prefix into Go value of type "
         "hexutil.Bytes"}}),
    (b'{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction"}',
     {"jsonrpc": "2.0", "id": 1, "error": {
         "code": -32602,
         "message": "missing value for required argument 0"}}),
])
def test_the_door_answers_as_geth_does(mill, request_body, answer):
    said = httpx.post(mill.http_url, content=request_body,
                      headers={"content-type": "application/json"})
    assert said.status_code == 200
    assert said.json() == answer
