"""The domain's security groups, access policy and VPC endpoints, shut and opened through the emulated EC2 and OpenSearch Service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from portcullis.adapters.gates.aws import AwsGate
from portcullis.custody.access_policy import is_shut, shut
from portcullis.errors import Refused, Unreachable
from portcullis.ports.places import VpcEndpoints
from portcullis.ports.registration import Network, Registration

from local.aws.emulator import Credentials, Emulator
from tests.adapters.registrations import domain as a_domain
from tests.adapters.registrations import registration

pytestmark = pytest.mark.aws


@dataclass
class Ground:
    """A domain with a key, its security group, and the automation's."""

    aws: Emulator
    gate: AwsGate
    registration: Registration
    key: str

    def rules(self) -> list[Any]:
        """Everything that is let in, in an order of its own."""
        group = own_group(self.registration)
        found = self.aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        return sorted(
            (rule["FromPort"], source)
            for rule in found
            for source in [
                *(("ip", one["CidrIp"], one.get("Description", "")) for one in rule.get("IpRanges", [])),
                *(("group", one["GroupId"], one.get("Description", "")) for one in rule.get("UserIdGroupPairs", [])),
            ]
        )


def own_group(registration: Registration) -> str:
    network = registration.network
    assert network
    return network.group


def automations_group(registration: Registration) -> str:
    network = registration.network
    assert network
    assert network.automation
    return network.automation


@pytest.fixture
def ground(calm: Emulator, name: str) -> Ground:
    ec2, kms = calm.client("ec2"), calm.client("kms")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ids = [
        ec2.create_security_group(GroupName=f"{name}-{n}", Description="a test", VpcId=vpc)["GroupId"]
        for n in ("domain", "automation", "people")
    ]
    domain, automation, people = ids
    ec2.authorize_security_group_ingress(
        GroupId=domain,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.1.0.0/16", "Description": "the office"}, {"CidrIp": "10.2.0.0/16"}],
                "UserIdGroupPairs": [
                    {"GroupId": automation, "Description": "the automation"},
                    {"GroupId": people, "Description": "people"},
                ],
            },
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.3.0.0/16"}]},
        ],
    )
    key = kms.create_key()["KeyMetadata"]["Arn"]
    made = calm.client("opensearch").create_domain(
        DomainName=f"gate-{name}",
        EngineVersion="OpenSearch_3.3",
        EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key},
    )["DomainStatus"]
    own = registration(place=a_domain(f"gate-{name}", Network(domain, automation), made["ARN"]))
    return Ground(calm, AwsGate(calm.client), own, key)


AUTOMATION_ONLY = "only the automation's own rule is left"


def close(ground: Ground) -> list[Any]:
    rules = ground.gate.ingress(ground.registration)
    ground.gate.close_ingress(ground.registration, rules)
    return rules


def test_a_lock_leaves_only_the_automation_rule_and_opening_restores_all(ground: Ground) -> None:
    """While locked only the security group of the automation gets in. Afterwards the rules are exactly those of before."""
    before = ground.rules()
    rules = close(ground)
    automation = automations_group(ground.registration)
    assert ground.rules() == [(443, ("group", automation, "the automation"))], AUTOMATION_ONLY
    assert ground.gate.ingress(ground.registration) == []
    ground.gate.open_ingress(ground.registration, rules)
    assert ground.rules() == before


def test_closing_and_opening_twice_is_doing_it_once(ground: Ground) -> None:
    before = ground.rules()
    rules = close(ground)
    ground.gate.close_ingress(ground.registration, rules)
    for _ in range(2):
        ground.gate.open_ingress(ground.registration, rules)
        assert ground.rules() == before
    ground.gate.close_ingress(ground.registration, [])
    assert ground.rules() == before


def test_a_rule_that_somebody_took_away_meanwhile_keeps_no_other_one_open(ground: Ground) -> None:
    """EC2 revokes none of those asked for together if one of them is not there."""
    rules = ground.gate.ingress(ground.registration)
    ground.aws.client("ec2").revoke_security_group_ingress(
        GroupId=own_group(ground.registration), IpPermissions=[rule for rule in rules if rule["FromPort"] == 80]
    )
    ground.gate.close_ingress(ground.registration, rules)
    assert ground.gate.ingress(ground.registration) == []


def test_a_rule_that_is_there_already_keeps_no_other_one_closed(ground: Ground) -> None:
    before = ground.rules()
    rules = close(ground)
    ground.gate.open_ingress(ground.registration, [rule for rule in rules if rule["FromPort"] == 80])
    ground.gate.open_ingress(ground.registration, rules)
    assert ground.rules() == before


class Merged:
    """EC2 shows rules of the same ports as one permission with several sources; the emulated one shows them one by one."""

    def describe_security_groups(self, GroupIds: list[str]) -> Any:  # noqa: N803 - the API's own name
        pairs = [{"GroupId": "sg-automation", "UserId": "1"}, {"GroupId": "sg-people", "UserId": "1"}]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs}
        empty = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
        own = {
            "IpProtocol": "-1",
            "UserIdGroupPairs": [pairs[0], {"GroupId": "sg-break-glass", "UserId": "1"}],
            **empty,
        }
        prefix = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}
        return {
            "SecurityGroups": [
                {
                    "GroupId": "sg-domain",
                    "IpPermissions": [rule | {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, own, prefix],
                }
            ]
        }


def test_a_mixed_rule_stays_open_for_the_automation_and_break_glass() -> None:
    """One permission names several sources. Only the other sources count as ingress to close."""
    own = registration(place=a_domain(network=Network("sg-domain", "sg-automation", "sg-break-glass")))
    assert AwsGate(lambda _: Merged()).ingress(own) == [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
            "UserIdGroupPairs": [{"GroupId": "sg-people", "UserId": "1"}],
        },
        {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]},
    ]


def test_a_domain_without_a_security_group_has_no_ingress_to_close(ground: Ground) -> None:
    assert ground.gate.ingress(registration()) == []


# ---------------------------------------------------------------------- further groups, and VPC endpoints


def attached(ground: Ground, name: str) -> str:
    """A further group of the domain, with a rule of somebody's."""
    ec2, own = ground.aws.client("ec2"), own_group(ground.registration)
    vpc = ec2.describe_security_groups(GroupIds=[own])["SecurityGroups"][0]["VpcId"]
    further: str = ec2.create_security_group(GroupName=f"{name}-further", Description="a test", VpcId=vpc)["GroupId"]
    pair = {"GroupId": automations_group(ground.registration)}
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    office = {**https, "IpRanges": [{"CidrIp": "10.9.0.0/16", "Description": "vpn"}], "UserIdGroupPairs": [pair]}
    ec2.authorize_security_group_ingress(GroupId=further, IpPermissions=[office])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    ground.aws.client("opensearch").update_domain_config(
        DomainName=ground.registration.place.name,
        VPCOptions={"SubnetIds": [subnet], "SecurityGroupIds": [own, further]},
    )
    return further


def test_a_further_group_is_found_closed_and_opened_exactly(ground: Ground, name: str) -> None:
    gate, own = ground.gate, ground.registration
    assert gate.further_groups(own) == {}
    further = attached(ground, name)
    before = gate.further_groups(own)
    [rule] = before[further]
    assert (rule["IpRanges"], list(before)) == ([{"CidrIp": "10.9.0.0/16", "Description": "vpn"}], [further])
    for _ in range(2):
        gate.close_group(further, before[further])
        assert gate.further_groups(own) == {further: []}
    for _ in range(2):
        gate.open_group(further, before[further])
        assert gate.further_groups(own) == before


def test_opening_a_group_that_is_as_it_was_or_gone_asks_for_no_right(
    ground: Ground, name: str, person: Callable[..., Credentials]
) -> None:
    further = attached(ground, name)
    rules = ground.gate.further_groups(ground.registration)[further]
    nobody = person("ec2:DescribeSecurityGroups")
    gate = AwsGate(lambda service: ground.aws.client(service, credentials=nobody))
    gate.open_group(further, rules)
    gate.open_group("sg-0123456789abcdef0", rules)
    ground.gate.close_group(further, rules)
    with pytest.raises(Refused, match="authorize_security_group_ingress"):
        gate.open_group(further, rules)


def test_a_source_that_is_gone_keeps_no_other_rule_closed_and_is_named(ground: Ground) -> None:
    """While it is closed nothing names it, so that somebody may delete it."""
    ec2, own = ground.aws.client("ec2"), ground.registration
    before = ground.rules()
    rules = close(ground)
    [people] = [
        pair["GroupId"] for one in rules for pair in one.get("UserIdGroupPairs", ()) if pair["Description"] == "people"
    ]
    ec2.delete_security_group(GroupId=people)
    for _ in range(2):
        assert ground.gate.open_ingress(own, rules) == (people,)
        assert ground.rules() == [one for one in before if people not in one[1]]
    ec2.delete_security_group(GroupId=own_group(own))
    with pytest.raises(Refused, match="InvalidGroup"):
        ground.gate.open_ingress(own, rules)


def test_a_prefix_list_that_is_gone_is_named_too(ground: Ground) -> None:
    """The emulated EC2 reads none."""
    real = ground.aws.client("ec2")

    class Ec2:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def authorize_security_group_ingress(self, **_: Any) -> None:
            said = {"Error": {"Code": "InvalidPrefixListID.NotFound", "Message": "it does not exist"}}
            raise ClientError(said, "AuthorizeSecurityGroupIngress")  # type: ignore[arg-type]

    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    gate = AwsGate(lambda _: Ec2())
    assert gate.open_ingress(ground.registration, [rule | {"PrefixListIds": [{"PrefixListId": "pl-1"}]}]) == ("pl-1",)
    with pytest.raises(Refused):
        gate.open_ingress(ground.registration, [rule | {"IpRanges": [{"CidrIp": "10.1.0.0/16"}]}])


def test_vpc_endpoint_principals_are_revoked_and_authorised_again_exactly(ground: Ground) -> None:
    """An account and a service were authorised. Both calls may come twice, and the end is what was there before."""
    service, own, gate = ground.aws.client("opensearch"), ground.registration, ground.gate
    assert gate.endpoints(own) == VpcEndpoints([], {})
    service.authorize_vpc_endpoint_access(DomainName=own.place.name, Account="444455556666")
    service.authorize_vpc_endpoint_access(
        DomainName=own.place.name, Service="application.opensearchservice.amazonaws.com"
    )
    made = service.create_vpc_endpoint(DomainArn=own.place.id, VpcOptions={"SubnetIds": ["subnet-1"]})["VpcEndpoint"]
    before = gate.endpoints(own)
    assert [one["Principal"] for one in before.principals] == [
        "444455556666",
        "application.opensearchservice.amazonaws.com",
    ]
    assert before.made == {made["VpcEndpointId"]: made["VpcEndpointOwner"]}
    for _ in range(2):
        gate.revoke_endpoints(own, before.principals)
        assert gate.endpoints(own).principals == []
    for _ in range(2):
        gate.authorize_endpoints(own, before.principals)
        assert gate.endpoints(own) == before


class Paged:
    """A list that comes in pages, as AWS may show it; the emulated one shows it whole."""

    def list_vpc_endpoint_access(self, DomainName: str, NextToken: str = "") -> Any:  # noqa: N803 - the API's own names
        one = {"PrincipalType": "AWS_ACCOUNT", "Principal": NextToken or "first"}
        return {"AuthorizedPrincipalList": [one], **({} if NextToken else {"NextToken": "second"})}

    def list_vpc_endpoints_for_domain(self, DomainName: str) -> Any:  # noqa: N803 - the API's own name
        return {"VpcEndpointSummaryList": []}


def test_principals_of_every_page_are_found() -> None:
    found = AwsGate(lambda _: Paged()).endpoints(registration(place=a_domain(network=Network("sg-domain"))))
    assert [one["Principal"] for one in found.principals] == ["first", "second"]


@pytest.mark.parametrize("way", ["revoke_endpoints", "authorize_endpoints"])
def test_a_principal_that_aws_does_not_take_keeps_no_other_in_or_out(way: str) -> None:
    """An account that was closed, say: the emulated AWS takes any."""
    done: list[str] = []

    class Client(Paged):
        def _change(self, Account: str, **_: Any) -> None:  # noqa: N803 - the API's own name
            if Account == "closed":
                raise ClientError({"Error": {"Code": "ValidationException", "Message": "no such account"}}, "Change")
            done.append(Account)

        revoke_vpc_endpoint_access = authorize_vpc_endpoint_access = _change

    principals = [{"PrincipalType": "AWS_ACCOUNT", "Principal": one} for one in ("closed", "a", "b")]
    own = registration(place=a_domain(network=Network("sg-domain")))
    with pytest.raises(Refused, match=r"closed: .*no such account"):
        getattr(AwsGate(lambda _: Client()), way)(own, principals)
    assert done == ["a", "b"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"ArnEquals": {"ec2:Vpc": "arn:aws:ec2:{region}:{account}:vpc/{vpc}"}}, True),
        ({"ArnEquals": {"ec2:Vpc": "arn:aws:ec2:{region}:{account}:vpc/vpc-other"}}, False),
        ({"StringEquals": {"aws:ResourceTag/portcullis:lock": "yes"}}, True),
        ({"StringEquals": {"aws:ResourceTag/portcullis:lock": "no"}}, False),
    ],
)
def test_the_emulated_iam_looks_at_a_groups_vpc_and_tags(
    ground: Ground, name: str, condition: dict[str, dict[str, str]], holds: bool
) -> None:
    further = attached(ground, name)
    ec2 = ground.aws.client("ec2")
    ec2.create_tags(Resources=[further], Tags=[{"Key": "portcullis:lock", "Value": "yes"}])
    vpc = ec2.describe_security_groups(GroupIds=[further])["SecurityGroups"][0]["VpcId"]
    [(operator, asked)] = condition.items()
    facts = {"region": ec2.meta.region_name, "account": ground.aws.account, "vpc": vpc}
    iam, user = ground.aws.client("iam"), f"{name}-bounded"
    iam.create_user(UserName=user)
    given = {
        "Effect": "Allow",
        "Action": "ec2:RevokeSecurityGroupIngress",
        "Resource": f"arn:aws:ec2:*:{ground.aws.account}:security-group/*",
        "Condition": {operator: {key: value.format(**facts) for key, value in asked.items()}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [given]})
    iam.put_user_policy(UserName=user, PolicyName="one", PolicyDocument=document)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    them = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    gate = AwsGate(lambda service: ground.aws.client(service, credentials=them))
    rules = ground.gate.further_groups(ground.registration)[further]
    if holds:
        gate.close_group(further, rules)
    else:
        with pytest.raises(Refused, match="revoke_security_group_ingress"):
            gate.close_group(further, rules)


# ---------------------------------------------------------------------- the access policy

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "people",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["es:ESHttpGet", "es:ESHttpPost"],
            "Resource": "arn:aws:es:eu-central-1:111122223333:domain/x/*",
            "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}},
        }
    ],
}


def test_a_policy_is_shut_and_restored_exactly(ground: Ground) -> None:
    gate, own = ground.gate, ground.registration
    assert gate.policy(own)["Statement"] == [], "none is an empty one"
    gate.set_policy(own, POLICY)
    saved = gate.policy(own)
    assert saved == POLICY
    keep = ("arn:aws:iam::111122223333:role/break-glass",)
    for _ in range(2):
        gate.set_policy(own, shut(gate.policy(own), own.place.id, keep))
        found = gate.policy(own)
        assert is_shut(found, own.place.id, keep)
        assert len(found["Statement"]) == 2, "shutting twice is shutting once"
    gate.set_policy(own, saved)
    assert gate.policy(own) == POLICY


def test_an_access_policy_aws_will_not_change_is_refused_in_its_own_words(ground: Ground) -> None:
    """While the key is disabled AWS refuses the change. The error carries its reason, and the policy stays as it was."""
    ground.aws.client("kms").disable_key(KeyId=ground.key)
    before = ground.gate.policy(ground.registration)
    with pytest.raises(Refused, match=r"update_domain_config.*cannot be accessed"):
        ground.gate.set_policy(ground.registration, POLICY)
    assert ground.gate.policy(ground.registration) == before
    ground.aws.client("kms").enable_key(KeyId=ground.key)
    ground.gate.set_policy(ground.registration, POLICY)


# ---------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
@pytest.mark.parametrize(
    "call",
    [
        lambda gate, own: gate.ingress(own),
        lambda gate, own: gate.close_ingress(own, [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]),
        lambda gate, own: gate.policy(own),
        lambda gate, own: gate.set_policy(own, POLICY),
        lambda gate, own: gate.further_groups(own),
        lambda gate, own: gate.endpoints(own),
    ],
    ids=["ingress", "close", "policy", "set policy", "further groups", "endpoints"],
)
def test_an_aws_that_does_not_answer_is_unreachable(
    ground: Ground, kind: str, call: Callable[[AwsGate, Registration], Any]
) -> None:
    ground.aws.admin("fault", actions=["ec2:*", "es:*"], kind=kind)
    with pytest.raises(Unreachable):
        call(ground.gate, ground.registration)


def test_what_we_may_not_do_is_refused(ground: Ground, person: Callable[..., Credentials]) -> None:
    nobody = person("ec2:DescribeSecurityGroups")
    gate = AwsGate(lambda service: ground.aws.client(service, credentials=nobody))
    rules = gate.ingress(ground.registration)
    before = ground.rules()
    with pytest.raises(Refused, match="revoke_security_group_ingress"):
        gate.close_ingress(ground.registration, rules)
    with pytest.raises(Refused, match="describe_domain"):
        gate.policy(ground.registration)
    assert ground.rules() == before


def test_a_security_group_that_is_gone_is_refused(ground: Ground) -> None:
    with pytest.raises(Refused, match="sg-0123456789abcdef0"):
        ground.gate.ingress(registration(place=a_domain(network=Network("sg-0123456789abcdef0"))))
