"""Looking: what should be, what is, and the difference between the two."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.drift import Drift, drift
from portcullis.access.known import Recognised
from portcullis.access.plan import AccessModel, Adopting, Claim, Plan
from portcullis.access.terms import Terms
from portcullis.custody.types import Custody
from portcullis.errors import PortcullisError
from portcullis.families.base import Family
from portcullis.operations.access.changing.foundation import MOVING, keepers, made_with_domain, with_foundation
from portcullis.operations.people.known import last_look, recognised, remember, tell
from portcullis.operations.services import Site, Trigger
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
    later: tuple[str, ...] = ()  # notes of the plan, about whom no policy lets us read before the next deploy

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
class Touched:
    """Roles in which somebody joined or left, and whom their entries name: those that we claim, and those that are asked for."""

    roles: frozenset[str]
    entries: frozenset[str]

    def documents(self, terms: Terms) -> Mapping[str, Collection[str]]:
        """Kind -> names of the documents that say what these roles are, and whether these entries are in them."""
        own = terms.entries_in == terms.mappings
        return {terms.roles: sorted(self.roles), terms.entries_in: sorted(self.roles if own else self.entries)}


@dataclass(frozen=True, slots=True)
class Truth:
    """What should be, as the groups were when the reading began. `unread`: why some could not be read."""

    began: datetime
    desired: Desired
    people: Recognised
    access: AccessModel
    unread: tuple[PortcullisError, ...] = ()


def read_truth(site: Site, kept: KeptModel, *, whole: bool = False, custody: Custody | None = None) -> Truth:
    """Who is in the groups of the model now. Raises Unreachable if one was not answered for and it has to be `whole`. `custody`: as
    it was read just now."""
    began = site.now()
    access = with_foundation(
        kept.access,
        site.registration,
        sample=kept.options.snapshots.restore_sample,
        moving=site.ledger.saved(site.name, MOVING) is not None,
    )
    last = last_look(site, custody)
    found = site.identity.members(access.grants)
    if whole:
        found.whole()
    people = recognised(last, access, found)
    desired = site.family.compile(access, people.members)
    return Truth(began, desired, people, access, tuple(found.unread.values()))


def truth_to_act_on(
    site: Site, kept: KeptModel, cause: Trigger, *, custody: Custody | None = None, whole: bool = False
) -> Truth:
    """The same before a write: who stands behind the names is known from here on, and who is somebody else is told."""
    truth = read_truth(site, kept, whole=whole, custody=custody)
    remember(site, truth.people, cause)
    tell(site, truth.people)
    return truth


def compare(
    site: Site,
    kept: KeptModel,
    *,
    truth: Truth | None = None,
    engine: Engine | None = None,
    held: Actual | None = None,
    claims: Mapping[str, Claims] | None = None,
    adopt: Adopting = False,
    late: frozenset[Claim] | None = None,
    only: Touched | None = None,
) -> Comparison:
    """What should be against what is, now. Reads ledger, and engine and identities unless they are given; changes nothing.

    `late` is what of ours may still come late, where that is known better than the ledger knows it. `only`: of these roles alone, and of
    who has them; what else there is was not looked at, and is in no plan.
    """
    truth = truth or read_truth(site, kept)
    claims = site.ledger.claims(site.place.id) if claims is None else claims
    mine, others = split_claims(claims, site.name)
    engine, family = engine or site.engine, site.family
    asked, ours, theirs = truth.desired, frozenset(mine), others
    if only is not None:
        some = only.documents(family)
        asked = asked.only(only.roles, some)
        ours, theirs = (_of(claims, family, only.roles, some) for claims in (ours, theirs))
        held = engine.read_some(some) if held is None else held
    if held is None:
        held = engine.read()
    wanted = asked
    losses: tuple[str, ...] = ()
    if only is None or only.roles:
        # What this engine's dialect cannot hold is a named loss, not a difference that never goes away.
        wanted, losses = family.representable(asked, engine.dialect)
    plan = difference(family, wanted, held, ours, theirs, adopt=adopt)
    late = mine & (mine.late_at(truth.began) if late is None else late)
    released = tuple(claim for claim in plan.release_only if claim not in late)
    # A user who is looked at shows roles that are not: whose they are is known all the same.
    known = mine | others | made_with_domain(site.registration)
    foreign = tuple(claim for claim in plan.foreign if claim not in known)
    plan = replace(plan, losses=losses, release_only=released, foreign=foreign)
    return Comparison(family, truth.began, wanted, held, plan, mine, others, late, truth.people.later)


def _of(
    claims: frozenset[Claim], terms: Terms, roles: Collection[str], documents: Mapping[str, Collection[str]]
) -> frozenset[Claim]:
    """Those on these documents, and on who has these roles."""
    return frozenset(
        one for one in claims if one.name in (roles if one.kind == terms.mappings else documents.get(one.kind, ()))
    )


def split_claims(claims: Mapping[str, Claims], owner: str) -> tuple[Claims, frozenset[Claim]]:
    """Ours, and those of all others on the same domain."""
    others = (theirs for name, theirs in claims.items() if name != owner)
    return claims.get(owner, Claims()), frozenset().union(*others)


def made_by_hand(site: Site) -> tuple[Drift, ...]:
    """What the engine holds otherwise than the model in force and the groups ask for, the gravest first."""
    return drift_in(site, compare(site, site.ledger.model(site.name)))


def drift_in(site: Site, now: Comparison) -> tuple[Drift, ...]:
    """The same of a look at everything."""
    return drift(now.family, now.desired, now.held, now.mine, now.others, keepers=keepers(site.registration))
