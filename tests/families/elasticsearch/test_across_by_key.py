"""Whoever asks other clusters by an API key, and requests that are answered though a remote refuses: as real pairs answered them
(test_across_suites_on_elastic.py)."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

Json = dict[str, Any]
RED = {"term": {"team": "red"}}
WORLD: Json = {"indices": ["logs-1", "logs-2", "hr"], "aliases": {"red-logs": {"logs-1": RED}}}


def reads(names: str, **more: Any) -> Json:
    return {"names": names.split(), "privileges": ["read"], **more}


def far(names: str, clusters: str = "*", **more: Any) -> Json:
    return {**reads(names, **more), "clusters": [clusters]}


OWNER: Json = {"indices": [reads("own-*")], "remote_indices": [far("logs-*")]}


def asked(path: str, role: Json, *, key: Json | None = None, skip: bool = False, version: str = "9.5.3") -> Json:
    """By whoever has one role, or by an API key of theirs with these roles. `dc2` comes with a key for everything, `cert` by certificate,
    where the role of that name reads `hr`."""
    principal: Json = {"name": "anna", "roles": ["reader"]}
    if key is not None:
        principal["api_key"] = {"role_descriptors": key}
    there = {"world": WORLD, "skip_unavailable": skip}
    return answer_question(
        {
            "engine": f"elasticsearch-{version}",
            "security": {"roles": {"reader": role}},
            "principal": principal,
            "request": {"method": "POST" if "_terms" in path else "GET", "path": path},
            "world": {"indices": ["own-1"]},
            "remotes": {
                "dc2": {"key": {"access": {"search": [{"names": ["*"]}]}}, **there},
                "cert": {
                    "model": "certificate",
                    "security": {"roles": {"reader": {"indices": [reads("hr")]}}},
                    **there,
                },
            },
        }
    )


@pytest.mark.parametrize(
    ("key", "names", "status", "rule"),
    [
        ({}, "dc2:logs-1", 200, None),
        ({}, "dc2:hr", 403, "roles"),
        ({"a": {"remote_indices": [far("logs-1 hr")]}}, "dc2:logs-1", 200, None),
        ({"a": {"remote_indices": [far("logs-1 hr")]}}, "dc2:logs-2", 403, "roles"),
        ({"a": {"remote_indices": [far("logs-1 hr")]}}, "dc2:hr", 403, "roles"),
        ({"a": {"remote_indices": [far("*", "other")]}}, "dc2:logs-1", 403, "no-remote-indices"),
        ({"a": {"indices": [reads("*")]}}, "dc2:logs-1", 403, "no-remote-indices"),
    ],
)
def test_an_api_key_reads_elsewhere_what_it_and_its_owner_may(key: Json, names: str, status: int, rule: str) -> None:
    told = asked(f"/{names}/_search", OWNER, key=key)
    assert (told["status"], told["remotes"]["dc2"]["rule"]) == (status, rule)


@pytest.mark.parametrize("names", ["dc2:logs-*", "dc2:logs-1"])
def test_limits_of_an_api_key_come_on_top_of_those_of_the_key_between(names: str) -> None:
    key = {"a": {"remote_indices": [far("logs-1", query=RED)]}}
    limits = asked(f"/{names}/_search", OWNER, key=key)["remotes"]["dc2"]["views"]["logs-1"]
    assert [(one["by"], one["documents"] == "all") for one in limits] == [
        ("the key", True),
        ("roles", True),
        ("roles of the API key", False),
    ]


@pytest.mark.parametrize(
    ("role", "key", "status"),
    [
        (OWNER, {}, 403),  # the role of that name over there reads it, and does not count
        ({"indices": [reads("hr")]}, {}, 200),
        ({"indices": [reads("hr")]}, {"a": {"indices": [reads("h*")]}}, 200),
        ({"indices": [reads("hr")]}, {"a": {"remote_indices": [far("hr")]}}, 403),
    ],
)
def test_by_certificate_an_api_key_may_over_there_what_it_may_here(role: Json, key: Json, status: int) -> None:
    assert asked("/cert:hr/_search", role, key=key)["status"] == status
    assert asked("/cert:hr/_search", role)["status"] == 200


def test_with_entries_about_the_cluster_alone_it_is_the_other_side_that_refuses() -> None:
    role = {"remote_cluster": [{"clusters": ["*"], "privileges": ["monitor_stats"]}]}
    told = asked("/dc2:logs-1/_search", role)["remotes"]["dc2"]
    assert (told["status"], told["side"], told["rule"]) == (403, "remote", "roles")


@pytest.mark.parametrize(
    ("names", "status", "seen"),
    [
        ("dc2:logs-1,own-1", 200, ["logs-1"]),
        ("dc2:hr", 200, []),
        ("dc2:none", 200, []),
        ("dc2:logs-1,hr", 403, ["logs-1"]),
        ("dc9:x", 404, []),
    ],
)
@pytest.mark.parametrize("what", ["/{}/_terms_enum", "/_resolve/cluster/{}"])
def test_a_remote_that_refuses_leaves_an_answer_of_the_others(
    what: str, names: str, status: int, seen: list[str]
) -> None:
    told = asked(what.format(names), OWNER)
    found = told["remotes"].get("dc2", {}).get("views", {})
    assert (told["status"], list(found) if status != 403 else seen) == (status, seen)


@pytest.mark.parametrize(("names", "status"), [("own-none,dc2:logs-1", 200), ("own-none*,dc2:logs-1", 404)])
def test_a_name_that_is_not_here_is_told_beside_the_other_clusters(names: str, status: int) -> None:
    more = "" if status == 200 else "?allow_no_indices=false"
    assert asked(f"/_resolve/cluster/{names}{more}", OWNER)["status"] == status


def test_what_is_not_here_is_told_before_it_is_asked_who_may() -> None:
    told = asked("/_resolve/cluster/own-none*,dc2:logs-1?allow_no_indices=false", {})
    assert told["status"] == 404


def test_terms_are_of_all_documents_or_of_none() -> None:
    """An alias' filter is not looked at, and an index is left out where a role limits documents."""
    (shown,) = asked("/dc2:red-logs/_terms_enum", {"remote_indices": [far("red-logs")]})["remotes"]["dc2"][
        "views"
    ].values()
    assert [one["alias_filters"] for one in shown] == [[], []]
    limited = {"remote_indices": [far("logs-1", query=RED), far("logs-2")]}
    assert list(asked("/dc2:logs-*/_terms_enum", limited)["remotes"]["dc2"]["views"]) == ["logs-2"]
    both = {"remote_indices": [far("logs-1", query=RED), far("logs-*", query={"match_all": {}})]}
    assert list(asked("/dc2:logs-*/_terms_enum", both)["remotes"]["dc2"]["views"]) == ["logs-1", "logs-2"]
    own_key = {"a": {"remote_indices": [far("logs-1", query=RED), far("logs-2", query={"match_all": {}})]}}
    assert list(asked("/dc2:logs-*/_terms_enum", both, key=own_key)["remotes"]["dc2"]["views"]) == ["logs-2"]

    here = {"indices": [{"names": ["own-1"], "privileges": ["read"], "query": RED}]}
    for names in ("own-1", "own-1,dc2:logs-1"):
        assert asked(f"/{names}/_terms_enum", {**both, **here})["views"] == {}


@pytest.mark.parametrize(("version", "status"), [("9.5.3", 400), ("8.19.21", 200)])
def test_where_shards_lie_is_asked_of_this_cluster_alone(version: str, status: int) -> None:
    everything = {"indices": [{"names": ["*"], "privileges": ["all"]}]}
    assert asked("/dc2:logs-1,own-1/_search_shards", everything, version=version)["status"] == status
    for names in (
        "dc2:logs-*,cert:logs-1,own-1",
        "own-1,cert:logs-1,-cert:*",
    ):  # a name beside a wildcard, or an exclusion
        assert asked(f"/{names}/_search_shards", everything, version=version)["status"] == status
    own = {"indices": [{"names": ["own-*"], "privileges": ["all"]}]}
    assert asked("/dc2:logs-1/_search_shards", own, version=version)["status"] == 200
