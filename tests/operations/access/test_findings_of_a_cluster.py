"""Given an Elasticsearch, its people and what it holds, then what is seldom meant is found there too, and the page shows all of it."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.findings import (
    AHEAD,
    EVERYBODY,
    MISSPELT,
    NO_INDEX,
    NOBODY,
    PATH,
    UNUSED,
    Findings,
    Found,
)
from portcullis.access.questions.picture import Picture
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.model import load
from portcullis.operations.access.asking.drawing import picture
from portcullis.operations.access.asking.findings.finding import findings
from portcullis.operations.access.asking.scene_of_file import of_file

from tests.operations import elastic
from tests.operations.access.test_questions_of_a_cluster import asks, cluster, mapped, text
from tests.operations.orders import cognito, group
from tests.operations.worlds import Account

TOKENS = "realm: {name: tokens}"
WAYS_IN = ["native_users: {}", TOKENS, "realm: {name: tokens, by: groups}"]


def found(here: Account) -> Findings:
    told: Findings = asks(here, "findings")
    return told


def of(here: Account, code: str) -> dict[str, Found]:
    return {one.about: one for one in found(here).findings if one.code == code}


def holds(here: Account, kind: str, name: str, document: Json) -> None:
    here.engine.held = here.engine.held.with_document(kind, name, document)


@pytest.mark.parametrize("people", WAYS_IN)
def test_of_a_tidy_cluster_nothing_is_told(people: str) -> None:
    """Who administers it by being `elastic`, and the automation that has to, are known to."""
    told = found(cluster(people))
    assert (told.findings, told.answer) == ((), "nothing is found")
    assert not [one for one in told.not_looked_at if "IAM role" in one], "none is let in"


def test_a_path_begins_with_the_person_and_names_their_native_user() -> None:
    here = cluster()
    holds(here, Kind.ROLES, "helpdesk", {"cluster": ["manage_security"]})
    holds(here, Kind.USERS, "ben", elastic.user("level_support", "helpdesk"))
    (one,) = of(here, PATH).values()
    assert one.says == "cognito_user:ben may come to administer the cluster in 2 steps"
    assert one.certain
    assert one.path == (
        "cognito_user:ben",
        "has the role helpdesk (user/ben)",
        "may write native users (manage_security): makes a native user with the role superuser",
    )


def test_whoever_a_role_mapping_lets_in_may_have_a_way_too() -> None:
    here = cluster(TOKENS)
    holds(here, Kind.ROLES, "maps", {"cluster": ["cluster:admin/xpack/security/role_mapping/put"]})
    mapped(here, "staff", {"field": {"dn": "*,ou=staff"}}, "maps")
    (one,) = of(here, PATH).values()
    assert one.about == "role_mapping:staff"
    assert not one.certain
    assert "if they sign in by another realm than the native one" in one.says


def test_patterns_of_role_mappings_that_fit_nobody_or_everybody() -> None:
    here = cluster(TOKENS)
    ours = {"field": {"realm.name": "tokens"}}
    mapped(here, "all", {"all": []}, "viewer")
    mapped(here, "realm", ours, "viewer")
    mapped(here, "none", {"all": [ours, {"field": {"username": "x-*"}}]}, "viewer")
    mapped(here, "some", {"all": [ours, {"field": {"username": "a*"}}]}, "viewer")
    mapped(here, "off", {"all": []}, "viewer", enabled=False)
    mapped(here, "other", {"field": {"dn": "*,ou=staff"}}, "viewer")
    assert {one.about: one.says for one in found(here).findings if one.code in (EVERYBODY, NOBODY)} == {
        "all": "role_mapping/all lets in whoever comes in by any realm that role mappings count for",
        "realm": "role_mapping/realm lets in whoever comes in by the realm tokens",
        "none": "role_mapping/none fits nobody who is known",
    }
    assert "whom other lets in, only the engine can tell" in found(here).unknown


@pytest.mark.parametrize(
    "rules", [{"field": {"username": "/a@b/"}}, {"odd": 1}, {"field": {"username": "/a@b/"}, "x": []}, None]
)
def test_a_rule_that_only_the_engine_reads_stops_nothing(rules: Any) -> None:
    here = cluster(TOKENS)
    mapped(here, "odd", rules, "keeps_orders")
    assert found(here).findings == ()
    assert asks(here, "report").people
    assert asks(here, "diff", text=text(TOKENS)).people == ()


def test_patterns_of_roles_that_fit_no_index_and_those_that_nearly_do() -> None:
    here = cluster()
    names = ["oders-*", "billing-*", "/x/", "dc2:logs", ".security*", ".kibana*"]
    holds(here, Kind.ROLES, "team", {"indices": [{"names": names, "privileges": ["read"]}]})
    assert not of(here, NO_INDEX), "nobody may have it"
    holds(here, Kind.USERS, "dora", elastic.user("team"))
    assert [one.says for one in found(here).findings if one.about == "team"] == [
        "oders-* of team fits no index, and orders-1 is one letter away",
        "billing-* of team fits no index that there is",
    ]
    assert of(here, MISSPELT)


@pytest.mark.parametrize("people", WAYS_IN)
def test_grants_that_nobody_has_and_people_far_ahead(people: str) -> None:
    here = cluster(people)
    here.people.groups[group("support")] = ()
    assert of(here, UNUSED).keys() == {"cognito_group:support"}
    here.people.groups[group("support")] = tuple(cognito(name) for name in ("ben", "dora", "emil"))
    asks(here, "synchronise")
    assert not found(here).findings
    here.engine.index_blocks |= {f"billing-{number}": {} for number in range(9)}
    holds(here, Kind.ROLES, "wide", {"indices": [{"names": ["*"], "privileges": ["all"]}]})
    if people == WAYS_IN[0]:
        there = here.engine.held.of(Kind.USERS)["emil"]
        holds(here, Kind.USERS, "emil", {**there, "roles": [*there["roles"], "wide"]})
    else:
        mapped(here, "by hand", {"all": [{"field": {"realm.name": "tokens"}}, {"field": {"username": "emil"}}]}, "wide")
    assert of(here, AHEAD).keys() == {"cognito_user:emil"}


def test_looking_for_findings_changes_nothing() -> None:
    here = cluster()
    held, history = here.engine.held, list(here.services.ledger.history("demo", 50))
    found(here)
    assert here.engine.held == held
    assert list(here.services.ledger.history("demo", 50)) == history


def test_of_a_file_alone_paths_are_told(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    access = """\
access:
  roles:
    helpdesk: {cluster: [manage_security]}
  grants:
    - {role: helpdesk, to: {cognito_group: readers}}
"""
    path.write_text(text(access=access))
    told = findings(of_file(load(path)))
    assert [(one.code, one.about) for one in told.findings] == [(PATH, "cognito_group:readers")]
    assert "who is in which group and which indices there are (a file does not say it)" in told.not_looked_at


@pytest.mark.parametrize("people", WAYS_IN)
def test_the_page_has_the_permissions_behind_each_cell(people: str) -> None:
    drawn: Picture = asks(cluster(people), "report")
    who = {one.person: one for one in drawn.people}
    names = [drawn.roles[place].name for place, _ in who["cognito_user:anna"].roles]
    assert "part_of_orders" in names
    rules = {one.name: one.rules for one in drawn.roles}["part_of_orders"]
    assert [(one.says, one.limits) for one in rules] == [
        ("read on orders-*", 'only documents that match {"term": {"region": "eu"}}, all fields without customer')
    ]
    orders = sum(1 << place for place, index in enumerate(drawn.indices) if index.startswith("orders-"))
    assert int.from_bytes(b64decode(rules[0].covers), "little") == orders
    assert not [line for line in drawn.unknown if "not worked out" in line]


def test_the_page_of_a_file_alone_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(text())
    here = cluster()
    drawn = picture(of_file(load(path)), here.services.now())
    assert {"cognito_group:readers", "iam_group:ops"} <= {one.person for one in drawn.people}
    assert {one.name for one in drawn.roles if one.rules} >= {"part_of_orders", "keeps_orders"}
