"""The product is broken on purpose, and the outside checker must see it.

    mutations.py    each rule that is removed, and what must break then
    workshop.py     builds broken programs beside the good ones
    scenarios.py    short runs under which the rules matter
    test_sensitivity.py    good programs pass each, broken ones are caught
"""
