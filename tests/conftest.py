"""Fixtures of the system tests. tests/run runs them; by hand:

    build/venv/bin/pytest tests/system -k kafka
"""

import os
from pathlib import Path

import pytest

from system import Stack
from system.stack import ROOT


@pytest.fixture(scope="session")
def folder():
    """Where stacks of this run live; one folder each. Not for two runs."""
    return Path(os.environ.get("SYSTEM_DIR", ROOT / "build" / "system"))


@pytest.fixture(scope="session")
def stack(folder):
    """One Kafka node, PostgreSQL and Redis for the whole run.

    A test leaves all three running. Programs belong to the test that starts
    them.
    """
    with Stack(folder / "stack") as running:
        yield running


@pytest.fixture
def world(stack, request):
    """The stack with fresh topics and tables: all in them is the test's own."""
    name = request.node.originalname.removeprefix("test_")[:30]
    return stack.fresh(name)


@pytest.fixture(autouse=True)
def programs_end_with_their_test(request):
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").stop_all()
