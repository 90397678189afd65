"""How complex EventBridge finds a pattern: it refuses rules with too many wildcards in one field.

It says no number. What it matches with, event-ruler, counts how many wildcards one text can be in the middle of at the same time, over all
branches of a rule together, and so does this. Three patterns of the form `*:stack/NAME/*` in one field are known to be taken, and four
to be refused: the bound is what those three come to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOST = 9


def complexity(pattern: dict[str, Any]) -> int:
    """That of the field with the most."""
    fields: dict[str, set[str]] = {}
    _collect(pattern, "", fields)
    return max(map(at_once, fields.values()), default=0)


def _collect(value: Any, path: str, fields: dict[str, set[str]]) -> None:
    if isinstance(value, dict) and isinstance(value.get("wildcard"), str):
        fields.setdefault(path, set()).add(value["wildcard"])
    elif isinstance(value, dict):
        for name, part in value.items():
            _collect(part, path if name == "$or" else f"{path}.{name}", fields)
    elif isinstance(value, list):
        for part in value:
            _collect(part, path, fields)


def at_once(wildcards: Iterable[str]) -> int:
    """A place is the beginning of a pattern that was read so far; it counts once for each pattern that begins so."""
    ways: dict[str, int] = {}
    for text in wildcards:
        for end in range(len(text) + 1):
            ways[text[:end]] = ways.get(text[:end], 0) + 1
    letters = {letter for place in ways for letter in place[-1:]} - {"*"}
    seen: set[frozenset[str]] = set()
    coming = [_with_stars({""}, ways)]
    while coming:
        places = coming.pop()
        if places not in seen:
            seen.add(places)
            coming += [_with_stars(_after(places, letter), ways) for letter in letters]
    return max(sum(ways[place] for place in places if place) for places in seen)


def _after(places: frozenset[str], letter: str) -> set[str]:
    return {place + letter for place in places} | {place for place in places if place.endswith("*")}


def _with_stars(places: set[str], ways: dict[str, int]) -> frozenset[str]:
    """A star may stand for nothing."""
    return frozenset(place for place in {*places, *(f"{place}*" for place in places)} if place in ways)
