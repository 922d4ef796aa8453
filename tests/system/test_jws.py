"""Signed payments of three libraries, from HTTP to row, result and screen.

jose (JavaScript), jwx (Go), joserfc and jwcrypto (Python) sign and post them;
what rows and results say is compared with what those libraries said.
"""

import base64
import hashlib
import json
import subprocess
import warnings

import httpx
import jwcrypto.jwk
import jwcrypto.jws
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from oracle.jws import N
from system import Subscriber, check, node, wait_at_rest, wait_until
from system.client import CLIENTS

COMPACT, FLATTENED = "application/jose", "application/jose+json"


@pytest.fixture(scope="module")
def mill(stack):
    """A door of two chains, so that bytes or path have to name one."""
    stack.fresh("jws").start_all(verifiers=1, CHAINS="eip155:1=2,jws=1")
    yield stack
    seen = check(stack)
    stack.stop_all()
    print(dict(seen.counts))


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


def unbase(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(raw):
    """Header, payload and signature of either form."""
    if raw[0] != "{":
        return raw.split(".")
    value = json.loads(raw)
    return [value["protected"], value["payload"], value["signature"]]


def hash_of(line):
    header, payload, _ = parts(line["raw"])
    return hashlib.sha256(unbase(line["thumbprint"])
                          + f"{header}.{payload}".encode()).digest()


def post(mill, raw, type=COMPACT, path="/v1/jws/transactions"):
    return httpx.post(mill.http_url + path, content=raw,
                      headers={"content-type": type})


def rows(mill, table, hash):
    return mill.sql(f"select count(*) from tidemill.{table} where hash = %s",
                    hash)[0][0]


# ---- the libraries, each by its own keys and its own words

def javascript(mill):
    """jose; fetch posts."""
    return [json.loads(line) for line in
            node("jose.mjs", mill.http_url, "jose").splitlines()]


def go(mill):
    """jwx; net/http posts."""
    done = subprocess.run(
        ["go", "run", "-tags", "jwx_es256k", ".", mill.http_url, "jwx"],
        cwd=CLIENTS / "go", stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def posted(mill, alg, form, raw, payment, thumbprint):
    answer = post(mill, raw, COMPACT if form == "compact" else FLATTENED)
    return {"alg": alg, "form": form, "raw": raw, "payment": payment,
            "thumbprint": thumbprint, "status": answer.status_code,
            "answer": answer.json()}


def payment_of(name, nonce):
    return json.dumps({"recipient": f"acct:{name}@example.com",
                       "amount": "1500", "nonce": str(nonce),
                       "currency": "EUR"})


def with_joserfc(mill):
    for nonce, alg in enumerate(["ES256K", "EdDSA", "Ed25519"]):
        key = ECKey.generate_key("secp256k1") if alg == "ES256K" \
            else OKPKey.generate_key("Ed25519")
        header = {"alg": alg, "jwk": key.as_dict(private=False)}
        header["jwk"].pop("kid", None)
        payment = payment_of("joserfc", nonce)
        with warnings.catch_warnings(action="ignore"):
            yield posted(mill, alg, "compact", jws.serialize_compact(
                header, payment, key, algorithms=[alg]), payment,
                key.thumbprint())
            yield posted(mill, alg, "flattened", json.dumps(
                jws.serialize_json({"protected": header}, payment + " ", key,
                                   algorithms=[alg])), payment,
                key.thumbprint())


def with_jwcrypto(mill):
    for nonce, alg in enumerate(["ES256K", "EdDSA"]):
        key = jwcrypto.jwk.JWK.generate(kty="EC", crv="secp256k1") \
            if alg == "ES256K" else jwcrypto.jwk.JWK.generate(
                kty="OKP", crv="Ed25519")
        header = {"alg": alg, "jwk": key.export_public(as_dict=True)}
        payment = payment_of("jwcrypto", nonce)
        for form in "compact", "flattened":
            token = jwcrypto.jws.JWS(payment + " " * (form == "flattened"))
            token.allowed_algs = [alg]
            token.add_signature(key, None, json.dumps(header), None)
            raw = token.serialize(compact=form == "compact")
            yield posted(mill, alg, form, raw, payment, key.thumbprint())


@pytest.mark.parametrize("library, count", [
    (javascript, 6), (go, 4), (with_joserfc, 6), (with_jwcrypto, 4)])
def test_what_a_library_signs_reaches_row_and_screen(mill, library, count):
    with Subscriber(mill.gateway_url) as watching:
        lines = list(library(mill))
        assert len(lines) == count
        for line in lines:
            said, claims = line["answer"], json.loads(line["payment"])
            hash = hash_of(line)
            assert line["status"] == 202, line
            assert said["chain"] == "jws" and said["hash"] == "0x" + hash.hex()
            sender = unbase(line["thumbprint"])
            event = watching.wait_for("0x" + hash.hex())
            assert event == {
                "id": f"1-{said['partition']}-{said['offset']}",
                "type": "verified", "chain": "jws",
                "hash": "0x" + hash.hex(), "sender": "0x" + sender.hex(),
                "recipient": "0x" + claims["recipient"].encode().hex(),
                "amount": claims["amount"], "reason": None,
                "accepted_at": said["accepted_at"]}
            row, = mill.sql(
                "select sender, recipient, amount, nonce, currency, signature,"
                " payload from tidemill.transactions where hash = %s", hash)
            assert row == (sender, claims["recipient"].encode(),
                           int(claims["amount"]), int(claims["nonce"]), "EUR",
                           unbase(parts(line["raw"])[2]),
                           line["raw"].encode())


@pytest.fixture(scope="module")
def one(mill):
    """A payment by ES256K that is in its row, and its hash."""
    key = ECKey.generate_key("secp256k1")
    header = {"alg": "ES256K", "jwk": key.as_dict(private=False)}
    raw = jws.serialize_compact(header, payment_of("one", 1), key,
                                algorithms=["ES256K"])
    line = posted(mill, "ES256K", "compact", raw, "", key.thumbprint())
    assert line["status"] == 202
    return raw, hash_of(line), line


def test_other_bytes_of_the_same_payment_are_duplicates(mill, one):
    """The other s, the other serialization, either at the path of any chain."""
    raw, hash, _ = one
    header, payload, signature = raw.split(".")
    r, s = unbase(signature)[:32], int.from_bytes(unbase(signature)[32:])
    twin = f"{header}.{payload}." + base(r + (N - s).to_bytes(32))
    other = json.dumps({"signature": signature, "payload": payload,
                        "protected": header}, indent=2)
    answers = [post(mill, twin), post(mill, other, FLATTENED),
               post(mill, other + "\n", "application/octet-stream",
                    "/v1/transactions")]
    assert [(a.status_code, a.json()["hash"]) for a in answers] == [
        (202, "0x" + hash.hex())] * 3
    wait_at_rest(mill)
    assert rows(mill, "transactions", hash) == 1
    assert rows(mill, "duplicates", hash) == 3


@pytest.mark.parametrize("type", [COMPACT, FLATTENED])
def test_white_space_around_a_jws_is_left_out(mill, type):
    key = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "jwk": key.as_dict(private=False)}
    raw = jws.serialize_compact(header, payment_of("file", 1), key,
                                algorithms=["Ed25519"])
    if type == FLATTENED:
        raw = json.dumps(dict(zip(["protected", "payload", "signature"],
                                  raw.split("."))))
    first, again = post(mill, f"\n{raw}\r\n", type), post(mill, raw, type)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["offset"] == again.json()["offset"]


def test_a_forged_payment_is_rejected_without_the_hash(mill, one):
    raw, hash, _ = one
    header, payload, _ = raw.split(".")
    forged = f"{header}.{payload}." + base(b"\1" * 64)
    said = post(mill, forged)
    assert said.status_code == 202 and said.json()["hash"] == "0x" + hash.hex()
    sha = hashlib.sha256(forged.encode()).digest()
    row = wait_until("the forged one is rejected", lambda: mill.sql(
        "select hash, reason from tidemill.rejections"
        " where payload_sha256 = %s", sha))
    assert row == [(None, "bad_signature")]
    assert rows(mill, "transactions", hash) == 1


def test_it_is_found_by_hash_and_by_both_accounts(mill, one):
    raw, hash, line = one
    wait_at_rest(mill)
    found = httpx.get(mill.gateway_url
                      + f"/v1/transactions/jws/0x{hash.hex()}")
    assert found.status_code == 200 and found.json()["state"] == "verified"
    assert found.json()["currency"] == "EUR"
    for account in (unbase(line["thumbprint"]), b"acct:one@example.com"):
        history = httpx.get(mill.gateway_url + "/v1/transactions", params={
            "account": "0x" + account.hex()})
        assert history.status_code == 200
        assert "0x" + hash.hex() in history.text


@pytest.mark.parametrize("recipient, currency, nonce, amount", [
    ('"quoted" \\ back', '~!"\\/', 2**64 - 1, 2**256 - 1),
    ("{NULL}", "NULL", 0, 0), ("\\000'; --", '{"a",b}', 1, 10**77),
    ("\ufeff\u009b\u202e\uffff\U0010ffff", " ", 2**53 + 1, 1),
])
def test_what_a_payment_says_is_kept_to_the_letter(mill, recipient, currency,
                                                   nonce, amount):
    key = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "jwk": key.as_dict(private=False)}
    payment = {"recipient": recipient, "currency": currency, "nonce": nonce,
               "amount": str(amount)}
    said = post(mill, jws.serialize_compact(header, json.dumps(payment), key,
                                            algorithms=["Ed25519"]))
    assert said.status_code == 202
    hash = said.json()["hash"]
    wait_at_rest(mill)
    row = mill.sql("select recipient, currency, nonce, amount from"
                   " tidemill.transactions where hash = %s",
                   bytes.fromhex(hash[2:]))
    assert row == [(recipient.encode(), currency, nonce, amount)]
    found = httpx.get(f"{mill.gateway_url}/v1/transactions/jws/{hash}").json()
    assert found["recipient"] == "0x" + recipient.encode().hex()
    assert (found["currency"], str(found["nonce"]), found["amount"]) == (
        currency, str(nonce), str(amount))


@pytest.mark.parametrize("whose", ["sender", "recipient"])
def test_who_follows_an_account_is_told(mill, whose):
    key = OKPKey.generate_key("Ed25519")
    account = {"sender": unbase(key.thumbprint()),
               "recipient": b"acct:%s@example.com" % whose.encode()}[whose]
    raw = jws.serialize_compact(
        {"alg": "Ed25519", "jwk": key.as_dict(private=False)},
        payment_of(whose, 1), key, algorithms=["Ed25519"])
    with Subscriber(mill.gateway_url,
                    f"account:0x{account.hex()}") as watching:
        said = post(mill, raw)
        assert said.status_code == 202
        event = watching.wait_for(said.json()["hash"])
    assert event[whose] == "0x" + account.hex()


@pytest.mark.parametrize("change, type, status, code", [
    (lambda raw: raw, FLATTENED, 422, "malformed"),
    (lambda raw: "{" + raw, COMPACT, 422, "malformed"),
    (lambda raw: raw + "\n", "application/octet-stream", 422, "field_range"),
    (lambda raw: raw.replace(".", ".\n", 1), COMPACT, 422, "malformed"),
    (lambda raw: "", COMPACT, 400, "empty"),
    (lambda raw: "", FLATTENED, 400, "empty"),
    (lambda raw: "e" * 65537, COMPACT, 413, "too_large"),
    (lambda raw: raw, "application/jwt", 415, "content_type"),
    (lambda raw: base(b'{"alg":"none"}') + ".e30.", COMPACT, 422,
     "unsupported_algorithm"),
    (lambda raw: raw.replace(".", ".=", 1), COMPACT, 422, "malformed"),
])
def test_what_is_wrong_is_a_problem_with_a_code(mill, one, change, type,
                                                status, code):
    answer = post(mill, change(one[0]), type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
