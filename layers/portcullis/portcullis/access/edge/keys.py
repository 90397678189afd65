"""Whom the key that a secret is under lets decrypt it: by its policy, by a grant, or as they may change either. Pure.

After "Determining access to AWS KMS keys" and "Grants in AWS KMS" of the KMS Developer Guide: a principal's own policies count only where
the key's policy leaves it to their account; a grant needs neither. Secrets Manager decrypts on behalf of whoever asks, with the secret's
ARN and its version as the encryption context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from portcullis.access.actual import Json
from portcullis.access.edge.policies import Asked, Judged, Somebody, Statement, judge, named_by
from portcullis.access.edge.way import Edge, context_of
from portcullis.access.truth import Truth

_DECRYPT = "kms:Decrypt"
_CHANGES = {"kms:PutKeyPolicy": "whose policy they may change", "kms:CreateGrant": "for which they may make a grant"}
_ARN, _VERSION = "SecretARN", "SecretVersionId"


@dataclass(frozen=True, slots=True)
class Key:
    """A customer's key as AWS shows it. `policy`, `grants` None: could not be read, and `unread` says why."""

    arn: str
    policy: Json | None = None
    grants: tuple[Json, ...] | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Opens:
    """Whether the key opens a secret to somebody. `says`: how, in words; `by`: the statements, in words."""

    allowed: Truth
    says: str
    by: tuple[str, ...] = ()


def opens(key: Key, secret: str, who: Somebody, edge: Edge) -> Opens:
    """To this person, as far as it is known. `secret`: its ARN."""
    decrypts = _decrypts(key, secret, who, edge)
    if decrypts.allowed is True:
        return Opens(True, f"and the key {key.arn} lets them decrypt it", tuple(map(str, decrypts.by)))
    for action, says in _CHANGES.items() if key.policy is not None else ():
        judged = _judged(key, Asked(action, key.arn, context_of(edge, who)), who)
        if judged.allowed is True:
            return Opens(True, f"under the key {key.arn}, {says}", tuple(map(str, judged.by)))
        if judged.allowed is None and judged.by:
            decrypts = replace(decrypts, allowed=None)
    if decrypts.allowed is False:
        return Opens(False, "")
    why = f" ({key.unread})" if key.unread else ""
    return Opens(None, f"if the key {key.arn} lets them decrypt{why}")


def _decrypts(key: Key, secret: str, who: Somebody, edge: Edge) -> Judged:
    context, service = context_of(edge, who), f"secretsmanager.{edge.region}.amazonaws.com"
    known = {
        **context.known,
        "aws:viaawsservice": ("true",),
        **dict.fromkeys(
            ("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"), ("secretsmanager.amazonaws.com",)
        ),
        "kms:viaservice": (service,),
        **({} if who.whoever else {"kms:calleraccount": (who.account,)}),
        f"kms:encryptioncontext:{_ARN.lower()}": (secret,),
        "kms:encryptioncontextkeys": (_ARN, _VERSION),
    }
    asked = Asked(_DECRYPT, key.arn, replace(context, known=known, absent=context.absent - known.keys()))
    if key.policy is None:  # without one of their own that allows it the key's policy still may
        own = judge(asked, who, {}, who.account)
        return own if own.allowed is False and own.by else Judged(None)
    judged = _judged(key, asked, who)
    if judged.allowed is True or (judged.allowed is False and judged.by):
        return judged
    granted = list(_granted(key, secret, who))
    denied = judged.why if judged.allowed is False else any(one.effect == "Deny" for one in judged.by)  # perhaps
    if (sure := [says for truth, says in granted if truth]) and not denied:
        return Judged(True, (Statement("the grants of the key", sure[0], "Allow", {}),))
    return Judged(None) if judged.allowed is False and (granted or key.grants is None) else judged


def _judged(key: Key, asked: Asked, who: Somebody) -> Judged:
    called = f"the policy of the key {key.arn.rpartition('/')[2]}"
    return judge(asked, who, key.policy or {}, key.arn.split(":")[4], called, left_to_account=True)


def _granted(key: Key, secret: str, who: Somebody) -> Iterator[tuple[Truth, str]]:
    """Whether a grant lets them decrypt this secret; those that do not are left out."""
    for grant in key.grants or ():
        named = named_by(str(grant.get("GranteePrincipal", "")), who)
        if named is False or "Decrypt" not in grant.get("Operations", ()):
            continue
        bound = _bound(grant.get("Constraints") or {}, secret)
        if bound is not False:
            same = who.account == key.arn.split(":")[4]  # of another account nobody documents whether more is needed
            yield (True if named and bound and same else None), str(grant.get("GrantId", ""))


def _bound(constraints: Json, secret: str) -> Truth:
    subset, equals = constraints.get("EncryptionContextSubset") or {}, constraints.get("EncryptionContextEquals")
    asked: Mapping[str, str | None] = {_ARN: secret, _VERSION: None}
    wanted = {**subset, **(equals or {})}
    if any(asked.get(name, "") not in (value, None) for name, value in wanted.items()):
        return False
    if equals is not None and {*equals} != {*asked}:
        return False
    return None if _VERSION in wanted else True
