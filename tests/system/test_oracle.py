"""Verdicts of `tidemill tx verify`, beside those of software that is not ours.

tests/oracle makes transactions and breaks most of them; for each one verdict,
id and sender are compared, and the reason where it is the only one. More of
them, or others: ORACLE_COUNT=20000 ORACLE_SEED=7.
"""

import json
import os
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from oracle import bitcoin, ethereum, jws, solana
from system.client import node
from system.stack import ROOT

COUNT = int(os.environ.get("ORACLE_COUNT", "500"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))
BUILD = Path(os.environ.get("BUILD_DIR") or ROOT / "build" / "dev")


def verify(chain, rules, transactions, folder):
    """What the command says of each, in order."""
    file = folder / "transactions"
    file.write_text("".join(f"0x{raw.hex()}\n" for raw in transactions))
    done = subprocess.run(
        [BUILD / "tidemill", "tx", "verify", "--json", f"--chain={chain}",
         f"--rules={rules}", file], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(transactions), done.stderr
    return lines


def expected(case):
    try:
        return ethereum.judge(case), None
    except ethereum.Refused as refused:
        return None, str(refused)


def difference(case, said):
    """What the oracle says otherwise; "" when it agrees."""
    verdict, reason = expected(case)
    if verdict is None:
        if said["verdict"] == "verified":
            return f"the oracle refuses it: {reason}"
        if case.reason and case.reason == reason != said["reason"]:
            return f"the reason is {reason}"
        return ""
    if said["verdict"] != "verified":
        return "the oracle verifies it"
    if said["hash"] != "0x" + verdict.hash.hex():
        return f"the hash is {verdict.hash.hex()}"
    if said["sender"] != verdict.sender:
        return f"the sender is {verdict.sender}"
    return ""


def test_ethereum_transactions_get_the_verdict_of_the_oracle(tmp_path):
    groups = defaultdict(list)
    for case in ethereum.cases(SEED, COUNT):
        groups[case.chain, case.rules].append(case)

    seen = Counter()
    differences = []
    for (chain, rules), cases in groups.items():
        said = verify(f"eip155:{chain}", rules, [c.raw for c in cases],
                      tmp_path)
        for case, line in zip(cases, said):
            seen[line["reason"] or "verified"] += 1
            words = difference(case, line)
            if words:
                differences.append(
                    f"{case.about} eip155:{chain} rules {rules}: "
                    f"{line['reason'] or 'verified'}, but {words}: "
                    f"0x{case.raw.hex()[:400]}")
    print(f"ethereum, seed {SEED}: {COUNT} compared; "
          + ", ".join(f"{n} {name}" for name, n in seen.most_common()))
    assert not differences, "\n".join(differences[:10])
    assert seen["verified"] > COUNT // 10 and len(seen) > 10


def taken_by_jose(cases, folder):
    """Which of them jose verifies, in order."""
    file = folder / "for_jose"
    file.write_text("".join(f"{case.raw.hex()}\n" for case in cases
                            if case.raw))
    said = iter(node("jose_judge.mjs", file, seconds=600).split())
    return [bool(case.raw) and next(said) == "yes" for case in cases]


def jws_difference(case, said, by_jose):
    """What the page and the libraries say otherwise; "" when they agree."""
    try:
        verdict = jws.judge(case)
    except jws.Refused as refused:
        if said["reason"] != str(refused):
            return f"the reason is {refused}"
    else:
        rows = {"verdict": "verified", "hash": "0x" + verdict.hash,
                "sender": "0x" + verdict.sender, "amount": verdict.amount,
                "recipient": "0x" + verdict.recipient,
                "nonce": None if verdict.nonce is None else str(verdict.nonce)}
        wrong = [f"{name} is {value}" for name, value in rows.items()
                 if said[name] != value]
        if wrong:
            return ", ".join(wrong)
    return jws.disagreement(case, said["reason"], by_jose)


@pytest.mark.timeout(max(300, COUNT // 10))  # three libraries judge each
def test_signed_payments_get_the_verdict_of_the_oracle(tmp_path):
    cases = list(jws.cases(SEED, COUNT))
    said = verify("jws", 1, [c.raw for c in cases], tmp_path)
    by_jose = taken_by_jose(cases, tmp_path)
    seen = Counter()
    differences = []
    for case, line, taken in zip(cases, said, by_jose):
        seen[line["reason"] or "verified"] += 1
        words = jws_difference(case, line, taken)
        if words:
            differences.append(
                f"{case.about}: {line['reason'] or 'verified'}, but {words}: "
                f"0x{case.raw.hex()[:400]}")
    print(f"jws, seed {SEED}: {COUNT} compared; "
          + ", ".join(f"{n} {name}" for name, n in seen.most_common()))
    assert not differences, "\n".join(differences[:10])
    assert seen["verified"] > COUNT // 10 and len(seen) > 10


def solana_difference(case, said):
    """What the runtime's code says otherwise; "" when it agrees."""
    try:
        verdict = solana.judge(case)
    except solana.Refused as refused:
        right = case.reasons or refused.args
        if said["reason"] not in right:
            return f"the reason is {' or '.join(right)}"
        return ""
    rows = {"verdict": "verified", "hash": "0x" + verdict.hash.hex(),
            "sender": "0x" + verdict.sender.hex(),
            "recipient": verdict.recipient and "0x" + verdict.recipient.hex(),
            "amount": str(verdict.amount), "nonce": None}
    return ", ".join(f"{name} is {value}" for name, value in rows.items()
                     if said[name] != value)


def test_solana_transactions_get_the_verdict_of_the_runtime(tmp_path):
    cases = list(solana.cases(SEED, COUNT))
    said = verify(solana.CHAIN, solana.RULES, [c.raw for c in cases], tmp_path)
    seen = Counter()
    differences = []
    for case, line in zip(cases, said):
        seen[line["reason"] or "verified"] += 1
        words = solana_difference(case, line)
        if words:
            differences.append(
                f"{case.about}: {line['reason'] or 'verified'}, but {words}: "
                f"0x{case.raw.hex()}")
    print(f"solana, seed {SEED}: {COUNT} compared; "
          + ", ".join(f"{n} {name}" for name, n in seen.most_common()))
    assert not differences, "\n".join(differences[:10])
    assert seen["verified"] > COUNT // 10 and len(seen) > 6


def bitcoin_difference(case, engine, said):
    """What btcd says otherwise; "" when it agrees, or runs a script that is
    none of our templates.
    """
    if not engine.startswith("ok"):
        return "" if said["verdict"] == "rejected" else \
            f"the engine refuses it: {engine}"
    if said["reason"] == "unsupported_script":
        return ""
    sender, recipient, amount = bitcoin.row(case.raw)
    rows = {"verdict": "verified", "hash": "0x" + engine.split()[1],
            "sender": "0x" + sender.hex(),
            "recipient": recipient and "0x" + recipient.hex(),
            "amount": str(amount), "nonce": None}
    return ", ".join(f"{name} is {value}" for name, value in rows.items()
                     if said[name] != value)


def test_bitcoin_transactions_get_the_verdict_of_btcd(tmp_path):
    cases = list(bitcoin.cases(SEED, COUNT))
    words = bitcoin.engine(cases)
    seen = Counter()
    differences = []
    for rules in (1, 2):
        some = [(c, w) for c, w in zip(cases, words) if c.rules == rules]
        said = verify("bip122:oracle", rules, [c.raw for c, _ in some],
                      tmp_path)
        for (case, engine), line in zip(some, said):
            seen[line["reason"] or "verified"] += 1
            if line["reason"] == "unsupported_script":
                seen["of them verified by btcd"] += engine.startswith("ok")
            difference = bitcoin_difference(case, engine, line)
            if difference:
                differences.append(
                    f"{case.about}, rules {rules}: "
                    f"{line['reason'] or 'verified'}, but {difference}: "
                    f"0x{case.raw.hex()}")
    print(f"bitcoin, seed {SEED}: {COUNT} compared; "
          + ", ".join(f"{n} {name}" for name, n in seen.most_common()))
    assert not differences, "\n".join(differences[:10])
    assert seen["verified"] > COUNT // 10 and len(seen) > 10
