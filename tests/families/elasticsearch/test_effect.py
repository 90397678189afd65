"""What somebody gains by other roles, in words; and of which patterns no example says whether they mean an index."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.changes import Right
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.effect import people, rights
from portcullis.families.elasticsearch.over_there.examples import example_of, plain, unclear


def on(*names: str, may: tuple[str, ...] = ("read",), **more: object) -> Json:
    return {"indices": [{"names": list(names), "privileges": list(may), **more}]}


def held(**roles: Json) -> SecurityConfig:
    users = {"anna": {"roles": [*roles], "enabled": True}}
    return SecurityConfig({Kind.ROLES: roles, Kind.USERS: users, Kind.MAPPINGS: {}})


FILTER = '{"term": {"a": 1}}'
ADMINISTRATION = Right("administration of the cluster", (), True)
GLOBAL = {"application": {"manage": {"applications": ["a"]}}}


@pytest.mark.parametrize(
    ("had", "has", "gained"),
    [
        ({}, on("logs-*"), [Right("read on logs-*", ("logs-*",))]),
        ({}, on("b", "a", may=("write", "read")), [Right("read, write on a, b", ("a", "b"))]),
        (on("logs-*"), on("logs-*", may=("all",)), [Right("all on logs-*", ("logs-*",))]),
        (on("logs-*"), on("logs-1"), []),
        (on("logs-1"), on("logs-*"), [Right("read on logs-*", ("logs-*",))]),
        (on("logs-*", may=("all",)), on("logs-*"), []),
        (on("logs-*", query=FILTER), on("logs-*"), []),  # limits are left aside
        (on("/logs-.*/"), on("logs-1"), [Right("read on logs-1", ("logs-1",))]),  # no example says what it means
        (on("/logs-.*/"), on("/logs-.*/"), []),
        ({"cluster": ["monitor"]}, {"cluster": ["manage"]}, [Right("cluster privileges manage")]),
        ({"cluster": ["manage"]}, {"cluster": ["monitor"]}, []),
        ({}, {"cluster": ["manage_security"]}, [ADMINISTRATION, Right("cluster privileges manage_security")]),
        ({"cluster": ["all"]}, {"cluster": ["manage_security"]}, []),
        ({"run_as": ["ben"]}, {"run_as": ["ben", "cy"]}, [Right("acts as cy")]),
        (
            {},
            {"applications": [{"application": "kibana", "privileges": ["read"], "resources": ["x", "y"]}]},
            [Right("read on x, y of application kibana")],
        ),
        (
            {},
            {"remote_indices": [{"names": ["a"], "privileges": ["read"], "clusters": ["far", "f*"]}]},
            [Right("read on a of remote far, f*")],
        ),
        (
            {},
            {"remote_cluster": [{"privileges": ["monitor_enrich"], "clusters": ["far"]}]},
            [Right("monitor_enrich on the cluster of remote far")],
        ),
        ({}, {"global": GLOBAL}, [Right('global {"application": {"manage": {"applications": ["a"]}}}')]),
        ({"global": GLOBAL}, {"global": GLOBAL}, []),
    ],
)
def test_what_somebody_may_by_other_roles_that_they_could_not_before(had: Json, has: Json, gained: list[Right]) -> None:
    before, after = held(old=had), held(new=has)
    assert list(rights(before, frozenset({"old"}), after, frozenset({"new"}))) == gained
    assert rights(before, frozenset({"old"}), before, frozenset({"old"})) == ()


@pytest.mark.parametrize(
    ("had", "has", "gains", "loses"),
    [
        (on("a"), on("a", query=FILTER), [f"read on a, only documents that match {FILTER}"], ["read on a"]),
        (
            on("a", field_security={"grant": ["x", "y"]}),
            on("a", field_security={"grant": ["*"], "except": ["z"]}),
            ["read on a, all fields without z"],
            ["read on a, only the fields x, y"],
        ),
        (on("a"), on("a", allow_restricted_indices=True), ["read on a, the engine's own indices too"], ["read on a"]),
        (on("a", "b"), on("b", may=("read", "write")), ["write on b"], ["read on a"]),
        ({"cluster": ["monitor"]}, {}, [], ["cluster privileges monitor"]),
    ],
)
def test_other_limits_are_another_access_and_the_rest_is_neither_gained_nor_lost(
    had: Json, has: Json, gains: list[str], loses: list[str]
) -> None:
    told = people(held(r=had), held(r=has))
    assert [str(one) for one in told.gains] == [f"anna: {one} (role r)" for one in gains]
    assert [str(one) for one in told.loses] == [f"anna: {one} (role r)" for one in loses]


def test_whoever_is_given_a_role_without_permissions_is_told() -> None:
    told = people(held(r=on("a")), held(r=on("a"), s={}))
    assert [str(one) for one in told.gains] == ["anna: a role without permissions (role s)"]
    assert told.loses == ()
    assert people(held(r=on("a"), s={}), held(r=on("a"))).loses == told.gains


@pytest.mark.parametrize(
    ("pattern", "asked", "told"),
    [
        ("logs-*", "logs-*", False),  # an example says it
        ("l?gs-*", "logs-*", True),
        ("l?gs-*", "pay", False),
        ("/logs-.*/", "pay", True),
    ],
)
def test_of_which_patterns_no_example_says_what_they_mean(pattern: str, asked: str, told: bool) -> None:
    config = held(r=on(pattern), s=on("x"))
    assert list(unclear(config, ["s", "r"], asked)) == ([f"{pattern} of r"] if told else [])


def test_patterns_that_have_examples_are_those_of_roles_that_somebody_may_have() -> None:
    config = held(r=on("a*", "/b/", "c\\*"), s=on("d", query=FILTER), t=on("e", field_security={"grant": ["x"]}))
    spare = SecurityConfig({**config.documents, Kind.ROLES: {**config.of(Kind.ROLES), "nobodys": on("z")}})
    assert list(plain(spare)) == ["a*", "d", "e"]
    assert list(plain(spare, limited=True)) == ["d", "e"]
    mapped = {"m": {"roles": ["nobodys"], "rules": {"any": []}}}
    assert [*plain(SecurityConfig({**spare.documents, Kind.MAPPINGS: mapped}))] == ["a*", "d", "e", "z"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("logs-*", "logs-example"),
        ("logs*", "logs-example"),
        ("*", "example"),
        (".k?*", ".kx-example"),
        ("a.*_*", "a.example_example"),
    ],
)
def test_an_example_fits_its_pattern(pattern: str, name: str) -> None:
    assert example_of(pattern) == name
