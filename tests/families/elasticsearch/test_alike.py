"""Indices that no role of a caller tells apart: one of them answers for all, whatever the roles, aliases, data streams and ways in."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from portcullis.access.questions.answers import Decided, Request, There
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.answering import ELASTICSEARCH
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting import callers
from portcullis.families.elasticsearch.granting.signing_in import may_hold
from portcullis.families.elasticsearch.granting.who_has import GROUPS, REALM, USERS, mapped_roles, perhaps_letting_in
from portcullis.families.elasticsearch.known.names import Unreadable, covers, fitting, matches

INDICES = (".kibana", ".security-7", "logs-1", "logs-2", "logs-3", "orders", "people-1", "people-2")
PATTERNS = (
    "*",
    "logs-*",
    "logs-?",
    "orders",
    "people-*",
    "all-*",
    "stream",
    "_all",
    "/people-[12]/",
    "/p@/",
    ".k*",
    ".s*",
)
CALLERS = (
    Caller("own"),
    Caller("own", (), {USERS: "own\nown.too"}),
    Caller("own", (), {REALM: "tokens"}),
    Caller("own", ("red",), {REALM: "tokens", GROUPS: "demo"}),
)

entries = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
        "privileges": st.lists(
            st.sampled_from(("read", "write", "all", "none", "delete", "odd")), min_size=1, max_size=2
        ),
        "allow_restricted_indices": st.booleans(),
    },
    optional={
        "query": st.sampled_from(('{"term": {"a": 1}}', '{"term": {"b": 1}}')),
        "field_security": st.sampled_from(({"grant": ["name"]}, {"grant": ["*"], "except": ["card"]})),
    },
)
roles = st.dictionaries(
    st.sampled_from("rstu"), st.fixed_dictionaries({"indices": st.lists(entries, max_size=3)}), max_size=4
)
groups = st.dictionaries(
    st.sampled_from(("all-1", "all-2")), st.lists(st.sampled_from(INDICES), min_size=1, unique=True).map(tuple)
)
worlds = st.builds(
    There,
    st.just(INDICES),
    st.sampled_from(("elasticsearch-9.5", "elasticsearch-7.17", "elasticsearch-6.8")),
    st.booleans(),
    st.none() | groups,
    st.dictionaries(st.just("stream"), st.just(("people-2",))),
    st.sampled_from(((), ("logs-2",))),
    st.sampled_from(("9.5 trial", "9.5 basic")),
)
words = st.lists(st.sampled_from(("own", "other", "red", "o*", "/o@n/", "*")), min_size=1, max_size=2)
fields = st.one_of(
    st.builds(lambda some: {"field": {"username": some if len(some) > 1 else some[0]}}, words),
    st.builds(lambda some: {"field": {"groups": some}}, words),
    st.just({"field": {"dn": "x"}}),
    st.just({"except": {"field": {"username": "own"}}}),
)
realms = st.sampled_from(("tokens", "other", "t*", ["tokens"], ["tokens", "other"]))
rules = st.one_of(
    st.builds(
        lambda realm, some: {"all": [{"field": {"realm.name": realm}}, {"any": some}]},
        realms,
        st.lists(fields, max_size=2),
    ),
    fields,
    st.sampled_from(({"all": []}, {"any": []}, {"odd": 1}, None, {"field": {}}, {"field": {"username": 5}})),
)
mappings = st.dictionaries(
    st.sampled_from(("portcullis/demo/a", "portcullis/demo/b", "hand", "other")),
    st.builds(
        lambda rule, of, on: {"enabled": on, "roles": of, "rules": rule}, rules, st.just(["r", "s"]), st.booleans()
    ),
    max_size=4,
)


def config(of: dict[str, Any], mapped: dict[str, Any]) -> SecurityConfig:
    users = {name: {"roles": list(of)[place:], "enabled": True} for place, name in enumerate(("own", "own.too"))}
    return SecurityConfig({Kind.ROLES: of, Kind.USERS: users, Kind.MAPPINGS: mapped})


def shown(decided: Decided, index: str) -> object:
    """What is told of an index, apart from its name."""
    seen = next((one for one in decided.seen if one.index == index), None)
    if seen is None:
        return decided.allowed
    return seen.allowed, seen.documents, seen.fields_only, seen.fields_hidden


OF_NO_FIELD = {"hand": {"enabled": True, "roles": ["r", "s"], "rules": {"field": {}}}}


@given(roles, mappings, worlds, st.sampled_from(CALLERS))
@example({}, OF_NO_FIELD, There(INDICES, "elasticsearch-9.5"), CALLERS[-1])
def test_one_index_of_a_group_answers_for_all_of_it(
    of: dict[str, Any], mapped: dict[str, Any], there: There, caller: Caller
) -> None:
    held = config(of, mapped)
    alike = list(ELASTICSEARCH.alike(held, caller, INDICES, there))
    assert sorted(index for group in alike for index in group) == sorted(INDICES)
    first = tuple(group[0] for group in alike)

    def answer(word: str, *indices: str) -> Decided:
        return ELASTICSEARCH.answer(held, caller, Request(word, indices=indices), there)

    for word in ("read", "write"):
        few, every = answer(word, *first), answer(word, *INDICES)
        for group in alike:
            alone = shown(answer(word, group[0]), group[0])
            for index in group:
                assert shown(few, group[0]) == shown(every, index), (word, group[0], index)
                assert alone == shown(answer(word, index), index), (word, group[0], index)


@given(mappings, st.sampled_from(CALLERS[2:]), st.sampled_from(("", "portcullis/demo/")))
def test_a_role_mapping_that_is_not_asked_lets_nobody_in(
    mapped: dict[str, Any], caller: Caller, groups_of: str
) -> None:
    held = config({"r": {}, "s": {}}, mapped)
    them = callers.Caller(caller.name, "tokens", caller.backend_roles)
    asked = {name for name, _ in perhaps_letting_in(held, them, groups_of)}
    for name, mapping in mapped.items():
        if name not in asked:
            assert may_hold(mapping["rules"], them, groups_of=groups_of, name=name) is False
    found: dict[str, str] = {}
    for one in mapped.values():
        try:
            found |= callers.roles_of(them, {}, {"one": one}) if one["enabled"] else {}
        except (BadInput, Unreadable):
            continue
    assert mapped_roles(held, caller).keys() == found.keys()


@given(st.lists(st.text("ab*?\\/", max_size=4), max_size=3), st.lists(st.text("ab", max_size=4), max_size=4))
def test_names_that_fit_are_those_that_match_one_by_one(patterns: list[str], names: list[str]) -> None:
    try:
        wanted = [place for place, name in enumerate(names) if sum(matches(one, name) for one in patterns)]
    except Unreadable:
        return
    assert list(fitting(patterns, names)) == wanted


@given(st.text("ab*?\\", max_size=6), st.text("ab*\\", max_size=6))
def test_a_wildcard_covers_what_it_covers_the_slow_way(pattern: str, name: str) -> None:
    """Against the plainest way of saying it."""

    def fits(at: str, of: str) -> bool:
        if not at:
            return not of
        if at[0] == "*":
            return any(fits(at[1:], of[skip:]) for skip in range(len(of) + 1))
        one, more = (at[1:2] or "\\", at[2:]) if at[0] == "\\" else (at[0], at[1:])
        return bool(of) and (at[0] == "?" or of[0] == one) and fits(more, of[1:])

    assert covers(pattern, name) is fits(pattern, name)
