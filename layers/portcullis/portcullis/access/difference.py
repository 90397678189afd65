"""The difference between what should be and what an engine holds, as steps; with respect for what is not ours.

What counts as ours is in the ledger as claims. The law of claims:
- asked for, missing: added and claimed. Asked for, ours, and missing or changed: put right.
- ours, no longer asked for: removed, unless another owner claims it too; then it is only released.
- never ours: left alone and listed as foreign, also when the model happens to ask for the same. `adopt` claims it then.
- asked for by us and already there for another owner: claimed as well, so that the other's leaving takes nothing from us.
- a document of the wanted name that is not ours and differs: a conflict, for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portcullis.access.compare import differing, same
from portcullis.access.config import MAPPING_LISTS, WRITE_ORDER, Held, Json, Kind
from portcullis.access.desired import Desired
from portcullis.access.plan import Blocked, Claim, Operation, Plan, Step

_AND = "and_backend_roles"
_DOCUMENT_KINDS = tuple(kind for kind in WRITE_ORDER if kind is not Kind.MAPPINGS)


@dataclass(slots=True)
class _Findings:
    changes: list[Step] = field(default_factory=list)  # documents added and replaced, then entries
    removals: list[Step] = field(default_factory=list)  # documents, removed after the mappings
    claim_only: set[Claim] = field(default_factory=set)
    release_only: set[Claim] = field(default_factory=set)
    foreign: set[Claim] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    conflicts: list[Blocked] = field(default_factory=list)


def difference(
    desired: Desired,
    held: Held,
    mine: frozenset[Claim],
    others: frozenset[Claim] = frozenset(),
    *,
    repair: bool = True,
    adopt: bool = False,
) -> Plan:
    """The steps from `held` to `desired`, in the order they are applied; the same for any order of the inputs.

    `mine` and `others` are the claims of this owner and of all others on the same domain. Before the first write the claims of
    `Plan.claims_before` have to be in the ledger, after the last one those of `Plan.claims_after`.

    `repair=False` leaves alone what is claimed and is not as asked for (removed or changed by hand, or newly asked for
    differently), and notes it: for a reaction that should follow people only. `adopt=True` claims what is there already and
    replaces what differs.
    """
    found = _Findings(notes=list(desired.notes))
    for kind in _DOCUMENT_KINDS:
        _documents(kind, desired, held, mine, others, found, repair=repair, adopt=adopt)
    # Roles that this plan removes: their mappings have to go before them.
    leaving = {s.claim.name for s in found.removals if s.claim.kind is Kind.ROLES}
    staying = (desired.of(Kind.ROLES).keys() | held.of(Kind.ROLES).keys()) - leaving
    for role in sorted(_mapped_roles(desired, held, mine)):
        _mapping(role, desired, held, mine, others, found, gone=role not in staying, repair=repair, adopt=adopt)
    removed_mappings = [s for s in found.removals if s.claim.kind is Kind.MAPPINGS]
    removed_documents = [s for s in found.removals if s.claim.kind is not Kind.MAPPINGS]
    removed_documents.sort(key=lambda s: (-WRITE_ORDER.index(s.claim.kind), s.claim))
    return Plan(
        steps=(*found.changes, *removed_mappings, *removed_documents),
        claim_only=tuple(sorted(found.claim_only)),
        release_only=tuple(sorted(found.release_only)),
        foreign=tuple(sorted(found.foreign)),
        notes=tuple(dict.fromkeys(found.notes)),
        conflicts=tuple(sorted(found.conflicts, key=lambda b: b.claim)),
    )


def _documents(
    kind: Kind,
    desired: Desired,
    held: Held,
    mine: frozenset[Claim],
    others: frozenset[Claim],
    found: _Findings,
    *,
    repair: bool,
    adopt: bool,
) -> None:
    wanted = desired.of(kind)
    ours = {claim.name for claim in mine if claim.kind is kind}
    relied_on = {claim.name for claim in others if claim.kind is Kind.MAPPINGS and claim.entry_list}
    for name in sorted(wanted.keys() | ours | held.of(kind).keys()):
        claim, after, before = Claim(kind, name), wanted.get(name), held.get(kind, name)
        is_mine, is_others, fixed = claim in mine, claim in others, held.is_fixed(kind, name)
        if after is None:
            if not is_mine:
                if not is_others and not fixed and before is not None:
                    found.foreign.add(claim)
            elif before is None or is_others:
                found.release_only.add(claim)
            elif fixed:
                found.conflicts.append(Blocked(claim, "ours, but reserved by the engine", "remove it on the engine"))
            elif kind is Kind.ROLES and name in relied_on:
                found.conflicts.append(Blocked(claim, *_RELIED_ON))
            else:
                found.removals.append(Step(Operation.REMOVE, claim, before, None, "the model no longer asks for it"))
        elif before is None:
            if is_mine and not repair:
                found.notes.append(f"{claim} is missing and is left so")
            else:
                because = "removed by hand, put back" if is_mine else "the model asks for it"
                found.changes.append(Step(Operation.ADD, claim, None, after, because))
        elif same(before, after):
            _standing(claim, mine, others, found, adopt=adopt and not fixed, fixed=fixed)
        else:
            _differing(claim, before, after, mine, others, found, fixed=fixed, repair=repair, adopt=adopt)


_RELIED_ON = (
    "no longer asked for, but another owner grants it",
    "let the other owner declare the role, or end its grants",
)


def _standing(
    claim: Claim,
    mine: frozenset[Claim],
    others: frozenset[Claim],
    found: _Findings,
    *,
    adopt: bool,
    fixed: bool = False,
) -> None:
    """Asked for, and there already as asked for."""
    if claim in mine or fixed:
        return
    if adopt or claim in others:
        found.claim_only.add(claim)
    else:
        found.foreign.add(claim)


def _differing(
    claim: Claim,
    before: Json,
    after: Json,
    mine: frozenset[Claim],
    others: frozenset[Claim],
    found: _Findings,
    *,
    fixed: bool,
    repair: bool,
    adopt: bool,
) -> None:
    fields = ", ".join(differing(before, after))
    if fixed:
        blocked = Blocked(
            claim, f"reserved by the engine, and differs in {fields}", "give the model's one another name"
        )
    elif claim in others:
        blocked = Blocked(
            claim,
            f"claimed by another owner too, and differs in {fields}",
            "make both models alike, or give it another name",
        )
    elif claim in mine and not repair:
        found.notes.append(f"{claim} differs from the model in {fields} and is left so")
        return
    elif claim in mine or adopt:
        because = f"differs in {fields}" if claim in mine else f"adopted; differs in {fields}"
        found.changes.append(Step(Operation.REPLACE, claim, before, after, because))
        return
    else:
        blocked = Blocked(
            claim, f"made by hand, and differs in {fields}", "adopt it, or give the model's one another name"
        )
    found.conflicts.append(blocked)


def _mapped_roles(desired: Desired, held: Held, mine: frozenset[Claim]) -> set[str]:
    claimed = {claim.name for claim in mine if claim.kind is Kind.MAPPINGS}
    return desired.entries.keys() | held.of(Kind.MAPPINGS).keys() | claimed


def _mapping(
    role: str,
    desired: Desired,
    held: Held,
    mine: frozenset[Claim],
    others: frozenset[Claim],
    found: _Findings,
    *,
    gone: bool,  # whether the role does not exist once the plan is done
    repair: bool,
    adopt: bool,
) -> None:
    whole, before = Claim(Kind.MAPPINGS, role), held.get(Kind.MAPPINGS, role)
    steps: list[Step] = []
    stuck: list[Claim] = []  # ours and to be removed, but the engine takes no change to the mapping of an absent role
    staying = False  # whether anything remains in the mapping after our removals
    fixed = held.is_fixed(Kind.MAPPINGS, role)
    blocked = _RESERVED_MAPPING if fixed else None
    for entry_list in MAPPING_LISTS:
        wanted = desired.entries.get(role, {}).get(entry_list, {})
        there = frozenset(held.entries(role, entry_list))
        ours = {c.entry for c in mine if c.kind is Kind.MAPPINGS and c.name == role and c.entry_list == entry_list}
        barred = blocked or (_why_not_all(frozenset(wanted), there, ours) if entry_list == _AND else None)
        for entry in sorted(wanted.keys() | there | ours):
            claim = Claim(Kind.MAPPINGS, role, entry_list, entry)
            is_mine, is_others, is_there = entry in ours, claim in others, entry in there
            if entry in wanted and gone:
                found.conflicts.append(Blocked(claim, *_NO_ROLE))
            if entry in wanted and is_there and not gone:
                staying = True
                _standing(claim, mine, others, found, adopt=adopt and not fixed, fixed=fixed)
            elif entry in wanted and not gone:
                if barred:
                    found.conflicts.append(Blocked(claim, *barred))
                elif is_mine and not repair:
                    found.notes.append(f"{claim} is missing and is left so")
                else:
                    steps.append(Step(Operation.ADD, claim, None, entry, wanted[entry]))
            elif not is_mine:
                staying = staying or is_there
                if is_there and not is_others and not fixed:
                    found.foreign.add(claim)
            elif not is_there or is_others:
                staying = staying or is_there
                found.release_only.add(claim)
            elif fixed:
                staying = True
                found.conflicts.append(Blocked(claim, *_RESERVED_MAPPING))
            elif role not in held.of(Kind.ROLES):
                stuck.append(claim)
            else:
                steps.append(Step(Operation.REMOVE, claim, entry, None, "the model no longer asks for it"))
    adding = any(s.operation is Operation.ADD for s in steps)
    if before is None and adding:
        empty: Json = {entry_list: [] for entry_list in MAPPING_LISTS}
        found.changes.append(Step(Operation.ADD, whole, None, empty, f"{role} had no mapping"))
    elif whole in mine and (before is None or (gone and (staying or whole in others))):
        found.release_only.add(whole)
    found.changes.extend(steps)
    if stuck and (staying or whole not in mine or whole in others):
        found.conflicts.extend(Blocked(claim, *_STUCK) for claim in stuck)
        return
    if gone and staying and role in held.of(Kind.ROLES):
        found.notes.append(f"role {role} is removed, though entries that are not ours are mapped to it")
    elif gone and not staying and whole in mine and before is not None and whole not in others:
        found.release_only.update(stuck)
        found.removals.append(Step(Operation.REMOVE, whole, before, None, f"role {role} is removed"))


_NO_ROLE = ("there is no such role, or none any more", "name a role that exists, or declare it under roles")
_STUCK = (
    "the role is gone, so its mapping cannot be changed",
    "make the role again, or remove the whole mapping by hand",
)
_RESERVED_MAPPING = ("the engine reserves this mapping", "map the principal to a role of the model's own")


def _why_not_all(wanted: frozenset[str], there: frozenset[str], ours: set[str]) -> tuple[str, str] | None:
    """`and_backend_roles` is one condition: joined with somebody else's entries it would mean neither's."""
    strangers = there - ours - wanted
    if strangers and not there & ours:
        return (
            f"and_backend_roles already asks for {', '.join(sorted(strangers))}, by hand or for another owner",
            "make both alike, or use a role of the model's own",
        )
    return None
