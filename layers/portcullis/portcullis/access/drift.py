"""What somebody changed by hand, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.passing import passing
from portcullis.access.plan import Claim
from portcullis.access.terms import NOT_SIGNED_IN, Terms, fixed

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
    terms: Terms,
    desired: Desired,
    held: Actual,
    mine: frozenset[Claim],
    others: frozenset[Claim] = frozenset(),
    *,
    keepers: ProtectedPrincipals | None = None,
) -> tuple[Drift, ...]:
    """Entries added and removed, documents edited and removed; the critical first.

    What `others` claim is left out, but for administrators, who are told as long as they are there. A document of ours that differs is
    reported as edited; whether a person edited it or the model changed and was not applied yet cannot be told from the engine.
    """
    found: dict[Claim, Drift] = {}
    for kind in terms.order:
        if kind != terms.mappings:
            for name, document in desired.of(kind).items():
                if change := _document(terms, Claim(kind, name), document, held, mine):
                    found[change.claim] = change
    cared_for = desired.of(terms.roles).keys() | desired.entries.keys() | {c.name for c in mine}
    for change in _made_by_hand(terms, desired, held, mine | others, cared_for):
        found[change.claim] = change
    for role in held.of(terms.mappings).keys() | desired.entries.keys():
        for change in _entries(terms, role, desired, held, mine, others, cared_for=role in cared_for):
            found[change.claim] = change
    for claim, why in terms.unloadable(held):
        what = f"{claim}: {why}. No node can load the security config, so nothing that is changed takes effect until it is taken out"
        found[claim] = Drift("critical", claim, what, (), ours=claim in mine)
    for claim in terms.disguised(held):
        if claim not in mine | others:
            what = f"{claim} is called like an action: whoever has a role that names the action has all that it holds"
            found[claim] = Drift("critical", claim, what, (), ours=False)
    for change in _administrators(terms, desired, held, mine, keepers or ProtectedPrincipals()):
        found[change.claim] = change
    for one in passing(terms, desired, held, mine, others, keepers or ProtectedPrincipals()):
        severity = "critical" if one.critical else "warning" if cared_for & one.roles else "info"
        claim, what = Claim(terms.users, one.user), f"internal user {one.user} {'; '.join(one.said)}"
        if before := found.get(claim):
            severity, what = min(severity, before.severity, key=_RANK.__getitem__), f"{before.what}; {what}"
        found[claim] = Drift(severity, claim, what, (one.user,), ours=claim in mine)
    for claim in terms.let_in_by(held, keepers.shut_out if keepers else ""):
        what = f"break-glass is mapped by {claim}, and no window of a lock lets it in"
        found[claim] = Drift("critical", claim, what, (claim.entry,), ours=claim in mine)
    return tuple(sorted(found.values(), key=lambda d: (_RANK[d.severity], d.claim)))


def _document(terms: Terms, claim: Claim, wanted: Json, held: Actual, mine: frozenset[Claim]) -> Drift | None:
    there = held.get(claim.kind, claim.name)
    if claim not in mine or terms.same(claim.kind, wanted, there):
        return None
    edited = "" if there is None else ", ".join(terms.differing(claim.kind, wanted, there))
    what = f"was edited: {edited}" if edited else "was removed by hand"
    concerned: tuple[str, ...] = ()
    if claim.kind == terms.roles:
        concerned = terms.holders(held, claim.name)
    elif claim.kind == terms.users:
        concerned = (claim.name,)
    return Drift("warning", claim, f"{claim} {what}{_whom(concerned)}", concerned, ours=True)


def _made_by_hand(
    terms: Terms, desired: Desired, held: Actual, not_by_hand: frozenset[Claim], cared_for: Set[str]
) -> Iterator[Drift]:
    """Whole documents that let people into roles, and that somebody made by hand."""
    for kind in (*terms.order, NOT_SIGNED_IN):
        for name, document in held.of(kind).items() if kind != terms.mappings else ():
            claim, roles = Claim(kind, name), terms.names_roles(kind, document)
            if roles and claim not in not_by_hand and name not in desired.of(kind) and not fixed(terms, held, claim):
                severity = "warning" if cared_for & set(roles) else "info"
                what = f"{claim} was made by hand, and gives {', '.join(roles)}"
                yield Drift(severity, claim, what, (), ours=False)


def _entries(
    terms: Terms,
    role: str,
    desired: Desired,
    held: Actual,
    mine: frozenset[Claim],
    theirs: frozenset[Claim],
    *,
    cared_for: bool,
) -> list[Drift]:
    found: list[Drift] = []
    for entry_list in terms.lists:
        wanted, there = desired.entries.get(role, {}).get(entry_list, {}), held.entries(role, entry_list)
        for entry in sorted(wanted.keys() - set(there)):
            claim = Claim(terms.mappings, role, entry_list, entry)
            if claim in mine:
                severity = "critical" if role in terms.administrator_roles else "warning"
                what = f"{entry} was removed by hand from {entry_list} of {role}, and lost what it gives"
                found.append(Drift(severity, claim, what, (entry,), ours=True))
        for entry in dict.fromkeys(there):
            claim = Claim(terms.mappings, role, entry_list, entry)
            by_hand = claim not in mine and claim not in theirs
            if (
                entry not in wanted
                and by_hand
                and (terms.entries_in == terms.mappings or not fixed(terms, held, claim))
            ):
                severity = "warning" if cared_for else "info"
                what = (
                    f"{entry} was added by hand to {entry_list} of {role}, and has what it gives{_untold(terms, entry)}"
                )
                found.append(Drift(severity, claim, what, (entry,), ours=False))
    return found


def _administrators(
    terms: Terms, desired: Desired, held: Actual, mine: frozenset[Claim], keepers: ProtectedPrincipals
) -> list[Drift]:
    """Whoever administers the domain without being asked for, however they came to it."""
    kept = {(role, keeper.entry_list, keeper.entry) for keeper in keepers.keepers for role in keeper.roles}
    found: list[Drift] = []
    for admin in terms.administrators(held):
        if terms.asks_for(desired, admin) or (admin.role, admin.entry_list, admin.entry) in kept:
            continue
        claim = terms.claim_of(admin)
        whom = (
            "everyone"
            if admin.entry == "*"
            else admin.entry
            if admin.signs_in
            else whoever_does_not_sign_in(admin.entry)
        )
        what = f"{whom} administers the engine ({admin.role} through {admin.entry_list}), and the model does not ask for it"
        if claim.kind == terms.mappings:
            what += _untold(
                terms, *(admin.entry.split(" and ") if admin.entry_list == terms.condition else [admin.entry])
            )
        found.append(Drift("critical", claim, what, (admin.entry,), ours=claim in mine))
    return found


def whoever_does_not_sign_in(called: str) -> str:
    return f"whoever there is, also without signing in ({called}),"


def _untold(terms: Terms, *entries: str) -> str:
    """Said of an expression that is the engine's own: whom it lets in is no guess of ours."""
    unsure = any(terms.only_the_engine_knows(one) for one in entries)
    return "; whom that expression lets in only the engine can tell" if unsure else ""


def _whom(concerned: tuple[str, ...]) -> str:
    return f"; it concerns {', '.join(concerned)}" if concerned else ""
