"""The domain's security group and access policy, read and changed through AWS. Every change can be made twice without harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from portcullis.access.config import Json
from portcullis.clients import error_code, unanswered
from portcullis.errors import Refused, Unreachable
from portcullis.operations.ports import Registration

_RULE_KEYS = ("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


class AwsGate:
    """The Gate protocol. `client(service)` gives a boto3 client in the domain's Region."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def ingress(self, registration: Registration) -> list[Json]:
        """The ingress rules that a lock closes: all but the automation's and break-glass'."""
        if not registration.security_group:
            return []
        groups = self._call("ec2", "describe_security_groups", GroupIds=[registration.security_group])["SecurityGroups"]
        stay = (registration.automation_security_group, registration.break_glass_security_group)
        return [rule for permission in groups[0]["IpPermissions"] if (rule := _without_groups(permission, stay))]

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None:
        for rule in _one_source_each(rules):  # where one is gone already, none of those asked for with it is revoked
            self._quietly("revoke_security_group_ingress", "InvalidPermission.NotFound", registration, rule)

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> None:
        for rule in _one_source_each(rules):  # a rule that is there already must not keep the others out
            self._quietly("authorize_security_group_ingress", "InvalidPermission.Duplicate", registration, rule)

    def policy(self, registration: Registration) -> Json:
        status = self._call("opensearch", "describe_domain", DomainName=registration.domain)["DomainStatus"]
        text = status.get("AccessPolicies") or ""
        policy: Json = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
        return policy

    def set_policy(self, registration: Registration, policy: Json) -> None:
        text = json.dumps(policy, separators=(",", ":"))
        self._call("opensearch", "update_domain_config", DomainName=registration.domain, AccessPolicies=text)

    def _quietly(self, call: str, harmless: str, registration: Registration, rule: Json) -> None:
        try:
            self._call("ec2", call, GroupId=registration.security_group, IpPermissions=[rule])
        except Refused as error:
            if harmless not in str(error):
                raise

    def _call(self, service: str, call: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client(service), call)(**arguments)
        except Exception as error:
            if why := unanswered(error):
                raise Unreachable(f"{service} {call}: {why}") from error
            if error_code(error):
                raise Refused(f"{service} {call}: {error}") from error
            raise


def _one_source_each(rules: Sequence[Json]) -> list[Json]:
    """The same rules, each with one source: EC2 takes those of one call all or none."""
    return [
        {key: value for key, value in rule.items() if key not in _SOURCES} | {source: [one]}
        for rule in rules
        for source in _SOURCES
        for one in rule.get(source, ())
    ]


def _without_groups(permission: Json, groups: Collection[str]) -> Json | None:
    """The rule without the sources that are one of `groups`; None if nothing is left of it."""
    rule = {key: permission[key] for key in _RULE_KEYS if permission.get(key) not in (None, [])}
    pairs = [pair for pair in rule.pop("UserIdGroupPairs", []) if pair.get("GroupId") not in groups]
    if pairs:
        rule["UserIdGroupPairs"] = pairs
    return rule if any(rule.get(source) for source in _SOURCES) else None
