"""Given roles, native users and role mappings, then each way to administration is told with what it hangs on, and nothing else is one."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.families import FAMILIES
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.finding import ELASTICSEARCH
from portcullis.families.elasticsearch.granting.signing_in import ROLE_MAPPING
from portcullis.families.elasticsearch.granting.who_has import MAPPING, REALM, administering_roles
from portcullis.families.finding import FINDS, finding

SECURITY = "cluster:admin/xpack/security/"
FIXED: Json = {"_reserved": True}
KEPT: Json = {"names": [".security*"], "privileges": ["write"], "allow_restricted_indices": True}


def user(*roles: str, **more: Any) -> Json:
    return {"roles": list(roles), "enabled": True, **more}


def held(role: Json, users: Json | None = None, mappings: Json | None = None, **roles: Json) -> SecurityConfig:
    """The role `team`, and a superuser of the start."""
    own = {"superuser": {"cluster": ["all"], "metadata": FIXED}, "team": role, **roles}
    everybody = {"elastic": user("superuser", metadata=FIXED), "anna": user("team"), **(users or {})}
    return SecurityConfig({Kind.ROLES: own, Kind.USERS: everybody, Kind.MAPPINGS: mappings or {}})


WAYS: list[tuple[Json, str, str]] = [
    ({"cluster": ["manage_security"]}, "may write native users (manage_security)", ""),
    ({"cluster": ["ALL"]}, "may write native users (ALL)", ""),
    ({"cluster": ["monitor", f"{SECURITY}user/put"]}, f"may write native users ({SECURITY}user/put)", ""),
    ({"cluster": [f"{SECURITY}user/*"]}, "may write native users", ""),
    ({"cluster": [f"{SECURITY}user/change_password"]}, "may set passwords", ""),
    ({"cluster": [f"{SECURITY}role/put"]}, "gives all to team, which is theirs", ""),
    ({"cluster": [f"{SECURITY}role/bulk_put"]}, "gives all to team, which is theirs", ""),
    ({"cluster": [f"{SECURITY}role_mapping/put"]}, "maps themselves to superuser", "they sign in by another realm"),
    ({"run_as": ["elastic"]}, "may act as elastic (run_as elastic), who has the role superuser", ""),
    ({"run_as": ["e*"]}, "may act as elastic (run_as e*)", ""),
    ({"run_as": ["/el.*@x/"]}, "may act as", "which only the engine can tell"),
    ({"indices": [KEPT]}, "may write the index that access is kept in (write on .security*", ""),
    ({"indices": [{**KEPT, "names": "*", "privileges": ["create_doc"]}]}, "create_doc on *", ""),
    ({"indices": [{**KEPT, "names": [".security-6"]}]}, "on .security-6", ""),
    ({"indices": [{**KEPT, "names": ["/.sec@/"]}]}, "on /.sec@/", "only the engine can tell"),
]


@pytest.mark.parametrize(("role", "words", "unless"), WAYS)
def test_a_way_to_administration_is_two_steps_in_words(role: Json, words: str, unless: str) -> None:
    config = held(role)
    way = ELASTICSEARCH.way_up(config, {"team"})
    assert way is not None
    assert (way.steps[0], len(way.steps)) == ("has the role team", 2)
    assert words in way.steps[1]
    assert unless in way.unless
    assert bool(way.unless) is bool(unless)
    assert "team" in administering_roles(config), "what is told is what the guard against a lock-out goes by"


NO_WAYS: list[Json] = [
    {"cluster": ["manage", "monitor", "read_security", "manage_api_key", "manage_own_api_key"]},
    {"cluster": [f"{SECURITY}user/get", f"{SECURITY}role/delete"]},
    {"run_as": ["ben", "dora", "nobody-here"]},
    {"indices": [{"names": ["*"], "privileges": ["all"]}]},
    {"indices": [{**KEPT, "privileges": ["read", "delete", "manage"]}]},
    {"indices": [{**KEPT, "names": ["logs-*"]}]},
    {"indices": [{**KEPT, "privileges": ["none", "all"]}]},
]


@pytest.mark.parametrize("role", NO_WAYS)
def test_what_leads_nowhere_is_no_way(role: Json) -> None:
    users = {"ben": user("plain"), "dora": user("superuser", enabled=False)}
    assert ELASTICSEARCH.way_up(held(role, users, plain={"cluster": ["monitor"]}), {"team"}) is None


def test_whoever_is_a_super_user_is_so_in_one_step() -> None:
    way = ELASTICSEARCH.way_up(held({"cluster": ["all"]}), {"team", "superuser"})
    assert way is not None
    assert way.steps == ("has the role superuser",)


def test_acting_as_somebody_goes_one_step_and_no_further() -> None:
    users = {"ben": user("keeper"), "carl": user("stand_in")}
    roles: dict[str, Json] = {"keeper": {"cluster": ["manage_security"]}, "stand_in": {"run_as": ["ben"]}}
    way = ELASTICSEARCH.way_up(held({"run_as": ["ben"]}, users, **roles), {"team"})
    assert way is not None
    assert way.steps[1] == "may act as ben (run_as ben), who has the role keeper"
    assert way.steps[2].startswith("may write native users")
    assert ELASTICSEARCH.way_up(held({"run_as": ["carl"]}, users, **roles), {"team"}) is None


def test_nobody_acts_as_a_native_user_who_writes_role_mappings_alone() -> None:
    users = {"ben": user("maps")}
    maps: Json = {"cluster": [f"{SECURITY}role_mapping/put"]}
    assert ELASTICSEARCH.way_up(held({"run_as": ["ben"]}, users, maps=maps), {"team"}) is None


def test_a_certain_way_comes_before_a_shorter_doubt() -> None:
    users = {"ben": user("keeper")}
    role: Json = {"cluster": [f"{SECURITY}role_mapping/put"], "run_as": ["ben"]}
    way = ELASTICSEARCH.way_up(held(role, users, keeper={"cluster": ["manage_security"]}), {"team"})
    assert way is not None
    assert (way.unless, len(way.steps)) == ("", 3)


def test_roles_miss_what_there_is_not_and_what_nobody_can_tell_is_left_out() -> None:
    names = ["oders-*", "orders-*", "billing", "/b.*/", "dc2:logs-*", ".security*", ".kibana*", ".ds-x-*"]
    role: Json = {"indices": [{"names": names, "privileges": ["read"]}, {"names": "one", "privileges": ["read"]}]}
    there = {"orders-1", "stream"}
    assert ELASTICSEARCH.misses(held(role), there) == (("team", "oders-*"), ("team", "billing"), ("team", "one"))
    nobodys = held({}, spare=role)
    assert ELASTICSEARCH.misses(nobodys, there) == (), "nobody may have it"
    mapped = held({}, mappings={"m": {"enabled": True, "roles": ["spare"], "rules": {"any": []}}}, spare=role)
    assert {one for one, _ in ELASTICSEARCH.misses(mapped, there)} == {"spare"}
    fixed = held({**role, "metadata": FIXED})
    assert ELASTICSEARCH.misses(fixed, there) == (), "the engine brought it along"


# ---------------------------------------------------------------------- role mappings


def token(name: str, *groups: str) -> Person:
    return Person("cognito_user", name, f"Cognito/p/{name}", Caller(name, groups, {REALM: "tokens"}))


OURS = {"field": {"realm.name": "tokens"}}
OTHER = {"field": {"realm.name": "other"}}
PEOPLE = (token("anna"), token("ben"), Person("internal_user", "elastic", "elastic", Caller("elastic")))


def name(*words: str) -> Json:
    return {"field": {"username": list(words) if len(words) > 1 else words[0]}}


@pytest.mark.parametrize(
    ("rules", "whom", "anybody"),
    [
        (name("a*"), {"anna"}, ""),
        ({"all": [OURS, name("*n*", "x")]}, {"anna", "ben"}, ""),
        ({"all": [OURS, name("z*")]}, set(), ""),
        (name("z*"), set(), ""),
        ({"all": [OTHER, name("a*")]}, None, ""),  # of that realm nobody is known
        ({"field": {"dn": "*,ou=staff"}}, None, ""),
        ({"all": [OURS, {"field": {"groups": "team-*"}}]}, None, ""),
        (name("/a@n/"), None, ""),
        ({"all": []}, {"anna", "ben"}, "any realm that role mappings count for"),
        (name("*"), {"anna", "ben"}, "any realm that role mappings count for"),
        (name("/.*/"), {"anna", "ben"}, "any realm that role mappings count for"),
        ({"field": {"realm.name": "*"}}, {"anna", "ben"}, "any realm that role mappings count for"),
        (OURS, {"anna", "ben"}, "the realm tokens"),
        (OTHER, set(), "the realm other"),
        ({"all": [OURS, name("*")]}, {"anna", "ben"}, "the realm tokens"),
        ({"all": [OURS, {"except": name("ben")}]}, {"anna"}, "the realm tokens, but for some"),
        ({"any": [OTHER, {"all": [OURS, name("z*")]}]}, set(), "the realm other"),
    ],
)
def test_whom_the_pattern_of_a_role_mapping_lets_in(rules: Json, whom: set[str] | None, anybody: str) -> None:
    config = held({}, mappings={"staff": {"enabled": True, "roles": ["team"], "rules": rules}})
    mapping = Person(ROLE_MAPPING, "staff", "whoever role_mapping/staff lets in", Caller("", (), {MAPPING: "staff"}))
    (one,) = ELASTICSEARCH.patterns(config, (*PEOPLE, mapping))
    assert (one.about, one.says, one.among) == ("staff", "role_mapping/staff", 2)
    assert (None if one.whom is None else {person.name for person in one.whom}) == whom
    assert one.anybody == (f"whoever comes in by {anybody}" if anybody else "")


@pytest.mark.parametrize(
    "rules", [name("zed"), {"field": {"groups": "staff"}}, {"any": []}, {"all": [OURS, name("a")]}]
)
def test_a_role_mapping_that_says_whom_it_means_is_no_pattern(rules: Json) -> None:
    config = held({}, mappings={"staff": {"enabled": True, "roles": ["team"], "rules": rules}})
    mapping = Person(ROLE_MAPPING, "staff", "whoever role_mapping/staff lets in", Caller("", (), {MAPPING: "staff"}))
    assert ELASTICSEARCH.patterns(config, (*PEOPLE, mapping)) == ()


def test_where_people_are_native_users_nobody_knows_whom_a_pattern_means() -> None:
    config = held({}, mappings={"staff": {"enabled": True, "roles": ["team"], "rules": name("a*")}})
    mapping = Person(ROLE_MAPPING, "staff", "whoever role_mapping/staff lets in", Caller("", (), {MAPPING: "staff"}))
    (one,) = ELASTICSEARCH.patterns(config, (PEOPLE[2], mapping))
    assert (one.whom, one.anybody) == (None, "")


# ---------------------------------------------------------------------- permissions in words


def test_the_permissions_of_a_role_say_what_they_are_on() -> None:
    role: Json = {
        "cluster": ["monitor"],
        "indices": [
            {"names": ["orders-*"], "privileges": ["read"], "field_security": {"grant": ["*"], "except": ["card"]}},
            {"names": ["*"], "privileges": ["monitor"]},
            {"names": ["/o[^r&]/"], "privileges": ["write"]},
        ],
        "run_as": ["ben"],
        "remote_indices": [{"clusters": ["dc2"], "names": ["logs-*"], "privileges": ["read"]}],
    }
    told = [
        (one.says, one.limits, one.covers)
        for one in ELASTICSEARCH.rules(held(role), "team", ("orders-1", ".security-7"))
    ]
    assert told == [
        ("cluster privileges monitor", "", ()),
        ("read on orders-*", "all fields without card", (0,)),
        ("monitor on *", "", (0,)),
        ("write on /o[^r&]/", "", None),
        ("acts as ben", "", ()),
        ("read on logs-* of remote dc2", "", ()),
    ]
    assert ELASTICSEARCH.rules(held({}), "gone", ("orders-1",)) == ()


def test_every_family_has_findings() -> None:
    assert set(FINDS) == set(FAMILIES)
    assert finding("elasticsearch") is ELASTICSEARCH
