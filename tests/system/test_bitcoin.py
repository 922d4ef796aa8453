"""Bitcoin transactions through the real door: PSBTs that embit makes and signs,
and every kind of script that is judged.
"""

import hashlib
from base64 import b64encode

import httpx
import pytest
from embit import bip32, finalizer, script
from embit.psbt import PSBT
from embit.transaction import (Transaction, TransactionInput,
                               TransactionOutput)

from oracle import bitcoin
from system import Subscriber, wait_at_rest
from test_oracle import verify

CHAIN = "bip122:000000000019d6689c085ae165831e93"
TEST_CHAIN = "bip122:000000000933ea01ad0ee984209779ba"
ROOT = bip32.HDKey.from_seed(hashlib.sha256(b"tidemill").digest())


@pytest.fixture(scope="module")
def mill(stack):
    stack.fresh("bitcoin").start_all(verifiers=2, CHAINS=f"{CHAIN}=2")
    yield stack
    wait_at_rest(stack)
    stack.stop_all()


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


def rows(mill, table, columns, hash):
    wait_at_rest(mill)
    return mill.sql(f"select {columns} from tidemill.{table} where hash = %s",
                    hash)


def post_tx(mill, body, path="/tx"):
    return httpx.post(mill.http_url + path, content=body)


# --- PSBTs of a wallet


def key(n):
    return ROOT.derive(f"m/84h/0h/0h/0/{n}")


def scripts():
    """What a wallet locks with its keys, and how it says so in a PSBT."""
    several = script.multisig(2, [key(n).key.get_public_key()
                                  for n in range(3)])
    nested = script.p2wpkh(key(0))
    return {
        "p2pkh": (script.p2pkh(key(0)), None, None),
        "p2wpkh": (script.p2wpkh(key(0)), None, None),
        "p2sh-p2wpkh": (script.p2sh(nested), nested, None),
        "p2wsh": (script.p2wsh(several), None, several),
        "p2tr": (script.p2tr(key(0)), None, None),
    }


def finalized(kind, version):
    """A signed and finalized PSBT of one input, and its transaction."""
    lock, redeem, witness = scripts()[kind]
    before = Transaction(vin=[TransactionInput(
        hashlib.sha256(f"{kind} {version}".encode()).digest(), 1)],
        vout=[TransactionOutput(90000, script.p2wpkh(key(7))),
              TransactionOutput(100000, lock)])
    tx = Transaction(vin=[TransactionInput(before.txid(), 1)],
                     vout=[TransactionOutput(60000, script.p2tr(key(5))),
                           TransactionOutput(39000, script.p2wpkh(key(6)))])
    psbt = PSBT(tx)
    own = psbt.inputs[0]
    own.redeem_script, own.witness_script = redeem, witness
    if kind == "p2pkh":
        own.non_witness_utxo = before
    else:
        own.witness_utxo = before.vout[1]
    for n in range(2 if witness else 1):
        assert psbt.sign_with(key(n).key) == 1
    final = finalizer.finalize_psbt(psbt)
    assert final is not None
    own.final_scriptsig = final.vin[0].script_sig
    if not own.final_scriptsig.data:
        own.final_scriptsig = None
    own.final_scriptwitness = final.vin[0].witness
    own.partial_sigs.clear()
    if version == 2:
        psbt.version = 2
        psbt.tx_version, psbt.locktime = final.version, final.locktime
    return psbt, final, before.vout[1]


def expected(final, spent):
    """The extended form, and both names."""
    raw = final.serialize()
    extended = b"btx\x01" + raw + spent.serialize()
    return extended, bitcoin.twice(raw)[::-1], final.txid()


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("kind", ["p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2wsh",
                                  "p2tr"])
def test_a_wallets_psbt_is_a_verified_row(mill, kind, version):
    psbt, final, spent = finalized(kind, version)
    extended, wtxid, txid = expected(final, spent)
    with Subscriber(mill.gateway_url) as watching:
        answer = post_tx(mill, b64encode(psbt.serialize()))
        assert (answer.status_code, answer.text) == (200, txid.hex())
        event = watching.wait_for("0x" + wtxid.hex())
    assert event["type"] == "verified" and event["chain"] == CHAIN
    row, = rows(mill, "transactions",
                "sender, recipient, amount, nonce, payload", wtxid)
    assert row == (spent.script_pubkey.data, final.vout[0].script_pubkey.data,
                   60000, None, extended)
    for name in (wtxid.hex(), txid.hex()):
        for written in ("0x" + name, name):
            found = httpx.get(f"{mill.gateway_url}/v1/transactions/{CHAIN}/"
                              + written)
            assert found.status_code == 200 and wtxid.hex() in found.text
    account = httpx.get(f"{mill.gateway_url}/v1/transactions?account="
                        f"0x{spent.script_pubkey.data.hex()}")
    assert account.status_code == 200 and wtxid.hex() in account.text


def test_psbt_and_extended_form_are_one_transaction(mill):
    psbt, final, spent = finalized("p2tr", 5)
    extended, wtxid, txid = expected(final, spent)
    assert post_tx(mill, psbt.serialize().hex()).text == txid.hex()
    stored = httpx.post(f"{mill.http_url}/v1/{CHAIN}/transactions",
                        content=extended,
                        headers={"content-type": "application/octet-stream"})
    assert stored.status_code == 202
    assert stored.json()["hash"] == "0x" + wtxid.hex()
    document = httpx.post(f"{mill.http_url}/v1/transactions", json={
        "transaction": "0x" + psbt.serialize().hex()})
    assert document.json()["hash"] == "0x" + wtxid.hex()
    hexed = post_tx(mill, extended.hex() + "\n", f"/esplora/{CHAIN}/tx")
    assert (hexed.status_code, hexed.text) == (200, txid.hex())
    assert len(rows(mill, "transactions", "off", wtxid)) == 1
    assert rows(mill, "rejections", "off", wtxid) == []
    repeats = rows(mill, "duplicates", "of_off", wtxid)
    assert len(repeats) >= 1 and len(set(repeats)) == 1


# --- what is refused, and what is not believed


def test_a_transaction_alone_is_told_what_else_it_takes(mill):
    _, final, _ = finalized("p2wpkh", 6)
    answer = post_tx(mill, final.serialize().hex())
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert "finalized PSBT" in answer.text
    assert "prevout_missing" in answer.text


def test_an_unfinished_psbt_is_refused_in_words(mill):
    psbt, _, _ = finalized("p2wpkh", 7)
    psbt.inputs[0].final_scriptwitness = None
    answer = post_tx(mill, b64encode(psbt.serialize()))
    assert answer.status_code == 400 and "not_final" in answer.text
    for body in (b"", b"zz", b"cHNidP8=x", b"abc"):
        assert post_tx(mill, body).status_code == 400
    assert httpx.get(mill.http_url + "/tx").status_code == 405
    other = post_tx(mill, b"00", f"/esplora/{TEST_CHAIN}/tx")
    assert other.status_code == 404


def test_a_false_statement_never_speaks_in_the_transactions_name(mill):
    psbt, final, spent = finalized("p2wpkh", 8)
    extended, wtxid, txid = expected(final, spent)
    spent.value += 1
    false = expected(final, spent)[0]
    assert post_tx(mill, false.hex()).text == txid.hex()
    wait_at_rest(mill)
    reason, hash = mill.sql(
        "select reason, hash from tidemill.rejections where"
        " payload_sha256 = %s", hashlib.sha256(false).digest())[0]
    assert (reason, hash) == ("bad_signature", None)
    assert post_tx(mill, extended.hex()).text == txid.hex()
    assert len(rows(mill, "transactions", "off", wtxid)) == 1


# --- every kind


def test_every_kind_of_script_is_verified(mill):
    maker = bitcoin.Maker(2)
    made = [maker.transaction([kind], simple=True)
            for kind in bitcoin.KINDS for _ in range(3)]
    for n, tx in enumerate(made):
        body = (tx.extended(), bitcoin.psbt(tx), bitcoin.psbt(tx, 2))[n % 3]
        answer = post_tx(mill, body.hex())
        assert (answer.status_code, answer.text) == (200, tx.txid().hex())
    wait_at_rest(mill)
    stored = dict(mill.sql(
        "select hash, payload from tidemill.transactions where hash = any(%s)",
        [tx.wtxid() for tx in made]))
    assert stored == {tx.wtxid(): tx.extended() for tx in made}


# --- PSBTs that no library makes; no server is asked


TIME, HEIGHT = 0x11, 0x12
LATE, EARLY = 1700000000, 1600000000


@pytest.mark.parametrize("locks, locktime", [
    ([{HEIGHT: 800000}, {HEIGHT: 700000}], 800000),
    ([{HEIGHT: 800000}, {}], 800000),
    ([{TIME: EARLY}, {TIME: LATE}], LATE),
    ([{TIME: LATE, HEIGHT: 800000}, {HEIGHT: 7}], 800000),
    ([{TIME: LATE, HEIGHT: 800000}, {TIME: EARLY}], LATE),
    ([{TIME: LATE, HEIGHT: 800000}, {TIME: EARLY, HEIGHT: 9}], 800000),
    ([{}, {}], 0),
])
def test_the_locktime_of_version_2_is_that_of_bip_370(locks, locktime,
                                                      tmp_path):
    maker = bitcoin.Maker(370)
    tx = maker.transaction(["p2wpkh", "p2tr"], simple=True)
    tx.locktime = locktime
    for n in range(2):
        maker.sign(tx, n)
    said, = verify(CHAIN, 2, [bitcoin.psbt(tx, 2, locks=locks)], tmp_path)
    assert (said["reason"], said["hash"]) == (None, "0x" + tx.wtxid().hex())


def test_a_psbt_that_contradicts_itself_is_malformed(tmp_path):
    maker = bitcoin.Maker(174)
    tx = maker.transaction(["p2wpkh", "p2tr"], simple=True)
    first, second = bitcoin.psbt(tx), bitcoin.psbt(tx, 2)
    version = bitcoin.pair(0xfb, b"\2\0\0\0")
    count = bitcoin.pair(4, b"\2")
    spent = bitcoin.pair(1, bitcoin.output(tx.inputs[0].value,
                                           tx.inputs[0].spent))
    false = [
        bitcoin.psbt(tx, 2, locks=[{TIME: LATE}, {HEIGHT: 9}]),
        bitcoin.psbt(tx, 2, locks=[{TIME: 9}, {}]),
        bitcoin.psbt(tx, 2, locks=[{HEIGHT: LATE}, {}]),
        bitcoin.psbt(tx, 2, locks=[{HEIGHT: 0}, {}]),
        first.replace(spent, spent + spent),
        first.replace(spent, bitcoin.pair(1, b"\0" * 9, b"\7")),
        first.replace(spent, spent[:-1]),
        second.replace(version, version + version),
        second.replace(version, bitcoin.pair(0xfb, b"\2")),
        second.replace(version, b""),
        second.replace(count, bitcoin.pair(4, b"\3")),
        second.replace(count, bitcoin.pair(4, b"\xff" * 9)),
        second.replace(count, b""),
        first + b"\0", second + b"\0", first[:-1], second[:-1],
    ]
    assert all(raw not in (first, second) for raw in false)
    for said in verify(CHAIN, 2, [first, second] + false, tmp_path)[2:]:
        assert said["reason"] == "malformed" and said["hash"] is None


def test_what_a_psbt_says_besides_changes_nothing(tmp_path):
    maker = bitcoin.Maker(174)
    tx = maker.transaction(["p2wpkh", "p2tr"], simple=True)
    note = bitcoin.pair(0xfc, b"a note", b"\4note")
    spent = bitcoin.pair(1, bitcoin.output(tx.inputs[0].value,
                                           tx.inputs[0].spent))
    first = bitcoin.psbt(tx).replace(spent, note + spent)
    none = bitcoin.psbt(bitcoin.Transaction(2, [], tx.outputs, 0), 2)
    said = verify(CHAIN, 2, [first, bitcoin.psbt(tx, 2), none], tmp_path)
    assert [s["reason"] for s in said] == [None, None, "bad_inputs"]
    assert said[0]["hash"] == said[1]["hash"] == "0x" + tx.wtxid().hex()
