"""The network that all deployments of the account share: a VPC, ours or a given one, the security groups of the automation and of
break-glass, and one a domain."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Protocol

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct
from portcullis import model
from portcullis.errors import BadInput

from stacks import names
from stacks.deployments import Declared

_CIDR = "10.64.0.0/16"
_ZONES = 2  # what every Region has
_MOST_ZONES = 3
_SMALLEST_SUBNET = 28
_HTTPS, _ANYWHERE = ec2.Port.tcp(443), ec2.Peer.any_ipv4()


def check_zones(deployments: Sequence[Declared], wanted: model.Network) -> None:
    """Raise BadInput if a given VPC has too few zones for a domain."""
    given = len(wanted.subnets.domains) if wanted.subnets else _ZONES
    for one in deployments:
        if not one.cluster and one.zones > given:
            raise BadInput(
                f"{one.node_count} nodes are spread over {one.zones} zones, and network.subnets.domains names {given}",
                source=str(one.source),
                place="domain.data_nodes.count",
                remedy="name a subnet in a second zone in account.yaml, or have an odd number of nodes",
            )


class Network(Stack):
    """The domains stand in isolated subnets; the functions in private ones with a way out to the AWS APIs, in every zone its own: a lock
    must not wait for the one zone that is out. Interface endpoints instead of NAT gateways, one for each of the dozen services that the
    functions call, would cost several times as much, and IAM has none outside us-east-1.
    """

    def __init__(
        self, scope: Construct, name: str, deployments: Sequence[Declared], *, wanted: model.Network, **kwargs: Any
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self._callers = wanted.callers
        self.is_given = bool(wanted.vpc and wanted.subnets)
        if wanted.vpc and wanted.subnets:
            self._given(wanted.vpc, wanted.subnets)
        else:
            self._made(wanted)
        self.automation_group = self._who_calls("Automation", names.AUTOMATION_GROUP, "Portcullis: the functions")
        # Empty until somebody needs it: a lock shuts out every address, and whoever takes break-glass has to come from somewhere.
        self.break_glass_group = self._who_calls(
            "BreakGlass", names.BREAK_GLASS_GROUP, "Portcullis: the machine that break-glass is used from"
        )
        CfnOutput(self, "BreakGlassSecurityGroup", value=self.break_glass_group.security_group_id)
        self.domain_groups = {one.name: self._domain_group(one.name) for one in deployments if not one.cluster}
        self._out = {(_ANYWHERE.unique_id, _HTTPS.to_string())}  # a way out that is there twice is refused
        for one in deployments:
            if one.cluster and one.cluster.network:
                self._out_to(one.cluster.endpoint, _peers(one.cluster.network))

    def subnets_for(self, one: Declared) -> list[str]:
        """A subnet in each of the zones that its nodes are spread over."""
        return self._domain_subnets[: one.zones]

    def _given(self, vpc: str, subnets: model.Subnets) -> None:
        self.vpc: ec2.IVpc = ec2.Vpc.from_vpc_attributes(
            self, "Vpc", vpc_id=vpc, availability_zones=sorted({*subnets.domains, *subnets.functions})
        )
        self._own_addresses = self.default_group = ""
        self._domain_subnets = list(subnets.domains.values())
        functions = [
            ec2.Subnet.from_subnet_attributes(self, f"Functions-{zone}", subnet_id=subnet, availability_zone=zone)
            for zone, subnet in subnets.functions.items()
        ]
        self.function_subnets = ec2.SubnetSelection(subnets=functions)

    def _made(self, wanted: model.Network) -> None:
        cidr = wanted.cidr or _CIDR
        prefix = ipaddress.ip_network(cidr).prefixlen
        # Chosen when the stack is deployed, unless named: asking now would need credentials to synthesise.
        zones = list(wanted.zones or (Fn.select(zone, Fn.get_azs()) for zone in range(_ZONES)))
        made = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=zones,
            # Room for a third is kept, so that adding it later moves no address.
            reserved_azs=_MOST_ZONES - len(zones),
            nat_gateways=len(zones) if wanted.nat_per_zone else 1,
            # The automation's stack does so, through a function that is there anyway: CDK's own way brings one more, and a role for it.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=min(prefix + 8, _SMALLEST_SUBNET),
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=prefix + 4
                ),
                ec2.SubnetConfiguration(
                    name="domains", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=prefix + 4
                ),
            ],
            gateway_endpoints={
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            },
        )
        self.vpc = made
        self.default_group = made.vpc_default_security_group
        self._own_addresses = made.vpc_cidr_block
        self._domain_subnets = made.select_subnets(subnet_group_name="domains").subnet_ids
        self.function_subnets = ec2.SubnetSelection(subnet_group_name="functions")
        if wanted.flow_logs:
            kept = logs.LogGroup(
                self,
                "FlowLogs",
                log_group_name=f"/{names.PREFIX}/flow-logs",
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=RemovalPolicy.DESTROY,
            )
            made.add_flow_log("Flow", destination=ec2.FlowLogDestination.to_cloud_watch_logs(kept))

    def _who_calls(self, part: str, name: str, description: str) -> ec2.SecurityGroup:
        """Of those who call the domains; by a name that a person can choose from a list at 3 a.m."""
        group = ec2.SecurityGroup(
            self, part, vpc=self.vpc, security_group_name=name, description=description, allow_all_outbound=False
        )
        group.add_egress_rule(_ANYWHERE, _HTTPS, "domains and the AWS APIs")
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
        for peer in self._people():
            group.add_ingress_rule(peer, _HTTPS, "people and applications")
        group.add_ingress_rule(self.automation_group, _HTTPS, "the automation")
        group.add_ingress_rule(self.break_glass_group, _HTTPS, "break-glass")
        return group

    def _out_to(self, endpoint: str, peers: Sequence[ec2.IPeer]) -> None:
        """The automation may connect to a cluster where its file says that it is. How packets get there is the network's own."""
        port = ec2.Port.tcp(int(endpoint.rpartition(":")[2]))
        for peer in peers:
            if (peer.unique_id, port.to_string()) not in self._out:
                self._out.add((peer.unique_id, port.to_string()))
                self.automation_group.add_egress_rule(peer, port, f"the cluster at {endpoint}"[:255])

    def _people(self) -> list[ec2.IPeer]:
        """Who may come besides: whoever is in a VPC of ours, and whom the account's file names."""
        return [*([ec2.Peer.ipv4(self._own_addresses)] if self._own_addresses else []), *_peers(self._callers)]


class _Named(Protocol):
    @property
    def cidrs(self) -> Sequence[str]: ...
    @property
    def prefix_lists(self) -> Sequence[str]: ...
    @property
    def security_groups(self) -> Sequence[str]: ...


def _peers(named: _Named) -> list[ec2.IPeer]:
    """Addresses as a file names them."""
    peers = [ec2.Peer.ipv6(block) if ":" in block else ec2.Peer.ipv4(block) for block in dict.fromkeys(named.cidrs)]
    peers += [ec2.Peer.prefix_list(listed) for listed in dict.fromkeys(named.prefix_lists)]
    for group in dict.fromkeys(named.security_groups):
        owner, _, identifier = group.rpartition("/")
        peers.append(ec2.Peer.security_group_id(identifier, owner or None))
    return peers
