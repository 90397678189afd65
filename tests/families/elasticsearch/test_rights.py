"""What a document gives, when one gives no more than another, and what two of them share; and the undoing of what gave it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import AppliedStep, Claim, Operation, Step
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents import rights
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.steps import after, filters, named, taking, undone

ANNA, BEN = {"field": {"username": "anna"}}, {"field": {"username": "ben"}}
STAFF, REALM = {"field": {"groups": "staff"}}, {"field": {"realm.name": "tokens"}}
BOTH = {"field": {"username": ["anna", "ben"]}}
READ = {"names": ["logs"], "privileges": ["read"]}
FEWER = {**READ, "query": '{"term": {"a": 1}}'}


@pytest.mark.parametrize(
    ("one", "other", "narrow"),
    [
        (ANNA, ANNA, True),
        (ANNA, {"field": {"username": ["anna"]}}, True),
        (ANNA, BOTH, True),
        (BOTH, ANNA, False),
        (ANNA, BEN, False),
        (ANNA, STAFF, False),
        (ANNA, {"any": [BEN, ANNA]}, True),
        ({"any": [ANNA, BEN]}, BOTH, True),
        ({"any": [ANNA, STAFF]}, BOTH, False),
        ({"any": []}, ANNA, True),
        (ANNA, {"any": []}, False),
        (ANNA, {"all": []}, True),
        ({"all": []}, ANNA, False),
        ({"all": [REALM, ANNA]}, ANNA, True),
        (ANNA, {"all": [REALM, ANNA]}, False),
        ({"all": [REALM, ANNA]}, {"all": [REALM, BOTH]}, True),
        ({"all": [REALM, ANNA, STAFF]}, {"all": [REALM, ANNA]}, True),
        ({"except": ANNA}, {"except": BEN}, False),
        ({"except": ANNA}, {"except": ANNA}, True),
        # Not seen at once, and so not taken to be.
        ({"all": [REALM, {"except": BEN}]}, {"except": BOTH}, False),
    ],
)
def test_whom_a_rule_matches_another_matches_too(one: Json, other: Json, narrow: bool) -> None:
    assert rights.within(one, other) is narrow


@pytest.mark.parametrize(
    ("one", "other", "narrow"),
    [
        ({"roles": ["r"], "rules": ANNA}, {"roles": ["r", "s"], "rules": BOTH}, True),
        ({"roles": ["r", "s"], "rules": ANNA}, {"roles": ["r"], "rules": BOTH}, False),
        ({"roles": ["r"], "rules": BOTH}, {"roles": ["r"], "rules": ANNA}, False),
        ({"roles": ["r"], "rules": BOTH, "enabled": False}, {"roles": ["r"], "rules": ANNA}, True),
        ({"roles": ["r"], "rules": ANNA}, {"roles": ["r"], "rules": ANNA, "enabled": False}, False),
        (None, {"roles": ["r"], "rules": ANNA}, True),
        ({"roles": ["r"], "rules": ANNA}, None, False),
        ({"role_templates": [{"template": "x"}], "rules": ANNA}, {"roles": ["r"], "rules": ANNA}, False),
        ({"roles": ["r"]}, {"roles": ["r"]}, True),
    ],
)
def test_a_mapping_gives_nobody_more_than_another(one: Json | None, other: Json | None, narrow: bool) -> None:
    assert rights.narrower(one, other) is narrow


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (
            {"roles": ["r", "s"], "rules": BOTH},
            {"roles": ["s", "t"], "rules": ANNA, "enabled": True},
            {"roles": ["s"], "rules": ANNA, "enabled": True},
        ),
        ({"roles": ["s"], "rules": ANNA}, {"roles": ["s"], "rules": BOTH}, {"roles": ["s"], "rules": ANNA}),
        ({"roles": ["s"], "rules": ANNA}, {"roles": ["s"], "rules": BEN}, {"roles": ["s"], "rules": {"all": [ANNA, BEN]}}),
        ({"roles": ["r"], "rules": ANNA}, {"roles": ["s"], "rules": ANNA}, {"roles": ["s"], "rules": ANNA, "enabled": False}),
        (
            {"roles": ["r"], "role_templates": [{"template": "x"}], "rules": ANNA},
            {"roles": ["s"], "role_templates": [{"template": "x"}, {"template": "y"}], "rules": ANNA},
            {"role_templates": [{"template": "x"}], "rules": ANNA},
        ),
        (
            {"roles": ["r"], "rules": ANNA},
            {"roles": ["r"], "role_templates": [{"template": "y"}], "rules": ANNA},
            {"roles": ["r"], "rules": ANNA},
        ),
        ({"roles": ["r"]}, {"roles": ["r"], "rules": ANNA}, {"roles": ["r"], "rules": {"any": []}}),
    ],
)  # fmt: skip
def test_what_two_mappings_share_gives_nobody_what_either_does_not(one: Json, other: Json, shared: Json) -> None:
    assert rights.shared_mapping(one, other) == shared
    for each in (one, other):
        assert rights.narrower(shared, each)


@pytest.mark.parametrize(
    ("role", "gives", "limited"),
    [
        (None, set(), False),
        ({}, set(), False),
        ({"metadata": {"a": 1}, "description": "x", "transient_metadata": {"enabled": True}}, set(), False),
        ({"cluster": ["monitor", "manage"], "run_as": ["ben"]}, {"cluster: monitor", "cluster: manage", "run_as: ben"}, False),
        ({"indices": [READ]}, {'indices: {"names": ["logs"], "privileges": ["read"]}'}, False),
        ({"indices": [{**READ, "field_security": {"grant": ["a"]}}]}, None, True),
        ({"remote_indices": [{**FEWER, "clusters": ["c"]}]}, None, True),
        ({"global": {"profile": {"write": {"applications": ["k"]}}}}, {'global: {"profile": {"write": {"applications": ["k"]}}}'}, False),
    ],
)  # fmt: skip
def test_what_a_role_gives(role: Json | None, gives: set[str] | None, limited: bool) -> None:
    if gives is not None:
        assert rights.of_role(role) == gives
    assert rights.gives_anything(role) is bool(rights.of_role(role))
    assert rights.is_limited(role or {}) is limited
    assert rights.limits([{"r": role or {}}]) is limited


def test_what_two_roles_share_are_whole_entries_and_words() -> None:
    one = {
        "cluster": ["monitor"],
        "indices": [READ, {**READ, "names": ["a"]}],
        "global": {"x": {"y": 1}},
        "run_as": ["c"],
    }
    other = {
        "cluster": ["monitor", "manage"],
        "indices": [FEWER, READ],
        "global": {"x": {"y": 2}},
        "metadata": {"m": 1},
    }
    shared = rights.shared_role(one, other)
    assert shared == {"cluster": ["monitor"], "indices": [READ], "metadata": {"m": 1}}
    assert rights.of_role(shared) == rights.of_role(one) & rights.of_role(other)
    assert rights.shared_role(one, {**other, "global": {"x": {"y": 1}}})["global"] == {"x": {"y": 1}}


@pytest.mark.parametrize(
    ("kind", "document", "gives"),
    [
        (Kind.USERS, {"roles": ["r", "s"]}, {"r", "s"}),
        (Kind.USERS, {"roles": ["r"], "enabled": False}, set()),
        (Kind.USERS, {}, set()),
        (Kind.USERS, None, set()),
        (Kind.KEYS, {}, {rights.EVERYTHING}),
        (Kind.KEYS, {"role_descriptors": {}}, {rights.EVERYTHING}),
        (Kind.KEYS, None, set()),
        (Kind.KEYS, {"role_descriptors": {"a": {"cluster": ["x"]}, "b": {"cluster": ["y"]}}}, {"cluster: x", "cluster: y"}),
        (Kind.PRIVILEGES, {"actions": ["read"]}, {"read"}),
        (Kind.PRIVILEGES, {}, set()),
        (Kind.PRIVILEGES, None, set()),
        (Kind.MAPPINGS, {"roles": ["r"], "role_templates": [{"template": "x"}]}, {"r", '{"template": "x"}'}),
        (Kind.ROLES, {"cluster": ["all"]}, {"cluster: all"}),
    ],
)  # fmt: skip
def test_what_a_document_of_each_kind_gives(kind: Kind, document: Json | None, gives: set[str]) -> None:
    assert rights.gives(kind, document) == gives


# ---- what was touched is undone


def entry(role: str, user: str, *, gave: bool, places: tuple[int, ...] = ()) -> AppliedStep:
    before, after = (None, user) if gave else (user, None)
    operation = "add" if gave else "remove"
    return AppliedStep(operation, MEMBERS, role, NATIVE_USERS, user, before, after, places=places)


def document(kind: Kind, name: str, before: Any, after: Any) -> AppliedStep:
    return AppliedStep("replace", kind, name, before=before, after=after)


def back(
    users: Json, *touched: AppliedStep, passwords: dict[str, str] | None = None, roles: Json | None = None
) -> SecurityConfig:
    return undone(touched, SecurityConfig({Kind.USERS: users, Kind.ROLES: roles or {}}), passwords)


@pytest.mark.parametrize(
    ("now", "touched", "then"),
    [
        (["a", "r"], [entry("r", "anna", gave=True)], ["a"]),
        (["a"], [entry("r", "anna", gave=True)], ["a"]),  # somebody took it since
        (["a", "b"], [entry("r", "anna", gave=False, places=(1,))], ["a", "r", "b"]),
        (["a"], [entry("r", "anna", gave=False)], ["a", "r"]),  # where it stood is not known
        (["b"], [entry("s", "anna", gave=False, places=(2,)), entry("r", "anna", gave=False, places=(0,))], ["r", "b", "s"]),
        (["r"], [entry("r", "ben", gave=True)], ["r"]),
        (["r", "x"], [entry("r", "anna", gave=True), entry("s", "anna", gave=False, places=(0,))], ["s", "x"]),
    ],
)  # fmt: skip
def test_roles_of_a_user_come_back_where_they_stood_and_what_was_given_goes(
    now: list[str], touched: list[AppliedStep], then: list[str]
) -> None:
    found = back({"anna": {"roles": now, "email": "a"}, "ben": {"roles": []}}, *touched)
    assert found.of(Kind.USERS)["anna"] == {"roles": then, "email": "a"}


def test_a_user_that_was_made_goes_unless_somebody_gave_them_more_since() -> None:
    made = document(Kind.USERS, "anna", None, {"roles": []})
    gave = entry("r", "anna", gave=True)
    assert "anna" not in back({"anna": {"roles": ["r"]}}, made, gave).of(Kind.USERS)
    assert back({"anna": {"roles": ["r", "mine"]}}, made, gave).of(Kind.USERS)["anna"]["roles"] == ["mine"]
    assert "anna" not in back({}, made, gave).of(Kind.USERS)


def test_a_user_that_was_taken_away_comes_back_with_a_password_and_its_roles() -> None:
    gone = document(Kind.USERS, "anna", {"roles": ["r", "s"], "email": "a"}, None)
    took = entry("r", "anna", gave=False, places=(0,))
    found = back({}, took, gone, passwords={"anna": "secret"}).of(Kind.USERS)["anna"]
    assert found == {"roles": ["r", "s"], "email": "a", "password": "secret"}
    assert "password" not in back({}, gone).of(Kind.USERS)["anna"]  # to be simulated
    with pytest.raises(BadInput, match="anna is new and has no password"):
        back({}, gone, passwords={})


def test_a_user_that_was_changed_keeps_the_roles_that_they_have_now() -> None:
    changed = document(Kind.USERS, "anna", {"roles": ["old"], "email": "a"}, {"roles": ["old"], "email": "b"})
    assert back({"anna": {"roles": ["new"], "email": "b"}}, changed).of(Kind.USERS)["anna"] == {
        "roles": ["new"],
        "email": "a",
    }


def test_a_role_comes_back_as_it_was_before_the_first_of_several_changes() -> None:
    first = document(Kind.ROLES, "r", {"cluster": ["a"]}, {"cluster": ["b"]})
    second = document(Kind.ROLES, "r", {"cluster": ["b"]}, {"cluster": ["c"]})
    made = document(Kind.ROLES, "s", None, {"cluster": ["d"]})
    found = back({}, first, second, made, roles={"r": {"cluster": ["c"]}, "s": {"cluster": ["d"]}, "t": {}})
    assert json.loads(json.dumps(found.of(Kind.ROLES))) == {"r": {"cluster": ["a"]}, "t": {}}


# ---- steps, as what should be held then


def step(kind: Kind, name: str, before: Any, after: Any, operation: Operation = Operation.REPLACE) -> Step:
    return Step(operation, Claim(kind, name), before, after, "why")


def test_a_new_user_has_a_password_and_one_that_is_there_keeps_theirs() -> None:
    asked = step(Kind.USERS, "anna", None, {"email": "a", "roles": ["from the file"]})
    held = SecurityConfig({Kind.USERS: {}})
    assert after([asked], held, {"anna": "secret"}).of(Kind.USERS)["anna"] == {
        "roles": [],
        "email": "a",
        "password": "secret",
    }
    with pytest.raises(BadInput, match="anna is new and has no password"):
        after([asked], held, {})
    there = SecurityConfig({Kind.USERS: {"anna": {"roles": ["r"], "enabled": False, "email": "old"}}})
    assert after([asked], there, {}).of(Kind.USERS)["anna"] == {"roles": ["r"], "enabled": False, "email": "a"}


def test_of_a_step_as_much_as_only_takes_people_out() -> None:
    both, one, other = ({"roles": ["r"], "rules": who} for who in (BOTH, ANNA, BEN))
    gone = step(Kind.MAPPINGS, "m", both, None, Operation.REMOVE)
    assert taking(gone) is gone
    left = taking(step(Kind.MAPPINGS, "m", both, one))
    assert left is not None
    assert (left.operation, left.before, left.after, left.because) == (Operation.REPLACE, both, one, "why")
    assert taking(step(Kind.MAPPINGS, "m", one, both)) is None  # takes nobody out
    assert taking(step(Kind.MAPPINGS, "m", None, one, Operation.ADD)) is None
    assert taking(step(Kind.ROLES, "r", {"cluster": ["all"]}, None, Operation.REMOVE)) is None
    swapped = taking(step(Kind.MAPPINGS, "m", one, other))
    assert swapped is not None
    assert swapped.after == {"roles": ["r"], "rules": {"all": [ANNA, BEN]}}


def test_the_filters_that_steps_would_write_are_asked_of_the_engine() -> None:
    entries = [
        FEWER,
        READ,
        {**FEWER, "names": "a", "query": {"match_all": {}}},
        {**FEWER, "query": {"template": {"source": "x"}}},
    ]
    found = list(
        filters([step(Kind.ROLES, "r", None, {"indices": entries}), step(Kind.USERS, "u", None, {"indices": entries})])
    )
    assert [(str(one.claim), one.where, one.query) for one in found] == [
        ("role/r", "logs", '{"term": {"a": 1}}'),
        ("role/r", "a", '{"match_all": {}}'),
    ]


def test_whom_a_role_mapping_names_are_its_plain_names() -> None:
    rules = {
        "any": [
            names_of("anna", "a*", ""),
            {"all": [STAFF, names_of("ben")]},
            {"except": {"field": {"username": "cy"}}},
        ]
    }
    assert named(Kind.MAPPINGS, {"rules": rules}) == {"anna", "ben", "cy"}
    assert named(Kind.ROLES, {"rules": rules}) == frozenset()
    assert named(Kind.MAPPINGS, None) == frozenset()


def names_of(*names: str) -> Json:
    return {"field": {"username": list(names)}}
