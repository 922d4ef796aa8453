"""The live page of the gateway, in a browser, while a load runs.

Screenshots go to build/tests/.
"""

import json
import subprocess
from urllib.parse import urlsplit

import httpx
import pytest

from system import Account, Load, produce, wait_until
from system.client import CLIENTS
from system.stack import ROOT

PICTURES = ROOT / "build" / "tests"


class Page:
    """page.mjs, told what to do one step at a time."""

    def __init__(self, url):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.origin = urlsplit(url).netloc
        self.child = subprocess.Popen(
            ["node", CLIENTS / "page.mjs", url + "/", PICTURES], cwd=CLIENTS,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        finally:
            self.child.kill()

    def __call__(self, *step):
        self.child.stdin.write(json.dumps(step) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline() or '{"failed":"end"}')
        assert "failed" not in answer, answer
        return answer["said"]


def of_all_sizes(name):
    """For Load: amounts from one wei to a million ether, some contracts."""
    accounts = [Account(f"{name} {n}") for n in range(40)]

    def make(n):
        account, other = accounts[n % 40], accounts[n * 7 % 40]
        return account.sign(type=n % 3, amount=1234567 * 10**(n % 19),
                            to=None if n % 23 == 0 else other.address)
    return make


@pytest.fixture(scope="module")
def mill(stack):
    stack.fresh("page").start_all(verifiers=1)
    yield stack
    stack.stop_all()


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


@pytest.fixture(scope="module")
def load(mill):
    with Load(mill, rate=25, name="page", make=of_all_sizes("page")) as running:
        yield running


@pytest.fixture(scope="module")
def page(mill, load):
    with Page(mill.gateway_url) as opened:
        opened("open")
        yield opened


def post(mill, *signed):
    for tx in signed:
        answer = httpx.post(mill.http_url + "/v1/transactions", content=tx.raw,
                            headers={"content-type":
                                     "application/octet-stream"})
        assert answer.status_code == 202


def forge(mill, name):
    """A record that only the verifier can reject."""
    tx = Account(name).sign(high_s=True)
    produce(mill.brokers, mill.topic_submitted,
            {"value": tx.raw, "headers": [("tm", "1;eip155:1;2")]})
    return tx


def test_transactions_appear_while_a_load_runs(mill, page):
    signed = Account("shown").sign(amount=10**18)
    post(mill, signed)
    page("shown", signed.hash_hex)
    row, = [row for row in page("seen")["rows"]
            if row["hash"] == signed.hash_hex]
    assert (row["type"], row["from"], row["to"], row["amount"]) == (
        "verified", signed.sender_hex, "0x" + "11" * 20, "1 ETH")
    for n in range(3):
        forge(mill, f"forged {n}")
    post(mill, Account("curve").sign(break_r=True))
    wait_until("its numbers come", lambda: "high s" in page("seen")["reasons"])
    wait_until("rows gather", lambda: len(page("seen")["rows"]) > 100)
    seen = page("seen")
    assert int(seen["verified"].replace(",", "")) > 0
    assert len(seen["partitions"]) > 4


def test_a_row_opens_with_all_that_is_known(mill, page):
    signed = Account("opened").sign(amount=25 * 10**17)
    post(mill, signed)
    page("shown", signed.hash_hex)
    text = page("detail", signed.hash_hex)
    for words in (signed.hash_hex, signed.sender_hex, "0x" + "11" * 20,
                  "2500000000000000000", signed.hex, "accepted", "eip155:1"):
        assert words in text


def test_the_filter_shows_one_account_and_nothing_else(mill, page):
    account, other = Account("followed"), Account("not followed")
    before = account.sign()
    post(mill, before)
    page("shown", before.hash_hex)
    said = page("follow", "0x" + account.address.hex().upper())
    assert said == {"state": "following", "note": None, "invalid": "false"}
    own, incoming = account.sign(), other.sign(to=account.address)
    post(mill, other.sign(), own, other.sign(), incoming)
    page("shown", own.hash_hex)
    page("shown", incoming.hash_hex)
    page("shown", before.hash_hex)   # from the tables
    rows = page("seen")["rows"]
    assert {row["hash"] for row in rows} == {
        tx.hash_hex for tx in (before, own, incoming)}


def test_the_filter_shows_one_transaction(mill, page):
    signed = Account("one").sign()
    page("follow", signed.hash_hex)
    post(mill, signed, Account("not this").sign())
    page("shown", signed.hash_hex)
    assert [row["hash"] for row in page("seen")["rows"]] == [signed.hash_hex]


def test_a_filter_of_nonsense_is_told(page):
    said = page("follow", "vitalik")
    assert said["invalid"] == "true"
    assert "hex" in said["note"]
    page("all")


def test_a_paused_page_stands_still_and_counts(mill, page):
    page("pause")
    before = page("seen")["rows"]
    signed = Account("while paused").sign()
    post(mill, signed)
    wait_until("it counts", lambda: (page("seen")["fresh"] or "0").split()[0]
               not in ("0", "1"))
    assert page("seen")["rows"] == before
    page("go on")
    page("shown", signed.hash_hex)


def test_how_long_it_took_is_told_by_the_servers_clock(page):
    """A wrong clock would show no time at all, or seconds.

    It is known to half the time of the quickest answer, so that a result of a
    few milliseconds may be shown as 0.
    """
    took = sorted(int(row["took"].removesuffix(" ms").replace(",", ""))
                  for row in page("seen")["rows"] if row["took"])
    assert took[-1] > 0
    assert took[len(took) // 2] < 5000


def test_nothing_is_wider_than_a_phone(page):
    page("picture", "page-1280", 1280, 900, "light")
    page("picture", "page-1280-dark", 1280, 900, "dark")
    seen = page("seen")
    assert (max(seen["wide"], 0), seen["clipped"]) == (0, 0)
    page("picture", "page-390", 390, 844, "light")
    assert page("seen")["wide"] <= 0
    page("picture", "page-390-dark", 390, 1700, "dark")
    for name in ("1280", "1280-dark", "390", "390-dark", "detail"):
        assert (PICTURES / f"page-{name}.png").stat().st_size > 10_000


def test_no_error_was_said_and_nobody_else_was_asked(page):
    seen = page("seen")
    assert seen["errors"] == []
    assert {urlsplit(url).netloc for url in seen["requests"]} == {page.origin}
    assert [(status, url) for status, url in seen["answers"]
            if status >= 400] == []


def test_the_page_goes_on_when_its_gateway_was_away(mill, page):
    """The last test: a browser itself logs that nobody answers."""
    mill.gate.stop()
    page("state", "away")
    missed = Account("missed").sign()
    post(mill, missed)
    mill.gate.start().ready()
    page("state", "live")
    page("shown", missed.hash_hex)
    later = Account("later").sign()
    post(mill, later)
    page("shown", later.hash_hex)
