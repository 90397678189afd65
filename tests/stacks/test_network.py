"""Given the account's file, then the domains stand in the network it says, and whom it names may come and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stacks.assembly import HOME, INTERNAL, Synthesised, synthesised
from tests.stacks.test_bad_input import refused

GIVEN = """
network:
  vpc: vpc-0123456789abcdef0
  subnets:
    domains: {eu-central-1a: subnet-0aaaaaaaaaaaaaaa1, eu-central-1c: subnet-0aaaaaaaaaaaaaaa2}
    functions: {eu-central-1a: subnet-0bbbbbbbbbbbbbbb1, eu-central-1c: subnet-0bbbbbbbbbbbbbbb2}
  callers:
    cidrs: [10.0.0.0/8, "2001:db8::/32"]
    prefix_lists: [pl-0123456789abcdef0]
    security_groups: [sg-0123456789abcdef0, 111122223333/sg-0123456789abcdef1]
"""
OURS = """
network:
  cidr: 10.9.0.0/20
  zones: [eu-central-1b, eu-central-1c]
  nat_per_zone: false
  flow_logs: false
  callers: {cidrs: [192.0.2.0/24]}
"""
TWO = INTERNAL.replace("count: 1", "count: 2").replace(
    "key: {multi_region: true, replicas: [eu-west-1], rotation_days: 90}", ""
)


def made(tmp_path: Path, text: str) -> Synthesised:
    (tmp_path / "inner.yaml").write_text(TWO)
    (tmp_path / "account.yaml").write_text(text)
    return synthesised(tmp_path / "out", HOME, deployments=str(tmp_path))


def who_may_come(assembly: Synthesised) -> list[dict[str, Any]]:
    groups = assembly.resources("AWS::EC2::SecurityGroup", "portcullis-network").values()
    (domain,) = (one["Properties"] for one in groups if "the domain" in one["Properties"]["GroupDescription"])
    said = ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupOwnerId")
    separate = [one["Properties"] for one in assembly.resources("AWS::EC2::SecurityGroupIngress").values()]
    ours = ("the automation", "break-glass")
    rules = [*domain["SecurityGroupIngress"], *(one for one in separate if one["Description"] not in ours)]
    assert {(rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in rules} == {(443, 443, "tcp")}
    return [{key: rule[key] for key in said if key in rule} for rule in rules]


def test_a_given_vpc_is_used_and_nothing_of_it_is_made(tmp_path: Path) -> None:
    assembly = made(tmp_path, GIVEN)
    kinds = {one["Type"] for one in assembly.templates["portcullis-network"]["Resources"].values()}
    assert kinds <= {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::CDK::Metadata"}
    groups = assembly.resources("AWS::EC2::SecurityGroup").values()
    assert {one["Properties"]["VpcId"] for one in groups} == {"vpc-0123456789abcdef0"}
    domain = assembly.one("AWS::OpenSearchService::Domain")
    assert domain["VPCOptions"]["SubnetIds"] == ["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"]
    functions = assembly.resources("AWS::Lambda::Function").values()
    assert [one["Properties"]["VpcConfig"]["SubnetIds"] for one in functions] == [
        ["subnet-0bbbbbbbbbbbbbbb1", "subnet-0bbbbbbbbbbbbbbb2"]
    ] * len(functions)
    came = sorted(who_may_come(assembly), key=str)
    assert came == [
        {"CidrIp": "10.0.0.0/8"},
        {"CidrIpv6": "2001:db8::/32"},
        {"SourcePrefixListId": "pl-0123456789abcdef0"},
        {"SourceSecurityGroupId": "sg-0123456789abcdef0"},
        {"SourceSecurityGroupId": "sg-0123456789abcdef1", "SourceSecurityGroupOwnerId": "111122223333"},
    ]


def test_a_vpc_of_ours_takes_its_addresses_and_zones_from_the_file(tmp_path: Path) -> None:
    assembly = made(tmp_path, OURS)
    assert assembly.one("AWS::EC2::VPC")["CidrBlock"] == "10.9.0.0/20"
    zones = {one["Properties"]["AvailabilityZone"] for one in assembly.resources("AWS::EC2::Subnet").values()}
    assert zones == {"eu-central-1b", "eu-central-1c"}
    assert len(assembly.resources("AWS::EC2::NatGateway")) == 1
    assert not assembly.resources("AWS::EC2::FlowLog")
    own, office = who_may_come(assembly)
    assert own["CidrIp"] == {"Fn::GetAtt": ["Vpc8378EB38", "CidrBlock"]}
    assert office == {"CidrIp": "192.0.2.0/24"}


def test_a_lock_does_not_wait_for_the_one_zone_that_is_out(demo: Synthesised) -> None:
    """Each subnet of the functions leaves by a NAT gateway of its own zone."""
    routes = [
        one["Properties"]["NatGatewayId"]["Ref"]
        for one in demo.resources("AWS::EC2::Route").values()
        if "NatGatewayId" in one["Properties"]
    ]
    assert len(routes) == len(set(routes)) == 2
    assert demo.one("AWS::EC2::FlowLog")["TrafficType"] == "ALL"


BAD = {
    "network: {vpc: vpc-0123456789abcdef0}": ("account.yaml", "no subnets"),
    GIVEN.split("  callers:")[0]: ("account.yaml", "nobody may come"),
    "network: {cidr: 10.0.0.0/8}": ("account.yaml", "network.cidr", "/16 to /22"),
    "network: {cidr: 10.0.0.1/16}": ("account.yaml", "host bits"),
    "network: {callers: {cidrs: [0.0.0.0/0]}}": ("account.yaml", "the whole internet"),
    "network: {callers: {cidrs: [10.0.0.0/8, 128.0.0.0/1]}}": ("account.yaml", "128.0.0.0/1", "large part"),
    "network: {callers: {cidrs: ['2000::/3']}}": ("account.yaml", "2000::/3", "large part"),
    "network: {callers: {cidrs: [16.0.0.0/8, 17.0.0.0/8]}}": ("account.yaml", "together", "16.0.0.0/7"),
    "network: {callers: {security_groups: [default]}}": ("account.yaml", "security_groups"),
    "network: {callers: {cidr: [10.0.0.0/8]}}": ("account.yaml", "did you mean 'cidrs'"),
    "look: {iam_policy: true}": ("account.yaml", "did you mean 'iam_policies'"),
    "network: {zones: [eu-central-1a]}": ("account.yaml", "network.zones"),
    GIVEN.replace("domains: {eu-central-1a: subnet-0aaaaaaaaaaaaaaa1, ", "domains: {"): ("inner.yaml", "2 zones"),
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40].strip())
def test_an_account_file_that_will_not_do_is_refused_by_place(tmp_path: Path, text: str) -> None:
    refused(tmp_path, {"inner.yaml": TWO, "account.yaml": text}, *BAD[text])


def test_a_folder_with_the_account_s_file_alone_has_no_deployment(tmp_path: Path) -> None:
    refused(tmp_path, {"account.yaml": "network: {}\n"}, "no deployment file")
