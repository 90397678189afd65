"""Requests as people send them, at random: of documents, of several items, about the cluster, with what their bodies look up."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.deciding.cases import ASKED, OPTIONS

DOCUMENTS: dict[str, dict[str, Any]] = {
    "1": {"a": 1, "ab": "x", "b": "y", "m": "one", "o": {"x": "p", "y": "q"}, "u": "anna", "t": "logs", "z": "z"},
    "2": {"a": 2, "ab": "x", "b": "y", "m": "two", "o": {"x": "p"}, "u": "ben", "r": "r0", "x": "staff"},
}
_ALL: dict[str, Any] = {"query": {"match_all": {}}}
_RATED = {"id": "one", "request": _ALL, "ratings": []}
_SPLIT = {"settings": {"index.number_of_shards": 2}}
_LOOKED_UP = {"terms": {"ab": {"index": "logs-b", "id": "1", "path": "ab"}}}
_LIKE = {"more_like_this": {"fields": ["ab"], "like": [{"_index": "hr", "_id": "1"}], "min_doc_freq": 1}}
_SUGGESTED = {"one": {"text": "onf", "term": {"field": "m"}}}
_SINGLE: tuple[tuple[str, str, Any], ...] = (
    *(("GET", "_doc/1", None),) * 2,
    *(("PUT", "_doc/1", DOCUMENTS["1"]), ("POST", "_update/1", {"doc": {"z": "new"}}), ("GET", "_source/1", None)),
    *(("DELETE", "_doc/none", None), ("PUT", "_create/1", DOCUMENTS["1"]), ("PUT", "", None)),
    *(("POST", "_explain/1", {"query": {"match_all": {}}}), ("GET", "_termvectors/1", None)),
    *(("POST", "_doc", {"a": 1, "fresh": 1}), ("POST", "_update/1", {"doc": {"a": 1}}), ("HEAD", "_doc/1", None)),
    *(("PUT", "_clone/new-c", None), ("PUT", "_shrink/logs-new", None), ("POST", "_split/logs-a", _SPLIT)),
    *(("POST", "_rollover", None), ("POST", "_rollover/logs-new", None), ("PUT", "", {"aliases": {"fresh": {}}})),
    *(("PUT", "_alias/fresh", None), ("DELETE", "_alias/none", None), ("POST", "_mtermvectors", {"ids": ["1"]})),
    *(("POST", "_update/none", {"doc": {"a": 1}, "doc_as_upsert": True}), ("PUT", "_block/write", None)),
)
_SEVERAL: tuple[tuple[str, str, Any], ...] = (
    *(("GET", "_search?size=100", None),) * 9,
    *(
        ("GET", "_count", None),
        ("GET", "_field_caps?fields=*", None),
        ("GET", "_mapping", None),
        ("GET", "_settings", None),
    ),
    *(("PUT", "_settings", {"index": {"priority": 2}}), ("PUT", "_mapping", {"properties": {"new": {"type": "long"}}})),
    *(("POST", "_search?size=100", {"query": {"match_all": {}}}), ("DELETE", "", None)),
    *(("POST", "_search/template", {"source": {"size": 100}}),) * 2,
    *(("POST", "_search?size=100", {"profile": True}), ("POST", "_search", {"aggs": {"a": {"terms": {"field": "a"}}}})),
    ("POST", "_search", {"size": 0, "aggs": {"a": {"terms": {"field": "a", "min_doc_count": 0}}}}),
    ("POST", "_rank_eval", {"requests": [_RATED], "metric": {"precision": {"k": 1}}}),
    *(("POST", "_search/point_in_time?keep_alive=1m", None), ("GET", "_search?scroll=1m", None)),
    *(
        ("POST", f"_{verb}_by_query{refresh}", _ALL)
        for verb in ("update", "delete")
        for refresh in ("", "?refresh=true")
    ),
    *(("GET", "_mapping/field/a", None), ("GET", "_alias", None), ("GET", "_alias/al", None), ("GET", "_stats", None)),
    *(("GET", "_segments", None), ("GET", "_recovery", None), ("GET", "_validate/query", None), ("HEAD", "", None)),
    *(("POST", "_refresh", None), ("GET", "_search_shards", None), ("POST", "_cache/clear", None)),
    *(("POST", "_flush", None), ("POST", "_forcemerge", None), ("POST", "_open", None), ("POST", "_close", None)),
    *(("GET", "_shard_stores", None), ("GET", "_settings/index.hidden", None), ("GET", "_stats/docs", None)),
    # What reads values: of a number that is masked it may end in an error.
    *(
        ("POST", "_search?size=100", one)
        for one in ({"sort": ["m"]}, {"sort": ["a"]}, {"docvalue_fields": ["m", "a"]}, {"suggest": _SUGGESTED, **_ALL})
    ),
    # What a search looks up besides: all documents are found all the same.
    *(
        ("POST", "_search?size=100", {"query": {"bool": {"must": [{"match_all": {}}], "should": [one]}}})
        for one in (_LOOKED_UP, _LIKE)
    ),
)
# What stands before the names.
_BEFORE = (
    *("_resolve/index", "_cat/indices", "_cat/shards", "_cat/count", "_cat/segments", "_cat/recovery", "_list/indices"),
    *("_data_stream", "_cluster/health", "_cluster/state/metadata", "_list/shards"),
)
# Asked for in steps: a name that is not there, or a page with nothing on it, ends these before the rest is asked for.
_IN_PAGES = ("_cat/indices", "_list/indices", "_list/shards", "_cat/shards", "_cat/segments")
_PAGED = ("missing", "logs-missing", "missing,hr", "none*", "al*", "al", "logs-*,missing", "logs-h", ".hid-x", "s-*")
CLONED = "_snapshot/kept/one/_clone/two"
_OF_CLUSTER: tuple[tuple[str, str, Any], ...] = (
    *(("GET", path, None) for path in ("_cluster/health", "_search/point_in_time/_all", "_cat/aliases", "_alias/al")),
    *(("DELETE", path, None) for path in ("_search/point_in_time/_all", "_search/scroll/_all")),
    *(
        ("POST", "_render/template", {"source": {}}),
        ("GET", "_snapshot/kept/one", None),
        ("GET", "_scripts/none", None),
    ),
    *(("GET", "_snapshot/kept/one/_status", None), ("POST", "_snapshot/kept/_verify", None)),
    *(("GET", "_data_stream/_stats", None), ("PUT", CLONED, {"indices": "kept-a"})),
)


@dataclass(frozen=True, slots=True)
class Later:
    """What a body holds once it is there: `search`, `delete`: a point in time of these names, `scroll`: the id of a first page."""

    kind: str
    names: str


def quoted(name: str) -> str:
    return quote(name, safe=",*-._")


def a_request(rng: random.Random) -> tuple[str, str, Any]:
    draw = rng.random()
    if draw < 0.05:
        return rng.choice(_OF_CLUSTER)
    if draw < 0.17:
        return _of_items(rng)
    names = rng.choice(ASKED)
    one = next((name for name in names if "*" not in name and name[:1] not in ("_", "-")), "hr")
    if draw < 0.25:
        return _by_body(rng, one, names)
    if draw < 0.45:
        method, after, body = rng.choice(_SINGLE)
        return method, f"{quoted(one)}/{after}".rstrip("/"), body
    if draw < 0.49:
        return "GET", f"{rng.choice(_IN_PAGES)}/{rng.choice(_PAGED)}", None
    if draw < 0.54:
        return "GET", "/".join((rng.choice(_BEFORE), quoted(",".join(names) or "*"))), None
    method, after, body = rng.choice(_SEVERAL)
    if method == "DELETE" and not names:
        names = ("*",)
    options = rng.choice(OPTIONS) if after.startswith(("_search?size", "_count")) else {}
    if not names and not after.startswith(
        ("_search?size", "_count", "_field_caps", "_mapping/field", "_stats", "_alias")
    ):
        names = ("_all",)
    path = f"{quoted(','.join(names))}/{after}".strip("/")
    more = "&".join(f"{key}={value}" for key, value in options.items())
    return method, f"{path}{'&' if '?' in path else '?'}{more}" if more else path, body


def _by_body(rng: random.Random, one: str, names: Sequence[str]) -> tuple[str, str, Any]:
    """What the body tells to be about."""
    written = quoted(",".join(names) or "_all")
    other = rng.choice(("logs-new", "hr", "logs-a", "al", "s-web"))
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("POST", "_search", {"pit": Later("search", written)}),
        ("DELETE", "_search/point_in_time", {"pit_id": Later("delete", written)}),
        ("POST", "_search/scroll", {"scroll_id": Later("scroll", written)}),
        ("POST", "_reindex", {"source": {"index": list(names) or ["hr"]}, "dest": {"index": other}}),
        ("POST", "_reindex?refresh=true", {"source": {"index": one}, "dest": {"index": other}}),
        ("POST", "_aliases", {"actions": [{"add": {"index": one, "alias": "fresh"}}]}),
        ("POST", "_aliases", {"actions": [{"add": {"indices": [one, other], "alias": "al"}}, _remove_index(one)]}),
        ("POST", "_snapshot/kept/one/_restore", _restored(rng, other)),
    )
    return rng.choice(kinds)


def _remove_index(one: str) -> dict[str, Any]:
    return {"remove_index": {"index": one}}


def _restored(rng: random.Random, to: str) -> dict[str, Any]:
    made: dict[str, Any] = {"indices": "kept-a", "rename_pattern": "kept-a", "rename_replacement": to}
    if rng.random() < 0.2:
        made["include_global_state"] = True
    return made


def _of_items(rng: random.Random) -> tuple[str, str, Any]:
    one_each = [next(iter(names)) for names in ASKED if names and "*" not in names[0] and names[0][0] not in "-_<"]
    kind = rng.choice(("_bulk", "_bulk", "_msearch", "_msearch/template", "_mget", "_mtermvectors"))
    if kind in ("_mget", "_mtermvectors"):
        return "POST", kind, {"docs": [{"_index": name, "_id": "1"} for name in rng.sample(one_each, 2)]}
    lines: list[Any] = []
    for _ in range(rng.choice((2, 2, 4))):
        if kind.startswith("_msearch"):
            names = rng.choice([names for names in ASKED if names])
            search = {"size": 100, **rng.choice(({}, {}, {"query": _LOOKED_UP}, {"query": _LIKE}))}
            lines += [{"index": list(names)}, {"source": {"size": 100}} if "/" in kind else search]
        elif rng.random() < 0.2:
            lines += [{"update": {"_index": rng.choice(one_each), "_id": "1"}}, {"doc": {"a": 3}}]
        elif rng.random() < 0.7:
            lines += [{"index": {"_index": rng.choice(one_each), "_id": "1"}}, DOCUMENTS["1"]]
        else:
            lines += [{"delete": {"_index": rng.choice(one_each), "_id": "none"}}]
    return "POST", kind, "".join(f"{json.dumps(line)}\n" for line in lines)
