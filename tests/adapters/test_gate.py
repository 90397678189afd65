"""The domain's security group and access policy, shut and opened through the emulated EC2 and OpenSearch Service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from portcullis.errors import Refused, Unreachable
from portcullis.gates.aws import AwsGate
from portcullis.gates.policy import is_shut, shut
from portcullis.operations.ports import Registration

from local.aws.emulator import Credentials, Emulator
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
        group = self.registration.security_group
        found = self.aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        return sorted(
            (rule["FromPort"], source)
            for rule in found
            for source in [
                *(("ip", one["CidrIp"], one.get("Description", "")) for one in rule.get("IpRanges", [])),
                *(("group", one["GroupId"], one.get("Description", "")) for one in rule.get("UserIdGroupPairs", [])),
            ]
        )


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
    own = registration(
        domain=f"gate-{name}", domain_arn=made["ARN"], security_group=domain, automation_security_group=automation
    )
    return Ground(calm, AwsGate(calm.client), own, key)


AUTOMATION_ONLY = "only the automation's own rule is left"


def close(ground: Ground) -> list[Any]:
    rules = ground.gate.ingress(ground.registration)
    ground.gate.close_ingress(ground.registration, rules)
    return rules


def test_a_lock_closes_all_but_the_automations_rule_and_opening_brings_exactly_that_back(ground: Ground) -> None:
    before = ground.rules()
    rules = close(ground)
    automation = ground.registration.automation_security_group
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
        GroupId=ground.registration.security_group, IpPermissions=[rule for rule in rules if rule["FromPort"] == 80]
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
        return {"SecurityGroups": [{"IpPermissions": [rule | {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, own, prefix]}]}


def test_of_a_permission_with_several_sources_those_of_the_automation_and_of_break_glass_are_kept_open() -> None:
    own = registration(
        security_group="sg-domain",
        automation_security_group="sg-automation",
        break_glass_security_group="sg-break-glass",
    )
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
        gate.set_policy(own, shut(gate.policy(own), own.domain_arn, keep))
        found = gate.policy(own)
        assert is_shut(found, own.domain_arn, keep)
        assert len(found["Statement"]) == 2, "shutting twice is shutting once"
    gate.set_policy(own, saved)
    assert gate.policy(own) == POLICY


def test_a_policy_that_aws_will_not_change_while_the_key_is_gone_is_refused_in_its_words(ground: Ground) -> None:
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
    ],
    ids=["ingress", "close", "policy", "set policy"],
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
        ground.gate.ingress(registration(security_group="sg-0123456789abcdef0"))
