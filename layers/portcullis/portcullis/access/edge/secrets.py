"""Whom the policy of a secret lets read it, or change who may, past everybody that the engine knows: other accounts included. Pure.

By AWS's documents a principal of the secret's own account needs no more than this policy. One of another account needs a policy of
their own as well, which is not seen here, so that it is not certain; and a secret under a customer's key, which has to let them decrypt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from portcullis.access.actual import Json
from portcullis.access.edge.conditions import listed
from portcullis.access.edge.keys import Key
from portcullis.access.edge.own_policies import Open, Secret, of_secret, open_by
from portcullis.access.edge.policies import Comes, Own, Somebody, statements
from portcullis.access.edge.way import Edge

_ANYBODY = "role/any"  # of the account: somebody whom only a statement for everybody means
_ROOT = ":root"  # stands for a whole account
_COLONS = 5  # of an ARN
_UNSEEN = Own(unread="their own policies are not looked at")
_ANOTHER = "only if a policy of their own account lets them, too"
_NEEDS_KEY = "only if the secret comes under a key of the account: Amazon's own lets in nobody of another account"


@dataclass(frozen=True, slots=True)
class Stranger:
    """`name`: in words; `hangs`: on what, where it does."""

    name: str
    found: Open
    hangs: str = ""


def strangers(secret: Secret, edge: Edge, known: Collection[str]) -> Iterator[Stranger]:
    """Each principal that the policy names and nobody here knows, with the first thing that it lets them do. `known`: ARNs."""
    anybody = _anybody(edge)
    for name, arn in _named(secret, edge):
        if arn in known:
            continue
        whoever, own = arn == anybody or arn.endswith(_ROOT), Own() if _account(arn) == edge.account else _UNSEEN
        who = Somebody(arn, Comes.SIGNED, own, whoever)
        for act in of_secret(secret):
            if found := open_by(who, edge, act, replace(who, own=_UNSEEN)):
                yield Stranger(name, found, _hangs(who, edge, secret))
                break
    unread = replace(secret, key=secret.key and Key(secret.key.arn))  # as which service asks for it is not known
    for service in _services(secret):
        for act in of_secret(_as_if(unread, service, anybody)):
            who = Somebody(anybody, Comes.SIGNED, Own(), whoever=True)
            if found := open_by(who, edge, act, replace(who, own=_UNSEEN)):
                yield Stranger(service, replace(found, certain=False), "only if somebody has it do so")
                break


def _hangs(who: Somebody, edge: Edge, secret: Secret) -> str:
    if who.account == edge.account:
        return ""
    return _ANOTHER if secret.key else f"{_ANOTHER}; {_NEEDS_KEY}"


def _named(secret: Secret, edge: Edge) -> Iterator[tuple[str, str]]:
    """The principals of what it allows, each in words and as an ARN that is judged. Where it means everybody, or a whole account, also
    whom of them the key names: it may let in these alone."""
    found = _principals(secret.policy, edge)
    everybody = _anybody(edge) in found.values()
    accounts = {_account(arn) for arn in found.values() if arn.endswith(_ROOT)}
    if secret.key is not None:
        grantees = [str(one.get("GranteePrincipal", "")) for one in secret.key.grants or ()]
        grants = {"Effect": "Allow", "Principal": {"AWS": grantees}}
        of_key = _principals({"Statement": [*statements(secret.key.policy or {}), grants]}, edge)
        found |= {name: arn for name, arn in of_key.items() if everybody or _account(arn) in accounts}
    own = f"the account {edge.account}"  # who of it may, their own policies say, which are looked at
    yield from ((name, arn) for name, arn in found.items() if name != own)


def _principals(policy: Json, edge: Edge) -> dict[str, str]:
    partition, anybody = edge.arn.split(":")[1], _anybody(edge)
    found: dict[str, str] = {}
    for statement in statements(policy):
        principal = statement.get("Principal")
        if statement.get("Effect") != "Allow":
            continue
        if "NotPrincipal" in statement or principal == "*":
            found.setdefault("whoever signs", anybody)
        for one in listed(principal.get("AWS", ())) if isinstance(principal, Mapping) else ():
            if one == "*":
                found.setdefault("whoever signs", anybody)
            elif one.isdecimal():
                found.setdefault(f"the account {one}", f"arn:{partition}:iam::{one}:root")
            elif ":assumed-role/" in one:
                head, _, session = one.partition(":assumed-role/")
                role = f"arn:{partition}:iam::{head.split(':')[4]}:role/{session.partition('/')[0]}"
                found.setdefault(one, role)
            elif one.startswith("arn:") and one.count(":") >= _COLONS:
                found.setdefault(f"the account {_account(one)}" if one.endswith(_ROOT) else one, one)
    return found


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _anybody(edge: Edge) -> str:
    return f"arn:{edge.arn.split(':')[1]}:iam::{edge.account}:{_ANYBODY}"


def _as_if(secret: Secret, service: str, arn: str) -> Secret:
    """With what is allowed to this service as if it were allowed to `arn`, and with what is denied."""
    kept = [
        {**one, "Principal": {"AWS": arn}} if one.get("Effect") == "Allow" else one
        for one in statements(secret.policy)
        if one.get("Effect") != "Allow" or service in _of_service(one)
    ]
    return replace(secret, policy={**secret.policy, "Statement": kept})


def _of_service(statement: Json) -> list[str]:
    principal = statement.get("Principal")
    return listed(principal.get("Service", ())) if isinstance(principal, Mapping) else []


def _services(secret: Secret) -> Iterator[str]:
    allowing = [one for one in statements(secret.policy) if one.get("Effect") == "Allow"]
    yield from dict.fromkeys(service for one in allowing for service in _of_service(one))
