"""The EdgeReader protocol: reads, and nothing else. What may not be read is said, and spoils nothing that may."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from portcullis.access.actual import Json
from portcullis.access.edge.keys import Key
from portcullis.access.edge.network import Network
from portcullis.access.edge.policies import Named, Own
from portcullis.access.edge.way import Edge
from portcullis.clients import answered_no, error_code, pages, unanswered
from portcullis.correlation import carry
from portcullis.ports.edge import AMAZONS_KEY, HeldSecret
from portcullis.ports.registration import AmazonDomain, Registration

_READERS = 4  # principals read at once: IAM takes few calls a second
_MOST = 200  # principals of one question
_BY_NAME_IN_BODIES = "rest.action.multi.allow_explicit_index"
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
T = TypeVar("T")


class AwsEdge:
    """`client(service)` gives a boto3 client in the domain's Region."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._closed: dict[str, str] = {}  # principals of this kind may not be read -> why

    def look(self, registration: Registration) -> Edge:
        domain = registration.domain
        if domain is None:
            raise TypeError(
                f"{registration.deployment} is a cluster that runs elsewhere: nothing of AWS stands before it"
            )
        unseen: list[str] = []

        def seen(what: str, at: Callable[[], T]) -> T | None:
            try:
                return at()
            except Exception as error:
                unseen.append(f"{what} could not be read: {_why(error)}")
                return None

        status = seen(
            "the domain's access policy",
            lambda: self._client("opensearch").describe_domain(DomainName=domain.name)["DomainStatus"],
        )
        found: Json = status or {}
        groups = list((found.get("VPCOptions") or {}).get("SecurityGroupIds") or ())
        if domain.network and domain.network.group not in groups:
            groups.append(domain.network.group)
        network = seen("the network", lambda: self._network(domain, groups)) if groups else None
        text = found.get("AccessPolicies") or ""
        return Edge(
            domain.arn,
            registration.region,
            None if status is None else json.loads(text) if text else {"Statement": []},
            network,
            bool(groups),
            str((found.get("AdvancedOptions") or {}).get(_BY_NAME_IN_BODIES, "true")).lower() != "false",
            tuple(unseen),
        )

    def own(self, registration: Registration, principals: Collection[str]) -> Mapping[str, Own]:
        asked = sorted({*principals})
        left = {one: Own(unread=f"only those of {_MOST} were looked at") for one in asked[_MOST:]}
        other = "they are of another account"
        foreign = {one: Own(unread=other) for one in asked if one.split(":")[4] != registration.account}
        mine = [one for one in asked[:_MOST] if one not in foreign]
        with ThreadPoolExecutor(_READERS, initializer=carry()) as readers:
            return left | foreign | dict(zip(mine, readers.map(self._own, mine), strict=True))

    def secret(self, registration: Registration, name: str) -> HeldSecret:
        secrets = self._client("secretsmanager")
        if name.startswith("arn:") and name.split(":")[4] != registration.account:
            return HeldSecret(unread="it is of another account")
        key = arn = ""
        try:
            described = secrets.describe_secret(SecretId=name)
            key, arn = described.get("KmsKeyId") or "", described["ARN"]
            key = "" if key.endswith(AMAZONS_KEY) else key
            policy = secrets.get_resource_policy(SecretId=name).get("ResourcePolicy") or "{}"
        except Exception as error:
            return HeldSecret(key=key, arn=arn, unread=_closed(error, "it"))
        return HeldSecret(_document(policy), key, arn)

    def key(self, registration: Registration, arn: str) -> Key:
        if arn.split(":")[4] != registration.account:
            return Key(arn, unread="it is of another account")
        kms, key = self._client("kms"), arn
        try:
            key = kms.describe_key(KeyId=arn)["KeyMetadata"]["Arn"]  # which of an alias: the others take no alias
            policy = _document(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        except Exception as error:
            return Key(key, unread=_closed(error, "its policy"))
        try:
            listed = kms.get_paginator("list_grants").paginate(KeyId=key)
            return Key(key, policy, tuple(grant for page in listed for grant in page["Grants"]))
        except Exception as error:
            return Key(key, policy, unread=_closed(error, "its grants"))

    def _network(self, domain: AmazonDomain, groups: list[str]) -> Network:
        rules = self._client("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]
        made = dict(self._endpoints(domain))
        ours = domain.network
        automation, break_glass = (ours.automation or "", ours.break_glass or "") if ours else ("", "")
        return Network({one["GroupId"]: one["IpPermissions"] for one in rules}, made, automation, break_glass)

    def _endpoints(self, domain: AmazonDomain) -> Iterator[tuple[str, str]]:
        call = self._client("opensearch").list_vpc_endpoints_for_domain
        for one in pages(call, "VpcEndpointSummaryList", DomainName=domain.name):
            yield one["VpcEndpointId"], one.get("VpcEndpointOwner", "")

    def _own(self, arn: str) -> Own:
        """All that may be read. Once principals of a kind turn out to be closed to us, no further one of them is asked for."""
        kind = arn.split(":")[5].partition("/")[0]
        kind += "/portcullis-" if arn.rpartition("/")[2].startswith("portcullis-") else ""
        if kind in self._closed:
            return Own(unread=self._closed[kind])
        found, boundary, unread = list[Named](), list[Named](), ""
        try:
            (self._of_role if ":role/" in arn else self._of_user)(arn.rpartition("/")[2], found, boundary)
        except Exception as error:
            unread = _why(error)
            if error_code(error) in _DENIED:
                unread = "the automation may not read IAM policies (look.iam_policies in account.yaml)"
                self._closed[kind] = unread
        return Own(tuple(found), boundary[0] if boundary else None, unread)

    def _of_role(self, name: str, found: list[Named], boundary: list[Named]) -> None:
        iam, of = self._client("iam"), {"RoleName": name}
        role = iam.get_role(**of)["Role"]
        self._bounded(role, boundary)
        self._inline("list_role_policies", "get_role_policy", of, f"the role {name}", found)
        self._attached("list_attached_role_policies", of, f"the role {name}", found)

    def _of_user(self, name: str, found: list[Named], boundary: list[Named]) -> None:
        iam, of = self._client("iam"), {"UserName": name}
        self._bounded(iam.get_user(**of)["User"], boundary)
        self._inline("list_user_policies", "get_user_policy", of, f"the user {name}", found)
        self._attached("list_attached_user_policies", of, f"the user {name}", found)
        for one in self._all("list_groups_for_user", "Groups", of):
            group = {"GroupName": one["GroupName"]}
            whose = f"the group {one['GroupName']}"
            self._inline("list_group_policies", "get_group_policy", group, whose, found)
            self._attached("list_attached_group_policies", group, whose, found)

    def _bounded(self, principal: Mapping[str, Any], boundary: list[Named]) -> None:
        if arn := (principal.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"):
            boundary.append(Named(arn.rpartition("/")[2], self._managed(arn)))

    def _inline(self, many: str, one: str, of: Mapping[str, str], whose: str, found: list[Named]) -> None:
        for name in self._all(many, "PolicyNames", of):
            document = getattr(self._client("iam"), one)(PolicyName=name, **of)["PolicyDocument"]
            found.append(Named(f"the policy {name} of {whose}", _document(document)))

    def _attached(self, call: str, of: Mapping[str, str], whose: str, found: list[Named]) -> None:
        for one in self._all(call, "AttachedPolicies", of):
            name = f"the policy {one['PolicyName']}, attached to {whose}"
            found.append(Named(name, self._managed(one["PolicyArn"])))

    def _managed(self, arn: str) -> Json:
        iam = self._client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return _document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])

    def _all(self, call: str, listed: str, of: Mapping[str, str]) -> Iterator[Any]:
        for page in self._client("iam").get_paginator(call).paginate(**of):
            yield from page[listed]


def _document(document: Any) -> Json:
    found: Json = json.loads(document) if isinstance(document, str) else document
    return found


def _closed(error: Exception, what: str) -> str:
    if error_code(error) in _DENIED:
        return f"the automation may not read {what} (look.iam_policies in account.yaml)"
    return _why(error)


def _why(error: Exception) -> str:
    """In a word. What is no answer of AWS is a mistake of ours, and goes on as one."""
    if why := unanswered(error) or answered_no(error):
        return why
    raise error
