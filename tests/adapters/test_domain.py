"""Domains in a VPC: the account lets the search service in, once."""

from __future__ import annotations

import contextlib

import pytest
from botocore.exceptions import ClientError
from portcullis.adapters.domains.aws import empty_group, let_into_vpcs
from portcullis.errors import Refused

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws
ROLE = "AWSServiceRoleForAmazonOpenSearchService"


def test_a_new_account_gets_the_service_linked_role_for_vpcs_only_once(aws: Emulator, name: str) -> None:
    """Without the role no domain can be made in a VPC. The second stack that asks finds it there."""
    # Given an account in which nobody ever made a domain in a VPC
    iam, search, ec2 = aws.client("iam"), aws.client("opensearch"), aws.client("ec2")
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_service_linked_role(RoleName=ROLE)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    within = {"DomainName": f"v-{name}", "VPCOptions": {"SubnetIds": [subnet]}}
    with pytest.raises(ClientError, match="you must enable a service-linked role"):
        search.create_domain(**within)
    # When it is let in, and asked for again by the next stack
    assert [let_into_vpcs(iam), let_into_vpcs(iam)] == ["made", "was there"]
    # Then domains are made
    assert search.create_domain(**within)["DomainStatus"]["VPCOptions"]["VPCId"] == vpc
    search.delete_domain(DomainName=f"v-{name}")


def test_given_whoever_may_not_then_he_is_told_so(aws: Emulator, name: str) -> None:
    who = aws.client("iam").create_user(UserName=f"u-{name}")["User"]["UserName"]
    key = aws.client("iam").create_access_key(UserName=who)["AccessKey"]
    theirs = aws.client("iam", credentials=Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    with pytest.raises(ClientError, match="not authorized"):
        let_into_vpcs(theirs)


def test_a_group_is_emptied_both_ways_as_often_as_asked(aws: Emulator) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    of_it = [{"Name": "vpc-id", "Values": [vpc]}]
    (group,) = (one["GroupId"] for one in ec2.describe_security_groups(Filters=of_it)["SecurityGroups"])
    among_itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}  # as Amazon makes it
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[among_itself])
    for _ in range(2):
        empty_group(ec2, group)
        (held,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert held["IpPermissions"] == held["IpPermissionsEgress"] == []
    with pytest.raises(Refused, match="sg-none could not be emptied"):
        empty_group(ec2, "sg-none")
