"""How an index looks to a caller, and the answer to a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from portcullis.families.opensearch.names.matching import matches, matches_any


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a document are seen. `.keyword` counts as the field itself."""

    excluding: bool = True
    patterns: tuple[str, ...] = ()

    def sees(self, name: str) -> bool:
        """An object's rule holds for all that is in it."""
        parts = name.removesuffix(".keyword").split(".")
        found = any(matches_any(self.patterns, ".".join(parts[: i + 1])) for i in range(len(parts)))
        return found is not self.excluding

    def shows(self, path: tuple[str, ...], *, older: bool) -> bool:
        """Whether a document shows the field, by the keys that lead to it. In those of 3.x an object that is included by its own name alone
        is empty: searches and aggregations find what is in it all the same. A key that has a dot is no object to either release: `~who`
        does not hide what a document calls "who.team"."""
        if not (older or self.excluding):
            return matches_any(self.patterns, ".".join(path))
        found = any(matches_any(self.patterns, ".".join(path[: at + 1])) for at in range(len(path)))
        return found is not self.excluding

    @property
    def everything(self) -> bool:
        return not self.patterns if self.excluding else "*" in self.patterns


@dataclass(frozen=True, slots=True)
class View:
    """How one index looks to the caller. Where something is `unknown`, the view says all that may be seen; perhaps less is."""

    index: str
    allowed: bool
    documents: tuple[str, ...] | None = None  # queries, OR-ed; None: all documents, or it is unknown
    fields: Fields = field(default_factory=Fields)
    masks: tuple[str, ...] = ()  # masking rules
    reasons: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # what only the engine can tell
    written: tuple[str, ...] | None = None  # the queries as the roles have them, whatever of it they find
    alias_filters: tuple[str, ...] = ()  # of the aliases it was reached through, OR-ed; empty: all of it is searched
    sets: tuple[tuple[str, ...], ...] = ()  # the masking rules by whose they are: of a set the first that matches wins

    def masks_of(self, name: str) -> tuple[str, ...]:
        """The masking rules of a field; of several which one counts changes, only the engine knows. A field that is not seen has none."""
        plain = name.removesuffix(".keyword")
        if not self.fields.sees(name):
            return ()
        sets = self.sets or (self.masks,)
        first = (next((rule for rule in rules if matches(rule.split("::")[0], plain)), None) for rules in sets)
        return tuple(dict.fromkeys(rule for rule in first if rule is not None))


@dataclass(frozen=True)
class Decision:
    """An answer. What of it takes long to say is worked out when it is asked for."""

    allowed: bool  # by all that is known
    roles: Mapping[str, str] = field(default_factory=dict)  # role -> why the caller has it
    refusal: tuple[str, ...] = ()  # why the whole of it is refused, or granted
    error: str = ""  # why nothing comes of it although it is permitted: a name that is not there, a closed index
    unknown: tuple[str, ...] = ()  # what may make it another decision, and only the engine can tell
    make_views: Callable[[], tuple[View, ...]] = tuple
    conditional: bool = False  # what is permitted hangs on what is unknown
    own: bool = False  # whether the plugin's own index is reached, too, of which nothing is shown
    beyond: Mapping[str, Beyond] = field(default_factory=dict)  # alias -> what the cluster behind it says to its part

    @cached_property
    def views(self) -> tuple[View, ...]:
        """Of the indices that were checked; none for a cluster action."""
        return self.make_views()

    @property
    def every_view(self) -> Iterator[View]:
        """Those of other clusters, too, by the names by which they were asked for."""
        yield from self.views
        for alias, one in self.beyond.items():
            if not one.left_out and one.decision.allowed:
                yield from (replace(view, index=f"{alias}:{view.index}") for view in one.decision.views)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(reason for view in self.views for reason in view.reasons), *self.refusal)))

    @property
    def certain(self) -> bool | None:
        """`allowed`, or None: what is refused may be let in by what only the engine can tell, and what is permitted may hang on it."""
        if self.allowed:
            return None if self.conditional else True
        return None if self.unknown else False

    @cached_property
    def visible(self) -> tuple[str, ...]:
        """The indices the request reaches."""
        return tuple(view.index for view in self.views if view.allowed) if self.allowed else ()


@dataclass(frozen=True)
class Beyond:
    """What another cluster says to its part of a request. `left_out`: it refuses, or fails, and the rest is answered without it."""

    decision: Decision
    left_out: bool = False
