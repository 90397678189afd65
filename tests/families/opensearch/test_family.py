"""What the family of OpenSearch says of roles, people and patterns to whoever asks about them."""

from __future__ import annotations

import pytest
from portcullis.access.plan import Claim, Operation
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH as ANSWERS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.granting.finding import OPENSEARCH as FINDS
from portcullis.families.opensearch.granting.net import crossings

from tests.access.strategies import holding, mapping, role

HELD = holding(
    {
        "r": role("read"),
        "s": role("write", dls='{"match_all": {}}', patterns=("logs-*",)),
        "t": role("read", patterns=("*-eu",)),
    },
    {"r": mapping(users=["anna"]), "s": mapping(users=["ben"])},
    users={"carl": {"opendistro_security_roles": ["t"]}},
)


def person(entry: str, *, kind: str = "iam_user", backend_roles: tuple[str, ...] = ()) -> Person:
    return Person(kind, entry, entry, Caller("" if backend_roles else entry, backend_roles))


def test_enough_to_tell_who_has_some_roles_are_their_mappings_and_all_users() -> None:
    """An internal user may have a role by their own document."""
    only = OPENSEARCH.only(HELD, {"s", "t"})
    assert only.of(Kind.MAPPINGS) == {"s": mapping(users=["ben"])}
    assert only.of(Kind.USERS) == HELD.of(Kind.USERS)
    assert only.of(Kind.ROLES) == {}


@pytest.mark.parametrize(
    ("who", "takes", "operation"),
    [("anna", True, Operation.REMOVE), ("anna", False, None), ("ben", False, Operation.ADD), ("ben", True, None)],
)
def test_somebody_is_given_a_role_or_it_is_taken_from_them(who: str, takes: bool, operation: Operation | None) -> None:
    step = ANSWERS.given(HELD, None, person(who), "r", takes=takes, because="why")
    if operation is None:
        assert step is None
        return
    assert step is not None
    assert (step.operation, step.claim, step.because) == (operation, Claim(Kind.MAPPINGS, "r", "users", who), "why")
    assert (step.before, step.after) == ((who, None) if takes else (None, who))


def test_how_somebody_is_named_by_holders_and_changes() -> None:
    assert ANSWERS.called(Person("iam_user", "x", "arn", Caller("name", ("g", "h")))) == ("arn", "name", "g", "h")
    assert ANSWERS.called(Person("iam_user", "x", "arn", None)) == ("arn",)


@pytest.mark.parametrize(
    ("entry", "as_role", "lets_in"),
    [
        ("a*", False, ("anna", "abe")),
        ("*", False, ("anna", "abe", "crew-1", "night")),
        ("/an+a/", False, ("anna",)),
        ("zoe*", False, ()),
        ("crew*", True, ("crew-1",)),
        ("*", True, ("anna", "abe", "crew-1", "night")),
        ("/" + "(a+)+b?" * 800 + "/", False, None),  # only the engine can tell
    ],
)
def test_whom_an_entry_that_is_a_pattern_lets_in(entry: str, as_role: bool, lets_in: tuple[str, ...] | None) -> None:
    pattern = person(entry, kind=ANYBODY, backend_roles=(entry,) if as_role else ())
    people = [
        person("anna"),
        person("abe"),
        person("crew-1", backend_roles=("crew-1",)),
        person("night", backend_roles=("night",)),
    ]
    (found,) = FINDS.patterns(HELD, [*people, pattern, Person("iam_user", "gone", "gone", None)])
    assert (None if found.whom is None else tuple(one.entry for one in found.whom)) == lets_in


def test_a_name_where_two_patterns_meet_is_looked_at_if_one_of_them_limits() -> None:
    """There alone it shows what two roles come to together."""
    examples = {"logs-*": "logs-example", "*-eu": "example-eu", "pay": "pay"}
    (name,) = crossings(HELD, examples)
    assert name.startswith("logs-") and name.endswith("-eu")  # noqa: PT018
    free = holding({"s": role("read"), "t": role("read", patterns=("*-eu",))}, {"s": mapping(), "t": mapping()})
    assert list(crossings(free, examples)) == []
    assert len(list(crossings(free, examples, ["*-eu"]))) == 1
    nobody = holding({"s": role("write", dls="{}"), "t": role("read", patterns=("*-eu",))})
    assert list(crossings(nobody, examples)) == []
