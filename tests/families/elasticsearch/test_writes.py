"""The laws of writing: the end is what was wanted, nothing is done twice, and nobody has more on the way than before or after."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.errors import Refused
from portcullis.families.elasticsearch.documents import compare, rights
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.writes import simulate, writes
from portcullis.families.elasticsearch.granting.callers import Caller, roles_of
from portcullis.families.elasticsearch.known.release import Release

NEW, OLD = Release.of("9.5.3"), Release.of("6.8.23")
NAMES = ["ann", "bob"]
GROUPS = ["blue", "red"]
CALLERS = [Caller(name, "people", groups) for name in NAMES for groups in ((), ("blue",), ("red",), ("blue", "red"))]

some = st.sampled_from


def lists(words: list[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(some(words), min_size=least, max_size=2, unique=True)


entries = st.fixed_dictionaries(
    {"names": lists(["a", "b", "*"], 1), "privileges": lists(["read", "write"], 1)},
    optional={
        "query": some(['{"term": {"x": 1}}', {"term": {"x": 2}}, ""]),
        "field_security": some([{"grant": ["x"]}, {"grant": ["*"], "except": ["y"]}]),
    },
)
applications = st.fixed_dictionaries(
    {"application": some(["kibana", "own"]), "privileges": lists(["read", "all"], 1), "resources": st.just(["*"])}
)
roles = st.fixed_dictionaries(
    {"cluster": lists(["monitor", "manage"]), "indices": st.lists(entries, max_size=3)},
    optional={"applications": st.lists(applications, max_size=1), "description": some(["one", "two"])},
)
fields = st.one_of(
    st.builds(lambda of: {"field": {"username": of}}, lists(NAMES, 1)),
    st.builds(lambda of: {"field": {"groups": of}}, lists(GROUPS, 1)),
    st.just({"field": {"realm.name": "people"}}),
)
rules = st.recursive(
    fields,
    lambda inner: st.one_of(
        st.builds(lambda of: {"any": of}, st.lists(inner, max_size=3)),
        st.builds(lambda of: {"all": of}, st.lists(inner, max_size=3)),
        st.builds(lambda of: {"all": [{"field": {"realm.name": "people"}}, {"except": of}]}, inner),
    ),
    max_leaves=5,
)
mappings = st.fixed_dictionaries({"roles": lists(["r", "s", "superuser"], 1), "enabled": st.booleans(), "rules": rules})
users = st.fixed_dictionaries(
    {"roles": lists(["r", "s", "superuser"])},
    optional={
        "enabled": st.booleans(),
        "metadata": some([{"team": "x"}, {"team": "y"}]),
        "full_name": some(["A", "B"]),
    },
)
privileges = st.fixed_dictionaries({"actions": lists(["read:*", "write:*"], 1)})
keys = st.fixed_dictionaries({"role_descriptors": st.dictionaries(some(["k"]), roles, max_size=1)})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[SecurityConfig, SecurityConfig]:
    """Two configs; the keys are the same ones in both, as none is made or ended."""
    ours = draw(st.lists(some(["id1", "id2"]), unique=True, max_size=2))

    def one() -> SecurityConfig:
        return SecurityConfig(
            {
                Kind.ROLES: draw(st.dictionaries(some(["r", "s", "t"]), roles, max_size=3)),
                Kind.MAPPINGS: draw(st.dictionaries(some(["m", "n"]), mappings, max_size=2)),
                Kind.USERS: draw(st.dictionaries(some(NAMES), users, max_size=2)),
                Kind.PRIVILEGES: draw(st.dictionaries(some(["kibana/read", "own/all"]), privileges, max_size=2)),
                Kind.KEYS: {name: draw(keys) for name in ours},
            }
        )

    return one(), one()


POOL = [
    {"names": ["a"], "privileges": ["read"], "query": '{"term": {"x": 1}}'},
    {"names": ["a"], "privileges": ["read"]},
    {"names": ["a"], "privileges": ["write"]},
    {"names": ["a", "b"], "privileges": ["write"]},
]


@st.composite
def changing(draw: st.DrawFn) -> tuple[SecurityConfig, SecurityConfig]:
    """Two configs of the same few documents, most of which lose and gain at once."""
    pool = POOL if draw(st.booleans()) else POOL[1:]  # without the first nothing is limited
    of_role = st.builds(lambda some: {"indices": some}, st.lists(some(pool), min_size=1, max_size=2))
    who = st.builds(lambda names: {"field": {"username": names}}, lists(NAMES, 1))

    def one() -> SecurityConfig:
        return SecurityConfig(
            {
                Kind.ROLES: {name: draw(of_role) for name in "rst"},
                Kind.USERS: {name: {"roles": draw(lists(["r", "s", "t"]))} for name in NAMES},
                Kind.MAPPINGS: {
                    name: {"enabled": True, "roles": draw(lists(["r", "s", "t"], 1)), "rules": draw(who)}
                    for name in "mn"
                },
            }
        )

    before, after = one(), one()
    kept = draw(st.sets(some([Kind.ROLES, Kind.USERS, Kind.MAPPINGS]), max_size=2))  # of these nothing changes
    return before, SecurityConfig({kind: (before if kind in kept else after).of(kind) for kind in before.documents})


def meaning(config: SecurityConfig) -> dict[str, dict[str, Json | None]]:
    return {kind: {name: compare.canonical(doc) for name, doc in config.of(kind).items()} for kind in Kind}


def has(config: SecurityConfig, caller: Caller) -> frozenset[str]:
    """What somebody has: whole entries of roles, and the actions behind those of applications."""
    held = roles_of(caller, config.of(Kind.USERS), config.of(Kind.MAPPINGS))
    found: set[str] = set()
    for name in held:
        role = config.of(Kind.ROLES).get(name)
        found |= rights.of_role(role) if role is not None else {f"role {name}"} if name == "superuser" else set()
        for one in (role or {}).get("applications") or ():
            for word in one["privileges"]:
                actions = config.of(Kind.PRIVILEGES).get(f"{one['application']}/{word}")
                found |= {f"{compare.entry(one)} {word} {action}" for action in rights.of_privilege(actions)}
    user = config.of(Kind.USERS).get(caller.name) if caller.realm == "native" else None
    if user and found:
        found.add(f"metadata {user.get('metadata')}")
    return frozenset(found)


def entries_of(found: frozenset[str]) -> frozenset[str]:
    """Those that could change one another: what the actions of an application come to is added up by itself."""
    return frozenset(one for one in found if not one.startswith("{"))


def limited(*configs: SecurityConfig) -> bool:
    return rights.limits([config.of(Kind.ROLES) for config in configs])


def everybody() -> list[Caller]:
    return [*CALLERS, *(Caller(name) for name in NAMES), Caller("cy", "elsewhere", ("blue",))]


@given(st.one_of(pairs(), changing()), some([NEW, OLD]))
def test_the_writes_lead_to_what_was_wanted_and_then_there_are_none(
    pair: tuple[SecurityConfig, SecurityConfig], release: Release
) -> None:
    actual, wanted = pair
    for write in writes(actual, wanted, release):
        actual = simulate(actual, write)
    assert meaning(actual) == meaning(wanted)
    assert writes(actual, wanted, release) == ()


@given(st.one_of(pairs(), changing(), changing(), changing()), some([NEW, OLD]), st.randoms(use_true_random=False))
def test_nobody_has_more_on_the_way_than_before_or_after(
    pair: tuple[SecurityConfig, SecurityConfig], release: Release, order: Random
) -> None:
    actual, wanted = pair
    strict = limited(actual, wanted)
    ends = [(caller, has(actual, caller), has(wanted, caller)) for caller in everybody()]
    now = actual
    for write in writes(actual, wanted, release):
        assert len({one["name"] for one in write.body}) == len(write.body)
        # Of several in one write each is taken by itself, and they are sent at the same time: in any order.
        for one in order.sample(list(write.body), len(write.body)):
            now = simulate(now, write._replace(body=[one]))
            for caller, had, will in ends:
                held = has(now, caller)
                assert held <= had | will, (caller, one)
                if strict:
                    assert entries_of(held) <= entries_of(had) or entries_of(held) <= entries_of(will), (caller, one)


@given(pairs())
def test_a_key_is_narrowed_before_anything_and_widened_after_all(pair: tuple[SecurityConfig, SecurityConfig]) -> None:
    actual, wanted = pair
    kinds = [write.kind for write in writes(actual, wanted, NEW)]
    inner = [place for place, kind in enumerate(kinds) if kind != Kind.KEYS]
    if inner:
        assert Kind.KEYS not in kinds[inner[0] : inner[-1] + 1]


@given(rules, rules)
def test_a_rule_within_another_matches_nobody_the_other_does_not(one: Json, other: Json) -> None:
    if not rights.within(one, other):
        return
    for caller in everybody():
        as_mapping: dict[str, Any] = {"m": {"enabled": True, "roles": ["r"], "rules": one}}
        if roles_of(caller, {}, as_mapping):
            assert roles_of(caller, {}, {"m": {**as_mapping["m"], "rules": other}})


def config(**documents: dict[str, Json]) -> SecurityConfig:
    return SecurityConfig({Kind[name.upper()]: named for name, named in documents.items()})


READER = {"indices": [{"names": ["a"], "privileges": ["read"]}]}


def mapped(*names: str) -> Json:
    rule = {"all": [{"field": {"realm.name": "people"}}, {"field": {"username": list(names)}}]}
    return {"enabled": True, "roles": ["r"], "rules": rule}


def test_whoever_leaves_is_out_with_the_first_write() -> None:
    actual = config(roles={"r": READER, "s": READER}, mappings={"m": mapped("ann", "bob")})
    wanted = config(roles={"r": {"cluster": ["all"]}, "t": READER}, mappings={"m": mapped("bob")})
    first = writes(actual, wanted, NEW)[0]
    assert (first.kind, first.body) == ("role_mapping", [{"op": "put", "name": "m", "document": mapped("bob")}])


def test_a_leaver_and_a_joiner_of_one_group_are_one_write() -> None:
    actual = config(roles={"r": READER}, mappings={"m": mapped("ann")})
    wanted = config(roles={"r": READER}, mappings={"m": mapped("bob")})
    assert len(writes(actual, wanted, NEW)) == 1


def test_a_thousand_new_roles_are_one_bulk_call_or_one_call_each() -> None:
    """Newer releases have a bulk call for roles, older ones have none."""
    wanted = config(roles={f"r{n}": READER for n in range(1000)})
    assert len(writes(SecurityConfig(), wanted, NEW)) == 1
    assert len(writes(SecurityConfig(), wanted, OLD)) == 1000


def test_many_users_are_few_writes_and_none_is_in_a_write_twice() -> None:
    held = SecurityConfig({Kind.USERS: {f"u{n}": {"roles": [], "enabled": True} for n in range(200)}})
    wanted = SecurityConfig({Kind.USERS: {name: {"roles": ["r"], "enabled": True} for name in held.of(Kind.USERS)}})
    found = writes(held, wanted, NEW)
    assert [len(one.body) for one in found] == [64, 64, 64, 8]
    assert sorted(one["name"] for write in found for one in write.body) == sorted(held.of(Kind.USERS))


def test_a_user_is_put_whole_and_a_disabled_one_stays_disabled() -> None:
    actual = config(
        users={"ann": {"username": "ann", "roles": ["r"], "enabled": False, "email": "a@x", "metadata": {}}}
    )
    wanted = config(users={"ann": {"username": "ann", "roles": [], "enabled": False, "email": "a@x", "metadata": {}}})
    [write] = writes(actual, wanted, NEW)
    assert write.body[0]["document"] == {"roles": [], "enabled": False, "email": "a@x", "metadata": {}}


def test_a_reserved_user_is_only_switched_and_a_reserved_role_never_touched() -> None:
    fixed = {"metadata": {"_reserved": True}}
    actual = config(
        users={"elastic": {"roles": ["superuser"], "enabled": True, **fixed}}, roles={"superuser": dict(fixed)}
    )
    off = actual.with_document(Kind.USERS, "elastic", {"roles": ["superuser"], "enabled": False, **fixed})
    [write] = writes(actual, off, NEW)
    assert write.body == [{"op": "disable", "name": "elastic"}]
    with pytest.raises(Refused, match="role superuser: the engine keeps it for itself"):
        writes(actual, actual.with_document(Kind.ROLES, "superuser", None), NEW)
    for other in ({"roles": [], **fixed}, None):
        with pytest.raises(Refused, match="user elastic"):
            writes(actual, actual.with_document(Kind.USERS, "elastic", other), NEW)
    bare = config(users={"elastic": {"enabled": True, **fixed}})
    with pytest.raises(Refused, match="user elastic"):
        writes(bare, bare.with_document(Kind.USERS, "elastic", None), NEW)


def test_a_key_is_neither_made_nor_ended() -> None:
    with pytest.raises(Refused, match="API key id1"):
        writes(SecurityConfig(), config(keys={"id1": {"role_descriptors": {}}}), NEW)


def test_two_entries_that_lift_each_others_filter_are_never_held_together() -> None:
    """A write-only twin of an entry takes its filter away: neither before nor after does anybody have both."""
    filtered = {"names": ["a"], "privileges": ["read"], "query": '{"term": {"x": 1}}'}
    twin = {"names": ["a"], "privileges": ["write"]}
    other = {"names": ["a", "b"], "privileges": ["write"]}
    actual = config(roles={"r": {"indices": []}, "s": {"indices": [twin]}}, users={"ann": {"roles": ["r", "s"]}})
    wanted = config(
        roles={"r": {"indices": [filtered]}, "s": {"indices": [other]}}, users={"ann": {"roles": ["r", "s"]}}
    )
    now = actual
    for write in writes(actual, wanted, OLD):
        now = simulate(now, write)
        held = has(now, Caller("ann"))
        assert not {f"indices: {compare.entry(filtered)}", f"indices: {compare.entry(twin)}"} <= held


def test_two_mappings_of_one_person_never_give_a_bit_of_both() -> None:
    named: Json = {"field": {"username": "ann"}}
    roles = {name: {"indices": [entry]} for name, entry in zip("rstu", POOL, strict=True)}

    def given_by(m: str, n: str) -> SecurityConfig:
        return config(
            roles=roles,
            mappings={x: {"enabled": True, "roles": [role], "rules": named} for x, role in (("m", m), ("n", n))},
        )

    actual, wanted, ann = given_by("r", "t"), given_by("u", "s"), Caller("ann", "people")
    now = actual
    for write in writes(actual, wanted, NEW):
        now = simulate(now, write)
        assert has(now, ann) <= has(actual, ann) or has(now, ann) <= has(wanted, ann)
    assert has(now, ann) == has(wanted, ann)
