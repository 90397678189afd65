"""Roles as the engine compiles them: which actions and patterns an entry holds, and which of its limits count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.limiting.query_shapes import readable
from portcullis.families.opensearch.names.attributes import needs_attributes
from portcullis.families.opensearch.names.dates import is_date_name
from portcullis.families.opensearch.names.matching import is_pattern, match, unknown

DOCUMENTS, FIELDS, MASKS = "documents", "fields", "masked fields"
LIMITS = (DOCUMENTS, FIELDS, MASKS)


class Actions:
    """What a list of permissions allows. A name of a group stands for what is in it, and for itself as a pattern."""

    def __init__(self, names: Iterable[str]) -> None:
        every = frozenset(names)
        self._exact = frozenset(name for name in every if not is_pattern(name))
        self._patterns = tuple(sorted(every - self._exact))
        self._known: dict[str, bool] = {}
        self.unreadable = tuple(pattern for pattern in self._patterns if unknown(pattern))

    def allow(self, action: str) -> bool:
        found = self._known.get(action)
        if found is None:
            found = action in self._exact or any(match(pattern, action) is True for pattern in self._patterns)
            self._known[action] = found
        return found

    def name(self, action: str) -> bool:
        """Whether it is allowed by more than `*`: some permissions have to be given in so many words."""
        return action in self._exact or any(one != "*" and match(one, action) is True for one in self._patterns)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The index patterns of an entry: those that hold for everybody, those with attributes, those with dates."""

    everything: bool
    static: tuple[str, ...]
    templates: tuple[str, ...]
    dates: tuple[str, ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> Patterns:
        given = tuple(pattern for pattern in written if pattern and pattern.strip())
        dates = tuple(pattern for pattern in given if is_date_name(pattern))
        templates = tuple(pattern for pattern in given if needs_attributes(pattern) and not is_date_name(pattern))
        static = tuple(pattern for pattern in given if pattern not in dates and pattern not in templates)
        return cls("*" in given, static, templates, dates)

    @property
    def dynamic(self) -> tuple[str, ...]:
        return (*self.templates, *self.dates)


@dataclass(frozen=True, slots=True)
class Entry:
    """One index permission of a role."""

    role: str
    place: int
    written: tuple[str, ...]
    patterns: Patterns
    actions: Actions
    limits: Mapping[str, Any]  # which limit -> its text or list; only those that it sets

    @property
    def readable(self) -> bool | None:
        """Whether its document filter is one; of one with attributes the engine sees that later."""
        query = self.limits.get(DOCUMENTS)
        return True if query is None or needs_attributes(query) else readable(query)


@dataclass(frozen=True)
class Role:
    name: str
    cluster: Actions
    entries: tuple[Entry, ...]

    @cached_property
    def limited(self) -> bool:
        return any(entry.limits for entry in self.entries)

    @cached_property
    def dynamic(self) -> bool:
        """Whether what it covers depends on the caller or on the day."""
        return any(entry.patterns.dynamic for entry in self.entries)

    @cached_property
    def templates(self) -> bool:
        """Whether a pattern or a filter takes attributes in."""
        return any(e.patterns.templates or needs_attributes(e.limits.get(DOCUMENTS, "")) for e in self.entries)

    @cached_property
    def static(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(pattern for entry in self.entries for pattern in entry.patterns.static))

    def counting(self, limit: str, *, indexed: bool) -> tuple[Entry, ...]:
        """The entries whose limit counts on 3.x. A filter that is no query ends the reading of its role for documents, there and then.

        `indexed`: where patterns are matched beforehand with the indices that exist; the engine passes over others before it reads.
        """
        if limit != DOCUMENTS or self._all_readable:
            return self.entries
        counting = []
        for entry in self.entries:
            looked_at = not indexed or (not entry.patterns.everything and entry.patterns.static)
            if looked_at and entry.readable is False:
                break
            counting.append(entry)
        return tuple(counting)

    @cached_property
    def _all_readable(self) -> bool:
        return all(entry.readable is not False for entry in self.entries)


class Roles:
    """The roles of a config, each compiled when it is first asked for."""

    def __init__(self, held: Actual, *, blank_is_filter: bool) -> None:
        self._held, self._blank_is_filter = held, blank_is_filter
        self._roles: dict[str, Role | None] = {}
        self._actions: dict[tuple[str, ...], Actions] = {}
        self._groups: dict[str, frozenset[str]] = {}

    def get(self, name: str) -> Role | None:
        """None: there is no such role, and whoever has it may do nothing by it."""
        if name not in self._roles:
            document = self._held.of(Kind.ROLES).get(name)
            self._roles[name] = None if document is None else self._compiled(name, document)
        return self._roles[name]

    def _compiled(self, name: str, document: Json) -> Role:
        entries = tuple(
            self._entry(name, place, permission)
            for place, permission in enumerate(document.get("index_permissions") or ())
        )
        return Role(name, self._allowed(document.get("cluster_permissions") or ()), entries)

    def _entry(self, role: str, place: int, permission: Json) -> Entry:
        written = tuple(permission.get("index_patterns") or ())
        limits: dict[str, Any] = {}
        dls = permission.get("dls")
        if dls and (self._blank_is_filter or dls.strip()):
            limits[DOCUMENTS] = dls
        for limit, key in ((FIELDS, "fls"), (MASKS, "masked_fields")):
            if given := permission.get(key):
                limits[limit] = tuple(given)
        return Entry(
            role, place, written, Patterns.of(written), self._allowed(permission.get("allowed_actions") or ()), limits
        )

    def _allowed(self, names: Iterable[str]) -> Actions:
        key = tuple(names)
        if key not in self._actions:
            self._actions[key] = Actions({inner for name in key for inner in (name, *self._group(name))})
        return self._actions[key]

    def _group(self, name: str) -> frozenset[str]:
        """All that an action group holds, however deep."""
        if name not in self._groups:
            groups, found, waiting = self._held.of(Kind.ACTION_GROUPS), set[str](), [name]
            while waiting:
                group = groups.get(waiting.pop())
                new = set((group or {}).get("allowed_actions") or ()) - found
                found |= new
                waiting += new
            self._groups[name] = frozenset(found)
        return self._groups[name]
