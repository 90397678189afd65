"""Whoever leaves goes first: whom of a plan, and in which writes."""

from __future__ import annotations

import pytest
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.operations.writing.removals import in_order, of_leavers

from tests.operations.worlds import mapping, role

USERS, TEAMS, BOTH = "users", "backend_roles", OPENSEARCH.condition


def claim(entry: str, entry_list: str = USERS, of: str = "viewers") -> Claim:
    return Claim(Kind.MAPPINGS, of, entry_list, entry)


def out(*where: str) -> Step:
    one = claim(*where)
    return Step(Operation.REMOVE, one, one.entry, None, "left")


def into(*where: str) -> Step:
    one = claim(*where)
    return Step(Operation.ADD, one, None, one.entry, "joined")


def document(operation: Operation, name: str) -> Step:
    before, after = (role("read") if operation is one else None for one in (Operation.REMOVE, Operation.ADD))
    return Step(operation, Claim(Kind.ROLES, name), before, after, "the model")


HELD = SecurityConfig(
    {
        Kind.ROLES: dict.fromkeys(("viewers", "editors"), role("read")),
        Kind.MAPPINGS: {
            "viewers": mapping(users=["anna", "ben"], backend_roles=["team"]) | {BOTH: ["a", "b"]},
            "editors": mapping(users=["anna"]),
        },
    }
)


@pytest.mark.parametrize(
    ("steps", "ahead"),
    [
        pytest.param([out("anna"), out("ben")], ["anna", "ben"], id="who leaves"),
        pytest.param([out("anna"), into("carl")], ["anna"], id="and another comes"),
        pytest.param(
            [out("anna"), into("anna", USERS, "editors"), out("ben")], ["ben"], id="who moves to another role"
        ),
        pytest.param([out("anna"), into("anna", TEAMS, "editors")], ["anna"], id="a team called alike comes"),
        pytest.param([document(Operation.REMOVE, "old"), document(Operation.ADD, "new")], [], id="documents"),
        pytest.param([out("a", BOTH), out("b", BOTH)], ["a", "b"], id="a condition as a whole"),
        pytest.param([out("a", BOTH)], [], id="a part of a condition, which widens it"),
        pytest.param([out("a", BOTH), out("b", BOTH), into("c", BOTH)], [], id="a condition that becomes another"),
        pytest.param([out("a", BOTH), out("b", BOTH), into("carl")], ["a", "b"], id="a condition, and somebody comes"),
        pytest.param(
            [out("a", BOTH), out("b", BOTH), into("c", BOTH, "editors")], ["a", "b"], id="and another role has one"
        ),
        pytest.param([out("a", BOTH), out("b", TEAMS)], ["b"], id="a part, and a team called as the other part"),
        pytest.param([out("anna")], ["anna"], id="beside a condition that stays"),
    ],
)
def test_who_goes_ahead(steps: list[Step], ahead: list[str]) -> None:
    found = of_leavers(OPENSEARCH, Plan(steps=tuple(steps)), HELD)
    assert [step.claim.entry for step in found] == ahead
    assert all(step.operation is Operation.REMOVE for step in found)


def test_whom_the_model_in_force_still_asks_for_does_not_go_ahead() -> None:
    plan = Plan(steps=(out("anna"), out("ben")))
    assert of_leavers(OPENSEARCH, plan, HELD, frozenset({claim("anna")})) == (out("ben"),)


@pytest.mark.parametrize(
    ("steps", "leavers", "ahead", "rest"),
    [
        pytest.param([out("ben"), into("carl")], ["ben"], [], [Kind.MAPPINGS], id="one write does both"),
        pytest.param([document(Operation.ADD, "new"), into("carl")], [], [], [Kind.ROLES, Kind.MAPPINGS], id="none"),
        pytest.param([document(Operation.ADD, "new"), out("ben")], ["ben"], [Kind.MAPPINGS], [Kind.ROLES], id="apart"),
        pytest.param(
            [document(Operation.ADD, "new"), out("ben"), into("carl")],
            ["ben"],
            [Kind.MAPPINGS],
            [Kind.ROLES, Kind.MAPPINGS],
            id="apart from who comes",
        ),
    ],
)
def test_in_which_writes(steps: list[Step], leavers: list[str], ahead: list[str], rest: list[str]) -> None:
    """Those ahead do not touch what comes; and all together, in their order, end where the plan does."""
    plan = Plan(steps=tuple(steps))
    going = tuple(step for step in steps if step.claim.entry in leavers)
    found = in_order(OPENSEARCH, plan, HELD, going)
    assert ([one.kind for one in found.ahead], [one.kind for one in found.rest]) == (ahead, rest)
    assert list(found.all) == [*found.ahead, *found.rest]
    assert found.between == OPENSEARCH.simulate_all(HELD, found.ahead)
    assert [one in found.between.entries("viewers", USERS) for one in ("ben", "carl")] == [not ahead, False]
    end = OPENSEARCH.simulate_all(HELD, OPENSEARCH.writes(plan.steps, HELD))
    assert OPENSEARCH.simulate_all(HELD, found.all) == end
