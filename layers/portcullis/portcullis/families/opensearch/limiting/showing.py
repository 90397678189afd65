"""What limits come to: which documents, which fields, which masks, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import Protocol

from portcullis.access.terms import Caller
from portcullis.families.opensearch.limiting.limits import Limit, Renders
from portcullis.families.opensearch.limiting.narrowing import narrowed
from portcullis.families.opensearch.limiting.roles import DOCUMENTS, FIELDS, MASKS, Entry
from portcullis.families.opensearch.limiting.view import Fields, View
from portcullis.families.opensearch.names.attributes import fields
from portcullis.families.opensearch.names.entries import untrue_to_text
from portcullis.families.opensearch.names.matching import is_expression, is_pattern, match

NOTHING = '{"match_none": {}}'  # a filter that no document passes


class Filled(Renders, Protocol):
    @property
    def caller(self) -> Caller: ...


def one_of(on: Limit, limit: str, unknown: list[str]) -> Limit:
    """The limit that counts; where only the engine knows which of several does, none, so that nothing is said to be hidden."""
    if len({_meaning(entries, limit) for entries in on.alternatives}) < 2:
        return on
    roles = names_of(entry.role for entries in on.alternatives for entry in entries)
    unknown.append(
        f"of the {limit} that {roles} limit by patterns, one of several counts, and only the engine knows which"
    )
    return Limit(free=on.free)


def told_of(on: Limit, what: str) -> Iterator[str]:
    limiting = {entry.role for entries in on.alternatives for entry in entries}
    free = {entry.role for entry in on.free}
    if on.nothing:
        yield f"no role of theirs says which {what} are seen: none"
        return
    if on.passed and not limiting and free:
        yield f"{names_of(free)} lifts the {what} of {names_of(e.role for e in on.passed)} (dfm_empty_overrides_all)"
        return
    if on.passed:
        yield f"of several entries of {names_of(entry.role for entry in on.passed)} the last one's {what} count"
    if limiting and (without := free - limiting):
        yield f"{names_of(without)} sets no limit on {what}, but {names_of(limiting)} does, which counts"
    elif limiting:
        yield f"{what} limited by {names_of(limiting)}"
    if within := limiting & free:
        yield f"one entry of {names_of(within)} sets no limit on {what}, but another of its entries does, which counts"


def documents_of(who: Filled, on: Limit, reasons: list[str]) -> tuple[str, ...] | None:
    if on.nothing:
        return (NOTHING,)
    if not on.alternatives:
        return None
    texts = [entry.limits[DOCUMENTS] for entry in on.alternatives[0]]
    caller = who.caller
    reasons += untrue_to_text(texts, caller.name, caller.backend_roles, caller.attributes)
    return tuple(dict.fromkeys(map(who.render, texts)))


def found_by(
    written: tuple[str, ...] | None,
    seen: View,
    reasons: list[str],
    unknown: list[str],
    *,
    measured: bool,
    what: str = "document filter",
) -> tuple[str, ...] | None:
    """The filters by which documents are found, once fields are hidden and masked. None where that is not known.

    `measured`: whether this release was asked what is left of a filter. `what`: what these filters are called.
    """
    if written is None or unknown:
        return written if not unknown else None
    left = {query: narrowed(query, seen) for query in written}
    if blind := sorted({name for _, names in left.values() for name in names}):
        told = f"{', '.join(blind)}, hidden or masked for them: the engine finds nothing there"
        reasons.append(f"the {what} looks at {told}")
    found = tuple(query for query, _ in left.values() if query is not None)
    if len(found) < len(left) or (blind and not measured):
        unknown.append(f"what a {what} finds in what is hidden or masked for them, only the engine can tell")
        return None
    return found


def fields_of(on: Limit, reasons: list[str]) -> Fields:
    if on.nothing:
        return Fields(True, ("*",))
    given = dict.fromkeys(rule for entry in (on.alternatives or ((),))[0] for rule in entry.limits[FIELDS])
    included, excluded = fields(given)
    if excluded and included:
        reasons.append("included fields are ignored, since others are excluded")
    if excluded or not included:
        return Fields(True, excluded)
    return Fields(False, included)


def in_documents_of_2(seen: Fields, reasons: list[str]) -> Fields:
    """Which fields a document of 2.19 has: it minds neither a /regular expression/ nor a `?`. Searches may."""
    plain = tuple(pattern for pattern in seen.patterns if not is_expression(pattern) and "?" not in pattern)
    if plain == seen.patterns:
        return seen
    reasons.append(
        "documents of 2.x mind no /regular expression/ and no ? of a field rule: searches and aggregations alone do"
    )
    return Fields(seen.excluding, plain) if seen.excluding or plain else Fields(True, ("*",))


def sets_of(on: Limit, *, older: bool) -> tuple[tuple[str, ...], ...]:
    """The masking rules by whose they are. 2.19 throws all of an index together, without an order."""
    if on.nothing:
        return (("*",),)
    entries = (on.alternatives or ((),))[0]
    if older:
        return tuple((rule,) for rule in dict.fromkeys(rule for entry in entries for rule in entry.limits[MASKS]))
    return tuple(dict.fromkeys(entry.limits[MASKS] for entry in entries))


def named_twice(masks: Iterable[str]) -> tuple[str, ...]:
    """The names that several of these masking rules have."""
    names = Counter(rule.split("::")[0] for rule in dict.fromkeys(masks))
    return tuple(name for name, often in names.items() if often > 1)


def clashing(sets: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Of 3.x, masking rules of two roles for one field of which one replaces a part: a text without that part is shown as it is where that
    one counts. Which one does changes from reload to reload (measured on 3.4.0)."""
    for one, other in combinations(sets, 2):
        for a, b in product(one, other):
            if a != b and (_in_part(a) or _in_part(b)) and _about_one_field(a.split("::")[0], b.split("::")[0]):
                part, whole = (a, b) if _in_part(a) else (b, a)
                yield f"of the masks {whole} and {part} one counts, only the engine knows which: what {part} leaves as it is may be shown"


def _in_part(rule: str) -> bool:
    return rule.count("::") > 1


def _about_one_field(one: str, other: str) -> bool:
    """Whether both may fit the same name; two patterns are taken to."""
    return (is_pattern(one) and is_pattern(other)) or match(one, other) is not False or match(other, one) is not False


def _meaning(entries: Sequence[Entry], limit: str) -> frozenset[str]:
    of = [entry.limits[limit] for entry in entries]
    return frozenset(of if limit == DOCUMENTS else (rule for rules in of for rule in rules))


def names_of(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles)))
