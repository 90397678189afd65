"""Given people, a config and what is on the engine, then each kind of finding is found, and a tidy deployment has none."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import EngineSettings
from portcullis.access.questions.findings import (
    AHEAD,
    EVERYBODY,
    LIFTED,
    MISSPELT,
    NO_INDEX,
    NOBODY,
    PATH,
    UNUSED,
    Findings,
    Found,
)
from portcullis.entry.verbs import VERBS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.asking.findings.finding import _chains, trusted

from tests.operations.orders import CAUSE, cognito, group, orders_account
from tests.operations.worlds import Account, arn


@pytest.fixture
def here() -> Account:
    return orders_account()


def found(here: Account) -> Findings:
    told: Findings = VERBS["findings"].run(here.services, "demo", CAUSE)
    return told


def of(here: Account, code: str) -> dict[str, Found]:
    return {one.about: one for one in found(here).findings if one.code == code}


def by_hand(here: Account, kind: str, name: str, document: Any) -> None:
    here.engine.by_hand(kind, [{"op": "add", "path": f"/{name}", "value": document}])


def maps(here: Account, role: str, **lists: list[str]) -> None:
    if role not in here.engine.held.of(Kind.ROLES):
        by_hand(here, Kind.ROLES, role, {"cluster_permissions": []})
    by_hand(here, Kind.MAPPINGS, role, lists)


RED = {"red-logs": {"orders-1": '{"term": {"team": "red"}}'}}


def test_of_a_tidy_deployment_nothing_is_told_but_its_own_administrators(here: Account) -> None:
    """The master and whoever has all_access are known to administer: a path is what takes more than one step."""
    assert found(here).findings == ()


def test_what_lets_in_whoever_does_not_sign_in_is_told_as_for_everybody(here: Account) -> None:
    maps(here, "readall", backend_roles=["opendistro_security_anonymous_backendrole"])
    (one,) = of(here, EVERYBODY).values()
    assert "lets in whoever there is, also without signing in" in one.says


@pytest.mark.parametrize(
    ("patterns", "leaves_out", "filters", "told"),
    [
        (["red-logs"], True, RED, True),
        (["red-logs"], True, None, True),  # nobody could say whether it has one
        (["red-logs"], True, {}, False),
        (["red-*"], True, RED, True),
        (["red-logs", "orders-1"], True, RED, True),  # orders-2 is reached by the alias alone
        (["red-logs", "orders-*"], True, RED, False),
        (["red-logs"], False, RED, False),
        (["orders-*"], True, RED, False),
    ],
)
def test_a_role_by_an_alias_alone_is_told_where_filters_can_be_lifted(
    here: Account, patterns: list[str], leaves_out: bool, filters: dict[str, dict[str, str]] | None, told: bool
) -> None:
    here.engine.set_to = EngineSettings(leaves_out_forbidden=leaves_out)
    here.engine.groups, here.engine.filters = ({"red-logs": ("orders-1", "orders-2")}, {}), filters
    entry = {"index_patterns": patterns, "allowed_actions": ["read"]}
    by_hand(here, Kind.ROLES, "team", {"index_permissions": [entry]})
    maps(here, "team", users=[cognito("anna")])
    assert ("team" in of(here, LIFTED)) is told


@pytest.mark.parametrize(
    ("role", "cluster", "steps", "certain"),
    [
        ("security_manager", (), 2, True),
        ("security_rest_api_access", (), 2, False),
        ("team", ("restapi:admin/rolesmapping",), 2, False),
        ("team", ("restapi:admin/*",), 2, False),
        ("team", ("restapi:admin/internalusers",), 2, False),
        ("team", ("restapi:admin/roles",), 3, False),
        ("team", ("restapi:admin/actiongroups", "own_group"), 3, False),
        ("team", ("own_group",), 2, False),
        ("team", ("restapi:admin/actiongroups",), 0, False),  # no action group is theirs to change
        ("team", ("cluster_monitor", "indices:data/read/search"), 0, False),
    ],
)
def test_a_way_to_administration_is_a_path_from_a_person(
    here: Account, role: str, cluster: tuple[str, ...], steps: int, certain: bool
) -> None:
    actions = ["restapi:admin/rolesmapping"] if cluster == ("own_group",) else ["cluster:monitor/main"]
    by_hand(here, Kind.ACTION_GROUPS, "own_group", {"allowed_actions": actions})
    if role == "team":
        by_hand(here, Kind.ROLES, role, {"cluster_permissions": list(cluster)})
    maps(here, role, users=[cognito("anna")])
    one = of(here, PATH).get("cognito_user:anna")
    if not steps:
        assert one is None
        return
    assert one is not None
    assert (len(one.path), one.certain) == (steps + 1, certain)
    assert one.path[0] == "cognito_user:anna"
    assert one.path[1] == f"has the role {role} (rolesmapping/{role}/users: {cognito('anna')})"
    assert "maps themselves to all_access" in one.path[-1] or "makes a user with the role all_access" in one.path[-1]
    assert certain or "plugins.security.restapi" in one.says


def test_whoever_may_take_the_role_of_an_administrator_is_told_role_by_role(here: Account) -> None:
    ops, ci, kim = arn("role", "ops"), arn("role", "ci"), arn("user", "kim")
    maps(here, "all_access", backend_roles=[ops])
    trust = {"role/ops": {"trust": [{"Effect": "Allow", "Principal": {"AWS": [ci]}}]}}
    trust["role/ci"] = {
        "trust": [
            {"Effect": "Allow", "Principal": {"AWS": [kim, ops]}},
            {"Effect": "Deny", "Principal": {"AWS": ["x"]}},
        ]
    }
    here.ledger.save("demo", "roads-baseline", trust)
    told = of(here, PATH)
    assert [step.partition(" (")[0] for step in told[kim].path] == [
        kim,
        f"may take the role {ci}",
        f"may take the role {ops}",
        "has the role all_access",
    ]
    assert told[ci].certain
    assert "x" not in told
    trust["role/ops"]["trust"][0]["Principal"]["AWS"].append("arn:aws:iam::444455556666:root")
    here.ledger.save("demo", "roads-baseline", trust)
    assert (
        of(here, PATH)["arn:aws:iam::444455556666:root"].path[0]
        == "somebody of account 444455556666 (whom its own IAM policies let)"
    )
    here.ledger.save("demo", "roads-opened", {"role/ops": {"is": {"trust": []}}})
    assert not {kim, ci} & of(here, PATH).keys()


def test_a_service_begins_no_path_by_trust() -> None:
    trust = [{"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}}]
    told = trusted({"role/x": {"trust": trust}, "role/gone": None, "domain": {}})
    assert told == {"x": ("lambda.amazonaws.com",)}
    assert not [*_chains(arn("role", "x"), told)]


def test_patterns_of_mappings_that_fit_nobody_or_everybody(here: Account) -> None:
    maps(here, "team", users=["*"], backend_roles=["arn:aws:iam::*:role/gone-*"])
    maps(here, "other", users=[f"Cognito/*/{'a' * 3}*", "Cognito/*/ann?"])
    assert of(here, EVERYBODY).keys() == {"*"}
    assert of(here, NOBODY).keys() == {"arn:aws:iam::*:role/gone-*", "Cognito/*/aaa*"}


def test_whom_only_the_engine_knows_is_said_to_be_unknown(here: Account) -> None:
    maps(here, "team", users=[r"/\p{L}+/"])
    told = found(here)
    assert not {one.code for one in told.findings} & {NOBODY, EVERYBODY}
    assert any(r"/\p{L}+/" in one for one in told.unknown)


def test_patterns_of_roles_that_fit_no_index_and_those_that_nearly_do(here: Account) -> None:
    entry = {
        "index_patterns": ["oders-*", "billing-*", "${user.name}", "/x/", "orders-?", "<logs-{now/d}>"],
        "allowed_actions": ["read"],
    }
    by_hand(here, Kind.ROLES, "team", {"index_permissions": [entry]})
    assert not of(here, MISSPELT), "nobody may have it"
    maps(here, "team", users=[cognito("anna")])
    assert [one.says for one in found(here).findings if one.about == "team"] == [
        "oders-* of team fits no index, and orders-1 is one letter away",
        "billing-* of team fits no index that there is",
    ]
    here.engine.index_blocks = {**here.engine.index_blocks, "billing-2026": {}}
    assert not of(here, NO_INDEX)


def test_grants_that_nobody_has(here: Account) -> None:
    here.people.groups[group("readers")] = ()
    assert of(here, UNUSED).keys() == {"cognito_group:readers"}
    here.people.hidden[group("readers")] = "not allowed"
    assert not of(here, UNUSED), "what could not be read is not empty"


def test_people_far_ahead_of_their_group(here: Account) -> None:
    here.people.groups[group("tokens")] = tuple(cognito(name) for name in ("anna", "both", "cleo"))
    assert not of(here, AHEAD)
    here.engine.index_blocks = {**here.engine.index_blocks, **{f"billing-{number}": {} for number in range(9)}}
    by_hand(here, Kind.ROLES, "wide", {"index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]})
    maps(here, "wide", users=[cognito("cleo")])
    assert of(here, AHEAD).keys() == {"cognito_user:cleo"}


def test_looking_for_findings_changes_nothing(here: Account) -> None:
    held, history = here.engine.held, list(here.services.ledger.history("demo", 50))
    found(here)
    assert here.engine.held == held
    assert list(here.services.ledger.history("demo", 50)) == history
