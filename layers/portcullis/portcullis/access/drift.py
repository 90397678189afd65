"""What somebody changed by hand, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from portcullis.access.callers import administrators
from portcullis.access.compare import differing, same
from portcullis.access.config import ADMINISTRATOR_ROLES, MAPPING_LISTS, WRITE_ORDER, Json, Kind, SecurityConfig
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals, let_in_by
from portcullis.access.matching import unknown
from portcullis.access.patterns import unloadable
from portcullis.access.people import holders
from portcullis.access.plan import Claim

_RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between what we left and what is there."""

    severity: str  # critical: who administers the domain; warning: what the model cares for; info: elsewhere
    claim: Claim
    what: str  # in words
    people: tuple[str, ...]  # entries of those whose access it concerns
    ours: bool  # whether an apply puts it right; what is not ours stays

    def __str__(self) -> str:
        return self.what


def drift(
    desired: Desired,
    held: SecurityConfig,
    mine: frozenset[Claim],
    others: frozenset[Claim] = frozenset(),
    *,
    keepers: ProtectedPrincipals | None = None,
    known: frozenset[Claim] = frozenset(),
) -> tuple[Drift, ...]:
    """Entries added and removed, documents edited and removed; the gravest first.

    `known` are foreign entries that a person has seen already (e.g. those at the time of adoption): left out, but for
    administrators, who are told as long as they are there. A document of ours that differs is reported as edited; whether a
    person edited it or the model changed and was not applied yet cannot be told from the engine.
    """
    found: dict[Claim, Drift] = {}
    for kind in WRITE_ORDER:
        if kind is not Kind.MAPPINGS:
            for name, document in desired.of(kind).items():
                if change := _document(Claim(kind, name), document, held, mine):
                    found[change.claim] = change
    cared_for = desired.of(Kind.ROLES).keys() | desired.entries.keys() | {c.name for c in mine}
    for role in held.of(Kind.MAPPINGS).keys() | desired.entries.keys():
        for change in _entries(role, desired, held, mine, others | known, cared_for=role in cared_for):
            found[change.claim] = change
    for claim, why in unloadable(held):
        what = f"{claim}: {why}. No node can load the security config, so nothing that is changed takes effect until it is taken out"
        found[claim] = Drift("critical", claim, what, (), ours=claim in mine)
    for change in _administrators(desired, held, mine, keepers or ProtectedPrincipals()):
        found[change.claim] = change
    for claim in let_in_by(held, keepers.shut_out if keepers else ""):
        what = f"break-glass is mapped by {claim}, and no window of a lock lets it in"
        found[claim] = Drift("critical", claim, what, (claim.entry,), ours=claim in mine)
    return tuple(sorted(found.values(), key=lambda d: (_RANK[d.severity], d.claim)))


def _document(claim: Claim, wanted: Json, held: SecurityConfig, mine: frozenset[Claim]) -> Drift | None:
    there = held.get(claim.kind, claim.name)
    if claim not in mine or same(wanted, there):
        return None
    what = "was removed by hand" if there is None else f"was edited: {', '.join(differing(wanted, there))}"
    concerned: tuple[str, ...] = ()
    if claim.kind is Kind.ROLES:
        concerned = holders(held, claim.name)
    elif claim.kind is Kind.USERS:
        concerned = (claim.name,)
    return Drift("warning", claim, f"{claim} {what}{_whom(concerned)}", concerned, ours=True)


def _entries(
    role: str,
    desired: Desired,
    held: SecurityConfig,
    mine: frozenset[Claim],
    theirs: frozenset[Claim],
    *,
    cared_for: bool,
) -> list[Drift]:
    found: list[Drift] = []
    for entry_list in MAPPING_LISTS:
        wanted, there = desired.entries.get(role, {}).get(entry_list, {}), held.entries(role, entry_list)
        for entry in sorted(wanted.keys() - set(there)):
            claim = Claim(Kind.MAPPINGS, role, entry_list, entry)
            if claim in mine:
                severity = "critical" if role in ADMINISTRATOR_ROLES else "warning"
                what = f"{entry} was removed by hand from {entry_list} of {role}, and lost what it gives"
                found.append(Drift(severity, claim, what, (entry,), ours=True))
        for entry in dict.fromkeys(there):
            claim = Claim(Kind.MAPPINGS, role, entry_list, entry)
            if entry not in wanted and claim not in mine and claim not in theirs:
                severity = "warning" if cared_for else "info"
                what = f"{entry} was added by hand to {entry_list} of {role}, and has what it gives{_untold(entry)}"
                found.append(Drift(severity, claim, what, (entry,), ours=False))
    return found


def _administrators(
    desired: Desired, held: SecurityConfig, mine: frozenset[Claim], keepers: ProtectedPrincipals
) -> list[Drift]:
    """Whoever administers the domain without being asked for, however he came to it."""
    kept = {(role, keeper.entry_list, keeper.entry) for keeper in keepers.keepers for role in keeper.roles}
    found: list[Drift] = []
    for admin in administrators(held):
        if admin.entry_list == "opendistro_security_roles":
            user = desired.of(Kind.USERS).get(admin.entry) or {}
            if admin.role in (user.get(admin.entry_list) or ()):
                continue
            entries, claim = [], Claim(Kind.USERS, admin.entry, admin.entry_list, admin.role)
        else:
            entries = admin.entry.split(" and ") if admin.entry_list == "and_backend_roles" else [admin.entry]
            asked = all(desired.because(admin.role, admin.entry_list, entry) for entry in entries)
            if asked or (admin.role, admin.entry_list, admin.entry) in kept:
                continue
            claim = Claim(Kind.MAPPINGS, admin.role, admin.entry_list, entries[0])
        whom = "everyone" if admin.entry == "*" else admin.entry
        what = f"{whom} administers the domain ({admin.role} through {admin.entry_list}), and the model does not ask for it"
        what += _untold(*entries)
        found.append(Drift("critical", claim, what, (admin.entry,), ours=claim in mine))
    return found


def _untold(*entries: str) -> str:
    """Said of an expression that is Java's own: whom it lets in is no guess of ours."""
    return "; whom that expression lets in only the engine can tell" if any(unknown(one) for one in entries) else ""


def _whom(concerned: tuple[str, ...]) -> str:
    return f"; it concerns {', '.join(concerned)}" if concerned else ""
