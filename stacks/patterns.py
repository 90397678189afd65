"""Which events a deployment's rules let through: what `portcullis.signals` gives a meaning to, and as little else as a pattern can tell.

The operations come from the table of signals, so a rule cannot fall behind it; the fields are those in which the events name
groups, pools, keys and domains. A pattern says less than the table on purpose: a wrong event costs one reading of a queue, a missed one
costs until the next sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from portcullis.signals.rows import About
from portcullis.signals.table import ROWS

Pattern = dict[str, Any]

# EventBridge takes 2,048 characters in a pattern. Names of groups are the part that has no bound: beyond this they are left out,
# and the events of every group let through.
_ROOM_FOR_NAMES = 500
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
    branches = iam(iam_groups=iam_groups, iam_users=iam_users, iam_roles=iam_roles)
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
        for service in ("sso-directory", "identitystore", "identitystore-scim", "sso"):
            branches.append(_calls(service, operations(service, *about)))
    return _any_of(branches)


def iam(*, iam_groups: Sequence[str], iam_users: Sequence[str], iam_roles: Sequence[str]) -> list[Pattern]:
    """IAM's events. Group names are compared without regard to case, as IAM does."""
    branches: list[Pattern] = []
    if iam_groups:
        groups = operations("iam", About.IAM_GROUP)
        branches += _named(groups, "groupName", iam_groups)
        branches.append(_calls("iam", ["UpdateUser"]))  # a rename changes the ARN of a member, and no group event tells
    if iam_users:
        branches += _named(operations("iam", About.IAM_USER), "userName", iam_users)
    if iam_roles:
        branches += _named(operations("iam", About.IAM_ROLE), "roleName", iam_roles)
    return branches


def relay(*, iam_groups: Sequence[str], iam_users: Sequence[str], iam_roles: Sequence[str]) -> Pattern | None:
    """What us-east-1 forwards to the home Region: the IAM events of all deployments together."""
    return _any_of(iam(iam_groups=iam_groups, iam_users=iam_users, iam_roles=iam_roles))


def key(
    *,
    key_arns: Sequence[str],
    key_id: str,
    key_alias: str,
    alias_arn: str,
    domain: str,
    domain_arn: str,
    security_group: str,
) -> Pattern:
    """The key rule of one deployment: its key, its domain and its security group. `key_id` empty: the key is known by its alias only."""
    known_as = [name for name in (key_id, *key_arns, key_alias, alias_arn) if name]
    keys = operations("kms", About.KEY)
    if key_id:
        about_key = [
            {"source": ["aws.kms"], "resources": list(key_arns)},
            {"source": ["aws.kms"], "detail": {"resources": {"ARN": list(key_arns)}}},
            {"source": ["aws.kms"], "detail": {"requestParameters": {"keyId": known_as}}},
        ]
    else:  # the events tell the key's id, which stands behind the alias and may change: all keys, and the signals sort them out
        notices = [{"prefix": "KMS "}]
        about_key = [{"source": ["aws.kms"], "detail-type": notices}, _calls("kms", keys)]
    if key_alias:
        about_key.append({"source": ["aws.kms"], "detail": {"requestParameters": {"aliasName": [key_alias]}}})
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
            "detail": {
                "configuration": {"metrics": {"metricStat": {"metric": {"dimensions": {"DomainName": [domain]}}}}}
            },
        },
    ]
    pattern = _any_of(branches)
    assert pattern is not None  # noqa: S101 - there is always a domain
    return pattern


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


def _named(names: Iterable[str], field: str, wanted: Sequence[str]) -> list[Pattern]:
    """IAM calls about things of these names. A rename counts by its old name or its new one."""
    names = list(names)
    if sum(len(name) + 28 for name in wanted) > _ROOM_FOR_NAMES:
        return [_calls("iam", names)]
    same = [{"equals-ignore-case": name} for name in wanted]
    branches = [_calls("iam", names, {"requestParameters": {field: same}})]
    renames = [name for name in names if name.startswith("Update")]
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
