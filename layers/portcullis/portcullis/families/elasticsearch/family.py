"""Elasticsearch with Elastic's own security as a family of engines: `families.base.Family`.

Who has a role stands in two places, and is claimed in two ways: in the list of a native user, which others write too, entry by entry;
and in role mappings of a deployment's own, each a document that is ours as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AppliedStep, Claim, Operation, Step
from portcullis.families.base import Closed, Family
from portcullis.families.elasticsearch.documents import baseline, compare, compiling, config, shut, steps
from portcullis.families.elasticsearch.documents import writes as writing
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting import adopting, effect, losses, who_has
from portcullis.families.elasticsearch.known.release import Release


class Elasticsearch:
    """The Family protocol. A write is one call, or several of one kind that the adapter sends as few as its release takes.

    A dialect is the release and the licence of a cluster: `9.5 trial`.
    """

    name = "elasticsearch"
    order = config.ORDER
    roles, users, mappings = Kind.ROLES, Kind.USERS, config.MEMBERS
    entries_in = Kind.USERS
    lists = (config.NATIVE_USERS,)
    condition = ""
    administrator_roles = (config.SUPERUSER,)
    closing = (Kind.ROLES, Kind.USERS, Kind.MAPPINGS, Kind.KEYS)
    gives_out = True
    naming = (Kind.MAPPINGS,)

    same = staticmethod(compare.same_of)
    differing = staticmethod(compare.differing_of)
    names_roles = staticmethod(who_has.names_roles)
    mapped_roles = staticmethod(who_has.mapped_roles)
    holders = staticmethod(who_has.holders)
    administrators = staticmethod(who_has.administrators)
    asks_for = staticmethod(who_has.asks_for)
    claim_of = staticmethod(who_has.claim_of)
    let_in_by = staticmethod(who_has.let_in_by)
    user = staticmethod(who_has.user)
    only = staticmethod(who_has.only)

    compile = staticmethod(compiling.desired)
    baseline = staticmethod(baseline.baseline)
    taking = staticmethod(steps.taking)
    named = staticmethod(steps.named)
    refuse_if_moved = staticmethod(steps.refuse_if_moved)
    reopen = staticmethod(shut.reopen)
    effect = staticmethod(effect.people)
    filters = staticmethod(steps.filters)
    adoptable = staticmethod(adopting.adoptable)

    def written_by_us(
        self, saved: Mapping[str, Any], before: Actual, now: Callable[[], Actual]
    ) -> Mapping[str, Any] | None:
        return shut.written_by_us(saved, before, now())

    def only_the_engine_knows(self, _entry: str) -> bool:
        return False  # an entry is a native user's name, and no pattern

    def disguised(self, _actual: Actual) -> tuple[Claim, ...]:
        return ()

    def unloadable(self, _actual: Actual) -> tuple[tuple[Claim, str], ...]:
        return ()  # what it would not act on it refuses at once, or is a loss

    def representable(self, desired: Desired, dialect: str) -> tuple[Desired, tuple[str, ...]]:
        """What cannot be held as asked for is not written at all: with its limits left out, a role would give more."""
        version, _, licence = dialect.partition(" ")
        wanted = SecurityConfig(desired.documents)
        found = losses.losses(wanted, Release.of(version), licence or "trial")
        lost = {Claim(one.kind, one.name) for one in found}
        if not lost:
            return desired, ()
        documents = {
            kind: {name: one for name, one in named.items() if Claim(kind, name) not in lost}
            for kind, named in desired.documents.items()
        }
        return replace(desired, documents=documents, untouched=desired.untouched | lost), tuple(map(str, found))

    def simulate(self, actual: Actual, write: Write) -> SecurityConfig:
        return writing.simulate(_config(actual), write)

    def simulate_all(self, actual: Actual, writes: Sequence[Write]) -> SecurityConfig:
        found = _config(actual)
        for write in writes:
            found = writing.simulate(found, write)
        return found

    def new_users(self, plan: Sequence[Step]) -> list[str]:
        adding = (step.claim for step in plan if step.operation is Operation.ADD)
        return [claim.name for claim in adding if claim.kind == Kind.USERS]

    def writes(
        self, plan: Sequence[Step], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        held = _config(actual)
        return writing.writes(held, steps.after(plan, held, passwords), shut.AT_ONCE)

    def undoing(
        self, touched: Sequence[AppliedStep], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        held = _config(actual)
        return writing.writes(held, steps.undone(touched, held, passwords), shut.AT_ONCE)

    def password(self, user: str, password: str) -> Write:
        return Write(Kind.USERS, [{"op": writing.PASSWORD, "name": user, "password": password}])

    def look_again(self, write: Write) -> Mapping[str, Collection[str]]:
        users = steps.overwritten_users(write)
        return {config.MEMBERS: users} if users else {}

    def close(
        self,
        actual: Actual,
        keep: ProtectedPrincipals,
        saved: Mapping[str, Any] | None = None,
        *,
        roles_too: bool = False,
    ) -> Closed:
        # Its roles are emptied whatever is asked for.
        return shut.shut(_config(actual), keep, saved)

    def administers(self, actual: Actual, claim: Claim) -> bool:
        return who_has.administers(actual, claim)

    def kind_of(self, section: str) -> str:
        return next(kind for kind, known in adopting.SECTIONS.items() if known == section)


def _config(actual: Actual) -> SecurityConfig:
    return actual if isinstance(actual, SecurityConfig) else SecurityConfig({kind: actual.of(kind) for kind in Kind})


ELASTICSEARCH: Family = Elasticsearch()
