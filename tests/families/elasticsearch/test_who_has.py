"""Who has which role on an Elasticsearch, and what is said of a role mapping whose roles only the engine can name."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.drift import drift
from portcullis.access.plan import Claim
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.elasticsearch.granting.effect import people
from portcullis.families.elasticsearch.granting.who_has import administers as administers_here

EVE = {"all": [{"field": {"realm.name": "tokens"}}, {"any": [{"field": {"username": ["eve"]}}]}]}
TEXT = 'what the template {"template": {"source": "superuser"}} comes to'


def held(*templates: Json, enabled: bool = True) -> SecurityConfig:
    mapping = {"enabled": enabled, "role_templates": list(templates), "rules": EVE}
    return SecurityConfig({Kind.ROLES: {}, Kind.USERS: {}, Kind.MAPPINGS: {"by-hand": mapping} if templates else {}})


BY_TEMPLATE = held({"template": {"source": "superuser"}})


def test_a_mapping_with_templates_alone_may_give_the_administration() -> None:
    assert [(one.role, one.entry) for one in ELASTICSEARCH.administrators(BY_TEMPLATE)] == [(TEXT, "by-hand")]
    assert ELASTICSEARCH.administrators(held({"template": {"source": "superuser"}}, enabled=False)) == ()


@pytest.mark.parametrize("theirs", [frozenset(), frozenset({Claim(Kind.MAPPINGS, "by-hand")})])
def test_a_mapping_with_templates_made_by_hand_is_critical_drift(theirs: frozenset[Claim]) -> None:
    claim = Claim(Kind.MAPPINGS, "by-hand")
    found = drift(ELASTICSEARCH, Desired({}, {}), BY_TEMPLATE, frozenset(), theirs)
    assert [(one.severity, one.claim) for one in found] == [("critical", claim)]
    assert TEXT in found[0].what


def test_a_disabled_mapping_with_templates_made_by_hand_is_told() -> None:
    found = drift(
        ELASTICSEARCH, Desired({}, {}), held({"template": {"source": "superuser"}}, enabled=False), frozenset()
    )
    assert [(one.severity, one.what) for one in found] == [
        ("info", f"role_mapping/by-hand was made by hand, and gives {TEXT}")
    ]


def test_whom_a_template_is_added_for_gains_what_it_comes_to() -> None:
    effect = people(held(), BY_TEMPLATE)
    assert [str(one) for one in effect.gains] == [f"eve of realm tokens: {TEXT} (role by role_mapping/by-hand)"]
    assert effect.loses == ()
    assert people(BY_TEMPLATE, held()).loses == effect.gains
    assert people(BY_TEMPLATE, BY_TEMPLATE).lines() == ()


ADMIN: Json = {"cluster": ["manage_security"]}


@pytest.mark.parametrize(
    ("role", "administers"),
    [
        ({"cluster": ["All"]}, True),
        (ADMIN, True),
        ({"cluster": ["cluster:admin/xpack/security/user/change_password"]}, True),
        ({"cluster": ["cluster:admin/xpack/security/role_mapping/put"]}, True),
        ({"cluster": ["manage"]}, False),  # without what belongs to security
        ({"cluster": ["read_security", "manage_own_api_key"]}, False),
        ({"indices": [{"names": ["*"], "privileges": ["all"]}]}, False),  # not what the engine keeps for itself
        ({"indices": [{"names": ["*"], "privileges": ["all"], "allow_restricted_indices": True}]}, True),
        ({"indices": [{"names": [".security-7"], "privileges": ["index"], "allow_restricted_indices": True}]}, True),
        ({"indices": [{"names": [".security*"], "privileges": ["read"], "allow_restricted_indices": True}]}, False),
        ({"indices": [{"names": ["logs"], "privileges": ["all"], "allow_restricted_indices": True}]}, False),
        ({"indices": [{"names": ["/(a+)+b/"], "privileges": ["all"], "allow_restricted_indices": True}]}, True),
        ({"run_as": ["root"]}, True),
        ({"run_as": ["ro*"]}, True),
        ({"run_as": ["/(a+)+b/"]}, True),  # only the engine can tell whom
        ({"run_as": ["anna"]}, False),
        ({"run_as": ["deputy"]}, True),  # who may act as root
        ({}, False),
    ],
)
def test_whether_a_role_lets_its_holders_give_themselves_everything(role: Json, administers: bool) -> None:
    users = {"root": {"roles": ["admin"]}, "deputy": {"roles": ["deputies"]}, "anna": {"roles": ["r"]}}
    roles = {"admin": ADMIN, "deputies": {"run_as": ["root"]}, "r": role}
    config = SecurityConfig({Kind.ROLES: roles, Kind.USERS: users, Kind.MAPPINGS: {}})
    assert ("anna" in {one.entry for one in ELASTICSEARCH.administrators(config)}) is administers
    assert administers_here(config, Claim(Kind.ROLES, "r")) is administers
    assert administers_here(config, Claim(MEMBERS, "r", NATIVE_USERS, "ben")) is administers
    mapping = {"roles": ["x", "r"], "rules": EVE}
    assert administers_here(config, Claim(Kind.MAPPINGS, "m"), mapping) is administers
    assert administers_here(config, Claim(Kind.MAPPINGS, "m")) is False  # there is none
    assert administers_here(config, Claim(Kind.USERS, "anna")) is False  # by their roles alone


def test_who_is_disabled_administers_nothing() -> None:
    users = {"root": {"roles": ["superuser"], "enabled": False}, "anna": {"roles": ["superuser"], "enabled": True}}
    mapping = {"roles": ["superuser"], "rules": EVE}
    mappings = {"on": mapping, "off": {**mapping, "enabled": False}}
    config = SecurityConfig({Kind.ROLES: {}, Kind.USERS: users, Kind.MAPPINGS: mappings})
    found = [(one.role, one.entry_list, one.entry) for one in ELASTICSEARCH.administrators(config)]
    assert found == [("superuser", Kind.MAPPINGS, "on"), ("superuser", NATIVE_USERS, "anna")]
    assert ELASTICSEARCH.holders(config, "superuser") == ("root", "anna", "eve of realm tokens")
