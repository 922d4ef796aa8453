"""The live page of the gateway in a browser, while a load runs."""

import json
import subprocess
from urllib.parse import urlsplit

import httpx
import pytest

from system import Account, Load
from system.client import CLIENTS
from system.stack import ROOT


@pytest.fixture
def mill(world):
    return world.start_all(verifiers=1)


def test_transactions_appear_on_the_page_while_a_load_runs(mill):
    """No error is said, and no request leaves the gateway."""
    signed = Account("page").sign(amount=10**18)
    picture = ROOT / "build" / "page.png"
    with Load(mill, rate=50, name="page"):
        browser = subprocess.Popen(
            ["node", CLIENTS / "page.mjs", mill.gateway_url + "/",
             signed.hash_hex, picture], cwd=CLIENTS, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert browser.stdout.readline() == '{"listens":true}\n', \
                browser.communicate(timeout=60)
            sent = httpx.post(mill.http_url + "/v1/transactions",
                              content=signed.raw, headers={
                                  "content-type": "application/octet-stream"})
            assert sent.status_code == 202
            out, err = browser.communicate(timeout=90)
        finally:
            browser.kill()
    assert browser.returncode == 0, err
    said = json.loads(out)
    assert said["errors"] == []
    assert {urlsplit(url).netloc for url in said["requests"]} == {
        urlsplit(mill.gateway_url).netloc}
    assert all(status < 400 for status, _ in said["answers"])
    assert said["rows"] > 10
    assert said["wide"] <= 0, "on a phone it would scroll sideways"
    assert picture.stat().st_size > 10_000
