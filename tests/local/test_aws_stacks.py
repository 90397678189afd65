"""Resources that CloudFormation makes here leave what the services then show; domains, keys and sign-in as on AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from portcullis.adapters.domains.aws import let_into_vpcs

from local.aws.emulator import Credentials, Emulator
from local.deploy import DeploymentFailed, deploy, destroy
from local.door.client import sign_in
from tests.local.assemblies import Stack, code, role, write

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws


def _att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _network() -> dict[str, Any]:
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    return {
        "Vpc": _resource("EC2::VPC", CidrBlock="10.20.0.0/16"),
        "Public": _resource(
            "EC2::Subnet", VpcId=_ref("Vpc"), CidrBlock="10.20.0.0/24", AvailabilityZone="eu-central-1a"
        ),
        "Private": _resource(
            "EC2::Subnet", VpcId=_ref("Vpc"), CidrBlock="10.20.1.0/24", AvailabilityZone="eu-central-1b"
        ),
        "Address": _resource("EC2::EIP", Domain="vpc"),
        "Nat": _resource("EC2::NatGateway", SubnetId=_ref("Public"), AllocationId=_att("Address", "AllocationId")),
        "Domain": _resource("EC2::SecurityGroup", GroupDescription="domain", VpcId=_ref("Vpc")),
        "Lambdas": _resource("EC2::SecurityGroup", GroupDescription="lambdas", VpcId=_ref("Vpc")),
        "In": _resource(
            "EC2::SecurityGroupIngress", GroupId=_ref("Domain"), SourceSecurityGroupId=_ref("Lambdas"), **rule
        ),
        "Out": _resource(
            "EC2::SecurityGroupEgress", GroupId=_ref("Lambdas"), DestinationSecurityGroupId=_ref("Domain"), **rule
        ),
        "Log": _resource("Logs::LogGroup"),
        "Flow": _resource(
            "EC2::FlowLog", ResourceId=_ref("Vpc"), ResourceType="VPC", TrafficType="ALL", LogGroupName=_ref("Log")
        ),
    }


def test_a_deployed_network_is_shown_by_ec2_and_is_gone_after_destroy(aws: Emulator, name: str, tmp_path: Path) -> None:
    """Security groups, NAT gateway, flow logs and addresses are there as the template says. Afterwards addresses and flow logs are gone."""
    outputs = {part: _ref(part) for part in ("Vpc", "Nat", "Domain", "Lambdas", "Flow", "Address")}
    outputs |= {"Cidr": _att("Vpc", "CidrBlock"), "Zone": _att("Private", "AvailabilityZone")}
    out = write(tmp_path / "out", Stack(name, _network(), outputs))
    made = deploy(out, aws)[name]
    ec2 = aws.client("ec2")
    assert (made["Cidr"], made["Zone"]) == ("10.20.0.0/16", "eu-central-1b")
    groups = {
        g["GroupId"]: g
        for g in ec2.describe_security_groups(GroupIds=[made["Domain"], made["Lambdas"]])["SecurityGroups"]
    }
    ingress = groups[made["Domain"]]["IpPermissions"]
    assert [(p["FromPort"], p["UserIdGroupPairs"][0]["GroupId"]) for p in ingress] == [(443, made["Lambdas"])]
    egress = groups[made["Lambdas"]]["IpPermissionsEgress"]
    assert [(p.get("FromPort"), p["IpRanges"]) for p in egress] == [(443, [])], (
        "the first rule of its own ends allow-all"
    )
    assert ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"][0]["VpcId"] == made["Vpc"]
    assert ec2.describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"][0]["ResourceId"] == made["Vpc"]
    addresses = [address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]]
    assert made["Address"] in addresses
    destroy(out, aws)
    assert made["Address"] not in [address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]]
    assert ec2.describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"] == []


def test_given_a_rule_of_its_own_when_changed_then_the_old_one_is_gone(
    aws: Emulator, name: str, tmp_path: Path
) -> None:
    def stack(port: int) -> Stack:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
        group = _resource("EC2::SecurityGroup", GroupDescription="x")
        return Stack(
            name,
            {"G": group, "In": _resource("EC2::SecurityGroupIngress", GroupId=_ref("G"), **rule)},
            {"G": _ref("G")},
        )

    deploy(write(tmp_path / "out", stack(443)), aws)
    group = deploy(write(tmp_path / "out", stack(9200)), aws)[name]["G"]
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert [p["FromPort"] for p in shown] == [9200]


def test_deployed_iam_groups_and_users_are_shown_and_can_be_changed(aws: Emulator, name: str, tmp_path: Path) -> None:
    """A second deployment changes the members and the policy of the group. After destroy the group is gone."""

    def stack(action: str, *users: str) -> Stack:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        policy = {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
        resources = {
            "Ann": _resource("IAM::User", UserName=f"{name}-ann"),
            "Bob": _resource("IAM::User", UserName=f"{name}-bob"),
            "Group": _resource("IAM::Group", GroupName=name, Path="/portcullis/", Policies=[policy]),
            "Added": _resource(
                "IAM::UserToGroupAddition", GroupName=_ref("Group"), Users=[_ref(user) for user in users]
            ),
        }
        return Stack(name, resources, {"Arn": _att("Group", "Arn")})

    out = tmp_path / "out"
    assert (
        deploy(write(out, stack("kms:ListKeys", "Ann")), aws)[name]["Arn"]
        == f"arn:aws:iam::{aws.account}:group/portcullis/{name}"
    )
    iam = aws.client("iam")
    assert [u["UserName"] for u in iam.get_group(GroupName=name)["Users"]] == [f"{name}-ann"]
    deploy(write(out, stack("kms:ListAliases", "Bob")), aws)
    assert [u["UserName"] for u in iam.get_group(GroupName=name)["Users"]] == [f"{name}-bob"]
    document = iam.get_group_policy(GroupName=name, PolicyName="own")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == "kms:ListAliases"
    destroy(out, aws)
    with pytest.raises(ClientError, match="cannot be found"):
        iam.get_group(GroupName=name)


def test_a_multi_region_key_and_its_replica_read_the_same_ciphertext(aws: Emulator, name: str, tmp_path: Path) -> None:
    """What is encrypted in one Region is decrypted in the other."""
    everyone = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": everyone, "Action": "kms:*", "Resource": "*"}],
    }
    primary = _resource(
        "KMS::Key", MultiRegion=True, KeyPolicy=policy, EnableKeyRotation=True, RotationPeriodInDays=120
    )
    out = write(tmp_path / "primary", Stack(f"{name}-p", {"Key": primary}, {"Arn": _att("Key", "Arn")}))
    arn = deploy(out, aws)[f"{name}-p"]["Arn"]
    replica = _resource("KMS::ReplicaKey", PrimaryKeyArn=arn, KeyPolicy=policy)
    out = write(
        tmp_path / "replica", Stack(f"{name}-r", {"Key": replica}, {"Arn": _att("Key", "Arn")}, region="us-east-1")
    )
    copy = deploy(out, aws)[f"{name}-r"]["Arn"]
    assert copy == arn.replace(aws.region, "us-east-1")
    secret = aws.client("kms").encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert aws.client("kms", region="us-east-1").decrypt(CiphertextBlob=secret)["Plaintext"] == b"x"
    assert aws.client("kms").get_key_rotation_status(KeyId=arn)["RotationPeriodInDays"] == 120


def test_given_what_watches_when_deployed_then_each_service_shows_it(aws: Emulator, name: str, tmp_path: Path) -> None:
    read = {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}
    document = {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": "x", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}],
    }
    alarm = {
        "EvaluationPeriods": 1,
        "Period": 60,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Statistic": "Sum",
    }
    resources = {
        "Bucket": _resource("S3::Bucket", BucketName=f"trail-{name}"),
        "Trail": _resource(
            "CloudTrail::Trail", TrailName=name, S3BucketName=_ref("Bucket"), IsLogging=True, IsMultiRegionTrail=True
        ),
        "Alarm": _resource("CloudWatch::Alarm", AlarmName=f"{name}-one", Namespace="N", MetricName="M", **alarm),
        "Composite": _resource(
            "CloudWatch::CompositeAlarm", AlarmName=name, AlarmRule={"Fn::Sub": 'ALARM("${Alarm}")'}
        ),
        "Bus": _resource("Events::EventBus", Name=name),
        "BusPolicy": _resource("Events::EventBusPolicy", EventBusName=_ref("Bus"), StatementId="all", Statement=read),
        "Runbook": _resource("SSM::Document", Name=name, DocumentType="Automation", Content=document),
    }
    deploy(write(tmp_path / "out", Stack(name, resources, {"Trail": _att("Trail", "Arn")})), aws)
    assert aws.client("cloudtrail").get_trail_status(Name=name)["IsLogging"] is True
    assert [
        a["AlarmName"]
        for a in aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ]
    ] == [name]
    policy = json.loads(aws.client("events").describe_event_bus(Name=name)["Policy"])
    assert [s["Sid"] for s in policy["Statement"]] == ["all"]
    assert aws.client("ssm").describe_document(Name=name)["Document"]["DocumentType"] == "Automation"
    destroy(tmp_path / "out", aws)
    assert name not in [d["Name"] for d in aws.client("ssm").list_documents()["DocumentIdentifiers"]]


def test_properties_that_the_emulator_would_drop_are_in_force(aws: Emulator, name: str, tmp_path: Path) -> None:
    """The network and the reserved concurrency of a function, the time to live and the backups of a table."""
    source = tmp_path / "fn"
    source.mkdir()
    (source / "index.py").write_text("def handler(event, context):\n    return 1\n")
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": _att("Role", "Arn"),
        "Code": code(aws.region, f"{name}-fn"),
    }
    network = {"SubnetIds": [_ref("Subnet")], "SecurityGroupIds": [_ref("Group")]}
    keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    keys["AttributeDefinitions"] = [{"AttributeName": "pk", "AttributeType": "S"}]
    resources = {
        "Role": role(),
        "Vpc": _resource("EC2::VPC", CidrBlock="10.21.0.0/16"),
        "Subnet": _resource("EC2::Subnet", VpcId=_ref("Vpc"), CidrBlock="10.21.0.0/24"),
        "Group": _resource("EC2::SecurityGroup", GroupDescription="x", VpcId=_ref("Vpc")),
        "Fn": _resource("Lambda::Function", **function, VpcConfig=network, ReservedConcurrentExecutions=2),
        "Table": _resource(
            "DynamoDB::Table",
            **keys,
            TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        ),
    }
    outputs = {"Fn": _ref("Fn"), "Table": _ref("Table"), "Subnet": _ref("Subnet"), "Vpc": _ref("Vpc")}
    made = deploy(write(tmp_path / "out", Stack(name, resources, outputs, assets={f"{name}-fn": source})), aws)[name]
    config = aws.client("lambda").get_function(FunctionName=made["Fn"])
    assert config["Configuration"]["VpcConfig"]["SubnetIds"] == [made["Subnet"]]
    assert config["Configuration"]["VpcConfig"]["VpcId"] == made["Vpc"]
    assert config["Concurrency"]["ReservedConcurrentExecutions"] == 2
    dynamodb = aws.client("dynamodb")
    ttl = dynamodb.describe_time_to_live(TableName=made["Table"])["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires")
    backups = dynamodb.describe_continuous_backups(TableName=made["Table"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def _domain(aws: Emulator, name: str, key: str, **more: Any) -> dict[str, Any]:
    encryption = {"Enabled": True, "KmsKeyId": key}
    made = aws.client("opensearch").create_domain(DomainName=f"d-{name}", EncryptionAtRestOptions=encryption, **more)
    status: dict[str, Any] = made["DomainStatus"]
    return status


def test_a_domain_in_a_vpc_has_the_front_doors_endpoint_and_a_real_vpc(
    aws: Emulator, name: str, tmp_path: Path
) -> None:
    """The endpoint can be changed afterwards, and is then shown changed."""
    let_into_vpcs(aws.client("iam"))
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    network = {key: value for key, value in _network().items() if key in ("Vpc", "Private", "Domain")}
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:ESHttp*", "Resource": "*"}
    domain = _resource(
        "OpenSearchService::Domain",
        DomainName=f"d-{name}",
        EngineVersion="OpenSearch_2.19",
        VPCOptions={"SubnetIds": [_ref("Private")], "SecurityGroupIds": [_ref("Domain")]},
        EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key},
        AccessPolicies={"Version": "2012-10-17", "Statement": [allow]},
    )
    outputs = {"Endpoint": _att("Search", "DomainEndpoint"), "Arn": _att("Search", "Arn"), "Vpc": _ref("Vpc")}
    made = deploy(write(tmp_path / "out", Stack(name, {**network, "Search": domain}, outputs)), aws)[name]
    assert made["Endpoint"] == "127.0.0.1:9443"
    shown = aws.client("opensearch").describe_domain(DomainName=f"d-{name}")["DomainStatus"]
    assert shown["Endpoints"] == {"vpc": "127.0.0.1:9443"}
    assert shown["VPCOptions"]["VPCId"] == made["Vpc"]
    assert json.loads(shown["AccessPolicies"])["Statement"] == [allow]
    aws.admin("domain-endpoint", name=f"d-{name}", endpoint="127.0.0.1:9999")
    shown = aws.client("opensearch").describe_domain(DomainName=f"d-{name}")["DomainStatus"]
    assert shown["Endpoints"] == {"vpc": "127.0.0.1:9999"}


def _disable(aws: Emulator, key: str, _name: str) -> None:
    aws.client("kms").disable_key(KeyId=key)


def _revoke(aws: Emulator, key: str, name: str) -> None:
    grants = aws.client("kms").list_grants(KeyId=key)["Grants"]
    assert [grant["Name"] for grant in grants] == [f"opensearch-d-{name}"]
    aws.client("kms").revoke_grant(KeyId=key, GrantId=grants[0]["GrantId"])


@pytest.mark.parametrize("lose", [_disable, _revoke], ids=["the key is disabled", "the grant is revoked"])
def test_a_domain_that_lost_its_key_refuses_a_new_access_policy(
    aws: Emulator, name: str, lose: Callable[[Emulator, str, str], None]
) -> None:
    """The key is disabled or the grant is revoked. The old policy stays."""
    key, search = aws.client("kms").create_key()["KeyMetadata"]["Arn"], aws.client("opensearch")
    _domain(aws, name, key)
    closed = json.dumps({"Version": "2012-10-17", "Statement": []})
    search.update_domain_config(DomainName=f"d-{name}", AccessPolicies=closed)
    assert search.describe_domain(DomainName=f"d-{name}")["DomainStatus"]["AccessPolicies"] == closed
    lose(aws, key, name)
    with pytest.raises(ClientError, match="cannot be accessed"):
        search.update_domain_config(DomainName=f"d-{name}", AccessPolicies="")
    assert search.describe_domain(DomainName=f"d-{name}")["DomainStatus"]["AccessPolicies"] == closed


def test_a_domain_keeps_its_key_and_resolves_an_alias_only_once(aws: Emulator, name: str) -> None:
    """Moving the alias changes nothing, and asking for another key is refused. Deleting the domain ends its grant."""
    kms, search = aws.client("kms"), aws.client("opensearch")
    first, second = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=first)
    assert _domain(aws, name, f"alias/{name}")["EncryptionAtRestOptions"]["KmsKeyId"] == first
    kms.update_alias(AliasName=f"alias/{name}", TargetKeyId=second)
    assert (
        search.describe_domain(DomainName=f"d-{name}")["DomainStatus"]["EncryptionAtRestOptions"]["KmsKeyId"] == first
    )
    with pytest.raises(ClientError, match="cannot be changed"):
        search.update_domain_config(
            DomainName=f"d-{name}", EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": second}
        )
    search.delete_domain(DomainName=f"d-{name}")
    assert kms.list_grants(KeyId=first)["Grants"] == []


@pytest.mark.parametrize("state", ["disabled", "missing"])
def test_a_domain_under_an_unusable_key_fails_its_stack(aws: Emulator, name: str, tmp_path: Path, state: str) -> None:
    """The key is disabled or does not exist, and the error says that it is the key."""
    key = f"arn:aws:kms:{aws.region}:{aws.account}:key/none"
    if state == "disabled":
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        aws.client("kms").disable_key(KeyId=key)
    domain = _resource(
        "OpenSearchService::Domain", DomainName=f"d-{name}", EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key}
    )
    with pytest.raises(DeploymentFailed, match="The KMS key"):
        deploy(write(tmp_path / "out", Stack(name, {"D": domain})), aws)


def _sign_in(aws: Emulator, pool: str, client: str, user: str) -> str:
    password = "Sw0rdfish!2024"
    cognito = aws.client("cognito-idp")
    cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=password, Permanent=True)
    return sign_in(cognito, pool, client, user, password)


def test_the_identity_pool_gives_a_member_the_role_of_their_group(aws: Emulator, name: str, tmp_path: Path) -> None:
    """Somebody who is in no group is refused."""
    provider = {"Fn::Sub": "cognito-idp.${AWS::Region}.amazonaws.com/${Pool}"}
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": _ref("Identities")}},
    }
    assumable = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    mapping = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}
    mapping["IdentityProvider"] = {"Fn::Sub": "cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}"}
    resources = {
        "Pool": _resource("Cognito::UserPool", UserPoolName=name),
        "Client": _resource(
            "Cognito::UserPoolClient", UserPoolId=_ref("Pool"), ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
        ),
        "Identities": _resource(
            "Cognito::IdentityPool",
            AllowUnauthenticatedIdentities=False,
            CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": _ref("Client")}],
        ),
        "Analyst": _resource("IAM::Role", RoleName=f"{name}-analyst", **assumable),
        "Plain": _resource("IAM::Role", RoleName=f"{name}-plain", **assumable),
        "Group": _resource(
            "Cognito::UserPoolGroup", UserPoolId=_ref("Pool"), GroupName="analysts", RoleArn=_att("Analyst", "Arn")
        ),
        "Ann": _resource("Cognito::UserPoolUser", UserPoolId=_ref("Pool"), Username="ann", MessageAction="SUPPRESS"),
        "Bob": _resource("Cognito::UserPoolUser", UserPoolId=_ref("Pool"), Username="bob", MessageAction="SUPPRESS"),
        "Member": {
            **_resource(
                "Cognito::UserPoolUserToGroupAttachment", UserPoolId=_ref("Pool"), GroupName="analysts", Username="ann"
            ),
            "DependsOn": ["Group", "Ann"],
        },
        "Attached": _resource(
            "Cognito::IdentityPoolRoleAttachment",
            IdentityPoolId=_ref("Identities"),
            Roles={"authenticated": _att("Plain", "Arn")},
            RoleMappings={"any": mapping},
        ),
    }
    outputs = {part: _ref(part) for part in ("Pool", "Client", "Identities")}
    made = deploy(write(tmp_path / "out", Stack(name, resources, outputs)), aws)[name]
    public = Config(signature_version=UNSIGNED)
    identity = boto3.client("cognito-identity", endpoint_url=aws.endpoint, region_name=aws.region, config=public)
    login = f"cognito-idp.{aws.region}.amazonaws.com/{made['Pool']}"

    def credentials(user: str) -> Credentials:
        logins = {login: _sign_in(aws, made["Pool"], made["Client"], user)}
        who = identity.get_id(IdentityPoolId=made["Identities"], Logins=logins)["IdentityId"]
        given = identity.get_credentials_for_identity(IdentityId=who, Logins=logins)["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretKey"], given["SessionToken"])

    arn = aws.client("sts", credentials=credentials("ann")).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{aws.account}:assumed-role/{name}-analyst/CognitoIdentityCredentials"
    with pytest.raises(ClientError, match="InvalidIdentityPoolConfiguration"):
        credentials("bob")


def test_a_permissions_boundary_is_set_removed_and_set_again(aws: Emulator, name: str, tmp_path: Path) -> None:
    """Three deployments of the same role."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    trust = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "RoleName": name}

    def deployed(**more: Any) -> str:
        resources = {
            "Most": _resource("IAM::ManagedPolicy", ManagedPolicyName=f"{name}-most", PolicyDocument=document),
            "Role": _resource("IAM::Role", **trust, **more),
        }
        deploy(write(tmp_path / "out", Stack(name, resources, {})), aws)
        found = aws.client("iam").get_role(RoleName=name)["Role"].get("PermissionsBoundary", {})
        return str(found.get("PermissionsBoundaryArn", ""))

    arn = f"arn:aws:iam::{aws.account}:policy/{name}-most"
    assert [deployed(PermissionsBoundary=_ref("Most")), deployed(), deployed(PermissionsBoundary=_ref("Most"))] == [
        arn,
        "",
        arn,
    ]
