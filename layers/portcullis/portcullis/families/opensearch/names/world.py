"""What exists on an engine and how it is set, and which names a request means by what it writes.

The engine resolves what is asked for twice: to check it, by options of its own (hidden indices too, closed ones not), and to do it, by the
options of the request. The second may reach less than the first was checked for, never more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import compress

from portcullis.families.opensearch.names.dates import resolved
from portcullis.families.opensearch.names.matching import is_expression, is_pattern, match, wildcard


class Release(StrEnum):
    """Whose rules are meant: those of 2.19 and of 3 differ in how limits are kept."""

    V2 = "2.19.3"
    V3 = "3.4.0"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What exists on the engine and how it is set."""

    indices: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # alias -> its indices
    streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # data stream -> the indices behind it
    hidden: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    dfm_empty_overrides_all: bool = False
    do_not_fail_on_forbidden: bool = False
    release: Release = Release.V3
    now: datetime | None = None  # for patterns with dates; without it what they cover is not known
    # alias -> index -> its filter there, as JSON. An alias that is not in it shows all of its indices.
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # index -> the index.blocks that are set
    v4: bool = False  # it goes by the opt-in evaluation of 3.7 and later, and leaves out what is forbidden unless the next says otherwise
    v4_whole: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """How a request wants its names to be read: as REST's `expand_wildcards`, `ignore_unavailable`, `allow_no_indices`."""

    open: bool = True
    closed: bool = False
    hidden: bool = False
    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    forbid_closed: bool = True
    aliases: bool = True  # whether an alias may stand for its indices
    several: bool = True  # whether one name may stand for several indices
    streams: bool = True  # whether a data stream may stand for its indices

    @classmethod
    def of_request(cls, asked: Mapping[str, str], default: Options) -> Options:
        """The options of a request: what it says over what its kind does."""
        states = asked.get("expand_wildcards", "").split(",") if asked.get("expand_wildcards") else None
        every = states is not None and "all" in states
        return cls(
            default.open if states is None else every or "open" in states,
            default.closed if states is None else every or "closed" in states,
            default.hidden if states is None else every or "hidden" in states,
            _said(asked, "ignore_unavailable", default.ignore_unavailable),
            _said(asked, "allow_no_indices", default.allow_no_indices),
            default.forbid_closed,
            default.aliases,
            default.several,
            default.streams,
        )


def _said(asked: Mapping[str, str], option: str, default: bool) -> bool:
    return asked[option] == "true" if option in asked else default


# By what the plugin resolves names to check them, whatever a request asks for.
_CHECKED = Options(hidden=True, forbid_closed=False, streams=False)
SEARCHED = Options()
STATED = Options(forbid_closed=False)  # of what is answered of a closed index, too
RESOLVED = Options(ignore_unavailable=True, forbid_closed=False)  # which names there are: none is missing
LISTED = Options(closed=True, hidden=True, ignore_unavailable=True, forbid_closed=False)  # what a page of indices shows
OPEN_ONES = Options(ignore_unavailable=True)  # and no hidden one that a wildcard fits
SINGLE = Options(open=False, several=False, allow_no_indices=False, streams=False)
WRITTEN = Options(
    open=False, allow_no_indices=False
)  # an alias of several has one that is written to, or none: it is not known here
DELETED = Options(closed=True, forbid_closed=False, aliases=False, several=False, streams=False)
EXPANDED = Options(closed=True, ignore_unavailable=True, forbid_closed=False)  # how 2.19 reads the pattern of a limit


class NotThere(Exception):
    """An index that is asked for by name does not exist."""


class Refused(Exception):
    """The engine refuses what is asked for as it is written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is checked for a request: a bit for each name that exists, and names that do not."""

    bits: int
    missing: tuple[str, ...] = ()
    everything: bool = False


class Names:
    """All names of an engine, sorted, a bit each: a set of them is a number, and those of a prefix stand side by side."""

    def __init__(self, world: EngineFacts) -> None:
        self.world = world
        self._many: dict[tuple[str, ...], int] = {}
        self.sorted = sorted({*world.indices, *world.aliases, *world.streams})
        self.place = {name: at for at, name in enumerate(self.sorted)}
        self.indices = self.of(world.indices)
        self.aliases = self.of(world.aliases)
        self.streams = self.of(world.streams)
        self.hidden = self.of(world.hidden) & self.indices
        self.closed = self.of(world.closed) & self.indices
        groups = {**world.aliases, **world.streams}
        self.members = {self.place[name]: self.of(members) & self.indices for name, members in groups.items()}
        self._parents: dict[str, list[str]] = {}
        for name, members in groups.items():
            for member in members:
                self._parents.setdefault(member, []).append(name)
        self._fitting: dict[str, int] = {}
        self._patterns: dict[str, int] = {}
        self._checked: dict[tuple[str, ...], Asked] = {}

    def of(self, names: Iterable[str]) -> int:
        """Of the same many names every time it is worked out once."""
        if not isinstance(names, tuple) or len(names) <= _FEW:
            return self._of(names)
        found = self._many.get(names)
        if found is None:
            if len(self._many) > 1_000:
                self._many.clear()
            found = self._many[names] = self._of(names)
        return found

    def _of(self, names: Iterable[str]) -> int:
        bits = 0
        for name in names:
            if (at := self.place.get(name)) is not None:
                bits |= 1 << at
        return bits

    def names(self, bits: int) -> Iterator[str]:
        if bits.bit_count() > _FEW:
            return compress(self.sorted, f"{bits:b}".encode().translate(_DIGITS)[::-1])
        return (self.sorted[at] for at in _places(bits))

    def parents(self, index: str) -> list[str]:
        """The aliases and the data stream of an index."""
        return self._parents.get(index, [])

    def groups_of(self, asked: Iterable[str]) -> Iterator[str]:
        """The aliases and data streams that hold any of the indices asked for, by name or by wildcard."""
        meant = 0
        for one in asked:
            meant |= self.simple(one) if "*" in one else self.of((one,))
        return (self.sorted[at] for at, members in self.members.items() if members & meant)

    def prefixed(self, prefix: str) -> int:
        """Every name that begins so."""
        start = bisect_left(self.sorted, prefix)
        end = bisect_left(self.sorted, prefix + "\U0010ffff", start) if prefix else len(self.sorted)
        return ((1 << (end - start)) - 1) << start

    def with_members(self, bits: int) -> int:
        """What covers an alias or a data stream covers its indices."""
        found = bits
        for at in _places(bits & (self.aliases | self.streams)):
            found |= self.members[at]
        return found

    @cached_property
    def _searchable(self) -> int:
        """What `*` is checked for: every open index, hidden ones too."""
        return self.indices & ~self.closed

    # ---- as the plugin resolves a request to check it

    def checked(self, asked: tuple[str, ...]) -> Asked:
        """What has to be permitted for a request. Raises Refused."""
        found = self._checked.get(asked)
        if found is None:
            if len(self._checked) > 10_000:
                self._checked.clear()
            found = self._checked[asked] = self._to_check(asked)
        return found

    def _to_check(self, asked: tuple[str, ...]) -> Asked:
        if not asked or asked == ("*",) or "_all" in asked:
            return Asked(self._searchable, everything=True)
        try:
            concrete = self.concrete(asked, _CHECKED)
            streams = self._expanded(list(asked), _CHECKED, streams=True, keep=True)
        except NotThere:
            # One of them is not there, or is a data stream: what is written is checked, and nothing is looked up.
            literal = dict.fromkeys(resolved(name, self.world.now) for name in asked)
            return Asked(self.of(literal), tuple(name for name in literal if name not in self.place))
        return Asked(concrete | (self.of(streams) & self.streams))

    def written(self, asked: Iterable[str], options: Options) -> Iterable[str]:
        """The names that a request comes to by its own options: wildcards are indices, what is named stays. Raises NotThere, Refused."""
        every = [resolved(one, self.world.now) for one in asked] or ["_all"]
        return self._expanded(every, options, streams=options.streams, keep=False)

    # ---- as the engine resolves it to do it

    def concrete(self, asked: Iterable[str], options: Options) -> int:
        """The indices that a request reaches. Raises NotThere, Refused."""
        written = list(asked) or ["_all"]
        if is_everything(written) and options.open and not options.closed and options.allow_no_indices:
            return self._everything(options, options.streams, keep=False)
        fails = not options.allow_no_indices if len(written) == 1 else not options.ignore_unavailable
        expressions = self._expanded(
            [resolved(one, self.world.now) for one in written], options, streams=options.streams, keep=False
        )
        found = 0
        for name in expressions:
            at = self.place.get(name)
            if at is None:
                if fails:
                    raise NotThere(name)
                continue
            bit = 1 << at
            if bit & self.aliases and not options.aliases:
                if fails:
                    raise Refused(f"{name} is an alias, where an index has to be named")
                continue
            if bit & self.streams and not options.streams:
                continue
            members = self.members[at] if bit & (self.aliases | self.streams) else bit
            if not options.several and members & (members - 1):
                raise Refused(f"{name} stands for several indices, where one has to be named")
            if members & self.closed:
                if options.forbid_closed and not options.ignore_unavailable:
                    raise Refused(f"{next(self.names(members & self.closed))} is closed")
                if options.forbid_closed:
                    members &= ~self.closed
            found |= members
        if not found and not options.allow_no_indices:
            raise NotThere(", ".join(written))
        return found

    def _expanded(self, expressions: list[str], options: Options, *, streams: bool, keep: bool) -> Iterable[str]:
        """Wildcards and exclusions written out. `keep`: a data stream is named itself, too."""
        if not options.open and not options.closed:
            return expressions
        if is_everything(expressions):
            return list(self.names(self._everything(options, streams, keep)))
        found: dict[str, None] | None = None
        wildcard = False
        for i, written in enumerate(expressions):
            expression = written
            if not expression:
                raise NotThere("")
            if expression.startswith("_"):
                raise Refused(f"{expression} cannot be a name: it begins with _")
            at = self.place.get(expression)
            hides = self.streams * (not streams) | self.aliases * (not options.aliases)
            if at is not None and not 1 << at & hides:
                if found is not None:
                    found[expression] = None
                continue
            out = expression.startswith("-") and wildcard
            expression = expression[out:]
            if found is None:
                found = dict.fromkeys(expressions[:i])
            if "*" not in expression:
                at = self.place.get(expression)
                if not options.ignore_unavailable:
                    if at is None or (1 << at & self.streams and not streams):
                        raise NotThere(expression)
                    if 1 << at & self.aliases and not options.aliases:
                        raise Refused(f"{expression} is an alias, where an index has to be named")
                meant = [expression]
            else:
                fitting = self.simple(expression) & ~hides
                meant = list(self.names(self._written_out(fitting, expression, options, keep)))
                if not options.allow_no_indices and not fitting:
                    raise NotThere(expression)
                wildcard = True
            for name in meant:
                if out:
                    found.pop(name, None)
                else:
                    found[name] = None
        if found is None:
            return expressions
        if not found and not options.allow_no_indices:
            raise NotThere(", ".join(expressions))
        return found

    def _everything(self, options: Options, streams: bool, keep: bool) -> int:
        every = self._of_state(self.indices, options)
        if not options.hidden:
            every &= ~self.hidden
        return every | (self._written_out(self.streams, "*", options, keep) if streams else 0)

    def _written_out(self, fitting: int, expression: str, options: Options, keep: bool) -> int:
        """The indices behind the names that a wildcard fits."""
        shown = fitting if options.hidden else self._shown(fitting, expression)
        found = shown & self.indices
        for at in _places(shown & (self.aliases | self.streams)):
            found |= self.members[at]
        found = self._of_state(found, options)
        return found | (shown & self.streams if keep else 0)

    def shown(self, expression: str) -> int:
        """The names that a request's wildcard fits, without the hidden ones that it fits only where a request asks for these."""
        return self._shown(self.simple(expression), expression)

    def _shown(self, fitting: int, expression: str) -> int:
        return fitting & ~self.hidden | (fitting & self.prefixed(".") if expression.startswith(".") else 0)

    def fitting(self, pattern: str) -> int:
        """The names that a pattern of a role fits."""
        found = self._patterns.get(pattern)
        if found is None:
            if len(self._patterns) > 50_000:
                self._patterns.clear()
            found = self._patterns[pattern] = self._fit(pattern)
        return found

    def _fit(self, pattern: str) -> int:
        if not is_pattern(pattern):
            return self.of((pattern,))
        if is_expression(pattern):
            return self.of(name for name in self.sorted if match(pattern, name) is True)
        head = pattern[: min(at for at in (pattern.find("*"), pattern.find("?")) if at >= 0)]
        within = self.prefixed(head)
        if pattern == f"{head}*":
            return within
        fits = wildcard(pattern).fullmatch
        return self.of(name for name in self.names(within) if fits(name))

    def fitting_any(self, patterns: Iterable[str]) -> int:
        found = 0
        for pattern in patterns:
            found |= self.fitting(pattern)
        return found

    def fits_any(self, patterns: Iterable[str], name: str) -> bool:
        """Whether one of them fits this name, which may not exist."""
        at = self.place.get(name)
        if at is None:
            return any(match(pattern, name) is True for pattern in patterns)
        return any(self.fitting(pattern) >> at & 1 for pattern in patterns)

    def _of_state(self, bits: int, options: Options) -> int:
        if not options.closed:
            bits &= ~self.closed
        return bits if options.open else bits & self.closed

    def simple(self, expression: str) -> int:
        """The names that a request's wildcard fits: it knows `*` alone."""
        found = self._fitting.get(expression)
        if found is None:
            head, star, rest = expression.partition("*")
            if star and not rest:
                found = self.prefixed(head)
            else:
                fits = wildcard(expression, question=False).fullmatch
                found = self.of(name for name in self.names(self.prefixed(head)) if fits(name))
            if len(self._fitting) > 10_000:
                self._fitting.clear()
            self._fitting[expression] = found
        return found


def is_everything(expressions: list[str]) -> bool:
    return not expressions or expressions in (["_all"], ["*"])


# Of more names than these all places are gone through at once: the digits of the number, as truth values.
_FEW = 8
_DIGITS = bytes.maketrans(b"01", b"\x00\x01")


def _places(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
