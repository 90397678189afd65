"""Which events a deployment's rules let through: what `portcullis.signals` gives a meaning to, and as little else as a pattern can tell.

The operations come from the table of signals, so a rule cannot fall behind it; the fields are those in which the events name
groups, pools, keys and domains. A pattern says less than the table on purpose: a wrong event costs one reading of a queue, a missed one
costs until the next sweep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from portcullis.signals.rows import About
from portcullis.signals.table import ROWS

Pattern = dict[str, Any]
ALL_MANAGEMENT_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"  # the state of a rule: those that only read too

# EventBridge takes 2,048 characters in a pattern, and ids that are tokens here are longer there. Names of groups, users and roles are
# the part that has no bound: where they do not fit they are left out, and the events of every group let through.
_ROOM = 1900
_BY_ONESELF = "DeleteUser"  # asked for with an access token: the event tells no pool


class Secret(NamedTuple):
    """What secrets can be called by: what their names and what their ARNs begin with."""

    name: str
    arn: str


def identity(
    *,
    iam_groups: Sequence[str],
    iam_users: Sequence[str],
    iam_roles: Sequence[str],
    user_pool: str,
    identity_pool: str,
    identity_center: bool,
    own_roles: str = "",
    secrets: Sequence[Secret] = (),
) -> Pattern | None:
    """The identity rule of one deployment; None if it listens to nobody. Pool ids may be tokens. `own_roles`: what the names of the
    roles that were made for it begin with. `secrets`: those that hold passwords of internal users."""
    branches: list[Pattern] = []
    if user_pool:
        about: tuple[About, ...] = (About.COGNITO_GROUP, About.COGNITO_USER, About.USER_POOL)
        named = [name for name in operations("cognito-idp", *about) if name != _BY_ONESELF]
        wanted: Pattern = {"requestParameters": {"userPoolId": [user_pool]}}
        branches.append(_calls("cognito-idp", _by_ending(named), wanted))
        branches.append(_calls("cognito-idp", [_BY_ONESELF]))
    if identity_pool:
        wanted = {"requestParameters": {"identityPoolId": [identity_pool]}}
        branches.append(_calls("cognito-identity", operations("cognito-identity", About.IDENTITY_POOL), wanted))
    if identity_center:
        about = (
            *(About.IDENTITY_CENTER_GROUP, About.IDENTITY_CENTER_USER, About.IDENTITY_CENTER),
            About.ASSIGNMENT,
        )
        services = (
            "sso-directory",
            "identitystore",
            "identitystore-scim",
            "sso",
        )  # of one thing: in one branch, to save room
        calls = {name for service in services for name in operations(service, *about)}
        branches.append(
            {"source": [f"aws.{service}" for service in services], "detail": {"eventName": _by_ending(calls)}}
        )
    by_name = _with_iam([*branches, *_secrets(secrets)], iam_groups, iam_users, iam_roles, own_roles)
    if not secrets or _fits(by_name):
        return by_name
    return _with_iam([*branches, _any_secret()], iam_groups, iam_users, iam_roles, own_roles)


def relay(
    *, iam_groups: Sequence[str], iam_users: Sequence[str], iam_roles: Sequence[str], own_roles: str = ""
) -> Pattern | None:
    """What us-east-1 forwards to the home Region: the IAM events of all deployments together."""
    return _with_iam([], iam_groups, iam_users, iam_roles, own_roles)


def _secrets(secrets: Sequence[Secret]) -> list[Pattern]:
    """Whatever may have changed a password. Calls tell a name or an ARN, and a rotation that went well tells the ARN."""
    if not secrets:
        return []
    named, arns = ([{"prefix": one} for one in sorted(set(begin))] for begin in zip(*secrets, strict=True))
    return [
        _calls("secretsmanager", _changes_of_secrets(), {"requestParameters": {"secretId": [*named, *arns]}}),
        _calls("secretsmanager", ["CreateSecret"], {"requestParameters": {"name": named}}),
        _calls("secretsmanager", ["RotationSucceeded"], {"additionalEventData": {"SecretId": arns}}),
    ]


def _any_secret() -> Pattern:
    return _calls("secretsmanager", _changes_of_secrets())


def _changes_of_secrets() -> list[Any]:
    return _by_ending(name for name in operations("secretsmanager", About.SECRET) if not name.startswith("Get"))


def _fits(pattern: Pattern | None) -> bool:
    return pattern is None or len(json.dumps(pattern, separators=(",", ":"))) <= _ROOM


def _with_iam(
    others: list[Pattern], groups: Sequence[str], users: Sequence[str], roles: Sequence[str], own: str
) -> Pattern | None:
    if own:  # whoever maps roles listens to whose word these roles are taken by
        others = [
            *others,
            *_own_roles(own),
            _calls("iam", _in_short(operations("iam", About.SIGN_IN_PROVIDER), "Provider")),
        ]
    by_name = _any_of([*_iam(groups, users, roles, by_name=True), *others])
    if _fits(by_name):
        return by_name
    return _any_of([*_iam(groups, users, roles, by_name=False), *others])


def _own_roles(prefix: str) -> list[Pattern]:
    named = {"requestParameters": {"roleName": [{"prefix": {"equals-ignore-case": prefix}}]}}
    return [_calls("iam", operations("iam", About.IAM_ROLE), named)]


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
    domain: str = "",
    domain_arn: str = "",
    security_group: str = "",
) -> Pattern:
    """The key rule of one deployment: its key, its domain and its security group. `key_id` empty: the key is known by its alias only.
    A cluster that runs elsewhere has a key alone.

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
    # The events of a key store tell the store and not its keys, and which store a given key is in only KMS knows: all stores.
    about_key.append(_calls("kms", operations("kms", About.KEY_STORE)))
    branches = [*about_key, *(_of_domain(domain, domain_arn, security_group) if domain else ())]
    pattern = _any_of(branches)
    assert pattern is not None  # noqa: S101 - there is always a key
    return pattern


def _of_domain(domain: str, domain_arn: str, security_group: str) -> list[Pattern]:
    alarmed = {"name": ["KMSKeyError", "KMSKeyInaccessible"], "dimensions": {"DomainName": [domain]}}
    return [
        {"source": ["aws.es", "aws.opensearchservice"], "resources": [domain_arn]},
        {"source": ["aws.es"], "detail": {"requestParameters": {"domainName": [domain]}}},
        {"source": ["aws.es"], "detail": {"requestParameters": {"domainArn": [domain_arn]}}},
        # They tell the endpoint, or the connection, and not the domain.
        _calls("es", [{"suffix": "VpcEndpoint"}, {"wildcard": "*bound*Connection"}]),
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


def break_glass(role: str, secret: Secret | None = None, also: Iterable[Pattern] = ()) -> Pattern:
    """Every taking of a break-glass role, by its ARN (empty: there is none); `*` in it stands for anything. And every reading and change of
    a secret: the master's, where the master is an internal user, or that of break-glass on a cluster.
    CloudTrail marks such events as reading: a rule has to ask for them (ALL_MANAGEMENT_EVENTS)."""
    wanted: list[Any] = [{"wildcard": role}] if "*" in role else [role]
    asked = {"requestParameters": {"roleArn": wanted}}
    branches = [_calls("sts", operations("sts", About.BREAK_GLASS), asked)] if role else []
    if secret:
        named = {"requestParameters": {"secretId": [{"prefix": one} for one in secret]}}
        branches.append(_calls("secretsmanager", operations("secretsmanager", About.SECRET), named))
    return _all_of(*branches, *also)


def eyes(prefix: str) -> dict[str, Pattern]:
    """Who shuts the eyes of the account: what its rules are called -> their patterns. Each hears of the other, so that who disables one
    is heard by the other; whoever disables both in one moment is seen by the sweep."""
    alarms = operations("monitoring", About.ALARM)
    ours: list[Any] = [{"prefix": prefix}]
    return {
        "eyes": eyes_of_rules(
            prefix,
            *(_asked("monitoring", alarms, field, ours) for field in ("alarmName", "alarmNames")),
            *_own_roles(prefix),
            *_tables(prefix),
        ),
        "eyes-parts": _all_of(*_parts(prefix), *rules_called(f"{prefix}eyes")),
    }


def eyes_of_rules(prefix: str, *more: Pattern) -> Pattern:
    """Trails and rules, wherever there are some: at home, and where IAM's events happen."""
    return _all_of(_calls("cloudtrail", operations("cloudtrail", About.TRAIL)), *rules_called(prefix), *more)


def rules_called(prefix: str) -> list[Pattern]:
    """Whoever changes a rule whose name begins so."""
    calls = operations("events", About.RULE)
    return [_asked("events", calls, field, [{"prefix": prefix}]) for field in ("name", "rule")]


def _parts(prefix: str) -> list[Pattern]:
    """Functions, queues, topics: named by a name, an ARN or an address."""
    somewhere: list[Any] = [{"prefix": prefix}, {"wildcard": f"*:{prefix}*"}, {"wildcard": f"*/{prefix}*"}]
    calls = operations("lambda", About.FUNCTION)
    mappings = [name for name in calls if "EventSourceMapping" in name]  # known by an id of their own
    others = _in_short([name for name in calls if name not in mappings], "Function", "Alias", "Permission")
    topics = operations("sns", About.TOPIC)
    return [
        _calls("lambda", mappings),
        _asked("lambda", others, "functionName", somewhere),
        _asked("sqs", operations("sqs", About.QUEUE), "queueUrl", somewhere[2:]),
        *(_asked("sns", topics, field, somewhere[1:2]) for field in ("topicArn", "subscriptionArn")),
    ]


def _tables(prefix: str) -> list[Pattern]:
    """The ledger: by name or ARN, or, where its policy is meant, by ARN alone."""
    calls, arn = operations("dynamodb", About.TABLE), {"wildcard": f"*/{prefix}*"}
    return [
        _asked("dynamodb", calls, field, values)
        for field, values in (("tableName", [{"prefix": prefix}, arn]), ("resourceArn", [arn]))
    ]


def _asked(service: str, calls: Sequence[Any], field: str, values: list[Any]) -> Pattern:
    return _calls(service, calls, {"requestParameters": {field: values}})


def _all_of(*branches: Pattern) -> Pattern:
    found = _any_of([*branches])
    assert found is not None  # noqa: S101 - one branch at least
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


def _in_short(names: Iterable[str], *words: str) -> list[Any]:
    """The same and some more, in less room: every name with one of these words in it is one pattern. Calls that read are not delivered."""
    left: list[Any] = sorted(name for name in names if not any(word in name for word in words))
    return left + [{"wildcard": f"*{word}*"} for word in words]


def _by_ending(names: Iterable[str]) -> list[Any]:
    """As `_in_short`, by the last word of a name. EventBridge refuses a rule with many wildcards in one field: an ending is none."""
    words = {name: re.findall("[A-Z][a-z]*", name)[-1] for name in names}
    ends = sorted({word for word in words.values() if list(words.values()).count(word) > 1})
    return sorted(name for name, word in words.items() if word not in ends) + [{"suffix": word} for word in ends]


def _named(calls: Sequence[str], field: str, names: Sequence[str]) -> list[Pattern]:
    """IAM calls about things of these names. A rename counts by its old name or its new one."""
    same = [{"equals-ignore-case": name} for name in names]
    branches = [_calls("iam", calls, {"requestParameters": {field: same}})]
    renames = [name for name in calls if name.startswith("Update")]
    if renames:
        new = "new" + field[0].upper() + field[1:]
        branches.append(_calls("iam", renames, {"requestParameters": {new: same}}))
    return branches


def _calls(service: str, names: Sequence[Any], more: Pattern | None = None) -> Pattern:
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
