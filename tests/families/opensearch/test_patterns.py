"""Patterns that no node can read: found before they are written, and where somebody wrote them by hand."""

from __future__ import annotations

import pytest
from portcullis.access.drift import drift
from portcullis.families.opensearch.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.matching import is_expression
from portcullis.families.opensearch.patterns import unreadable

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
