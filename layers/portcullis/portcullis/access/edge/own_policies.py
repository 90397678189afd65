"""Ways to administration past the engine's own rights: what somebody's IAM policies let them do to who administers, to what they prove it
with, or to the domain. Pure.

Whoever the engine knows is judged by their own policies, and of a secret by its own as well. Whom else a secret's policy names: secrets.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context, listed
from portcullis.access.edge.keys import Key, opens
from portcullis.access.edge.policies import Asked, Somebody, judge, statements
from portcullis.access.edge.way import Edge, context_of

_ANY = "x"  # a name that stands for any


@dataclass(frozen=True, slots=True)
class Act:
    """One call of AWS by which somebody comes to administer. `does`: in words; `then`: what follows from it.

    `also`: actions and resources that are needed besides. `keys`: of a condition, in small letters, with the value that they have here.
    `sure`: whether it is one for certain, once it is permitted. A resource with `*` at its end is any of its kind. `policy`: what the
    resource's own policy says, as far as it is known, and what that is `called`; `key`: what has to let them decrypt besides.
    """

    action: str
    resource: str
    does: str
    then: str
    also: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    sure: bool = True
    policy: Json = field(default_factory=dict)
    called: str = ""
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """An act that is open to somebody. `certain` false: it hangs on a condition, or on what is not known. `by`: the statement, in words."""

    act: Act
    certain: bool
    by: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret with the password of who administers. `whose`: in words; `policy`: its own; `key`: the customer's key that it is
    under, if it is; `followed`: whether the engine's password becomes what it holds, whoever wrote it; `unread`: whether its policy, which
    may deny it, could not be read."""

    arn: str
    whose: str
    policy: Json = field(default_factory=dict)
    key: Key | None = None
    followed: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Administrators:
    """What there is to take. `roles`: ARNs of IAM roles, each with whether its trust policy leaves it to the account who takes it;
    `secrets`: of passwords; `groups`: names of IAM groups; `pool`: the ARN of the user pool, with its groups and users."""

    roles: tuple[tuple[str, bool], ...] = ()
    users: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    groups: tuple[str, ...] = ()
    pool: str = ""
    pool_groups: tuple[str, ...] = ()
    pool_users: tuple[str, ...] = ()


def acts(who: Administrators, edge: Edge) -> Iterator[Act]:
    """By roles, secrets, users, groups, and the domain itself."""
    iam = f"arn:{edge.arn.split(':')[1]}:iam::{edge.account}"
    for role, left_to_account in who.roles:
        name = role.rpartition("/")[2]
        if left_to_account:
            yield Act("sts:AssumeRole", role, f"may take the role {role}", "")
        yield Act(
            "iam:UpdateAssumeRolePolicy", role, f"may change who may take the role {name}", f"takes the role {role}"
        )
    for secret in who.secrets:
        yield from of_secret(secret)
    for user in who.users:
        name = user.rpartition("/")[2]
        yield Act("iam:CreateAccessKey", user, f"may make an access key of the user {name}", f"signs as {user}")
    for group in who.groups:
        arn = group if group.startswith("arn:") else f"{iam}:group/{group}"
        does = f"may add a user to the IAM group {group}"
        yield Act("iam:AddUserToGroup", arn, does, "the next look lets that user in")
    for group in who.pool_groups:
        does = f"may add a user of the pool to the group {group}"
        yield Act("cognito-idp:AdminAddUserToGroup", who.pool, does, "the next look lets that user in")
    for user in who.pool_users:
        does = f"may set the password of {user} in the pool"
        yield Act("cognito-idp:AdminSetUserPassword", who.pool, does, f"signs in as {user}")
    yield Act("es:UpdateDomainConfig", edge.arn, "may change the domain's configuration", "sets another master user")


def of_secret(secret: Secret) -> Iterator[Act]:
    """Who may change its policy lets themselves read it. Who writes it needs more of its key than to decrypt, which is not asked."""
    whose = secret.whose
    signs_in = f"signs in as {whose}"
    ways = [
        ("GetSecretValue", f"may read the secret of {whose}", signs_in, True),
        ("PutResourcePolicy", f"may change who may read the secret of {whose}", f"reads it, and {signs_in}", True),
    ]
    for verb in ("PutSecretValue", "UpdateSecret") if secret.followed else ():
        ways.append((verb, f"may write the secret of {whose}", f"the password follows it: {signs_in}", not secret.key))
    for verb, does, then, sure in ways:
        yield Act(
            f"secretsmanager:{verb}",
            secret.arn,
            does,
            then,
            sure=sure and not secret.unread,
            policy=secret.policy,
            called=f"the policy of the secret of {whose}",
            key=secret.key,
        )


def open_to(who: Somebody, edge: Edge, found: Iterable[Act]) -> tuple[Open, ...]:
    """What of these is open to somebody who signs, what is certain first. Whoever may change their own policies may do all of it."""
    context = context_of(edge, who)
    told = [one for act in (*found, *_own_policies(who)) if (one := _open(who, edge, context, act)) is not None]
    return tuple(sorted(told, key=lambda one: not one.certain))


def open_by(who: Somebody, edge: Edge, act: Act, to_key: Somebody | None = None) -> Open | None:
    """Whether one act is open to somebody. `to_key`: as whom the key judges them, where their own policies are not seen."""
    return _open(who, edge, context_of(edge, who), act, to_key)


def _own_policies(who: Somebody) -> Iterator[Act]:
    kind, then = "Role" if who.is_role else "User", "gives themselves any right of the account, this one among them"
    for verb in ("Put", "Attach"):
        yield Act(f"iam:{verb}{kind}Policy", who.arn, "may change their own IAM policies", then)


def _open(who: Somebody, edge: Edge, context: Context, act: Act, to_key: Somebody | None = None) -> Open | None:
    if act.resource == who.arn and act.action in ("sts:AssumeRole", "iam:CreateAccessKey"):
        return None  # they are that already
    known = {**context.known, **{key: (value,) for key, value in act.keys}}
    certain = act.sure
    by: dict[str, None] = {}
    for action, resource in ((act.action, act.resource), *act.also):
        told = [
            judge(
                Asked(action, one, replace(context, known=known)),
                who,
                act.policy if resource == act.resource else {},
                edge.account,
                act.called,
            )
            for one in _of_its_kind(resource, who)
        ]
        judged = min(told, key=lambda one: (True, None, False).index(one.allowed))
        if judged.allowed is False or (judged.allowed is None and not judged.by):
            return None  # of policies that could not be read nothing is said here
        certain = certain and judged.allowed is True
        by |= dict.fromkeys(map(str, judged.by))
    if act.key is not None:
        key = opens(act.key, act.resource, to_key or who, edge)
        if key.allowed is False:
            return None
        certain = certain and key.allowed is True
        act = replace(act, does=f"{act.does}, {key.says}")
        by |= dict.fromkeys(key.by)
    return Open(act, certain, "; ".join(by))


def _of_its_kind(resource: str, who: Somebody) -> Iterator[str]:
    """Of any of a kind some name, and one for each that their policies name."""
    if not resource.endswith("*"):
        yield resource
        return
    before = resource[:-1]
    yield before + _ANY
    kind = before[before.rindex(":", 0, -1) + 1 :]  # "function:", "instance/"
    for policy in who.own.policies:
        for one in statements(policy.document):
            for named in listed(one.get("Resource", ())):
                if f":{kind}" in named:
                    yield before + named.rpartition(f":{kind}")[2]  # a pattern fits itself
