"""Given very many patterns, then those that may meet are found by how they begin and end, and none that meets is missed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from portcullis.families.crossing import both, crossings, may_meet

from tests.laws import examples

patterns = st.lists(st.text("ab-*?", min_size=1, max_size=6), max_size=8, unique=True)


def fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern)


@given(patterns, patterns)
@examples(200)
def test_no_pair_of_which_a_name_fits_both_is_missed(some: list[str], others: list[str]) -> None:
    example = {one: one.replace("*", "x").replace("?", "a") for one in {*some, *others}}
    found = set(may_meet(some, others))
    for one, other in product(some, others):
        if any(both(one, other, example, fits)):
            assert (one, other) in found


def test_of_thousands_of_patterns_the_last_pair_is_found_too() -> None:
    every = [*(f"logs-{number}-*" for number in range(2000)), "*-eu"]
    example = {one: one.replace("*", "example") for one in every}
    found = set(crossings(example, every, fits, lambda one, other: fits(other, one.replace("*", "example"))))
    assert {"logs-0-example-eu", "logs-1999-example-eu"} <= found
