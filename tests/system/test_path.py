"""One transaction from HTTP to its row, its result and the WebSocket."""

import httpx
import pytest

from system import (Account, Load, Subscriber, check, produce, read_topic,
                    wait_at_rest, wait_until)
from system.journal import read_journal


@pytest.fixture(scope="module")
def mill(stack):
    """The whole pipeline on tables of this file's own, checked at the end."""
    stack.fresh("path").start_all(verifiers=2)
    yield stack
    seen = check(stack)
    stack.stop_all()
    print(dict(seen.counts))


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


def rows(mill, table, signed):
    return mill.sql(f"select count(*) from tidemill.{table} where hash = %s",
                    signed.hash)[0][0]


def post(mill, signed, path="/v1/transactions", **headers):
    headers.setdefault("content-type", "application/octet-stream")
    return httpx.post(mill.http_url + path, content=signed.raw,
                      headers=headers)


def rpc(mill, method, *parameters, path="/"):
    answer = httpx.post(mill.http_url + path, json={
        "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters})
    assert answer.status_code == 200
    return answer.json()


def test_a_transaction_reaches_row_result_and_screen(mill):
    """Every number on its way is the one the other library computed."""
    signed = Account("path").sign(amount=10**18)
    with Subscriber(mill.gateway_url) as watching:
        answer = post(mill, signed)
        assert answer.status_code == 202
        said = answer.json()
        assert said["chain"] == "eip155:1"
        assert said["hash"] == signed.hash_hex
        assert answer.headers["location"] == (
            f"{mill.env['TIDEMILL_PUBLIC_URL']}/v1/transactions/eip155:1/"
            + signed.hash_hex)
        event = watching.wait_for(signed.hash_hex)
    record_id = f"1-{said['partition']}-{said['offset']}"
    assert event == {
        "id": record_id, "type": "verified", "chain": "eip155:1",
        "hash": signed.hash_hex, "sender": signed.sender_hex,
        "recipient": "0x" + "11" * 20, "amount": "1000000000000000000",
        "reason": None, "accepted_at": said["accepted_at"]}
    row, = mill.sql("select hash, sender, recipient, amount, nonce, payload,"
                    " log, partition, off, accepted_at"
                    " from tidemill.transactions where hash = %s", signed.hash)
    assert row == (signed.hash, signed.sender, signed.recipient, 10**18, 0,
                   signed.raw, 1, said["partition"], said["offset"],
                   said["accepted_at"])
    found = httpx.get(answer.headers["location"])
    assert found.status_code == 200
    assert signed.sender_hex in found.text


def test_all_forms_of_a_body_are_the_same_transaction(mill):
    account = Account("forms")
    octets, text, bare, document = (account.sign(type=n % 3)
                                    for n in range(4))
    answers = [
        post(mill, octets),
        httpx.post(mill.http_url + "/v1/eip155:1/transactions",
                   content=text.hex, headers={"content-type": "text/plain"}),
        httpx.post(mill.http_url + "/v1/eip155%3A1/transactions",
                   content=bare.raw.hex().upper() + "\n",
                   headers={"content-type": "text/plain; charset=utf-8"}),
        httpx.post(mill.http_url + "/v1/transactions",
                   json={"transaction": document.hex})]
    assert [a.status_code for a in answers] == [202] * 4
    assert [a.json()["hash"] for a in answers] == [
        tx.hash_hex for tx in (octets, text, bare, document)]
    wait_at_rest(mill)
    assert [rows(mill, "transactions", tx)
            for tx in (octets, text, bare, document)] == [1] * 4


def test_json_rpc_takes_what_wallets_send(mill):
    account = Account("rpc")
    first, second, third = (account.sign(type=n) for n in range(3))
    assert rpc(mill, "eth_chainId")["result"] == "0x1"
    assert rpc(mill, "net_version")["result"] == "1"
    sent = rpc(mill, "eth_sendRawTransaction", first.hex)
    assert sent == {"jsonrpc": "2.0", "id": 7, "result": first.hash_hex}
    sent = rpc(mill, "eth_sendRawTransaction", second.hex, path="/rpc/1")
    assert sent["result"] == second.hash_hex
    batch = httpx.post(mill.http_url, json=[
        {"jsonrpc": "2.0", "id": n, "method": method, "params": parameters}
        for n, (method, parameters) in enumerate([
            ("eth_chainId", []), ("eth_blockNumber", []),
            ("eth_sendRawTransaction", [third.hex])])]).json()
    assert [one["id"] for one in batch] == [0, 1, 2]
    assert batch[2]["result"] == third.hash_hex
    assert rpc(mill, "eth_getTransactionCount", first.sender_hex, "latest")[
        "error"]["code"] == -32000
    wait_at_rest(mill)
    assert [rows(mill, "transactions", tx)
            for tx in (first, second, third)] == [1] * 3


def test_the_same_bytes_at_once_are_answered_from_memory(mill):
    signed = Account("again").sign()
    first, second = post(mill, signed), post(mill, signed)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json() == second.json()
    assert rpc(mill, "eth_sendRawTransaction",
               signed.hex)["result"] == signed.hash_hex
    wait_at_rest(mill)
    assert rows(mill, "transactions", signed) == 1
    assert rows(mill, "duplicates", signed) == 0


def test_the_same_transaction_later_is_a_duplicate_of_the_first(mill):
    signed = Account("later").sign()
    with Subscriber(mill.gateway_url) as watching:
        said = post(mill, signed).json()
        watching.wait_for(signed.hash_hex, type="verified")
        place, = produce(mill.brokers, mill.topic_submitted,
                         {"value": signed.raw, "partition": said["partition"],
                          "headers": [("tm", "1;eip155:1;2")]})
        event = watching.wait_for(signed.hash_hex, type="duplicate")
    assert event["id"] == "1-%d-%d" % place
    assert event["of"] == f"1-{said['partition']}-{said['offset']}"
    assert event["sender"] == signed.sender_hex
    assert rows(mill, "transactions", signed) == 1
    assert rows(mill, "duplicates", signed) == 1


def test_a_high_s_is_refused_at_the_door_and_leaves_no_record(mill):
    signed = Account("high").sign(high_s=True)
    answer = post(mill, signed)
    assert answer.status_code == 422
    assert answer.json()["code"] == "high_s"
    assert answer.headers["content-type"] == "application/problem+json"
    assert rpc(mill, "eth_sendRawTransaction", signed.hex)["error"] == {
        "code": -32000,
        "message": "invalid sender: invalid transaction v, r, s values"}
    values = [record.value for record in
              read_topic(mill.brokers, mill.topic_submitted)]
    assert signed.raw not in values


def test_what_only_the_curve_can_refuse_is_accepted_and_then_rejected(mill):
    signed = Account("curve").sign(break_r=True)
    with Subscriber(mill.gateway_url) as watching:
        said = post(mill, signed)
        assert said.status_code == 202
        event = watching.wait_for(signed.hash_hex)
    assert event["type"] == "rejected"
    assert event["sender"] is None
    assert rows(mill, "transactions", signed) == 0


def test_a_forged_record_past_the_door_is_rejected_and_shown(mill):
    signed = Account("forged").sign(high_s=True)
    with Subscriber(mill.gateway_url) as watching:
        place, = produce(mill.brokers, mill.topic_submitted,
                         {"value": signed.raw,
                          "headers": [("tm", "1;eip155:1;2")]})
        wait_until("it is shown", lambda: "1-%d-%d" % place in watching.ids())
    assert watching.events[-1]["type"] == "rejected"
    assert watching.events[-1]["reason"] == "high_s"


@pytest.mark.parametrize("body, content_type, status, code", [
    (b"", "application/octet-stream", 400, "empty"),
    (b"zz", "text/plain", 400, "bad_hex"),
    (b'{"transaction":"0x02"', "application/json", 400, "bad_json"),
    (b'{"transaction":"0x02","x":1}', "application/json", 400, "bad_request"),
    (b"\x02", "application/xml", 415, "content_type"),
    (b"\x02" * 200_000, "application/octet-stream", 413, "too_large"),
    (b"\x7f\x01", "application/octet-stream", 422, "unsupported_type"),
])
def test_what_is_wrong_is_a_problem_with_a_code(mill, body, content_type,
                                                status, code):
    answer = httpx.post(mill.http_url + "/v1/transactions", content=body,
                        headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_every_program_restarts_in_order_under_load(mill):
    with Subscriber(mill.gateway_url) as watching:
        with Load(mill, rate=150, name="restarts") as load:
            for program in (mill.door, *mill.verifiers, mill.notify,
                            mill.gate):
                wait_until("some more", lambda before=load.known:
                           load.known > before + 60)
                assert program.stop() == 0, program.tail()
                program.start().ready()
        seen = check(mill, journals=[load.journal.path])
        sent = {tx["hash"] for tx in read_journal(load.journal.path).values()}
        wait_until("all of it is shown", lambda: sent <= {
            event["hash"] for event in watching.events})
    print(dict(seen.counts), dict(load.outcomes))


def test_an_account_sees_its_own_transactions_only(mill):
    mine, other = Account("mine"), Account("other")
    with Subscriber(mill.gateway_url,
                    channel="account:0x" + mine.address.hex()) as watching:
        for account in (other, mine, other, mine):
            assert post(mill, account.sign()).status_code == 202
        incoming = other.sign(to=mine.address)
        assert post(mill, incoming).status_code == 202
        watching.wait_for(incoming.hash_hex)
    assert sorted(event["sender"] for event in watching.events) == sorted(
        ["0x" + mine.address.hex()] * 2 + ["0x" + other.address.hex()])
