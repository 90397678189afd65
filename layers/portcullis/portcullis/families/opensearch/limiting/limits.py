"""Which limits of a caller's roles count for an index: by the rules of 3.x, and by those of 2.19.

3.x keeps one limit for a role and a name, that of the last entry that fits it, and joins those of all names of an index. 2.19 writes the
patterns of limits out when it is asked, keeps all limits of one index, and goes by one key alone where several fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from portcullis.families.opensearch.limiting.roles import Entry, Role
from portcullis.families.opensearch.names.dates import NotKnown, is_date_name, resolved
from portcullis.families.opensearch.names.matching import is_pattern, match
from portcullis.families.opensearch.names.world import EXPANDED, Names, NotThere, Refused

_EMPTY = "\0"  # the key of a pattern that is empty


class Renders(Protocol):
    """A caller: fills attributes in, and has roles."""

    @property
    def roles(self) -> Sequence[Role]: ...

    def render(self, text: str) -> str: ...


class Unreadable(Exception):
    """A limit cannot be worked out: the engine refuses the request."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What limits one kind of seeing on one index. `alternatives`: the entries that count, of which only one group does.

    No alternative: nothing limits. `nothing`: no role says anything of the index, and nothing is seen.
    """

    alternatives: tuple[tuple[Entry, ...], ...] = ()
    nothing: bool = False
    free: tuple[Entry, ...] = ()  # entries on the index without such a limit
    passed: tuple[Entry, ...] = ()  # entries with one that does not count, as a later one of their role does

    @property
    def limited(self) -> bool:
        return self.nothing or bool(self.alternatives)


class LimitsOf3:
    """The rules of 3.x."""

    def __init__(self, names: Names, *, free_wins: bool) -> None:
        self._names, self._free_wins = names, free_wins
        self._every = names.prefixed("")
        self._reach: dict[str, int] = {}

    def everywhere(self, who: Renders, limit: str) -> tuple[bool, bool]:
        """Whether something limits everything there is, and whether something frees it."""
        whole = [
            limit in entry.limits
            for role in who.roles
            for entry in role.counting(limit, indexed=False)
            if entry.patterns.everything
        ]
        return True in whole, self._free_wins and False in whole

    def _touching(self, who: Renders, names: Sequence[str]) -> Iterator[Role]:
        """The roles that say anything of one of these names."""
        bits = self._names.of(names)
        for role in who.roles:
            reach = self._reach.get(role.name)
            if reach is None:
                reach = self._reach[role.name] = self._names.fitting_any(role.static)
            if reach & bits or not bits or role.dynamic:
                yield role

    def bits(self, who: Renders, limit: str) -> tuple[int, int]:
        """Of the names that exist: what is limited, and what nothing is seen of."""
        limited = free = 0
        for role in who.roles:
            for entry in role.counting(limit, indexed=False):
                reach = self._every if entry.patterns.everything else self._dynamic_bits(who, entry)
                if limit in entry.limits:
                    limited |= reach
                else:
                    free |= reach
            for entry in role.counting(limit, indexed=True):
                if not entry.patterns.everything:
                    reach = self._names.with_members(self._names.fitting_any(entry.patterns.static))
                    if limit in entry.limits:
                        limited |= reach
                    else:
                        free |= reach
        if self._free_wins:
            limited &= ~free
        return limited, self._every & ~limited & ~free

    def _dynamic_bits(self, who: Renders, entry: Entry) -> int:
        found = 0
        for pattern in entry.patterns.dynamic:
            found |= self._names.fitting(rendered(who, pattern, self._names))
        return self._names.with_members(found)

    def on(self, who: Renders, limit: str, index: str) -> Limit:
        """The limit on an index, or on a name that does not exist."""
        known = index in self._names.place
        names = (index, *self._names.parents(index))
        limited: list[Entry] = []
        free: list[Entry] = []
        passed: list[Entry] = []
        for role in self._touching(who, names):
            mine: list[Entry] = []
            fitting: list[Entry] = []
            for entry in role.counting(limit, indexed=False):
                if entry.patterns.everything:
                    fitting.append(entry)
            mine += _last(entry for entry in fitting if limit in entry.limits)
            static = [
                entry
                for entry in role.counting(limit, indexed=known)
                if not entry.patterns.everything and entry.patterns.static
            ]
            for name in names:
                here = [entry for entry in static if self._names.fits_any(entry.patterns.static, name)]
                fitting += here
                with_limit = [entry for entry in here if limit in entry.limits]
                if known:
                    mine += _last(with_limit)
                else:
                    mine += {frozenset(entry.patterns.static): entry for entry in with_limit}.values()
            last: dict[tuple[str, ...], Entry] = {}
            for entry in role.counting(limit, indexed=False):
                if not entry.patterns.everything and entry.patterns.dynamic and self._fits(who, entry, names):
                    fitting.append(entry)
                    if limit in entry.limits:
                        last[entry.patterns.dynamic] = entry
            mine += last.values()
            limited += mine
            free += [entry for entry in fitting if limit not in entry.limits]
            passed += [entry for entry in fitting if limit in entry.limits and entry not in mine]
        counting, lifting = _once(limited), _once(free)
        if self._free_wins and lifting:
            return Limit(free=lifting, passed=(*counting, *_once(passed)))
        if counting:
            return Limit((counting,), free=lifting, passed=_once(passed))
        return Limit(nothing=not lifting, free=lifting, passed=_once(passed))

    def _fits(self, who: Renders, entry: Entry, names: Iterable[str]) -> bool:
        made = [rendered(who, pattern, self._names) for pattern in entry.patterns.dynamic]
        return any(match(pattern, name) is True for pattern in made for name in names)


class LimitsOf2:
    """The rules of 2.19."""

    def __init__(self, names: Names, *, free_wins: bool) -> None:
        self._names, self._free_wins = names, free_wins
        self._keys: dict[str, tuple[int, str]] = {}

    def bits(self, who: Renders, limit: str) -> tuple[int, int]:
        limited = self._written(who, limit)
        for key in self.groups(who, limit):
            limited |= self._names.fitting(key)
        return limited & self._names.indices, 0

    def _written(self, who: Renders, limit: str) -> int:
        """The indices that stand as keys themselves, and are limited."""
        limited = free = 0
        for entry, pattern in _patterns(who):
            bits, _ = self.keys(who.render(pattern))
            if limit in entry.limits:
                limited |= bits
            elif self._free_wins:
                free |= bits
        return limited & ~free

    def keys(self, pattern: str) -> tuple[int, str]:
        """The indices that the pattern of a limit is written out to, or the key that it stays where it is none. Raises Unreadable."""
        found = self._keys.get(pattern)
        if found is None:
            if len(self._keys) > 20_000:
                self._keys.clear()
            found = self._keys[pattern] = self._written_out(pattern)
        return found

    def _written_out(self, pattern: str) -> tuple[int, str]:
        if not pattern.strip():  # fits no name, and is a key all the same: its filter is read with all others
            return 0, pattern or _EMPTY
        names, bits = self._names, 0
        try:
            if is_pattern(pattern):
                groups = names.fitting(pattern) & (names.aliases | names.streams)
                if groups:
                    bits |= names.concrete(names.names(groups), EXPANDED)
            bits |= names.concrete((pattern,), EXPANDED)
        except NotThere:
            pass
        except NotKnown:
            return 0, ""  # it fits nothing, and `Doubts` tells of it
        except Refused as refused:
            raise Unreadable(str(refused)) from None
        return bits, "" if bits else pattern

    def groups(self, who: Renders, limit: str) -> dict[str, list[Entry]]:
        """Keys that are no index -> the entries under each."""
        found: dict[str, list[Entry]] = {}
        lifted: set[str] = set()
        for entry, pattern in _patterns(who):
            _, key = self.keys(who.render(pattern))
            if key and limit in entry.limits:
                found.setdefault(key, []).append(entry)
            elif key and self._free_wins:
                lifted.add(key)
        return {key: entries for key, entries in found.items() if key not in lifted}

    def anywhere(self, who: Renders, limit: str, entry: Entry) -> bool:
        """Whether the limit of an entry counts under any key."""
        limited = self._written(who, limit)
        under = self.groups(who, limit)
        return any(
            bits & limited or key in under
            for bits, key in (self.keys(who.render(pattern)) for pattern in entry.written)
        )

    def on(self, who: Renders, limit: str, index: str) -> Limit:
        exact: list[Entry] = []
        free: list[Entry] = []
        lifts = False
        bit = self._names.of((index,))
        for entry, pattern in _patterns(who):
            bits, key = self.keys(who.render(pattern))
            if limit not in entry.limits:
                lifts |= self._free_wins and bool(bits & bit)
                if bits & bit or (key and match(key, index) is True):
                    free.append(entry)
            elif bits & bit:
                exact.append(entry)
        alternatives = [] if lifts or not exact else [_once(exact)]
        alternatives += [
            _once(entries) for key, entries in self.groups(who, limit).items() if match(key, index) is True
        ]
        return Limit(tuple(alternatives), free=_once(free), passed=_once(exact) if lifts else ())


def _patterns(who: Renders) -> Iterator[tuple[Entry, str]]:
    """Nothing where no role of theirs has a limit: 2.19 then looks at none, whatever their patterns are."""
    if not any(role.limited for role in who.roles):
        return
    for role in who.roles:
        for entry in role.entries:
            for pattern in entry.written:
                yield entry, pattern


def rendered(who: Renders, pattern: str, names: Names) -> str:
    """A pattern with attributes or a date as it is matched; one whose date is not known fits nothing."""
    if is_date_name(pattern):
        try:
            return resolved(pattern, names.world.now)
        except NotKnown:
            return ""
    return who.render(pattern)


def _last(entries: Iterable[Entry]) -> list[Entry]:
    return list(entries)[-1:]


def _once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    found = {(entry.role, entry.place): entry for entry in entries}
    return tuple(found[key] for key in sorted(found))
