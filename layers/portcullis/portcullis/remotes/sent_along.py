"""What one domain of OpenSearch sends along when it searches another, and what the other one makes of it: what is wrong with that. Pure.

As real nodes of 2.19.3 and 3.4.0 answered each other (docs/remotes.md): the one that reads is believed about who asks. A 2.x sends the
names of all of their roles, a 3.x those that stand in `opendistro_security_roles` of their internal user alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.access.actual import Actual
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.names.matching import matches_any
from portcullis.remotes.facts import OUR_ROLES, Finding, Weight
from portcullis.words import many

# A subject as a certificate has it: CN=admin,O=Example. No name of IAM or of a user pool reads so as an engine sees it.
_SUBJECT = re.compile(r"\s*(cn|ou?|uid|dc|e|emailaddress|st|l|c)\s*=.+", re.IGNORECASE)
_MOST = 5
_LIMITS = ("dls", "fls", "masked_fields")
_PEOPLE = ("users", "backend_roles")
_EVERY_READ = frozenset(
    ("*", "read", "indices_all", "data_access", "crud", "indices:*", "indices:data/*", "indices:data/read/*")
)


@dataclass(frozen=True, slots=True)
class DomainSide:
    """`engine` as the file in force names it (OpenSearch_2.19). `held`: what it holds while it is open; None: `unseen` says why."""

    name: str
    engine: str = ""
    held: Actual | None = None
    unseen: str = ""

    @property
    def release(self) -> tuple[int, int] | None:
        """Of an OpenSearch; None of what is another engine."""
        found = re.fullmatch(r"OpenSearch_(\d+)\.(\d+)", self.engine)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def words(self) -> str:
        return self.engine.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Alias:
    """A connection by which searches go through. `other` None: of no deployment that could be looked at. `beside`: other aliases of which a
    refusal is left out."""

    alias: str
    other: DomainSide | None
    skip_unavailable: bool = False
    beside: tuple[str, ...] = ()


def check(here: DomainSide, alias: Alias) -> Iterator[Finding]:
    """What is right and wrong with a connection, beside that it stands."""
    a, there = alias.alias, alias.other
    if alias.skip_unavailable:
        says = "skip_unavailable: a refusal is a 200 without its documents, and is not told from an index that is not there"
        yield Finding(a, Weight.NOTE, "refusals-hidden", says)
    yield from _subjects(here, a)
    if there is None:
        says = (
            f"the domain behind {a} is no deployment of this account: neither its release nor its roles were looked at"
        )
        yield Finding(a, Weight.UNKNOWN, "not-looked-at", says, "what its own people may read is for whoever runs it")
        return
    yield _releases(here, there, a)
    for side in (here, there):
        if side.held is None:
            yield Finding(a, Weight.UNKNOWN, "not-looked-at", side.unseen)
    yield from _roles_sent(here, there, a)
    yield from _limits_lost(there, alias)


def _releases(here: DomainSide, there: DomainSide, a: str) -> Finding:
    words = f"{here.words} here, {there.words} there"
    ours, theirs = here.release, there.release
    if ours is None or theirs is None:
        return Finding(a, Weight.UNKNOWN, "releases", f"{words}: no such pair was tried")
    older, newer = sorted((ours, theirs))
    if older[0] == newer[0] > 1 or (older == (2, 19) and newer[0] == 3):
        return Finding(a, Weight.OK, "releases", words)
    says = f"{words}: tried were 2.19 and 3.4, each with itself and with the other"
    return Finding(a, Weight.UNKNOWN, "releases", says)


def _subjects(here: DomainSide, a: str) -> Iterator[Finding]:
    if here.held is None:
        return
    if named := sorted(name for name in here.held.of(Kind.USERS) if _SUBJECT.fullmatch(name)):
        says = f"internal users of {here.name} are called as the subject of a certificate: {_some(named)}"
        says += ". If it is an admin certificate of the other side, they read everything there, its security index too"
        yield Finding(a, Weight.WRONG, "called-as-certificate", says, "another name for these users, or none of them")
    else:
        says = f"no internal user of {here.name} is called as the subject of a certificate"
        yield Finding(a, Weight.OK, "called-as-certificate", says)


def _roles_sent(here: DomainSide, there: DomainSide, a: str) -> Iterator[Finding]:
    if here.held is None or there.held is None:
        return
    if here.release is None:
        yield Finding(a, Weight.UNKNOWN, "role-sent", f"which roles {here.words} sends along was not tried")
        return
    sends_all = here.release[0] < 3
    gaining = {
        role: [one for one in people if not _mapped(there.held, role, one)]
        for role, people in _sent(here.held, sends_all=sends_all).items()
    }
    found = list(gained(a, here.name, there.name, gaining, there.held.of(Kind.ROLES), sends_all=sends_all))
    yield from found
    if not found:
        sends = "the names of all roles" if sends_all else f"roles of {DIRECT} alone"
        says = f"{here.name} sends {sends} along, and nobody gains one of {there.name} by it"
        yield Finding(a, Weight.OK, "role-sent", says)


def _mapped(held: Actual, role: str, entry: str) -> bool:
    return matches_any({one for kind in _PEOPLE for one in held.entries(role, kind)}, entry)


def gained(
    a: str,
    here: str,
    there: str,
    gaining: Mapping[str, Sequence[str]],
    roles: Mapping[str, Mapping[str, object]],
    *,
    sends_all: bool,
) -> Iterator[Finding]:
    """Roles of the other side, `roles`, that people of this one come with by their names alone. `gaining`: role -> who has it here, and
    is not mapped to it there."""
    for role, people in sorted(gaining.items()):
        document = roles.get(role)
        if role.startswith(OUR_ROLES) or not people or not _reads(document):
            continue
        says = f"{_some(list(people))} of {here} have {role}, a name that {there} has too"
        if sends_all:
            says += ": a 2.x sends the names of all roles along, and it counts there without a mapping"
            remedy = f"3.x on {here}, which sends no role that is mapped; or a role of a name that {there} has not"
        else:
            says += f" ({DIRECT} of internal users, which are sent along): it counts there without a mapping"
            remedy = f"a mapping on {here} in place of {DIRECT}"
        # Nothing but searches is sent: whoever administers one side does not administer the other.
        says += "; they read everything there" if _reads_everything(document or {}) else ""
        yield Finding(a, Weight.WRONG, "role-sent", says, remedy)


def _reads(role: Mapping[str, object] | None) -> bool:
    """Whether a search may gain by it: nothing else is sent."""
    return bool(role and role.get("index_permissions"))


def _reads_everything(role: Mapping[str, object]) -> bool:
    return any(
        "*" in entry.get("index_patterns", ())
        and not any(entry.get(limit) for limit in _LIMITS)
        and not _EVERY_READ.isdisjoint(entry.get("allowed_actions", ()))
        for entry in _entries(role)
    )


def _entries(role: Mapping[str, object]) -> Iterable[Mapping[str, Any]]:
    entries = role.get("index_permissions")
    return entries if isinstance(entries, list | tuple) else ()


def _sent(held: Actual, *, sends_all: bool) -> dict[str, list[str]]:
    """Role -> who comes with it, by name."""
    found: dict[str, dict[str, None]] = {}
    for name, user in held.of(Kind.USERS).items():
        for role in user.get(DIRECT) or ():
            found.setdefault(role, {})[name] = None
    for role in held.of(Kind.MAPPINGS) if sends_all else ():
        for kind in _PEOPLE:
            for entry in held.entries(role, kind):
                found.setdefault(role, {})[entry] = None
    return {role: list(people) for role, people in found.items()}


def _limits_lost(there: DomainSide, alias: Alias) -> Iterator[Finding]:
    """Seen on 2.19.3: what is left of a request that asks each shard may be shown without documents, fields and masks being limited."""
    a = alias.alias
    if there.held is None or there.release is None or there.release[0] > 2 or not alias.beside:
        return
    limited = sorted(role for role, document in there.held.of(Kind.ROLES).items() if _limits(document))
    if limited:
        left_out = f"where {_some(list(alias.beside))} is left out beside {a} (a scroll, ccs_minimize_roundtrips=false)"
        says = f"{there.name} is a 2.x: {left_out}, the limits of {_some(limited)} may be lost, and everything shown"
        remedy = "skip_unavailable off; or indices:admin/shards/search_shards to nobody with limits"
        yield Finding(a, Weight.WRONG, "limits-lost", says, remedy)


def _limits(role: Mapping[str, object]) -> bool:
    return any(entry.get(limit) for entry in _entries(role) for limit in _LIMITS)


def _some(names: list[str]) -> str:
    more = f" and {many(len(names) - _MOST, 'other')}" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
