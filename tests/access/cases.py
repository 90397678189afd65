"""The families that the laws are held against: a new family is one line in CASES, with the states and models that it is to be tried by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import Plan
from portcullis.families import family_named
from portcullis.families.base import Family
from portcullis.families.opensearch.documents.config import SecurityConfig

from . import elastic, strategies


@dataclass(frozen=True, slots=True)
class Case:
    family: Family
    held_states: Callable[[], st.SearchStrategy[Any]]  # what an engine may hold
    desires: Callable[[], st.SearchStrategy[Desired]]  # what may be asked of it
    keepers: ProtectedPrincipals
    holding: Callable[[dict[str, Any]], Actual]  # a state made of documents: kind -> name -> document
    # A state edited by hand: of a kind, what the other state has of it stands in it as well.
    edited: Callable[[Any, Any, str], Actual]

    def applied(self, plan: Plan, held: Actual) -> Actual:
        """What the engine holds once the plan is done."""
        return self.family.simulate_all(held, self.family.writes(plan.steps, held))

    def alike(self, one: Actual, other: Actual) -> bool:
        """Whether both mean the same to the engine."""
        return all(
            one.of(kind).keys() == other.of(kind).keys()
            and all(self.family.same(kind, document, other.of(kind)[name]) for name, document in one.of(kind).items())
            for kind in self.family.order
        )


CASES = [
    Case(
        family_named("opensearch"),
        strategies.held_states,
        strategies.desires,
        strategies.KEEPERS,
        SecurityConfig,
        strategies.edited,
    ),
    Case(
        family_named("elasticsearch"),
        elastic.held_states,
        elastic.desires,
        elastic.KEEPERS,
        elastic.SecurityConfig,
        elastic.edited,
    ),
]

every_family = pytest.mark.parametrize("case", CASES, ids=[case.family.name for case in CASES])
