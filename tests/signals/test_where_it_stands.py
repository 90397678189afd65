"""Wherever an event may tell what it is about, or a hint, it is found there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.errors import MalformedEvent
from portcullis.signals import read
from portcullis.signals.events import open_event
from portcullis.signals.found import Found
from portcullis.signals.rows import About
from portcullis.signals.subjects import find

from tests.signals.test_deployments_concerned import ACCOUNT, DEMO, KEY, REGION


def at(path: str, value: object) -> dict[str, Any]:
    """`value` alone at a dotted path; a path that ends in [] is a list of it."""
    first, _, rest = path.partition(".")
    if first.endswith("[]"):
        return {first[:-2]: [at(rest, value) if rest else value]}
    return {first: at(rest, value) if rest else value}


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for key, value in other.items():
        both[key] = merged(both[key], value) if isinstance(both.get(key), dict) and isinstance(value, dict) else value
    return both


def record(source: str, name: str, **stands: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "recipientAccountId": ACCOUNT,
        "awsRegion": REGION,
    }
    for path, value in stands.items():
        made = merged(made, at(path, value))
    return made


LAMBDA, ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/catalyst"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
ASKED, RULES = "requestParameters.", "requestParameters.ModifySecurityGroupRulesRequest"
# What an event is about, where that may stand, what stands there, and what is then found.
STANDS: list[tuple[About, str, str, object, str]] = [
    (About.IAM_GROUP, "iam CreateGroup", "requestParameters.groupName", "ops", "iam-group:ops"),
    (About.IAM_USER, "iam DeleteUser", "requestParameters.userName", "bob", "iam-user:bob"),
    (About.IAM_ROLE, "iam DeleteRole", "requestParameters.roleName", "app", "iam-role:app"),
    (About.IAM_GROUP, "iam CreateGroup", "responseElements.group.groupName", "ops", "iam-group:ops"),
    (About.IAM_USER, "iam CreateUser", "responseElements.user.userName", "bob", "iam-user:bob"),
    (About.IAM_ROLE, "iam CreateRole", "responseElements.role.roleName", "app", "iam-role:app"),
    (About.COGNITO_USER, "cognito-idp DeleteUser", "requestParameters.username", "u", "cognito-user:*/u"),
    (About.COGNITO_USER, "cognito-idp DeleteUser", "requestParameters.userName", "u", "cognito-user:*/u"),
    (About.COGNITO_USER, "cognito-idp DeleteUser", "additionalEventData.sub", "u", "cognito-user:*/u"),
    (About.COGNITO_USER, "cognito-idp DeleteUser", "responseElements.user.username", "u", "cognito-user:*/u"),
    (About.COGNITO_USER, "cognito-idp AdminDeleteUser", "requestParameters.userPoolId", "p", "cognito-user:p/*"),
    (About.IDENTITY_POOL, "cognito-identity SetIdentityPoolRoles", "requestParameters.identityPoolId", "r:1", "identity-pool:r:1"),
    (About.IDENTITY_POOL, "cognito-identity CreateIdentityPool", "responseElements.identityPoolId", "r:1", "identity-pool:r:1"),
    (About.USER_POOL, "cognito-idp UpdateUserPool", "requestParameters.userPoolId", "p", "user-pool:p"),
    (About.USER_POOL, "cognito-idp UpdateUserPool", "additionalEventData.userPoolId", "p", "user-pool:p"),
    (About.USER_POOL, "cognito-idp CreateGroup", "responseElements.group.userPoolId", "p", "user-pool:p"),
    *(
        (About.IDENTITY_CENTER_GROUP, "identitystore UpdateGroup", path, "g", "identity-center-group:g")
        for path in (
            "requestParameters.groupId",
            "requestParameters.id",
            "responseElements.group.groupId",
            "responseElements.groupId",
            "responseElements.id",
            "requestParameters.displayName",
            "requestParameters.httpBody.displayName",
            "responseElements.group.displayName",
            "responseElements.displayName",
        )
    ),
    (About.IDENTITY_CENTER_GROUP, "identitystore DeleteGroupMembership", f"{ASKED}membershipId", "m", "identity-center-membership:m"),
    *(
        (About.IDENTITY_CENTER_USER, "identitystore DeleteUser", path, "u", "identity-center-user:u")
        for path in (
            "requestParameters.userId",
            "requestParameters.id",
            "responseElements.user.userId",
            "responseElements.id",
        )
    ),
    (About.IDENTITY_CENTER, "sso DeleteInstance", "requestParameters.instanceArn", "arn:i", "identity-center:arn:i"),
    *(
        (About.KEY, "kms DisableKey", path, KEY, f"key:{KEY}")
        for path in (
            "resources[].ARN",
            "responseElements.keyId",
            "requestParameters.keyId",
            "serviceEventDetails.keyId",
            "responseElements.replicaKeyMetadata.arn",
            "key-id",
        )
    ),
    (About.KEY, "kms DisableKey", "requestParameters.keyId", KEY.rpartition("/")[2], f"key:{KEY}"),
    (About.KEY, "kms DisableKey", "requestParameters.keyId", "alias/catalyst", "alias:catalyst"),
    (About.KEY, "kms DisableKey", "requestParameters.keyId", ALIAS, "alias:catalyst"),
    (About.KEY_ALIAS, "kms DeleteAlias", "requestParameters.aliasName", "alias/catalyst", "alias:catalyst"),
    (About.KEY_ALIAS, "kms DeleteAlias", "resources[].ARN", ALIAS, "alias:catalyst"),
    (About.KEY_STORE, "kms DisconnectCustomKeyStore", "requestParameters.customKeyStoreId", "cks-1", "key-store:cks-1"),
    *(
        (About.DOMAIN, "es UpdateDomainConfig", path, f"arn:aws:es:{REGION}:{ACCOUNT}:domain/catalyst", "domain:catalyst")
        for path in (
            "resources[].ARN",
            "requestParameters.domainArn",
            "requestParameters.aRN",
            "responseElements.vpcEndpoint.domainArn",
            "responseElements.vpcEndpointSummary.domainArn",
        )
    ),
    (About.DOMAIN, "es UpdateDomainConfig", "requestParameters.domainName", "catalyst", "domain:catalyst"),
    (About.DOMAIN, "es UpdateDomainConfig", "responseElements.domainStatus.domainName", "catalyst", "domain:catalyst"),
    (About.DOMAIN, "es DeleteVpcEndpoint", "requestParameters.vpcEndpointId", "aos-1", "vpc-endpoint:aos-1"),
    (About.SECURITY_GROUP, "ec2 AuthorizeSecurityGroupIngress", "requestParameters.groupId", "sg-1", "security-group:sg-1"),
    (About.SECURITY_GROUP, "ec2 ModifySecurityGroupRules", f"{RULES}.GroupId", "sg-1", "security-group:sg-1"),
    (About.SECURITY_GROUP, "ec2 AuthorizeSecurityGroupIngress", "requestParameters.groupName", "web", "security-group:web"),
    (About.BREAK_GLASS, "sts AssumeRole", "requestParameters.roleArn", "arn:r", "break-glass:arn:r"),
    (About.FUNCTION, "lambda DeleteFunction", f"{ASKED}functionName", "portcullis-sweep", "function:portcullis-sweep"),
    (About.FUNCTION, "lambda DeleteFunction", f"{ASKED}functionName", f"{LAMBDA}:portcullis-sweep:2", "function:portcullis-sweep"),
    (About.FUNCTION, "lambda DeleteFunction", f"{ASKED}functionName", f"{ACCOUNT}:function:portcullis-sweep", "function:portcullis-sweep"),
    (About.FUNCTION, "lambda DeleteFunction", f"{ASKED}functionName", "portcullis-sweep:live", "function:portcullis-sweep"),
    (About.FUNCTION, "lambda UpdateAlias", "responseElements.functionArn", f"{LAMBDA}:portcullis-sweep", "function:portcullis-sweep"),
    *(
        (About.FUNCTION, "lambda DeleteEventSourceMapping20150331", f"requestParameters.{key}", "m", "function-mapping:m")
        for key in ("uUID", "uuid", "UUID")
    ),
    (About.QUEUE, "sqs DeleteQueue", "requestParameters.queueUrl", "https://sqs/1/portcullis-key.fifo", "queue:portcullis-key.fifo"),
    (About.QUEUE, "sqs CreateQueue", "requestParameters.queueName", "portcullis-key.fifo", "queue:portcullis-key.fifo"),
    (About.QUEUE, "sqs CreateQueue", "responseElements.queueUrl", "https://sqs/1/portcullis-key.fifo", "queue:portcullis-key.fifo"),
    *(
        (About.TOPIC, "sns DeleteTopic", path, told, "topic:portcullis-alerts")
        for path, told in (
            ("requestParameters.topicArn", f"arn:aws:sns:{REGION}:{ACCOUNT}:portcullis-alerts"),
            ("requestParameters.subscriptionArn", f"arn:aws:sns:{REGION}:{ACCOUNT}:portcullis-alerts:0000-1"),
            ("requestParameters.name", "portcullis-alerts"),
            ("responseElements.topicArn", f"arn:aws:sns:{REGION}:{ACCOUNT}:portcullis-alerts"),
        )
    ),
    (About.ALARM, "monitoring DeleteAlarms", "requestParameters.alarmNames[]", "portcullis-red", "alarm:portcullis-red"),
    (About.ALARM, "monitoring DisableAlarmActions", "requestParameters.actionNames[]", "portcullis-red", "alarm:portcullis-red"),
    (About.ALARM, "monitoring DeleteAlarms", "requestParameters.alarmNames", "portcullis-red", "alarm:portcullis-red"),
    (About.ALARM, "monitoring PutMetricAlarm", "requestParameters.alarmName", "portcullis-red", "alarm:portcullis-red"),
    (About.TABLE, "dynamodb UpdateTable", "requestParameters.tableName", "portcullis-l", "table:portcullis-l"),
    (About.TABLE, "dynamodb UpdateTable", "requestParameters.tableName", f"{TABLE}/portcullis-l", "table:portcullis-l"),
    (About.TABLE, "dynamodb PutResourcePolicy", "requestParameters.resourceArn", f"{TABLE}/portcullis-l", "table:portcullis-l"),
    (About.RULE, "events DeleteRule", "requestParameters.name", "portcullis-demo", "rule:portcullis-demo"),
    (About.RULE, "events RemoveTargets", "requestParameters.rule", "arn:aws:events:r:1:rule/portcullis-demo", "rule:portcullis-demo"),
    (About.TRAIL, "cloudtrail StopLogging", "requestParameters.name", "arn:aws:cloudtrail:r:1:trail/all", "trail:all"),
    (About.TRAIL, "cloudtrail PutEventSelectors", "requestParameters.trailName", "all", "trail:all"),
    *(
        (About.SECRET, "secretsmanager PutSecretValue", path, "arn:s", "secret:arn:s")
        for path in (
            "requestParameters.secretId",
            "additionalEventData.SecretId",
            "responseElements.arn",
            "responseElements.aRN",
            "requestParameters.name",
        )
    ),
    *(
        (About.SIGN_IN_PROVIDER, "iam UpdateSAMLProvider", path, "arn:p", "sign-in-provider:arn:p")
        for path in (
            "requestParameters.sAMLProviderArn",
            "requestParameters.openIDConnectProviderArn",
            "responseElements.sAMLProviderArn",
            "responseElements.openIDConnectProviderArn",
            "requestParameters.name",
            "requestParameters.url",
        )
    ),
    (About.ASSIGNMENT, "sso CreateAccountAssignment", "requestParameters.permissionSetArn", "arn:ps", "assignment:arn:ps"),
]  # fmt: skip


@pytest.mark.parametrize(("about", "call", "path", "value", "subject"), STANDS)
def test_what_an_event_is_about_is_found_wherever_it_stands(
    about: About, call: str, path: str, value: object, subject: str
) -> None:
    found = find(about, open_event(record(*call.split(), **{path: value})))
    assert (found.about, found.subject) == (about, subject)
    assert not found.names or subject.endswith(found.names[0].rpartition("alias/")[2])


@pytest.mark.parametrize("at_path", ["requestParameters.groupName", "responseElements.group.groupName"])
def test_a_cognito_group_is_of_its_pool(at_path: str) -> None:
    told = record("cognito-idp", "CreateGroup", **{"requestParameters.userPoolId": "p", at_path: "g"})
    found = find(About.COGNITO_GROUP, open_event(told))
    assert found == Found(About.COGNITO_GROUP, "cognito-group:p/g", ("g",), "p", ACCOUNT, REGION)


@pytest.mark.parametrize(
    ("about", "call", "old", "new", "widely"),
    [
        (About.IAM_GROUP, "UpdateGroup", "groupName", "newGroupName", False),
        (About.IAM_USER, "UpdateUser", "userName", "newUserName", True),
    ],
)
def test_a_renamed_one_is_known_by_both_names(about: About, call: str, old: str, new: str, widely: bool) -> None:
    told = record("iam", call, **{f"requestParameters.{old}": "a", f"requestParameters.{new}": "b"})
    found = find(about, open_event(told))
    assert (found.names, found.account, found.region, found.widely) == (("a", "b"), ACCOUNT, "", widely)


def test_a_new_group_with_a_name_concerns_only_who_grants_to_that_name() -> None:
    """An event that tells no name of the group, or changes it, may concern every deployment that grants to groups by name."""

    def widely(name: str, **stands: object) -> bool:
        return find(About.IDENTITY_CENTER_GROUP, open_event(record("identitystore", name, **stands))).widely

    assert not widely("CreateGroup", **{"responseElements.groupId": "g", "requestParameters.displayName": "ops"})
    assert widely("CreateGroup", **{"responseElements.groupId": "g"})
    assert widely("UpdateGroup", **{"requestParameters.groupId": "g", "requestParameters.displayName": "ops"})
    scim = find(About.IDENTITY_CENTER_GROUP, open_event(record("identitystore-scim", "CreateGroup")))
    assert (scim.subject, scim.names, scim.widely) == ("identity-center-group:*", (), True)


def test_a_user_made_by_scim_may_be_of_no_name_and_no_other() -> None:
    scim = find(About.IDENTITY_CENTER_USER, open_event(record("identitystore-scim", "DeleteUser")))
    assert (scim.subject, scim.names) == ("identity-center-user:*", ())
    with pytest.raises(MalformedEvent):
        find(About.IDENTITY_CENTER_USER, open_event(record("identitystore", "DeleteUser")))
    stored = record(
        "identitystore", "DeleteUser", **{"requestParameters.userId": "u", "requestParameters.identityStoreId": "d-1"}
    )
    assert find(About.IDENTITY_CENTER_USER, open_event(stored)).container == "d-1"


@pytest.mark.parametrize("where", ["requestParameters", "responseElements"])
def test_an_identity_center_group_is_of_its_store(where: str) -> None:
    told = record(
        "identitystore", "UpdateGroup", **{"requestParameters.groupId": "g", f"{where}.identityStoreId": "d-1"}
    )
    assert find(About.IDENTITY_CENTER_GROUP, open_event(told)).container == "d-1"


@pytest.mark.parametrize("changed", [True, False])
def test_a_secret_that_was_only_read_is_heard_for_the_master_s_alone(changed: bool) -> None:
    name = "PutSecretValue" if changed else "GetSecretValue"
    told = record("secretsmanager", name, **{"requestParameters.secretId": "m"})
    assert find(About.SECRET, open_event(told)).widely is changed


def test_a_key_s_own_arn_goes_before_whatever_the_caller_called_it() -> None:
    told = record("kms", "DisableKey", **{"requestParameters.keyId": "alias/other", "resources[].ARN": KEY})
    assert find(About.KEY, open_event(told)).names == (KEY,)
    told = record(
        "kms", "DisableKey", **{"requestParameters.keyId": "alias/other", "resources[].ARN": "arn:aws:s3:::x"}
    )
    assert find(About.KEY, open_event(told)).names == ("alias/other",)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-isob-east-1", "aws-iso-b"),
        ("us-iso-east-1", "aws-iso"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_bare_key_id_is_the_arn_of_where_the_event_is_from(region: str, partition: str) -> None:
    told = record("kms", "DisableKey", **{"requestParameters.keyId": "k", "awsRegion": region})
    assert find(About.KEY, open_event(told)).names == (f"arn:{partition}:kms:{region}:{ACCOUNT}:key/k",)
    for unknown in ({"awsRegion": ""}, {"recipientAccountId": ""}):
        assert find(About.KEY, open_event({**told, **unknown})).names == ("k",)


def test_an_arns_own_region_and_account_count_before_those_of_the_event() -> None:
    """An ARN that lacks them leaves those of the event."""
    elsewhere = "arn:aws:es:eu-north-1:444455556666:domain/catalyst"
    found = find(
        About.DOMAIN, open_event(record("es", "UpdateDomainConfig", **{"requestParameters.domainArn": elsewhere}))
    )
    assert (found.region, found.account) == ("eu-north-1", "444455556666")
    found = find(About.DOMAIN, open_event(record("es", "UpdateDomainConfig", **{"requestParameters.domainName": "x"})))
    assert (found.region, found.account) == (REGION, ACCOUNT)
    half = find(
        About.DOMAIN,
        open_event(record("es", "UpdateDomainConfig", **{"requestParameters.domainArn": "arn:aws:es:::domain/x"})),
    )
    assert (half.region, half.account) == (REGION, ACCOUNT)


@pytest.mark.parametrize(
    ("call", "path", "name", "value"),
    [
        ("iam AddUserToGroup", "requestParameters.userName", "member", "bob"),
        ("cognito-idp AdminAddUserToGroup", "requestParameters.username", "member", "bob"),
        ("sso-directory AddMemberToGroup", "requestParameters.member.memberId", "member", "u-1"),
        ("identitystore CreateGroupMembership", "requestParameters.memberId.userId", "member", "u-1"),
        ("cognito-idp AdminAddUserToGroup", "additionalEventData.sub", "sub", "s-1"),
        ("iam UpdateUser", "requestParameters.newUserName", "renamed_to", "rob"),
        ("iam UpdateGroup", "requestParameters.newGroupName", "renamed_to", "ops-2"),
        ("kms RevokeGrant", "requestParameters.grantId", "grant", "g-1"),
        ("kms RetireGrant", "additionalEventData.grantId", "grant", "g-1"),
        ("kms CreateGrant", "responseElements.grantId", "grant", "g-1"),
        ("kms UpdateAlias", "requestParameters.targetKeyId", "target_key", "k-2"),
        ("kms ScheduleKeyDeletion", "responseElements.deletionDate", "deletion_date", "2026-01-01"),
        ("kms RotateKey", "serviceEventDetails.rotationType", "rotation_type", "ON_DEMAND"),
        ("kms RotateKey", "rotation-type", "rotation_type", "ON_DEMAND"),
        ("kms ReplicateKey", "requestParameters.replicaRegion", "replica_region", "eu-north-1"),
        ("es UpdateDomainConfig", "status", "status", "Failed"),
        ("sts AssumeRole", "requestParameters.roleSessionName", "session", "order-4711"),
        ("iam AddUserToGroup", "sourceIPAddress", "address", "192.0.2.10"),
    ],
)
def test_a_hint_is_taken_from_where_it_stands(call: str, path: str, name: str, value: str) -> None:
    about = {
        "requestParameters": {
            "groupName": "ops",
            "userName": "anna" if name != "member" else None,
            "userPoolId": "p",
            "groupId": "g",
            "keyId": KEY,
            "aliasName": "alias/a",
            "domainName": "catalyst",
            "roleArn": DEMO.break_glass,
        },
    }
    told = merged(merged(record(*call.split()), about), at(path, value))
    everywhere = replace(
        DEMO,
        iam_groups=frozenset({"ops"}),
        iam_users=frozenset({"anna", "bob"}),
        cognito_groups=frozenset({"ops"}),
        user_pool="p",
        identity_center_groups=frozenset({"g"}),
        key_aliases=frozenset({"alias/a"}),
    )
    (found,) = read(told, [everywhere])
    assert found.name is not None, found.because
    assert found.detail[name] == value
    hidden = merged(told, at(path, "HIDDEN_DUE_TO_SECURITY_REASONS"))
    assert all(found.detail.get(name) != "HIDDEN_DUE_TO_SECURITY_REASONS" for found in read(hidden, [everywhere]))


def test_what_a_deployment_s_own_things_are_called_is_for_its_scope_to_say() -> None:
    told = record("events", "DeleteRule", **{"requestParameters.name": "acme-demo"})
    assert [one.deployment for one in read(told, [replace(DEMO, eyes="acme-")])] == ["demo"]
    assert [one.name for one in read(told, [DEMO])] == [None]
    assert [one.name for one in read(told, None)] == [None], "ours are called otherwise"
