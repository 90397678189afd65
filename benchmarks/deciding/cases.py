"""Random security configs, worlds, people and questions: few names, so that everything meets everything, and the odd ones among them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

Case = dict[str, Any]
T = TypeVar("T")

SEARCH, GET = "indices:data/read/search", "indices:data/read/get"
ON_INDICES = (
    *(SEARCH,) * 8,
    GET,
    "indices:data/write/index",
    "indices:data/write/update",
    "indices:admin/create",
    "indices:admin/delete",
    "indices:monitor/settings/get",
    "indices:admin/mappings/get",
    "indices:plugins/own",
)
ON_CLUSTER = ("cluster:monitor/health", "indices:data/write/bulk")
ALLOWED = (
    *("read", "crud", SEARCH, "indices:data/read*", "*", "indices:*", "own_group", "indices:data/read/ge?"),
    *("indices:data/write/*", "indices:monitor/*", "indices:admin/*", "/indices:data.read.+/", "none_such", "deep"),
)
GROUPS: dict[str, Any] = {
    "read": {"allowed_actions": ["indices:data/read*"]},
    "write": {"allowed_actions": ["indices:data/write*"]},
    "crud": {"allowed_actions": ["read", "write"]},
    "own_group": {"allowed_actions": ["own_group", SEARCH]},
    "deep": {"allowed_actions": ["deeper"]},
    "deeper": {"allowed_actions": ["deep", GET]},
    "indices:monitor/*": {"allowed_actions": ["indices:admin/mappings/get"]},
}
INDICES = ("logs-a", "logs-b", "hr", "pay", "anna-1", ".hid-x", "logs-h", "metrics")
ALWAYS = "metrics"  # a real engine is never empty: it has the plugin's own index
STREAM, BEHIND = "s-web", (".ds-s-web-000001", ".ds-s-web-000002")
PATTERNS = (
    *("logs-a", "logs-*", "logs-*", "*", "*", "l?gs-a", "log?-*", "*-a", "*a*", "hr", "pay", "metrics", "*s"),
    *("/logs-[ab]/", "/.*-a/", r"/\w+/", "/(?:hr|pay)/", "${user.name}-*", "${user_name}-1", "${attr.internal.team}*"),
    *("${attr.internal.none}-*", "${user.name}", "<logs-{now/d}>", "<logs-{now/d{yyyy.MM.dd}}>", "<none-{now-1d/d}>"),
    *("all-logs", "al", "al*", "s-web", "s-*", ".ds-*", ".ds-s-web-000001", ".*", ".hid-x", "", "missing-*", "**"),
    *("/${user.name}-.*/", "lo*-*", "*-*", "logs-?", "/l.*/", "logs-missing"),
)
FILTERS = (
    *('{"term": {"a": 1}}', '{"term": {"a": 2}}', '{"match_all": {}}', '{"terms": {"x": [${user.roles}]}}'),
    *(
        '{"term": {"u": "${user.name}"}}',
        '{"terms": {"r": [${user.securityRoles}]}}',
        '{"term": {"t": "${attr.internal.team}"}}',
    ),
    *('{"term": {"t": "${attr_internal_team}"}}', " ", "{}", "no query", '{"term": {"a": 1}, "match_all": {}}'),
)
BROKEN = ('{"term": {"n": "${attr.internal.none}"}}', '{"terms": {"n": [${attr.internal.none}]}}')
FIELD_RULES = (
    *(["a"], ["~a"], ["a*"], ["o"], ["~o"], ["~o.x"], ["o.x"], ["!b"], ["*"], ["~*"], ["a", "~b"], ["/a|b/"]),
    *(["~/o.*/"], ["a?"], ["~m", "~o.x"], ["b", "m"], ["a.keyword"]),
)
MASK_RULES = (
    *(["m"], ["m::SHA-256"], ["*"], ["o"], ["o.*"], ["m::/x/::y"], ["a?", "m"], ["a*", "a"], ["b"]),
    *(["/m|a/"], ["m", "m::SHA-256"]),
)
FIELDS = ("a", "ab", "b", "m", "o", "o.x", "o.y", "o.x.keyword", "a.keyword", "m.keyword", "z")
USERS = ("anna", "an*", "a?na", "/an+a/", "ben", "*", "nobody", "", "b*d")
BACKEND = ("staff", "night", "st*", "*", "/st.f+/", "none", "")
HOSTS = ("10.0.0.1", "10.*", "*", "box*")
PEOPLE: tuple[dict[str, Any], ...] = (
    {"name": "anna", "backend_roles": ["staff", "night"], "attributes": {"attr.internal.team": "logs"}},
    {"name": "ben", "backend_roles": []},
    {"name": "ba*d", "backend_roles": ["staff"], "hosts": ["10.0.0.1", "box1"]},
    {"name": "logs", "backend_roles": ["none"], "attributes": {"attr.internal.team": "p*"}, "hosts": ["10.0.0.1"]},
)
ASKED: tuple[tuple[str, ...], ...] = (
    *(
        ("logs-a",),
        ("logs-b",),
        ("hr",),
        ("pay",),
        ("missing",),
        ("logs-missing",),
        ("anna-1",),
        (".hid-x",),
        ("logs-h",),
    ),
    *(("logs-*",), ("*",), ("_all",), (), ("none*",), ("*a*",), (".*",), (".h*",), ("lo*-a",), ("logs-a*", "hr")),
    *(
        ("all-logs",),
        ("al",),
        ("al*",),
        ("s-web",),
        ("s-*",),
        ("s-web", "logs-*"),
        ("s-web", "hr"),
        (".ds-s-web-000001",),
    ),
    *(("logs-a", "hr"), ("logs-*", "missing"), ("logs-*", "-logs-a"), ("*", "-hr"), ("-logs-a",), ("*", "-logs-*")),
    *(("<logs-{now/d}>",), ("<logs-{now/d}>", "hr"), ("all-logs", "hr"), ("logs-*", "al"), ("_all", "hr"), ("_x",)),
    *(("s-*", "-.ds-s-web-000001"), ("logs-a", "logs-a"), ("metrics", "logs-h")),
)
OPTIONS: tuple[dict[str, str], ...] = (
    *({},) * 6,
    {"expand_wildcards": "all"},
    {"expand_wildcards": "open,hidden"},
    {"expand_wildcards": "closed"},
    {"expand_wildcards": "none"},
    {"ignore_unavailable": "true"},
    {"allow_no_indices": "false"},
)


def today(now: datetime) -> str:
    return f"logs-{now:%Y.%m.%d}"


def case(seed: int, now: datetime) -> Case:
    """One config in one world, with some people and a dozen questions."""
    rng = random.Random(seed)
    roles = {
        f"r{n}": {"cluster_permissions": _some(rng, ALLOWED, 0, 1), "index_permissions": _entries(rng)}
        for n in range(rng.randint(1, 5))
    }
    mappings = {role: _mapping(rng) for role in roles if rng.random() < 0.95}
    users = {person["name"]: {"opendistro_security_roles": ["r0"]} for person in PEOPLE if rng.random() < 0.1}
    security = {"roles": roles, "rolesmapping": mappings, "actiongroups": GROUPS, "internalusers": users}
    people = rng.sample(PEOPLE, rng.randint(1, 3))
    world = _world(rng, now)
    questions = [_question(rng, people) for _ in range(12)]
    return {"security": security, "world": world, "people": people, "fields": list(FIELDS), "questions": questions}


def _entries(rng: random.Random) -> list[dict[str, Any]]:
    return [_entry(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]


def _entry(rng: random.Random) -> dict[str, Any]:
    entry: dict[str, Any] = {"index_patterns": _some(rng, PATTERNS, 1, 3), "allowed_actions": _some(rng, ALLOWED, 0, 2)}
    if rng.random() < 0.35:
        entry["dls"] = rng.choice(FILTERS if rng.random() < 0.95 else BROKEN)
    if rng.random() < 0.3:
        entry["fls"] = rng.choice(FIELD_RULES)
    if rng.random() < 0.3:
        entry["masked_fields"] = rng.choice(MASK_RULES)
    return entry


def _mapping(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"users": _some(rng, USERS, 0, 2)}
    if rng.random() < 0.4:
        made["backend_roles"] = _some(rng, BACKEND, 0, 2)
    if rng.random() < 0.25:
        made["and_backend_roles"] = _some(rng, BACKEND, 1, 2)
    if rng.random() < 0.15:
        made["hosts"] = _some(rng, HOSTS, 0, 2)
    return made


def _world(rng: random.Random, now: datetime) -> dict[str, Any]:
    indices = [name for name in (*INDICES, today(now)) if name == ALWAYS or rng.random() < 0.8]
    world: dict[str, Any] = {"indices": indices, "aliases": {}, "streams": {}}
    world["hidden"] = [name for name in indices if rng.random() < (0.7 if name in (".hid-x", "logs-h") else 0.05)]
    world["closed"] = [name for name in indices if name != ALWAYS and rng.random() < 0.06]
    if rng.random() < 0.4:
        behind = list(BEHIND[: rng.randint(1, 2)])
        world["streams"] = {STREAM: behind}
        world["indices"] = [*indices, *behind]
        world["hidden"] += behind
    for alias in ("all-logs", "al", "logs-alias"):
        if indices and rng.random() < 0.4:
            world["aliases"][alias] = rng.sample(indices, min(len(indices), rng.randint(1, 2)))
    world["do_not_fail_on_forbidden"] = rng.random() < 0.4
    world["settings"] = {"plugins.security.dfm_empty_overrides_all": "true"} if rng.random() < 0.3 else {}
    return world


def _question(rng: random.Random, people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    who = rng.choice(people)["name"]
    if rng.random() < 0.05:
        return {"who": who, "action": rng.choice(ON_CLUSTER), "indices": []}
    action = rng.choice(ON_INDICES)
    asked = rng.choice(ASKED)
    if action in (GET, "indices:data/write/index", "indices:data/write/update", "indices:admin/create"):
        asked = (next(iter(asked), "hr"),)
        asked = ("hr",) if "*" in asked[0] or asked[0].startswith(("_", "-", "<")) else asked
    if action == "indices:admin/delete" and not asked:
        asked = ("*",)
    question: dict[str, Any] = {"who": who, "action": action, "indices": list(asked)}
    if action == SEARCH and (options := rng.choice(OPTIONS)):
        question["options"] = options
    return question


def _some(rng: random.Random, of: Sequence[T], least: int, most: int) -> list[T]:
    return rng.sample(of, rng.randint(least, most))


def smaller(one: Case) -> list[Case]:
    """The case with one thing less, in every way there is."""
    made: list[Case] = []

    def drop(path: tuple[Any, ...], key: Any) -> None:
        made.append(_without(one, (*path, key)))

    def within(path: tuple[Any, ...], part: Any, leave: Callable[[tuple[Any, ...]], bool]) -> None:
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, inner in items:
            if not leave((*path, key)) and inner != ALWAYS:
                drop(path, key)
            within((*path, key), inner, leave)

    within(("security",), one["security"], lambda path: len(path) == 2)
    within(
        ("world",),
        one["world"],
        lambda path: len(path) == 2 and path[1] in ("indices", "aliases", "streams", "hidden", "closed"),
    )
    within(("fields",), one["fields"], lambda path: False)
    for at, question in enumerate(one["questions"]):
        within(("questions", at), question, lambda path: path[-1] in ("who", "action", "indices"))
    return made


def _without(part: Any, path: tuple[Any, ...]) -> Any:
    key, *rest = path
    if isinstance(part, dict):
        if not rest:
            return {name: value for name, value in part.items() if name != key}
        return {name: _without(value, tuple(rest)) if name == key else value for name, value in part.items()}
    if not rest:
        return [value for at, value in enumerate(part) if at != key]
    return [_without(value, tuple(rest)) if at == key else value for at, value in enumerate(part)]
