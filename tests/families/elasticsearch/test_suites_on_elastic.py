"""Kinds of requests that the engine's own suites of security look at, asked of the real engine and of `decide`: who may, and what is said.

Not in the random ones (benchmarks/deciding/wider.py), or drawn there too seldom: aliases that are made, moved and taken away, an index that
is made with aliases or copied, what a search looks up or tells besides, paths with a type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from benchmarks.deciding.elastic import DOCUMENTS
from benchmarks.deciding.wider import differing
from local.elastic.node import Elasticsearch

pytestmark = pytest.mark.node
PASSWORD = "Correct-horse-battery-9"
RED = {"term": {"team.keyword": "red"}}
INDICES = ("bin-1", "bin-2", "tub-1", "cut-1")
ALIASES: dict[str, dict[str, Any]] = {
    "lid-1": {"bin-1": None},
    "lid-2": {"bin-1": None, "tub-1": None},
    "lid-w": {"bin-1": None, "bin-2": None},
    "lid-f": {"bin-1": RED},
    "bin-al": {"bin-2": None},
}
CHANGES = "indices:admin/aliases*"
LOOKS = ("_search", "_count", "_msearch", "_mget", "_mtermvectors", "_validate/query")  # changes nothing
Json = dict[str, Any]


def on(names: str, *privileges: str, **limits: Any) -> Json:
    return {"names": names.split(), "privileges": list(privileges), **limits}


ROLES: dict[str, list[Json]] = {
    "reads": [on("bin-*", "read")],
    "writes": [on("bin-* new-*", "write")],
    "manages": [on("bin-* new-*", "manage")],
    "makes": [on("bin-* new-*", "create_index")],
    "renames-indices": [on("bin-*", "create_index", CHANGES)],
    "renames-aliases": [on("bin-*", "create_index"), on("lid-*", CHANGES)],
    "renames-both": [on("bin-*", "create_index"), on("lid-* bin-*", CHANGES)],
    "aliases-alone": [on("lid-*", "all")],
    "two": [on("bin-1", "read"), on("tub-1", "read", "write")],
    "some-documents": [on("bin-*", "all", query=json.dumps(RED)), on("tub-1", "read")],
    "some-fields": [on("bin-* lid-*", "all", field_security={"grant": ["team", "team.*"]})],
    "searches": [on("bin-* tub-1", "indices:data/read/search", "indices:data/read/get")],
}


def requests_of(major: int) -> Iterator[tuple[str, str, Any]]:
    typed = {"type": "_doc"} if major < 7 else {}
    looked = {"terms": {"team.keyword": {"index": "tub-1", "id": "1", "path": "team", **typed}}}
    besides = {"query": {"bool": {"must": [{"match_all": {}}], "should": [looked]}}, "size": 100}
    like = {
        "fields": ["team"],
        "like": [{"_index": "tub-1", "_id": "1", **({"_type": "_doc"} if typed else {})}],
        "min_doc_freq": 1,
    }
    everything = {"query": {"match_all": {}}, "size": 100}
    suggest = {**everything, "suggest": {"one": {"text": "re", "term": {"field": "team"}}}}
    explain = "bin-1/_explain/1" if major > 6 else "bin-1/_doc/1/_explain"
    bodies: tuple[Json, ...] = (
        besides,
        {**besides, "post_filter": {"bool": {"should": [looked, {"match_all": {}}]}}},
        {"query": {"bool": {"must": [{"match_all": {}}], "should": [{"more_like_this": like}]}}, "size": 100},
        {"profile": True, "size": 100},
        suggest,
    )
    yield from (("POST", "bin-1/_search", body) for body in bodies)
    yield from (("POST", path, {"query": looked}) for path in ("bin-1/_count", "bin-1/_validate/query?rewrite=true"))
    if major > 6:
        yield "POST", explain, {"query": looked}
        yield (
            "POST",
            "bin-1/_search",
            {"query": {"geo_shape": {"at": {"indexed_shape": {"index": "tub-1", "id": "1"}}}}},
        )
    items = [line for body in (besides, suggest, {"size": 100}) for line in ({"index": "bin-1"}, body)]
    yield "POST", "_msearch", "".join(f"{json.dumps(line)}\n" for line in items)
    for name in ("lid-1", "lid-2", "lid-*", "_all"):
        yield "GET", f"bin-1/_alias/{name}", None
    for path in ("tub-1/_alias", "bin-*/_alias/lid*,-lid-2", "_alias/lid-*,none", "bin-1,lid-2/_search?size=100"):
        yield "GET", path, None
    for add in ("lid-9", "bin-al2"):
        yield "PUT", f"bin-1/_alias/{add}", None
        yield "POST", "_aliases", {"actions": [{"add": {"index": "bin-1", "alias": add}}]}
        yield "PUT", "bin-9", {"aliases": {add: {}}}
    yield "POST", "_aliases", {"actions": [{"add": {"index": "bin-1", "alias": one}} for one in ("lid-9", "bin-al2")]}
    yield "POST", "_aliases", {"actions": [{"remove": {"index": "bin-1", "alias": "lid-1"}}]}
    yield "POST", "_aliases", {"actions": [{"remove_index": {"index": "bin-2"}}]}
    yield "DELETE", "bin-1/_alias/lid-1", None
    yield "DELETE", "bin-1,tub-1/_alias/lid-2", None
    for path in ("lid-w/_rollover/bin-9", "lid-w/_rollover/other-1", "bin-al/_rollover/bin-9?dry_run=true"):
        yield "POST", path, None
    update = "new-1/_update/1" if major > 6 else "new-1/_doc/1/_update"
    yield "POST", update, {"doc": {"a": 1}, "upsert": {"a": 1}}
    yield "POST", "bin-1/_close", None
    yield "POST", "cut-1/_open", None
    if major < 8:  # a type may stand in a path
        yield from (("GET", f"bin-1/_doc/{what}", None) for what in ("_search?size=100", "_count", "_validate/query"))
        yield "POST", "bin-1/_doc/_mget", {"ids": ["1", "2"]}
        yield "POST", "bin-1/_doc/_mtermvectors", {"ids": ["1"]}
        yield "POST", "bin-1/_doc/_bulk", '{"delete": {"_id": "none"}}\n'
        yield "POST", "bin-1/_doc/_msearch", '{}\n{"size": 100}\n'


def build(node: Elasticsearch) -> None:
    """The indices and aliases, and no others."""
    node.ask("DELETE", f"/{','.join((*INDICES, 'new-1', 'bin-9', 'other-1'))}?ignore_unavailable=true")
    for index in INDICES:
        sure(node, "PUT", f"/{index}", {"settings": {"number_of_replicas": 0, "number_of_shards": 1}})
        for id_, document in DOCUMENTS.items():
            sure(node, "PUT", f"/{index}/_doc/{id_}?refresh=true", document)
    actions = [
        {"add": {"index": index, "alias": alias, **({"filter": rule} if rule else {}), **_written(alias, index)}}
        for alias, members in ALIASES.items()
        for index, rule in members.items()
    ]
    sure(node, "POST", "/_aliases", {"actions": actions})
    sure(node, "POST", "/cut-1/_close")


def _written(alias: str, index: str) -> Json:
    return {"is_write_index": index == "bin-1"} if alias == "lid-w" else {}


def sure(node: Elasticsearch, method: str, path: str, body: Any = None) -> None:
    status, said = node.ask(method, path, body)
    assert status in (200, 201), (path, said)


def test_what_the_suites_of_the_engine_ask_is_answered_as_the_engine_does(elastic: Elasticsearch) -> None:
    roles = {name: {"indices": entries} for name, entries in ROLES.items()}
    for name, role in roles.items():
        sure(elastic, "PUT", f"/_security/role/{name}", role)
        sure(elastic, "PUT", f"/_security/user/{name}", {"password": PASSWORD, "roles": [name]})
    major = int(elastic.version.partition(".")[0])
    world = {"indices": [{"name": one, "closed": one == "cut-1"} for one in INDICES], "aliases": ALIASES}
    build(elastic)
    otherwise, asked, unknown, refused = [], 0, 0, 0
    for method, path, body in requests_of(major):
        for name in roles:
            told = answer_question(
                {
                    "engine": f"elasticsearch-{elastic.version}",
                    "security": {"roles": roles},
                    "principal": {"name": name, "roles": [name]},
                    "request": {"method": method, "path": f"/{path}", "body": body},
                    "world": world,
                }
            )
            status, said = elastic.ask(method, f"/{path}", body, user=name, password=PASSWORD)
            if status < 300 and method != "GET" and not path.partition("?")[0].endswith(LOOKS):
                build(elastic)
            # What is refused for limits, or from within a search, is a 400 that says so.
            no = status == 403 or (status == 400 and "security_exception" in str(said))
            asked, refused, unknown = asked + 1, refused + no, unknown + (told["allowed"] is None)
            if told["allowed"] is no and "items" not in told:
                otherwise.append((method, path, body, name, status, str(said)[:300], told["allowed"], told["reasons"]))
            elif (
                told["allowed"] is not None and (status not in (400, 500) or no) and (told["status"] or "items" in told)
            ):
                found = [text for text, _ in differing(told, status, said, path)]
                otherwise += [(method, path, body, name, text) for text in found[:1]]
    assert otherwise == []
    assert (asked > 400, refused > 150, unknown < 40) == (True, True, True), (asked, refused, unknown)
