"""Looking: what should be, what is, and the difference between the two. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.known import Recognised
from portcullis.access.plan import Adopting, Claim, Plan
from portcullis.errors import PortcullisError
from portcullis.families.base import Family
from portcullis.operations.access.foundation import MOVING, with_foundation
from portcullis.operations.people.known import last_look, recognised
from portcullis.operations.services import Site
from portcullis.ports.engine import Engine
from portcullis.ports.ledger import Claims
from portcullis.ports.registration import KeptModel


@dataclass(frozen=True, slots=True)
class Comparison:
    """One look at both sides."""

    family: Family
    began: datetime
    desired: Desired
    held: Actual
    plan: Plan
    mine: Claims
    others: frozenset[Claim]
    late: frozenset[Claim] = frozenset()  # of ours: what a write may still bring about whose answer nobody has seen

    def claims_after(self) -> frozenset[Claim]:
        """What is ours once the plan is done."""
        return self.plan.claims_after(self.mine) | self.late

    def simulated(self) -> Sequence[Write]:
        """The writes as a simulation needs them: no password is looked up or made for them."""
        return self.family.writes(self.plan.steps, self.held)

    def after(self) -> Actual:
        """What the engine would hold once the plan is applied."""
        return self.family.simulate_all(self.held, self.simulated())

    def digest(self) -> str:
        """By which a saved plan knows the state it was made for: what the engine holds, and what is to be done about it."""
        held = dict(self.held.documents)
        steps = [(step.operation.value, str(step.claim), step.after) for step in self.plan.steps]
        return f"{_digest(held)}.{_digest(steps)}"


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Truth:
    """What should be, as the groups were when the reading began. `unread`: why some could not be read."""

    began: datetime
    desired: Desired
    people: Recognised
    unread: tuple[PortcullisError, ...] = ()


def read_truth(site: Site, kept: KeptModel, *, whole: bool = False) -> Truth:
    """Who is in the groups of the model now. Raises Unreachable if one was not answered for and it has to be `whole`."""
    began = site.now()
    access = with_foundation(
        kept.access,
        site.registration,
        sample=kept.options.snapshots.restore_sample,
        moving=site.ledger.saved(site.name, MOVING) is not None,
    )
    last = last_look(site)
    found = site.identity.members(access.grants)
    if whole:
        found.whole()
    people = recognised(last, access, found)
    return Truth(began, site.family.compile(access, people.members), people, tuple(found.unread.values()))


def compare(
    site: Site,
    kept: KeptModel,
    *,
    truth: Truth | None = None,
    engine: Engine | None = None,
    held: Actual | None = None,
    claims: Mapping[str, Claims] | None = None,
    adopt: Adopting = False,
    repair: bool = True,
    late: frozenset[Claim] | None = None,
) -> Comparison:
    """What should be against what is, now. Reads ledger, and engine and identities unless they are given; changes nothing.

    `late` is what of ours may still come late, where that is known better than the ledger knows it.
    """
    truth = truth or read_truth(site, kept)
    claims = site.ledger.claims(site.place.id) if claims is None else claims
    mine, others = split_claims(claims, site.name)
    engine = engine or site.engine
    held = engine.read() if held is None else held
    # What this engine's dialect cannot hold is a named loss, not a difference that never goes away.
    family = site.family
    wanted, losses = family.representable(truth.desired, engine.dialect)
    plan = difference(family, wanted, held, mine, others, repair=repair, adopt=adopt)
    late = mine & (mine.late_at(truth.began) if late is None else late)
    released = tuple(claim for claim in plan.release_only if claim not in late)
    return Comparison(
        family, truth.began, wanted, held, replace(plan, losses=losses, release_only=released), mine, others, late
    )


def split_claims(claims: Mapping[str, Claims], owner: str) -> tuple[Claims, frozenset[Claim]]:
    """Ours, and those of all others on the same domain."""
    others = (theirs for name, theirs in claims.items() if name != owner)
    return claims.get(owner, Claims()), frozenset().union(*others)
