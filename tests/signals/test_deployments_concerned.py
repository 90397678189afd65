"""Given what deployments listen to, when an event is read, then it is told to those it concerns and to no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.signals import Concern, Scope, read

from tests.signals.cases import EXPECTED, event

ACCOUNT, REGION = "111122223333", "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUP = "114bd550-8061-702c-4bb4-2a771ff86cfb"

DEMO = Scope(
    "demo",
    account=ACCOUNT,
    region=REGION,
    domain="catalyst",
    key_arns=frozenset({KEY}),
    key_aliases=frozenset({"alias/catalyst"}),
    key_store="cks-1",
    user_pool="eu-west-1_AbCdEfGhI",
    identity_pool="eu-west-1:00000000-1111-4222-8333-444444444444",
    identity_store="d-9a67000000",
    cognito_groups=frozenset({"support", "analysts"}),
    iam_groups=frozenset({"ops"}),
    iam_users=frozenset({"bob"}),
    iam_roles=frozenset({f"arn:aws:iam::{ACCOUNT}:role/apps/catalyst", "AWSReservedSSO_Analysts_0123456789abcdef"}),
    identity_center_groups=frozenset({GROUP}),
    security_groups=frozenset({"sg-1"}),
    break_glass=f"arn:aws:iam::{ACCOUNT}:role/portcullis-demo-break-glass",
    own_roles=frozenset({"portcullis-demo-master", "portcullis-demo-canary"}),
    master_secret=f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:MasterSecret-AbCdEf",
    eyes="portcullis-",
)
BARE = Scope("bare", account=ACCOUNT, region=REGION)
OWN = [name for name in EXPECTED if name.endswith(".own.json") and EXPECTED[name]["signal"] != "-"]


def deployments(told: dict[str, Any], *scopes: Scope) -> list[str | None]:
    found = read(told, scopes)
    if any(one.name is None for one in found):
        assert len(found) == 1
        assert found[0].deployment is None
        assert found[0].because
        return []
    return [one.deployment for one in found]


@pytest.mark.parametrize("name", OWN)
def test_a_deployment_that_listens_is_told_and_one_that_does_not_is_not(name: str) -> None:
    assert deployments(event(name), BARE, DEMO, replace(DEMO, deployment="twin")) == ["demo", "twin"]


@pytest.mark.parametrize("name", OWN)
def test_without_deployments_nobody_is_concerned(name: str) -> None:
    (found,) = read(event(name), ())
    assert found.name is None
    assert "no deployment" in found.because


@pytest.mark.parametrize(
    "name", [name for name in OWN if not name.startswith(("sso", "identitystore", "kms", "aws.kms"))]
)
def test_another_account_is_another_matter(name: str) -> None:
    stranger = replace(DEMO, account="999999999999")
    if "cognito-identity" in name:  # an identity pool's id is one of a kind, whatever the account
        assert deployments(event(name), stranger) == ["demo"]
    else:
        assert deployments(event(name), stranger) == []


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("iam.RemoveUserFromGroup.own.json", {"iam_groups": frozenset({"other"})}),
    ("iam.DeleteUser.own.json", {"iam_users": frozenset({"eve"})}),
    ("cognito-idp.AdminAddUserToGroup.own.json", {"cognito_groups": frozenset({"other"})}),
    ("cognito-idp.AdminAddUserToGroup.own.json", {"user_pool": "eu-west-1_Other"}),
    ("cognito-idp.AdminDeleteUser.own.json", {"user_pool": "eu-west-1_Other"}),
    ("cognito-idp.DeleteUser.own.json", {"region": "eu-north-1"}),
    ("cognito-identity.SetIdentityPoolRoles.own.json", {"identity_pool": "eu-west-1:other"}),
    ("sso-directory.RemoveMemberFromGroup.own.json", {"identity_center_groups": frozenset({GROUP.replace("1", "2")})}),
    ("sso-directory.RemoveMemberFromGroup.own.json", {"identity_store": "d-other"}),
    ("identitystore.CreateGroup.own.json", {"identity_center_groups": frozenset({"another name"})}),
    ("kms.EnableKey.own.json", {"key_arns": frozenset({KEY.replace("1234abcd", "ffffffff")})}),
    ("kms.EnableKey.own.json", {"key_arns": frozenset({KEY.replace(REGION, "eu-north-1")})}),
    ("kms.DisableKey.uuid.own.json", {"key_arns": frozenset({KEY.replace(REGION, "eu-north-1")})}),
    ("kms.DisableKey.uuid.own.json", {"key_arns": frozenset({KEY.replace(ACCOUNT, "999999999999")})}),
    ("kms.DisableKey.alias.own.json", {"key_aliases": frozenset({"alias/other"})}),
    ("kms.DeleteAlias.own.json", {"key_aliases": frozenset({"alias/other"})}),
    ("kms.DeleteAlias.own.json", {"key_arns": frozenset({KEY.replace(ACCOUNT, "999999999999")})}),
    ("kms.DeleteCustomKeyStore.own.json", {"key_store": "cks-2"}),
    ("aws.kms.rotation-on-demand.own.json", {"key_arns": frozenset({KEY.replace("ab", "cd")})}),
    ("es.UpdateDomainConfig.own.json", {"domain": "other"}),
    ("es.UpdateDomainConfig.own.json", {"region": "eu-north-1"}),
    ("aws.es.kms-key-inaccessible.own.json", {"domain": "other"}),
    ("aws.cloudwatch.kms-key-error.own.json", {"domain": "other"}),
    ("ec2.AuthorizeSecurityGroupIngress.own.json", {"security_groups": frozenset({"sg-2"})}),
]


@pytest.mark.parametrize(("name", "change"), OTHERS)
def test_another_group_user_pool_key_or_domain_is_another_matter(name: str, change: dict[str, Any]) -> None:
    assert deployments(event(name), DEMO) == ["demo"]
    assert deployments(event(name), replace(DEMO, **change)) == []


def test_iam_is_in_one_region_whatever_the_deployments() -> None:
    assert event("iam.RemoveUserFromGroup.own.json")["region"] == "us-east-1"
    assert deployments(event("iam.RemoveUserFromGroup.own.json"), DEMO) == ["demo"]


def test_the_twelve_digits_may_have_come_as_a_number() -> None:
    told = event("iam.RemoveUserFromGroup.own.json")
    told["detail"]["recipientAccountId"] = int(ACCOUNT)
    assert deployments(told, DEMO) == ["demo"]


def test_a_renamed_iam_user_concerns_everyone_who_grants_to_an_iam_group() -> None:
    """Their ARN changes. A deployment that grants to other users alone is not concerned."""
    told = event("iam.UpdateUser.own.json")
    assert deployments(told, replace(BARE, iam_groups=frozenset({"others"}))) == ["bare"]
    assert deployments(told, replace(BARE, iam_users=frozenset({"ROBERT"}))) == ["bare"]
    assert deployments(told, replace(BARE, iam_users=frozenset({"eve"}))) == []


def test_a_renamed_group_concerns_who_grants_to_its_new_name() -> None:
    assert deployments(event("iam.UpdateGroup.own.json"), replace(BARE, iam_groups=frozenset({"operators"}))) == [
        "bare"
    ]


def test_a_role_is_known_by_the_last_part_of_its_arn() -> None:
    told = event("iam.DeleteRole.1.json")
    name, account = "stratus-red-team-usr-data-role", "111122220011"
    scope = Scope("x", account=account, iam_roles=frozenset({f"arn:aws:iam::{account}:role/some/path/{name}"}))
    assert deployments(told, scope) == ["x"]
    assert deployments(told, replace(scope, iam_roles=frozenset({name}))) == ["x"]
    assert deployments(told, replace(scope, iam_roles=frozenset({"other"}))) == []


def test_a_replica_in_another_region_is_a_key_of_its_own() -> None:
    replica = KEY.replace(REGION, "us-west-2")
    told = event("kms.EnableKey.own.json")
    told["detail"]["resources"] = [{"ARN": replica}]
    assert deployments(told, DEMO) == []
    assert deployments(told, replace(DEMO, key_arns=frozenset({KEY, replica}))) == ["demo"]


def test_events_with_only_a_group_id_reach_who_grants_to_it_by_name() -> None:
    """Identity Center tells only the ID of the group."""
    by_name = replace(DEMO, identity_center_groups=frozenset({"Operators"}))
    assert deployments(event("sso-directory.RemoveMemberFromGroup.own.json"), by_name) == ["demo"]
    assert deployments(event("identitystore-scim.PatchGroup.own.json"), by_name) == ["demo"]


def test_a_security_group_means_nothing_until_a_deployment_names_it() -> None:
    told = event("ec2.AuthorizeSecurityGroupIngress.own.json")
    assert read(told, None)[0].name is None
    (found,) = read(told, [DEMO])
    assert (found.name, found.subject) == ("ingress-changed", "security-group:sg-1")


TAKEN = "sts.AssumeRole.break-glass.own.json"


@pytest.mark.parametrize("operation", ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"])
@pytest.mark.parametrize("reading", [True, "true", False], ids=str)
def test_a_break_glass_use_is_heard_though_cloudtrail_calls_it_reading(operation: str, reading: Any) -> None:
    """For each way to assume a role. The signal has who, session and address."""
    told = event(TAKEN)
    told["detail"] |= {"eventName": operation, "readOnly": reading}
    (found,) = read(told, [BARE, DEMO])
    assert (found.name, found.deployment, found.concern) == ("break-glass-used", "demo", Concern.BREAK_GLASS)
    assert found.actor == "arn:aws:sts::111122223333:assumed-role/ops/anna"
    assert found.detail == {"operation": operation, "session": "order-4711", "address": "192.0.2.10"}


def test_another_role_is_nobody_s_break_glass_and_a_refused_taking_is_none() -> None:
    assert deployments(event("sts.AssumeRole.own.json"), DEMO) == []
    refused = event(TAKEN)
    refused["detail"]["errorCode"] = "AccessDenied"
    assert deployments(refused, DEMO) == []
