"""`decide` beside real nodes: random security configs put on them, and requests over HTTP as people send them.

The configs, people and names are those of `cases`; the requests are REST calls, so that what a call needs is compared as well, and of a
search the documents and the fields that really come back. A world stands for some configs, as making one takes a second.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.callers import user
from portcullis.families.opensearch.limiting.view import View
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.requests import needs

from benchmarks.deciding.cases import ASKED, GROUPS, OPTIONS, PEOPLE, Case, case
from benchmarks.deciding.counted import Counts, Found
from local.node.node import Node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of a node that is gone with the bench
# So that do_not_fail_on_forbidden may be set through the API.
CHANGES_ITSELF = {"plugins.security.unsupported.restapi.allow_securityconfig_modification": True}
_REFUSED = re.compile("security_exception|min_doc_count 0 is not supported|unchecked_execution_exception")
AT_ONCE = 24  # requests of one config
_CONFIGS = 6  # of one world
DOCUMENTS: dict[str, dict[str, Any]] = {
    "1": {"a": 1, "ab": "x", "b": "y", "m": "one", "o": {"x": "p", "y": "q"}, "u": "anna", "t": "logs", "z": "z"},
    "2": {"a": 2, "ab": "x", "b": "y", "m": "two", "o": {"x": "p"}, "u": "ben", "r": "r0", "x": "staff"},
}
_ALL: dict[str, Any] = {"query": {"match_all": {}}}
_RATED = {"id": "one", "request": _ALL, "ratings": []}
_SPLIT = {"settings": {"index.number_of_shards": 2}}
_LOOKED_UP = {"terms": {"ab": {"index": "logs-b", "id": "1", "path": "ab"}}}
_LIKE = {"more_like_this": {"fields": ["ab"], "like": [{"_index": "hr", "_id": "1"}], "min_doc_freq": 1}}
_FILTERED: dict[str, Any] = {
    "al": {"term": {"a": 1}},
    "logs-alias": {"terms": {"ab": ["x"]}},
}  # by the name of an alias
_SUGGESTED = {"one": {"text": "onf", "term": {"field": "m"}}}
_TEXTS = ("ab", "b", "m", "u", "t", "r", "x", "z", "o.x", "o.y")
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
_OF_CLUSTER: tuple[tuple[str, str, Any], ...] = (
    *(("GET", path, None) for path in ("_cluster/health", "_search/point_in_time/_all", "_cat/aliases", "_alias/al")),
    *(("DELETE", path, None) for path in ("_search/point_in_time/_all", "_search/scroll/_all")),
    *(
        ("POST", "_render/template", {"source": {}}),
        ("GET", "_snapshot/kept/one", None),
        ("GET", "_scripts/none", None),
    ),
    *(("GET", "_snapshot/kept/one/_status", None), ("POST", "_snapshot/kept/_verify", None)),
    *(("GET", "_data_stream/_stats", None), ("PUT", "_snapshot/kept/one/_clone/two", {"indices": "kept-a"})),
)
_IN_STEPS = ("_by_query", "_reindex", "_bulk")
_CHANGES = (
    *(
        "PUT",
        "DELETE",
        "_update",
        "_bulk",
        "_by_query",
        "_reindex",
        "_aliases",
        "_rollover",
        "_split",
        "_restore",
        "_close",
        "_open",
        "/_doc",
    ),
)


class OnNode:
    """One node, and what stands on it. `free_wins`: as it was started with dfm_empty_overrides_all."""

    def __init__(self, node: Node, *, free_wins: bool) -> None:
        self.node, self.free_wins = node, free_wins
        self.world: Mapping[str, Any] = {}
        self.leaves_out = False
        self._made: dict[str, set[str]] = {}
        self.sessions: dict[str, requests.Session] = {}
        mapping = {"properties": {name: {"type": "keyword"} for name in _TEXTS} | {"a": {"type": "long"}}}
        self._mapping = mapping
        template = {"index_patterns": ["s-*"], "data_stream": {}, "template": {"mappings": mapping}}
        self._done("PUT", "/_index_template/streams", template)
        # Groups within each other are known to the plugin's classes, and refused by the API.
        held = self._done("GET", API + Kind.ACTION_GROUPS.value)
        groups = {
            name: {"allowed_actions": _apart(name, of["allowed_actions"])}
            for name, of in GROUPS.items()
            if not held.get(name, {}).get("static")  # the engine's own, of the same meaning
        }
        self._collection(Kind.ACTION_GROUPS, groups)
        self._done("PUT", "/kept-a", {"settings": {"number_of_replicas": 0}})
        self._done("PUT", "/_snapshot/kept", {"type": "fs", "settings": {"location": "kept"}})
        self._done("PUT", "/_snapshot/kept/one?wait_for_completion=true", {"indices": "kept-a"})

    def end(self) -> None:
        for session in self.sessions.values():
            session.close()

    # ---- what stands there

    def build(self, world: Mapping[str, Any]) -> None:
        """The indices, streams and aliases of a world, and no others."""
        self.world = world
        self._done("DELETE", "/_search/point_in_time/_all")
        self._done("DELETE", "/_data_stream/*")
        self._done("DELETE", "/*,-.opendistro*?expand_wildcards=all&ignore_unavailable=true&allow_no_indices=true")
        behind = {one for members in world["streams"].values() for one in members}
        for name in world["indices"]:
            if name not in behind:
                settings = {"number_of_replicas": 0, "hidden": name in world["hidden"]}
                self._done("PUT", f"/{_path(name)}", {"settings": settings, "mappings": self._mapping})
                self._fill(name)
        for stream, members in world["streams"].items():
            self._done("PUT", f"/_data_stream/{stream}")
            for number in range(len(members)):
                if number:
                    self._done("POST", f"/{stream}/_rollover")
                self._fill(stream, stamped=True)
        actions: list[dict[str, Any]] = [
            {"add": {"index": index, "alias": alias}} for alias, of in world["aliases"].items() for index in of
        ]
        for one in actions:
            if one["add"]["alias"] in _FILTERED:
                one["add"]["filter"] = _FILTERED[one["add"]["alias"]]
        if actions:
            self._done("POST", "/_aliases", {"actions": actions})
        for name in world["closed"]:
            self._done("POST", f"/{_path(name)}/_close")

    def mend(self, before: EngineFacts, path: str) -> None:
        """The documents as they were, after a request that changed something; where more than documents did, the world anew."""
        now = replace(self.facts(), now=before.now)
        if now != before or "_block" in path or before.streams:  # what lies in a stream may only be added to
            self.build(self.world)
            return
        names = [name for name in self.world["indices"] if name not in self.world["closed"]]
        others = {"query": {"bool": {"must_not": {"ids": {"values": list(DOCUMENTS)}}}}}
        self._done("POST", f"/{_path(','.join(names))}/_refresh")  # what was just written is not found before
        self._done("POST", f"/{_path(','.join(names))}/_delete_by_query?refresh=true", others)
        lines = [
            line
            for name in names
            for number, document in DOCUMENTS.items()
            for line in ({"index": {"_index": name, "_id": number}}, document)
        ]
        self._bulk("/_bulk?refresh=true", lines)

    def _fill(self, name: str, *, stamped: bool = False) -> None:
        lines: list[Any] = []
        for number, document in DOCUMENTS.items():
            lines += [{"create": {"_id": number}}, document | ({"@timestamp": "2026-01-01"} if stamped else {})]
        self._bulk(f"/{_path(name)}/_bulk?refresh=true", lines)

    def _bulk(self, path: str, lines: Sequence[Any]) -> None:
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        said = self._send("POST", path, text, None).json()
        if said.get("errors", True):
            raise RuntimeError(f"{path}: {said}")

    def _done(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self.node.ask(method, path, body, timeout=120)
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {status} {said}")
        return said

    def leave_out(self, leaves_out: bool) -> None:
        """Whether what is forbidden is left out of an answer, in place of refusing all of it."""
        if leaves_out is not self.leaves_out:
            self._done(
                "PATCH",
                f"{API}securityconfig",
                [{"op": "add", "path": "/config/dynamic/do_not_fail_on_forbidden", "value": leaves_out}],
            )
            self.leaves_out = leaves_out

    def hold(self, one: Case) -> SecurityConfig:
        """The roles, mappings and users of a case in place of those before; what the engine then holds, as it shows it."""
        users = {
            person["name"]: {
                "password": PASSWORD,
                "backend_roles": person.get("backend_roles", []),
                "attributes": {k.removeprefix("attr.internal."): v for k, v in person.get("attributes", {}).items()},
                **one["security"]["internalusers"].get(person["name"], {}),
            }
            for person in PEOPLE
        }
        self._collection(Kind.ROLES, one["security"]["roles"])
        mappings = json.loads(json.dumps(one["security"]["rolesmapping"]).replace("10.", "127."))
        self._collection(Kind.MAPPINGS, mappings)
        self._collection(Kind.USERS, users)
        return SecurityConfig({kind.value: self._done("GET", API + kind.value) for kind in Kind})

    def _collection(self, kind: Kind, documents: Mapping[str, Any]) -> None:
        before = self._made.get(kind, set())
        operations = [{"op": "remove", "path": f"/{_pointer(name)}"} for name in sorted(before - set(documents))]
        operations += [{"op": "add", "path": f"/{_pointer(name)}", "value": one} for name, one in documents.items()]
        if operations:
            self._done("PATCH", API + kind.value, operations)
        self._made[kind] = set(documents)

    def facts(self) -> EngineFacts:
        """The names there are, with the plugin's own."""
        told = self._done("GET", "/_resolve/index/*?expand_wildcards=all")
        shown = {one["name"]: one.get("attributes") or () for one in told["indices"]}
        return EngineFacts(
            tuple(sorted(shown)),
            {one["name"]: tuple(one["indices"]) for one in told["aliases"]},
            {one["name"]: tuple(one["backing_indices"]) for one in told["data_streams"]},
            tuple(sorted(name for name, said in shown.items() if "hidden" in said)),
            tuple(sorted(name for name, said in shown.items() if "closed" in said)),
            self.free_wins,
            self.leaves_out,
            Release(self.node.version),
            datetime.now(UTC),
            self._filters() if told["aliases"] else {},
        )

    def _filters(self) -> dict[str, dict[str, str]]:
        """Of each alias with filters what they are, by index."""
        found: dict[str, dict[str, str]] = {}
        for index, of in self._done("GET", "/_alias?expand_wildcards=all").items():
            for alias, given in of["aliases"].items():
                if "filter" in given:
                    found.setdefault(alias, {})[index] = json.dumps(given["filter"])
        return found

    def fields(self) -> dict[str, list[str]]:
        """Of each index the fields that its mapping has."""
        told = self._done("GET", "/_mapping?expand_wildcards=all")
        return {name: sorted(_properties(of["mappings"].get("properties", {}), "")) for name, of in told.items()}

    # ---- a request

    def ready(self, name: str, request: tuple[str, str, Any]) -> tuple[str, str, Any]:
        """A request with the point in time, or the first page, that it goes on from."""
        method, path, body = request
        if not isinstance(body, dict) or not any(isinstance(one, Later) for one in body.values()):
            return request
        later = next(one for one in body.values() if isinstance(one, Later))
        if later.kind == "scroll":
            first = self.ask(name, "GET", f"{later.names}/_search?scroll=1m&size=1", None)
            if first.status_code != 200 or "_scroll_id" not in first.json():  # nothing to go on with
                return "GET", f"{later.names}/_search?scroll=1m&size=1", None
            return method, path, {"scroll_id": first.json()["_scroll_id"]}
        made = self._send("POST", f"/{later.names}/_search/point_in_time?keep_alive=1m", None, None)
        if made.status_code != 200:  # a name that is not there
            return "POST", f"{later.names}/_search/point_in_time?keep_alive=1m", None
        one = made.json()["pit_id"]
        return method, path, {"pit": {"id": one}, "size": 100} if later.kind == "search" else {"pit_id": [one]}

    def ask(self, name: str, method: str, path: str, body: Any) -> requests.Response:
        return self._send(method, f"/{path}", body, name)

    def _send(self, method: str, path: str, body: Any, name: str | None) -> requests.Response:
        session = self.sessions.get(name or "")
        if session is None:
            session = self.sessions[name or ""] = requests.Session()
            session.trust_env, session.verify = False, str(self.node.ca)
            if name is None:
                session.cert = (str(self.node.admin.pair[0]), str(self.node.admin.pair[1]))
            else:
                session.auth = (name, PASSWORD)
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        headers = {"content-type": kind} if text is not None else {}
        return session.request(method, self.node.url + path, data=text, headers=headers, timeout=60)


@dataclass(frozen=True, slots=True)
class Later:
    """What a body holds once it is there: `search`, `delete`: a point in time of these names, `scroll`: the id of a first page."""

    kind: str
    names: str


def _properties(of: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, one in of.items():
        if "properties" in one:
            yield from _properties(one["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}"


def _apart(name: str, actions: Sequence[str]) -> list[str]:
    return [one for one in actions if one != name and (name, one) != ("deeper", "deep")]


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _path(name: str) -> str:
    return quote(name, safe=",*-._")


def play(on: OnNode, start: int, count: int, tally: Counts) -> None:
    """So many requests, of configs from this seed on."""
    asked, number = 0, start
    while asked < count:
        one = case(number, datetime.now(UTC))
        rng = random.Random(f"on node {number}")
        _widen(one, rng)
        if (number - start) % _CONFIGS == 0:
            on.build(one["world"])
        on.leave_out(one["world"]["do_not_fail_on_forbidden"])
        try:
            held = on.hold(one)
        except RuntimeError:  # a config that the API does not take
            number += 1
            continue
        facts = on.facts()
        compiled = Compiled(held, facts)
        for _ in range(min(AT_ONCE, count - asked)):
            who = rng.choice(PEOPLE)["name"]
            request = on.ready(who, _request(rng))
            for what, more in _one(on, held, facts, compiled, who, request, tally):
                tally.found.append(
                    Found(
                        f"seed {number}, world of {start + (number - start) // _CONFIGS * _CONFIGS}: {who} {request} {what}",
                        more,
                    )
                )
                break
            asked += 1
        number += 1


def _widen(one: Case, rng: random.Random) -> None:
    """Most of these configs refuse most: here more is permitted, so that more is seen, too."""
    for role in one["security"]["roles"].values():
        if rng.random() < 0.6:
            role["cluster_permissions"] = ["*"]
            for entry in role["index_permissions"]:
                entry["allowed_actions"] = [rng.choice(("*", "crud", "read", "indices:*"))]
    mappings = one["security"]["rolesmapping"]
    for role in one["security"]["roles"]:
        if rng.random() < 0.4:
            mappings[role] = {"users": ["*"]}


def _request(rng: random.Random) -> tuple[str, str, Any]:
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
        return method, f"{_path(one)}/{after}".rstrip("/"), body
    if draw < 0.49:
        return "GET", f"{rng.choice(_IN_PAGES)}/{rng.choice(_PAGED)}", None
    if draw < 0.54:
        return "GET", "/".join((rng.choice(_BEFORE), _path(",".join(names) or "*"))), None
    method, after, body = rng.choice(_SEVERAL)
    if method == "DELETE" and not names:
        names = ("*",)
    options = rng.choice(OPTIONS) if after.startswith(("_search?size", "_count")) else {}
    if not names and not after.startswith(
        ("_search?size", "_count", "_field_caps", "_mapping/field", "_stats", "_alias")
    ):
        names = ("_all",)
    path = f"{_path(','.join(names))}/{after}".strip("/")
    more = "&".join(f"{key}={value}" for key, value in options.items())
    return method, f"{path}{'&' if '?' in path else '?'}{more}" if more else path, body


def _by_body(rng: random.Random, one: str, names: Sequence[str]) -> tuple[str, str, Any]:
    """What the body tells to be about."""
    written = _path(",".join(names) or "_all")
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


def _one(
    on: OnNode,
    held: SecurityConfig,
    facts: EngineFacts,
    compiled: Compiled,
    who: str,
    request: tuple[str, str, Any],
    tally: Counts,
) -> Iterator[tuple[str, bool]]:
    method, path, body = request
    tally.cases += 1
    world = {
        "indices": list(facts.indices),
        "aliases": {
            alias: {one: json.loads(facts.filters.get(alias, {}).get(one, "null")) for one in of}
            for alias, of in facts.aliases.items()
        },
        "streams": {k: list(v) for k, v in facts.streams.items()},
        "hidden": list(facts.hidden),
        "closed": list(facts.closed),
        "release": on.node.version,
        "now": datetime.now(UTC).isoformat(),
        "dfm_empty_overrides_all": on.free_wins,
        "do_not_fail_on_forbidden": on.leaves_out,
        "fields": on.fields() if method in ("POST", "PUT") else {},
    }
    security = {kind.value: dict(held.of(kind)) for kind in Kind if kind in held.documents}
    principal: dict[str, Any] = {"name": who, "hosts": ["127.0.0.1"]}
    ours = answer(
        {
            "security": security,
            "principal": principal,
            "request": {"method": method, "path": path, "body": body},
            "world": world,
        }
    )
    got = on.ask(who, method, path, body)
    in_steps = any(one in path for one in _IN_STEPS)  # of which some may be done before one is refused
    changes = method in _CHANGES or any(one in path for one in _CHANGES)
    if in_steps or (changes and got.status_code < 300):
        on.mend(facts, path)
    elif changes and replace(on.facts(), now=facts.now) != facts:  # an index was made before the document was refused
        on.build(on.world)
    said = got.text[:300]
    # Said before anybody is asked for their permissions.
    if got.status_code == 400 and ("invalid_index_name" in got.text or "action_request_validation" in got.text):
        return
    if path.startswith("_reindex") and "no write index is defined" in got.text:
        return
    if ours["allowed"] is None or (ours["unknown"] and not ours["items"]):
        tally.unknown += 1
        return
    # What the engine cannot work out for somebody it refuses with a 500 that says so; what a part is refused for, in an answer of its own.
    told_of = got.text if method != "HEAD" or got.status_code != 500 else on.ask(who, "GET", path, None).text
    broken = got.status_code == 500 and _REFUSED.search(told_of) is not None
    refused = got.status_code == 403 or broken
    refused |= not ours["items"] and "no permissions for [" in got.text
    tally.refused += refused
    errors = [one["error"] for one in ours["needs"] if one["error"]]
    if ours["allowed"] is refused and not (ours["allowed"] and errors):
        yield (
            f"{got.status_code} {said}, we say {ours['allowed']} {[one['reasons'] for one in ours['needs'] if not one['allowed']]}",
            not refused,
        )
        return
    if refused or not ours["allowed"]:
        return
    if ours["items"]:
        yield from _items(path, got, ours)
        return
    searched = [need for need in needs(method, path, body) if need.action == "indices:data/read/search"]
    if not path.partition("?")[0].endswith(("_search", "_search/template")) or method == "HEAD":
        return
    if errors:
        if got.status_code == 200:
            yield f"200, we say {errors}", True
        return
    if got.status_code != 200:
        if not any("ends in an error" in one for one in ours["notes"]):
            yield f"{got.status_code} {said}, we say it is answered", False
        return
    (need,) = searched
    caller = user(held, who)
    known = Caller(caller.name, caller.backend_roles, caller.attributes, ("127.0.0.1",))
    decision = compiled.decide(known, need.action, need.indices, need.options)
    views = {view.index: view for view in decision.views if view.allowed}
    tally.limited += any(view.documents is not None or not view.fields.everything for view in views.values())
    if "size=100" not in path and '"size": 100' not in json.dumps(body):
        return  # not all that there is may be shown
    if any("opened by an alias" in one for one in ours["notes"]):
        return
    yield from _hits(got.json()["hits"]["hits"], views, older=on.node.version.startswith("2"))


def _items(path: str, got: requests.Response, ours: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    told = got.json()
    if got.status_code in (400, 404) and "security_exception" not in got.text:
        return  # of a closed index, an alias of several or a data stream all of it may fail
    if got.status_code != 200:
        yield f"{got.status_code} {got.text[:300]}, we say it is answered", False
        return
    items = (
        [next(iter(one.values())) for one in told["items"]]
        if path == "_bulk"
        else told["responses" if path.startswith("_msearch") else "docs"]
    )
    for at, one in enumerate(items):
        permitted = ours["items"][str(at)]
        done, refused = "error" not in one, "security_exception" in json.dumps(one.get("error", ""))
        if (permitted is True and refused) or (permitted is False and done):
            yield f"item {at}: {json.dumps(one)[:300]}, we say {permitted}", done


def _hits(hits: list[dict[str, Any]], views: Mapping[str, View], *, older: bool) -> Iterator[tuple[str, bool]]:
    """A document is known by its id; where rules or masks hide the ids of an index, by what is to be shown of it."""
    found: dict[str, list[tuple[str | None, dict[str, Any]]]] = {}
    for hit in hits:
        found.setdefault(hit["_index"], []).append((hit.get("_id"), dict(_leaves(hit.get("_source") or {}))))
    for index, view in views.items():
        if view.unknown:
            continue
        shown = found.get(index, [])
        meant = {
            number: dict(_leaves(document))
            for number, document in DOCUMENTS.items()
            if _finds(view.documents, document) and _finds(view.alias_filters or None, document)
        }
        if len({one for one, _ in shown} & {*DOCUMENTS}) == len(shown):
            differs = _by_id({str(one): of for one, of in shown}, meant, view, older=older)
        else:
            differs = _by_content([of for _, of in shown], list(meant.values()), view, older=older)
        if differs:
            what, more = differs
            yield f"{index}/{what}", more
            return
    for index in found:
        if index not in views:
            yield f"{index} shown, we say nothing of it", True
            return


def _finds(queries: Sequence[str] | None, document: Mapping[str, Any]) -> bool:
    return queries is None or any(passes(json.loads(query), dict(_leaves(document))) for query in queries)


def _by_id(
    shown: Mapping[str, dict[str, Any]], meant: Mapping[str, dict[str, Any]], view: View, *, older: bool
) -> tuple[str, bool] | None:
    for number in sorted({*shown, *meant}):
        if number not in shown or number not in meant:
            there = number in shown
            return f"{number} {'shown' if there else 'not shown'}, we say {view.written}", there
        if differs := _differs(shown[number], meant[number], view, older=older):
            return f"{number} {differs[0]}", differs[1]
    return None


def _by_content(
    shown: list[dict[str, Any]], meant: list[dict[str, Any]], view: View, *, older: bool
) -> tuple[str, bool] | None:
    """As many as are meant, each of them in one of its shapes."""
    if len(shown) != len(meant):
        return f"{len(shown)} shown without their ids, we say {len(meant)}", len(shown) > len(meant)
    for order in itertools.permutations(meant):
        if not any(_differs(there, one, view, older=older) for there, one in zip(shown, order, strict=True)):
            return None
    first = next(filter(None, (_differs(*pair, view, older=older) for pair in zip(shown, meant, strict=True))))
    return f"(no id) {first[0]}", first[1]


def _differs(
    there: Mapping[str, Any], leaves: Mapping[str, Any], view: View, *, older: bool
) -> tuple[str, bool] | None:
    """What of a document is shown otherwise than we say."""
    for name, value in leaves.items():
        if (name in there) is not view.fields.shows(tuple(name.split(".")), older=older):
            return f"{name} {'shown' if name in there else 'hidden'}, we say {view.fields}", name in there
        masks = view.masks_of(name)
        if name in there and isinstance(value, str) and (there[name] != value) is not _changed(masks, value):
            return f"{name} is {there[name]}, we say masked by {masks}", there[name] == value
        if name in there and not isinstance(value, str) and there[name] != value:
            return f"{name} is {there[name]}, and of another document", True
    if others := there.keys() - leaves.keys():
        return f"{', '.join(sorted(others))} shown, which the document does not have", True
    return None


def _changed(masks: Sequence[str], value: str) -> bool:
    """Whether masks change a text: one that replaces a part leaves a text without it as it is."""
    parts = [mask.split("::") for mask in masks]
    return any(len(part) < 3 or re.search(part[1].strip("/"), value) is not None for part in parts)


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        elif name != "@timestamp":
            yield f"{above}{name}", value


def passes(query: Mapping[str, Any], leaves: Mapping[str, Any]) -> bool:
    """The filters of `cases`, without an engine."""
    ((kind, body),) = query.items()
    if kind == "match_all":
        return True
    if kind == "match_none":
        return False
    ((name, wanted),) = body.items()
    return bool(leaves.get(name) in wanted if kind == "terms" else leaves.get(name) == wanted)
