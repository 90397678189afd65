"""What a change of access comes to for people, after merging: what each of them sees and may do that they did not, and no longer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from portcullis.access.questions.answers import Decided, Seen
from portcullis.access.questions.assertions import Asserted
from portcullis.access.truth import Truth, any_of
from portcullis.words import many

Verdict = Truth
# Of all indices of all people together, in characters; a plan tells them twice, and a function answers 6 MB at most (`entry.fitting`).
_ROOM = 2_000_000
_AROUND = 90  # characters that stand around one index in JSON


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Something that somebody may do. `patterns`: on which indices; none: it is on no index."""

    what: str
    patterns: tuple[str, ...] = ()
    administers: bool = False


@dataclass(frozen=True, slots=True)
class OnIndex:
    """What somebody sees of one index, or whether they write to it, in words."""

    index: str
    does: str  # read or write
    before: str
    after: str
    gains: Verdict
    loses: Verdict


@dataclass(frozen=True, slots=True)
class Changed:
    """One person. `gains` and `loses` are true, false, or null where it is not known."""

    person: str
    name: str
    gains: Verdict
    loses: Verdict
    indices: tuple[OnIndex, ...]
    gained: tuple[Right, ...] = ()
    lost: tuple[Right, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """`exit_status`: 1 if an assertion does not hold or is not known to, 3 where it differs and that was asked, else 0."""

    deployment: str
    before: str
    after: str
    answer: str  # one sentence
    people: tuple[Changed, ...]
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    assertions: tuple[Asserted, ...] = ()
    exit_status: int = 0


def as_many_as_fit(people: Sequence[Changed]) -> tuple[tuple[Changed, ...], tuple[str, ...]]:
    """Those of an answer, which a function may not make as large as it likes; and what is left out, in words. Of whoever comes last it is
    told that they gain and lose, what of rights, and not on which index."""
    room, kept = _ROOM, list[Changed]()
    for one in people:
        room -= sum(_AROUND + len(each.index) + len(each.before) + len(each.after) for each in one.indices)
        kept.append(one if room >= 0 else replace(one, indices=()))
    without = sum(a is not b for a, b in zip(people, kept, strict=True))
    told = f"on which indices {many(without, 'person', 'people')} more gain or lose something is left out, as it is too much"
    return tuple(kept), (told,) if without else ()


def seen_of(decided: Decided, index: str) -> Seen:
    """What is said of one index."""
    found = next((one for one in decided.seen if one.index == index), None)
    return found or Seen(index, None if decided.allowed is None else False)


def compared(before: Seen, after: Seen) -> tuple[Verdict, Verdict]:
    """Whether more is seen afterwards, and whether less. Unknown where two limits cannot be held against each other."""
    if before == after and before.allowed is not None:
        return False, False
    if before.allowed is None or after.allowed is None:
        return (
            False if before.allowed and not before.limited else None,
            False if before.allowed is False else None,
        )
    if not (before.allowed and after.allowed):
        return bool(after.allowed), bool(before.allowed)
    parts = [
        _of_alternatives(before.documents, after.documents),
        _of_alternatives(before.alias_filters, after.alias_filters),
        _of_fields(before, after),
        _of_hidden(before.masked, after.masked),
    ]
    return any_of(gains for gains, _ in parts), any_of(loses for _, loses in parts)


def _of_alternatives(before: Collection[str], after: Collection[str]) -> tuple[Verdict, Verdict]:
    """Of which one is enough; none: everything."""
    had, has = set(before), set(after)
    if had == has:
        return False, False
    if not has or (had and had < has):
        return True, False
    if not had or has < had:
        return False, True
    return None, None


def _of_hidden(before: Collection[str], after: Collection[str]) -> tuple[Verdict, Verdict]:
    """Each of them takes something away."""
    had, has = set(before), set(after)
    if had == has:
        return (False, False) if tuple(before) == tuple(after) else (None, None)
    return (True, False) if has < had else (False, True) if had < has else (None, None)


def _of_fields(before: Seen, after: Seen) -> tuple[Verdict, Verdict]:
    if not before.fields_only and not after.fields_only:
        return _of_hidden(sorted(before.fields_hidden), sorted(after.fields_hidden))
    if not before.fields_hidden and not after.fields_hidden:
        return _of_alternatives(before.fields_only, after.fields_only)
    return None, None


def in_short(seen: Seen, does: str) -> str:
    """ "nothing", "all", or the part of it."""
    if seen.allowed is None:
        return "not known"
    if not seen.allowed:
        return "nothing"
    if does != "read":
        return "writes"
    return seen.part or "reads all"
