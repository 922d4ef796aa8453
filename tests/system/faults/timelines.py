"""The timelines of the design's review that are not a fault of their own."""

import json
import time

import httpx
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from system import Account, produce, wait_until

from faults.registry import fault, proved

SYSTEM = "tests/system/"


@fault("A8", "records whose sender's clock is 8 days slow, or 2 hours fast",
       "kept and judged like all others, by the broker's clock")
def foreign_clocks(mill):
    account, now = Account(f"A8 {time.time()}"), int(time.time() * 1000)
    signed = [account.sign(), account.sign()]
    produce(mill.stack.brokers, mill.stack.topic_submitted, *[
        {"value": tx.raw, "timestamp": now + ms,
         "headers": [("tm", "1;eip155:1;2")]}
        for tx, ms in zip(signed, (-8 * 86_400_000, 2 * 3_600_000))])
    yield 1
    rows = wait_until("both have rows", lambda: len(found := mill.stack.sql(
        "select accepted_at from tidemill.transactions where hash = any(%s)",
        [tx.hash for tx in signed])) == 2 and found)
    assert all(abs(at - now) < 30_000 for at, in rows), rows


@fault("A1", "a stranger posts the same payment, signed by another key, just"
       " before its owner",
       "both are stored; the owner's is verified, the stranger's is rejected"
       " and does not speak in the payment's name", own=True)
def suppressed_payment(mill):
    owner, stranger = (JWK.generate(kty="OKP", crv="Ed25519")
                       for _ in range(2))
    with mill.world("A1", load=False, CHAINS="eip155:1=2,jws=1"):
        answers = [httpx.post(
            mill.stack.http_url + "/v1/jws/transactions",
            content=payment(owner, key),
            headers={"content-type": "application/jose"}).json()
            for key in (stranger, owner)]
        hash, = {answer["hash"] for answer in answers}
        wait_until("both have rows", lambda: mill.written() == 2)
        verified, = mill.stack.sql("select partition, off, '0x' ||"
                                   " encode(hash, 'hex') from"
                                   " tidemill.transactions")
        assert verified == (answers[1]["partition"], answers[1]["offset"],
                            hash)
        rejected, = mill.stack.sql("select partition, off, hash from"
                                   " tidemill.rejections")
        assert rejected == (answers[0]["partition"], answers[0]["offset"],
                            None)
        mill.shown()
        for watching in mill.watching:
            assert [event["hash"] for event in watching.events
                    if event["type"] == "verified"] == [hash]
            assert [event["hash"] for event in watching.events
                    if event["type"] == "rejected"] == [None]


def payment(owner, key):
    """A JWS in the owner's name, signed by that key."""
    token = JWS(json.dumps({"recipient": "acct:shop@example.com",
                            "amount": "1500", "nonce": "1",
                            "currency": "EUR"}))
    token.add_signature(key, None, json.dumps(
        {"alg": "EdDSA", "jwk": owner.export_public(as_dict=True)}), None)
    return token.serialize(compact=True)


proved("A2", "a writer that believes in a sealed leaf; verifiers killed while"
       " leaves are sealed", "one row a transaction, in one leaf",
       SYSTEM + "test_leaves.py")
proved("A2m", "the same in every order of events",
       "no state with two rows for one hash", "model/model leaves")
proved("A3", "first and repeat of one transaction after a lossy failover",
       "one partition for one id: they never change places",
       "model/model failover")
proved("A4", "a replay over live traffic",
       "records keep their one row and one id",
       SYSTEM + "test_operator.py -k replay")
proved("A6", "cursor, ring and marks: runs lost, repeated, late",
       "no silent hole for any subscriber", "model/model screen")
proved("A9", "a topic recreated and grown past the position between two"
       " fetches", "not the log we know: it stops",
       SYSTEM + "test_log.py -k between_two_fetches")
proved("A11", "a record of a rule set that this verifier does not know",
       "its partition stops and says so; no verdict is made up",
       SYSTEM + "test_foreign_records.py -k newer_rule_set")
proved("B4", "the library's queue is longer than our window",
       "our window pauses and resumes, no record is lost or repeated",
       "consumer_test pauses")
