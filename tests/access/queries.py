"""Documents and queries of all kinds that are told without an engine, and of many that are not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from portcullis.access.questions.queries import finds

Json = dict[str, Any]

DOCUMENTS: dict[str, Json] = {
    "1": {"region": "eu", "level": 2, "open": True, "name": "Ann Lee", "day": "2026-11-24", "tags": ["red", "big"]},
    "2": {"region": "us", "level": 2.5, "open": False, "name": "ann", "day": "2026-11-24T09:30:00Z", "tags": []},
    "3": {"region": "EU", "level": 7, "name": "O'Neil", "who": {"team": "red", "size": 3}, "code": "007"},
    "4": {"region": "eu-west", "level": -1, "name": "", "who": {"team": "blue"}, "code": "7"},
    "5": {"region": None, "level": 0, "name": "red", "tags": "red", "items": [{"x": "a"}, {"x": "b", "y": 1}]},
    "6": {"name": "x" * 300, "who.team": "green", "tags": [None, "blue"], "day": "2026-12-01", "host": "10.0.0.7"},
    "8": {"region": "ap", "day": "2026-11-25T23:59:59.9995Z"},
    "7": {"region": "eu us", "name": "Größe 3.5kg", "tags": ["Red"], "level": 1000000},
}
# How an index may hold them: as the engine makes it, all texts as keywords, all texts as words.
TEXTS = ("region", "name", "tags", "code", "host")
_KEYWORD: Json = {"fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
MAPPINGS: dict[str, Json] = {
    "dynamic": {},
    "keywords": {"properties": {one: {"type": "keyword", **_KEYWORD} for one in (*TEXTS, "day")}},
    "nested": {"properties": {"items": {"type": "nested"}}},
    "words": {"properties": {one: {"type": "text", **_KEYWORD} for one in (*TEXTS, "day")}},
}
_FIELDS = (
    "region",
    "level",
    "open",
    "name",
    "day",
    "tags",
    "who.team",
    "who.size",
    "who",
    "items.x",
    "code",
    "absent",
    "host",
)
_VALUES = (
    *("eu", "EU", "us", "red", "Red", "ann", "Ann Lee", "o'neil", "3", "2", "7", "007", "2026-11-24", "x" * 300, ""),
    *(2, 2.5, 7, 0, -1, 1000000, 3, True, False, "true", "10.0.0.0/8", "west", "lee", "größe", "a", "green", "1e3"),
)
_BOUNDS = (0, 2, 2.5, 7, "a", "eu", "2026-11-24", "2026-11-24T09:30:00Z", "2026-11-25", "z", "now", "2026-11-24||/d")


def leaf(draw: random.Random) -> Json:
    field = draw.choice(_FIELDS) + (".keyword" if draw.random() < 0.3 else "")
    kind = draw.choice(
        ("term", "terms", "match", "prefix", "range", "exists", "ids", "match_all", "match_none", "wildcard")
    )
    match kind:
        case "term":
            value: Any = draw.choice(_VALUES)
            return {"term": {field: value if draw.random() < 0.6 else {"value": value}}}
        case "terms":
            return {"terms": {field: draw.sample(_VALUES, 2)}}
        case "match":
            return {"match": {field: draw.choice(_VALUES)}}
        case "prefix":
            return {"prefix": {field: draw.choice([one for one in _VALUES if isinstance(one, str)])}}
        case "range":
            return {
                "range": {
                    field: {
                        one: draw.choice(_BOUNDS)
                        for one in draw.sample(("gt", "gte", "lt", "lte"), draw.choice((1, 1, 2)))
                    }
                }
            }
        case "exists":
            return {"exists": {"field": field}}
        case "ids":
            return {"ids": {"values": draw.sample([*DOCUMENTS], 2)}}
        case "wildcard":
            return {"wildcard": {field: "e*"}}
        case _:
            return {kind: {}}


# What hardly anybody means: some of it is read, and of the rest nothing is found.
ODD: tuple[Json, ...] = (
    {"match_all": {"x": 1}},
    {"match": {"region": {"query": "eu", "operator": "xor"}}},
    {"match": {"region": {"query": "eu", "operator": "AND"}}},
    {"term": {"region": {"value": "eu", "boost": -1}}},
    {"term": {"region": {"value": "eu", "boost": 0}}},
    {"term": {"region": "eu", "boost": 2}},
    {"terms": {"region": ["eu"], "boost": 2}},
    {"range": {"level": {"gte": 2}, "boost": 2}},
    {"range": {"level.keyword": {"gte": 2}}},
    {"prefix": {"region": {"value": "e", "boost": "x"}}},
    {"constant_score": {"filter": {"term": {"region.keyword": "eu"}}, "boost": -1}},
    {"dis_max": {"queries": [{"term": {"region.keyword": "eu"}}], "tie_breaker": 0.5}},
    {"dis_max": {"queries": [{"term": {"region.keyword": "eu"}}], "tie_breaker": "x"}},
    {"ids": {"values": ["1"], "boost": 2}},
    {"ids": {"values": ["1", None]}},
    {"exists": {"field": "_id"}},
    {"exists": {"field": "day.keyword"}},
    {"term": {"day.keyword": "2026-11-24"}},
    {"exists": {"field": ""}},
    {"terms": {"level": [2, "x"]}},
    {"bool": {"should": [{"term": {"region.keyword": "eu"}}], "minimum_should_match": 0}},
    {"bool": {"minimum_should_match": 1}},
    {"bool": {"must": [], "minimum_should_match": 1}},
    {"bool": {"must": {"match_all": {}}, "minimum_should_match": 1}},
    {"range": {"day": {"lte": "2026-11-25"}}},
    {"bool": {"must_not": {"term": {"region.keyword": "us"}}, "adjust_pure_negative": False}},
    {"bool": {"must_not": {"term": {"region.keyword": "us"}}, "boost": 0}},
)


def query(draw: random.Random, depth: int = 0) -> Json:
    if depth > 2 or draw.random() < 0.6:
        return leaf(draw)
    if draw.random() < 0.1:
        return {"constant_score": {"filter": query(draw, depth + 1)}}
    if draw.random() < 0.1:
        return {"dis_max": {"queries": [query(draw, depth + 1) for _ in range(2)]}}
    body: Json = {}
    for clause in draw.sample(("must", "filter", "should", "must_not"), draw.choice((1, 1, 2))):
        body[clause] = [query(draw, depth + 1) for _ in range(draw.choice((1, 2)))]
    if "should" in body and draw.random() < 0.3:
        body["minimum_should_match"] = draw.choice((1, 2, "1", "50%"))
    return {"bool": body}


Ask = Callable[[str, str, Any], tuple[int, Any]]  # method, path, body -> status, answer


def fill(ask: Ask, *, typed: bool = False) -> None:
    """An index for each way to hold the documents. `typed`: a release that names a type in mappings."""
    for name, mapping in MAPPINGS.items():
        status, said = ask("PUT", f"/{name}", {"mappings": {"_doc": mapping} if typed else mapping})
        assert status == 200, said
        for id_, document in DOCUMENTS.items():
            status, said = ask("PUT", f"/{name}/_doc/{id_}", document)
            assert status == 201, said
        assert ask("POST", f"/{name}/_refresh", None)[0] == 200


def found_otherwise(ask: Ask, seed: int, number: int) -> Iterator[tuple[str, str, Json, bool]]:
    """Index, document, query, and whether the engine finds it, of each that we say otherwise of."""
    draw = random.Random(seed)
    for asked in (*ODD, *(query(draw) for _ in range(number))):
        said = {id_: finds(asked, document, id_) for id_, document in DOCUMENTS.items()}
        for index in MAPPINGS:
            status, answer = ask("POST", f"/{index}/_search", {"query": asked, "size": 50})
            if status >= 400 and answer["error"]["type"] == "search_phase_execution_exception":
                continue  # a value that this index cannot compare with its own: nothing is shown to anybody
            # Of a filter that it cannot read the engine shows nothing, either.
            hits = {one["_id"] for one in answer["hits"]["hits"]} if status < 400 else set()
            for id_, verdict in said.items():
                if verdict is not None and verdict is not (id_ in hits):
                    yield index, id_, asked, id_ in hits


def all_found_otherwise(
    ask: Ask, *, typed: bool = False, seed: int = 11, number: int = 150
) -> list[tuple[str, str, Json, bool]]:
    """With the indices made, and taken away again."""
    fill(ask, typed=typed)
    try:
        return list(found_otherwise(ask, seed, number))
    finally:
        for index in MAPPINGS:
            ask("DELETE", f"/{index}", None)


def told(number: int, seed: int) -> float:
    """The share of answers that are not unknown."""
    draw = random.Random(seed)
    said = [finds(query(draw), document, id_) for _ in range(number) for id_, document in DOCUMENTS.items()]
    return sum(one is not None for one in said) / len(said)
