"""A change undone: what it touched is as it was, and what others did in between stays."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Actual, Json
from portcullis.access.plan import AppliedStep, Operation
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH

from tests.access.strategies import holding, mapping, role


def entry(who: str, *, added: bool, places: tuple[int, ...] = (), entry_list: str = "users") -> AppliedStep:
    before, after = (None, who) if added else (who, None)
    operation = Operation.ADD if added else Operation.REMOVE
    return AppliedStep(operation, Kind.MAPPINGS, "r", entry_list, who, before, after, places=places)


def document(kind: Kind, name: str, before: Json | None, after: Json | None) -> AppliedStep:
    operation = Operation.ADD if before is None else Operation.REMOVE if after is None else Operation.REPLACE
    return AppliedStep(operation, kind, name, before=before, after=after)


def back(held: Actual, *touched: AppliedStep, passwords: dict[str, str] | None = None) -> Actual:
    return OPENSEARCH.simulate_all(held, OPENSEARCH.undoing(touched, held, passwords))


@pytest.mark.parametrize(
    ("now", "touched", "then"),
    [
        (["a", "b"], [entry("b", added=True)], ["a"]),
        (["b", "a", "c"], [entry("b", added=True), entry("c", added=True)], ["a"]),
        (["a"], [entry("b", added=True)], ["a"]),  # somebody took it out since
        (["a", "c"], [entry("b", added=False, places=(1,))], ["a", "b", "c"]),
        (["c"], [entry("a", added=False, places=(0,)), entry("b", added=False, places=(1,))], ["a", "b", "c"]),
        (["x"], [entry("b", added=False, places=(0, 2))], ["b", "x", "b"]),  # it stood there twice
        (["a"], [entry("b", added=False, places=(7,))], ["a", "b"]),  # others took more out since
        (["a"], [entry("b", added=False)], ["a", "b"]),  # where it stood is not known
        ([], [entry("a", added=False, places=(0,)), entry("b", added=False, places=(1,))], ["a", "b"]),
        (["a", "g"], [entry("a", added=True, entry_list="backend_roles")], ["a", "g"]),  # of another list
        (["new", "a"], [entry("new", added=True), entry("b", added=False, places=(0,))], ["b", "a"]),
    ],
)
def test_entries_come_back_where_they_stood_and_what_was_added_goes(
    now: list[str], touched: list[AppliedStep], then: list[str]
) -> None:
    held = holding({"r": role("read")}, {"r": mapping(users=now, backend_roles=["staff"]), "s": mapping(users=["b"])})
    found = back(held, *touched)
    assert list(found.entries("r", "users")) == then
    assert list(found.entries("r", "backend_roles")) == ["staff"]
    assert list(found.entries("s", "users")) == ["b"]


def test_a_mapping_that_was_made_goes_unless_somebody_else_is_in_it_by_now() -> None:
    made = document(Kind.MAPPINGS, "r", None, mapping())
    added = (entry("a", added=True), entry("g", added=True, entry_list="backend_roles"))
    ours = holding({"r": role("read")}, {"r": mapping(users=["a"], backend_roles=["g"])})
    assert "r" not in back(ours, made, *added).of(Kind.MAPPINGS)
    for theirs in (
        {"users": ["a", "by-hand"]},
        {"users": ["a"], "hosts": ["10.*"]},
        {"users": ["a"], "backend_roles": ["a"]},
    ):
        found = back(holding({"r": role("read")}, {"r": mapping(**theirs)}), made, *added)
        assert found.entries("r", "users") == (("by-hand",) if "by-hand" in theirs["users"] else ())
        assert "a" not in found.entries("r", "users")
        assert found.of(Kind.MAPPINGS)["r"]


def test_a_mapping_that_was_taken_away_comes_back_with_the_entries_it_had_before() -> None:
    gone = document(Kind.MAPPINGS, "r", mapping(users=["b"], backend_roles=["g"]), None)
    before = (
        entry("a", added=False, places=(0,)),
        entry("c", added=False, places=(2,)),
        entry("h", added=False, entry_list="hosts"),
    )
    found = back(holding({"r": role("read")}), *before, gone)
    assert [list(found.entries("r", one)) for one in ("users", "backend_roles", "hosts")] == [
        ["a", "b", "c"],
        ["g"],
        ["h"],
    ]


@pytest.mark.parametrize(
    ("kind", "name", "before", "after"),
    [
        (Kind.ROLES, "x", None, role("read")),
        (Kind.ROLES, "x", role("read"), None),
        (Kind.ROLES, "x", role("read"), role("write", "read")),
        (Kind.TENANTS, "x", {"description": "a"}, {"description": "b"}),
        (Kind.ACTION_GROUPS, "x", {"allowed_actions": ["read"]}, None),
    ],
)
def test_a_document_is_as_it_was(kind: Kind, name: str, before: Any, after: Any) -> None:
    others = {"other": role("x") if kind is Kind.ROLES else {"description": "o"}}
    held = holding(**{kind.name.lower(): {**others, **({name: after} if after else {})}})
    found = back(held, document(kind, name, before, after)).of(kind)
    assert found == {**others, **({name: before} if before else {})}


def test_a_user_comes_back_with_a_password_of_their_own() -> None:
    gone = document(Kind.USERS, "anna", {"backend_roles": ["g"], "attributes": {}}, None)
    (write,) = OPENSEARCH.undoing([gone], holding(), {"anna": "secret"})
    assert write.body[0]["value"] == {"backend_roles": ["g"], "attributes": {}, "password": "secret"}


def test_nothing_is_written_where_nothing_is_left_to_undo() -> None:
    assert list(OPENSEARCH.undoing([], holding())) == []
    held = holding({"r": role("read")}, {"r": mapping(users=["a"])})
    assert back(held, entry("gone", added=True)).of(Kind.MAPPINGS) == held.of(Kind.MAPPINGS)
