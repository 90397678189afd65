"""EC2: rules of a security group as Amazon keeps them, because a lock takes some away and later puts exactly those back.

- A permission that names several sources is as many rules: each can be taken away alone. The emulator kept it as one, and
  took nothing away, without a word, when asked for a part of it.
- Taking away a rule that is not there is `InvalidPermission.NotFound`, and none of those asked for with it goes; adding one
  that is there is `InvalidPermission.Duplicate`. The emulator said yes to both.
- Adding a rule for a group that is not there is refused. The emulator took it.
- A group named with its account is the same group; DescribeSecurityGroups shows it so.
"""

from __future__ import annotations

from typing import Any

SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


def install() -> None:
    from ministack.services import ec2

    parse, match = ec2._parse_ip_permissions, ec2._rules_match

    def one_source_each(params: Any, prefix: str) -> list[dict[str, Any]]:
        return [part for permission in parse(params, prefix) for part in _parts(permission)]

    ec2._parse_ip_permissions = one_source_each
    ec2._rules_match = lambda one, other: match(_bare(one), _bare(other))
    _refuse(ec2, "AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", "already exists", when_there=True)
    _refuse(ec2, "RevokeSecurityGroupIngress", "InvalidPermission.NotFound", "does not exist", when_there=False)


def _parts(permission: dict[str, Any]) -> list[dict[str, Any]]:
    bare = {key: value for key, value in permission.items() if key not in SOURCES} | {source: [] for source in SOURCES}
    parts = [bare | {source: [one]} for source in SOURCES for one in permission.get(source, ())]
    return parts or [permission]


def _bare(rule: dict[str, Any]) -> dict[str, Any]:
    pairs = [{"GroupId": pair.get("GroupId")} for pair in rule.get("UserIdGroupPairs", ())]
    bare = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if rule.get(key) is not None}
    return bare | {source: rule.get(source, []) for source in SOURCES} | {"UserIdGroupPairs": pairs}


def _refuse(ec2: Any, operation: str, code: str, words: str, *, when_there: bool) -> None:
    known = ec2._ACTION_MAP[operation]

    def checked(params: Any) -> Any:
        group = ec2._security_groups.get(ec2._p(params, "GroupId"))
        if when_there is True and (gone := _gone(ec2, params)):
            return ec2._error(*gone, 400)
        if group is not None and not ec2._p(params, "SecurityGroupRuleId.1"):
            for rule in ec2._parse_ip_permissions(params, "IpPermissions"):
                there = any(ec2._rules_match(rule, held) for held in group["IpPermissions"])
                if there is when_there:
                    return ec2._error(code, f"the specified rule {words} in this security group", 400)
        return known(params)

    ec2._ACTION_MAP[operation] = checked


def _gone(ec2: Any, params: Any) -> tuple[str, str] | None:
    """A group that is named as a source and is not there: the emulator has no other accounts, and reads no prefix lists here."""
    for rule in ec2._parse_ip_permissions(params, "IpPermissions"):
        for pair in rule.get("UserIdGroupPairs", ()):
            if pair.get("GroupId") not in ec2._security_groups:
                return "InvalidGroup.NotFound", f"The security group '{pair.get('GroupId')}' does not exist"
    return None
