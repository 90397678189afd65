"""What one domain sends along to another, and what is said to be wrong with that."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.remotes.facts import Weight
from portcullis.remotes.sent_along import Alias, DomainSide, check

READ = [{"index_patterns": ["logs-*"], "allowed_actions": ["read"]}]
LIMITED = [READ[0] | {"dls": '{"term": {"team": "red"}}'}]


def side(name: str, engine: str, roles: Any = (), mappings: Any = None, users: Any = None) -> DomainSide:
    held = SecurityConfig(
        {
            Kind.ROLES: {one: {"index_permissions": READ} for one in roles} if not isinstance(roles, dict) else roles,
            Kind.MAPPINGS: mappings or {},
            Kind.USERS: users or {},
        }
    )
    return DomainSide(name, engine, held)


def told(here: DomainSide, there: DomainSide | None, **more: Any) -> dict[str, tuple[str, str]]:
    return {one.code: (one.weight.value, one.says) for one in check(here, Alias("far", there, **more))}


@pytest.mark.parametrize(
    ("ours", "theirs", "weight"),
    [
        ("OpenSearch_3.3", "OpenSearch_2.19", Weight.OK),
        ("OpenSearch_2.19", "OpenSearch_3.1", Weight.OK),
        ("OpenSearch_2.11", "OpenSearch_2.19", Weight.OK),
        ("OpenSearch_2.11", "OpenSearch_3.3", Weight.UNKNOWN),
        ("OpenSearch_1.3", "OpenSearch_1.3", Weight.UNKNOWN),
        ("Elasticsearch_7.10", "OpenSearch_2.19", Weight.UNKNOWN),
    ],
)
def test_releases_that_were_not_tried_are_not_ok(ours: str, theirs: str, weight: Weight) -> None:
    weighed, says = told(side("orders", ours), side("logs", theirs))["releases"]
    assert weighed == weight
    assert ours.replace("_", " ") in says


MAPPED = {"staff": {"users": ["kim"], "backend_roles": ["night"]}}


@pytest.mark.parametrize(
    ("engine", "mappings", "users", "theirs", "weight", "names"),
    [
        ("OpenSearch_2.19", MAPPED, {}, {}, "wrong", "kim, night of orders have staff"),
        ("OpenSearch_3.3", MAPPED, {}, {}, "OK", "roles of opendistro_security_roles alone"),
        ("OpenSearch_3.3", {}, {"ann": {"opendistro_security_roles": ["staff"]}}, {}, "wrong", "ann of orders have staff"),
        ("OpenSearch_2.19", {}, {"ann": {"opendistro_security_roles": ["staff"]}}, {}, "wrong", "ann of orders have staff"),
        # Whom the other side maps itself gains nothing.
        ("OpenSearch_2.19", MAPPED, {}, {"staff": {"users": ["k*"], "backend_roles": ["night"]}}, "OK", "nobody gains"),
        ("OpenSearch_2.19", MAPPED, {}, {"staff": {"users": ["*"]}}, "OK", "nobody gains"),
        ("OpenSearch_2.19", MAPPED, {}, {"staff": {"users": ["kim"]}}, "wrong", "night of orders have staff"),
        ("OpenSearch_2.19", {"portcullis_lock": {"users": ["*"]}}, {}, {}, "OK", "nobody gains"),
        ("Elasticsearch_7.10", MAPPED, {}, {}, "unknown", "was not tried"),
    ],
)  # fmt: skip
def test_roles_that_are_sent_along_are_found(
    engine: str, mappings: Any, users: Any, theirs: Any, weight: str, names: str
) -> None:
    roles = ("staff", "portcullis_lock")
    weighed, says = told(side("orders", engine, roles, mappings, users), side("logs", "OpenSearch_3.3", roles, theirs))[
        "role-sent"
    ]
    assert (weighed, names in says) == (weight, True), says


def test_a_role_by_which_no_search_gains_is_none() -> None:
    there = side("logs", "OpenSearch_3.3", {"security_manager": {"cluster_permissions": ["*"]}})
    here = side("orders", "OpenSearch_2.19", ("security_manager",), {"security_manager": {"users": ["kim"]}})
    assert told(here, there)["role-sent"][0] == "OK"


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("CN=admin,OU=ops,O=Example", "wrong"),
        ("ou=ops", "wrong"),
        ("kim", "OK"),
        ("k=v", "OK"),
        ("cognito", "OK"),
        ("cn=", "OK"),
    ],
)
def test_who_is_called_as_a_certificate_is_found_without_the_other_side(name: str, weight: str) -> None:
    here = side("orders", "OpenSearch_3.3", users={name: {}})
    for there in (side("logs", "OpenSearch_3.3"), None):
        assert told(here, there)["called-as-certificate"][0] == weight


@pytest.mark.parametrize(
    ("engine", "roles", "beside", "lost"),
    [
        ("OpenSearch_2.19", {"reds": {"index_permissions": LIMITED}}, ("skips",), True),
        ("OpenSearch_2.19", {"reds": {"index_permissions": LIMITED}}, (), False),
        ("OpenSearch_2.19", {"reads": {"index_permissions": READ}}, ("skips",), False),
        ("OpenSearch_3.3", {"reds": {"index_permissions": LIMITED}}, ("skips",), False),
    ],
)
def test_limits_that_a_2_x_may_lose_beside_what_is_left_out(engine: str, roles: Any, beside: Any, lost: bool) -> None:
    found = told(side("orders", "OpenSearch_3.3"), side("logs", engine, roles), beside=beside)
    assert ("limits-lost" in found) is lost
    if lost:
        assert found["limits-lost"][0] == "wrong"


def test_what_was_not_looked_at_is_no_ok() -> None:
    unseen = DomainSide("logs", "OpenSearch_3.3", None, "logs is locked")
    found = told(side("orders", "OpenSearch_2.19", ("staff",), MAPPED), unseen, skip_unavailable=True)
    assert found["not-looked-at"] == ("unknown", "logs is locked")
    assert found["refusals-hidden"][0] == "note"
    assert "role-sent" not in found
    elsewhere = told(side("orders", "OpenSearch_2.19"), None)
    assert "is no deployment of this account" in elsewhere["not-looked-at"][1]
