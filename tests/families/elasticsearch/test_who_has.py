"""Who has which role on an Elasticsearch, and what is said of a role mapping whose roles only the engine can name."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.drift import drift
from portcullis.access.plan import Claim
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.elasticsearch.granting.effect import people

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
