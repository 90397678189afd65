"""CloudFormation types of EC2 that a VPC with private subnets needs and MiniStack does not know.

Security group rules of their own, NAT gateways, elastic addresses and flow logs: each leaves a real record, so that
Describe* shows it and DeleteStack takes it away. The first separate egress rule removes the allow-all one that every new
group begins with, as on AWS. Also the attributes of VPC and subnet that Fn::GetAtt knows on AWS.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from local.aws.cloudformation.attributes import add_attributes

Made = tuple[str, dict[str, Any]]
EVERYWHERE = ["0.0.0.0/0"]


def install() -> None:
    from ministack.services import ec2
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::EC2::SecurityGroupIngress": _rule(ec2, provisioners, egress=False),
            "AWS::EC2::SecurityGroupEgress": _rule(ec2, provisioners, egress=True),
            "AWS::EC2::EIP": {
                "create": _address,
                "update": _keep("AllocationId"),
                "delete": _forget(ec2, "_addresses"),
            },
            "AWS::EC2::NatGateway": {
                "create": _nat,
                "update": _keep("NatGatewayId"),
                "delete": _forget(ec2, "_nat_gateways"),
            },
            "AWS::EC2::FlowLog": {"create": _flow_log, "update": _keep("Id"), "delete": _forget(ec2, "_flow_logs")},
        }
    )
    add_attributes("AWS::EC2::VPC", _vpc)
    add_attributes("AWS::EC2::Subnet", _subnet)


def _rule(ec2: Any, provisioners: Any, *, egress: bool) -> dict[str, Any]:
    side = "IpPermissionsEgress" if egress else "IpPermissions"

    def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
        group = ec2._security_groups.get(properties.get("GroupId"))
        if group is None:
            raise ValueError(f"The security group '{properties.get('GroupId')}' does not exist")
        permission = provisioners._ec2_sg_permissions([properties])[0]
        rule_id = ec2._sg_rule_id(group["GroupId"], egress, permission)
        if any(known.get("SecurityGroupRuleId") == rule_id for known in group[side]):
            raise ValueError("the specified rule already exists in the security group")
        permission["SecurityGroupRuleId"] = rule_id
        if egress:
            group[side] = [known for known in group[side] if not _allow_all(known)]
        group[side].append(permission)
        return rule_id, {"Id": rule_id}

    def delete(rule_id: str, properties: dict[str, Any]) -> None:
        group = ec2._security_groups.get(properties.get("GroupId"))
        if group is not None:
            group[side] = [known for known in group[side] if known.get("SecurityGroupRuleId") != rule_id]

    def update(rule_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
        delete(rule_id, old)
        return create("", new, stack)

    return {"create": create, "update": update, "delete": delete}


def _allow_all(permission: dict[str, Any]) -> bool:
    ranges = [cidr.get("CidrIp") for cidr in permission.get("IpRanges", [])]
    return permission.get("IpProtocol") == "-1" and ranges == EVERYWHERE and "SecurityGroupRuleId" not in permission


def _address(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.services import ec2

    before = set(ec2._addresses)
    ec2._allocate_address({"Domain": [properties.get("Domain", "vpc")]})
    made = next(address for address in ec2._addresses if address not in before)
    record = ec2._addresses[made]
    return record["PublicIp"], {"AllocationId": made, "PublicIp": record["PublicIp"]}


def _nat(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.services import ec2

    if properties.get("SubnetId") not in ec2._subnets:
        raise ValueError(f"The subnet ID '{properties.get('SubnetId')}' does not exist")
    before = set(ec2._nat_gateways)
    wanted = ("SubnetId", "AllocationId", "ConnectivityType")
    ec2._create_nat_gateway({name: [properties[name]] for name in wanted if properties.get(name)})
    made = next(gateway for gateway in ec2._nat_gateways if gateway not in before)
    return made, {"NatGatewayId": made}


def _flow_log(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.services import ec2

    before = set(ec2._flow_logs)
    wanted = ("ResourceType", "TrafficType", "LogGroupName", "LogDestination", "LogDestinationType")
    asked = {name: [str(properties[name])] for name in wanted if properties.get(name)}
    ec2._create_flow_logs({"ResourceId.1": [properties["ResourceId"]], **asked})
    made = next(log for log in ec2._flow_logs if log not in before)
    return made, {"Id": made}


def _keep(attribute: str) -> Callable[..., Made]:
    """Only tags of these types change without replacement; MiniStack keeps no tags of theirs."""

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], _stack: str) -> Made:
        changed = sorted(name for name in {*old, *new} if name != "Tags" and old.get(name) != new.get(name))
        if changed:
            raise ValueError(f"{', '.join(changed)} of {physical_id} can only be changed by replacing it: not emulated")
        return physical_id, {attribute: physical_id}

    return update


def _forget(ec2: Any, store: str) -> Callable[[str, dict[str, Any]], None]:
    def delete(physical_id: str, _properties: dict[str, Any]) -> None:
        kept = getattr(ec2, store)
        if store == "_addresses":  # Ref of an EIP is its address
            physical_id = next((a["AllocationId"] for a in kept.values() if a["PublicIp"] == physical_id), physical_id)
        kept.pop(physical_id, None)

    return delete


def _vpc(vpc_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    association = f"vpc-cidr-assoc-{uuid.uuid5(uuid.NAMESPACE_OID, vpc_id).hex[:17]}"
    return {
        "VpcId": vpc_id,
        "CidrBlock": properties.get("CidrBlock", ""),
        "CidrBlockAssociations": [association],
        "Ipv6CidrBlocks": [],
    }


def _subnet(subnet_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "SubnetId": subnet_id,
        "VpcId": properties.get("VpcId"),
        "CidrBlock": properties.get("CidrBlock"),
        "Ipv6CidrBlocks": [],
    }
