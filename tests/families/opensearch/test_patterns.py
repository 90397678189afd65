"""Patterns that no node can read: found before they are written, and where somebody wrote them by hand."""

from __future__ import annotations

import pytest
from portcullis.access.drift import drift
from portcullis.access.plan import Claim
from portcullis.families.crossing import both
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.names.matching import is_expression, matches
from portcullis.families.opensearch.names.patterns import unloadable, unreadable

from tests.access.strategies import holding, mapping, role, wanted


@pytest.mark.parametrize(
    "pattern", ["/(/", "/[a-/", r"/\y/", "/a{2,1}/", "/*/", "/(?P<x>a)/", "/(?#c)a/", "/(a)?(?(1)b|c)/", "/"]
)
def test_what_no_node_can_read(pattern: str) -> None:
    assert unreadable(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "//",
        "(",
        "/a",
        "[a-",
        "a*",
        "/a.*/",
        "/a++b/",
        r"/\p{L}+/",
        "/(?<name>a)/",
        "/(?i)a/",
        "/(?:a|b)/",
        r"/\Qa\E/",
    ],
)
def test_what_a_node_reads_or_may_read(pattern: str) -> None:
    assert unreadable(pattern) == ""


def test_only_slashes_at_both_ends_make_an_expression() -> None:
    assert [is_expression(p) for p in ("/a/", "//", "/", "/a", "a/", "arn:aws:iam::1:role/a/b")] == [True, True] + 4 * [
        False
    ]


@pytest.mark.parametrize(
    ("roles", "mappings", "claim"),
    [
        ({}, {"readers": mapping(users=["anna", "/(/"])}, "rolesmapping/readers/users: /(/"),
        ({}, {"readers": mapping(and_backend_roles=["/[/"])}, "rolesmapping/readers/and_backend_roles: /[/"),
        ({"readers": role("read", patterns=("/(/",))}, {}, "roles/readers"),
        ({"readers": role("/[a-/")}, {}, "roles/readers"),
    ],
)
def test_given_one_on_the_engine_then_it_is_the_gravest_drift(roles: dict, mappings: dict, claim: str) -> None:  # type: ignore[type-arg]
    found = drift(OPENSEARCH, wanted(), holding(roles, mappings), frozenset())
    assert (found[0].severity, str(found[0].claim)) == ("critical", claim)
    assert "nothing that is changed takes effect" in found[0].what
    assert Kind.MAPPINGS in holding(roles, mappings).documents


BAD = ["read", "/(/"]


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Kind.ROLES, {"cluster_permissions": BAD}),
        (Kind.ROLES, {"index_permissions": [{"index_patterns": BAD, "allowed_actions": ["read"]}]}),
        (Kind.ROLES, {"index_permissions": [{"index_patterns": ["a"], "allowed_actions": BAD}]}),
        (Kind.ROLES, {"tenant_permissions": [{"tenant_patterns": BAD, "allowed_actions": ["read"]}]}),
        (Kind.ROLES, {"tenant_permissions": [{"tenant_patterns": ["a"], "allowed_actions": BAD}]}),
        (Kind.ACTION_GROUPS, {"allowed_actions": BAD}),
    ],
)
def test_wherever_it_stands_it_is_found_and_named_once(kind: Kind, document: dict[str, object]) -> None:
    held = SecurityConfig({kind: {"other": {}, "one": document}})
    [(claim, why)] = unloadable(held)
    assert claim == Claim(kind, "one")
    assert why.startswith("'/(/' is no regular expression: ")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a-*", "*-b", True),
        ("a*c", "ab*", True),
        ("*x*", "y*", True),
        ("logs-*-eu", "logs-app-*", True),
        ("a-*", "a-b", True),
        ("a-*", "a*", True),
        ("a-*", "b-*", False),
        ("*-a", "*-b", False),
    ],
)
def test_a_name_that_fits_two_patterns_is_a_name_and_fits_both(one: str, other: str, meet: bool) -> None:
    for first, second in ((one, other), (other, one)):
        examples = {pattern: pattern.replace("*", "example") for pattern in (one, other)}
        names = list(both(first, second, examples, matches))
        assert bool(names) is meet
        assert all(matches(one, name) and matches(other, name) and not set(name) & set("*?") for name in names)
