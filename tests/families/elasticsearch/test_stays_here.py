"""Requests that take no name of another cluster, as real pairs of 9.5.3 and 8.19.21 answered them (stays_here.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from benchmarks.reaching.cases import question

Json = dict[str, Any]
MEASURED: Json = json.loads(Path(__file__).with_name("stays_here.json").read_text())
ASKED_BY = ("u0", "u2", "u3", "u4", "u5")
BY_ITEM = ("/_bulk", "/_mget")  # what is measured is the status of the item


def asked(kind: str, names: str, user: str, version: str) -> Json:
    method, path = kind.split(" ")
    made = question(MEASURED["held"], user, path.replace("NAMES", names), version, method)
    made["request"]["body"] = json.loads(json.dumps(MEASURED["answers"][kind]["body"]).replace("NAMES", names))
    return answer_question(made)


@pytest.mark.parametrize("version", ["9.5.3", "8.19.21"])
@pytest.mark.parametrize("kind", MEASURED["answers"])
def test_what_takes_no_name_of_another_cluster_is_decided_here(kind: str, version: str) -> None:
    told: list[tuple[str, str, int, int]] = []
    for names, statuses in MEASURED["answers"][kind][version].items():
        for user, status in zip(ASKED_BY, statuses, strict=True):
            ours = asked(kind, names, user, version)
            said = ours["items"][0]["status"] if kind.endswith(BY_ITEM) else ours["status"]
            if said is not None:
                told.append((names, user, status, said))
    assert [one for one in told if one[2] != one[3]] == []
    assert len(told) >= 20  # of 30: a few are left to the engine


def test_nobody_sees_anything_there_by_such_a_request() -> None:
    told = asked("GET /NAMES/_mapping", "one:logs-*", "u3", "9.5.3")
    assert (told["allowed"], told["views"]) == (True, {})


@pytest.mark.parametrize(("version", "status"), [("9.5.3", 400), ("8.19.21", 400), ("6.8.23", 403)])
@pytest.mark.parametrize(
    "names", ["logs-*", "own-1,logs-*", "own-1,one:logs-*", "one:logs-1,-two:*", "*:logs-1,one:hr"]
)
def test_a_wildcard_where_one_document_is_asked_for_is_no_name(names: str, version: str, status: int) -> None:
    """As real nodes answered a superuser who signed in, and an API key; whoever runs as somebody is refused on 8, too (403)."""
    assert answer_question(question(MEASURED["held"], "u0", f"/{names}/_doc/a", version))["status"] == status


@pytest.mark.parametrize("names", ["-own-1", "-x,own-1", "-one:logs-1"])
@pytest.mark.parametrize("what", ["_doc", "_source", "_explain", "_termvectors"])
def test_an_exclusion_where_one_document_is_asked_for_is_an_error_on_9(names: str, what: str) -> None:
    """As a real pair answered: whoever may not do it to a name like this is refused."""
    for roles, status in (("superuser", 400), ("own", 403)):
        made = question(MEASURED["held"], "u0", f"/{names}/{what}/a", "9.5.3")
        made["principal"] = {"name": "x", "roles": [roles]}
        made["security"]["roles"] = {"own": {"indices": [{"names": ["own-*"], "privileges": ["all"]}]}}
        assert answer_question(made)["status"] == status


def test_what_is_not_measured_is_unknown() -> None:
    made = question(MEASURED["held"], "u0", "/one:logs-1/_shard_stores", "9.5.3")
    assert answer_question(made)["allowed"] is None


@pytest.mark.parametrize(("user", "status"), [("u3", 400), ("u2", 403)])
def test_an_action_by_name_is_decided_like_its_request(user: str, status: int) -> None:
    made = question(MEASURED["held"], user, "/one:logs-1/_doc/a", "9.5.3")
    made["request"] = {"action": "indices:data/read/get", "indices": ["one:logs-1"]}
    assert answer_question(made)["status"] == status


def test_cat_count_is_a_search() -> None:
    for user in ASKED_BY:
        by_cat, plain = (
            answer_question(question(MEASURED["held"], user, path, "9.5.3"))
            for path in ("/_cat/count/one:logs-1", "/one:logs-1/_count")
        )
        assert by_cat == plain
