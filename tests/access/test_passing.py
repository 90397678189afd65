"""Given internal users, then who of them is more than the model makes of them is told, by which of their roles, names or backend roles."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.passing import Passing, passing
from portcullis.access.plan import Claim
from portcullis.families.elasticsearch.documents.config import Kind as OfElasticsearch
from portcullis.families.elasticsearch.documents.config import SecurityConfig as OnElasticsearch
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import AUTOMATION, BREAK_GLASS, KEEPERS, MASTER, house, mapping, wanted

APP, CHIEF = "arn:aws:iam::1:role/app", "arn:aws:iam::1:role/chief"
NOTHING: frozenset[Claim] = frozenset()
BEN = "Cognito/pool/ben"
GUESTS = house(kibana_user=mapping(backend_roles=["guests"]))
NAMED = "is called like a user of Cognito, and has"
SAYS_CHIEF = f"has the backend role {CHIEF}, and by it all_access, readers with a password, and administers the engine"
SAYS_GUESTS = "has the backend role guests, and by it kibana_user with a password"


def told(
    users: dict[str, Json], held: SecurityConfig = GUESTS, desired: Desired | None = None, **more: Any
) -> list[Passing]:
    given: dict[str, Any] = {"mine": NOTHING, "others": NOTHING, "keepers": ProtectedPrincipals(), **more}
    there = SecurityConfig({**held.documents, Kind.USERS: users})
    return list(passing(OPENSEARCH, desired or wanted(), there, **given))


def mole(*backend_roles: str, **more: Any) -> dict[str, Json]:
    return {"mole": {"backend_roles": list(backend_roles), **more}}


def said(found: list[Passing]) -> list[str]:
    return [one for passing_ in found for one in passing_.said]


ASKED = wanted(entries={"kibana_user": {"backend_roles": {"guests": "grant"}}})
CLAIMED = frozenset({Claim(Kind.MAPPINGS, "kibana_user", "backend_roles", "guests")})
ANOTHER = frozenset({Claim(Kind.MAPPINGS, "readers", "backend_roles", "guests")})


@pytest.mark.parametrize(
    ("desired", "mine", "others", "tells"),
    [
        (None, NOTHING, NOTHING, True),
        (ASKED, NOTHING, NOTHING, False),
        (None, CLAIMED, NOTHING, False),
        (None, NOTHING, CLAIMED, False),
        (ASKED, CLAIMED, NOTHING, False),
        (ASKED, NOTHING, ANOTHER, False),
        (None, ANOTHER, NOTHING, True),
        (None, NOTHING, frozenset({Claim(Kind.USERS, "kibana_user", "backend_roles", "guests")}), True),
    ],
    ids=["nobody", "the model", "ours of before", "another deployment", "both", "the model beside others", "of another role",
         "of another kind"],
)  # fmt: skip
def test_a_word_that_somebody_grants_is_for_whoever_has_it(
    desired: Desired | None, mine: frozenset[Claim], others: frozenset[Claim], tells: bool
) -> None:
    found = told(mole("guests"), desired=desired, mine=mine, others=others)
    assert said(found) == ([SAYS_GUESTS] if tells else [])
    assert all(one == Passing("mole", (SAYS_GUESTS,), frozenset({"kibana_user"}), critical=False) for one in found)


@pytest.mark.parametrize("desired", [None, wanted(entries={"kibana_user": {"backend_roles": {APP: "grant"}}})])
def test_an_arn_is_for_those_alone_who_may_sign_as_it(desired: Desired | None) -> None:
    held = house(kibana_user=mapping(backend_roles=[APP]))
    assert said(told(mole(APP), held, desired)) == [
        f"has the backend role {APP}, and by it kibana_user with a password"
    ]


@pytest.mark.parametrize(
    ("backend_roles", "says", "roles", "critical"),
    [
        (["guests"], [SAYS_GUESTS], {"kibana_user"}, False),
        (["guests", "guests"], [SAYS_GUESTS], {"kibana_user"}, False),
        (["none"], [], set(), False),
        ([], [], set(), False),
        ([CHIEF], [SAYS_CHIEF],
         {"all_access", "readers"}, True),
        (["day", "night"], ["has the backend roles day and night, and by it writers with a password"], {"writers"}, False),
        (["x", "night", "day"], ["has the backend roles night and day, and by it writers with a password"], {"writers"}, False),
        (["day"], [], set(), False),
        (["chief", "boss"], ["has the backend roles chief and boss, and by it all_access with a password, and administers the engine"],
         {"all_access"}, True),
        (["guests", CHIEF], [SAYS_GUESTS, SAYS_CHIEF],
         {"kibana_user", "all_access", "readers"}, True),
        ([CHIEF, "guests"], [SAYS_CHIEF, SAYS_GUESTS],
         {"kibana_user", "all_access", "readers"}, True),
        ([MASTER], [f"has the backend role {MASTER}, and is the master with a password"], set(), True),
        ([BREAK_GLASS, "guests"], [f"has the backend role {BREAK_GLASS}, and is break-glass with a password", SAYS_GUESTS],
         {"kibana_user"}, True),
        ([AUTOMATION, MASTER], [f"has the backend role {AUTOMATION}, and is the automation with a password",
         f"has the backend role {MASTER}, and is the master with a password"], set(), True),
    ],
)  # fmt: skip
def test_what_somebody_has_by_backend_roles_is_said_of_each_and_of_some_together(
    backend_roles: list[str], says: list[str], roles: set[str], critical: bool
) -> None:
    held = house(
        kibana_user=mapping(backend_roles=["guests"]),
        readers=mapping(backend_roles=[CHIEF]),
        writers=mapping(and_backend_roles=["day", "night"]),
        all_access={**mapping(backend_roles=[MASTER, CHIEF]), "and_backend_roles": ["chief", "boss"]},
    )
    found = told(mole(*backend_roles), held, keepers=KEEPERS)
    assert found == ([Passing("mole", tuple(says), frozenset(roles), critical)] if says else [])


def test_what_is_asked_for_of_several_together_is_for_whoever_has_them() -> None:
    held = house(writers=mapping(and_backend_roles=["day", "night"]))
    asked = wanted(entries={"writers": {"and_backend_roles": {"day": "file", "night": "file"}}})
    assert told(mole("day", "night"), held, asked) == []
    assert len(told(mole("day", "night"), held)) == 1
    with_arn = wanted(entries={"writers": {"and_backend_roles": {"day": "file", APP: "file"}}})
    assert len(told(mole("day", APP), house(writers=mapping(and_backend_roles=["day", APP])), with_arn)) == 1
    another = wanted(entries={"readers": {"and_backend_roles": {"day": "file", "night": "file"}}})
    assert len(told(mole("day", "night"), held, another)) == 1


def test_what_the_model_gives_a_user_is_not_told_of_them() -> None:
    asked = wanted(users={"mole": {"backend_roles": ["guests", MASTER]}})
    assert told(mole("guests", MASTER), desired=asked, keepers=KEEPERS) == []
    assert said(told(mole("guests", APP), house(kibana_user=mapping(backend_roles=["guests", APP])), asked)) == []
    held = house(kibana_user=mapping(backend_roles=["guests"]), readers=mapping(backend_roles=[APP]))
    more = f"has the backend role {APP}, and by it readers with a password"
    assert said(told(mole("guests", APP), held, asked)) == [more]


def test_of_a_keeper_another_s_user_and_one_of_before_a_keepers_role_alone_is_told() -> None:
    """So of a user that the engine has for itself."""
    claim = frozenset({Claim(Kind.USERS, "mole")})
    keeper = ProtectedPrincipals.of(
        master="mole", master_roles=("all_access",), master_list="users", automation=AUTOMATION
    )
    as_automation = f"has the backend role {AUTOMATION}, and is the automation with a password"
    for users, more in (
        (mole("guests", AUTOMATION), {"others": claim, "keepers": KEEPERS}),
        (mole("guests", AUTOMATION), {"mine": claim, "keepers": KEEPERS}),
        (mole("guests", AUTOMATION), {"keepers": keeper}),
        (mole("guests", AUTOMATION, reserved=True), {"keepers": KEEPERS}),
    ):
        assert told(users, **more) == [Passing("mole", (as_automation,), frozenset(), critical=True)]
    assert len(said(told(mole("guests", AUTOMATION), keepers=KEEPERS))) == 2
    assert said(told(mole("mole"), keepers=keeper)) == []  # the master by name is no backend role


@pytest.mark.parametrize(
    ("own", "asked", "says"),
    [
        (["readers"], None, ["has readers without a mapping"]),
        (["writers", "readers"], None, ["has readers, writers without a mapping"]),
        (["readers", "writers"], ["readers"], ["has writers without a mapping"]),
        (["readers"], ["readers"], []),
        (["all_access"], None, []),  # of administrators it is told elsewhere
    ],
)
def test_roles_of_their_own_document_that_the_model_does_not_give_are_told(
    own: list[str], asked: list[str] | None, says: list[str]
) -> None:
    held = house(readers=mapping(), writers=mapping())
    desired = None if asked is None else wanted(users={"mole": {"opendistro_security_roles": asked}})
    found = told(mole(opendistro_security_roles=own), held, desired)
    assert said(found) == says
    assert all(one.roles == set(own) - set(asked or ()) and not one.critical for one in found)


@pytest.mark.parametrize(
    ("name", "mappings", "says", "critical"),
    [
        (BEN, {"kibana_user": [BEN]}, [f"{NAMED} kibana_user with a password"], False),
        (BEN, {"readers": [BEN], "kibana_user": [BEN]}, [f"{NAMED} kibana_user, readers with a password"], False),
        (BEN, {"all_access": [BEN]}, [f"{NAMED} all_access with a password, and administers the engine"], True),
        (BEN, {"readers": ["Cognito/pool/anna"]}, [], False),
        ("ben", {"readers": ["ben"]}, [], False),
    ],
)  # fmt: skip
def test_an_internal_user_who_is_called_like_one_of_cognito_has_their_roles(
    name: str, mappings: dict[str, list[str]], says: list[str], critical: bool
) -> None:
    """With a password of the engine, though nobody of the pool has it."""
    held = house(**{role: mapping(users=users) for role, users in mappings.items()})
    found = told({name: {}}, held)
    assert found == ([Passing(name, tuple(says), frozenset(mappings), critical)] if says else [])


def test_of_many_roles_the_names_are_in_order() -> None:
    names = [f"role-{number}" for number in range(9)]
    held = house(**{role: mapping(users=[BEN], backend_roles=["guests"]) for role in reversed(names)})
    assert said(told({BEN: {}}, held)) == [f"{NAMED} {', '.join(names)} with a password"]
    by_word = f"has the backend role guests, and by it {', '.join(names)} with a password"
    assert said(told(mole("guests"), held)) == [by_word]


def test_what_is_said_by_name_keeps_what_was_said_before_it() -> None:
    held = house(all_access=mapping(users=[BEN]), kibana_user=mapping(backend_roles=["guests"]), readers=mapping())
    user = {BEN: {"backend_roles": ["guests", "x"], "opendistro_security_roles": ["readers"]}}
    [found] = told(user, held)
    assert [line.split(" and ")[0].split(",")[0] for line in found.said] == [
        "has readers without a mapping",
        "is called like a user of Cognito",
        "has the backend role guests",
    ]
    assert (found.roles, found.critical) == ({"readers", "all_access", "kibana_user"}, True)
    named = house(kibana_user=mapping(users=[BEN]))
    assert told({BEN: {"backend_roles": [MASTER]}}, named, keepers=KEEPERS)[0].critical


def test_users_are_told_in_order() -> None:
    users = {name: {"backend_roles": ["guests"]} for name in ("zoe", "anna", "kim")}
    assert [one.user for one in told(users)] == ["anna", "kim", "zoe"]


def test_of_a_family_whose_users_name_their_roles_that_is_drift_by_itself() -> None:
    users, roles = {"mole": {"roles": ["readers"]}}, {"readers": {"cluster": []}}
    held = OnElasticsearch({OfElasticsearch.USERS: users, OfElasticsearch.ROLES: roles})
    assert list(passing(ELASTICSEARCH, Desired(), held, NOTHING, NOTHING, ProtectedPrincipals())) == []
