"""The same agreement on a real pair and in ours, the same searches asked of both, and what differs."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from portcullis.adapters.keystores.files import KeystoreFiles
from portcullis.families.elasticsearch.deciding.decide import Fields
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.ports.remotes import KeyText

from benchmarks.reaching.cases import (
    ALIASES,
    DOCUMENTS,
    HERE,
    KEYS,
    QUERIES,
    THERE,
    USERS,
    Asked,
    Json,
    agreement,
    asked_as,
    request,
)
from local.elastic.keystore import TOOL
from local.elastic.node import Elasticsearch
from local.elastic.pair import Pair
from local.processes import LOOPBACK

_NOBODY = {"search": [{"names": ["portcullis-none"]}]}
_MATCHING = {
    json.dumps(query, sort_keys=True): ids for query, ids in zip(QUERIES, ("ac", "b", "c", "abc"), strict=True)
}
_MAPPED = {"team": "keyword", "level": "long", "secret": "keyword"}
_BUSY, _TRIES = 429, 90
_PASSWORD = "not asked for"  # noqa: S105
AT_ONCE = 100  # searches of one agreement: writing it takes seconds, a search hardly any


@dataclass(frozen=True, slots=True)
class Found:
    seed: int
    what: str
    more: bool  # more is seen than we say
    asked: Json


@dataclass(slots=True)
class Counts:
    cases: int = 0
    refused: int = 0
    seen: int = 0  # answers with documents of a remote
    skipped: int = 0
    status_open: int = 0  # refused, or an error, without our saying which
    unknown: int = 0
    by_key: int = 0  # asked by an API key
    several: int = 0  # over two remotes or more
    busy: int = 0  # refused for want of memory for a minute and a half: nothing was decided, and they are no cases


class Reached:
    """A pair that has every alias of `cases.ALIASES`, and holds one agreement at a time."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._context = ssl.create_default_context(cafile=str(pair.local.ca))
        self._connection: http.client.HTTPSConnection | None = None
        self._api_keys: dict[str, Json] = {}
        self._fill()
        self._keys = {name: self._key(name) for name in KEYS}
        self._connect()

    def _fill(self) -> None:
        for node, world in ((self.pair.local, HERE), (self.pair.remote, THERE)):
            for one in world["indices"]:
                name, hidden = (one, False) if isinstance(one, str) else (one["name"], one["hidden"])
                mapped = {"properties": {field: {"type": kind} for field, kind in _MAPPED.items()}}
                done(
                    node,
                    "PUT",
                    f"/{name}",
                    {"settings": {"hidden": hidden, "number_of_replicas": 0}, "mappings": mapped},
                )
                for key, document in DOCUMENTS.items():
                    done(node, "PUT", f"/{name}/_doc/{key}?refresh=true", document)
        for alias, of in THERE["aliases"].items():
            for index in of:
                rule = of[index] if isinstance(of, dict) else None
                done(self.pair.remote, "PUT", f"/{index}/_alias/{alias}", {"filter": rule} if rule else {})
        for name in USERS:
            done(self.pair.local, "PUT", f"/_security/user/{name}", {"password": _PASSWORD, "roles": []})

    def _key(self, name: str, **more: Any) -> Json:
        made: Json = done(
            self.pair.remote, "POST", "/_security/cross_cluster/api_key", {"name": name, "access": _NOBODY, **more}
        )
        return made

    def _connect(self) -> None:
        gone, late = self._key("gone"), self._key("late", expiration="1s")
        other = done(self.pair.remote, "POST", "/_security/api_key", {"name": "rest"})
        texts = {name: key["encoded"] for name, key in self._keys.items()}
        texts |= {"gone": gone["encoded"], "late": late["encoded"], "rest": other["encoded"], "junk": "no key"}
        keystore = KeystoreFiles({"local": self.pair.local.home / "config"}, TOOL)
        for alias, text in texts.items():
            keystore.put("local", alias, KeyText(alias, text))
        done(self.pair.local, "POST", "/_nodes/reload_secure_settings")
        for alias, (model, _, skip) in ALIASES.items():
            port = self.pair.interface if model == "api-key" else self.pair.remote.transport_port
            _point(self.pair.local, alias, port, skip)
        done(self.pair.remote, "DELETE", "/_security/api_key", {"ids": [gone["id"]]})
        for alias in (*KEYS, "cert"):  # connected
            done(self.pair.local, "GET", f"/{alias}:none*/_search")

    def hold(self, held: Json) -> None:
        """Both sides hold this agreement, and nothing of the one before."""
        done(self.pair.local, "POST", "/_security/role", {"roles": held["here"]})
        done(self.pair.remote, "POST", "/_security/role", {"roles": held["there"]})
        left = sorted(set(held["here"]) - set(held["there"]))
        if left:
            done(self.pair.remote, "DELETE", "/_security/role", {"names": left})
        for name, roles in held["users"].items():
            done(self.pair.local, "PUT", f"/_security/user/{name}", {"roles": roles, "enabled": True})
        for name, access in held["access"].items():
            done(
                self.pair.remote,
                "PUT",
                f"/_security/cross_cluster/api_key/{self._keys[name]['id']}",
                {"access": access},
            )
        if self._api_keys:
            ids = [one["id"] for one in self._api_keys.values()]
            done(self.pair.local, "DELETE", "/_security/api_key", {"ids": ids})
        self._api_keys = {name: self._api_key(name, one) for name, one in held.get("api_keys", {}).items()}

    def _api_key(self, name: str, one: Json) -> Json:
        """Made after the roles of its owner, of which it keeps what they were."""
        who = {"grant_type": "password", "username": one["owner"], "password": _PASSWORD}
        given = {"name": name, "role_descriptors": one["roles"]}
        made: Json = done(self.pair.local, "POST", "/_security/api_key/grant", {**who, "api_key": given})
        return made

    def ask(self, asked: Asked, *, themselves: bool = False) -> tuple[int, Json]:
        """As this user, whom the superuser runs as: nobody's password has to be hashed for each request. Of a scroll all pages.
        `themselves`: with their password, for what is answered otherwise to whoever runs as them."""
        by_key = self._api_keys[asked.by_key]["encoded"] if asked.by_key else ""
        ours = self._as(self.pair.local.user)
        theirs = {"authorization": f"ApiKey {by_key}"} if by_key else self._as(asked.user)
        if themselves and not by_key:
            theirs = {"authorization": f"Basic {base64.b64encode(f'{asked.user}:{_PASSWORD}'.encode()).decode()}"}
        status, body = self._ask(theirs, asked.method, asked.path, asked.body)
        if status == 200 and "_scroll_id" in body:
            page, whole = body, body["hits"]["hits"]
            while page["hits"]["hits"]:
                status, page = self._ask(
                    theirs, "POST", "/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]}
                )
                if status != 200:
                    return status, page
                whole += page["hits"]["hits"]
            self._ask(ours, "DELETE", "/_search/scroll", {"scroll_id": body["_scroll_id"]})
        if status == 200 and "/_pit" in asked.path:
            self._ask(ours, "DELETE", "/_pit", {"id": body["id"]})
        return status, body

    def _as(self, user: str) -> dict[str, str]:
        own = base64.b64encode(f"{self.pair.local.user}:{self.pair.local.password}".encode()).decode()
        return {"authorization": f"Basic {own}", "es-security-runas-user": user}

    def _ask(self, who: dict[str, str], method: str, path: str, said: Any = None) -> tuple[int, Json]:
        headers = {**who, "content-type": "application/json"}
        text = (
            "".join(f"{json.dumps(one)}\n" for one in said)
            if isinstance(said, list)
            else json.dumps(said)
            if said
            else None
        )
        for last in (False,) * (_TRIES - 1) + (True,):
            connection = self._connection or http.client.HTTPSConnection(
                LOOPBACK, self.pair.local.port, context=self._context, timeout=60
            )
            self._connection = connection
            try:
                connection.request(method, quote(path, safe="/?&=%*,:"), text, headers)
                answer = connection.getresponse()
                status, body = answer.status, json.loads(answer.read())
                if status != _BUSY or last:
                    return status, body
                # With little memory a node takes nothing more for a moment, and decides nothing: it is asked again.
                time.sleep(1)
            except (OSError, http.client.HTTPException):
                connection.close()
                self._connection = None
                if last:
                    raise
        raise AssertionError("the last try answers or raises")


def done(node: Elasticsearch, method: str, path: str, body: Any = None) -> Any:
    status, answer = node.ask(method, path, body)
    if status not in (200, 201):
        raise RuntimeError(f"{method} {path}: {status} {str(answer)[:500]}")
    if isinstance(answer, dict) and isinstance(answer.get("errors"), dict) and answer["errors"].get("count"):
        raise RuntimeError(f"{method} {path}: {str(answer['errors'])[:500]}")
    return answer


def _point(node: Elasticsearch, alias: str, port: int, skip: bool) -> None:
    at = f"cluster.remote.{alias}."
    done(
        node,
        "PUT",
        "/_cluster/settings",
        {"persistent": {f"{at}mode": "proxy", f"{at}proxy_address": f"{LOOPBACK}:{port}"}},
    )
    for value in (not skip, skip):  # 8.19 forgets one that is set together with the mode
        done(node, "PUT", "/_cluster/settings", {"persistent": {f"{at}skip_unavailable": value}})


def play(reached: Reached, count: int, counts: Counts, start: int = 0, at_once: int = AT_ONCE) -> Iterator[Found]:
    """What differs in so many searches."""
    held: Json = {}
    for seed in range(start, start + count):
        if not held or seed % at_once == 0:
            held = agreement(seed // at_once)
            reached.hold(held)
        wanted = request(seed)
        asked = asked_as(held, wanted, reached.pair.local.version)
        ours, theirs = answer_question(asked), reached.ask(wanted)
        if (ours["status"], theirs[0]) == (
            400,
            403,
        ):  # 8 refuses a wildcard to whoever runs as somebody, and tells themselves why
            theirs = reached.ask(wanted, themselves=True)
        counts.by_key += bool(wanted.by_key)
        counts.several += len(ours.get("remotes", ())) > 1
        if what := differs(ours, *theirs, counts, wanted.path):
            said = {**asked, "theirs": [theirs[0], str(theirs[1])[:1500]], "ours": ours}
            yield Found(seed, what[0], what[1], said)


def differs(ours: Json, status: int, body: Json, counts: Counts, path: str) -> tuple[str, bool] | None:
    """What we say otherwise than the engine, and whether more is seen than we say."""
    if status == _BUSY:
        counts.busy += 1
        return None
    counts.cases += 1
    if ours["allowed"] is None and ours["status"] is None and not ours.get("remotes"):
        counts.unknown += 1
        return None
    if ours["status"] is None:
        if any(one["allowed"] is None for one in ours["remotes"].values()):
            counts.unknown += 1
            return None
        counts.status_open += 1
        return None if status >= 400 else (f"status {status}, ours an error", True)
    if "/_pit" in path and status == 500 and _twice(ours):
        counts.status_open += 1  # these aliases are all of one cluster, and of one shard there is one point in time
        return None
    if status != ours["status"]:
        return f"status {status}, ours {ours['status']}", status == 200
    if status != 200:
        counts.refused += 1
        return None
    if "items" in ours:
        return _other_items(ours, body, counts)
    if "/_pit" in path or "remotes" not in ours:  # not sent to another cluster
        return None
    if "/_count" in path:
        return _other_count(ours, body)
    if "_resolve/cluster" in path:
        return _other_clusters(ours, body)
    if "_terms_enum" in path:  # what took longer than a second is left out, and said so
        return _other_terms(ours, body) if body["complete"] else None
    if "_resolve/" in path or "_field_caps" in path:
        return _other_names(ours, set(_named(body)))
    skipped = {
        alias for alias, one in body.get("_clusters", {}).get("details", {}).items() if one["status"] == "skipped"
    }
    said = {alias for alias, one in ours["remotes"].items() if one["skipped"]} if "remotes" in ours else set()
    if skipped != said:
        return f"skipped {sorted(skipped)}, ours {sorted(said)}", bool(said - skipped)
    counts.skipped += bool(skipped)
    # The engine's own index stands in no question's world: a superuser who asks for everything that is hidden sees it.
    hits = (hit for hit in body["hits"]["hits"] if not hit["_index"].rpartition(":")[2].startswith(".security"))
    theirs = {(hit["_index"], hit["_id"]): set(_leaves(hit.get("_source", {}))) for hit in hits}
    expected = dict(_expected(ours))
    counts.seen += any(":" in index for index, _ in theirs)
    if theirs != expected:
        lacking = [f"{at} {sorted(of)}" for at, of in theirs.items() if expected.get(at) != of]
        beyond = [f"{at} {sorted(of)}" for at, of in expected.items() if theirs.get(at) != of]
        more = any(not fields <= expected.get(at, set()) or at not in expected for at, fields in theirs.items())
        return f"seen {lacking[:4]}, ours {beyond[:4]}", more
    return None


def _other_items(ours: Json, body: Json, counts: Counts) -> tuple[str, bool] | None:
    """Of several searches each by itself."""
    found = []
    for number, (told, one) in enumerate(zip(ours["items"], body["responses"], strict=True)):
        if other := differs(told, one["status"], one, replace(counts), ""):
            found.append((f"item {number}: {other[0]}", other[1]))
    return ("; ".join(what for what, _ in found), any(more for _, more in found)) if found else None


def _other_count(ours: Json, body: Json) -> tuple[str, bool] | None:
    """The engine's own index, which stands in no question's world, is counted for whoever sees everything that is hidden."""
    told, theirs = len(dict(_expected(ours))), body["count"]
    if told == theirs or (told < theirs and "superuser" in ours["roles"]):
        return None
    return f"count {theirs}, ours {told}", theirs > told


def _twice(ours: Json) -> bool:
    names = [index for told in ours.get("remotes", {}).values() for index in told["views"]]
    return len(set(names)) < len(names)


def _named(body: Json) -> Iterator[str]:
    """The indices in an answer about which names or fields there are."""
    for one in body["indices"]:
        yield one if isinstance(one, str) else one["name"]
    for one in body.get("aliases", ()):
        cluster, colon, _ = one["name"].rpartition(":")
        yield from (f"{cluster}{colon}{index}" for index in one["indices"])


def _other_names(ours: Json, theirs: set[str]) -> tuple[str, bool] | None:
    theirs = {one for one in theirs if not one.rpartition(":")[2].startswith(".security")}
    expected = {*ours["views"], *(f"{alias}:{one}" for alias, of in ours["remotes"].items() for one in of["views"])}
    if theirs == expected:
        return None
    return f"named {sorted(theirs)}, ours {sorted(expected)}", bool(theirs - expected)


def _other_clusters(ours: Json, body: Json) -> tuple[str, bool] | None:
    """Which clusters have something that matches, have nothing, or refuse."""
    theirs = {alias: _state(one.get("connected"), one.get("matching_indices")) for alias, one in body.items()}
    told = {alias: _state(one["allowed"], one["views"]) for alias, one in ours["remotes"].items()}
    if "(local)" in theirs:
        told["(local)"] = _state(True, ours["views"])
    return None if theirs == told else (f"clusters {theirs}, ours {told}", "matches" in {*theirs.values()})


def _state(lets_in: Any, has: Any) -> str:
    return "refuses" if not lets_in else "matches" if has else "nothing"


def _other_terms(ours: Json, body: Json) -> tuple[str, bool] | None:
    """Which terms of the field `team` there are, and from how many indices they are."""
    limits = [_with_key(view) for view in ours["views"].values()]
    limits += [of for told in ours.get("remotes", {}).values() for of in told["views"].values()]
    shown = any(all(_fields(one).sees("team") for one in of) for of in limits)
    told = (len(limits), ["blue", "red"] if shown else [])
    theirs = (body["_shards"]["total"], sorted(body["terms"]))
    return None if theirs == told else (f"terms {theirs}, ours {told}", len(theirs[1]) > len(told[1]))


def _expected(ours: Json) -> Iterator[tuple[tuple[str, str], set[str]]]:
    for index, view in ours["views"].items():
        yield from _seen(index, _with_key(view))
    for alias, told in ours.get("remotes", {}).items():
        for index, limits in told["views"].items():
            yield from _seen(f"{alias}:{index}", limits)


def _with_key(view: Json) -> list[Json]:
    """Of this cluster, with the limits of whose API key it is, if it has any."""
    return [view, view["within"]] if "within" in view else [view]


def _seen(index: str, limits: list[Json]) -> Iterator[tuple[tuple[str, str], set[str]]]:
    for key, document in DOCUMENTS.items():
        shown = {name for name in _leaves(document) if all(_fields(limit).sees(name) for limit in limits)}
        if all(_let_through(limit, key, shown) for limit in limits):
            yield (index, key), shown


def _let_through(limit: Json, key: str, shown: set[str]) -> bool:
    """A role's query sees all fields, the filter of an alias only those that the caller sees."""
    by_alias = [query for query in limit["alias_filters"] if set(json.loads(query).get("term", {})) <= shown]
    rules = [limit["documents"]] if limit["documents"] != "all" else []
    rules += [by_alias] if limit["alias_filters"] else []
    return all(any(key in _MATCHING[json.dumps(json.loads(query), sort_keys=True)] for query in of) for of in rules)


def _fields(limit: Json) -> Fields:
    rules = limit["fields"]
    return Fields() if rules == "all" else Fields(tuple((tuple(one["grant"]), tuple(one["except"])) for one in rules))


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"
