"""Given a deployment that asks for the older sessions of a role to be denied, then the right to do so is the right to nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.access.sessions import NEVER, OLDER_SESSIONS, denied_before

from stacks import names
from tests.stacks.assembly import ACCOUNT, HOME, Synthesised, listed, synthesised

WATCHED = """
deployment: watched
engine: OpenSearch_3.3
domain: {configuration: cognito, data_nodes: {count: 1}}
identity: {cognito: {groups: {analysts: {role: true}, auditors: {role: true}, masters: {role: true}, support: {}}}}
access:
  roles: {reader: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}}
  grants: [{role: reader, to: {cognito_group: analysts, by: role}}]
custody: {deny_older_sessions: true}
"""
CALM = WATCHED.replace("watched", "calm").replace("deny_older_sessions: true", "sweep_minutes: 5")
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/portcullis-watched-boundary"
BOUNDED = [f"arn:aws:iam::{ACCOUNT}:role/portcullis-watched-{group}" for group in ("analysts", "auditors")]
MAY = {"identity_sync", "key_guard", "sweep", "operate", "remove"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """One deployment that asks for it, and the same without."""
    folder = tmp_path_factory.mktemp("sessions")
    for name, text in (("watched", WATCHED), ("calm", CALM)):
        (folder / f"{name}.yaml").write_text(text)
    return synthesised(folder / "out", HOME, deployments=str(folder))


def writing(assembly: Synthesised) -> list[tuple[str, dict[str, Any]]]:
    """Every statement that allows to write anything of IAM, but for the role that is Amazon's own."""
    return [
        (where, statement)
        for where, statement in assembly.identity_statements()
        if statement["Effect"] == "Allow"
        and any(
            action.startswith("iam:")
            and not action.startswith(("iam:Get", "iam:List", "iam:PassRole", "iam:CreateServiceLinkedRole"))
            for action in listed(statement["Action"])
        )
    ]


def test_nobody_may_write_to_iam_where_no_deployment_asks_for_it(demo: Synthesised, pair: Synthesised) -> None:
    assert writing(demo) == writing(pair) == []
    assert not [r for one in (demo, pair) for r in one.resources("AWS::IAM::ManagedPolicy") if "Boundary" in r]


def test_what_may_be_written_is_one_policy_of_exactly_the_bounded_roles(both: Synthesised) -> None:
    found = writing(both)
    functions = {function for function in names.FUNCTIONS for where, _ in found if _role_of(function) in where}
    assert functions == MAY
    assert len(found) == len(MAY)
    for where, statement in found:
        assert listed(statement["Action"]) == ["iam:PutRolePolicy"], where
        assert listed(statement["Resource"]) == BOUNDED, where
        assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}, where


def test_nobody_may_take_a_boundary_off_or_change_one(both: Synthesised) -> None:
    for where, statement in both.identity_statements():
        if statement["Effect"] == "Allow":
            named = [a for a in listed(statement["Action"]) if "Boundary" in a or "PolicyVersion" in a]
            assert set(named) <= {"iam:GetPolicyVersion"}, where  # which reads


def test_a_bounded_role_may_only_send_requests_to_its_domain(both: Synthesised) -> None:
    """That is what the access policy of the domain allows everybody, and the engine decides the rest."""
    (boundary,) = [
        policy["Properties"]
        for policy in both.resources("AWS::IAM::ManagedPolicy").values()
        if policy["Properties"].get("ManagedPolicyName", "").endswith("-boundary")
    ]
    assert boundary["ManagedPolicyName"] == BOUNDARY.rpartition("/")[2]
    (statement,) = boundary["PolicyDocument"]["Statement"]
    assert all(action.startswith("es:ESHttp") and "*" not in action for action in statement["Action"])
    arn = f"arn:aws:es:{HOME}:{ACCOUNT}:domain/watched/*"
    assert json.dumps(statement["Resource"]).replace('{"Ref": "AWS::Partition"}', "aws").count("domain/watched/*") == 1
    policy = both.one("AWS::OpenSearchService::Domain", "portcullis-watched-domain")["AccessPolicies"]
    everybody = policy["Statement"][0]
    assert (everybody["Principal"], everybody["Action"], everybody["Resource"]) == ({"AWS": "*"}, "es:ESHttp*", arn)


@pytest.mark.parametrize(
    ("part", "bounded"),
    [("analysts", True), ("auditors", True), ("master", False), ("signed-in", False), ("canary", False)],
)
def test_the_roles_of_groups_are_bounded_and_no_others(both: Synthesised, part: str, bounded: bool) -> None:
    assert ("PermissionsBoundary" in both.role_named(f"portcullis-watched-{part}")) == bounded
    assert "PermissionsBoundary" not in both.role_named(f"portcullis-calm-{part}")


def test_the_policy_is_there_from_the_start_and_denies_nobody(both: Synthesised) -> None:
    """So that it goes with the stack: IAM deletes no role with a policy that CloudFormation does not know."""
    made = [
        policy["Properties"]
        for policy in both.resources("AWS::IAM::Policy").values()
        if policy["Properties"]["PolicyName"] == OLDER_SESSIONS
    ]
    assert len(made) == len(BOUNDED)
    assert all(len(one["Roles"]) == 1 for one in made)
    assert {denied_before(one["PolicyDocument"]) for one in made} == {NEVER}


def test_the_deployment_is_registered_with_the_roles_that_are_bounded(both: Synthesised) -> None:
    for name, groups in (("watched", {"analysts", "auditors"}), ("calm", set())):
        registration = both.one("Custom::PortcullisDeployment", f"portcullis-{name}-access")["Registration"]
        assert set(registration["cognito"]["bounded_roles"]) == groups
        assert set(registration["cognito"]["group_roles"]) == {"analysts", "auditors", "masters"}


def test_people_are_signed_out_only_of_the_pool_that_asks_for_it(both: Synthesised) -> None:
    allowed = [s for _, s in both.identity_statements() if "cognito-idp:AdminUserGlobalSignOut" in listed(s["Action"])]
    of_functions = [s for s in allowed if listed(s["Action"]) == ["cognito-idp:AdminUserGlobalSignOut"]]
    assert len(of_functions) == len(MAY)
    assert all("watched" in json.dumps(s["Resource"]) and "calm" not in json.dumps(s["Resource"]) for s in of_functions)


def _role_of(function: str) -> str:
    return f"/Role{function.replace('_', '')}"
