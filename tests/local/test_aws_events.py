"""Calls become events as CloudTrail shapes them, held against botocore's service models and the real samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from local.aws.emulator import Credentials, Emulator
from local.aws.trail.shapes import HIDDEN
from tests.local.bus import Bus

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws

ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


def _members(service: str, operation: str) -> set[str]:
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    return {name[:1].lower() + name[1:] for name in shape.members}


def test_an_iam_call_from_any_region_is_an_event_in_us_east_1_only(
    aws: Emulator, bus: Callable[..., Bus], name: str
) -> None:
    """It has the shape of a CloudTrail event. The caller's Region sees nothing of it."""
    there, here = bus("us-east-1"), bus(aws.region)
    iam = aws.client("iam", region=aws.region)
    iam.create_group(GroupName=name)
    iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "blue"}])
    iam.add_user_to_group(GroupName=name, UserName=name)
    event = there.named("AddUserToGroup", groupName=name)
    assert event.keys() == ENVELOPE
    assert (event["source"], event["detail-type"]) == ("aws.iam", "AWS API Call via CloudTrail")
    assert (event["region"], event["detail"]["awsRegion"]) == ("us-east-1", "us-east-1")
    assert event["account"] == event["detail"]["recipientAccountId"] == aws.account
    assert event["detail"]["requestParameters"] == {"groupName": name, "userName": name}
    assert event["detail"]["eventSource"] == "iam.amazonaws.com"
    assert event["detail"]["readOnly"] is False
    created = there.named("CreateUser", userName=name)["detail"]
    assert created["requestParameters"] == {"userName": name, "tags": [{"key": "team", "value": "blue"}]}
    assert created["responseElements"]["user"]["arn"].endswith(f":user/{name}")
    assert [e for e in here.all() if e["source"] == "aws.iam"] == []


def test_given_reading_calls_when_made_then_nothing_is_told(aws: Emulator, bus: Callable[..., Bus]) -> None:
    caught = [bus("us-east-1"), bus(aws.region)]
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    aws.client("iam").list_users()
    aws.client("sts").get_caller_identity()
    kms = aws.client("kms")
    kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    kms.describe_key(KeyId=key)
    aws.client("opensearch").list_domain_names()
    assert [e["detail"]["eventName"] for b in caught for e in b.all()] == ["CreateKey"]


def test_the_event_of_a_failed_call_has_an_error_and_no_parameters(
    aws: Emulator, bus: Callable[..., Bus], person: Callable[..., Credentials], name: str
) -> None:
    """So for a group that does not exist, and for a call that is denied."""
    caught = bus("us-east-1")
    with pytest.raises(ClientError):
        aws.client("iam").add_user_to_group(GroupName=f"{name}-none", UserName="nobody")
    event = caught.wait(lambda e: e["detail"].get("errorCode") == "NoSuchEntity")["detail"]
    assert event["eventName"] == "AddUserToGroup"
    assert event["requestParameters"] is None
    assert event["responseElements"] is None
    assert f"{name}-none" in event["errorMessage"]
    with pytest.raises(ClientError):
        aws.client("iam", credentials=person()).create_group(GroupName=name)
    denied = caught.wait(lambda e: e["detail"].get("errorCode") == "AccessDenied")["detail"]
    assert denied["userIdentity"]["type"] == "IAMUser"
    assert denied["requestParameters"] is None


def test_the_event_names_root_a_user_and_a_role_session_each_as_aws_does(
    aws: Emulator, bus: Callable[..., Bus], person: Callable[..., Credentials], name: str
) -> None:
    """Each is the caller in turn. A role session also names the role it comes from."""
    caught = bus("us-east-1")
    iam = aws.client("iam")
    someone = person("iam:CreateGroup", "sts:AssumeRole")
    arn = aws.client("sts", credentials=someone).get_caller_identity()["Arn"]
    trust = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    allowed = {"Effect": "Allow", "Action": "iam:CreateGroup", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    assumed = aws.client("sts", credentials=someone).assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="night")
    session = Credentials(*(assumed["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    for who, group in ((None, "by-root"), (someone, "by-user"), (session, "by-role")):
        aws.client("iam", credentials=who).create_group(GroupName=f"{name}-{group}")
    root = caught.named("CreateGroup", groupName=f"{name}-by-root")["detail"]["userIdentity"]
    assert (root["type"], root["arn"]) == ("Root", f"arn:aws:iam::{aws.account}:root")
    user = caught.named("CreateGroup", groupName=f"{name}-by-user")["detail"]["userIdentity"]
    assert (user["type"], user["arn"], user["accessKeyId"]) == ("IAMUser", arn, someone.access_key)
    assert user["userName"] == arn.rpartition("/")[2]
    assert user["principalId"].startswith("AIDA")
    by_role = caught.named("CreateGroup", groupName=f"{name}-by-role")["detail"]["userIdentity"]
    assert by_role["type"] == "AssumedRole"
    assert by_role["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/{name}/night"
    assert by_role["sessionContext"]["sessionIssuer"] == {
        "type": "Role",
        "principalId": role["Role"]["RoleId"],
        "arn": role["Role"]["Arn"],
        "accountId": aws.account,
        "userName": name,
    }


def test_cognito_events_carry_the_sub_and_hide_the_user_name(aws: Emulator, bus: Callable[..., Bus], name: str) -> None:
    """Also for a user who is deleted. Neither name nor password is anywhere in the events."""
    caught, cognito = bus(), aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool, GroupName="support")
    made = cognito.admin_create_user(UserPoolId=pool, Username="ann@example.org", TemporaryPassword="Sw0rdfish!x")[
        "User"
    ]
    sub = next(a["Value"] for a in made["Attributes"] if a["Name"] == "sub")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="ann@example.org", GroupName="support")
    cognito.admin_delete_user(UserPoolId=pool, Username="ann@example.org")
    added = caught.named("AdminAddUserToGroup", userPoolId=pool)["detail"]
    assert added["requestParameters"] == {"userPoolId": pool, "username": HIDDEN, "groupName": "support"}
    assert added["additionalEventData"] == {"sub": sub}
    gone = caught.named("AdminDeleteUser", userPoolId=pool)["detail"]
    assert gone["additionalEventData"] == {"sub": sub}, "also when the user is no longer there to be asked"
    told = json.dumps(caught.all())
    assert "ann@example.org" not in told
    assert "Sw0rdfish" not in told


def test_a_key_event_lists_the_arn_however_the_key_was_named(aws: Emulator, bus: Callable[..., Bus], name: str) -> None:
    """By its ID, by its ARN or by an alias: the ARN is always among the resources."""
    caught, kms = bus(), aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
    for given in (key["KeyId"], key["Arn"]):
        kms.disable_key(KeyId=given)
        event = caught.named("DisableKey", keyId=given)["detail"]
        assert event["resources"] == [{"accountId": aws.account, "type": "AWS::KMS::Key", "ARN": key["Arn"]}]
        kms.enable_key(KeyId=given)
    kms.delete_alias(AliasName=f"alias/{name}")
    alias = caught.named("DeleteAlias", aliasName=f"alias/{name}")["detail"]
    assert [r["ARN"] for r in alias["resources"]] == [
        key["Arn"],
        f"arn:aws:kms:{aws.region}:{aws.account}:alias/{name}",
    ]


def test_given_a_grant_when_retired_by_its_token_then_only_its_id_is_told(
    aws: Emulator, bus: Callable[..., Bus]
) -> None:
    caught, kms = bus(), aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    grant = kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=f"arn:aws:iam::{aws.account}:root", Operations=["Decrypt"]
    )
    kms.retire_grant(GrantToken=grant["GrantToken"])
    event = caught.named("RetireGrant")["detail"]
    assert event["requestParameters"] is None
    assert event["additionalEventData"] == {"grantId": grant["GrantId"]}
    assert [r["ARN"] for r in event["resources"]] == [key["Arn"]]
    assert grant["GrantToken"] not in json.dumps(caught.all())


def _make_domain(aws: Emulator, name: str) -> None:
    aws.client("opensearch").create_domain(DomainName=f"d-{name}", EngineVersion="OpenSearch_2.19")


def _open_group(aws: Emulator, name: str) -> None:
    ec2 = aws.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description="of a test")["GroupId"]
    tcp = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "us"}],
    }
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp])


def _identity_pool(aws: Emulator, name: str) -> None:
    aws.client("cognito-identity").create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=False)


CALLS: list[tuple[str, str, str, Callable[[Emulator, str], Any]]] = [
    ("opensearch", "aws.es", "CreateDomain", _make_domain),
    ("ec2", "aws.ec2", "AuthorizeSecurityGroupIngress", _open_group),
    ("cognito-identity", "aws.cognito-identity", "CreateIdentityPool", _identity_pool),
]


@pytest.mark.parametrize(("service", "source", "operation", "call"), CALLS, ids=[c[2] for c in CALLS])
def test_event_parameters_are_members_of_the_botocore_input_shape(
    aws: Emulator,
    bus: Callable[..., Bus],
    name: str,
    service: str,
    source: str,
    operation: str,
    call: Callable[[Emulator, str], Any],
) -> None:
    """One call for each protocol that the AWS services speak."""
    caught = bus()
    call(aws, name)
    event = caught.named(operation)
    assert event["source"] == source
    parameters = event["detail"]["requestParameters"]
    assert parameters
    assert parameters.keys() <= _members(service, operation)


def test_given_ec2_when_told_then_its_lists_are_under_items(aws: Emulator, bus: Callable[..., Bus], name: str) -> None:
    caught = bus()
    _open_group(aws, name)
    shown = caught.named("AuthorizeSecurityGroupIngress")["detail"]["requestParameters"]["ipPermissions"]
    ranges = {"items": [{"description": "us", "cidrIp": "10.0.0.0/8"}]}
    assert shown == {"items": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": ranges}]}


def test_a_rule_forwards_an_event_to_a_bus_in_another_region(aws: Emulator, bus: Callable[..., Bus], name: str) -> None:
    """The event keeps the Region it happened in."""
    here = bus(aws.region, {"source": ["aws.iam"]})
    relay = aws.client("events", region="us-east-1")
    relay.put_rule(Name=f"{name}-relay", EventPattern=json.dumps({"source": ["aws.iam"]}))
    target = f"arn:aws:events:{aws.region}:{aws.account}:event-bus/default"
    role = f"arn:aws:iam::{aws.account}:role/relay"
    relay.put_targets(Rule=f"{name}-relay", Targets=[{"Id": "home", "Arn": target, "RoleArn": role}])
    aws.client("iam").create_group(GroupName=name)
    event = here.named("CreateGroup", groupName=name)
    assert event["region"] == "us-east-1", "a forwarded event keeps the Region it happened in"
    relay.remove_targets(Rule=f"{name}-relay", Ids=["home"])
    relay.delete_rule(Name=f"{name}-relay")


def test_given_an_event_in_the_name_of_aws_when_put_then_it_is_taken_here(
    aws: Emulator, bus: Callable[..., Bus]
) -> None:
    caught = bus()
    detail = json.dumps({"event": "KMS Key Inaccessible"})
    entry = {"Source": "aws.es", "DetailType": "Domain Error Notification", "Detail": detail, "Resources": ["arn:x"]}
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    event = caught.wait(lambda e: e["detail-type"] == "Domain Error Notification")
    assert (event["resources"], event["detail"]) == (["arn:x"], {"event": "KMS Key Inaccessible"})


def test_only_rules_that_ask_for_reading_events_hear_of_assume_role(
    aws: Emulator, bus: Callable[..., Bus], name: str
) -> None:
    """The event holds no secret of the session."""
    ordinary, asking = bus("us-east-1"), bus("us-east-1", state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    trust = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="order-1")["Credentials"]
    detail = asking.named("AssumeRole", roleArn=role)["detail"]
    assert detail["readOnly"] is True
    assert detail["requestParameters"]["roleSessionName"] == "order-1"
    assert detail["userIdentity"]["arn"]
    assert detail["sourceIPAddress"]
    for secret in ("SecretAccessKey", "SessionToken"):
        assert taken[secret] not in json.dumps(detail)
    assert "AssumeRole" not in [event["detail"]["eventName"] for event in ordinary.all()]
