"""Good programs pass every scenario; with one rule removed, the checker sees it.

It takes a few minutes, most of them waiting: servers, rebalances, and what a
broken program will never do.
"""

from collections import Counter

import pytest

from system import Differs
from sensitivity.mutations import MUTATIONS
from sensitivity.scenarios import SCENARIOS
from sensitivity.workshop import Workshop, broken
from system.seen import WORDS


@pytest.fixture(scope="module")
def workshop(folder, stack):
    shop = Workshop(folder / "sensitivity", stack.build)
    shop.open(MUTATIONS)
    yield shop
    stack.build = shop.good
    shop.close()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=repr)
def test_every_mutation_fits_the_code(mutation):
    assert broken(mutation)
    assert mutation.scenario in SCENARIOS
    assert mutation.breaks <= set(WORDS) - {"reconcile", "balance"}


def test_names_are_different():
    assert set(Counter(m.name for m in MUTATIONS).values()) == {1}


@pytest.mark.parametrize("name", SCENARIOS)
def test_good_programs_pass(workshop, stack, name):
    stack.build = workshop.good
    SCENARIOS[name](stack.fresh(name))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=repr)
def test_the_checker_sees(workshop, stack, mutation):
    stack.build = workshop.programs(mutation)
    with pytest.raises(Differs) as raised:
        SCENARIOS[mutation.scenario](stack.fresh(mutation.scenario))
    print(raised.value)
    assert mutation.breaks <= raised.value.broken
