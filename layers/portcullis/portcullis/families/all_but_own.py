"""All indices but an engine's own, as a path: the same rules on an OpenSearch and on an Elasticsearch. Pure.

An engine takes a pattern that excludes for aliases too, and leaves out whatever index such an alias leads to. So whoever may give an
index a second name that is like one of the engine's own would keep that index open in a lock, and unseen. It is asked for again, by the
beginning of its own name: there may be more such indices than names fit into a path. Where the beginnings are too many for one, the
engine's own are left out by their names instead, and where these are too many as well, all is several paths.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import quote

_LONGEST = 1000  # of the beginnings, in a path of which all is some 4,000
_LONGEST_OF_NAMES = 2500  # of the engine's own, by their names; the rest is for what else a request leaves out


def all_but(own: Sequence[str], named_like_own: Iterable[str] = (), free: Collection[str] = ()) -> tuple[str, ...]:
    """`own`: names and patterns that end in a star. `named_like_own`: the indices that are called so, or are behind an alias that is;
    those of them that are `free` the engine keeps from nobody, whatever they are called."""
    named = set(named_like_own)
    there = sorted(name for name in named if is_own(own, name) and name not in free)
    again = sorted({_beginning(name, own) for name in named.difference(there)})
    without = ",".join(("*", *(f"-{name}" for name in own)))
    if sum(map(len, again)) <= _LONGEST:
        return (",".join((without, *again)),)
    by_name = ",".join(("*", *(f"-{quote(name, safe='')}" for name in there)))
    if len(by_name) <= _LONGEST_OF_NAMES:
        return (by_name,)
    return (without, *_joined(again))


def _joined(names: Iterable[str]) -> Iterator[str]:
    part: list[str] = []
    for name in names:
        if part and sum(map(len, part)) + len(part) + len(name) > _LONGEST_OF_NAMES:
            yield ",".join(part)
            part = []
        part.append(name)
    if part:
        yield ",".join(part)


def is_own(own: Sequence[str], name: str) -> bool:
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in own)


def _beginning(index: str, own: Sequence[str]) -> str:
    """The shortest beginning of this name that no name of the engine's own has, as a pattern; else the name itself."""
    stems = [one.removesuffix("*") for one in own]
    for length in range(1, len(index)):
        start = index[:length]
        if not any(stem.startswith(start) or start.startswith(stem) for stem in stems):
            return f"{quote(start, safe='')}*"
    return quote(index, safe="")
