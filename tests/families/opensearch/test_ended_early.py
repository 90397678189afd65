"""A request that ends before all that it needs is asked for is said to end there, and refuses nobody for what is not asked."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.deciding.actions import is_cluster_action
from portcullis.families.opensearch.deciding.question import answer

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
