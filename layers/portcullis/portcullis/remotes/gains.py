"""Who gains and who loses when a remote cluster is read with a key instead of with certificates: each person's roles, each index.

By certificate, roles of the same name over there decide. With a key, what it allows and what `remote_indices` ask for, both. Each is
decided by `families.elasticsearch.across`. What is limited is compared limit by limit: fewer documents or fields are less; where neither
is certainly less than the other, it counts as both gained and lost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import AccessModel
from portcullis.access.questions.answers import There
from portcullis.families.elasticsearch.deciding.across import SEARCH, across
from portcullis.families.elasticsearch.deciding.decide import View
from portcullis.families.elasticsearch.deciding.remote import API_KEY, CERTIFICATE, Remote, Told
from portcullis.families.elasticsearch.documents.compare import canonical_access, query
from portcullis.families.elasticsearch.documents.config import Kind, is_reserved
from portcullis.families.elasticsearch.granting.merging import SUPERUSER, is_restricted
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need
from portcullis.remotes.facts import OUR_ROLES
from portcullis.remotes.parties import listed

_MOST_NAMES = 100
Atom = tuple[str, frozenset[Any]]
Reading = frozenset[Atom] | None  # what limits it, all of them; empty: nothing does. None: it is not read


@dataclass(frozen=True, slots=True)
class Party:
    """People who have the same roles."""

    who: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sides:
    """Both clusters, as far as they decide this. `roles`: of the one that reads, as it has them; `declared`: as its file has them.
    `far` None: the roles over there could not be looked at. `access`: what the key allows."""

    alias: str
    to: str
    release: str
    far_release: str
    roles: Mapping[str, Json]
    declared: Mapping[str, Json]
    far: Mapping[str, Json] | None
    access: Json
    there: There = field(default_factory=There)
    parties: tuple[Party, ...] = ()


class Effect(StrEnum):
    KEEPS = "keeps"
    GAINS = "gains"
    MORE = "sees more"
    LESS = "sees less"
    OTHER = "sees other documents or fields"
    LOSES = "loses"
    UNKNOWN = "is not known"


@dataclass(frozen=True, slots=True)
class Moved:
    """What the move does to what a party reads of an index, or of all that a pattern may name. `undeclared`: it would gain what no file
    gives it; `owed`: it would lose what the file gives it, as the engine's roles are not those of the file."""

    who: tuple[str, ...]
    roles: tuple[str, ...]
    index: str
    effect: Effect
    before: str
    after: str
    undeclared: bool = False
    owed: bool = False

    @property
    def gains(self) -> bool:
        return self.effect in (Effect.GAINS, Effect.MORE, Effect.OTHER)

    @property
    def loses(self) -> bool:
        return self.effect in (Effect.LOSES, Effect.LESS, Effect.OTHER)


def compare(sides: Sides) -> tuple[Moved, ...]:
    """Of every party and every index that one of the models shows it, or may show."""
    found, compared = [], names(sides)
    for party in sides.parties:
        for name, meant in compared.items():
            before, after = reads(sides, party.roles, name, CERTIFICATE), reads(sides, party.roles, name, API_KEY)
            if before == after == [None]:
                continue
            found.append(replace(_moved(sides, party, name, before, after), index=meant))
    return tuple(found)


def reads(
    sides: Sides, roles: Sequence[str], name: str, model: str, held: Mapping[str, Json] | None = None
) -> list[Reading]:
    """How these roles read an index by a model: one reading; none, where only the engine can tell. `held`: other roles than they have."""
    if model == CERTIFICATE and sides.far is None:
        return []
    known = dict.fromkeys((*(sides.there.indices or ()), name))
    aliases = {one: dict.fromkeys(of) for one, of in (sides.there.aliases or {}).items()}
    world = EngineFacts(
        tuple(Index(one) for one in known if one not in aliases and one not in sides.there.streams),
        aliases,
        dict(sides.there.streams),
    )
    release = Release.of(sides.release)
    remote = Remote(
        Release.of(sides.far_release or sides.release), model, access=sides.access, roles=sides.far or {}, world=world
    )
    need = Need(SEARCH, (f"{sides.to}:{name}",))
    whole = across(held if held is not None else sides.roles, roles, need, EngineFacts(), release, {sides.to: remote})
    told = whole.remotes.get(sides.to)
    allowed = told.allowed if told else whole.allowed
    if allowed is None:
        return []
    return [_limits(told) if allowed and told else None]


def _limits(told: Told) -> Reading:
    several = len(told.seen) > 1  # behind one name: an alias, a data stream
    return frozenset(
        (f"{kind} of {seen.index}" if several else kind, of)
        for seen in told.seen
        for _, view in seen.limits
        for kind, of in _atoms(view)
    )


def _atoms(view: View) -> Iterable[Atom]:
    for queries in (view.documents, view.alias_filters):
        if queries is not None:
            yield "documents", frozenset(json.dumps(query(one), sort_keys=True) for one in queries)
    if view.fields.groups:
        yield "fields", frozenset((frozenset(grant), frozenset(without)) for grant, without in view.fields.groups)


def within(one: Reading, other: Reading) -> bool:
    """Whether whatever one reading shows, the other shows too, as far as that is certain."""
    if one is None:
        return True
    if other is None:
        return False
    return all(any(kind == of and mine <= theirs for kind, mine in one) for of, theirs in other)


def _moved(sides: Sides, party: Party, name: str, before: list[Reading], after: list[Reading]) -> Moved:
    made = Moved(party.who, party.roles, name, Effect.UNKNOWN, _words(before), _words(after))
    if before and after:
        made = replace(made, effect=_effect(before[0], after[0]))
    file = reads(sides, party.roles, name, API_KEY, {**sides.declared, **_fixed(sides.roles)})
    if made.gains or (not before and after != [None]):
        made = replace(made, undeclared=not (after and file and within(after[0], file[0])))
    if made.loses:
        made = replace(made, owed=not (after and file and within(file[0], after[0])))
    return made


def _fixed(roles: Mapping[str, Json]) -> dict[str, Json]:
    """Those that nobody can change."""
    return {name: role for name, role in roles.items() if is_reserved(role)}


def _effect(before: Reading, after: Reading) -> Effect:
    less, more = within(after, before), within(before, after)
    if less and more:
        return Effect.KEEPS
    if before is None:
        return Effect.GAINS
    if after is None:
        return Effect.LOSES
    return Effect.LESS if less else Effect.MORE if more else Effect.OTHER


def _words(reading: list[Reading]) -> str:
    if not reading:
        return "not known"
    if reading[0] is None:
        return "nothing"
    parts = []
    for kind, of in sorted(reading[0], key=str):
        if kind.startswith("documents"):
            parts.append(f"{kind} that match {' or '.join(sorted(of))}")
        else:
            parts.append(f"{kind} {' or '.join(sorted(_field_words(*one) for one in of))}")
    return " and ".join(parts) or "all of it"


def _field_words(grant: frozenset[str], without: frozenset[str]) -> str:
    left_out = f" without {', '.join(sorted(without))}" if without else ""
    return f"{', '.join(sorted(grant)) or 'none'}{left_out}"


def names(sides: Sides) -> dict[str, str]:
    """Indices over there that people may be let into, and one for each pattern that key and roles tell apart: name -> what it stands for,
    itself or a pattern. The first hundred, the patterns before the indices."""
    return dict(list(_every_name(sides).items())[:_MOST_NAMES])


def left_out(sides: Sides) -> int:
    """How many names are beyond that, and are not compared."""
    return max(0, len(_every_name(sides)) - _MOST_NAMES)


def _every_name(sides: Sides) -> dict[str, str]:
    hidden = {*sides.there.hidden, *(one for of in sides.there.streams.values() for one in of)}
    known = (*(sides.there.indices or ()), *(sides.there.aliases or ()), *sides.there.streams)
    patterns = [name for one in sides.access.get("search") or () for name in listed(one.get("names"))]
    mine = {role for party in sides.parties for role in party.roles}
    for held, key in (
        (sides.roles, "remote_indices"),
        (sides.declared, "remote_indices"),
        (sides.far or {}, "indices"),
    ):
        for role in mine & held.keys():
            patterns += [name for one in held[role].get(key) or () for name in listed(one.get("names"))]
    thought = {
        one.replace("*", "x").replace("?", "x"): one
        for one in sorted(patterns)
        if one not in ("", "*") and one[0] != "/"
    }
    found = {**thought, "portcullis-any-other": "any other index", **{one: one for one in known}}
    return {
        one: meant for one, meant in found.items() if one not in hidden and not is_restricted(one) and one[0] != "."
    }


def parties(access: AccessModel, held: Actual, groups: Mapping[str, Collection[str]]) -> tuple[Party, ...]:
    """Whoever has roles on the cluster that reads. `groups`: person -> the subjects (KIND:NAME) of grants that they are."""
    by_roles: dict[tuple[str, ...], list[str]] = {(SUPERUSER,): ["every super user"]}

    def add(who: str, roles: Iterable[str]) -> None:
        having = tuple(sorted(dict.fromkeys(role for role in roles if not role.startswith(OUR_ROLES))))
        if having and SUPERUSER not in having:
            by_roles.setdefault(having, []).append(who)

    for name, user in sorted(held.of(Kind.USERS).items()):
        if user.get("enabled") is not False and not is_reserved(user):
            add(name, user.get("roles") or ())
    if access.people and access.people.realm:
        given: dict[str, set[str]] = {}
        for grant in access.grants:
            given.setdefault(str(grant.subject), set()).add(grant.role)
        for subject, roles in sorted(given.items()):
            add(subject, roles)
        for person, of in sorted(groups.items()):
            add(person, {role for one in of for role in given.get(one, ())})
    return tuple(Party(tuple(dict.fromkeys(who)), roles) for roles, who in by_roles.items())


def let_in(sides: Sides) -> tuple[str, ...]:
    """Roles over there by whose names people of this side are let in with certificates."""
    mine = {role for party in sides.parties for role in party.roles} | {
        name for name, role in sides.roles.items() if not is_reserved(role) and not name.startswith(OUR_ROLES)
    }
    there = sides.far or {}
    return tuple(sorted(role for role in mine & there.keys() if there[role].get("indices") and role != SUPERUSER))


def proposal(sides: Sides) -> tuple[Json, dict[str, list[Json]]]:
    """What key and roles would have to say, so that people read with the key what they read with certificates: what the key allows, and
    role -> its `remote_indices`."""
    allows: list[Json] = []
    roles: dict[str, list[Json]] = {}
    for role in let_in(sides):
        if role not in sides.roles or is_reserved(sides.roles[role]):
            continue
        for entry in (sides.far or {})[role].get("indices") or ():
            if not {"read", "all"} & set(listed(entry.get("privileges"))):
                continue
            kept = {key: entry[key] for key in ("query", "field_security") if entry.get(key)}
            one: Json = {"names": list(listed(entry.get("names"))), **kept}
            if one not in allows:
                allows.append(one)
            roles.setdefault(role, []).append({"clusters": [sides.to], "privileges": ["read"], **one})
    return ({"search": allows} if allows else {}), roles


def same_access(one: Json, other: Json) -> bool:
    """Whether two keys would allow the same."""
    return canonical_access(one) == canonical_access(other)
