"""What a cluster holds, and what is on it, ready to be asked: what roles come to is worked out once for whoever has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from portcullis.access.actual import Actual
from portcullis.access.questions.answers import There
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.decide import Answer, answer
from portcullis.families.elasticsearch.deciding.remote import Remote, Whole
from portcullis.families.elasticsearch.documents.config import Kind, is_reserved
from portcullis.families.elasticsearch.granting.merging import (
    Group,
    Holding,
    Json,
    covering,
    holding,
    is_restricted,
    licensed,
)
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.names import Unreadable
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import BASIC, built_in, holds
from portcullis.families.elasticsearch.requesting.asking import Need
from portcullis.families.last_made import LastMade

NEWEST = Release(9, 5)


# Names that Elastic's own features keep: from 8 on a wildcard may not reach them, by which features a cluster has.
_OF_FEATURES = (
    *(".apm-", ".connector", ".enrich", ".fleet", ".geoip", ".inference", ".internal", ".kibana", ".logstash", ".ml-"),
    *(
        ".profiling",
        ".query-rules",
        ".reporting",
        ".search-app",
        ".secrets",
        ".slm",
        ".snapshot",
        ".synonyms",
        ".tasks",
    ),
    *(".transform", ".triggered_watches", ".watches", ".workplace", ".ent-search"),
)


def may_be_kept(index: str) -> bool:
    """Whether a name is of a feature of Elastic's own."""
    return index.startswith(_OF_FEATURES)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What an engine holds, and what is on it, ready to be asked. `known`: answers by who has which roles, need and name."""

    held: Actual
    there: There
    release: Release
    world: EngineFacts
    roles: Mapping[str, Json]  # those that count: `licensed`
    telling: Mapping[
        str, Json
    ]  # by which names of other clusters are told apart: of the engine's own only those that people have
    holdings: dict[frozenset[str], Holding] = field(default_factory=dict)
    known: dict[tuple[frozenset[str], Need], Answer] = field(default_factory=dict)
    reached: dict[tuple[frozenset[str], Need], Whole] = field(default_factory=dict)  # of needs that name other clusters
    sides: dict[tuple[frozenset[str], str], tuple[Group, ...]] = field(
        default_factory=dict
    )  # what limits whoever asks an alias
    plain: dict[str, frozenset[str]] = field(default_factory=dict)  # alias -> indices that are there by no other name
    remotes: dict[tuple[str, tuple[str, ...]], Remote] = field(
        default_factory=dict
    )  # by alias, and names that are imagined there
    groups: dict[tuple[frozenset[frozenset[str]], tuple[str, ...]], tuple[tuple[str, ...], ...]] = field(
        default_factory=dict
    )

    def holding(self, roles: frozenset[str]) -> Holding:
        if roles not in self.holdings:
            self.holdings[roles] = holding(self.roles, sorted(roles), self.release)
        return self.holdings[roles]

    def answer(self, roles: frozenset[str], need: Need) -> Answer:
        if (roles, need) not in self.known:
            self.known[roles, need] = self._answer(roles, need)
        return self.known[roles, need]

    def alike(self, ways: frozenset[frozenset[str]], indices: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The indices by groups: whoever has any of these sets of roles is told the same of all of a group, but for the name."""
        if (ways, indices) not in self.groups:
            found: dict[tuple[object, ...], list[str]] = {}
            for index in indices:
                found.setdefault(tuple(self._kind_of(roles, index) for roles in ways), []).append(index)
            self.groups[ways, indices] = tuple(map(tuple, found.values()))
        return self.groups[ways, indices]

    def _kind_of(self, roles: frozenset[str], index: str) -> tuple[object, ...]:
        world, groups = self.world, self.holding(roles).groups
        try:
            covered = tuple(place for place, group in enumerate(groups) if covering((group,), index, world))
        except Unreadable:
            return (index,)
        there = bool(world.of(index)), world.is_hidden(index), world.is_closed(index), world.stream_of(index)
        return (covered, there, is_restricted(index), index in world.aliases, may_be_kept(index))

    def _answer(self, roles: frozenset[str], need: Need) -> Answer:
        told = answer(self.holding(roles), need, self.world, self.release)
        left_out = sorted(one for one in roles if self.leaves_out(one))
        if told.allowed or not left_out:
            return told
        why = tuple(
            f"role {one} limits documents or fields, which a basic licence refuses: it gives nothing"
            for one in left_out
        )
        return replace(told, reasons=(*why, *told.reasons))

    def leaves_out(self, role: str) -> bool:
        """Whether the licence lets nothing of this role count."""
        return role in self.held.of(Kind.ROLES) and role not in self.roles

    def unknown_roles(self, roles: Iterable[str]) -> list[str]:
        """Roles of the engine's own of which it is not known here what they give."""
        held = self.held.of(Kind.ROLES)
        reserved = holds(self.release).reserved_roles
        return [one for one in sorted(roles) if one not in held and one in reserved and not built_in(one, self.release)]


_LAST: LastMade[Compiled] = LastMade(8)


def compiled(held: Actual, there: There) -> Compiled:
    """What is held, ready to be asked on an engine as it is."""
    return _LAST.of(held, lambda: _compile(held, there), there)


def _compile(held: Actual, there: There) -> Compiled:
    _, _, licence = there.dialect.partition(" ")
    roles = licensed(held.of(Kind.ROLES), basic=licence == BASIC)
    given = {
        role
        for of in (held.of(Kind.USERS), held.of(Kind.MAPPINGS))
        for one in of.values()
        if not is_reserved(one)
        for role in one.get("roles") or ()
    }
    telling = {name: role for name, role in roles.items() if name in given or not is_reserved(role)}
    return Compiled(held, there, release_of(there.engine), facts_of(there), roles, telling)


def release_of(engine: str) -> Release:
    """The release that a file's `engine` names; the newest that is known where it names none."""
    version = engine.removeprefix("elasticsearch-")
    try:
        return Release.of(version) if version else NEWEST
    except BadInput:
        return NEWEST


def facts_of(there: There) -> EngineFacts:
    behind = {one for of in there.streams.values() for one in of}
    names = dict.fromkeys((*(there.indices or ()), *sorted(behind)))
    indices = tuple(Index(name, name in there.hidden or name in behind, name in there.closed) for name in names)
    filters = there.filters or {}
    aliases = {name: {one: filters.get(name, {}).get(one) for one in of} for name, of in (there.aliases or {}).items()}
    return EngineFacts(indices, aliases, there.streams)
