"""What action names mean: action groups resolved, patterns matched."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.access.actual import Actual
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.names.matching import matches_any


def expand(held: Actual, names: Iterable[str]) -> frozenset[str]:
    """The action patterns behind these names: groups resolved however deep, what is no group kept as it is."""
    groups = held.of(Kind.ACTION_GROUPS)
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        group = groups.get(name)
        if group is None:
            found.add(name)
        else:
            waiting.extend(group.get("allowed_actions") or ())
    return frozenset(found)


def allows(held: Actual, names: Iterable[str], action: str) -> bool:
    """Whether one of these permissions covers the action, e.g. `indices:data/read/search`."""
    return matches_any(expand(held, names), action)
