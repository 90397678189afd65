"""Which events a deployment's rules let through: what `portcullis.signals` gives a meaning to, and as little else as a pattern can tell.

The operations come from the table of signals, so a rule cannot fall behind it; the fields are those in which the events name
groups, pools, keys and domains. A pattern says less than the table on purpose: a wrong event costs one reading of a queue, a missed one
costs until the next sweep.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from portcullis.signals.rows import About
from portcullis.signals.table import ROWS

Pattern = dict[str, Any]
ALL_MANAGEMENT_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"  # the state of a rule: those that only read too

# EventBridge takes 2,048 characters in a pattern, and ids that are tokens here are longer there. Names of groups, users and roles are
# the part that has no bound: where they do not fit they are left out, and the events of every group let through.
_ROOM = 1900
_BY_ONESELF = "DeleteUser"  # asked for with an access token: the event tells no pool


def identity(
    *,
    iam_groups: Sequence[str],
    iam_users: Sequence[str],
    iam_roles: Sequence[str],
    user_pool: str,
    identity_pool: str,
    identity_center: bool,
) -> Pattern | None:
    """The identity rule of one deployment; None if it listens to nobody. Pool ids may be tokens."""
    branches: list[Pattern] = []
    if user_pool:
        about = (About.COGNITO_GROUP, About.COGNITO_USER, About.USER_POOL)
        named = [name for name in operations("cognito-idp", *about) if name != _BY_ONESELF]
        branches.append(_calls("cognito-idp", named, {"requestParameters": {"userPoolId": [user_pool]}}))
        branches.append(_calls("cognito-idp", [_BY_ONESELF]))
    if identity_pool:
        wanted = {"requestParameters": {"identityPoolId": [identity_pool]}}
        branches.append(_calls("cognito-identity", operations("cognito-identity", About.IDENTITY_POOL), wanted))
    if identity_center:
        about = (About.IDENTITY_CENTER_GROUP, About.IDENTITY_CENTER_USER, About.IDENTITY_CENTER)
        services = (
            "sso-directory",
            "identitystore",
            "identitystore-scim",
            "sso",
        )  # of one thing: in one branch, to save room
        calls = sorted({name for service in services for name in operations(service, *about)})
        branches.append({"source": [f"aws.{service}" for service in services], "detail": {"eventName": calls}})
    return _with_iam(branches, iam_groups, iam_users, iam_roles)


def relay(*, iam_groups: Sequence[str], iam_users: Sequence[str], iam_roles: Sequence[str]) -> Pattern | None:
    """What us-east-1 forwards to the home Region: the IAM events of all deployments together."""
    return _with_iam([], iam_groups, iam_users, iam_roles)


def _with_iam(
    others: list[Pattern], groups: Sequence[str], users: Sequence[str], roles: Sequence[str]
) -> Pattern | None:
    by_name = _any_of([*_iam(groups, users, roles, by_name=True), *others])
    if by_name is None or len(json.dumps(by_name, separators=(",", ":"))) <= _ROOM:
        return by_name
    return _any_of([*_iam(groups, users, roles, by_name=False), *others])


def _iam(groups: Sequence[str], users: Sequence[str], roles: Sequence[str], *, by_name: bool) -> list[Pattern]:
    """IAM's events. Names are compared without regard to case, as IAM does."""
    wanted = (
        (About.IAM_GROUP, "groupName", groups),
        (About.IAM_USER, "userName", users),
        (About.IAM_ROLE, "roleName", roles),
    )
    branches: list[Pattern] = []
    for about, field, names in wanted:
        calls = operations("iam", about)
        if names:
            branches += _named(calls, field, names) if by_name else [_calls("iam", calls)]
    if groups:
        branches.append(_calls("iam", ["UpdateUser"]))  # a rename changes the ARN of a member, and no group event tells
    return branches


def key(
    *,
    key_arn: str,
    key_id: str,
    key_alias: str,
    alias_arn: str,
    domain: str,
    domain_arn: str,
    security_group: str,
) -> Pattern:
    """The key rule of one deployment: its key, its domain and its security group. `key_id` empty: the key is known by its alias only.

    What happens to a replica in another Region is told there and nowhere else: the sweep sees it.
    """
    known_as = [name for name in (key_id, key_arn, key_alias, alias_arn) if name]
    keys = operations("kms", About.KEY)
    if key_id:
        about_key = [
            {"source": ["aws.kms"], "resources": [key_arn]},
            {"source": ["aws.kms"], "detail": {"key-id": [key_id]}},  # a notice, should it name no resources
            {"source": ["aws.kms"], "detail": {"resources": {"ARN": [key_arn]}}},
            {"source": ["aws.kms"], "detail": {"requestParameters": {"keyId": known_as}}},
        ]
    else:  # the events tell the key's id, which stands behind the alias and may change: all keys, and the signals sort them out
        notices = [{"prefix": "KMS "}]
        about_key = [{"source": ["aws.kms"], "detail-type": notices}, _calls("kms", keys)]
    if key_alias:
        about_key.append({"source": ["aws.kms"], "detail": {"requestParameters": {"aliasName": [key_alias]}}})
    alarmed = {"name": ["KMSKeyError", "KMSKeyInaccessible"], "dimensions": {"DomainName": [domain]}}
    branches = [
        *about_key,
        {"source": ["aws.es", "aws.opensearchservice"], "resources": [domain_arn]},
        {"source": ["aws.es"], "detail": {"requestParameters": {"domainName": [domain]}}},
        {"source": ["aws.es"], "detail": {"requestParameters": {"domainArn": [domain_arn]}}},
        _calls("es", ["UpdateVpcEndpoint", "DeleteVpcEndpoint"]),  # tell the endpoint, not the domain
        _calls("ec2", operations("ec2", About.SECURITY_GROUP), {"requestParameters": {"groupId": [security_group]}}),
        {
            "source": ["aws.ec2"],
            "detail": {"requestParameters": {"ModifySecurityGroupRulesRequest": {"GroupId": [security_group]}}},
        },
        {
            "source": ["aws.cloudwatch"],
            "detail": {"configuration": {"metrics": {"metricStat": {"metric": alarmed}}}},
        },
    ]
    pattern = _any_of(branches)
    assert pattern is not None  # noqa: S101 - there is always a domain
    return pattern


def break_glass(role: str) -> Pattern:
    """Every taking of a break-glass role, by its ARN; `*` in it stands for anything. CloudTrail marks these events as reading:
    a rule has to ask for such (ALL_MANAGEMENT_EVENTS)."""
    wanted: list[Any] = [{"wildcard": role}] if "*" in role else [role]
    asked = {"requestParameters": {"roleArn": wanted}}
    found = _any_of([_calls("sts", operations("sts", About.BREAK_GLASS), asked)])
    assert found is not None  # noqa: S101 - one branch
    return found


def operations(service: str, *about: About) -> list[str]:
    """The names of the operations of a service that mean something about these kinds of things."""
    return sorted(
        {
            name
            for row in ROWS
            if row.service == service and row.signal and row.about in about
            for name in row.operations
        }
    )


def _named(calls: Sequence[str], field: str, names: Sequence[str]) -> list[Pattern]:
    """IAM calls about things of these names. A rename counts by its old name or its new one."""
    same = [{"equals-ignore-case": name} for name in names]
    branches = [_calls("iam", calls, {"requestParameters": {field: same}})]
    renames = [name for name in calls if name.startswith("Update")]
    if renames:
        new = "new" + field[0].upper() + field[1:]
        branches.append(_calls("iam", renames, {"requestParameters": {new: same}}))
    return branches


def _calls(service: str, names: Sequence[str], more: Pattern | None = None) -> Pattern:
    return {"source": [f"aws.{service}"], "detail": {"eventName": list(names), **(more or {})}}


def _any_of(branches: list[Pattern]) -> Pattern | None:
    """One pattern out of several. A call that failed changed nothing, whatever it was."""
    if not branches:
        return None
    succeeded = {"detail": {"errorCode": [{"exists": False}]}}
    return (
        {**succeeded, "$or": branches}
        if len(branches) > 1
        else {**branches[0], "detail": {**branches[0].get("detail", {}), **succeeded["detail"]}}
    )
