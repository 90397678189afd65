"""Names that fit two patterns at once: only there it shows what two entries of roles come to together."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

_MOST_PAIRS = 20_000
Fits = Callable[[str, str], bool]  # pattern, name


def crossings(example: Mapping[str, str], limited: Collection[str], fits: Fits, within: Fits) -> Iterator[str]:
    """Names that fit a pattern of `limited` and another one, too, where neither is in the other.

    `example`: pattern -> a name that fits it. `within`: whether the second pattern covers all of the first. Of very many pairs that may
    meet the first.
    """
    for one, other in islice(may_meet(sorted(limited), sorted(example)), _MOST_PAIRS):
        if not (within(one, other) or within(other, one)):
            yield from both(one, other, example, fits)


def may_meet(some: Collection[str], others: Collection[str]) -> Iterator[tuple[str, str]]:
    """The pairs of patterns that how they begin and end does not keep apart. Found by how they begin: there may be thousands of both."""
    by_head: dict[str, list[str]] = {}
    for other in others:
        by_head.setdefault(_ends(other)[0], []).append(other)
    heads = sorted(by_head)
    for one in some:
        head, tail = _ends(one)
        shorter = (head[:length] for length in range(len(head)))
        longer = _starting(heads, head)
        for start in (*(short for short in shorter if short in by_head), *longer):
            for other in by_head[start]:
                end = _ends(other)[1]
                if end.endswith(tail) or tail.endswith(end):
                    yield one, other


def _ends(pattern: str) -> tuple[str, str]:
    """What a name that fits begins with, and what it ends with."""
    plain = re.split(r"[*?]", pattern)
    return plain[0], plain[-1]


def _starting(heads: list[str], head: str) -> Iterator[str]:
    for at in range(bisect_left(heads, head), len(heads)):
        if not heads[at].startswith(head):
            return
        yield heads[at]


def both(one: str, other: str, example: Mapping[str, str], fits: Fits) -> Iterator[str]:
    """Names that fit two patterns."""
    (first, *middle), (start, *between) = one.split("*"), other.split("*")
    last, end = middle.pop() if middle else first, between.pop() if between else start
    middles = "-".join(("example", *filter(None, (*middle, *between))))
    longest = max(first, start, key=len) + middles + max(last, end, key=len)
    names = [one.replace("*", example[other]), other.replace("*", example[one]), longest]
    fitting = [name for name in names if "?" not in name and fits(one, name) and fits(other, name)]
    yield from fitting[:1] if longest in fitting[:1] else [name for name in fitting if name != longest]


def meet(one: str, other: str, fits: Fits) -> bool:
    """Whether a name could fit both patterns."""
    example = {pattern: pattern.replace("*", "example") for pattern in (one, other)}
    return fits(one, other) or fits(other, one) or any(both(one, other, example, fits))
