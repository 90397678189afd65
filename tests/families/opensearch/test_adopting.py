"""What an engine holds, as a deployment file would say it: what is taken, and what is left and why."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import Claim, Subject, SubjectKind
from portcullis.families.base import Adoptable
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.adopting import adoptable

from tests.access.strategies import BREAK_GLASS, holding, mapping, role, wanted

NONE: dict[str, tuple[str, ...]] = {"roles": (), "action_groups": (), "tenants": (), "users": ()}
ADMIN = role("read") | {"cluster_permissions": ["restapi:admin/roles"]}


class NoAdministrators:
    def refuses(self, claim: Claim, administrator: bool) -> str:
        return "administers" if administrator else ""


def subject_of(entry_list: str, entry: str) -> Subject | None:
    return Subject(SubjectKind.INTERNAL_USER, entry) if entry_list == "users" else None


def adopted(held: SecurityConfig, *others: Claim, declared: tuple[str, ...] = (), **asked: Any) -> Adoptable:
    want = wanted(**asked)
    return adoptable(held, want, others, {**NONE, "roles": declared}, NoAdministrators(), subject_of, BREAK_GLASS)


@pytest.mark.parametrize(
    ("there", "asked", "declared", "taken", "left"),
    [
        (role("read"), None, (), True, ""),
        (role("read"), role("write"), ("r",), True, ""),
        (role("read"), role("read"), ("r",), False, ""),  # nothing to adopt
        (role("read"), role("write"), (), False, "differs from what Portcullis or a level makes of it"),
        (ADMIN, None, (), False, "administers"),
        (ADMIN, role("read"), ("r",), False, "administers"),
        (ADMIN, ADMIN | {"description": "x"}, ("r",), True, ""),  # administers by the model too
        (role("read") | {"limits": "x"}, None, (), False, "a deployment file cannot hold limits"),
        (role("read") | {"reserved": True}, None, (), False, ""),
        (role("read") | {"hidden": True}, None, (), False, ""),
    ],
)
def test_a_role_is_taken_or_left_with_the_reason(
    there: Json, asked: Json | None, declared: tuple[str, ...], taken: bool, left: str
) -> None:
    found = adopted(holding({"r": there}), declared=declared, roles={"r": asked} if asked else {})
    assert (("roles", "r") in found.documents) is taken
    assert found.left == ([f"roles/r: {left}"] if left else [])


def test_what_another_owner_claims_is_neither_taken_nor_told() -> None:
    held = holding({"r": role("read")}, {"r": mapping(users=["anna"], and_backend_roles=["a"])})
    theirs = [Claim(Kind.ROLES, "r"), Claim(Kind.MAPPINGS, "r", "users", "anna")]
    found = adopted(held, *theirs, Claim(Kind.MAPPINGS, "r", "and_backend_roles", "a"))
    assert (found.documents, found.grants, found.both, found.left) == ({}, [], {}, [])


@pytest.mark.parametrize(
    ("lists", "grants", "left"),
    [
        ({"users": ["anna"]}, ["anna"], []),
        ({"users": [" ", "anna"]}, ["anna"], []),  # an empty entry maps nobody, and stops nothing
        ({"users": [BREAK_GLASS, "anna"]}, ["anna"], ["it lets break-glass in, which only a window of a lock does"]),
        ({"hosts": ["10.*"], "users": ["anna"]}, ["anna"], ["a deployment file has no word for it"]),
    ],
)
def test_an_entry_is_taken_or_left_with_the_reason(
    lists: dict[str, list[str]], grants: list[str], left: list[str]
) -> None:
    found = adopted(holding({"r": role("read")}, {"r": mapping(**lists)}))
    assert [entry for _, entry, _ in found.grants] == grants
    assert [line.rpartition(": ")[2] for line in found.left] == left
