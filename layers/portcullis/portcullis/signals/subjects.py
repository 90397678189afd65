"""Where an event names what it is about, and whether that is one deployment's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from portcullis.signals import watched
from portcullis.signals.events import Event, Path, look, malformed, text
from portcullis.signals.found import Found
from portcullis.signals.found import request as _request
from portcullis.signals.found import told as _told
from portcullis.signals.rows import About
from portcullis.signals.types import ANY, Scope

_GROUP_ID = re.compile(r"([0-9a-f]{10}-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNNAMED = "*"  # stands in a subject for a name that the event does not tell


def find(about: About, event: Event) -> Found:
    """Read the subject of an event. Raises MalformedEvent naming the field that this kind of event always has."""
    return _FINDERS[about](event)


def concerns(found: Found, scope: Scope) -> bool:
    """Whether a deployment listens to this. What an event or a scope does not tell (account, Region) rules nothing out."""
    return _MATCHERS[found.about](found, scope)


# ---- where the names stand -------------------------------------------------------------------------------------------------


def _iam_group(event: Event) -> Found:
    name = event.need(*_request("groupName"), ("responseElements", "group", "groupName"))
    names = _told((name, event.text("requestParameters", "newGroupName")))
    return Found(About.IAM_GROUP, f"iam-group:{name}", names, account=event.account)


def _iam_user(event: Event) -> Found:
    name = event.need(*_request("userName"), ("responseElements", "user", "userName"))
    names = _told((name, event.text("requestParameters", "newUserName")))
    # A rename changes the ARN that stands in the role mappings for every group the user is in, and no group event tells of it.
    renamed = event.name == "UpdateUser"
    return Found(About.IAM_USER, f"iam-user:{name}", names, account=event.account, widely=renamed)


def _iam_role(event: Event) -> Found:
    name = event.need(*_request("roleName"), ("responseElements", "role", "roleName"))
    return Found(About.IAM_ROLE, f"iam-role:{name}", _told((name,)), account=event.account)


def _cognito_group(event: Event) -> Found:
    pool = event.need(*_POOL_PATHS)
    name = event.need(*_request("groupName"), ("responseElements", "group", "groupName"))
    return Found(About.COGNITO_GROUP, f"cognito-group:{pool}/{name}", _told((name,)), pool, event.account, event.region)


def _cognito_user(event: Event) -> Found:
    # DeleteUser is asked for with an access token: such a record may tell neither the pool nor the user, only the sub.
    pool = event.first(*_POOL_PATHS) if event.name == "DeleteUser" else event.need(*_POOL_PATHS)
    paths = (
        *_request("username", "userName"),
        ("additionalEventData", "sub"),
        ("responseElements", "user", "username"),
    )
    names = _told(event.text(*path) for path in paths)
    subject = f"cognito-user:{pool or _UNNAMED}/{names[0] if names else _UNNAMED}"
    return Found(About.COGNITO_USER, subject, names, pool, event.account, event.region)


_POOL_PATHS: tuple[Path, ...] = (
    *_request("userPoolId"),
    ("additionalEventData", "userPoolId"),
    ("responseElements", "group", "userPoolId"),
)


def _user_pool(event: Event) -> Found:
    pool = event.need(*_POOL_PATHS)
    return Found(About.USER_POOL, f"user-pool:{pool}", (pool,), pool, event.account, event.region)


def _identity_pool(event: Event) -> Found:
    pool = event.need(*_request("identityPoolId"), ("responseElements", "identityPoolId"))
    return Found(About.IDENTITY_POOL, f"identity-pool:{pool}", (pool,), pool, event.account, event.region)


def _identity_center_group(event: Event) -> Found:
    store = event.first(*_request("identityStoreId"), ("responseElements", "identityStoreId"))
    id_paths = (
        *_request("groupId", "id"),
        ("responseElements", "group", "groupId"),
        ("responseElements", "groupId"),
        ("responseElements", "id"),
    )
    name_paths = (
        *_request("displayName"),
        ("requestParameters", "httpBody", "displayName"),
        ("responseElements", "group", "displayName"),
        ("responseElements", "displayName"),
    )
    names = _told(event.text(*path) for path in (*id_paths, *name_paths))
    if not names and event.name == "DeleteGroupMembership":  # tells the id of the membership, not of the group
        membership = event.need(*_request("membershipId"))
        return Found(About.IDENTITY_CENTER_GROUP, f"identity-center-membership:{membership}", (), store)
    if not names and event.service != "identitystore-scim":
        raise event.missing(id_paths[0])
    # A grant may call a group by its name, and hardly an event tells that beside the id: since July 2025 not even the making of a group,
    # which shows a placeholder instead. One made by SCIM may have members from the start. So who grants by name is told of each, but
    # of the making of a group that is called otherwise.
    subject = f"identity-center-group:{names[0] if names else _UNNAMED}"
    called = event.name == "CreateGroup" and bool(_told(event.text(*path) for path in name_paths))
    return Found(About.IDENTITY_CENTER_GROUP, subject, names, store, widely=not called)


def _identity_center_user(event: Event) -> Found:
    store = event.first(*_request("identityStoreId"))
    paths = (*_request("userId", "id"), ("responseElements", "user", "userId"), ("responseElements", "id"))
    name = event.first(*paths) if event.service == "identitystore-scim" else event.need(*paths)
    return Found(About.IDENTITY_CENTER_USER, f"identity-center-user:{name or _UNNAMED}", _told((name,)), store)


def _identity_center(event: Event) -> Found:
    arn = event.need(*_request("instanceArn"))
    return Found(About.IDENTITY_CENTER, f"identity-center:{arn}", (arn,))


def _key(event: Event) -> Found:
    told = [arn for arn in event.arns if ":key/" in arn]
    paths = (
        ("responseElements", "keyId"),
        *_request("keyId"),
        ("serviceEventDetails", "keyId"),
        ("responseElements", "replicaKeyMetadata", "arn"),
        ("key-id",),
    )
    # `resources` says which key it was, whatever form the caller used; the caller's own form is the next best.
    others = [event.text(*path) for path in paths]
    ids = [other if ":" in other or "/" in other else _key_arn(other, event) for other in others if other]
    names = _told(told or ids)
    if not names and event.notice:
        raise malformed("resources[] or detail.key-id", None, f"in {event.name}")
    if not names:
        raise event.missing(("resources[].ARN or " + event.prefix + "requestParameters", "keyId"))
    first = next((name for name in names if ":key/" in name), names[0])
    kind = "alias" if first.startswith("alias/") or ":alias/" in first else "key"
    subject = f"alias:{_alias(first).removeprefix('alias/')}" if kind == "alias" else f"key:{first}"
    return Found(About.KEY, subject, names, account=event.account, region=event.region)


def _key_arn(key_id: str, event: Event) -> str:
    """A bare key id as the ARN it has where the event comes from; as it is, if the event does not tell."""
    if not (event.region and event.account):
        return key_id
    return f"arn:{_partition(event.region)}:kms:{event.region}:{event.account}:key/{key_id}"


def _partition(region: str) -> str:
    for prefix, partition in (
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ):
        if region.startswith(prefix):
            return partition
    return "aws"


def _alias(name: str) -> str:
    """`alias/x` of an alias' name or ARN."""
    return name[name.rfind("alias/") :] if "alias/" in name else name


def _key_alias(event: Event) -> Found:
    arn = next((arn for arn in event.arns if ":alias/" in arn), "")
    name = _alias(event.first(*_request("aliasName")) or arn)
    if not name:
        raise event.missing(("requestParameters", "aliasName"))
    region, account = _place(arn, event)
    return Found(About.KEY_ALIAS, f"alias:{name.removeprefix('alias/')}", (name,), account=account, region=region)


def _key_store(event: Event) -> Found:
    store = event.need(*_request("customKeyStoreId"))
    return Found(About.KEY_STORE, f"key-store:{store}", (store,), account=event.account, region=event.region)


def _domain(event: Event) -> Found:
    arn_paths = (
        *_request("domainArn", "aRN"),
        ("responseElements", "vpcEndpoint", "domainArn"),
        ("responseElements", "vpcEndpointSummary", "domainArn"),
    )
    arn = next((arn for arn in event.arns if ":domain/" in arn), "") or event.first(*arn_paths)
    names = (*_request("domainName"), ("responseElements", "domainStatus", "domainName"))
    name = arn.partition(":domain/")[2].split("/")[0] or event.first(*names) or _dimension(event)
    if not name and event.name.endswith(
        "Connection"
    ):  # its events tell it by an id; whose it is, whoever looks finds out
        return Found(About.DOMAIN, "connection", (), account=event.account, region=event.region)
    endpoint = event.text("requestParameters", "vpcEndpointId")
    if not name and endpoint:
        return Found(About.DOMAIN, f"vpc-endpoint:{endpoint}", (), account=event.account, region=event.region)
    if not name and event.notice:
        raise malformed("resources[]", None, f"in {event.name}: the ARN of the domain")
    if not name:
        raise event.missing(("requestParameters", "domainName"))
    region, account = _place(arn, event)
    return Found(About.DOMAIN, f"domain:{name}", (name,), account=account, region=region)


def _place(arn: str, event: Event) -> tuple[str, str]:
    """Region and account of an ARN, or else of the event."""
    parts = arn.split(":")
    return (parts[3] or event.region, parts[4] or event.account) if len(parts) > 5 else (event.region, event.account)


def alarm_metrics(event: Event) -> tuple[tuple[str, str], ...]:
    """(metric name, domain name) of each AWS/ES metric that an alarm watches."""
    metrics = event.get("configuration", "metrics")
    stats = [look(item, ("metricStat", "metric")) for item in metrics] if isinstance(metrics, list) else []
    return tuple(
        (text(look(stat, ("name",))), text(look(stat, ("dimensions", "DomainName"))))
        for stat in stats
        if look(stat, ("namespace",)) == "AWS/ES"
    )


def _dimension(event: Event) -> str:
    return next((domain for _, domain in alarm_metrics(event) if domain), "") if event.notice else ""


def _security_group(event: Event) -> Found:
    paths = (
        *_request("groupId"),
        ("requestParameters", "ModifySecurityGroupRulesRequest", "GroupId"),
        *_request("groupName"),
    )
    group = event.need(*paths)
    return Found(About.SECURITY_GROUP, f"security-group:{group}", (group,), account=event.account, region=event.region)


def _break_glass(event: Event) -> Found:
    arn = event.need(*_request("roleArn"))
    return Found(About.BREAK_GLASS, f"break-glass:{arn}", (arn,), account=event.account, region=event.region)


_FINDERS: dict[About, Callable[[Event], Found]] = {
    About.IAM_GROUP: _iam_group,
    About.IAM_USER: _iam_user,
    About.IAM_ROLE: _iam_role,
    About.COGNITO_GROUP: _cognito_group,
    About.COGNITO_USER: _cognito_user,
    About.USER_POOL: _user_pool,
    About.IDENTITY_POOL: _identity_pool,
    About.IDENTITY_CENTER_GROUP: _identity_center_group,
    About.IDENTITY_CENTER_USER: _identity_center_user,
    About.IDENTITY_CENTER: _identity_center,
    About.KEY: _key,
    About.KEY_ALIAS: _key_alias,
    About.KEY_STORE: _key_store,
    About.DOMAIN: _domain,
    About.SECURITY_GROUP: _security_group,
    About.BREAK_GLASS: _break_glass,
    **watched.FINDERS,
}

# ---- whose business it is --------------------------------------------------------------------------------------------------


def _same(one: str, other: str) -> bool:
    """Equal as far as both are known."""
    return not one or not other or one == other


def _here(found: Found, scope: Scope) -> bool:
    return _same(found.account, scope.account) and _same(found.region, scope.region)


def _named(found: Found, granted: Collection[str]) -> bool:
    """IAM keeps names apart without regard to case; a grant may give a name or an ARN, whose last part is the name."""
    names = {name.casefold() for name in found.names}
    plain = {name.casefold().rpartition("/")[2] if name.startswith("arn:") else name.casefold() for name in granted}
    return not names.isdisjoint(plain) if names else bool(plain)


def _in_iam(found: Found, scope: Scope, granted: Collection[str]) -> bool:
    return _same(found.account, scope.account) and _named(found, granted)


def _of_iam_user(found: Found, scope: Scope) -> bool:
    if found.widely and scope.iam_groups and _same(found.account, scope.account):
        return True
    return _in_iam(found, scope, scope.iam_users)


def _of_pool(found: Found, scope: Scope) -> bool:
    if not found.container:  # the event does not tell the pool: it may be any of the account and Region
        return bool(scope.user_pool) and _here(found, scope)
    return scope.user_pool in (found.container, ANY) and _same(found.account, scope.account)


def _of_cognito_group(found: Found, scope: Scope) -> bool:
    granted = scope.cognito_groups
    return _of_pool(found, scope) and (not found.names or not granted.isdisjoint(found.names))


def _of_identity_center(found: Found, scope: Scope) -> bool:
    # No account: Identity Center lives in an organisation's management account, the deployment elsewhere.
    return bool(scope.identity_center_groups) and _same(found.container, scope.identity_store)


def _of_identity_center_group(found: Found, scope: Scope) -> bool:
    granted = scope.identity_center_groups
    by_name = found.widely and any(not _GROUP_ID.fullmatch(name) for name in granted)
    return _of_identity_center(found, scope) and (not found.names or by_name or not granted.isdisjoint(found.names))


def _of_key(found: Found, scope: Scope) -> bool:
    if not scope.key_arns.isdisjoint(found.names):
        return True
    if any(":key/" in name for name in found.names):
        return False
    aliases = {_alias(name) for name in found.names if "alias/" in name}
    if aliases:
        return not aliases.isdisjoint(map(_alias, scope.key_aliases)) and _near_key(found, scope)
    return any(arn.endswith(f":key/{name}") for arn in scope.key_arns for name in found.names)


def _near_key(found: Found, scope: Scope) -> bool:
    """An alias lives beside its key, and a key may be in another account than its deployment."""
    places = [tuple(arn.split(":")[3:5]) for arn in scope.key_arns if arn.count(":") >= 5] or [
        (scope.region, scope.account)
    ]
    return any(_same(found.region, place[0]) and _same(found.account, place[1]) for place in places)


def _of_key_alias(found: Found, scope: Scope) -> bool:
    return not set(map(_alias, scope.key_aliases)).isdisjoint(found.names) and _near_key(found, scope)


def _of_domain(found: Found, scope: Scope) -> bool:
    return bool(scope.domain) and (not found.names or scope.domain in found.names) and _here(found, scope)


_MATCHERS: dict[About, Callable[[Found, Scope], bool]] = {
    About.IAM_GROUP: lambda found, scope: _in_iam(found, scope, scope.iam_groups),
    About.IAM_USER: _of_iam_user,
    About.IAM_ROLE: lambda found, scope: _in_iam(found, scope, scope.iam_roles | scope.own_roles),
    About.COGNITO_GROUP: _of_cognito_group,
    About.COGNITO_USER: _of_pool,
    About.USER_POOL: _of_pool,
    About.IDENTITY_POOL: lambda found, scope: bool(scope.identity_pool) and scope.identity_pool in (*found.names, ANY),
    About.IDENTITY_CENTER_GROUP: _of_identity_center_group,
    About.IDENTITY_CENTER_USER: _of_identity_center,
    About.IDENTITY_CENTER: lambda found, scope: bool(scope.identity_center_groups),
    About.KEY: _of_key,
    About.KEY_ALIAS: _of_key_alias,
    About.KEY_STORE: lambda found, scope: bool(scope.key_store) and scope.key_store in found.names,
    About.DOMAIN: _of_domain,
    About.SECURITY_GROUP: lambda found, scope: not scope.security_groups.isdisjoint(found.names),
    About.BREAK_GLASS: lambda found, scope: bool(scope.break_glass) and scope.break_glass in found.names,
    **watched.MATCHERS,
}
