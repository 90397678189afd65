"""A request that ends before all that it needs is asked for is said to end there, and refuses nobody for what is not asked."""

from __future__ import annotations

import pytest
from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.requesting.actions import is_cluster_action

from tests.families.opensearch.ended_early import ALIAS, BROKEN, OPEN, ROWS, SHUT, Row


def role_of(row: Row) -> dict[str, object]:
    of_indices = [action for action in row.has if action == "*" or not is_cluster_action(action)]
    of_cluster = [action for action in row.has if action == "*" or is_cluster_action(action)]
    entry = {"index_patterns": ["early-*"], "allowed_actions": of_indices}
    limited = [{"index_patterns": [OPEN], "allowed_actions": ["*"], "dls": row.dls}] if row.dls else []
    return {"cluster_permissions": of_cluster, "index_permissions": [entry, *limited]}


@pytest.mark.parametrize("release", ["3.4.0", "2.19.3"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_error_that_comes_first_is_said_and_no_refusal(row: Row, release: str) -> None:
    told = answer(
        {
            "security": {"roles": {"r": role_of(row)}, "rolesmapping": {"r": {"users": ["anna"]}}},
            "principal": {"name": "anna"},
            "request": {"method": row.method, "path": row.path, "body": row.body},
            "world": {"indices": [OPEN, SHUT], "closed": [SHUT], "aliases": {ALIAS: [OPEN]}, "release": release},
        }
    )
    status = row.of(release)
    refused = status == 403 or (status == 500 and row.dls == BROKEN)
    assert told["allowed"] is not refused, told
    errors = [one["error"] for one in told["needs"] if one["error"]]
    if not refused:
        assert bool(errors) is (status >= 400), told
        assert not errors or status == 500 or errors[0].startswith(str(status)), told
        assert all(one["allowed"] for one in told["needs"]), told


_BARE = [row for row in ROWS if row.body is None and not row.dls]  # what `can` asks: a method and a path


@pytest.mark.parametrize("engine", ["OpenSearch_3.3", "OpenSearch_2.19"])
@pytest.mark.parametrize("row", _BARE, ids=str)
def test_can_says_what_decide_says(row: Row, engine: str) -> None:
    held = SecurityConfig({Kind.ROLES: {"r": role_of(row)}, Kind.MAPPINGS: {"r": {"users": ["anna"]}}})
    there = There((OPEN, SHUT), engine, True, {ALIAS: (OPEN,)}, closed=(SHUT,))
    told = OPENSEARCH.answer(held, Caller("anna"), Request(row.method, f"/{row.path}"), there)
    status = row.of("2.19.3" if "_2" in engine else "3.4.0")
    assert told.allowed is (status != 403), told
    assert told.ends.partition(":")[0] == (str(status) if status in (400, 404) else told.ends and "404"), told


def test_an_item_of_the_plugins_own_index_is_refused_and_not_the_request() -> None:
    items = ("early-a", ".opendistro_security")
    told = answer(
        {
            "security": {
                "roles": {
                    "r": {
                        "cluster_permissions": ["*"],
                        "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}],
                    }
                },
                "rolesmapping": {"r": {"users": ["anna"]}},
            },
            "principal": {"name": "anna"},
            "request": {
                "method": "POST",
                "path": "_bulk",
                "body": [line for name in items for line in ({"index": {"_index": name, "_id": "1"}}, {"n": 1})],
            },
            "world": {"indices": ["early-a"], "fields": {"early-a": ["n"]}},
        }
    )
    assert (told["allowed"], told["items"]) == (True, {"0": True, "1": False})


def test_what_a_query_may_find_to_write_is_no_error_where_it_names_many() -> None:
    security = {
        "roles": {
            "r": {
                "cluster_permissions": ["*"],
                "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}],
            }
        },
        "rolesmapping": {"r": {"users": ["anna"]}},
    }
    request = {"method": "POST", "path": "early-*/_update_by_query", "body": {"query": {"match_all": {}}}}
    told = answer(
        {"security": security, "principal": {"name": "anna"}, "request": request, "world": {"indices": [OPEN]}}
    )
    assert told["allowed"] is True
    assert not any(one["error"] for one in told["needs"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "_list/shards/early-*", True),
        ("GET", "_list/shards/early-hid", False),
        ("GET", "_list/shards", False),  # a page of all that there is
        ("POST", "early-*/_close", True),
        ("PUT", "early-*/_block/write", True),
        ("POST", "early-hid/_close", False),
    ],
)
def test_a_wildcard_of_a_page_or_a_close_finds_no_hidden_index(method: str, path: str, allowed: bool) -> None:
    """As 2.19.3 and 3.4.0 list, close and block."""
    entries = [
        {"index_patterns": ["early-*"], "allowed_actions": [f"indices:admin/{one}" for one in ("close", "block/add")]},
        {"index_patterns": [OPEN, ".opendistro_security"], "allowed_actions": ["*"]},
    ]
    told = answer(
        {
            "security": {
                "roles": {"r": {"cluster_permissions": ["*"], "index_permissions": entries}},
                "rolesmapping": {"r": {"users": ["anna"]}},
            },
            "principal": {"name": "anna"},
            "request": {"method": method, "path": path},
            "world": {"indices": [OPEN, "early-hid"], "hidden": ["early-hid"]},
        }
    )
    assert told["allowed"] is allowed
