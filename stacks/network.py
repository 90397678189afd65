"""The network that all deployments of the account share: a VPC, the security groups of the automation and of break-glass, and one a
domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks import names
from stacks.deployments import Declared

_CIDR = "10.64.0.0/16"
_ZONES = 3


class Network(Stack):
    """The domains stand in isolated subnets; the functions in private ones with a way out to the AWS APIs.

    One NAT gateway serves the functions: interface endpoints for the nine services they call would cost several times as much, and
    IAM has none outside us-east-1. If its zone fails, reactions wait in their queues; nothing that people do depends on it.
    """

    def __init__(self, scope: Construct, name: str, deployments: Sequence[Declared], **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(_CIDR),
            # Chosen when the stack is deployed: asking now would need credentials to synthesise. Two is what every Region has;
            # room for a third is kept, so that adding it later moves no address.
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(2)],
            reserved_azs=_ZONES - 2,
            nat_gateways=1,
            restrict_default_security_group=False,  # it would take a custom resource; nothing uses that group
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
                ec2.SubnetConfiguration(name="domains", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20),
            ],
            gateway_endpoints={
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            },
        )
        self.function_subnets = ec2.SubnetSelection(subnet_group_name="functions")
        self.domain_subnets = self.vpc.select_subnets(subnet_group_name="domains").subnet_ids
        self.automation_group = self._callers("Automation", names.AUTOMATION_GROUP, "Portcullis: the functions")
        # Empty until somebody needs it: a lock shuts out every address, and whoever takes break-glass has to come from somewhere.
        self.break_glass_group = self._callers(
            "BreakGlass", names.BREAK_GLASS_GROUP, "Portcullis: the machine that break-glass is used from"
        )
        CfnOutput(self, "BreakGlassSecurityGroup", value=self.break_glass_group.security_group_id)
        self.domain_groups = {one.name: self._domain_group(one.name) for one in deployments}

    def _callers(self, part: str, name: str, description: str) -> ec2.SecurityGroup:
        """Of those who call the domains; by a name that a person can choose from a list at 3 a.m."""
        group = ec2.SecurityGroup(
            self, part, vpc=self.vpc, security_group_name=name, description=description, allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "domains and the AWS APIs")
        return group

    def _domain_group(self, deployment: str) -> ec2.SecurityGroup:
        """Three ways in, apart: a lock takes away the first and never the others."""
        group = ec2.SecurityGroup(
            self,
            f"Domain-{deployment}",
            vpc=self.vpc,
            description=f"Portcullis: the domain {deployment}",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.ipv4(self.vpc.vpc_cidr_block), ec2.Port.tcp(443), "people and applications")
        group.add_ingress_rule(self.automation_group, ec2.Port.tcp(443), "the automation")
        group.add_ingress_rule(self.break_glass_group, ec2.Port.tcp(443), "break-glass")
        CfnOutput(self, f"SecurityGroup{_letters(deployment)}", value=group.security_group_id, description=deployment)
        return group


def _letters(name: str) -> str:
    """A name as an output's id may hold it; hyphens become capitals, so that two names stay two."""
    return "".join(part.capitalize() for part in name.split("-"))
