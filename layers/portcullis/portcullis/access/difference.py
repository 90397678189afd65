"""The difference between what should be and what an engine holds, as steps; with respect for what is not ours.

What counts as ours is in the ledger as claims. The law of claims:
- asked for, missing: added and claimed. Asked for, ours, and missing or changed: put right.
- ours, no longer asked for: removed, unless another owner claims it too; then it is only released.
- never ours: left alone and listed as foreign, also when the model happens to ask for the same. `adopt` claims it then.
- asked for by us and already there for another owner: claimed as well, so that the other's leaving takes nothing from us.
- a list that is one condition: never joined with somebody else's entries, never left with a part of itself.
- a document of the wanted name that is not ours and differs: a conflict, for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.plan import Adopting, Blocked, Claim, Operation, Plan, Step
from portcullis.access.terms import Terms, fixed

_RESERVED = ("the engine reserves it", "use a role or a name of the model's own")
_NO_ROLE = ("there is no such role, or none any more", "name a role that exists, or declare it under roles")
_NOBODY = (
    "the engine keeps nobody of that name, or none any more",
    "name a user that exists, or declare it under users",
)
_HAS_MORE = (
    "no longer asked for, but by hand it was given what is not ours",
    "take that away by hand, or declare the user again",
)
_STUCK = (
    "the role is gone, so its mapping cannot be changed",
    "make the role again, or remove the whole mapping by hand",
)
_RELIED_ON = (
    "no longer asked for, but another owner grants it",
    "let the other owner declare the role, or end its grants",
)
_GONE = "the model no longer asks for it"


def difference(
    terms: Terms,
    desired: Desired,
    held: Actual,
    mine: frozenset[Claim],
    others: frozenset[Claim] = frozenset(),
    *,
    adopt: Adopting = False,
) -> Plan:
    """The steps from `held` to `desired`, in the order they are applied; the same for any order of the inputs. `terms`: of the family.

    `mine` and `others` are the claims of this owner and of all others on the same domain. Before the first write the claims of
    `Plan.claims_before` have to be in the ledger, after the last one those of `Plan.claims_after`.

    `adopt=True` claims what is there already and replaces what differs.
    """
    work = _Difference(terms, desired, held, mine, others, adopt=adopt, notes=list(desired.notes))
    for claim in mine:
        work.claimed_entries.setdefault((claim.name, claim.entry_list), set()).add(claim.entry)
    for kind in terms.order:
        if kind != terms.mappings:
            work.documents(kind)
    claimed = {claim.name for claim in mine if claim.kind == terms.mappings}
    for role in sorted(desired.entries.keys() | held.of(terms.mappings).keys() | claimed):
        work.mapping(role)
    work.note_granted_and_absent()
    # Mappings come last in the order of writing, and so first in that of removing.
    removals = sorted(work.removals, key=lambda step: (-terms.order.index(step.claim.kind), step.claim))
    return Plan(
        steps=(*work.changes, *removals),
        claim_only=tuple(sorted(work.claim_only)),
        release_only=tuple(sorted(work.release_only)),
        foreign=tuple(sorted(work.foreign)),
        notes=tuple(dict.fromkeys(work.notes)),
        conflicts=tuple(sorted(work.conflicts, key=lambda blocked: blocked.claim)),
    )


@dataclass(slots=True)
class _Difference:
    terms: Terms
    desired: Desired
    held: Actual
    mine: frozenset[Claim]
    others: frozenset[Claim]
    adopt: Adopting
    notes: list[str]
    changes: list[Step] = field(default_factory=list)
    removals: list[Step] = field(default_factory=list)  # of whole documents
    claim_only: set[Claim] = field(default_factory=set)
    release_only: set[Claim] = field(default_factory=set)
    foreign: set[Claim] = field(default_factory=set)
    conflicts: list[Blocked] = field(default_factory=list)
    claimed_entries: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # (role, list) -> entries of ours
    staying: dict[str, set[str]] = field(default_factory=dict)  # kind -> names that exist once the plan is done

    @property
    def _own(self) -> bool:
        """Whether mappings are documents of their own."""
        return self.terms.entries_in == self.terms.mappings

    def documents(self, kind: str) -> None:
        wanted, held = self.desired.of(kind), self.held.of(kind)
        ours = {claim.name for claim in self.mine if claim.kind == kind}
        kept_for = self._kept_for(kind) if ours - wanted.keys() else {}
        for name in sorted(wanted.keys() | ours | held.keys()):
            claim, before = Claim(kind, name), self.held.get(kind, name)
            if claim in self.desired.untouched:
                if before is not None and claim not in self.mine | self.others:
                    self.foreign.add(claim)
            elif name in wanted:
                self._asked_for(claim, before, wanted[name])
            elif claim not in self.mine:
                if claim not in self.others and not self.held.is_fixed(kind, name):
                    self.foreign.add(claim)
            elif before is None or claim in self.others:
                self.release_only.add(claim)
            elif self.held.is_fixed(kind, name):
                self._block(claim, _RESERVED)
            elif name in kept_for:
                self._block(claim, kept_for[name])
            else:
                self.removals.append(Step(Operation.REMOVE, claim, before, None, _GONE))
                if kind == self.terms.roles:
                    self._note_who_names_it(name)
        leaving = {step.claim.name for step in self.removals if step.claim.kind == kind}
        self.staying[kind] = (wanted.keys() | held.keys()) - leaving

    def _kept_for(self, kind: str) -> dict[str, tuple[str, str]]:
        """What of a kind must not be removed though nobody asks for it any more, and why: others rely on it."""
        entries = [claim for claim in self.others if claim.entry_list]
        if kind == self.terms.roles:
            named = {role for claim in self.others for role in self._names_roles(claim)}
            return dict.fromkeys({*named, *(claim.name for claim in entries)}, _RELIED_ON)
        if kind != self.terms.entries_in or self._own:
            return {}
        found = dict.fromkeys((claim.entry for claim in entries), _RELIED_ON)
        for role in self.held.of(self.terms.mappings):
            for entry_list in self.terms.lists:
                of_ours = self.claimed_entries.get((role, entry_list), set())
                strangers = (one for one in self.held.entries(role, entry_list) if one not in of_ours)
                found = dict.fromkeys(strangers, _HAS_MORE) | found
        return found

    def _names_roles(self, claim: Claim) -> tuple[str, ...]:
        document = None if claim.kind == self.terms.mappings else self.held.get(claim.kind, claim.name)
        return self.terms.names_roles(claim.kind, document) if document else ()

    def _note_who_names_it(self, role: str) -> None:
        for kind in self.terms.order:
            for name in sorted(self.held.of(kind)) if kind != self.terms.mappings else ():
                claim = Claim(kind, name)
                if claim not in self.mine and role in self._names_roles(claim):
                    self.notes.append(f"role {role} is removed, though {claim} gives it and is not ours")

    def note_granted_and_absent(self) -> None:
        """A role that somebody would be given by joining, and that is not there: of whoever is granted it already a conflict says so."""
        said = {one.claim.name for one in self.conflicts if one.why == _NO_ROLE[0]}
        for role in sorted(self.desired.granted - self.staying[self.terms.roles] - said):
            self.notes.append(f"{role} is granted, and {_NO_ROLE[0]}: {_NO_ROLE[1]}")

    def _asked_for(self, claim: Claim, before: Json | None, after: Json) -> None:
        if not self.staying.get(self.terms.roles, set()).issuperset(self.terms.names_roles(claim.kind, after)):
            self._block(claim, _NO_ROLE)
            if claim in self.mine and before is None:
                self.release_only.add(claim)
            elif claim in self.mine and claim not in self.others and not fixed(self.terms, self.held, claim):
                self.removals.append(Step(Operation.REMOVE, claim, before, None, _NO_ROLE[0]))
        elif before is None:
            self._add(self.changes, claim, after, "the model asks for it")
        elif self.terms.same(claim.kind, before, after):
            self._standing(claim)
        else:
            self._differs(claim, before, after)

    def _add(self, steps: list[Step], claim: Claim, after: Json | str, because: str) -> None:
        because += " (was removed by hand)" if claim in self.mine else ""
        steps.append(Step(Operation.ADD, claim, None, after, because))

    def _standing(self, claim: Claim) -> None:
        """Asked for, and there already as asked for."""
        if claim in self.mine or fixed(self.terms, self.held, claim):
            return
        (self.claim_only if self._adopts(claim) or claim in self.others else self.foreign).add(claim)

    def _differs(self, claim: Claim, before: Json, after: Json) -> None:
        fields = ", ".join(self.terms.differing(claim.kind, before, after))
        if self.held.is_fixed(claim.kind, claim.name):
            self._block(
                claim, (f"reserved by the engine, and differs in {fields}", "give the model's one another name")
            )
        elif claim in self.others:
            why = f"claimed by another owner too, and differs in {fields}"
            self._block(claim, (why, "make both models alike, or give it another name"))
        elif claim in self.mine or self._adopts(claim):
            because = f"differs in {fields}" if claim in self.mine else f"adopted; differs in {fields}"
            self.changes.append(Step(Operation.REPLACE, claim, before, after, because))
        else:
            why = f"made by hand, and differs in {fields}"
            self._block(claim, (why, "adopt it, or give the model's one another name"))

    def mapping(self, role: str) -> None:
        whole, before = Claim(self.terms.mappings, role), self.held.get(self.terms.mappings, role)
        gone = role not in self.staying[self.terms.roles]
        steps: list[Step] = []
        # Ours and to be removed, but the engine takes no change to the mapping of an absent role.
        stuck: list[Claim] = []
        staying = False  # whether anything remains in the mapping after our removals
        for entry_list in self.terms.lists:
            staying |= self._list(role, entry_list, steps, stuck, gone=gone)
        if self._own and before is None and any(step.operation is Operation.ADD for step in steps):
            empty: Json = {entry_list: [] for entry_list in self.terms.lists}
            self.changes.append(Step(Operation.ADD, whole, None, empty, f"{role} had no mapping"))
        self.changes.extend(steps)
        if gone and staying and role in self.held.of(self.terms.roles):
            self.notes.append(f"role {role} is removed, though entries that are not ours are mapped to it")
        if self._own:
            self._whole(whole, before, stuck, gone=gone, staying=staying)

    def _whole(self, whole: Claim, before: Json | None, stuck: list[Claim], *, gone: bool, staying: bool) -> None:
        """What becomes of a mapping that is a document of its own."""
        removable = whole in self.mine and whole not in self.others and not staying
        if stuck and not removable:
            self.conflicts.extend(Blocked(claim, *_STUCK) for claim in stuck)
        elif whole in self.mine and (before is None or (gone and not removable)):
            if not any(step.claim == whole for step in self.changes):
                self.release_only.add(whole)
        elif gone and removable and not fixed(self.terms, self.held, whole):
            self.release_only.update(stuck)
            self.removals.append(Step(Operation.REMOVE, whole, before, None, f"role {whole.name} is removed"))

    def _list(self, role: str, entry_list: str, steps: list[Step], stuck: list[Claim], *, gone: bool) -> bool:
        """One list of a mapping; True if anything remains in it after our removals."""
        asked = self.desired.entries.get(role, {}).get(entry_list, {})
        there = frozenset(self.held.entries(role, entry_list))
        of_list = self.claimed_entries.get((role, entry_list), set())
        if gone:
            self.conflicts.extend(
                Blocked(Claim(self.terms.mappings, role, entry_list, entry), *_NO_ROLE) for entry in asked
            )
            asked = {}
        joined = entry_list == self.terms.condition and not self.held.is_fixed(self.terms.mappings, role)
        not_ours = self._not_ours_alone(role, frozenset(asked), there) if joined and (asked or of_list) else None
        staying = False
        for entry in sorted(asked.keys() | there | of_list):
            claim = Claim(self.terms.mappings, role, entry_list, entry)
            barred = not_ours or (_RESERVED if fixed(self.terms, self.held, claim) else None)
            if entry in asked and not self._own and entry not in self.staying[self.terms.entries_in]:
                self._block(claim, _NOBODY)
            elif entry in asked and entry in there:
                staying = True
                if not barred or barred is _RESERVED:
                    self._standing(claim)
                    continue
                self._block(claim, barred)
                if claim in self.mine and claim in self.others:
                    self.release_only.add(claim)  # a condition of the other's alone now
            elif entry in asked:
                if barred:
                    self._block(claim, barred)
                else:
                    self._add(steps, claim, entry, asked[entry])
            elif claim not in self.mine:
                staying = True
                if claim not in self.others and not fixed(self.terms, self.held, claim):
                    self.foreign.add(claim)
            elif role in self.desired.unsure:
                staying |= entry in there  # it may be of whom could not be read
            elif entry not in there or claim in self.others:
                staying |= entry in there
                self.release_only.add(claim)
            elif barred:
                staying = True
                self._block(claim, barred)
            elif self._own and role not in self.held.of(self.terms.roles):
                stuck.append(claim)
            else:
                steps.append(Step(Operation.REMOVE, claim, entry, None, _GONE))
        return staying

    def _not_ours_alone(self, role: str, asked: frozenset[str], there: frozenset[str]) -> tuple[str, str] | None:
        """Why a list of which all entries are needed must be left as it is, or None if it is ours to change."""
        claims = {entry: Claim(self.terms.mappings, role, self.terms.condition, entry) for entry in asked | there}
        if there == asked or (there <= asked and all(claims[entry] in self.mine for entry in asked)):
            return None  # as it should be, or to be put back as it stood
        ours = {e for e in there if claims[e] in self.mine or (self._adopts(claims[e]) and e in asked)}
        strangers = sorted(e for e in there if e not in ours or claims[e] in self.others)
        if not strangers:
            return None
        why = f"{self.terms.condition} asks for {', '.join(strangers)}, by hand or for another owner"
        return why, "make both alike, or use a role of the model's own"

    def _adopts(self, claim: Claim) -> bool:
        return self.adopt if isinstance(self.adopt, bool) else claim in self.adopt

    def _block(self, claim: Claim, why_and_remedy: tuple[str, str]) -> None:
        self.conflicts.append(Blocked(claim, *why_and_remedy))
