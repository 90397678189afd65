"""A change undone: the mirror image of what it touched, and whether that is still there as it was left. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.actual import Actual
from portcullis.access.plan import OPPOSITE, AppliedStep
from portcullis.access.terms import Terms, is_as_left


def undone(touched: Sequence[AppliedStep]) -> tuple[AppliedStep, ...]:
    """The same things, touched the other way round and in the opposite order."""
    return tuple(
        AppliedStep(
            operation=OPPOSITE[one.operation],
            kind=one.kind,
            name=one.name,
            entry_list=one.entry_list,
            entry=one.entry,
            before=one.after,
            after=one.before,
            because=f"undoes: {one.because}" if one.because else "",
        )
        for one in reversed(touched)
    )


def not_as_left(terms: Terms, touched: Sequence[AppliedStep], held: Actual) -> list[str]:
    """What was changed since, in words: undoing it would undo somebody else's change with it."""
    moved = [str(one.claim) for one in touched if not is_as_left(terms, one, held)]
    made = {one.name for one in touched if one.kind == terms.mappings and not one.entry_list and one.before is None}
    ours = {(one.name, one.entry_list, one.entry) for one in touched}
    leaving = {one.name for one in touched if one.kind == terms.roles and one.before is None}
    for role in sorted(made & leaving):
        for entry_list in terms.lists:
            strangers = [e for e in held.entries(role, entry_list) if (role, entry_list, e) not in ours]
            moved += [f"{entry} was mapped to {role}" for entry in strangers]
    if terms.entries_in != terms.mappings:
        made = {one.name for one in touched if one.kind == terms.entries_in and one.before is None}
        for role in sorted(held.of(terms.mappings)) if made else ():
            for entry_list in terms.lists:
                there = (one for one in held.entries(role, entry_list) if one in made)
                moved += [f"{one} was given {role}" for one in there if (role, entry_list, one) not in ours]
    return moved
