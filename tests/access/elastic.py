"""Small worlds of Elasticsearch for the laws: few names, so that they collide; hostile ones among them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.families.elasticsearch.documents.config import MEMBERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.family import ELASTICSEARCH

ROLE_NAMES = ("readers", "writers", "a/b~c", 'dots.and "quotes"')
BUILT_IN = ("superuser", "kibana_user")
USER_NAMES = ("anna", "ben.support", "x/y,z")
MAPPING_NAMES = ("portcullis/demo/readers", "größe")
FIXED = {"metadata": {"_reserved": True}}

KEEPERS = ProtectedPrincipals.of(
    master="elastic",
    master_roles=ELASTICSEARCH.administrator_roles,
    master_list="users",
    automation="portcullis",
    automation_roles=ELASTICSEARCH.baseline().automation,
    automation_list="users",
    shut_out="break-glass",
)
ADMINISTRATOR: Json = {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}


def unique(values: st.SearchStrategy[str], size: int = 3, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=least, max_size=size, unique=True)


some = st.sampled_from
entries = st.fixed_dictionaries(
    {"names": unique(some(["logs-*", "orders"]), 2, 1), "privileges": unique(some(["read", "write"]), 2, 1)},
    optional={
        "query": some(['{"term": {"a": 1}}', {"term": {"a": 2}}, ""]),
        "field_security": some([{"grant": ["a"]}, {"grant": ["*"], "except": ["b"]}]),
    },
)
roles = st.fixed_dictionaries(
    {"cluster": unique(some(["monitor", "manage_security"]), 1), "indices": st.lists(entries, max_size=2)},
    optional={"metadata": some([{"team": "x"}, {}]), "run_as": some([[], ["anna"]])},
)
people = st.one_of(
    st.builds(lambda names: {"field": {"username": names}}, unique(some(["anna", "ben"]), 2, 1)),
    st.builds(lambda names: {"field": {"groups": names}}, unique(some(["blue", "red"]), 2, 1)),
)
rules = st.builds(
    lambda who: {"all": [{"field": {"realm.name": "tokens"}}, {"any": who}]}, st.lists(people, min_size=1, max_size=2)
)


_full_names = some([None, "by hand"])
_enabled = some([True, True, False])
_changes: st.SearchStrategy[Json] = some([{}, {"full_name": "Anna"}, {"enabled": False}])


@cache
def named(of: tuple[str, ...], size: int = 3, least: int = 0) -> st.SearchStrategy[list[str]]:
    """Some of these, each once. Made once: to make and check a strategy takes longer than to draw from it."""
    return unique(some(of), size, least)


@cache
def mappings(of: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"enabled": st.just(True), "roles": named(of, 2, 1), "rules": rules})


@st.composite
def held_states(draw: st.DrawFn) -> SecurityConfig:
    """Any state an engine may be in: roles, native users with roles that may not exist, role mappings, reserved ones of each."""
    held: dict[str, Json] = {name: draw(roles) for name in draw(named(ROLE_NAMES, 4))}
    held |= {name: {**ADMINISTRATOR, **FIXED} for name in BUILT_IN}
    held |= {name: dict(ELASTICSEARCH.baseline().documents[name]) for name in KEEPERS.keepers[1].roles}
    users: dict[str, Json] = {
        name: {
            "roles": draw(named((*ROLE_NAMES, *BUILT_IN), 4)),
            "full_name": draw(_full_names),
            "email": None,
            "metadata": {},
            "enabled": draw(_enabled),
        }
        for name in draw(named(USER_NAMES))
    }
    users["elastic"] = {"roles": ["superuser"], "enabled": True, **FIXED}
    users["portcullis"] = {"roles": list(KEEPERS.keepers[1].roles), "enabled": True}
    maps = {name: draw(mappings((*ROLE_NAMES, *BUILT_IN))) for name in draw(named(MAPPING_NAMES))}
    own: dict[str, Json] = {"own/look": {"actions": ["data:look"], "metadata": {}}} if draw(st.booleans()) else {}
    return SecurityConfig({Kind.ROLES: held, Kind.USERS: users, Kind.MAPPINGS: maps, Kind.PRIVILEGES: own})


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    """Any model over the same names: entries of roles and of users that may or may not exist, role mappings of roles that may."""
    wanted = {name: draw(roles) for name in draw(named(ROLE_NAMES))}
    users: dict[str, Json] = {name: draw(_changes) for name in draw(named(USER_NAMES))}
    grants = {
        name: {"users": dict.fromkeys(draw(named((*USER_NAMES, "elastic"), 3, 1)), "grant")}
        for name in draw(named((*ROLE_NAMES, *BUILT_IN), 4))
    }
    maps = {name: draw(mappings(ROLE_NAMES)) for name in draw(named(MAPPING_NAMES))}
    own: dict[str, Json] = {"own/look": {"actions": ["data:look:all"]}} if draw(st.booleans()) else {}
    documents: dict[str, Any] = {Kind.ROLES: wanted, Kind.USERS: users, Kind.MAPPINGS: maps, Kind.PRIVILEGES: own}
    return Desired(documents, grants)


def edited(held: SecurityConfig, other: SecurityConfig, kind: str) -> SecurityConfig:
    """What the other state has of a kind stands in this one as well; of who has a role: users have the roles that they have there."""
    if kind != MEMBERS:
        return SecurityConfig({**held.documents, kind: {**held.of(kind), **other.of(kind)}})
    users = {
        name: {**user, "roles": other.of(Kind.USERS)[name]["roles"]} if name in other.of(Kind.USERS) else user
        for name, user in held.of(Kind.USERS).items()
    }
    return SecurityConfig({**held.documents, Kind.USERS: users})
