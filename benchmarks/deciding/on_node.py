"""A real node with a random security config and the world of it: indices, aliases, points in time. It is asked over HTTP as people ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.names.world import EngineFacts, Release

from benchmarks.deciding.cases import GROUPS, PEOPLE, Case
from benchmarks.deciding.rest_calls import DOCUMENTS, Later, quoted
from local.node.node import Node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of a node that is gone with the bench
# So that do_not_fail_on_forbidden may be set through the API.
CHANGES_ITSELF = {"plugins.security.unsupported.restapi.allow_securityconfig_modification": True}
_FILTERED: dict[str, Any] = {
    "al": {"term": {"a": 1}},
    "logs-alias": {"terms": {"ab": ["x"]}},
}  # by the name of an alias
_TEXTS = ("ab", "b", "m", "u", "t", "r", "x", "z", "o.x", "o.y")


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
                self._done("PUT", f"/{quoted(name)}", {"settings": settings, "mappings": self._mapping})
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
            self._done("POST", f"/{quoted(name)}/_close")

    def mend(self, before: EngineFacts, path: str) -> None:
        """The documents as they were, after a request that changed something; where more than documents did, the world anew."""
        now = replace(self.facts(), now=before.now)
        if now != before or "_block" in path or before.streams:  # what lies in a stream may only be added to
            self.build(self.world)
            return
        names = [name for name in self.world["indices"] if name not in self.world["closed"]]
        others = {"query": {"bool": {"must_not": {"ids": {"values": list(DOCUMENTS)}}}}}
        self._done("POST", f"/{quoted(','.join(names))}/_refresh")  # what was just written is not found before
        self._done("POST", f"/{quoted(','.join(names))}/_delete_by_query?refresh=true", others)
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
        self._bulk(f"/{quoted(name)}/_bulk?refresh=true", lines)

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
