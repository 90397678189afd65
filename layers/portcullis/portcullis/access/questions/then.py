"""What there was at a time, from what there is now and the history of what changed: changes undone, the latest first. As data, and pure.

The history has what Portcullis changed. What others changed by hand is in no history: it is as it is now, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from portcullis.access.actual import Actual
from portcullis.access.plan import AppliedStep, Claim
from portcullis.access.questions.answers import KeptOut
from portcullis.access.questions.changes import Diff
from portcullis.access.terms import Terms, fixed, is_as_left


@dataclass(frozen=True, slots=True)
class Had:
    """Somebody who had access. `reads`, `writes`, `unknown`: indices; `sees`: how much of those of which it was a part, in words.
    `certain`: whether nothing that is not kept decides it."""

    person: str
    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    sees: tuple[str, ...]
    unknown: tuple[str, ...]
    through: tuple[str, ...]  # roles
    certain: bool


@dataclass(frozen=True, slots=True)
class Then:
    """Who had access at a moment. `undone`: how many changes since were taken back in thought. `kept_out`: whom of them the network or a
    policy keeps out, as those are now."""

    deployment: str
    at: str
    answer: str  # one sentence
    stopped: str  # what kept everybody out then, in words; empty: nothing
    people: tuple[Had, ...]
    undone: int
    uncertain: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    kept_out: tuple[KeptOut, ...] = ()
    exit_status: int = 0


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the history."""

    at: str
    operation: str
    by: str
    cause: str
    summary: str


@dataclass(frozen=True, slots=True)
class Between:
    """What became of access from one moment to another: net, and what happened on the way, the earliest first."""

    deployment: str
    since: str
    until: str
    difference: Diff
    happened: tuple[Happened, ...]
    uncertain: tuple[str, ...]
    kept_out: tuple[KeptOut, ...] = ()
    exit_status: int = 0


def as_it_was(
    terms: Terms, held: Actual, touched: Iterable[AppliedStep]
) -> tuple[tuple[AppliedStep, ...], tuple[str, ...]]:
    """Of the steps of one change those that can be taken back, and what of the others stands in the way, in words: what they left there
    was changed by hand since, so that what was before is not known from it."""
    can, cannot = [], []
    for one in touched:
        if is_as_left(terms, one, held):
            can.append(one)
        else:
            cannot.append(f"{one.claim} is no longer as it was left: it was changed by hand since")
    return tuple(can), tuple(cannot)


def by_hand(terms: Terms, held: Actual, known: Collection[Claim]) -> Iterator[Claim]:
    """What lets somebody in and no claim knows: since when they are there is in no history."""
    for role in sorted(held.of(terms.mappings)):
        for entry_list in terms.lists:
            for entry in held.entries(role, entry_list):
                claim = Claim(terms.mappings, role, entry_list, entry)
                if claim not in known and not fixed(terms, held, claim):
                    yield claim
    for kind in terms.order:  # what else gives roles, and is claimed whole
        for name, document in sorted(held.of(kind).items()):
            if kind != terms.mappings and Claim(kind, name) not in known and terms.names_roles(kind, document):
                yield Claim(kind, name)
