"""`decide` beside real nodes: random security configs put on them, and requests over HTTP as people send them.

The configs, people and names are those of `cases`; the requests are REST calls, so that what a call needs is compared as well, and of a
search the documents and the fields that really come back. A world stands for some configs, as making one takes a second.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.deciding.requests import needs
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.callers import user
from portcullis.families.opensearch.limiting.view import View
from portcullis.families.opensearch.names.world import EngineFacts, Release

from benchmarks.deciding.cases import ASKED, GROUPS, OPTIONS, PEOPLE, Case, case
from benchmarks.deciding.counted import Counts, Found
from local.node.node import Node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of a node that is gone with the bench
# So that do_not_fail_on_forbidden may be set through the API.
CHANGES_ITSELF = {"plugins.security.unsupported.restapi.allow_securityconfig_modification": True}
AT_ONCE = 24  # requests of one config
_CONFIGS = 6  # of one world
DOCUMENTS: dict[str, dict[str, Any]] = {
    "1": {"a": 1, "ab": "x", "b": "y", "m": "one", "o": {"x": "p", "y": "q"}, "u": "anna", "t": "logs", "z": "z"},
    "2": {"a": 2, "ab": "x", "b": "y", "m": "two", "o": {"x": "p"}, "u": "ben", "r": "r0", "x": "staff"},
}
_TEXTS = ("ab", "b", "m", "u", "t", "r", "x", "z", "o.x", "o.y")
_SINGLE: tuple[tuple[str, str, Any], ...] = (
    *(("GET", "_doc/1", None),) * 2,
    *(("PUT", "_doc/1", DOCUMENTS["1"]), ("POST", "_update/1", {"doc": {"z": "new"}}), ("GET", "_source/1", None)),
    *(("DELETE", "_doc/none", None), ("PUT", "_create/1", DOCUMENTS["1"]), ("PUT", "", None)),
    *(("POST", "_explain/1", {"query": {"match_all": {}}}), ("GET", "_termvectors/1", None)),
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
)
_CHANGES = ("PUT", "DELETE", "_update", "_bulk")


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

    def end(self) -> None:
        for session in self.sessions.values():
            session.close()

    # ---- what stands there

    def build(self, world: Mapping[str, Any]) -> None:
        """The indices, streams and aliases of a world, and no others."""
        self.world = world
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
        actions = [{"add": {"index": index, "alias": alias}} for alias, of in world["aliases"].items() for index in of]
        if actions:
            self._done("POST", "/_aliases", {"actions": actions})
        for name in world["closed"]:
            self._done("POST", f"/{_path(name)}/_close")

    def _fill(self, name: str, *, stamped: bool = False) -> None:
        lines: list[Any] = []
        for number, document in DOCUMENTS.items():
            lines += [{"create": {"_id": number}}, document | ({"@timestamp": "2026-01-01"} if stamped else {})]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        said = self._send("POST", f"/{_path(name)}/_bulk?refresh=true", text, None).json()
        if said.get("errors", True):
            raise RuntimeError(f"{name}: {said}")

    def _done(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self.node.ask(method, path, body, timeout=120)
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {status} {said}")
        return said

    def hold(self, one: Case, *, leaves_out: bool) -> SecurityConfig:
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
        if leaves_out is not self.leaves_out:
            self._done(
                "PATCH",
                f"{API}securityconfig",
                [{"op": "replace", "path": "/config/dynamic/do_not_fail_on_forbidden", "value": leaves_out}],
            )
            self.leaves_out = leaves_out
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
        )

    # ---- a request

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
        leaves_out = one["world"]["do_not_fail_on_forbidden"]
        try:
            held = on.hold(one, leaves_out=leaves_out)
        except RuntimeError:  # a config that the API does not take
            number += 1
            continue
        facts = on.facts()
        compiled = Compiled(held, facts)
        for _ in range(min(AT_ONCE, count - asked)):
            who = rng.choice(PEOPLE)["name"]
            request = _request(rng)
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
    if draw < 0.04:
        return "GET", "_cluster/health", None
    if draw < 0.16:
        return _of_items(rng)
    names = rng.choice(ASKED)
    if draw < 0.4:
        one = next((name for name in names if "*" not in name and name[:1] not in ("_", "-")), "hr")
        method, after, body = rng.choice(_SINGLE)
        return method, f"{_path(one)}/{after}".rstrip("/"), body
    method, after, body = rng.choice(_SEVERAL)
    if method == "DELETE" and not names:
        names = ("*",)
    options = rng.choice(OPTIONS) if after.startswith("_search") else {}
    if not names and not after.startswith(("_search", "_count")):
        names = ("_all",)
    path = f"{_path(','.join(names))}/{after}".strip("/")
    more = "&".join(f"{key}={value}" for key, value in options.items())
    return method, f"{path}{'&' if '?' in path else '?'}{more}" if more else path, body


def _of_items(rng: random.Random) -> tuple[str, str, Any]:
    one_each = [next(iter(names)) for names in ASKED if names and "*" not in names[0] and names[0][0] not in "-_<"]
    kind = rng.choice(("_bulk", "_msearch", "_mget"))
    if kind == "_mget":
        return "POST", kind, {"docs": [{"_index": name, "_id": "1"} for name in rng.sample(one_each, 2)]}
    lines: list[Any] = []
    for _ in range(2):
        if kind == "_msearch":
            names = rng.choice([names for names in ASKED if names])
            lines += [{"index": list(names)}, {"size": 100}]
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
        "aliases": {k: list(v) for k, v in facts.aliases.items()},
        "streams": {k: list(v) for k, v in facts.streams.items()},
        "hidden": list(facts.hidden),
        "closed": list(facts.closed),
        "release": on.node.version,
        "now": datetime.now(UTC).isoformat(),
        "dfm_empty_overrides_all": on.free_wins,
        "do_not_fail_on_forbidden": on.leaves_out,
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
    if got.status_code < 300 and (method in _CHANGES or any(one in path for one in _CHANGES)):
        on.build(on.world)
    said = got.text[:300]
    if ours["allowed"] is None or ours["unknown"]:
        tally.unknown += 1
        return
    # What the engine cannot work out for somebody it refuses with a 500 that says so.
    refused = got.status_code == 403 or (got.status_code == 500 and "security_exception" in said)
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
    if "_search" not in path:
        return
    if errors:
        if got.status_code == 200:
            yield f"200, we say {errors}", True
        return
    if got.status_code != 200:
        yield f"{got.status_code} {said}, we say it is answered", False
        return
    (need,) = needs(method, path, body)
    caller = user(held, who)
    known = Caller(caller.name, caller.backend_roles, caller.attributes, ("127.0.0.1",))
    decision = compiled.decide(known, need.action, need.indices, need.options)
    views = {view.index: view for view in decision.views if view.allowed}
    tally.limited += any(view.documents is not None or not view.fields.everything for view in views.values())
    yield from _hits(got.json()["hits"]["hits"], views)


def _items(path: str, got: requests.Response, ours: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    told = got.json()
    if got.status_code != 200:
        yield f"{got.status_code} {got.text[:300]}, we say it is answered", False
        return
    items = (
        [next(iter(one.values())) for one in told["items"]]
        if path == "_bulk"
        else told["responses" if path == "_msearch" else "docs"]
    )
    for at, one in enumerate(items):
        permitted = ours["items"][str(at)]
        done, refused = "error" not in one, "security_exception" in json.dumps(one.get("error", ""))
        if (permitted is True and refused) or (permitted is False and done):
            yield f"item {at}: {json.dumps(one)[:300]}, we say {permitted}", done


def _hits(hits: list[dict[str, Any]], views: Mapping[str, View]) -> Iterator[tuple[str, bool]]:
    seen = {(hit["_index"], hit.get("_id")): dict(_leaves(hit.get("_source", {}))) for hit in hits}
    for index, view in views.items():
        if view.unknown:
            continue
        for number, document in DOCUMENTS.items():
            leaves = dict(_leaves(document))
            fits = view.documents is None or any(passes(json.loads(query), leaves) for query in view.documents)
            # A mask of everything masks the id, too.
            own = next((one for one, of in seen if one == index and seen[one, of].get("a") == leaves["a"]), index)
            ids = [of for one, of in seen if one == own and seen[one, of].get("a") == leaves["a"]]
            key = (index, number) if (index, number) in seen or not ids else (index, ids[0])
            there = seen.get(key)
            if fits is not (there is not None):
                yield (
                    f"{index}/{number} {'shown' if there is not None else 'not shown'}, we say {view.documents}",
                    not fits,
                )
                return
            if there is None:
                continue
            for name, value in leaves.items():
                if (name in there) is not view.fields.sees(name):
                    yield (
                        f"{index}/{number} {name} {'shown' if name in there else 'hidden'}, we say {view.fields}",
                        name in there,
                    )
                    return
                if name in there and isinstance(value, str) and (there[name] != value) is not bool(view.masks_of(name)):
                    yield (
                        f"{index}/{number} {name} is {there[name]}, we say masked by {view.masks_of(name)}",
                        there[name] == value,
                    )
                    return
    for index, one in seen:
        if index not in views:
            yield f"{index}/{one} shown, we say nothing of it", True
            return


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
