"""Small worlds for the laws: few names, so that they collide; hostile ones among them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH

ROLE_NAMES = ("readers", "writers", "a/b~c", 'dots.and "quotes"', "größe")
BUILT_IN = ("all_access", "security_manager", "kibana_user")
ENTRIES = ("anna", "Cognito/pool/ben", "arn:aws:iam::1:role/x,y", "~1/~0", "*", "łukasz ")

MASTER = "arn:aws:iam::1:role/master"
AUTOMATION = "arn:aws:iam::1:role/automation"
BREAK_GLASS = "arn:aws:iam::1:role/break-glass"
KEEPERS = ProtectedPrincipals.of(
    master_roles=OPENSEARCH.administrator_roles,
    master=MASTER,
    automation=AUTOMATION,
    automation_roles=("security_manager", "lock"),
    shut_out=BREAK_GLASS,
)
WINDOW = KEEPERS.while_locked(BREAK_GLASS, ("break_glass",))


def role(*actions: str, patterns: tuple[str, ...] = ("logs-*",), **more: Any) -> Json:
    permission: Json = {"index_patterns": list(patterns), "allowed_actions": list(actions), **more}
    return {"cluster_permissions": [], "index_permissions": [permission], "tenant_permissions": []}


def mapping(**lists: list[str]) -> Json:
    return {name: list(lists.get(name, [])) for name in MAPPING_LISTS}


def wanted(
    roles: dict[str, Json] | None = None, entries: dict[str, dict[str, dict[str, str]]] | None = None, **kinds: Any
) -> Desired:
    documents = {Kind.ROLES: roles or {}} | {Kind[name.upper()]: named for name, named in kinds.items()}
    return Desired(documents, entries or {})


def holding(
    roles: dict[str, Json] | None = None, mappings: dict[str, Json] | None = None, **kinds: Any
) -> SecurityConfig:
    documents: dict[Kind, dict[str, Json]] = {Kind.ROLES: roles or {}, Kind.MAPPINGS: mappings or {}}
    return SecurityConfig(documents | {Kind[name.upper()]: named for name, named in kinds.items()})


def house(**mappings: Json) -> SecurityConfig:
    """A domain as it is set up: the keepers mapped, nobody else but those given."""
    base = {
        "all_access": mapping(backend_roles=[MASTER]),
        "security_manager": mapping(backend_roles=[MASTER, AUTOMATION]),
        "lock": mapping(backend_roles=[AUTOMATION]),
    }
    roles = {name: role("*") for name in (*base, *mappings, "kibana_user", "break_glass")}
    return holding(roles, base | mappings)


def unique(values: st.SearchStrategy[str], size: int = 4) -> st.SearchStrategy[list[str]]:
    return st.lists(values, max_size=size, unique=True)


@cache
def named(of: tuple[str, ...], size: int = 4) -> st.SearchStrategy[list[str]]:
    """Some of these, each once. Made once: to make and check a strategy takes longer than to draw from it."""
    return unique(st.sampled_from(of), size)


_roles = st.builds(
    lambda actions, patterns, dls, fls, masked: role(
        *actions, patterns=tuple(patterns), dls=dls, fls=fls, masked_fields=masked
    ),
    unique(st.sampled_from(["read", "write", "crud"]), 2),
    st.lists(st.sampled_from(["logs-*", "orders"]), min_size=1, max_size=2, unique=True),
    st.sampled_from(["", None, '{"term": {"a": 1}}']),
    unique(st.sampled_from(["a", "~b"]), 2),
    unique(st.sampled_from(["c", "d::/x/::y"]), 2),
)
_descriptions = st.sampled_from([None, "", "by hand"])
_lists = st.fixed_dictionaries({name: unique(st.sampled_from(ENTRIES)) for name in MAPPING_LISTS})


@st.composite
def mapping_documents(draw: st.DrawFn) -> Json:
    document: Json = dict(draw(_lists))
    description = draw(_descriptions)
    return document if description is None else document | {"description": description}


@st.composite
def held_states(draw: st.DrawFn) -> SecurityConfig:
    """Any state an engine may be in: roles, mappings of roles that exist, some of them reserved, an internal user."""
    names = draw(named(ROLE_NAMES, 5))
    roles: dict[str, Json] = {name: draw(_roles) for name in names}
    roles |= {name: role("*") | {"reserved": True} for name in (*BUILT_IN, "lock", "break_glass")}
    mapped = draw(named(tuple(sorted(roles)), 6))
    mappings = {name: draw(mapping_documents()) for name in mapped}
    if mapped and draw(st.booleans()):
        mappings[mapped[0]]["reserved"] = True
    users = {"anna": {"backend_roles": ["x"], "opendistro_security_roles": draw(named(BUILT_IN, 2))}}
    groups = {"mine": {"allowed_actions": draw(named(("read", "write")))}} if draw(st.booleans()) else {}
    return holding(roles, mappings, users=users, action_groups=groups)


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    """Any model over the same names: entries of roles that may or may not exist, and-lists included."""
    roles = {name: draw(_roles) for name in draw(named(ROLE_NAMES))}
    entries: dict[str, dict[str, dict[str, str]]] = {}
    for name in draw(named((*ROLE_NAMES, *BUILT_IN), 5)):
        lists = draw(_lists)
        entries[name] = {k: dict.fromkeys(v, "grant") for k, v in lists.items() if v and k != "hosts"}
    groups = {"mine": {"allowed_actions": ["read"]}} if draw(st.booleans()) else {}
    tenants: dict[str, Json] = {"team": {"description": "the team's"}} if draw(st.booleans()) else {}
    return wanted(roles, entries, action_groups=groups, tenants=tenants)


def edited(held: SecurityConfig, other: SecurityConfig, kind: str) -> SecurityConfig:
    """What the other state has of a kind stands in this one as well: mappings of roles that are there."""
    there = held.of(Kind.ROLES) if kind == Kind.MAPPINGS else other.of(kind)
    more = {name: document for name, document in other.of(kind).items() if name in there}
    return SecurityConfig({**held.documents, kind: {**held.of(kind), **more}})
