"""Searches over clusters of OpenSearch, decided from the configs of both: what `test_across_on_nodes.py` holds against real ones."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.errors import BadInput
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.limiting.known import known

PAGE = Path(__file__).parents[3] / "docs" / "remotes.md"
READ = known("OpenSearch_3.3").action_groups
SEARCH, LOOK = "indices:data/read/search", "indices:admin/shards/search_shards"
RED = '{"term": {"team": "red"}}'


def role(pattern: str, *actions: str, **limits: Any) -> Json:
    return {
        "index_permissions": [{"index_patterns": [pattern], "allowed_actions": [*(actions or ("read",))], **limits}]
    }


def question(path: str, *, near: Json | None = None, far: Json | None = None, **more: Any) -> Json:
    """`anna` asks; by `far` she may read `logs-*` there."""
    theirs = {"roles": {"reads": role("logs-*", SEARCH, LOOK)}, "rolesmapping": {"reads": {"users": ["anna"]}}}
    return {
        "security": near or {},
        "principal": {"name": "anna", "backend_roles": ["readers"]},
        "request": {"method": "GET", "path": path},
        "world": {"indices": ["logs-1"], "release": more.get("release", "3.4.0")},
        "remotes": {
            "far": {
                "security": far or theirs,
                "world": {"indices": ["logs-1", "hr"], "release": more.get("there", "3.4.0")},
                "skip_unavailable": more.get("skip", False),
            }
        },
    }


def far_of(told: Json) -> Json:
    found: Json = told["needs"][-1]["remotes"]["far"]
    return found


def test_the_page_shows_what_is_answered() -> None:
    part = PAGE.read_text("utf-8").partition("## What somebody may read on another cluster of OpenSearch")[2]
    asked = json.loads(re.findall(r"```json\n(.*?)```", part, re.DOTALL)[0])
    told = answer(asked, READ)
    shown = re.findall(r"```\n\$ .*?```", part, re.DOTALL)[0].splitlines()
    there = told["needs"][0]["remotes"]["far"]
    assert [json.loads(line) for line in shown[2:5]] == [
        told["allowed"],
        there["roles"],
        there["views"]["logs-1"]["documents"],
    ]
    asked["request"]["path"] = "/far:hr/_search"
    told = answer(asked, READ)
    assert [json.loads(line) for line in shown[6:8]] == [told["allowed"], told["needs"][0]["reasons"]]


@pytest.mark.parametrize(
    ("path", "allowed", "why"),
    [
        ("/far:logs-1/_search", True, ""),
        ("/far:logs-1/_search?ccs_minimize_roundtrips=false", True, ""),
        ("/far:hr/_search", False, "far refuses"),
        ("/logs-1,far:logs-1/_search", False, "anna is mapped to no role"),
        ("/far:logs-1/_doc/1", False, "anna is mapped to no role"),
        ("/f*:logs-*/_count", True, ""),
        ("/none:logs-1/_search", False, "anna is mapped to no role"),
        ("/no*:logs-1/_search", True, "no index matches"),
    ],
)
def test_the_other_side_alone_decides_of_its_own(path: str, allowed: bool, why: str) -> None:
    told = answer(question(path))
    assert told["allowed"] is allowed
    assert why in " ".join(reason for need in told["needs"] for reason in need["reasons"])


@pytest.mark.parametrize(
    "path",
    [
        "/far:logs-1/_rank_eval",
        "/far:logs-1/_delete_by_query",
        "/far:/_search",
        "/_resolve/index/far:_all",
    ],
)
def test_what_was_not_played_is_not_known(path: str) -> None:
    asked = question(path, near={"roles": {"all": role("*", "*")}, "rolesmapping": {"all": {"users": ["anna"]}}})
    asked["security"]["roles"]["all"]["cluster_permissions"] = ["*"]
    asked["request"]["method"] = "POST" if path.endswith("_query") else "GET"
    told = answer(asked)
    assert told["allowed"] is not True or far_of(told)["left_out"]
    assert told["unknown"]


@pytest.mark.parametrize(("release", "there", "sent"), [("2.19.3", "3.4.0", True), ("3.4.0", "2.19.3", False)])
def test_the_older_one_sends_the_names_of_roles(release: str, there: str, sent: bool) -> None:
    near = {"roles": {"same": role("x")}, "rolesmapping": {"same": {"backend_roles": ["readers"]}}}
    far = {"roles": {"same": role("hr", SEARCH)}}
    told = answer(question("/far:hr/_search", near=near, far=far, release=release, there=there))
    assert told["allowed"] is sent
    assert ("same" in far_of(told)["roles"]) is sent
    if sent:
        assert "sends the names of its roles" in far_of(told)["roles"]["same"]


def test_the_other_sides_user_of_that_name_is_somebody_else() -> None:
    far = {
        "roles": {"reads": role("*", SEARCH)},
        "rolesmapping": {"reads": {"backend_roles": ["theirs"]}},
        "internalusers": {"anna": {"backend_roles": ["theirs"], "opendistro_security_roles": ["reads"]}},
    }
    assert answer(question("/far:hr/_search", far=far))["allowed"] is False


def test_whoever_refuses_and_may_be_skipped_is_left_out() -> None:
    told = answer(question("/far:hr/_search", skip=True))
    assert (told["allowed"], far_of(told)["left_out"]) == (True, True)
    assert "far is left out" in told["needs"][0]["reasons"][0]


def test_limits_of_this_side_go_along_between_two_older_ones() -> None:
    near = {"roles": {"part": role("logs-*", dls=RED)}, "rolesmapping": {"part": {"users": ["anna"]}}}
    asked = question("/far:logs-1/_search?scroll=1m", near=near, release="2.19.3", there="2.19.3")
    assert "less may be seen" in " ".join(far_of(answer(asked))["unknown"])
    asked["remotes"]["far"]["world"]["release"] = "3.4.0"
    assert far_of(answer(asked))["unknown"] == []


def test_beside_a_part_that_is_left_out_2_19_may_lose_limits() -> None:
    far = {"roles": {"part": role("logs-*", SEARCH, LOOK, dls=RED)}, "rolesmapping": {"part": {"users": ["anna"]}}}
    asked = question("/far:logs-1,skip:hr/_search?scroll=1m", far=far, there="2.19.3")
    asked["remotes"]["skip"] = {**asked["remotes"]["far"], "skip_unavailable": True}
    assert "2.19 may lose the limits" in " ".join(answer(asked)["unknown"])
    asked["request"]["path"] = "/far:logs-1,skip:hr/_search"
    assert answer(asked)["unknown"] == []
    for one in asked["remotes"].values():
        one["world"] = {**one["world"], "release": "3.4.0"}
    asked["request"]["path"] = "/far:logs-1,skip:hr/_search?scroll=1m"
    assert answer(asked)["unknown"] == []


def test_a_mapping_by_address_may_let_in() -> None:
    far = {"roles": {"reads": role("*", SEARCH)}, "rolesmapping": {"reads": {"hosts": ["10.*"]}}}
    told = answer(question("/far:hr/_search", far=far))
    assert "from where nodes of this cluster come is not known" in " ".join(told["unknown"])


def test_documents_of_the_other_cluster_are_shown_as_it_shows_them() -> None:
    far = {"roles": {"part": role("logs-*", SEARCH, fls=["~secret"])}, "rolesmapping": {"part": {"users": ["anna"]}}}
    asked = question("/far:logs-1/_search", far=far)
    asked["documents"] = [{"_index": "far:logs-1", "_id": "1", "_source": {"team": "red", "secret": "x"}}]
    (shown,) = answer(asked)["documents"]
    assert (shown["seen"], shown["source"]) == (True, {"team": "red"})


def test_a_remote_that_is_written_wrongly_is_said_with_its_place() -> None:
    for change, place in (
        ({"world": {"indices": "logs-1"}}, "remotes.far.world.indices"),
        ({"world": {"release": "1"}}, "remotes.far.world.release"),
        ({"skip_unavailable": 1}, "remotes.far.skip_unavailable"),
        ({"engine": "other"}, "remotes.far.engine"),
        ({"more": 1}, "remotes.far.more"),
        ({"security": {"roles": {"r": {"index_permissions": 1}}}}, "remotes.far.security.roles.r"),
    ):
        asked = copy.deepcopy(question("/far:hr/_search"))
        asked["remotes"]["far"] |= change
        with pytest.raises(BadInput) as error:
            answer(asked, source="q.json")
        assert place in str(error.value)
