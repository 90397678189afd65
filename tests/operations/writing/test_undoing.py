"""Undoing a change undoes nobody else's: who was let in by hand since, by what the change had made, is named."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.plan import AppliedStep
from portcullis.families.elasticsearch.documents import config as elastic
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.operations.writing.undoing import not_as_left, undone

from tests.operations.elastic import user
from tests.operations.worlds import mapping, role

LOOKS, OLDER = role("read"), role("write")


def made(name: str, before: Any = None) -> AppliedStep:
    return AppliedStep("add" if before is None else "replace", Kind.ROLES, name, before=before, after=LOOKS)


def mapped(name: str, before: Any = None) -> AppliedStep:
    return AppliedStep("add", Kind.MAPPINGS, name, before=before, after=mapping())


def let_in(name: str, entry: str, entry_list: str = "users") -> AppliedStep:
    return AppliedStep("add", Kind.MAPPINGS, name, entry_list, entry, after=entry)


BOTH = (made("viewers"), mapped("viewers"))


@pytest.mark.parametrize(
    ("touched", "held", "moved"),
    [
        pytest.param((*BOTH, let_in("viewers", "anna")), {"viewers": {"users": ["anna"]}}, [], id="as it was left"),
        pytest.param(
            (*BOTH, let_in("viewers", "anna")),
            {"viewers": {"users": ["anna", "eve"], "hosts": ["10.0.0.1"]}},
            ["eve was mapped to viewers", "10.0.0.1 was mapped to viewers"],
            id="somebody else came",
        ),
        pytest.param(
            (*BOTH, let_in("viewers", "anna")),
            {"viewers": {"users": ["anna"], "backend_roles": ["anna"]}},
            ["anna was mapped to viewers"],
            id="the same word in another list",
        ),
        pytest.param(
            (*BOTH, let_in("others", "eve")),
            {"viewers": {"users": ["eve"]}, "others": {"users": ["eve"]}},
            ["eve was mapped to viewers"],
            id="the same person was let in by another role",
        ),
        pytest.param(
            tuple(step(name) for name in "fedcba" for step in (made, mapped)),
            {name: {"users": ["eve"]} for name in "bdface"},
            [f"eve was mapped to {name}" for name in "abcdef"],
            id="many roles, by their names",
        ),
        pytest.param((mapped("viewers"),), {"viewers": {"users": ["eve"]}}, [], id="the role was there before"),
        pytest.param(
            (made("viewers", OLDER), mapped("viewers")), {"viewers": {"users": ["eve"]}}, [], id="the role was another"
        ),
        pytest.param((made("viewers"),), {"viewers": {"users": ["eve"]}}, [], id="the mapping was there before"),
        pytest.param(
            (made("viewers"), mapped("viewers", mapping(users=["eve"]))),
            {"viewers": {"users": ["eve"]}},
            [],
            id="the mapping was another",
        ),
        pytest.param(
            (made("viewers"), let_in("viewers", "anna")),
            {"viewers": {"users": ["anna", "eve"]}},
            [],
            id="into a mapping that was there",
        ),
        pytest.param(
            (mapped("viewers"),), {"viewers": {}, "others": {"users": ["viewers"]}}, [], id="a user called as a role"
        ),
        pytest.param(
            (let_in("viewers", "anna"),),
            {"viewers": {"users": ["ben"]}},
            [f"{Kind.MAPPINGS}/viewers/users: anna"],
            id="it is gone",
        ),
    ],
)
def test_of_a_domain(touched: tuple[AppliedStep, ...], held: dict[str, dict[str, list[str]]], moved: list[str]) -> None:
    mappings = {name: mapping(**lists) for name, lists in held.items()}
    config = SecurityConfig({Kind.ROLES: dict.fromkeys(held, LOOKS), Kind.MAPPINGS: mappings})
    assert not_as_left(OPENSEARCH, touched, config) == moved


def made_user(name: str, before: Any = None) -> AppliedStep:
    return AppliedStep("add", elastic.Kind.USERS, name, before=before, after=user())


def given(role: str, name: str) -> AppliedStep:
    return AppliedStep("add", ELASTICSEARCH.mappings, role, "users", name, after=name)


@pytest.mark.parametrize(
    ("touched", "held", "moved"),
    [
        pytest.param((made_user("robot"), given("viewers", "robot")), {"robot": ["viewers"]}, [], id="as it was left"),
        pytest.param(
            (made_user("robot"), given("viewers", "robot")),
            {"robot": ["viewers", "editors", "admins"], "eve": ["editors"]},
            ["robot was given admins", "robot was given editors"],
            id="somebody gave them more",
        ),
        pytest.param(
            (made_user("robot"), made_user("other"), given("editors", "other")),
            {"robot": ["editors"], "other": ["editors"]},
            ["robot was given editors"],
            id="another was given it by the change",
        ),
        pytest.param(
            (made_user("robot"), given("viewers", "robot")),
            {"robot": ["viewers", "editors"]},
            ["robot was given editors"],
            id="another role of the change",
        ),
        pytest.param((made_user("robot", user()),), {"robot": ["editors"]}, [], id="the user was there before"),
        pytest.param((given("viewers", "robot"),), {"robot": ["viewers", "editors"]}, [], id="nobody was made"),
        pytest.param(
            (AppliedStep("add", elastic.Kind.ROLES, "robot", after={}),),
            {"robot": ["editors"]},
            [],
            id="a role called as a user",
        ),
    ],
)
def test_of_a_cluster(touched: tuple[AppliedStep, ...], held: dict[str, list[str]], moved: list[str]) -> None:
    users = {name: user(*roles) for name, roles in held.items()}
    roles = {name: {} for name in ("viewers", "admins", "editors", "robot")}
    config = elastic.SecurityConfig({elastic.Kind.ROLES: roles, elastic.Kind.USERS: users})
    found = [one for one in not_as_left(ELASTICSEARCH, touched, config) if "was given" in one]
    assert found == moved


def test_a_change_undone_is_its_mirror_image() -> None:
    change = (
        AppliedStep("add", Kind.ROLES, "viewers", after=LOOKS, because="the model asks for it"),
        AppliedStep("remove", Kind.MAPPINGS, "editors", "users", "anna", "anna", None, "left", (2,)),
        AppliedStep("replace", Kind.ROLES, "editors", before=OLDER, after=LOOKS),
    )
    assert undone(change) == (
        AppliedStep("replace", Kind.ROLES, "editors", before=LOOKS, after=OLDER),
        AppliedStep("add", Kind.MAPPINGS, "editors", "users", "anna", None, "anna", "undoes: left"),
        AppliedStep("remove", Kind.ROLES, "viewers", before=LOOKS, because="undoes: the model asks for it"),
    )
