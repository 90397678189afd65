"""The opt-in evaluation v4 of OpenSearch 3.7 and later, as its documents have it ("Authorization basics", "Index authorization").

No node here has it, so that these rows rest on the documents alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.evaluation import evaluation_of
from portcullis.families.opensearch.names.world import EngineFacts

from tests.access.strategies import holding, mapping

R, W, A = "indices:data/read/", "indices:data/write/", "indices:admin/"
ANNA = Caller("anna")
INDICES = (
    *("a-1", "a-2", "b-1", "b-2", "c-1", "hidden-1", "shut-1", ".plugins-ml-config"),
    *(".ds-s-000001", ".ds-s-000002", ".opendistro_security"),
)
WORLD = EngineFacts(
    INDICES,
    {"both": ("a-1", "b-1"), "cs": ("c-1",), "ml": (".plugins-ml-config",)},
    {"s": (".ds-s-000001", ".ds-s-000002")},
    hidden=("hidden-1", ".ds-s-000001", ".ds-s-000002", ".plugins-ml-config", ".opendistro_security"),
    closed=("shut-1",),
    filters={"cs": {"c-1": '{"term": {"x": 1}}'}},
    v4=True,
)
# Who they are: the patterns on which they may search.
MAY: dict[str, tuple[str, ...]] = {
    "of a": ("a-*",),
    "of a and b-1": ("a-*", "b-1"),
    "of both": ("both",),
    "of the stream": ("s",),
    "of the stream's indices": (".ds-s-*",),
    "of all": ("*",),
    "of what is not there": ("x-*",),
    "of nothing": (),
}


def engine(patterns: tuple[str, ...], *actions: str, cluster: tuple[str, ...] = ()) -> SecurityConfig:
    role: Json = {
        "cluster_permissions": list(cluster),
        "index_permissions": [{"index_patterns": list(patterns), "allowed_actions": list(actions)}] if patterns else [],
    }
    return holding({"r": role}, {"r": mapping(users=["anna"])})


def seen(
    patterns: tuple[str, ...],
    asked: str,
    options: Mapping[str, str] | None = None,
    action: str = f"{R}search",
    world: EngineFacts = WORLD,
) -> tuple[str, ...] | str:
    """What is found, or "refused", "unknown", or the status."""
    names = tuple(asked.split(",")) if asked else ()
    told = Compiled(engine(patterns, action), world).decide(ANNA, action, names, options or {})
    if told.unknown:
        return "unknown"
    return told.error[:3] or told.visible if told.allowed else "refused"


IGNORED, NONE, HIDDEN = (
    {"ignore_unavailable": "true"},
    {"expand_wildcards": "none"},
    {"expand_wildcards": "open,hidden"},
)
MUST = {"allow_no_indices": "false"}
A_ALL, AB = ("a-1", "a-2"), ("a-1", "a-2", "b-1")


@pytest.mark.parametrize(
    ("who", "asked", "options", "found"),
    [
        # What is named has to be permitted, all of it.
        ("of a", "a-1", {}, ("a-1",)),
        ("of a", "a-1,b-1", {}, "refused"),
        ("of a", "a-1,b-1", IGNORED, ("a-1",)),
        ("of a", "b-1", IGNORED, ()),
        ("of a", "b-1", IGNORED | MUST, "refused"),
        ("of nothing", "b-1", IGNORED, "refused"),
        ("of a", "hidden-1", {}, "refused"),
        ("of all", "hidden-1", {}, ("hidden-1",)),
        # Of a wildcard what is permitted is left.
        ("of a", "*", {}, A_ALL),
        ("of a", "", {}, A_ALL),
        ("of a", "_all", {}, A_ALL),
        ("of a", "*-1", {}, ("a-1",)),
        ("of a", "b-*", {}, ()),
        ("of a", "b-*", MUST, "refused"),
        ("of a", "b-*,a-*", {}, A_ALL),
        ("of nothing", "*", {}, "refused"),
        ("of what is not there", "*", {}, ()),
        ("of all", "*", {}, (".ds-s-000001", ".ds-s-000002", "a-1", "a-2", "b-1", "b-2", "c-1")),
        ("of a and b-1", "*,-a-2", {}, ("a-1", "b-1")),
        # A wildcard is read as the request says.
        ("of a", "*", NONE, "refused"),
        ("of all", "*", NONE, ()),
        ("of all", "hidden-*", HIDDEN, ("hidden-1",)),
        ("of a", "*", HIDDEN, A_ALL),
        # A name beside a wildcard: the documents say two things.
        ("of a", "a-*,b-1", {}, "unknown"),
        ("of a", "a-*,b-1", IGNORED, A_ALL),
        ("of a and b-1", "a-*,b-1", {}, AB),
        ("of a", "a-*,x-1", {}, "unknown"),
        # What is not there.
        ("of a", "x-1", {}, "refused"),
        ("of what is not there", "x-1", {}, "404"),
        ("of a", "x-*", {}, ()),
        # Aliases and streams are permitted by their own names, and never taken apart.
        ("of a and b-1", "both", {}, "refused"),
        ("of a and b-1", "both", IGNORED, ()),
        ("of both", "both", {}, ("a-1", "b-1")),
        ("of both", "a-1", {}, ("a-1",)),
        ("of both", "both*", {}, ("a-1", "b-1")),
        ("of a", "bot*", {}, ("a-1",)),
        ("of the stream", "s", {}, (".ds-s-000001", ".ds-s-000002")),
        ("of the stream's indices", "s", {}, "refused"),
        ("of the stream's indices", ".ds-s-000001", {}, (".ds-s-000001",)),
        # The engine's own: nobody, or who has the permission in so many words.
        ("of all", ".opendistro_security", {}, "refused"),
        ("of all", ".plugins-ml-config", {}, "refused"),
        ("of all", "ml", {}, "refused"),
        ("of all", ".plugins-*,c-1", HIDDEN, ("c-1",)),
    ],
)
def test_what_a_search_finds(who: str, asked: str, options: Mapping[str, str], found: tuple[str, ...] | str) -> None:
    assert seen(MAY[who], asked, options) == found


@pytest.mark.parametrize(
    ("may", "asked", "action", "found"),
    [
        # One document, one index: nothing is left out.
        (("a-*",), "b-1", f"{R}get", "refused"),
        (("a-*",), "a-1", f"{W}index", ("a-1",)),
        (("a-1",), "both", f"{W}index", "refused"),
        # What changes indices is left out of, too.
        (("a-*",), "*", f"{A}delete", A_ALL),
        (("a-*",), "a-1,b-1", f"{A}settings/update", "refused"),
        # A point in time of nothing cannot be opened.
        (("a-*",), "b-*", f"{R}point_in_time/create", "refused"),
        (("a-*",), "*", f"{R}point_in_time/create", A_ALL),
        # Analyze without an index needs the permission on any.
        (("x-*",), "", f"{A}analyze", ()),
        ((), "", f"{A}analyze", "refused"),
        # What the documents do not tell.
        (("a-*",), "a-1", f"{A}resize", "unknown"),
        ((), "a-1", f"{A}resize", "refused"),
        (("a-*",), "*", f"{A}aliases/get", "unknown"),
    ],
)
def test_what_else_is_let_in(may: tuple[str, ...], asked: str, action: str, found: tuple[str, ...] | str) -> None:
    assert seen(may, asked, {}, action) == found


def test_where_nothing_is_left_out_one_index_refuses_all() -> None:
    whole = replace(WORLD, v4_whole=True)
    assert seen(("a-*",), "*", {}, world=whole) == "refused"
    assert seen(("*",), "a-*", {}, world=whole) == A_ALL


def test_an_index_of_the_engines_own_takes_a_permission_in_so_many_words() -> None:
    may = engine((".plugins-*",), "*", "system:admin/system_index")
    assert Compiled(may, WORLD).decide(ANNA, f"{R}search", (".plugins-ml-config",)).allowed
    assert not Compiled(engine((".plugins-*",), "*"), WORLD).decide(ANNA, f"{R}search", (".plugins-ml-config",)).allowed


def test_all_points_in_time_are_listed_by_a_permission_of_the_cluster() -> None:
    read_all = f"{R}point_in_time/readall"
    assert Compiled(engine((), cluster=(read_all,)), WORLD).decide(ANNA, read_all).allowed
    assert not Compiled(engine(("*",), read_all), WORLD).decide(ANNA, read_all).allowed
    assert Compiled(engine(("*",), read_all), replace(WORLD, v4=False)).decide(ANNA, read_all).allowed


def test_a_filtered_alias_keeps_its_filter() -> None:
    (view,) = Compiled(engine(("cs",), f"{R}search"), WORLD).decide(ANNA, f"{R}search", ("cs",)).views
    assert view.alias_filters == ('{"term": {"x": 1}}',)


def question(request: Json, patterns: tuple[str, ...], *actions: str, **world: Any) -> Json:
    held = engine(patterns, *actions)
    return answer(
        {
            "security": {"roles": dict(held.of("roles")), "rolesmapping": dict(held.of("rolesmapping"))},
            "principal": {"name": "anna"},
            "request": request,
            "world": {"indices": ["a-1", "b-1"], "privileges_evaluation_type": "v4", **world},
        }
    )


ADD: Json = {"actions": [{"add": {"index": "a-1", "alias": "new"}}]}


@pytest.mark.parametrize(
    ("request_", "patterns", "allowed"),
    [
        ({"method": "POST", "path": "/_aliases", "body": ADD}, ("a-*",), False),
        ({"method": "POST", "path": "/_aliases", "body": ADD}, ("a-*", "new"), True),
        ({"method": "PUT", "path": "/a-1/_alias/new"}, ("a-*",), False),
        ({"method": "PUT", "path": "/a-1/_alias/new"}, ("a-*", "ne*"), True),
        ({"method": "PUT", "path": "/a-9", "body": {"aliases": {"new": {}}}}, ("a-*",), False),
        ({"method": "PUT", "path": "/a-9", "body": {"aliases": {"new": {}}}}, ("a-*", "new"), True),
    ],
)
def test_whoever_changes_an_alias_needs_it_by_its_own_name(
    request_: Json, patterns: tuple[str, ...], allowed: bool
) -> None:
    may = (f"{A}aliases", f"{A}create")
    assert question(request_, patterns, *may)["allowed"] is allowed
    assert question(request_, patterns, *may, privileges_evaluation_type="legacy")["allowed"] is True


def test_a_question_says_how_the_engine_is_set() -> None:
    search = {"method": "GET", "path": "/*/_search"}
    assert question(search, ("a-*",), f"{R}search")["allowed"] is True
    assert question(search, ("a-*",), f"{R}search", privileges_evaluation_type="legacy")["allowed"] is False
    assert question(search, ("a-*",), f"{R}search", release="3.10.1")["allowed"] is True
    set_off = {"privileges_evaluation_ignore_unauthorized_indices": False}
    assert question(search, ("a-*",), f"{R}search", **set_off)["allowed"] is False


@pytest.mark.parametrize(
    "world",
    [
        {"privileges_evaluation_type": "v5"},
        {"release": "2.19.3"},
        {"release": "3.4.0"},
        {"privileges_evaluation_type": 4},
    ],
)
def test_given_an_evaluation_that_is_not_there_then_it_says_so(world: Json) -> None:
    with pytest.raises(BadInput, match="privileges_evaluation_type"):
        question({"method": "GET", "path": "/a/_search"}, ("a-*",), f"{R}search", **world)


@pytest.mark.parametrize(
    ("dynamic", "evaluation"),
    [
        ({}, ""),
        ({"privileges_evaluation_type": "legacy"}, ""),
        ({"privileges_evaluation_type": "v4"}, "v4"),
        ({"privileges_evaluation_type": "v4", "privileges_evaluation_ignore_unauthorized_indices": True}, "v4"),
        ({"privileges_evaluation_type": "v4", "privileges_evaluation_ignore_unauthorized_indices": False}, "v4-whole"),
    ],
)
def test_how_an_engine_is_set_is_read_from_its_config(dynamic: Json, evaluation: str) -> None:
    assert evaluation_of(dynamic) == evaluation


@pytest.mark.parametrize(
    ("engine_", "evaluation", "asked", "allowed"),
    [
        ("OpenSearch_3.7", "v4", "*", True),
        ("OpenSearch_3.7", "", "a-1", True),
        ("OpenSearch_3.7", None, "a-1", True),  # either way
        ("OpenSearch_3.7", None, "both", None),
        ("OpenSearch_3.10", None, "both", None),
        ("OpenSearch_3.5", None, "both", True),  # which has no other evaluation
        ("OpenSearch_3.7", "", "both", True),
        ("OpenSearch_3.7", "v4", "both", False),
    ],
)
def test_an_engine_that_may_go_by_v4_is_asked_both_ways(
    engine_: str, evaluation: str | None, asked: str, allowed: bool | None
) -> None:
    there = There(("a-1", "b-1"), engine_, True, {"both": ("a-1",)}, evaluation=evaluation)
    told = OPENSEARCH.answer(engine(("a-1",), f"{R}search"), ANNA, Request("GET", path=f"{asked}/_search"), there)
    assert told.allowed is allowed


NAMES = (*INDICES, "both", "cs", "s", "x-1", "*", "a-*", "b*", "*-1", "both*", "-a-1", "s*", ".ds-*")
PATTERNS = ("a-*", "a-1", "b-1", "both", "cs", "s", ".ds-s-*", "*", "hidden-*", "x-1")


@given(
    st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    st.fixed_dictionaries(
        {},
        optional={
            "ignore_unavailable": st.sampled_from(["true", "false"]),
            "allow_no_indices": st.sampled_from(["true", "false"]),
            "expand_wildcards": st.sampled_from(["open", "open,hidden", "none", "all"]),
        },
    ),
)
def test_nothing_is_found_that_may_not_be_searched_by_its_own_name(
    patterns: list[str], asked: list[str], options: dict[str, str]
) -> None:
    found = seen(tuple(patterns), ",".join(asked), options)
    for index in () if isinstance(found, str) else found:
        assert seen(tuple(patterns), index) == (index,)
