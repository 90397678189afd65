"""Whoever left goes first: which of a plan's steps take out somebody whom nothing asks for any more, and how they are sent ahead. Pure.

One write takes out and puts in at once, so where a plan is one write it stays one. Where documents have to be written before it, which may
take long or be refused, the leavers' entries are taken out in a write of their own, ahead of everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from portcullis.access.actual import Actual, Write
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.access.terms import Terms
from portcullis.families.base import Family


@dataclass(frozen=True, slots=True)
class Ordered:
    """What to send ahead, and then the rest, which is computed from `between`: what the engine holds once the first is done."""

    ahead: Sequence[Write]
    rest: Sequence[Write]
    between: Actual

    @property
    def all(self) -> Sequence[Write]:
        return [*self.ahead, *self.rest]


def of_leavers(terms: Terms, plan: Plan, held: Actual, still_asked: frozenset[Claim] = frozenset()) -> tuple[Step, ...]:
    """Steps that take somebody out who is put in nowhere else by the same plan; `still_asked` is left out.

    Somebody who moves from one role to another is not taken out ahead: a role may also limit. Of a list that is one
    condition, nothing is taken out ahead but all of it.
    """
    both = terms.condition
    entries = [step for step in plan.steps if step.claim.entry_list]
    coming = {(step.claim.entry_list, step.claim.entry) for step in entries if step.operation is Operation.ADD}
    conditions = {
        step.claim.name for step in entries if step.operation is Operation.ADD and step.claim.entry_list == both
    }
    leaving = [
        step
        for step in entries
        if step.operation is Operation.REMOVE
        and step.claim not in still_asked
        and (step.claim.entry_list, step.claim.entry) not in coming
    ]
    gone = {(step.claim.name, step.claim.entry) for step in leaving if step.claim.entry_list == both}

    def whole(role: str) -> bool:
        return role not in conditions and all((role, entry) in gone for entry in held.entries(role, both))

    return tuple(step for step in leaving if step.claim.entry_list != both or whole(step.claim.name))


def in_order(
    family: Family, plan: Plan, held: Actual, leavers: tuple[Step, ...], passwords: Mapping[str, str] | None = None
) -> Ordered:
    """The writes of a plan, the leavers' ahead where that is more than one. Without passwords: to be simulated."""
    together = family.writes(plan.steps, held, passwords)
    if not leavers or len(together) < 2:
        return Ordered((), together, held)
    return _apart(family, plan, held, leavers, passwords)


def _apart(
    family: Family, plan: Plan, held: Actual, leavers: tuple[Step, ...], passwords: Mapping[str, str] | None
) -> Ordered:
    ahead = family.writes(leavers, held)
    between = family.simulate_all(held, ahead)
    going = {step.claim for step in leavers}  # a plan has one step a claim
    rest = replace(plan, steps=tuple(step for step in plan.steps if step.claim not in going))
    return Ordered(ahead, family.writes(rest.steps, between, passwords), between)
