"""Every fault by its name, in the order in which it was written."""

import importlib
import importlib.util
import inspect
import re
from dataclasses import dataclass
from typing import Callable

from faults import MODULES


@dataclass(frozen=True)
class Fault:
    name: str
    what: str          # is done
    expected: str
    body: Callable | None
    touches: frozenset = frozenset()
    needs: frozenset = frozenset()
    own: bool = False      # a world of its own, after the shared one
    short: bool = False    # part of the short form
    dice: bool = False     # may overlap with others in the random phase
    rejects: bool = False  # rejections and quarantine are expected of it
    lasting: bool = False  # of the liveness phase
    proof: str | None = None   # the test that shows it, instead of a body

    @property
    def number(self):
        return number(self.name)

    @property
    def steps(self):
        return inspect.isgeneratorfunction(self.body)


FAULTS = {}
AROUND = []


def number(name):
    """F9 comes before F10, and what has no number last."""
    found = re.fullmatch(r"([A-Z])(\d+)(\w*)", name)
    if found is None:
        return "~", 0, name
    return found[1], int(found[2]), found[3]


def words(text):
    return frozenset(text.split() if isinstance(text, str) else text)


def fault(name, what, expected, touches="", needs="", **flags):
    """Registers the function below it; see the story of the package."""
    def register(body):
        assert name not in FAULTS, f"{name} is there twice"
        FAULTS[name] = Fault(name, what, expected, body, words(touches),
                             words(needs), **flags)
        return body
    return register


def proved(name, what, expected, proof, **flags):
    """A fault that a test of its own proves already: that test is run."""
    fault(name, what, expected, own=True, proof=proof, **flags)(None)


def around(manager):
    """`manager(mill)` is a context manager, entered before the programs."""
    AROUND.append(manager)
    return manager


def load():
    """All modules that there are."""
    for module in MODULES:
        if importlib.util.find_spec(f"faults.{module}") is not None:
            importlib.import_module(f"faults.{module}")
    return FAULTS
