"""Each way to administration that is told is gone by a real user on a real server; what is told to be none leads nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.finding import ELASTICSEARCH

from local.elastic.distribution import major
from local.elastic.node import Elasticsearch

pytestmark = pytest.mark.node
PASSWORD = "Correct-horse-battery-9"
SECURITY = "cluster:admin/xpack/security/"
WRITES: Json = {"names": [".security*"], "privileges": ["write"], "allow_restricted_indices": True}
SUPERUSER: Json = {"password": PASSWORD, "roles": ["superuser"]}


def as_(node: Elasticsearch, user: str, method: str, path: str, body: Any = None) -> int:
    return node.ask(method, path, body, user=user, password=PASSWORD)[0]


def makes_a_user(node: Elasticsearch) -> bool:
    return as_(node, "anna", "PUT", "/_security/user/made", SUPERUSER) == 200 and administers(node, "made")


def sets_a_password(node: Elasticsearch) -> bool:
    node.ask("PUT", "/_security/user/boss", {**SUPERUSER, "password": "Another-horse-battery-8"})
    done = as_(node, "anna", "POST", "/_security/user/boss/_password", {"password": PASSWORD})
    return done == 200 and administers(node, "boss")


def writes_a_role(node: Elasticsearch) -> bool:
    return as_(node, "anna", "PUT", "/_security/role/team", {"cluster": ["all"]}) == 200 and makes_a_user(node)


def writes_roles(node: Elasticsearch) -> bool:
    roles = {"roles": {"team": {"cluster": ["all"]}}}
    return as_(node, "anna", "POST", "/_security/role", roles) == 200 and makes_a_user(node)


def writes_a_mapping(node: Elasticsearch) -> bool:
    mapping = {"enabled": True, "roles": ["superuser"], "rules": {"field": {"username": "anna"}}}
    assert as_(node, "anna", "PUT", "/_security/role_mapping/mine", mapping) == 200
    return administers(node, "anna")


def writes_the_index(node: Elasticsearch) -> bool:
    old = major(node.version) == 6
    path = "/.security-6/doc/role-team/_update" if old else "/.security/_update/role-team"
    done = as_(node, "anna", "POST", path, {"doc": {"cluster": ["all"]}})
    node.ask("POST", "/_security/role/team/_clear_cache")  # soon they are read anew anyway
    return done == 200 and makes_a_user(node)


def acts_as_the_boss(node: Elasticsearch) -> bool:
    return acting(node, "PUT", "/_security/user/made", SUPERUSER) == 200 and administers(node, "made")


def acting(node: Elasticsearch, method: str, path: str, body: Any) -> int:
    """As anna, who acts as boss."""
    return node.ask(method, path, body, user="anna", password=PASSWORD, run_as="boss")[0]


def administers(node: Elasticsearch, user: str) -> bool:
    return as_(node, user, "PUT", "/_security/role/proof", {"cluster": ["monitor"]}) == 200


Attempt = Callable[[Elasticsearch], bool]
TRIED: dict[str, tuple[Json, Attempt, bool]] = {
    "manage_security": ({"cluster": ["manage_security"]}, makes_a_user, True),
    "all": ({"cluster": ["all"]}, makes_a_user, True),
    "user/put": ({"cluster": [f"{SECURITY}user/put"]}, makes_a_user, True),
    "change_password": ({"cluster": [f"{SECURITY}user/change_password"]}, sets_a_password, True),
    "role/put": ({"cluster": [f"{SECURITY}role/put"]}, writes_a_role, True),
    "role/bulk_put": ({"cluster": [f"{SECURITY}role/bulk_put"]}, writes_roles, True),
    "role_mapping/put of a native user": ({"cluster": [f"{SECURITY}role_mapping/put"]}, writes_a_mapping, False),
    "write on .security": ({"indices": [WRITES]}, writes_the_index, True),
    "run_as": ({"run_as": ["b*"]}, acts_as_the_boss, True),
    "manage": ({"cluster": ["manage", "read_security"]}, makes_a_user, False),
    "manage, for roles": ({"cluster": ["manage"]}, writes_a_role, False),
    "manage, for passwords": ({"cluster": ["manage"]}, sets_a_password, False),
    "* without the restricted": ({"indices": [{"names": ["*"], "privileges": ["all"]}]}, writes_the_index, False),
    "run_as of another": ({"run_as": ["c*"]}, acts_as_the_boss, False),
}


@pytest.mark.parametrize("what", TRIED)
def test_a_way_that_is_told_is_gone(elastic: Elasticsearch, what: str) -> None:
    role, attempt, leads = TRIED[what]
    for path, body in (
        ("role/team", role),
        ("user/anna", {"password": PASSWORD, "roles": ["team"]}),
        ("user/boss", SUPERUSER),
    ):
        status, said = elastic.ask("PUT", f"/_security/{path}", body)
        assert status == 200, said
    held = SecurityConfig({kind: elastic.ask("GET", f"/_security/{kind}")[1] for kind in (Kind.ROLES, Kind.USERS)})
    way = ELASTICSEARCH.way_up(held, {"team"})
    assert (way is not None and not way.unless) is leads
    if what == "role/bulk_put" and major(elastic.version) < 8:
        leads = False  # a release that has no such action takes its name into a role all the same
    assert attempt(elastic) is leads, json.dumps(role)


def test_a_disabled_user_is_nobody_to_act_as(elastic: Elasticsearch) -> None:
    elastic.ask("PUT", "/_security/role/team", {"run_as": ["boss"]})
    elastic.ask("PUT", "/_security/user/anna", {"password": PASSWORD, "roles": ["team"]})
    elastic.ask("PUT", "/_security/user/boss", {**SUPERUSER, "enabled": False})
    held = SecurityConfig({kind: elastic.ask("GET", f"/_security/{kind}")[1] for kind in (Kind.ROLES, Kind.USERS)})
    assert ELASTICSEARCH.way_up(held, {"team"}) is None
    assert acting(elastic, "PUT", "/_security/user/made", SUPERUSER) in (401, 403)
