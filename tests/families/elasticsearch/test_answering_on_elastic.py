"""What we answer about people of a cluster, beside the real engine: random roles, users and requests, none answered otherwise."""

from __future__ import annotations

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from benchmarks.deciding import wider
from benchmarks.deciding.counted import Counts
from benchmarks.deciding.elastic import Asked, play
from local.elastic.node import Elasticsearch

pytestmark = pytest.mark.node
PASSWORD = "Correct-horse-battery-9"


def given(node: Elasticsearch, path: str, body: object) -> None:
    status, said = node.ask("PUT", path, body)
    assert status in (200, 201), said


def test_three_hundred_random_requests_are_answered_as_the_engine_does(elastic: Elasticsearch) -> None:
    counts = Counts()
    asked = Asked(elastic)
    try:
        play(asked, 300, counts)
    finally:
        asked.end()
    assert [one.what for one in counts.found] == []
    # Not by finding nothing: there were some of each kind.
    assert counts.cases == 300
    assert counts.refused > 60
    assert counts.limited > 3
    assert counts.unknown < 60


def test_random_requests_with_bodies_and_items_are_answered_as_the_engine_does(elastic: Elasticsearch) -> None:
    counts = Counts()
    asked = wider.Wider(elastic)
    try:
        wider.play(asked, 150, counts)
    finally:
        asked.end()
    assert [one.what for one in counts.found] == []
    assert (counts.cases, counts.refused > 20, counts.limited > 1, counts.unknown < 20) == (150, True, True, True)


def test_a_role_on_the_name_all_reaches_more_than_its_name_says(elastic: Elasticsearch) -> None:
    """Why nobody with such a role is said to be refused: by 9 they are shown everything, where something is taken away from the name."""
    given(elastic, "/kept-1/_doc/1?refresh=true", {"secret": 1})
    given(elastic, "/_security/role/on-all", {"indices": [{"names": ["_all"], "privileges": ["read"]}]})
    given(elastic, "/_security/user/on-all", {"password": PASSWORD, "roles": ["on-all"]})

    def asked(path: str) -> tuple[int, bool]:
        status, said = elastic.ask("GET", f"/{path}/_search", user="on-all", password=PASSWORD)
        return status, bool(said.get("hits", {}).get("hits"))

    assert asked("kept-1") == (403, False)
    assert asked("_all") == (200, False)
    assert asked("kept-1,_all") == (403, False)
    assert asked("_all,-nothing") == ((200, True) if elastic.version.startswith("9.") else (403, False))


def test_whoever_looks_up_terms_is_asked_whether_they_may_read_the_document(elastic: Elasticsearch) -> None:
    roles = {
        "looks-none": [{"names": ["look-1"], "privileges": ["read"]}],
        "looks": [{"names": ["look-1"], "privileges": ["read"]}, {"names": ["look-2"], "privileges": ["read"]}],
    }
    for index in ("look-1", "look-2"):
        given(elastic, f"/{index}/_doc/1?refresh=true", {"n": 1})
    for name, entries in roles.items():
        given(elastic, f"/_security/role/{name}", {"indices": entries})
        given(elastic, f"/_security/user/{name}", {"password": PASSWORD, "roles": [name]})
    for name, entries in roles.items():
        for index in ("look-1", "look-2"):
            kind = {"type": "_doc"} if elastic.version.startswith("6") else {}
            body = {"query": {"terms": {"n": {"index": index, "id": "1", "path": "n", **kind}}}}
            for path in ("/look-1/_search", "/look-1/_count"):
                status, _ = elastic.ask("POST", path, body, user=name, password=PASSWORD)
                question = {
                    "engine": f"elasticsearch-{elastic.version}",
                    "security": {"roles": {name: {"indices": entries}}},
                    "principal": {"name": name, "roles": [name]},
                    "request": {"method": "POST", "path": path, "body": body},
                    "world": {"indices": ["look-1", "look-2"]},
                }
                told = answer_question(question)
                assert (told["allowed"], told["status"]) == (status == 200, status), (name, index, path, told)
