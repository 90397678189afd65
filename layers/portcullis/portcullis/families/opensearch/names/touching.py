"""Which patterns of roles may mean something of what a request names: a thousand of both, without asking each of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from portcullis.families.opensearch.names.matching import is_expression, is_pattern, matches, matches_any


class Named:
    """What is asked for: names of indices, and patterns of the request."""

    def __init__(self, names: Iterable[str]) -> None:
        self._known = frozenset(names)
        self._patterns = tuple(one for one in self._known if is_pattern(one))
        self._plain = sorted(self._known.difference(self._patterns))

    def touched_by(self, pattern: str) -> bool:
        """Whether a pattern of a role, and something of it, may mean the same index."""
        if "${" in pattern:
            return bool(self._known)
        if matches_any(self._patterns, pattern) or (pattern in self._known and not is_pattern(pattern)):
            return True
        return is_pattern(pattern) and any(matches(pattern, name) for name in self._near(pattern))

    def _near(self, pattern: str) -> Iterator[str]:
        """The names that it may fit: those that begin as it does, and what of the request is a pattern itself."""
        yield from self._patterns
        head = (
            ""
            if is_expression(pattern)
            else pattern[: min(map(len, (pattern.partition("*")[0], pattern.partition("?")[0])))]
        )
        for name in self._plain[bisect_left(self._plain, head) :]:
            if not name.startswith(head):
                return
            yield name
