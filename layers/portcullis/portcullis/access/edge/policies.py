"""A request to a domain, judged by IAM policies: an explicit deny first, then what allows it, as AWS documents it.

After "Policy evaluation logic" of the IAM User Guide and "Identity and Access Management in Amazon OpenSearch Service". Where these say
nothing, or a value is not known, the answer is None, with what would have to be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context, like, listed, met, substituted
from portcullis.access.truth import Truth, all_of, any_of, negated


class Comes(StrEnum):
    """How somebody proves who they are."""

    SIGNED = auto()
    BASIC = auto()  # the engine knows them, and IAM does not: to a policy they are anonymous
    COGNITO = auto()  # at Dashboards, with the role of their token


@dataclass(frozen=True, slots=True)
class Named:
    """A policy, and what it is called."""

    name: str
    document: Json


@dataclass(frozen=True, slots=True)
class Own:
    """What IAM holds of a user or a role. `unread`: why not all of it could be read. `boundary` None: there is none."""

    policies: tuple[Named, ...] = ()
    boundary: Named | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom a policy judges. `arn` is that of a user or of a role, empty for one who does not sign. `whoever`: it stands for anybody whom
    the same statements mean, of whom nothing else is known."""

    arn: str
    comes: Comes
    own: Own = Own()
    whoever: bool = False

    @property
    def account(self) -> str:
        return self.arn.split(":")[4] if self.arn else ""

    @property
    def is_role(self) -> bool:
        return ":role/" in self.arn


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as policies see it: `action` es:ESHttpGet, `resource` the domain's ARN with the decoded path."""

    action: str
    resource: str
    context: Context


@dataclass(frozen=True, slots=True)
class Statement:
    """One that decides: in which policy, which of them, with what effect."""

    policy: str
    sid: str
    effect: str
    body: Json = field(hash=False, compare=False)
    missing: tuple[str, ...] = ()  # keys of conditions whose value is not known

    def __str__(self) -> str:
        return f"{self.policy}, statement {self.sid}"


@dataclass(frozen=True, slots=True)
class Judged:
    """`by`: the statements that decide, or may. `why`: what is missing, or in doubt, in words; of what nothing allows, what may deny it."""

    allowed: Truth
    by: tuple[Statement, ...] = ()
    why: tuple[str, ...] = ()


class _Way(StrEnum):
    """How a statement of the domain's policy names somebody."""

    EVERYBODY = auto()
    THEM = auto()  # their user, or their session: no boundary narrows it
    ROLE = auto()  # a boundary does
    ACCOUNT = auto()  # left to their own policies


DOMAIN = "the domain's access policy"
BOUNDARY = "their permissions boundary"


def judge(
    asked: Asked, who: Somebody, domain: Json, owner: str, called: str = DOMAIN, *, left_to_account: bool = False
) -> Judged:
    """Whether the policies let this request through. `domain`: the domain's access policy, or that of whatever else is asked for, and then
    what it is `called`; `owner`: its account. `left_to_account`: their own policies count only where it leaves that to their account."""
    policies = [(one.name, one.document) for one in who.own.policies]
    boundary = who.own.boundary
    own = [found for name, document in policies for found in _fitting(asked, name, document)]
    limit = list(_fitting(asked, f"{BOUNDARY} {boundary.name}", boundary.document)) if boundary else []
    of_domain = [
        (found, way, all_of((truth, said)))
        for found, truth in _fitting(asked, called, domain)
        for way, said in _named(found.body, who)
        if said is not False
    ]
    everywhere = [*own, *limit, *((found, truth) for found, _, truth in of_domain)]
    denies = [(found, truth) for found, truth in everywhere if found.effect == "Deny"]
    certain = [found for found, truth in denies if truth is True]
    if certain:
        return Judged(False, tuple(certain[:1]))
    doubtful = [found for found, truth in denies if truth is None]
    allows = _allowed(who, owner, own, limit if boundary else None, of_domain, left_to_account)
    why = (*allows.why, *_doubts(doubtful))
    if allows.allowed is False or not doubtful:
        return replace(allows, why=why)
    return Judged(None, (*doubtful, *allows.by), why)


_Found = list[tuple[Statement, Truth]]


def _allowed(
    who: Somebody,
    owner: str,
    own: _Found,
    limit: _Found | None,
    of_domain: list[tuple[Statement, _Way, Truth]],
    left_to_account: bool,
) -> Judged:
    """What allows it, denials left aside."""
    mine, by_own = _says(own)
    within, by_limit = (True, ()) if limit is None else _says(limit)
    ways: list[tuple[Truth, tuple[Statement, ...], str]] = []
    foreign = bool(who.arn) and who.account != owner
    identity = all_of((mine, within))
    if who.own.unread and identity is False:
        identity = None
    if not foreign and not left_to_account:
        ways.append((identity if who.arn else False, (*by_own, *by_limit), who.own.unread))
    for found, way, truth in of_domain:
        if found.effect != "Allow":
            continue
        doubt = ""
        if way is _Way.ROLE:
            truth = all_of((truth, within))
        elif way is _Way.ACCOUNT:
            truth, doubt = all_of((truth, identity)), who.own.unread
        elif way is _Way.EVERYBODY and within is not True and not _by_principal(found.body):
            # Documented for a role that is named, and for everybody with aws:PrincipalArn: not for everybody alone.
            truth, doubt = all_of((truth, None)), "whether a boundary narrows what a policy gives everybody"
        if foreign:
            truth, doubt = all_of((truth, identity)), who.own.unread
        ways.append((truth, (found,), doubt))
    best = any_of(truth for truth, _, _ in ways)
    chosen = [(by, doubt) for truth, by, doubt in ways if truth is best]
    if best is True:
        return Judged(True, chosen[-1][0])
    if best is False:
        return Judged(False)
    by = tuple(dict.fromkeys(one for some, _ in chosen for one in some))
    return Judged(None, by, tuple(dict.fromkeys((*(d for _, d in chosen if d), *_doubts(by)))))


def _says(found: _Found) -> tuple[Truth, tuple[Statement, ...]]:
    allowing = [(one, truth) for one, truth in found if one.effect == "Allow"]
    best = any_of(truth for _, truth in allowing)
    return best, tuple(one for one, truth in allowing if truth is best)[:1] if best is not False else ()


def _doubts(found: Iterable[Statement]) -> list[str]:
    told = []
    for one in found:
        if one.missing:
            told.append(f"{one} asks for {', '.join(one.missing)}, whose value is not known here")
        else:
            told.append(f"whether {one} is meant, only AWS can tell")
    return told


def _fitting(asked: Asked, name: str, document: Json) -> Iterable[tuple[Statement, Truth]]:
    """The statements of a policy that are about this request, or may be."""
    variables = str(document.get("Version", "")) >= "2012-10-17"
    for number, body in enumerate(statements(document), start=1):
        held, missing = met(body.get("Condition"), asked.context, variables)
        truth = all_of((_action(body, asked.action), _resource(body, asked, variables), held))
        if truth is not False:
            yield Statement(name, str(body.get("Sid") or number), str(body.get("Effect")), body, missing), truth


def statements(document: Json) -> list[Json]:
    found = document.get("Statement") or []
    return [found] if isinstance(found, dict) else [one for one in found if isinstance(one, dict)]


def _action(body: Json, action: str) -> Truth:
    if "NotAction" in body:
        return not any(like(action, one, cased=False) for one in listed(body["NotAction"]))
    return any(like(action, one, cased=False) for one in listed(body.get("Action", ())))


def _resource(body: Json, asked: Asked, variables: bool) -> Truth:
    unless = "NotResource" in body
    told = listed(body.get("NotResource" if unless else "Resource", ()))
    found = any_of(_covers(one, asked, variables) for one in told)
    return negated(found) if unless else found


def _covers(pattern: str, asked: Asked, variables: bool) -> Truth:
    put = substituted(pattern, asked.context) if variables else pattern
    if put is None:
        return None
    whole = like(asked.resource, put)
    mine, theirs = asked.resource.split(":", 5), put.split(":", 5)
    if put == "*" or len(theirs) != 6:
        # A part that is left out: what AWS fills in is not said for every form.
        return whole if put == "*" or not whole else None
    parts = all(map(like, mine, theirs))
    return whole if whole == parts else None  # `*` over a colon: of a resource nobody documents it


def _named(body: Json, who: Somebody) -> Iterable[tuple[_Way, Truth]]:
    """How a statement of the domain's policy means somebody; nothing if it does not."""
    if "NotPrincipal" in body:
        yield _Way.EVERYBODY, _not_named(body["NotPrincipal"], who)
        return
    principal = body.get("Principal")
    if principal == "*":
        yield _Way.EVERYBODY, True
        return
    if not isinstance(principal, Mapping):
        return
    for one in listed(principal.get("AWS", ())):
        if one == "*":
            yield _Way.EVERYBODY, True
        elif who.arn and one == who.arn:
            yield (_Way.ROLE if who.is_role else _Way.THEM), True
        elif _session_of(one, who.arn):
            yield _Way.THEM, None  # a name of a session that they may choose, or not
        elif who.arn and one in _accounts(who):
            yield _Way.ACCOUNT, True
    if who.comes is Comes.COGNITO and "cognito-identity.amazonaws.com" in listed(principal.get("Federated", ())):
        yield _Way.THEM, None


def named_by(principal: str, who: Somebody) -> Truth:
    """Whether a principal that stands by itself, as in a grant, is this one. None: one of their sessions, or their account."""
    if who.arn and principal == who.arn:
        return True
    return None if who.arn and (_session_of(principal, who.arn) or principal in _accounts(who)) else False


def _not_named(principal: Any, who: Somebody) -> Truth:
    if principal == "*":
        return False
    told = listed(principal.get("AWS", ())) if isinstance(principal, Mapping) else []
    if "*" in told:
        return False
    if not who.arn:
        return True
    sessions = any(_session_of(one, who.arn) for one in told)
    if who.arn in told and any(one in _accounts(who) for one in told) and not who.is_role:
        return False
    # AWS wants the account and, of a role, its session named as well: of less it says that it may deny all the same.
    return None if sessions or who.arn in told or any(one in _accounts(who) for one in told) else True


def _session_of(principal: str, role: str) -> bool:
    """Whether a principal is a session of this role."""
    head, _, rest = principal.partition(":assumed-role/")
    same = head.split(":")[4:5] == role.split(":")[4:5]
    return bool(rest) and same and ":role/" in role and rest.split("/")[0] == role.rpartition("/")[2]


def _accounts(who: Somebody) -> tuple[str, str]:
    partition = who.arn.split(":")[1]
    return who.account, f"arn:{partition}:iam::{who.account}:root"


def _by_principal(body: Json) -> bool:
    """Whether it is given by aws:PrincipalArn, which AWS says no boundary narrows."""
    condition = body.get("Condition")
    blocks = condition.values() if isinstance(condition, Mapping) else ()
    return any(key.lower() == "aws:principalarn" for some in blocks if isinstance(some, Mapping) for key in some)
