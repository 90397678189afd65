"""What is seen of indices, of what several actions or several ways come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from portcullis.access.questions.answers import Seen
from portcullis.families.opensearch.limiting.view import View

# The better, the higher: allowed, not known, refused.
RANK: Mapping[bool | None, int] = {True: 2, None: 1, False: 0}


def limits_of(view: View) -> tuple[object, ...]:
    return view.documents, view.fields, view.masks


def seen_of(view: View, *, open_: bool) -> Seen:
    """`open_`: what is refused may be let in all the same, and nobody here can tell."""
    if not view.allowed:
        return Seen(view.index, None if open_ else False)
    patterns = view.fields.patterns
    return Seen(
        view.index,
        True,
        view.documents or (),
        () if view.fields.excluding or view.fields.everything else patterns,
        patterns if view.fields.excluding else (),
        view.masks,
        alias_filters=view.alias_filters,
        unknown=view.unknown,
    )


def by_index(told: Iterable[tuple[Seen, ...]], one_of: Callable[[tuple[Seen, ...]], Seen]) -> tuple[Seen, ...]:
    """Of each index what several answers come to. They need not reach the same: a wildcard means more to one action than to another."""
    of: dict[str, list[Seen]] = {}
    for seen in told:
        for one in seen:
            of.setdefault(one.index, []).append(one)
    return tuple(one_of(tuple(of[index])) for index in sorted(of))


def narrowest(of_one_index: tuple[Seen, ...]) -> Seen:
    """Of several actions that are all needed."""
    return min(of_one_index, key=_order)


def widest(of_one_index: tuple[Seen, ...]) -> Seen:
    """Of several ways of which one is enough."""
    return max(of_one_index, key=_order)


def _order(one: Seen) -> tuple[int, bool, bool]:
    return RANK[one.allowed], not one.limited, not one.by_alias
