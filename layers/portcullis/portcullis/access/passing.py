"""Internal users who are more than the model makes of them, though no mapping was touched: by their own roles, name or backend roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import Claim
from portcullis.access.terms import Caller, Terms, fixed


class Passing(NamedTuple):
    """What one internal user is beyond what the model says of them."""

    user: str
    said: tuple[str, ...]  # in words
    roles: frozenset[str]  # that they have by it
    critical: bool  # whether they are Portcullis' own or the master, or administer the engine


def passing(
    terms: Terms,
    desired: Desired,
    held: Actual,
    mine: frozenset[Claim],
    others: frozenset[Claim],
    keepers: ProtectedPrincipals,
) -> Iterator[Passing]:
    """Of each internal user who is such. Of keepers, of users whom others claim, and of ours whom the model no longer asks for, a keeper's
    backend role alone is told.

    A plain backend role that is granted as such is for whoever has it, so that nothing is told of it. The ARN of an IAM user or role is
    for those alone who may sign as it.
    """
    ours = {keeper.entry: f"the {keeper.who}" for keeper in keepers.keepers if keeper.entry_list == "backend_roles"}
    if keepers.shut_out:
        ours[keepers.shut_out] = "break-glass"
    granted = {
        (one.name, str(one)) for one in desired.claims(terms.mappings) | mine | others if one.kind == terms.mappings
    }
    for name, user in sorted(held.of(terms.users).items()):
        claim, asked = Claim(terms.users, name), desired.of(terms.users).get(name)
        kept = tuple((asked or {}).get("backend_roles") or ())
        more = [one for one in dict.fromkeys(user.get("backend_roles") or ()) if one not in kept]
        said = [f"has the backend role {one}, and is {ours[one]} with a password" for one in more if one in ours]
        critical, roles = bool(said), set[str]()
        left = claim in others or (asked is None and claim in mine) or any(one.entry == name for one in keepers.keepers)
        if not left and not fixed(terms, held, claim):
            had = _had(terms, held, name, kept)
            if own := [role for role, why in had.items() if _is_own(terms, claim, role, why, asked or {})]:
                said.append(f"has {', '.join(own)} without a mapping")
                roles |= {*own}
            if as_named := _as_named(terms, held, name, kept, had).difference(own):
                masters = not as_named.isdisjoint(terms.administrator_roles)
                said.append(f"is called like a user of Cognito, and has {_with_a_password(as_named, masters)}")
                critical, roles = critical or masters, roles | as_named
            for entries, reasons in _given(terms, held, name, kept, [one for one in more if one not in ours], had):
                signs = any(one.startswith("arn:") for one in entries)
                given = {
                    role
                    for role, why in reasons.items()
                    if signs or not ((role, why) in granted or _by_condition(terms, desired, role, why))
                }
                if given:
                    masters = not given.isdisjoint(terms.administrator_roles)
                    called = f"backend role{'s' if len(entries) > 1 else ''} {' and '.join(entries)}"
                    said.append(f"has the {called}, and by it {_with_a_password(given, masters)}")
                    critical, roles = critical or masters, roles | given
        if said:
            yield Passing(name, tuple(said), frozenset(roles), critical)


def _had(terms: Terms, held: Actual, name: str, backend_roles: tuple[str, ...]) -> Mapping[str, str]:
    """Role -> why the user has it by what the model says of them. Nothing where it is their own document that says who has a role: such
    an entry is drift by itself."""
    return terms.mapped_roles(held, Caller(name, backend_roles)) if terms.entries_in == terms.mappings else {}


def _is_own(terms: Terms, user: Claim, role: str, why: str, asked: Json) -> bool:
    """Whether the user's own document gives the role, and the model's does not. Of administrators it is told elsewhere."""
    where, _, field = why.rpartition("/")
    return where == str(user) and role not in (asked.get(field) or ()) and role not in terms.administrator_roles


def _as_named(
    terms: Terms, held: Actual, name: str, backend_roles: tuple[str, ...], had: Mapping[str, str]
) -> frozenset[str]:
    """The roles of a user of Cognito that whoever is called so has. An engine takes no internal user called like an ARN."""
    if not name.startswith("Cognito/"):
        return frozenset()
    return frozenset(had).difference(terms.mapped_roles(held, Caller("", backend_roles)))


def _with_a_password(roles: Iterable[str], masters: bool) -> str:
    return f"{', '.join(sorted(roles))} with a password{', and administers the engine' if masters else ''}"


def _given(
    terms: Terms, held: Actual, name: str, kept: tuple[str, ...], more: Sequence[str], had: Mapping[str, str]
) -> Iterator[tuple[Sequence[str], Mapping[str, str]]]:
    """Backend roles with the roles that a user has by them and had not: role -> why. First each alone, then those that count together."""
    found = {*had}
    for entry in more:
        reasons = terms.mapped_roles(held, Caller(name, (*kept, entry)))
        yield [entry], {role: why for role, why in reasons.items() if role not in had}
        found |= reasons.keys()
    if len(more) > 1:
        for role, why in terms.mapped_roles(held, Caller(name, (*kept, *more))).items():
            if role not in found:
                needed = held.entries(role, terms.condition)
                yield [one for one in more if one in needed] or more, {role: why}


def _by_condition(terms: Terms, desired: Desired, role: str, why: str) -> bool:
    """Whether the reason is the condition of a mapping, and the model asks for it."""
    asked = desired.entries.get(role, {}).get(terms.condition) if terms.condition else None
    return bool(asked) and f"/{terms.condition}: " in why
