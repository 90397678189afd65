"""Random agreements between two clusters, people, and searches: few names, so that everything meets everything."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

HERE: Json = {"indices": ["own-1", "logs-1"]}
THERE: Json = {
    "indices": ["logs-1", "logs-2", "metrics-1", "hr", {"name": "hidden-1", "hidden": True}],
    "aliases": {"all-logs": ["logs-1", "logs-2"], "red-logs": {"logs-1": {"term": {"team": "red"}}}},
}
DOCUMENTS: dict[str, Json] = {
    "a": {"team": "red", "level": 1, "secret": "s", "o": {"x": 1, "y": 2}},
    "b": {"team": "blue", "level": 1, "secret": "t", "o": {"x": 3, "y": 4}},
    "c": {"team": "red", "level": 2, "secret": "u", "o": {"x": 5, "y": 6}},
}
QUERIES: tuple[dict[str, Any], ...] = (
    {"term": {"team": "red"}},
    {"term": {"team": "blue"}},
    {"term": {"level": 2}},
    {"match_all": {}},
)
# alias -> the model, the state of its key, whether it may be skipped. Two have keys that change, and stand by themselves.
ALIASES: dict[str, tuple[str, str, bool]] = {
    "one": ("api-key", "live", False),
    "two": ("api-key", "live", True),
    "cert": ("certificate", "live", False),
    "certs": ("certificate", "live", True),
    "gone": ("api-key", "revoked", False),
    "late": ("api-key", "expired", True),
    "rest": ("api-key", "wrong-type", True),
    "junk": ("api-key", "garbage", False),
    "bare": ("api-key", "absent", False),
}
KEYS = ("one", "two")
ROLES = tuple(f"r{number}" for number in range(8))
USERS = tuple(f"u{number}" for number in range(12))
API_KEYS = tuple(f"k{number}" for number in range(6))  # of whoever asks by one: each is somebody's
_HELD = (
    "logs-*",
    "logs-*",
    "logs-1",
    "logs-2",
    "*",
    "hr",
    "metrics-*",
    "all-logs",
    "all-*",
    "red-logs",
    "/logs-[12]/",
    "l?gs-1",
)
_ASKED = (
    *("logs-1", "logs-1", "logs-2", "logs-*", "logs-*", "*", "hr", "metrics-1", "all-logs", "all-*", "red-logs"),
    *("none", "logs-none", "none*", "_all", "hidden-1", "hidden*", "logs-1,{}logs-2", "logs-*,{}-logs-2", "*,{}-hr"),
)
_FIELDS: tuple[Json, ...] = (
    *({"grant": ["team"]}, {"grant": ["te*", "o.x"]}, {"grant": ["*"], "except": ["secret"]}, {"grant": ["o.*"]}),
    *({"grant": []}, {"grant": ["*"], "except": ["o.*", "team"]}),
)
_CLUSTERS = ("one", "one", "two", "o*", "t*", "*", "gone", "late", "rest", "junk", "nope", "/one|two/")
_FOUND_AS = (
    ("one",) * 6 + ("two",) * 5 + ("cert",) * 5 + ("certs",) * 3 + ("gone", "late", "rest", "junk", "bare", "nope")
)
_WILD = ("o*", "*o*", "t*", "ce*", "c*", "x*", "*")
_OPTIONS = (
    "ignore_unavailable=true",
    "allow_no_indices=false",
    "expand_wildcards=all",
    "ccs_minimize_roundtrips=false",
)


class _Random(random.Random):
    def some(self, of: Sequence[T], most: int, least: int = 0) -> list[T]:
        return [self.choice(of) for _ in range(self.randint(least, most))]


def _entry(rng: _Random, *, free: float = 0.55, privileges: bool = True) -> Json:
    entry: Json = {"names": sorted(set(rng.some(_HELD, 2, 1)))}
    if privileges:
        often = (["read"],) * 7
        entry["privileges"] = rng.choice(
            (*often, ["all"], ["write"], ["view_index_metadata"], ["read", "read_cross_cluster"])
        )
    if rng.random() > free:
        entry["query"] = rng.choice(QUERIES)
    if rng.random() > free:
        entry["field_security"] = rng.choice(_FIELDS)
    return entry


def _access(rng: _Random) -> Json:
    """Of a key. One that lets indices be followed has neither a query nor field rules."""
    if rng.random() < 0.2:
        searched = [{"names": sorted(set(rng.some(_HELD, 2, 1)))} for _ in range(rng.randint(0, 1))]
        found: Json = {"replication": [{"names": sorted(set(rng.some(_HELD, 2, 1)))}]}
        return {**found, "search": searched} if searched else found
    return {"search": [_entry(rng, privileges=False) for _ in range(rng.randint(1, 3))]}


def agreement(seed: int) -> Json:
    """What stands on both sides: the roles of each, who has which, and what the keys allow."""
    rng = _Random(seed)
    here: Json = {}
    for name in ROLES:
        own = (
            [{"names": rng.some(("own-*", "logs-1", "*"), 1, 1), "privileges": ["read"]}] if rng.random() < 0.5 else []
        )
        reaching = [
            _entry(rng) | {"clusters": sorted(set(rng.some(_CLUSTERS, 2, 1)))} for _ in range(rng.randint(0, 3))
        ]
        here[name] = {"indices": own, "remote_indices": reaching}
    there = {
        name: {"indices": [_entry(rng) for _ in range(rng.randint(0, 2))]} for name in ROLES if rng.random() < 0.75
    }
    users = {name: sorted(set(rng.some(ROLES, 3, 1))) for name in USERS}
    users["u0"], users["u1"] = ["superuser"], []
    access = {name: _access(rng) for name in KEYS}
    api_keys = {name: {"owner": rng.choice(USERS), "roles": _of_api_key(rng)} for name in API_KEYS}
    return {"here": here, "there": there, "users": users, "access": access, "api_keys": api_keys}


def _of_api_key(rng: _Random) -> Json:
    """The roles that a key has of its own; none: it is as its owner."""
    found: Json = {}
    for number in range(rng.randint(0, 2)):
        role: Json = {}
        if rng.random() < 0.6:
            role["indices"] = [_entry(rng)]
        if rng.random() < 0.75:
            clusters = sorted(set(rng.some(_CLUSTERS, 2, 1)))
            role["remote_indices"] = [_entry(rng) | {"clusters": clusters} for _ in range(rng.randint(1, 2))]
        found[f"a{number}"] = role
    return found


def search(seed: int | str) -> tuple[str, str]:
    """Who searches, and the path."""
    rng = _Random(f"search {seed}")
    parts: list[str] = []
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        alias = rng.choice(_WILD) if rng.random() < 0.12 else rng.choice(_FOUND_AS)
        parts.append(f"{alias}:" + rng.choice(_ASKED).format(f"{alias}:"))
    if rng.random() < 0.25:
        parts.insert(rng.randint(0, len(parts)), rng.choice(("own-1", "own-*", "logs-1", "*", "own-none")))
    if rng.random() < 0.1:
        parts.append(f"-{rng.choice((*KEYS, 'cert', 'c*', 'nope'))}:*")
    elif rng.random() < 0.08 and parts[-1].endswith("*"):
        parts.append("-" + parts[-1].rpartition(",")[2].partition(":")[0] + ":logs-2")
    if rng.random() < 0.06:
        parts.insert(
            0,
            rng.choice(
                (f"-{rng.choice((*KEYS, 'cert'))}:logs-1", f"{rng.choice((*KEYS, 'cert'))}:-logs-1", "-own-1", "-x")
            ),
        )
    options = ["size=1000", *(rng.some(_OPTIONS, 1, 1) if rng.random() < 0.25 else [])]
    return rng.choice(USERS if rng.random() < 0.9 else ("u0",)), f"/{','.join(parts)}/_search?{'&'.join(options)}"


@dataclass(frozen=True, slots=True)
class Asked:
    """`by_key`: the API key of theirs that they ask by, one of `agreement`'s; empty: with a password."""

    user: str
    method: str
    path: str
    body: Any = None
    by_key: str = ""


# Up to this share of the requests: what is asked about the names.
_KINDS = (
    (0.38, "_search"),
    (0.46, "_search by shard"),
    (0.52, "_search and scroll"),
    (0.57, "_pit"),
    (0.63, "_field_caps"),
    (0.69, "_resolve/index"),
    (0.75, "_resolve/cluster"),
    (0.82, "_terms_enum"),
    (0.88, "_count"),
    (0.95, "_msearch"),
    (1.0, "here"),
)
# What is never sent to another cluster.
_HERE = (
    *(("GET", "{}/_search_shards"), ("GET", "{}/_mapping"), ("GET", "{}/_settings"), ("GET", "{}/_stats")),
    *(("GET", "{}/_doc/a"), ("POST", "{}/_refresh"), ("GET", "{}/_alias"), ("GET", "{}/_source/a")),
)


def request(seed: int) -> Asked:
    """Who asks, and the request: mostly a search, and else what names of other clusters are asked for in other ways."""
    user, path = search(seed)
    names, _, options = path[1:].partition("/_search?")
    given = "&".join(one for one in options.split("&") if not one.startswith(("size", "ccs")))
    rng = _Random(f"kind {seed}")
    chance = rng.random()
    kind = next(kind for most, kind in _KINDS if chance < most)
    with_options = f"?{given}" if given else ""
    method, body = "GET", None  # type: str, Any
    if kind == "_search by shard":
        path += "&ccs_minimize_roundtrips=false"
    elif kind == "_search and scroll":
        path = f"/{names}/_search?size=2&scroll=1m&{given}".rstrip("&")
    elif kind == "_pit":
        method, path = "POST", f"/{names}/_pit?keep_alive=1m&{given}".rstrip("&")
    elif kind == "_field_caps":
        path = f"/{names}/_field_caps?fields=*&{given}".rstrip("&")
    elif kind.startswith("_resolve"):
        path = f"/{kind}/{names}{with_options}"
    elif kind == "_terms_enum":
        method, path, body = "POST", f"/{names}/_terms_enum", {"field": "team"}  # takes no options
    elif kind == "_count":
        path = f"/{names}/_count{with_options}"
    elif kind == "_msearch":
        method, path = "POST", "/_msearch"
        others = (search(f"{seed} {number}")[1][1:].partition("/_search?")[0] for number in range(rng.randint(0, 2)))
        body = [line for one in (names, *others) for line in ({"index": one}, {"size": 1000})]
    elif kind == "here":
        method, what = rng.choice(_HERE)
        path = "/" + what.format(names)
    return Asked(user, method, path, body, rng.choice(API_KEYS) if rng.random() < 0.2 else "")


def asked_as(held: Json, asked: Asked, version: str) -> Json:
    """As `portcullis decide` takes it."""
    found = question(held, asked.user, asked.path, version, asked.method)
    if asked.body is not None:
        found["request"]["body"] = asked.body
    if asked.by_key:
        of = held["api_keys"][asked.by_key]
        found["principal"] = {"name": of["owner"], "api_key": {"role_descriptors": of["roles"]}}
    return found


def question(held: Json, user: str, path: str, version: str, method: str = "GET") -> Json:
    """As `portcullis decide` takes it."""
    remotes = {
        alias: {
            "model": model,
            "skip_unavailable": skip,
            "key": {"state": state, "access": held["access"].get(alias, {})},
            "security": {"roles": held["there"]},
            "world": THERE,
        }
        for alias, (model, state, skip) in ALIASES.items()
    }
    return {
        "engine": f"elasticsearch-{version}",
        "security": {"roles": held["here"], "users": {name: {"roles": of} for name, of in held["users"].items()}},
        "principal": {"name": user},
        "request": {"method": method, "path": path},
        "world": HERE,
        "remotes": remotes,
    }
