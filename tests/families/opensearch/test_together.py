"""Requests of several parts, and what documents and points in time bring with them: put together to one answer."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.requesting.need import CREATE, MAP
from portcullis.families.opensearch.requesting.requests import needs

R, W, A, M = "indices:data/read/", "indices:data/write/", "indices:admin/", "indices:monitor/"
# As a node of 3.4.0 gave it: of t-l alone.
PIT = (
    "48a5QQEDdC1sFlRSbjZNaGpXVDFXZ3pwLUdBcGdhR1EAFjd3M184Q1AzUTR1NWdZQjhxMnY4WFEAAAAAAAAAANwWd3gxOVpwM2xUaktSS2JTUFZmWkx0ZwEWV"
    "FJuNk1oaldUMVdnenAtR0FwZ2FHUQAA"
)
ADD_AND_DROP = {"actions": [{"add": {"index": "a", "alias": "x"}}, {"remove_index": {"indices": ["b"]}}]}
RESTORE = {"indices": "a,b", "rename_pattern": "(.+)", "rename_replacement": "old-$1"}


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("POST", "a/_rollover/b", None, [(f"{A}rollover", "a"), (f"{A}rollover", "b"), (f"{M}stats", "a")]),
        ("PUT", "a/_clone/b", None, [(f"{A}resize", "a"), (f"{A}resize", "b"), (f"{M}stats", "a")]),
        ("PUT", "a/_alias/x", None, [(f"{A}aliases", "a")]),
        (
            "POST",
            "_aliases",
            ADD_AND_DROP,
            [(f"{A}aliases", "a"), (f"{A}aliases", "b"), (f"{A}delete", "a"), (f"{A}delete", "b")],
        ),
        ("PUT", "a", {"aliases": {"x": {}}}, [(CREATE, "a"), (f"{A}aliases", "a")]),
        ("PUT", "a", None, [(CREATE, "a")]),
        ("POST", "_search", {"pit": {"id": PIT}}, [(f"{R}search", "t-l")]),
        ("DELETE", "_search/point_in_time", {"pit_id": PIT}, [(f"{R}point_in_time/delete", "t-l")]),
        ("POST", "a,b/_search/point_in_time?keep_alive=1m", None, [(f"{R}point_in_time/create", "a,b")]),
        ("GET", "_search/point_in_time/_all", None, [(f"{R}point_in_time/readall", "")]),
        (
            "POST",
            "_snapshot/kept/one/_restore",
            RESTORE,
            [
                ("cluster:admin/snapshot/restore", "old-a,old-b"),
                *((action, name) for name in ("old-a", "old-b") for action in (CREATE, f"{W}index")),
            ],
        ),
        ("PUT", "_snapshot/kept/one", None, [("cluster:admin/snapshot/create", "")]),
        ("GET", "_snapshot/kept/one/_status", None, [("cluster:admin/snapshot/status", "")]),
        ("POST", "a/_search/template", {}, [(f"{R}search/template", "a"), (f"{R}search", "a")]),
        ("GET", "_cat/count/a,b", None, [(f"{R}search", "a,b")]),
        ("GET", "_stats", None, [(f"{M}stats", "")]),
        ("GET", "_resolve/index/a*", None, [(f"{A}resolve/index", "a*")]),
        ("GET", "_plugins/_security/authinfo", None, []),
    ],
)
def test_what_is_about_several_things_needs_each(
    method: str, path: str, body: Any, wanted: list[tuple[str, str]]
) -> None:
    assert [(one.action, ",".join(one.indices)) for one in needs(method, path, body)] == wanted


def asked(method: str, path: str, body: Any = None, *, cluster: Any = (), world: Any = (), **entry: Any) -> Json:
    role = {"cluster_permissions": list(cluster), "index_permissions": [{"index_patterns": ["a*"], **entry}]}
    return answer(
        {
            "security": {"roles": {"r": role}, "rolesmapping": {"r": {"users": ["anna"]}}},
            "principal": {"name": "anna"},
            "request": {"method": method, "path": path, "body": body},
            "world": {"indices": ["a", "a-2", "b"], "fields": {"a": ["n", "o.x"]}, **dict(world)},
        }
    )


WRITES = {"cluster": [f"{W}bulk"], "allowed_actions": [f"{W}*"]}
NOTE = f"a document with a field that a-2 does not have yet needs {MAP} as well, which is not permitted"


@pytest.mark.parametrize(
    ("path", "body", "also", "allowed", "notes"),
    [
        ("a/_doc/1", {"n": 1, "o": {"x": [1]}}, [], True, []),
        ("a/_doc/1", {"new": 1}, [], False, []),
        ("a/_doc/1", {"new": None}, [], True, []),
        ("a/_doc/1", {"new": 1}, [MAP], True, []),
        ("a-2/_doc/1", {"n": 1}, [], True, [NOTE]),
        ("a-2/_doc/1", {"n": 1}, [MAP], True, []),
        ("a-3/_doc/1", {"n": 1}, [MAP], False, []),
        ("a-3/_doc/1", {"n": 1}, [CREATE], None, []),
        ("a-3/_doc/1", {"n": 1}, [CREATE, MAP], True, []),
    ],
)
def test_a_document_may_bring_an_index_or_a_field(
    path: str, body: Json, also: list[str], allowed: bool | None, notes: list[str]
) -> None:
    told = asked("PUT", path, body, cluster=[f"{W}bulk"], allowed_actions=[f"{W}*", *also])
    assert (told["allowed"], told["notes"], bool(told["unknown"])) == (allowed, notes, allowed is None)


@pytest.mark.parametrize(
    ("also", "notes"), [([], [NOTE.replace("a-2", "a-both")]), ([MAP], [])], ids=["no mapping", "mapping"]
)
def test_by_an_alias_of_several_indices_a_field_is_noted_of_the_alias(also: list[str], notes: list[str]) -> None:
    """Which of them is written to only the engine knows."""
    world = {"aliases": {"a-both": ["a", "a-2"]}}
    actions = [f"{W}*", *also]
    told = asked("PUT", "a-both/_doc/1", {"n": 1}, world=world, cluster=[f"{W}bulk"], allowed_actions=actions)
    assert told["notes"] == notes


def test_an_item_for_an_index_that_is_not_there_needs_to_make_it() -> None:
    lines = [
        {"index": {"_index": "a"}},
        {"n": 1},
        {"index": {"_index": "a-3"}},
        {"n": 1},
        {"delete": {"_index": "a-4"}},
    ]
    assert asked("POST", "_bulk", lines, **WRITES)["items"] == {"0": True, "1": False, "2": True}


def test_an_index_that_may_not_be_made_fails_every_item_of_that_name() -> None:
    lines = [
        {"delete": {"_index": "a-3"}},
        {"index": {"_index": "a-3"}},
        {"n": 1},
        {"delete": {"_index": "a-4"}},
    ]
    assert asked("POST", "_bulk", lines, **WRITES)["items"] == {"0": False, "1": False, "2": True}


def test_an_index_that_one_item_makes_is_there_for_another() -> None:
    lines = [{"delete": {"_index": "a-3"}}, {"index": {"_index": "a-3"}}, {"n": 1}, {"delete": {"_index": "a-4"}}]
    told = asked("POST", "_bulk", lines, cluster=[f"{W}bulk"], allowed_actions=["*"])
    assert {need["item"] for need in told["needs"] if need["error"]} == {2}


BY_QUERY = [f"{W}update/byquery", f"{R}search"]


@pytest.mark.parametrize(
    ("cluster", "actions", "allowed"),
    [
        ([], [f"{W}update/byquery"], False),
        ([], BY_QUERY, None),
        ([f"{W}bulk", f"{R}scroll"], [*BY_QUERY, f"{W}bulk*", f"{W}index"], True),
    ],
)
def test_what_looks_first_and_writes_then_may_find_nothing(
    cluster: list[str], actions: list[str], allowed: bool | None
) -> None:
    told = asked("POST", "a/_update_by_query", None, cluster=cluster, allowed_actions=actions)
    assert (told["allowed"], bool(told["unknown"])) == (allowed, allowed is None)


def test_an_update_by_query_under_field_rules_is_let_in_and_said_to_lose_fields() -> None:
    told = asked("POST", "a/_update_by_query", None, cluster=["*"], allowed_actions=["*"], fls=["~n"])
    assert told["allowed"] is True
    assert "what it writes back lacks the fields that they do not see" in told["needs"][0]["reasons"][-1]


@pytest.mark.parametrize("release", ["2.19.3", "3.4.0"])
def test_an_update_under_limits_spoils_its_whole_bulk_on_2(release: str) -> None:
    lines = [{"update": {"_index": "b", "_id": "1"}}, {"doc": {}}, {"index": {"_index": "a"}}, {"n": 1}]
    world = {"release": release}.items()
    role = {"cluster": ["*"], "allowed_actions": ["*"], "dls": '{"term": {"n": 1}}'}
    told = asked("POST", "_bulk", lines, world=world, **role)
    assert told["allowed"] is (release == "3.4.0")


@pytest.mark.parametrize(
    ("limits", "body", "allowed"),
    [
        ({"dls": '{"term": {"n": 1}}'}, {"profile": True}, False),
        ({"fls": ["~n"]}, {"profile": True}, True),
        ({"dls": '{"term": {"n": 1}}'}, {"aggs": {"x": {"terms": {"field": "n", "min_doc_count": 0}}}}, False),
        ({"dls": '{"term": {"n": 1}}'}, {"aggs": {"x": {"terms": {"field": "n"}}}}, True),
    ],
)
def test_what_would_show_hidden_documents_is_refused_under_a_filter(limits: Json, body: Json, allowed: bool) -> None:
    assert asked("POST", "a/_search", body, allowed_actions=["*"], **limits)["allowed"] is allowed


@pytest.mark.parametrize(
    ("cluster", "body", "allowed"),
    [
        (["*"], {"indices": "a-3"}, True),
        (["*"], {"indices": "c"}, False),
        (["*"], {"indices": "a-3", "include_global_state": True}, False),
        (["*"], {"indices": "*"}, None),
        (["*"], None, None),
        ([], None, False),
    ],
)
def test_a_restore_needs_what_it_makes_and_no_global_state(cluster: list[str], body: Any, allowed: bool | None) -> None:
    told = asked("POST", "_snapshot/kept/one/_restore", body, cluster=cluster, allowed_actions=["*"])
    assert told["allowed"] is allowed


@pytest.mark.parametrize(("release", "pattern", "allowed"), [("3.4.0", "a*", True), ("2.19.3", "a*", False)])
def test_a_rollover_is_checked_for_everything_on_2(release: str, pattern: str, allowed: bool) -> None:
    told = asked("POST", "a/_rollover", world={"release": release}.items(), allowed_actions=["*"])
    assert told["allowed"] is allowed


def test_the_next_page_of_a_scroll_is_permitted_with_a_note() -> None:
    told = asked("POST", "_search/scroll", {"scroll_id": "x"}, cluster=[f"{R}scroll"], allowed_actions=[])
    assert (told["allowed"], "somebody else opened" in told["notes"][0]) == (True, True)


def test_what_an_item_looks_up_is_no_name_of_the_whole_request_on_2() -> None:
    # 2.19.3 answered 200, with an error for the item: the filter that is no query is on what it looks up alone.
    look_up = {"query": {"terms": {"x": {"index": "b", "id": "1", "path": "x"}}}}
    read = {"allowed_actions": [f"{R}*"]}
    role = [{"index_patterns": ["a"], **read}, {"index_patterns": ["b"], "dls": "{}", **read}]
    told = answer(
        {
            "security": {
                "roles": {"r": {"cluster_permissions": ["*"], "index_permissions": role}},
                "rolesmapping": {"r": {"users": ["anna"]}},
            },
            "principal": {"name": "anna"},
            "request": {"method": "POST", "path": "_msearch", "body": [{"index": "a"}, look_up, {"index": "a"}, {}]},
            "world": {"indices": ["a", "b"], "release": "2.19.3"},
        }
    )
    # Whether such a filter of one item refuses all of them, only the engine knows.
    assert (told["allowed"], told["items"]) == (None, {"0": False, "1": True})
