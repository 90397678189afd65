"""The domain's security groups, access policy and VPC endpoints through AWS. Every change can be made twice without harm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from portcullis.access.actual import Json
from portcullis.clients import our_errors, pages
from portcullis.errors import Refused
from portcullis.ports.places import VpcEndpoints
from portcullis.ports.registration import Network, Registration

_RULE_KEYS = ("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_BY_NAME = ("PrefixListIds", "UserIdGroupPairs")  # of those, the sources that may be gone
_NO_SUCH = re.compile(r"Invalid(Group|SecurityGroupI[Dd]|PrefixListI[Dd])\.NotFound")


class AwsGate:
    """The Gate protocol. `client(service)` gives a boto3 client in the domain's Region."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def ingress(self, registration: Registration) -> list[Json]:
        """The ingress rules that a lock closes: all but the automation's and break-glass'."""
        if not (network := registration.network):
            return []
        return self._let_in_by([network.group], network)[network.group]

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None:
        if network := registration.network:
            self.close_group(network.group, rules)

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> tuple[str, ...]:
        network = registration.network
        return self._add(network.group, _one_source_each(rules)) if network else ()

    def further_groups(self, registration: Registration) -> dict[str, list[Json]]:
        groups = (self._domain(registration).get("VPCOptions") or {}).get("SecurityGroupIds") or ()
        network = registration.network
        own = (network.group, network.automation) if network else ()
        further = [group for group in groups if group not in own]
        return self._let_in_by(further, network) if further else {}

    def close_group(self, group: str, rules: Sequence[Json]) -> None:
        for rule in _one_source_each(rules):  # where one is gone already, none of those asked for with it is revoked
            self._quietly("revoke_security_group_ingress", "InvalidPermission.NotFound", group, rule)

    def open_group(self, group: str, rules: Sequence[Json]) -> tuple[str, ...]:
        try:
            there = _one_source_each(self._let_in_by([group])[group])
        except Refused as error:
            if "InvalidGroup" in str(error):
                return ()
            raise
        return self._add(group, [rule for rule in _one_source_each(rules) if rule not in there])

    def _add(self, group: str, rules: Sequence[Json]) -> tuple[str, ...]:
        """Each for itself: one that is there already, or that nobody can add, must not keep the others out. A source may be gone since it
        was closed: closed, nothing names it, so that EC2 lets it be deleted."""
        gone = []
        for rule in rules:
            try:
                self._quietly("authorize_security_group_ingress", "InvalidPermission.Duplicate", group, rule)
            except Refused as error:
                source = next((one for key in _BY_NAME for one in rule.get(key, ())), None)
                if source is None or not _NO_SUCH.search(str(error)):
                    raise
                self._let_in_by([group])  # raises if it is the group itself that is gone
                gone.append(str(source.get("GroupId") or source.get("PrefixListId")))
        return tuple(gone)

    def endpoints(self, registration: Registration) -> VpcEndpoints:
        if not registration.network:  # in no VPC
            return VpcEndpoints([], {})
        access = self._pages("list_vpc_endpoint_access", "AuthorizedPrincipalList", registration)
        made = self._pages("list_vpc_endpoints_for_domain", "VpcEndpointSummaryList", registration)
        return VpcEndpoints(access, {one["VpcEndpointId"]: one.get("VpcEndpointOwner", "") for one in made})

    def revoke_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        self._each("revoke_vpc_endpoint_access", registration, principals)

    def authorize_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        there = self._pages("list_vpc_endpoint_access", "AuthorizedPrincipalList", registration)
        self._each("authorize_vpc_endpoint_access", registration, [one for one in principals if one not in there])

    def _each(self, call: str, registration: Registration, principals: Sequence[Json]) -> None:
        """Each for itself: one that AWS does not take must not keep the others in, or out. Refused in the end, if there was one."""
        refused = []
        for one in principals:
            try:
                self._call("opensearch", call, DomainName=registration.place.name, **_named(one))
            except Refused as error:
                refused.append(f"{one.get('Principal')}: {error}")
        if refused:
            raise Refused("; ".join(refused))

    def policy(self, registration: Registration) -> Json:
        text = self._domain(registration).get("AccessPolicies") or ""
        policy: Json = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
        return policy

    def set_policy(self, registration: Registration, policy: Json) -> None:
        text = json.dumps(policy, separators=(",", ":"))
        self._call("opensearch", "update_domain_config", DomainName=registration.place.name, AccessPolicies=text)

    def _domain(self, registration: Registration) -> Json:
        status: Json = self._call("opensearch", "describe_domain", DomainName=registration.place.name)["DomainStatus"]
        return status

    def _let_in_by(self, groups: Sequence[str], network: Network | None = None) -> dict[str, list[Json]]:
        """The rules of each group; of a network, without the sources that a lock leaves alone."""
        stay = [group for group in (network.automation, network.break_glass) if group] if network else []
        found = self._call("ec2", "describe_security_groups", GroupIds=list(groups))["SecurityGroups"]
        return {
            group["GroupId"]: [
                rule for permission in group["IpPermissions"] if (rule := _without_groups(permission, stay))
            ]
            for group in found
        }

    def _pages(self, call: str, listed: str, registration: Registration) -> list[Json]:
        return list(pages(partial(self._call, "opensearch", call), listed, DomainName=registration.place.name))

    def _quietly(self, call: str, harmless: str, group: str, rule: Json) -> None:
        try:
            self._call("ec2", call, GroupId=group, IpPermissions=[rule])
        except Refused as error:
            if harmless not in str(error):
                raise

    def _call(self, service: str, call: str, **arguments: Any) -> Any:
        with our_errors(f"{service} {call}"):
            return getattr(self._client(service), call)(**arguments)


def _named(principal: Json) -> Json:
    """An authorised principal, as the calls that authorise and revoke it name it."""
    kind = "Service" if principal.get("PrincipalType") == "AWS_SERVICE" else "Account"
    options = {"ServiceOptions": principal["ServiceOptions"]} if principal.get("ServiceOptions") else {}
    return {kind: principal["Principal"], **options}


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
