"""Random configs of two OpenSearch clusters, and requests of one over the other: few names, so that everything meets everything."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
PASSWORD = "Filtered-Passw0rd-of-the-test"  # noqa: S105 - of users that are there for as long as these nodes run
HASH = "$2b$04$abcdefghijklmnopqrstuudsN2IgwUoQpzqArmrUsXtDe6phNckKO"  # of it, and cheap
ALIASES: dict[str, Json] = {"far": {}, "prox": {"mode": "proxy"}, "skip": {"skip_unavailable": True}}
DOCUMENTS: dict[str, Json] = {
    "a": {"team": "red", "who": "anna", "own": "x"},
    "b": {"team": "blue", "who": "ben", "own": "x"},
}
INDICES = ("over-1", "over-2", "over-hr", "over-shut")
MAPPED = {"properties": {name: {"type": "keyword"} for name in ("team", "who", "own")}}
RED, BLUE, ALL = '{"term": {"team": "red"}}', '{"term": {"team": "blue"}}', '{"match_all": {}}'
OF_TEAM = '{"term": {"team": "${attr.internal.team}"}}'
FOUND = {RED: "a", BLUE: "b", ALL: "ab"}
SETTING = "do_not_fail_on_forbidden"


def entry(names: Sequence[str], actions: Sequence[str], **limits: Any) -> Json:
    return {"index_patterns": list(names), "allowed_actions": list(actions), **limits}


def role(*entries: Json, cluster: Sequence[str] = ()) -> Json:
    return {"cluster_permissions": list(cluster), "index_permissions": list(entries)}


@dataclass
class Side:
    """What one of the two holds of a question: kind -> name -> document, and whether it leaves out what is forbidden."""

    roles: Json = field(default_factory=dict)
    rolesmapping: Json = field(default_factory=dict)
    internalusers: Json = field(default_factory=dict)
    leaves_out: bool = False

    @property
    def security(self) -> Json:
        return {"roles": self.roles, "rolesmapping": self.rolesmapping, "internalusers": self.internalusers}


def world(release: str, *, leaves_out: bool = False) -> Json:
    return {
        "indices": list(INDICES),
        "aliases": {"over-reds": {"over-1": json.loads(RED)}, "over-all": {"over-1": None, "over-2": None}},
        "closed": ["over-shut"],
        "release": release,
        SETTING: leaves_out,
    }


S, READ = "indices:data/read/search", "indices:data/read/*"
_LOOK = "indices:admin/shards/search_shards"
_ACTIONS = (
    *((S,), (S, _LOOK), (S, _LOOK), (READ, _LOOK, "indices:admin/resolve/index"), ("*",), (_LOOK,)),
    *(
        (S, _LOOK, "indices:data/read/field_caps*", "indices:admin/resolve/index"),
        ("indices:data/read/point_in_time/create",),
    ),
)
_NAMES = (
    *(("over-1",), ("over-*",), ("*",), ("over-hr",), ("over-2", "over-1"), ("over-reds",), ("over-all",), ("far:*",)),
    *(("over-sh*", "over-hr"), ("none-*",), ("prox:over-1", "over-1")),
)
_LIMITS: tuple[Json, ...] = (
    *({},) * 5,
    *(
        {"dls": RED},
        {"dls": BLUE},
        {"dls": ALL},
        {"dls": OF_TEAM},
        {"fls": ["~who"]},
        {"fls": ["team", "own"]},
        {"masked_fields": ["who"]},
    ),
    {"dls": RED, "fls": ["~own"], "masked_fields": ["who"]},
)
_USERS = ("over-ann", "over-ben", "over-kim")
_BACKEND = ("staff", "night")
_ROLES = ("over-r0", "over-r1", "over-r2", "over-r3")
_ASKED = (
    *(
        "far:over-1",
        "far:over-1",
        "far:over-*",
        "far:*",
        "prox:over-hr",
        "skip:over-1",
        "skip:over-hr",
        "far:over-reds",
    ),
    *("far:over-all", "*:over-1", "s*:over-*", "no*:over-1", "nope:over-1", "over-1,far:over-1", "over-*,far:over-2"),
    *(
        "far:over-hr,skip:over-1",
        "skip:over-hr,prox:over-1",
        "far:over-missing",
        "skip:over-missing",
        "far:none*",
        "far:_all",
    ),
    *(
        "none*,far:over-1",
        "over-missing,far:over-1",
        "far:over-*,far:-over-1",
        "far:over-1,far:over-2",
        "far:over-reds,far:over-1",
    ),
    *(
        "far:over-shut",
        "skip:over-shut",
        "over-hr",
        "far:over-*,-far:over-1",
        "*:over-reds",
        "*,far:over-1",
        "far:over-1,nope:x",
    ),
)
_HOW = (
    *("GET {}/_search",) * 8,
    *("GET {}/_search?ccs_minimize_roundtrips=false", "GET {}/_search?scroll=1m", "GET {}/_count"),
    *("GET {}/_search?ccs_minimize_roundtrips=false", "GET {}/_field_caps?fields=*", "GET _resolve/index/{}"),
    *(
        "POST {}/_search/point_in_time?keep_alive=1m",
        "POST _msearch",
        "GET {}/_doc/a",
        "GET {}/_mapping",
        "GET {}/_stats",
    ),
    *("GET {}/_search?ignore_unavailable=true", "GET {}/_search?expand_wildcards=all", "POST _bulk", "GET {}/_alias"),
)


def sides(seed: int) -> tuple[Side, Side]:
    """What both hold: few names, so that everything meets everything."""
    draw = random.Random(seed)
    users = {
        name: {
            "hash": HASH,
            "backend_roles": draw.sample(_BACKEND, draw.randint(0, 2)),
            "attributes": {"team": draw.choice(("red", "blue"))},
            "opendistro_security_roles": draw.sample(_ROLES, draw.choice((0, 0, 0, 1))),
        }
        for name in _USERS
    }
    near, far = (
        Side(
            _roles(draw),
            _mappings(draw),
            leaves_out=draw.random() < 0.3,
            internalusers=users if at == 0 else _others(draw),
        )
        for at in range(2)
    )
    return near, far


def _others(draw: random.Random) -> Json:
    """Internal users of the other side who have the same names: of them nothing counts."""
    picked = draw.sample(_USERS, draw.randint(0, 2))
    return {
        name: {"hash": HASH, "backend_roles": ["night"], "opendistro_security_roles": [draw.choice(_ROLES)]}
        for name in picked
    }


def _roles(draw: random.Random) -> Json:
    made = {}
    for name in draw.sample(_ROLES, draw.randint(2, 4)):
        entries = [
            entry(draw.choice(_NAMES), draw.choice(_ACTIONS), **draw.choice(_LIMITS))
            for _ in range(draw.choice((1, 1, 2)))
        ]
        made[name] = role(*entries, cluster=draw.choice(((), ("*",), ("indices:data/read/msearch",))))
    return made


def _mappings(draw: random.Random) -> Json:
    made: Json = {}
    for name in _ROLES:
        if draw.random() < 0.75:
            mapping: Json = {"users": draw.sample((*_USERS, "over-a*"), draw.randint(0, 2))}
            if draw.random() < 0.4:
                mapping["backend_roles"] = draw.sample((*_BACKEND, "st*"), 1)
            made[name] = mapping
    return made


def request(seed: int) -> tuple[str, str, str, Any]:
    """Who asks, and the method, the path and the body."""
    draw = random.Random(-seed - 1)
    asked = draw.choice(_ASKED)
    method, _, path = draw.choice(_HOW).partition(" ")
    body: Any = None
    if path.endswith("_doc/a"):
        asked = asked.partition(",")[0]
    if path == "_msearch":
        body = [{"index": asked}, {"query": {"match_all": {}}}, {"index": "far:over-1"}, {"size": 5}]
    if path == "_bulk":
        body = [{"create": {"_index": "far:over-1", "_id": "new"}}, {"own": "x"}]
    return draw.choice(_USERS), method, path.format(asked), body


def mapped(near: Side, far: Side) -> tuple[Side, Side]:
    """A mapping is of a role that there is."""
    for side in (near, far):
        side.rolesmapping = {name: one for name, one in side.rolesmapping.items() if name in side.roles}
        kept = list(side.roles)
        for user in side.internalusers.values():
            user["opendistro_security_roles"] = [one for one in user["opendistro_security_roles"] if one in kept]
    return near, far
