"""What stands before a domain, read from the emulated AWS: its policy and network, and the IAM policies of who calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from portcullis.access.edge.keys import Key
from portcullis.adapters.domains.aws import let_into_vpcs
from portcullis.adapters.edge.aws import AwsEdge
from portcullis.ports.edge import HeldSecret
from portcullis.ports.registration import Network

from local.aws.emulator import Credentials, Emulator
from tests.adapters.registrations import domain, registration

pytestmark = pytest.mark.aws


def document(sid: str) -> str:
    body = {"Sid": sid, "Effect": "Allow", "Action": "es:ESHttpGet", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [body]})


def managed(aws: Emulator, name: str) -> str:
    arn: str = aws.client("iam").create_policy(PolicyName=name, PolicyDocument=document(name))["Policy"]["Arn"]
    return arn


def sids(policies: Any) -> set[str]:
    return {one.document["Statement"][0]["Sid"] for one in policies}


def test_the_domains_policy_and_what_its_groups_let_in(calm: Emulator, name: str) -> None:
    ec2, search = calm.client("ec2"), calm.client("opensearch")
    let_into_vpcs(calm.client("iam"))
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=name, Description="a test", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.8.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    made = search.create_domain(
        DomainName=f"before-{name}",
        EngineVersion="OpenSearch_3.3",
        AccessPolicies=document("open"),
        VPCOptions={"SubnetIds": [subnet], "SecurityGroupIds": [group]},
        AdvancedOptions={"rest.action.multi.allow_explicit_index": "false"},
    )["DomainStatus"]
    ours = Network(group, automation="sg-functions", break_glass="sg-emergency")
    place = domain(f"before-{name}", ours, made["ARN"])
    found = AwsEdge(calm.client).look(registration(account=calm.account, place=place))
    assert found
    assert found.unseen == ()
    assert found.policy == json.loads(document("open"))
    assert found.network
    assert [block["CidrIp"] for rule in found.network.groups[group] for block in rule["IpRanges"]] == ["10.8.0.0/16"]
    assert (found.network.automation, found.network.break_glass) == ("sg-functions", "sg-emergency")
    assert found.in_vpc
    assert not found.names_in_bodies


def test_all_policies_of_a_user_are_read_their_groups_too(calm: Emulator, name: str) -> None:
    iam = calm.client("iam")
    limit = managed(calm, f"{name}-limit")
    arn = iam.create_user(UserName=name, PermissionsBoundary=limit)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document("inline"))
    iam.attach_user_policy(UserName=name, PolicyArn=managed(calm, f"{name}-own"))
    iam.create_group(GroupName=name)
    iam.put_group_policy(GroupName=name, PolicyName="of-group", PolicyDocument=document("ofGroup"))
    iam.attach_group_policy(GroupName=name, PolicyArn=managed(calm, f"{name}-group"))
    iam.add_user_to_group(GroupName=name, UserName=name)
    found = AwsEdge(calm.client).own(registration(account=calm.account), [arn])[arn]
    assert found.unread == ""
    assert sids(found.policies) == {"inline", f"{name}-own", "ofGroup", f"{name}-group"}
    assert found.boundary
    assert sids([found.boundary]) == {f"{name}-limit"}


def test_all_policies_of_a_role_are_read(calm: Emulator, name: str) -> None:
    iam = calm.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document("inline"))
    iam.attach_role_policy(RoleName=name, PolicyArn=managed(calm, f"{name}-own"))
    found = AwsEdge(calm.client).own(registration(account=calm.account), [role])[role]
    assert (sids(found.policies), found.boundary, found.unread) == ({"inline", f"{name}-own"}, None, "")


def test_what_may_not_be_read_says_so_and_nobody_of_its_kind_is_asked_for_again(
    calm: Emulator, name: str, person: Callable[..., Credentials]
) -> None:
    iam, asked = calm.client("iam"), list[str]()
    arns = [iam.create_user(UserName=f"{name}-{n}")["User"]["Arn"] for n in range(8)]
    closed = person(name)

    def client(service: str) -> Any:
        made = calm.client(service, credentials=closed)
        made.meta.events.register("before-call.iam.GetUser", lambda **_: asked.append("GetUser"), unique_id="counts")
        return made

    found = AwsEdge(client).own(registration(account=calm.account), arns)
    assert {one.unread for one in found.values()} == {
        "the automation may not read IAM policies (look.iam_policies in account.yaml)"
    }
    assert len(asked) < len(arns)
    edge = AwsEdge(client).look(registration(account=calm.account, place=domain(f"before-{name}")))
    assert edge
    assert edge.policy is None
    assert "the domain's access policy could not be read" in edge.unseen[0]


def test_a_secret_says_its_policy_and_its_key_and_the_key_whom_it_lets_in(calm: Emulator, name: str) -> None:
    kms, secrets = calm.client("kms"), calm.client("secretsmanager")
    of_key = json.loads(document("key"))
    of_key["Statement"][0] |= {"Principal": {"AWS": f"arn:aws:iam::{calm.account}:root"}, "Action": "kms:*"}
    key = kms.create_key(Policy=json.dumps(of_key))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{calm.account}:role/x", Operations=["Decrypt"])
    secrets.create_secret(Name=name, SecretString="not to be read", KmsKeyId=f"alias/{name}")
    body = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    secrets.put_resource_policy(
        SecretId=name, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [body]})
    )
    secrets.create_secret(Name=f"{name}-plain", SecretString="not to be read")
    reader, ours = AwsEdge(calm.client), registration(account=calm.account)
    held = reader.secret(ours, name)
    assert (held.policy["Statement"], held.key, held.unread) == ([body], f"alias/{name}", "")
    plain = secrets.describe_secret(SecretId=f"{name}-plain")["ARN"]
    assert reader.secret(ours, f"{name}-plain") == HeldSecret(arn=plain)
    found = reader.key(ours, f"arn:aws:kms:{calm.region}:{calm.account}:alias/{name}")
    assert (found.arn, found.unread) == (key, "")
    assert found.policy == of_key
    assert [one["Operations"] for one in found.grants or ()] == [["Decrypt"]]
    other = f"arn:aws:kms:{calm.region}:999988887777:key/x"
    assert reader.key(ours, other) == Key(other, unread="it is of another account")


def test_a_secret_and_a_key_that_may_not_be_read_say_so(calm: Emulator, name: str) -> None:
    key = calm.client("kms").create_key()["KeyMetadata"]["Arn"]
    calm.client("iam").create_user(UserName=name)
    given = calm.client("iam").create_access_key(UserName=name)["AccessKey"]
    closed = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
    reader, ours = AwsEdge(lambda service: calm.client(service, credentials=closed)), registration(account=calm.account)
    may_not = "the automation may not read {} (look.iam_policies in account.yaml)"
    assert reader.key(ours, key) == Key(key, unread=may_not.format("its policy"))
    assert reader.secret(ours, name) == HeldSecret(unread=may_not.format("it"))


def test_principals_of_another_account_are_not_asked_for(calm: Emulator) -> None:
    theirs = "arn:aws:iam::999988887777:role/x"
    found = AwsEdge(calm.client).own(registration(account=calm.account), [theirs])
    assert found[theirs].unread == "they are of another account"


def test_a_mistake_of_ours_is_not_told_as_something_that_cannot_be_read(calm: Emulator) -> None:
    def broken(service: str) -> Any:
        raise RuntimeError(service)

    with pytest.raises(RuntimeError):
        AwsEdge(broken).look(registration(account=calm.account))
