"""A real node with a random security config and the world of it: indices, aliases, points in time. It is asked over HTTP as people ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.names.world import EngineFacts, Release

from benchmarks.deciding.cases import GROUPS, PEOPLE, Case
from benchmarks.deciding.rest_calls import CLONED, DOCUMENTS, Later, quoted
from local.node.node import Node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of a node that is gone with the bench
# So that do_not_fail_on_forbidden may be set through the API.
CHANGES_ITSELF = {"plugins.security.unsupported.restapi.allow_securityconfig_modification": True}
_OWN = ".opendistro"  # begins the names of the plugin's own indices
_ALL = f"/*,-{_OWN}*"
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
        self._made: dict[str, dict[str, Any]] = {}
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
        fields, meant = self.fields(), {*_properties(self._mapping["properties"], "")}
        self._put_right({name for name in world["indices"] if {*fields.get(name, ())} - {"@timestamp"} != meant})

    def mend(self, before: EngineFacts, path: str) -> None:
        """All as it was, after a request that changed something."""
        if "_block" in path:
            self._done("PUT", f"{_ALL}/_settings?expand_wildcards=all", {"index.blocks.write": None})
        if path.endswith(CLONED):  # which goes on after it was answered, and fails what reads the repository meanwhile
            self._done("DELETE", f"/{path.replace('one/_clone/', '')}")
        renamed = replace(self.facts(), now=before.now) != before
        self._put_right(set())
        if renamed:  # what the plugin works out of the names it brings up to date a moment later, but at once as it loads its config
            self._done("DELETE", f"{API}cache")
        if (now := replace(self.facts(), now=before.now)) != before:
            raise RuntimeError(f"after {path} the world is {now}, and was {before}")

    def _put_right(self, wrong: Set[str]) -> None:
        """What is not as the world has it, made anew: the fewer indices, the sooner. `wrong`: those of which it is known."""
        world, there = self.world, self.facts()
        behind = {one for members in world["streams"].values() for one in members}
        written = self._documents()
        wrong = {
            name
            for name in there.indices
            if name in wrong
            or any((name in getattr(there, how)) is not (name in world[how]) for how in ("hidden", "closed"))
        }
        for stream, members in there.streams.items():
            as_meant = list(members) == list(world["streams"].get(stream, ())) and not wrong & {*members}
            if not as_meant or any(written.get(one) != DOCUMENTS for one in members):
                self._done("DELETE", f"/_data_stream/{stream}")
                left = {name: of for name, of in there.streams.items() if name != stream}
                there = replace(
                    there, streams=left, indices=tuple(name for name in there.indices if name not in members)
                )
        keep = {name for name in world["indices"] if name in there.indices and name not in wrong} | behind
        if gone := [name for name in there.indices if name not in keep and not name.startswith(_OWN)]:
            self._done("DELETE", f"/{quoted(','.join(gone))}")
        fresh = [name for name in world["indices"] if name not in keep]
        for name in fresh:
            settings = {"number_of_replicas": 0, "hidden": name in world["hidden"]}
            self._done(
                "PUT", f"/{quoted(name)}?wait_for_active_shards=0", {"settings": settings, "mappings": self._mapping}
            )
        lines: list[dict[str, Any]] = []
        for name in world["indices"]:
            if name in behind or (name in world["closed"] and name not in fresh):
                continue
            held = written.get(name, {}) if name in keep else {}
            lines += [{"delete": {"_index": name, "_id": one}} for one in held if one not in DOCUMENTS]
            for number, document in DOCUMENTS.items():
                if held.get(number) != document:
                    lines += [{"index": {"_index": name, "_id": number}}, document]
        if lines:
            self._bulk("/_bulk?refresh=true", lines)
        self._stream(there)
        self._name(there, {*fresh})
        if closed := [name for name in world["closed"] if name in fresh]:
            self._done("POST", f"/{quoted(','.join(closed))}/_close")

    def _stream(self, there: EngineFacts) -> None:
        for stream, members in self.world["streams"].items():
            if stream in there.streams:
                continue
            self._done("PUT", f"/_data_stream/{stream}")
            for number in range(len(members)):
                if number:
                    self._done("POST", f"/{stream}/_rollover")
                lines: list[Any] = []
                for one, document in DOCUMENTS.items():
                    lines += [{"create": {"_id": one}}, document | {"@timestamp": "2026-01-01"}]
                self._bulk(f"/{stream}/_bulk?refresh=true", lines)

    def _name(self, there: EngineFacts, fresh: Set[str]) -> None:
        """The aliases. `fresh`: the indices that were just made, and have none."""
        have = {
            (alias, index): there.filters.get(alias, {}).get(index)
            for alias, of in there.aliases.items()
            for index in of
            if index in self.world["indices"] and index not in fresh
        }
        meant = {(alias, index): _FILTERED.get(alias) for alias, of in self.world["aliases"].items() for index in of}
        actions = [{"remove": {"index": index, "alias": alias}} for alias, index in have if (alias, index) not in meant]
        for (alias, index), query in meant.items():
            if (alias, index) not in have or have[alias, index] != (query and json.dumps(query)):
                actions.append({"add": {"index": index, "alias": alias, **({"filter": query} if query else {})}})
        if actions:
            self._done("POST", "/_aliases", {"actions": actions})

    def _documents(self) -> dict[str, dict[str, Any]]:
        """Of each index that is open its documents by their ids, but for their moments."""
        self._done("POST", f"{_ALL}/_refresh?expand_wildcards=open,hidden")
        found: dict[str, dict[str, Any]] = {}
        for hit in self._done("GET", f"{_ALL}/_search?expand_wildcards=open,hidden&size=1000")["hits"]["hits"]:
            source = {key: value for key, value in hit["_source"].items() if key != "@timestamp"}
            found.setdefault(hit["_index"], {})[hit["_id"]] = source
        return found

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
        before = self._made.get(kind, {})
        operations = [{"op": "remove", "path": f"/{_pointer(name)}"} for name in before if name not in documents]
        operations += [
            {"op": "add", "path": f"/{_pointer(name)}", "value": one}
            for name, one in documents.items()
            if before.get(name) != one
        ]
        if operations:
            self._done("PATCH", API + kind.value, operations)
        self._made[kind] = dict(documents)

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
