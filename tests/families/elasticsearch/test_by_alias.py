"""Given aliases with filters, then what is seen by an alias is what its filter leaves; and where nobody could read it, that is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from portcullis.access.questions.answers import ALIAS_FILTER, OF_HIDDEN_FIELDS, Decided, Request, There
from portcullis.access.terms import Caller
from portcullis.families.elasticsearch.answering import ELASTICSEARCH
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig

RED, EU = '{"term": {"team": "red"}}', '{"term": {"region": "eu"}}'
ALIASES = {"red": ("logs-1", "logs-2"), "all-logs": ("logs-1", "logs-2")}
FILTERS = {"red": {"logs-1": RED, "logs-2": RED}}


def asked(path: str, filters: Mapping[str, Mapping[str, str]] | None = FILTERS, **limits: Any) -> Decided:
    entry = {"names": ["*"], "privileges": ["read"], **limits}
    held = SecurityConfig(
        {
            Kind.ROLES: {"r": {"cluster": [], "indices": [entry]}},
            Kind.USERS: {"anna": {"roles": ["r"], "enabled": True}},
        }
    )
    there = There(("logs-1", "logs-2"), "elasticsearch-9.5", True, ALIASES, filters=filters)
    return ELASTICSEARCH.answer(held, Caller("anna"), Request("GET", f"/{path}"), there)


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("red/_search", (RED,), (RED,)),
        ("r*/_search", (RED,), (RED,)),
        ("red,logs-1/_search", (), (RED,)),
        ("red,all-logs/_search", (), ()),
        ("all-logs/_search", (), ()),
        ("*/_search", (), ()),
    ],
)
def test_what_is_seen_by_an_alias_is_what_its_filter_leaves(
    path: str, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    told = asked(path)
    assert {one.index: one.alias_filters for one in told.seen} == {"logs-1": first, "logs-2": second}
    assert not told.doubts


def test_the_filter_of_an_alias_is_beside_that_of_a_role() -> None:
    """Each has to find a document: not one of both, as several of a role are."""
    (one, _) = asked("red/_search", query=EU).seen
    assert (one.documents, one.alias_filters) == ((EU,), (RED,))
    assert one.part == f"documents that match {EU}, by the filter of an alias documents that match {RED}"


def test_what_a_filter_finds_in_fields_that_are_hidden_is_a_doubt() -> None:
    """It finds nothing there (9.5.3), unlike the filter of a role."""
    assert OF_HIDDEN_FIELDS in asked("red/_search", field_security={"grant": ["level"]}).doubts


def test_a_filter_that_could_not_be_read_is_a_doubt() -> None:
    told = asked("red/_search", filters=None)
    assert ALIAS_FILTER in told.doubts
    assert {one.by_alias for one in told.seen} == {("red",)}
