"""The short form of the fault suite: one run, and one test a fault of it.

It has servers and a network of its own, so it is a process beside this one.
"""

import json
import os
import subprocess

import pytest

from faults import registry
from system.stack import ROOT

# Others are thrown by TIDEMILL_TEST_SEED, and by every full run.
SEED = "316447"
FAULTS = sorted((f for f in registry.load().values() if f.short),
                key=lambda f: f.number)


@pytest.fixture(scope="module")
def suite(folder):
    """{name: outcome} of one run."""
    found = folder / "faults.json"
    found.unlink(missing_ok=True)
    seed = os.environ.get("TIDEMILL_TEST_SEED", SEED)
    done = subprocess.run(
        [ROOT / "tests/system/faults/run", "--short", "--json", found,
         "--seed", seed],
        env={**os.environ, "SYSTEM_DIR": str(folder)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    assert found.exists(), done.stdout[-3000:]
    return json.loads(found.read_text())


@pytest.mark.timeout(420)
@pytest.mark.parametrize("name", [f.name for f in FAULTS] + ["dice", "replay"])
def test_what_breaks_heals_and_loses_nothing(suite, name):
    outcome, = (o for o in suite["outcomes"] if o["name"] == name)
    print(f"seed {suite['seed']}:", outcome["what"])
    if outcome["result"] == "skipped":
        pytest.skip(f"{name}: {'; '.join(outcome['words'])}")
    assert outcome["result"] == "held", outcome["words"]


def test_every_audit_of_it_agrees(suite):
    assert suite["audits"]
    assert [a["wrong"] for a in suite["audits"] if a["wrong"]] == []
