"""Names that fit two patterns at once: only there it shows what two entries of roles come to together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import product

_MOST_PAIRS = 20_000
Fits = Callable[[str, str], bool]  # pattern, name


def crossings(example: Mapping[str, str], limited: Collection[str], fits: Fits, within: Fits) -> Iterator[str]:
    """Names that fit a pattern of `limited` and another one, too, where neither is in the other.

    `example`: pattern -> a name that fits it. `within`: whether the second pattern covers all of the first. Of very many pairs the first.
    """
    pairs = product(sorted(limited), sorted(example))
    for _, (one, other) in zip(range(_MOST_PAIRS), pairs, strict=False):
        if not (within(one, other) or within(other, one)):
            yield from both(one, other, example, fits)


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
