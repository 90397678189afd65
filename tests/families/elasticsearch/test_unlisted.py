"""Given what no list of indices shows, then it is not said to be missing, and nobody is refused for it. Each as 9.5.3 answers."""

from __future__ import annotations

import pytest
from portcullis.access.questions.answers import Decided, Request, There
from portcullis.access.terms import Caller
from portcullis.families.elasticsearch.answering import ELASTICSEARCH
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig

RESTRICTED = {"names": ["*"], "privileges": ["read"], "allow_restricted_indices": True}


def asked(path: str, entry: dict[str, object], engine: str = "elasticsearch-9.5") -> Decided:
    held = SecurityConfig(
        {
            Kind.ROLES: {"r": {"cluster": [], "indices": [entry]}},
            Kind.USERS: {"anna": {"roles": ["r"], "enabled": True}},
        }
    )
    there = There(("logs-1", ".hidden"), engine, True, {}, hidden=(".hidden",), filters={})
    return ELASTICSEARCH.answer(held, Caller("anna"), Request("GET", f"/{path}"), there)


@pytest.mark.parametrize("name", [".security-7", ".security"])
def test_where_the_engine_keeps_who_has_access_is_no_404(name: str) -> None:
    told = asked(f"{name}/_search", RESTRICTED)
    assert (told.allowed, told.ends) == (True, "")
    assert asked("logs-9/_search", RESTRICTED).ends.startswith("404")


@pytest.mark.parametrize(
    ("path", "engine", "said"),
    [
        (".sec*/_search", "elasticsearch-9.5", True),
        (".*/_search", "elasticsearch-9.5", True),
        ("*/_search", "elasticsearch-9.5", False),
        ("logs-*/_search", "elasticsearch-9.5", False),
        ("*/_search?expand_wildcards=all", "elasticsearch-9.5", True),
        ("_search?expand_wildcards=open,hidden", "elasticsearch-9.5", True),
        ("_search", "elasticsearch-9.5", False),
        ("*/_search", "elasticsearch-6.8", True),
        ("_search", "elasticsearch-6.8", True),
        ("_all/_search", "elasticsearch-7.17", True),
    ],
)
def test_a_wildcard_that_may_reach_it_says_so(path: str, engine: str, said: bool) -> None:
    told = asked(path, RESTRICTED, engine)
    assert any("keeps who has access" in line for line in told.doubts) is said
    assert (".security-7" in {one.index for one in told.seen if one.allowed is None}) is said


def test_whose_role_is_not_on_restricted_names_reaches_none_of_it() -> None:
    told = asked(".*/_search", {"names": ["*"], "privileges": ["read"]})
    assert (told.allowed, told.doubts) == (True, ())


@pytest.mark.parametrize(
    ("privilege", "path", "allowed"),
    [
        ("read_failure_store", "logs-*/_search", True),
        ("read_failure_store", "logs-1/_search", False),
        ("manage_failure_store", "logs-*/_search", False),
        ("manage_failure_store", "logs-*/_settings", True),
    ],
)
def test_what_is_kept_of_failures_is_no_index(privilege: str, path: str, allowed: bool) -> None:
    told = asked(path, {"names": ["*"], "privileges": [privilege]})
    assert (told.allowed, [one for one in told.seen if one.allowed]) == (allowed, [])
