"""One OpenSearch node that searches another: both hold what a question says, the same is asked of both and of us, and what differs."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.limiting.view import Fields

from benchmarks.reaching.node_cases import (
    ALIASES,
    DOCUMENTS,
    FOUND,
    INDICES,
    MAPPED,
    PASSWORD,
    RED,
    SETTING,
    Json,
    Side,
    mapped,
    request,
    sides,
    world,
)
from local.node.node import Node
from local.node.pair import connect
from local.processes import LOOPBACK

_API = "/_plugins/_security/api/"
_KINDS = ("roles", "rolesmapping", "internalusers")


class Searching:
    """`near` searches `far` by each of `ALIASES`. Take away what was made with `clear`."""

    def __init__(self, near: Node, far: Node) -> None:
        self.near, self.far = near, far
        self._context = ssl.create_default_context(cafile=str(near.ca))
        self._connection: http.client.HTTPSConnection | None = None
        self._held: dict[str, set[tuple[str, str]]] = {"near": set(), "far": set()}
        self._leaves_out = {"near": False, "far": False}
        for node in (near, far):
            for index in INDICES:
                done(node, "PUT", f"/{index}", {"settings": {"number_of_replicas": 0}, "mappings": MAPPED})
                for key, document in DOCUMENTS.items():
                    done(node, "PUT", f"/{index}/_doc/{key}?refresh=true", document)
            done(node, "PUT", "/over-1/_alias/over-reds", {"filter": json.loads(RED)})
            done(node, "PUT", "/over-1,over-2/_alias/over-all")
            done(node, "POST", "/over-shut/_close")
        for alias, how in ALIASES.items():
            connect(near, alias, far, **how)

    def clear(self) -> None:
        if self._connection is not None:
            self._connection.close()
        for alias in ALIASES:
            connect(self.near, alias, None)
        self.hold(Side(), Side())
        for node in (self.near, self.far):
            done(node, "DELETE", f"/{','.join(INDICES)}")

    def hold(self, near: Side, far: Side) -> None:
        """Both sides hold this, and nothing of what they held before."""
        for name, node, side in (("near", self.near, near), ("far", self.far, far)):
            before, held = self._held[name], set[tuple[str, str]]()
            for kind in _KINDS:
                new = side.security[kind]
                held |= {(kind, one) for one in new}
                gone = [one for of, one in before if of == kind and one not in new]
                operations = [{"op": "remove", "path": f"/{one}"} for one in gone]
                operations += [{"op": "add", "path": f"/{one}", "value": document} for one, document in new.items()]
                if operations:
                    done(node, "PATCH", f"{_API}{kind}", operations)
            self._held[name] = held
            if side.leaves_out is not self._leaves_out[name]:
                change = {"op": "add", "path": f"/config/dynamic/{SETTING}", "value": side.leaves_out}
                done(node, "PATCH", f"{_API}securityconfig", [change])
                self._leaves_out[name] = side.leaves_out

    def ask(self, user: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """As this user, on the node that searches: the status, and what it says."""
        own = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        text = (
            "".join(json.dumps(line) + "\n" for line in body)
            if isinstance(body, list)
            else json.dumps(body)
            if body
            else None
        )
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(LOOPBACK, self.near.port, context=self._context, timeout=60)
        headers = {"authorization": f"Basic {own}", "content-type": "application/json"}
        self._connection.request(method, quote(f"/{path}", safe="/?&=%*,:"), text, headers)
        answered = self._connection.getresponse()
        said = answered.read().decode()
        try:
            return answered.status, json.loads(said)
        except ValueError:
            return answered.status, said

    def differs(self, near: Side, far: Side, user: str, method: str, path: str, body: Any = None) -> tuple[str, Json]:
        """What we say otherwise than the node (empty: nothing; "unknown": we do not say), and what we say. Both hold these sides."""
        question = self.question(near, far, user, method, path, body)
        ours = answer(question)
        return differs(ours, *self.ask(user, method, path, body)), ours

    def question(self, near: Side, far: Side, user: str, method: str, path: str, body: Any = None) -> Json:
        there = {"security": far.security, "world": world(self.far.version, leaves_out=far.leaves_out)}
        return {
            "security": near.security,
            "principal": {"name": user},
            "world": world(self.near.version, leaves_out=near.leaves_out),
            "request": {"method": method, "path": path, **({"body": body} if body else {})},
            "remotes": {
                alias: {**there, "skip_unavailable": "skip_unavailable" in how} for alias, how in ALIASES.items()
            },
        }


def done(node: Node, method: str, path: str, body: Any = None) -> Any:
    status, said = node.ask(method, path, body, timeout=120)
    if status not in (200, 201):
        raise RuntimeError(f"{method} {path}: {status} {str(said)[:500]}")
    return said


def differs(ours: Json, status: int, said: Any) -> str:
    """What we say otherwise than the engine answered; "unknown" if we do not say; empty if nothing."""
    needs = ours["needs"]
    if (
        ours["allowed"] is None
        or ours["unknown"]
        or any(need["unknown"] for need in needs)
        or _of_others(needs, "unknown")
    ):
        return "unknown"
    if not ours["allowed"]:
        return "" if status >= 400 else f"status {status}, ours refused"
    if ours.get("items"):
        return _other_items(ours, status, said)
    error = next((need["error"] for need in needs if need["error"]), "")
    expected = int(error[:3]) if error else 200
    if status != expected:
        return f"status {status} {str(said)[:200]}, ours {expected}"
    if status != 200 or not isinstance(said, dict):
        return ""
    last = needs[-1]
    if "hits" in said:
        return _other_hits(last, said)
    if "indices" in said and isinstance(said["indices"], list):
        theirs = {one if isinstance(one, str) else one["name"] for one in said["indices"]}
        for alias in said.get("aliases", ()):
            cluster, colon, _ = alias["name"].rpartition(":")
            theirs |= {f"{cluster}{colon}{index}" for index in alias["indices"]}
        theirs = {one for one in theirs if ":" in one and not one.rpartition(":")[2].startswith(".")}
        told = {f"{alias}:{index}" for alias, one in _told(last).items() for index in one["indices"]}
        return "" if theirs == told else f"named {sorted(theirs)}, ours {sorted(told)}"
    return ""


def _of_others(needs: Sequence[Json], what: str) -> bool:
    return any(one[what] for need in needs for one in need.get("remotes", {}).values())


def _told(need: Json) -> Json:
    """What is seen of other clusters, by alias."""
    return {alias: one for alias, one in need.get("remotes", {}).items() if not one["left_out"]}


def _other_hits(need: Json, said: Json) -> str:
    skipped = said.get("_clusters", {}).get("skipped", 0)
    left_out = sum(one["left_out"] for one in need.get("remotes", {}).values())
    if skipped != left_out:
        return f"skipped {skipped}, ours {left_out}"
    theirs = {(hit["_index"], hit["_id"]): hit.get("_source", {}) for hit in said["hits"]["hits"]}
    theirs = {at: source for at, source in theirs.items() if not at[0].rpartition(":")[2].startswith(".")}
    told = dict(_shown("", need["views"]))
    for alias, one in _told(need).items():
        told |= dict(_shown(f"{alias}:", one["views"]))
    if {at: set(of) for at, of in theirs.items()} != {at: set(of) for at, of in told.items()}:
        return f"seen {theirs}, ours {told}"
    for at, source in theirs.items():
        for name, masked in told[at].items():
            if (source[name] != DOCUMENTS[at[1]][name]) is not masked:
                return f"{name} of {at} is {source[name]}, ours {'masked' if masked else 'as it is'}"
    return ""


def _shown(before: str, views: Json) -> Iterator[tuple[tuple[str, str], dict[str, bool]]]:
    """Each document that is seen, with its fields, and whether each is masked."""
    for index, view in views.items():
        if not view["allowed"]:
            continue
        found = _ids(view["documents"]) & _ids(view.get("alias_filters", "all"))
        rule = view["fields"]
        fields = (
            Fields() if rule == "all" else Fields("exclude" in rule, tuple(rule.get("exclude", rule.get("include"))))
        )
        for key in sorted(found):
            yield (
                (f"{before}{index}", key),
                {name: name in view["masked"] for name in DOCUMENTS[key] if fields.sees(name)},
            )


def _ids(queries: Any) -> set[str]:
    if queries == "all":
        return {*DOCUMENTS}
    return {key for query in queries for key in FOUND[query]}


def _other_items(ours: Json, status: int, said: Any) -> str:
    if status != 200:
        return f"status {status} {str(said)[:200]}, ours 200"
    for item, allowed in ours["items"].items():
        needs = [need for need in ours["needs"] if str(need["item"]) == item]
        ends = any(need["error"] for need in needs)
        if "responses" in said:
            theirs = said["responses"][int(item)]
        else:
            (theirs,) = said["items"][int(item)].values()
        if (theirs["status"] < 400) is not (allowed and not ends):
            return f"item {item}: {theirs['status']}, ours {allowed} {needs}"
        if "hits" in theirs and (other := _other_hits(needs[0], theirs)):
            return f"item {item}: {other}"
    return ""


@dataclass
class Counts:
    cases: int = 0
    unknown: int = 0
    refused: int = 0
    seen: int = 0  # answers in which something of another cluster is seen


def play(
    pair: Searching, count: int, counts: Counts, start: int = 0, at_once: int = 50
) -> Iterator[tuple[int, str, Json]]:
    """Of so many requests those whose answer is another one than ours: the seed, what differs, and the question."""
    near, far = Side(), Side()
    for seed in range(start, start + count):
        if seed == start or seed % at_once == 0:
            near, far = sides(seed // at_once)
            near.roles = {**near.roles}
            pair.hold(*mapped(near, far))
        who, method, path, body = request(seed)
        what, ours = pair.differs(near, far, who, method, path, body)
        counts.cases += 1
        counts.unknown += what == "unknown"
        counts.refused += not what and ours["allowed"] is False
        counts.seen += not what and any(one["indices"] for need in ours["needs"] for one in _told(need).values())
        if what and what != "unknown":
            yield seed, what, {**pair.question(near, far, who, method, path, body), "ours": ours}
