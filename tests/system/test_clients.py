"""ethers, viem and web3.py, unmodified, in front of the real door.

The door speaks JSON-RPC as a node does, so programs that were written for a
node send through it without a change. What geth answers is written down in the
tables below, as it was seen; where the door differs, it says so here.
"""

import asyncio
import json

import httpx
import pytest
from web3 import AsyncWeb3, Web3
from web3.exceptions import TransactionNotFound, Web3RPCError

from system import Account, check, node, wait_at_rest
from system.signing import GWEI

HASH = "0x" + "22" * 32
GATE = {"content-type": "application/json"}


def test_ethers_viem_and_a_browser_work_on_this_node():
    said = json.loads(node("load.mjs"))
    assert said["byEthers"] and said["byViem"]
    assert said["heading"] == "tidemill"


@pytest.fixture(scope="module")
def mill(stack):
    """The whole pipeline as it comes: eip155:1 by rule set 2."""
    stack.fresh("clients").start_all(verifiers=1)
    yield stack
    seen = check(stack)
    stack.stop_all()
    print(dict(seen.counts))


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


def senders(mill, hashes):
    """{hash: sender} of the rows, as the client writes them."""
    wait_at_rest(mill)
    return {"0x" + hash.hex(): "0x" + sender.hex() for hash, sender in mill.sql(
        "select hash, sender from tidemill.transactions where hash = any(%s)",
        [bytes.fromhex(hash[2:]) for hash in hashes])}


def records(mill):
    """How many records the log holds."""
    wait_at_rest(mill)
    return sum(mill.sql("select count(*) from tidemill." + table)[0][0]
               for table in ("transactions", "rejections", "duplicates",
                             "quarantine"))


# --- the clients

REFUSED = {
    "wrong chain": "invalid sender: invalid chain id for signer: "
                   "have 5 want 1",
    "high s": "invalid sender: invalid transaction v, r, s values",
    "too little gas": "intrinsic gas too low: gas 20000, minimum needed 21000",
    "no chain id": "only replay-protected (EIP-155) transactions allowed over "
                   "RPC",
    "cut short": "rlp: value size exceeds available input length",
    "one byte more": "rlp: input contains more than one value",
    "garbage": "transaction type not supported",
    "nothing": "typed transaction too short",
    "nonce": "nonce unknown: no upstream node",
    "wallet": "nonce unknown: no upstream node",
}


def check_report(mill, report):
    """Each way of sending succeeded, and each refusal arrived in words."""
    sent = [one for way in report["ways"].values() for one in way["sent"]]
    assert [one["answered"] for one in sent] == [one["own"] for one in sent]
    assert senders(mill, [one["own"] for one in sent]) == {
        one["own"]: report["address"] for one in sent}
    assert {one["type"] for one in sent} == {0, 1, 2}
    assert all(way["repeat"] for way in report["ways"].values())
    for case, said in report["refusals"].items():
        if case in REFUSED:
            assert (said["said"], said["saidCode"]) == (
                REFUSED[case], -32000), (case, said)


def test_ethers_sends(mill):
    report = json.loads(node("ethers.mjs", mill.http_url, "ethers"))
    # These words ethers knows, and has its own for.
    legacy = report["refusals"].pop("no chain id")
    assert legacy["code"] == "UNSUPPORTED_OPERATION"
    assert legacy["words"].startswith("legacy pre-eip-155 transactions not")
    check_report(mill, report)
    calls = {way: said["calls"] for way, said in report["ways"].items()}
    assert calls["as it comes"] > 5    # more than one transaction in a batch
    assert calls["without batches"] == 1
    assert report["state"] == {"chain": "1", "block": 0, "receipt": None,
                               "transaction": None, "latest": None,
                               "call": "0x"}
    refusals = report["refusals"]
    assert "eth_foo" in refusals["unknown method"]["words"]
    print({case: said["code"] for case, said in refusals.items()}, calls)


def test_viem_sends(mill):
    report = json.loads(node("viem.mjs", mill.http_url, "viem"))
    check_report(mill, report)
    assert report["state"] == {"chain": "1", "block": 0, "call": None}
    refusals = report["refusals"]
    assert refusals["receipt"]["name"] == "TransactionReceiptNotFoundError"
    assert refusals["waiting"]["name"] == "WaitForTransactionReceiptTimeoutError"
    print({case: said["name"] for case, said in refusals.items()})


def of_web3(account, **more):
    fields = {"nonce": 0, "to": "0x" + "11" * 20, "value": 1, "gas": 21000,
              "chainId": 1, "maxFeePerGas": 20 * GWEI,
              "maxPriorityFeePerGas": GWEI, **more}
    if "gasPrice" in more:
        del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
    return account.sign_transaction(fields)


def test_web3_py_sends(mill):
    web3 = Web3(Web3.HTTPProvider(mill.http_url))
    account = web3.eth.account.from_key("0x" + "33" * 32)
    signed = [of_web3(account, gasPrice=20 * GWEI),
              of_web3(account, nonce=1, gasPrice=20 * GWEI, accessList=[]),
              of_web3(account, nonce=2)]
    assert [s.raw_transaction[0] for s in signed][1:] == [1, 2]
    for _ in range(2):   # the second time, each is a repeat
        assert [web3.eth.send_raw_transaction(s.raw_transaction)
                for s in signed] == [s.hash for s in signed]
    assert senders(mill, [s.hash.to_0x_hex() for s in signed]) == {
        s.hash.to_0x_hex(): account.address.lower() for s in signed}

    assert web3.is_connected()
    assert web3.eth.chain_id == 1
    assert web3.net.version == "1"
    assert web3.eth.block_number == 0
    assert web3.client_version.startswith("tidemill/")
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(signed[0].hash)


def test_web3_py_hears_why_not(mill):
    web3 = Web3(Web3.HTTPProvider(mill.http_url))
    account = web3.eth.account.from_key("0x" + "44" * 32)
    cases = {
        "wrong chain": of_web3(account, chainId=5).raw_transaction,
        "high s": Account("web3").sign(high_s=True).raw,
        "too little gas": of_web3(account, gas=20000).raw_transaction,
        "cut short": Account("web3").sign().raw[:-1],
        "one byte more": Account("web3").sign().raw + b"\0",
        "garbage": b"\x12\x34",
        "nothing": b"",
    }
    before = records(mill)
    for case, raw in cases.items():
        with pytest.raises(Web3RPCError) as failure:
            web3.eth.send_raw_transaction(raw)
        assert failure.value.rpc_response["error"] == {
            "code": -32000, "message": REFUSED[case]}
    with pytest.raises(Web3RPCError, match=REFUSED["nonce"]):
        web3.eth.get_transaction_count(account.address)
    assert records(mill) == before


def test_the_asynchronous_web3_py_sends_many_at_once(mill):
    account = Account("async web3")
    signed = [account.sign(type=n % 3) for n in range(60)]

    async def send():
        web3 = AsyncWeb3(AsyncWeb3.AsyncHTTPProvider(mill.http_url))
        try:
            return await asyncio.gather(*(
                web3.eth.send_raw_transaction(s.raw) for s in signed))
        finally:
            await web3.provider.disconnect()
    assert [bytes(hash) for hash in asyncio.run(send())] == [
        s.hash for s in signed]
    assert set(senders(mill, [s.hash_hex for s in signed]).values()) == {
        signed[0].sender_hex}


# --- batches

def call(id, method, *params):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def post(mill, body, path="/", **headers):
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    return httpx.post(mill.http_url + path, content=body, timeout=30,
                      headers={**GATE, **headers})


def test_a_batch_of_1000_is_answered_in_order(mill):
    account = Account("batch")
    signed = [account.sign(type=n % 3) for n in range(1000)]
    answer = post(mill, [call(n, "eth_sendRawTransaction", s.hex)
                         for n, s in enumerate(signed)])
    assert answer.json() == [{"jsonrpc": "2.0", "id": n, "result": s.hash_hex}
                             for n, s in enumerate(signed)]
    assert len(senders(mill, [s.hash_hex for s in signed])) == 1000


def test_a_batch_of_1001_is_refused_whole(mill):
    account = Account("batch too large")
    before = records(mill)
    answer = post(mill, [call(f"n{n}", "eth_sendRawTransaction",
                              account.sign().hex) for n in range(1001)])
    assert answer.status_code == 200
    assert answer.json() == [{
        "jsonrpc": "2.0", "id": "n0",
        "error": {"code": -32600, "message": "batch too large"}}]
    assert records(mill) == before


def test_a_batch_too_large_bears_the_id_of_its_first_call(mill):
    notice = {"jsonrpc": "2.0", "method": "eth_chainId"}
    answer = post(mill, [notice] * 1000 + [call(7, "eth_chainId")])
    assert [said["id"] for said in answer.json()] == [7]
    answer = post(mill, [notice] * 1001)
    assert [said["id"] for said in answer.json()] == [None]


def test_good_and_bad_calls_of_a_batch_have_their_own_answers(mill):
    good, bad = Account("mixed").sign(), Account("mixed").sign(chain_id=5)
    answer = post(mill, [
        call(1, "eth_sendRawTransaction", good.hex),
        {"jsonrpc": "2.0", "method": "eth_chainId"},   # a notification
        call("two", "eth_sendRawTransaction", bad.hex),
        17,
        call(3, "eth_sendRawTransaction", good.hex),
        call(4, "eth_foo")]).json()
    assert [said["id"] for said in answer] == [1, "two", None, 3, 4]
    assert answer[0]["result"] == answer[3]["result"] == good.hash_hex
    assert [said["error"]["code"] for said in answer if "error" in said] == [
        -32000, -32600, -32601]


# --- what clients put on the wire

@pytest.mark.parametrize("id", [
    pytest.param("1", id="small"),
    pytest.param("0", id="zero"),
    pytest.param("3390114152043086", id="16 digits, web3.js 1"),
    pytest.param('"7e8ba2f2-0c3b-4a5f-9d5e-6f2b1c0d4e3a"', id="UUID"),
    pytest.param('"\\u0030"', id="escaped"),
    pytest.param("9007199254740993", id="no double"),
    pytest.param("-1", id="negative"),
    pytest.param("1.50", id="fraction"),
    pytest.param('""', id="empty"),
    pytest.param("null", id="null"),
])
def test_an_id_comes_back_byte_for_byte(mill, id):
    answer = post(mill, '{"jsonrpc":"2.0","id":%s,"method":"eth_chainId"}' % id)
    assert answer.text.strip() == (
        '{"jsonrpc":"2.0","id":%s,"result":"0x1"}' % id)


@pytest.mark.parametrize("params", ["", ',"params":[]', ',"params":null'])
def test_params_may_be_absent(mill, params):
    answer = post(mill, '{"jsonrpc":"2.0","id":0,"method":"eth_blockNumber"%s}'
                  % params)
    assert answer.json() == {"jsonrpc": "2.0", "id": 0, "result": "0x0"}


@pytest.mark.parametrize("type", [
    "application/json", "application/json; charset=utf-8",
    "application/json;charset=UTF-8", "application/json-rpc",
    "application/jsonrequest"])
def test_these_types_are_taken(mill, type):
    answer = post(mill, call(1, "net_version"), **{"content-type": type})
    assert answer.json()["result"] == "1"


def test_a_client_that_accepts_gzip_can_read_the_answer(mill):
    answer = post(mill, call(1, "eth_chainId"),
                  **{"accept-encoding": "gzip, deflate, br"})
    assert answer.json()["result"] == "0x1"


@pytest.mark.parametrize("path", ["/", "/rpc/1", "/rpc/eip155:1",
                                  "/rpc/eip155%3A1"])
def test_every_path_of_the_chain_is_the_same_door(mill, path):
    assert post(mill, call(1, "eth_chainId"), path).json()["result"] == "0x1"


@pytest.mark.parametrize("id", [0, 1, 31337, 2**63, 2**64, 10**32 - 1])
def test_a_chain_of_any_size_is_named_by_its_number(mill, id):
    path = f"/rpc/{id}"
    assert post(mill, call(1, "eth_chainId"), path).json()["result"] == hex(id)
    assert post(mill, call(1, "net_version"), path).json()["result"] == str(id)


@pytest.mark.parametrize("params, message", [
    ([], "missing value for required argument 0"),
    ([None], "missing value for required argument 0"),
    (None, "missing value for required argument 0"),
    (["0x02", "latest"], "too many arguments, want at most 1"),
    (["02", "latest"], "invalid argument 0: json: cannot unmarshal hex string "
                       "without 0x prefix into Go value of type "
                       "hexutil.Bytes"),
    ({"raw": "0x02"}, "non-array args"),
    (["02f8"], "invalid argument 0: json: cannot unmarshal hex string without "
               "0x prefix into Go value of type hexutil.Bytes"),
    (["0x02f"], "invalid argument 0: json: cannot unmarshal hex string of odd "
                "length into Go value of type hexutil.Bytes"),
    (["0x02zz"], "invalid argument 0: json: cannot unmarshal invalid hex "
                 "string into Go value of type hexutil.Bytes"),
    ([2], "invalid argument 0: json: cannot unmarshal non-string into Go value "
          "of type hexutil.Bytes"),
])
def test_a_wrong_argument_is_told_in_geths_words(mill, params, message):
    answer = post(mill, {"jsonrpc": "2.0", "id": 1, "params": params,
                         "method": "eth_sendRawTransaction"})
    assert answer.status_code == 200
    assert answer.json() == {"jsonrpc": "2.0", "id": 1, "error": {
        "code": -32602, "message": message}}


# --- geth over HTTP, row by row

def error(code, message, id=None):
    return {"jsonrpc": "2.0", "id": id,
            "error": {"code": code, "message": message}}


INVALID = error(-32600, "invalid request")


@pytest.mark.parametrize("body, answer", [
    ("{", error(-32700, "parse error")),
    ('{"jsonrpc":"2.0","id":1,', error(-32700, "parse error")),
    ('{"jsonrpc":"2.0","id":1,"method":""}',
     error(-32600, "invalid request", 1)),
    ('{"jsonrpc":"2.0","id":null,"method":"net_version"}',
     {"jsonrpc": "2.0", "id": None, "result": "1"}),
    ('{"jsonrpc":"2.0","id":{},"method":"net_version"}', INVALID),
    ('{"jsonrpc":"2.0","id":[1],"method":"net_version"}', INVALID),
    ('{"id":5,"method":"net_version"}', error(-32600, "invalid request", 5)),
    ('{"jsonrpc":"1.0","id":5,"method":"net_version"}',
     error(-32600, "invalid request", 5)),
    ("[]", error(-32600, "empty batch")),
    ("[1]", [INVALID]),
    ('{"jsonrpc":"2.0","id":1,"method":"eth_foo","params":[]}',
     error(-32601, "the method eth_foo does not exist/is not available", 1)),
])
def test_json_rpc_is_answered_as_geth_does(mill, body, answer):
    said = post(mill, body)
    assert (said.status_code, said.json()) == (200, answer)


@pytest.mark.parametrize("method, body", [
    ("POST", ""),
    ("POST", '{"jsonrpc":"2.0","method":"net_version"}'),
    ("POST", '[{"jsonrpc":"2.0","method":"net_version"}]'),
    ("GET", None), ("OPTIONS", None)])
def test_what_has_no_answer_is_200_and_empty(mill, method, body):
    said = httpx.request(method, mill.http_url + "/", content=body,
                         headers=GATE if body is not None else {})
    assert (said.status_code, said.content) == (200, b"")


def test_a_notification_that_sends_is_stored_and_not_answered(mill):
    signed = Account("notification").sign()
    said = post(mill, {"jsonrpc": "2.0", "method": "eth_sendRawTransaction",
                       "params": [signed.hex]})
    assert (said.status_code, said.content) == (200, b"")
    assert senders(mill, [signed.hash_hex])


def test_a_body_of_6_MB_is_too_large(mill):
    said = post(mill, b" " * 6_000_074)
    assert said.status_code == 413
    assert said.text.strip() == "content length too large (6000074>5242880)"


def test_text_is_no_json(mill):
    said = post(mill, call(1, "net_version"), **{"content-type": "text/plain"})
    assert said.status_code == 415
    assert said.text.strip() == (
        "invalid content type, only application/json is supported")


def test_put_is_405(mill):
    said = httpx.put(mill.http_url + "/", content=b"{}", headers=GATE)
    assert said.status_code == 405


def test_head_is_what_get_is(mill):
    """geth says 415 to HEAD; we follow the rule of HTTP."""
    said = httpx.head(mill.http_url + "/")
    assert (said.status_code, said.content) == (200, b"")
