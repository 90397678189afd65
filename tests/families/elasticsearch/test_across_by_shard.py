"""Requests over clusters that are no single search of a remote, as real pairs of 9.5.3 and 8.19.21 answered them.

Without `ccs_minimize_roundtrips`, for a scroll and for a point in time a remote is asked where the shards lie, and then each shard. Of
which names and which fields there are, a remote that refuses is left out.
"""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

Json = dict[str, Any]
RED = {"term": {"team": "red"}}
THERE: Json = {
    "indices": ["logs-1", "logs-2", "hr"],
    "aliases": {"all-logs": ["logs-1", "logs-2"], "red-logs": {"logs-1": RED}, "of-one": ["logs-2"]},
}


def asked(path: str, names: list[str], *, version: str = "9.5.3", method: str = "GET", skip: bool = False) -> Json:
    """Of somebody with one role on these names. The keys of `dc2` and `dc4` allow all, the key of `dc3` nothing that is there."""
    keys = {"dc2": ["*"], "dc3": ["none"], "dc4": ["*"]}
    entry = {"clusters": ["*"], "names": names, "privileges": ["read", "read_cross_cluster"]}
    remotes = {
        alias: {"key": {"access": {"search": [{"names": of}]}}, "world": THERE, "skip_unavailable": skip}
        for alias, of in keys.items()
    }
    return answer_question(
        {
            "engine": f"elasticsearch-{version}",
            "security": {
                "roles": {
                    "reads": {"indices": [{"names": ["own-1"], "privileges": ["read"]}], "remote_indices": [entry]}
                }
            },
            "principal": {"name": "anna", "roles": ["reads"]},
            "request": {"method": method, "path": path},
            "world": {"indices": ["own-1"]},
            "remotes": remotes,
        }
    )


EACH_SHARD = ("_search?ccs_minimize_roundtrips=false", "_search?scroll=1m")


@pytest.mark.parametrize("what", EACH_SHARD)
@pytest.mark.parametrize(
    ("names", "wanted", "status", "seen"),
    [
        (["logs-*"], "dc2:logs-*", 200, ["logs-1", "logs-2"]),
        (["logs-*"], "dc2:hr", 403, []),
        (["logs-*"], "dc2:none*", 200, []),
        (["logs-*"], "dc2:logs-none", 404, []),
        (["of-one"], "dc2:of-one", 403, []),  # a search of the cluster would show logs-2
        (["all-logs"], "dc2:all-*", 403, []),
        (["red-logs"], "dc2:red-logs", 200, ["logs-1"]),  # where a filter is, a shard is asked by the alias
        (["red-logs"], "dc2:_all", 200, ["logs-1"]),
        (["red-logs"], "dc2:r*,dc2:none*", 200, ["logs-1"]),
        (["red-logs", "hr"], "dc2:_all", 200, ["logs-1", "hr"]),
    ],
)
def test_each_shard_is_asked_by_its_index_or_a_filtered_alias(
    what: str, names: list[str], wanted: str, status: int, seen: list[str]
) -> None:
    told = asked(f"/{wanted}/{what}", names)
    found = sorted(told["remotes"]["dc2"]["views"]) if status == 200 else []
    assert (told["status"], found) == (status, sorted(seen))


def test_a_filter_of_an_alias_counts_for_each_shard() -> None:
    (limits,) = asked("/dc2:red-logs/_search?scroll=1m", ["red-logs"])["remotes"]["dc2"]["views"].values()
    assert [len(one["alias_filters"]) for one in limits] == [1, 1]


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("what", EACH_SHARD)
def test_a_cluster_of_which_no_shard_answers_is_skipped_if_it_may_be(what: str, *, skip: bool) -> None:
    told = asked(f"/own-1,dc2:of-one/{what}", ["of-one"], skip=skip)
    assert (told["status"], told["remotes"]["dc2"]["skipped"]) == (200, skip)


@pytest.mark.parametrize("partial", [True, False])
def test_without_some_shards_there_is_no_answer_where_all_are_asked_for(*, partial: bool) -> None:
    told = asked(f"/own-1,dc2:of-one/_search?scroll=1m&allow_partial_search_results={str(partial).lower()}", ["of-one"])
    assert (told["allowed"], told["status"]) == ((True, 200) if partial else (False, 403))


@pytest.mark.parametrize(("other", "known"), [("dc4:logs-1", False), ("dc4:red-logs", True), ("dc4:hr", True)])
def test_an_index_with_and_without_a_filter_by_two_aliases_is_unknown(other: str, *, known: bool) -> None:
    """Both have the same names, and may be one cluster, of which the engine keeps one filter for each index."""
    told = asked(f"/dc2:red-logs,{other}/_search?scroll=1m", ["*"])
    assert (told["allowed"] is not None) is known
    assert asked(f"/dc2:red-logs,{other}/_search", ["*"])["allowed"] is True


def test_shards_that_refuse_beside_others_are_left_out_before_9() -> None:
    """From 9 on those of a node are asked together, and all are refused; which lie on one only the engine knows."""
    path, names = "/dc2:*/_search?ccs_minimize_roundtrips=false", ["all-logs", "logs-2"]
    older = asked(path, names, version="8.19.21")
    assert (older["status"], list(older["remotes"]["dc2"]["views"])) == (200, ["logs-2"])
    newer = asked(path, names)
    assert (newer["allowed"], newer["status"], newer["remotes"]["dc2"]["allowed"]) == (None, None, None)


def test_limits_that_hang_on_the_way_to_a_shard_are_unknown() -> None:
    """On 8 an entry without `read_cross_cluster` counts for a shard that is reached by a connection of its own, and for no other: a pair of
    8.19.21 showed what that entry adds."""
    entries = [
        {
            "clusters": ["*"],
            "names": ["logs-*"],
            "privileges": ["read"],
            "query": RED,
            "field_security": {"grant": ["te*"]},
        },
        {
            "clusters": ["*"],
            "names": ["*"],
            "privileges": ["read", "read_cross_cluster"],
            "field_security": {"grant": ["*"], "except": ["team"]},
        },
    ]
    question = {
        "engine": "elasticsearch-8.19.21",
        "security": {"roles": {"reads": {"remote_indices": entries}}},
        "principal": {"name": "anna", "roles": ["reads"]},
        "request": {"method": "GET", "path": "/dc2:logs-1/_search?scroll=1m"},
        "remotes": {"dc2": {"key": {"access": {"search": [{"names": ["*"]}]}}, "world": THERE}},
    }
    told = answer_question(question)
    assert (told["allowed"], told["remotes"]["dc2"]["allowed"]) == (None, None)
    whole = answer_question({**question, "request": {"method": "GET", "path": "/dc2:logs-1/_search"}})
    assert whole["allowed"] is True


@pytest.mark.parametrize(
    ("names", "wanted", "status"),
    [(["logs-*"], "dc2:logs-*", 200), (["of-one"], "dc2:of-one", 403), (["logs-1"], "dc2:logs-1,dc2:hr", 403)],
)
def test_a_point_in_time_is_opened_if_every_shard_lets_it(names: list[str], wanted: str, status: int) -> None:
    assert asked(f"/{wanted}/_pit?keep_alive=1m", names, method="POST")["status"] == status


def test_what_the_id_of_a_point_in_time_stands_for_is_unknown() -> None:
    told = answer_question(
        {
            "engine": "elasticsearch-9.5.3",
            "security": {},
            "principal": {"name": "anna", "roles": ["superuser"]},
            "request": {"method": "POST", "path": "/_search", "body": {"pit": {"id": "of some time"}}},
        }
    )
    assert (told["allowed"], told["status"]) == (None, None)


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("what", ["/{}/_field_caps?fields=*", "/_resolve/index/{}"])
def test_a_remote_that_refuses_is_left_out_of_names_and_fields(what: str, skip: bool) -> None:
    names = ["logs-*"] if "caps" in what else ["*"]
    told = asked(what.format("dc2:logs-1,dc3:logs-1"), names, skip=skip)
    assert told["status"] == 200
    assert told["remotes"]["dc3"]["allowed"] is False
    assert not any(one["skipped"] for one in told["remotes"].values()) or "resolve" in what


def test_fields_are_refused_where_no_part_has_an_index() -> None:
    assert asked("/dc3:logs-1/_field_caps?fields=*", ["logs-*"])["status"] == 403
    assert asked("/dc3:logs-1,dc2:none*/_field_caps?fields=*", ["logs-*"])["status"] == 403


def test_names_are_answered_though_every_remote_refuses() -> None:
    assert asked("/_resolve/index/dc3:logs-1", ["logs-*"])["status"] == 200
