"""The denial of a role's older sessions, written to the emulated IAM as a function writes it: by its own rights and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portcullis.access.sessions import NEVER, OLDER_SESSIONS, denied_before, deny_older_sessions
from portcullis.adapters.identity.aws import AwsIdentity
from portcullis.adapters.identity.sessions import deny
from portcullis.errors import Refused, Unreachable

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws
THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Roles:
    """Roles within a boundary and without, and a function that may write to those within."""

    aws: Emulator
    name: str

    def made(self, which: str, boundary: str = "") -> str:
        bounded = {"PermissionsBoundary": boundary} if boundary else {}
        trust = '{"Version":"2012-10-17","Statement":[]}'
        iam = self.aws.client("iam")
        return str(iam.create_role(RoleName=which, AssumeRolePolicyDocument=trust, **bounded)["Role"]["Arn"])

    def boundary(self, which: str) -> str:
        statement = {"Effect": "Allow", "Action": "es:ESHttpGet", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        return str(self.aws.client("iam").create_policy(PolicyName=which, PolicyDocument=document)["Policy"]["Arn"])

    def policies(self, role: str) -> dict[str, Any]:
        iam, short = self.aws.client("iam"), role.rpartition("/")[2]
        names = iam.list_role_policies(RoleName=short)["PolicyNames"]
        return {name: iam.get_role_policy(RoleName=short, PolicyName=name)["PolicyDocument"] for name in names}


@pytest.fixture
def roles(aws: Emulator, name: str) -> Roles:
    return Roles(aws, name)


def test_a_newer_session_denial_replaces_the_older_and_never_moves_back(calm: Emulator, roles: Roles) -> None:
    """The role has one such policy. An earlier time, or the same again, changes nothing."""
    iam, role = calm.client("iam"), roles.made(roles.name)
    moved = [deny(iam, role, at) for at in (THEN, THEN, THEN - HOUR, THEN + HOUR, NEVER)]
    assert moved == [True, False, False, True, False]
    assert roles.policies(role) == {OLDER_SESSIONS: deny_older_sessions(THEN + HOUR)}


def test_the_stacks_own_policy_denies_nobody_and_is_moved_on_from(calm: Emulator, roles: Roles) -> None:
    iam, role = calm.client("iam"), roles.made(roles.name)
    never = json.dumps(deny_older_sessions(NEVER))
    iam.put_role_policy(RoleName=roles.name, PolicyName=OLDER_SESSIONS, PolicyDocument=never)
    assert deny(iam, role, THEN)
    assert denied_before(roles.policies(role)[OLDER_SESSIONS]) == THEN


def test_policies_of_others_are_left_alone_and_one_of_our_name_is_put_right(calm: Emulator, roles: Roles) -> None:
    iam, role = calm.client("iam"), roles.made(roles.name)
    theirs = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    for policy in ("theirs", OLDER_SESSIONS):
        iam.put_role_policy(RoleName=roles.name, PolicyName=policy, PolicyDocument=json.dumps(theirs))
    assert deny(iam, role, THEN)
    assert roles.policies(role) == {"theirs": theirs, OLDER_SESSIONS: deny_older_sessions(THEN)}


def test_a_role_that_is_gone_has_no_session_left_and_the_others_are_denied(calm: Emulator, roles: Roles) -> None:
    role = roles.made(roles.name)
    gone = role + "-gone"
    assert AwsIdentity(calm.client).deny_older_sessions([gone, role], THEN) == 1
    assert denied_before(roles.policies(role)[OLDER_SESSIONS]) == THEN


@pytest.mark.parametrize("action", ["iam:GetRolePolicy", "iam:PutRolePolicy"])
@pytest.mark.parametrize("kind", ["throttle", "server-error"])
def test_an_iam_that_does_not_answer_is_unreachable(calm: Emulator, roles: Roles, action: str, kind: str) -> None:
    role = roles.made(roles.name)
    calm.admin("fault", actions=[action], kind=kind)
    with pytest.raises(Unreachable, match=roles.name):
        deny(calm.client("iam"), role, THEN)


def test_who_may_write_to_roles_within_a_boundary_may_write_to_no_other(
    calm: Emulator, roles: Roles, person: Callable[..., Credentials]
) -> None:
    name = roles.name
    boundary, other = roles.boundary(f"{name}-boundary"), roles.boundary(f"{name}-other")
    within, without, elsewhere = (
        roles.made(f"{name}-within", boundary),
        roles.made(f"{name}-without"),
        roles.made(f"{name}-elsewhere", other),
    )
    named = [within, without, elsewhere]
    statements = [
        {"Effect": "Allow", "Action": ["iam:GetRole", "iam:GetRolePolicy"], "Resource": named},
        {
            "Effect": "Allow",
            "Action": "iam:PutRolePolicy",
            "Resource": named,
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}},
        },
    ]
    credentials = person()
    user = calm.client("iam", credentials=credentials)
    root = calm.client("iam")
    who = calm.client("sts", credentials=credentials).get_caller_identity()["Arn"].rpartition("/")[2]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    root.put_user_policy(UserName=who, PolicyName="own", PolicyDocument=document)
    assert deny(user, within, THEN)
    for role in (without, elsewhere):
        with pytest.raises(Refused, match="not allowed to deny the older sessions"):
            deny(user, role, THEN)
        assert roles.policies(role) == {}
    # One that may not be written to keeps no other one's sessions; and one that is gone, which is within no boundary either, has none left
    with pytest.raises(Refused, match=f"{name}-elsewhere"):
        AwsIdentity(lambda _: user).deny_older_sessions([elsewhere, within], THEN + HOUR / 2)
    assert denied_before(roles.policies(within)[OLDER_SESSIONS]) == THEN + HOUR / 2
    root.delete_role(RoleName=f"{name}-elsewhere")
    assert AwsIdentity(lambda _: user).deny_older_sessions([elsewhere, within], THEN + HOUR / 4) == 0
    root.delete_role_permissions_boundary(RoleName=f"{name}-within")
    with pytest.raises(Refused, match=f"{name}-within"):
        deny(user, within, THEN + HOUR)


def test_members_are_read_as_they_are_names_that_are_patterns_included(calm: Emulator, name: str) -> None:
    cognito = calm.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool, GroupName="analysts")
    for user in ("anna", "*", "off"):
        cognito.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName="analysts")
    cognito.admin_disable_user(UserPoolId=pool, Username="off")
    found = AwsIdentity(calm.client, user_pool=pool).members_of(["analysts", "gone"])
    assert {group: set(who) for group, who in found.items()} == {
        "analysts": {f"Cognito/{pool}/anna", f"Cognito/{pool}/*"},
        "gone": set(),
    }
    calm.admin("fault", actions=["cognito-idp:ListUsersInGroup"], kind="throttle")
    with pytest.raises(Unreachable, match="analysts"):
        AwsIdentity(calm.client, user_pool=pool).members_of(["analysts"])
