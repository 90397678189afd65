"""The domain's security group, as far as one loopback address can show it.

Everybody calls from 127.0.0.1, so where a call would come from in a VPC is told by who makes it: sessions of the roles that are named
(the Lambdas', break-glass) from the security group of that role, everyone else, known or not, from the VPC's own address range.
A call that no ingress rule of the domain's security groups admits to port 443 is dropped before it is judged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import ec2

from local.door.answers import Dropped
from local.door.callers import Caller

PORT = 443


@dataclass(frozen=True, slots=True)
class Ingress:
    """`groups`: ARN of a role -> name of the security group that its sessions call from.

    `security_group`: the domain's; empty for those the domain itself names.
    """

    groups: Mapping[str, str]
    security_group: str = ""

    def check(self, caller: Caller | None, domain: Mapping[str, Any], account: str, region: str) -> None:
        """Raises Dropped if no rule admits the call. A domain outside a VPC has no ingress to check."""
        options = domain.get("VPCOptions") or {}
        names = [self.security_group] if self.security_group else options.get("SecurityGroupIds") or []
        if not names:
            return
        own = self.groups.get(caller.role, "") if caller is not None and caller.role else ""
        for name in names:
            group = ec2._security_groups.get_scoped(account, region, name)
            if group and any(_admits(rule, group, account, region, own) for rule in group["IpPermissions"]):
                return
        raise Dropped


def _admits(rule: Mapping[str, Any], group: Mapping[str, Any], account: str, region: str, own: str) -> bool:
    """`own`: name of the security group that the call comes from; empty for one from any other place in the VPC."""
    if not _covers_port(rule):
        return False
    pairs = [pair["GroupId"] for pair in rule.get("UserIdGroupPairs") or () if pair.get("GroupId")]
    sources = [ec2._security_groups.get_scoped(account, region, pair) or {} for pair in pairs]
    if own and own in [source.get("GroupName") for source in sources]:
        return True
    ranges = [entry["CidrIp"] for entry in rule.get("IpRanges") or () if entry.get("CidrIp")]
    if not ranges:
        return False
    vpc = ec2._vpcs.get_scoped(account, region, group.get("VpcId")) or {}
    inside = ipaddress.ip_network(vpc.get("CidrBlock") or "0.0.0.0/0")
    return any(ipaddress.ip_network(one, strict=False).overlaps(inside) for one in ranges)


def _covers_port(rule: Mapping[str, Any]) -> bool:
    if str(rule.get("IpProtocol")) == "-1":
        return True
    first, last = int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1))
    return str(rule.get("IpProtocol")) in ("tcp", "6") and first <= PORT <= last
