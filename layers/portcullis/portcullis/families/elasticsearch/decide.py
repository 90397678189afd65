"""What a caller may do and see on Elasticsearch, and why: privileges, document filter, fields.

As Elastic's security decides it, seen on real servers (tests/families/elasticsearch):

- Entries with the same set of names are merged before anything else, in whatever roles they stand: their privileges unite, and one of
  them without a query or without field rules takes away those of all.
- What is named has to be covered by its own name: an alias by the alias, a data stream by the stream or its backing indices by either. A
  wildcard narrows silently to what the action is permitted on; a name that is not permitted refuses the request.
- Of the entries that cover what was asked and grant the action: queries are OR-ed, one without a query lifts them; fields are what any of
  them shows, one without field rules shows all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from portcullis.families.elasticsearch.names import Unreadable, matches, matches_any
from portcullis.families.elasticsearch.privileges import (
    as_held,
    breaks_every_request,
    grants_on_cluster,
    grants_on_index,
    is_void,
    unknown,
)
from portcullis.families.elasticsearch.release import Release
from portcullis.families.elasticsearch.requests import ALL, Need

Json = dict[str, Any]

SUPERUSER = "superuser"
# Roles that the engine has and nobody can change, as far as they say something of people's indices.
_BUILT_IN: dict[str, Json] = {
    SUPERUSER: {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]},
    "viewer": {"indices": [{"names": ["/~(([.]|ilm-history-).*)/"], "privileges": ["read", "view_index_metadata"]}]},
    "editor": {"indices": [{"names": ["/~(([.]|ilm-history-).*)/"], "privileges": ["read", "view_index_metadata"]}]},
    "kibana_dashboard_only_user": {"indices": [{"names": [".kibana*"], "privileges": ["read", "view_index_metadata"]}]},
}
_READS_RESTRICTED = ("read", "view_index_metadata", "monitor", "read_cross_cluster")


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    hidden: bool = False
    closed: bool = False


@dataclass(frozen=True)
class EngineFacts:
    """What exists on the cluster."""

    indices: tuple[Index, ...] = ()
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # alias -> index -> its filter, or None
    data_streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # stream -> backing indices

    def of(self, name: str) -> tuple[str, ...]:
        """The indices behind a name; none if there is nothing of that name."""
        if name in self.aliases:
            return tuple(self.aliases[name])
        if name in self.data_streams:
            return self.data_streams[name]
        return (name,) if name in self._by_name else ()

    def stream_of(self, index: str) -> str:
        return self._streams.get(index, "")

    def is_closed(self, name: str) -> bool:
        return name in self._by_name and self._by_name[name].closed

    def is_hidden(self, name: str) -> bool:
        return (name in self._by_name and self._by_name[name].hidden) or bool(self.stream_of(name))

    @cached_property
    def _by_name(self) -> Mapping[str, Index]:
        return {one.name: one for one in self.indices}

    @cached_property
    def _streams(self) -> Mapping[str, str]:
        return {index: stream for stream, backing in self.data_streams.items() for index in backing}


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields are seen: what any of these groups shows. No group: all."""

    groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()  # (grant, except) of each

    def sees(self, name: str) -> bool:
        """Whether a field is seen, by its full dotted name."""
        return not self.groups or any(
            matches_any(grant, name) and not matches_any(without, name) for grant, without in self.groups
        )


@dataclass(frozen=True, slots=True)
class View:
    """How one index looks to the caller."""

    index: str
    documents: tuple[str, ...] | None = None  # queries as JSON, OR-ed; None: all documents
    fields: Fields = Fields()
    alias_filters: tuple[str, ...] | None = None  # of the aliases it was asked by, OR-ed; None: not filtered
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one need. `allowed` None: only the engine can tell; `status` is what it answers, as far as access decides it."""

    need: Need
    allowed: bool | None
    status: int = 200
    views: tuple[View, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of roles that have the same set of names, merged as the engine merges them."""

    names: tuple[str, ...]
    privileges: tuple[str, ...]
    queries: tuple[str, ...] | None  # None: not limited
    fields: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # empty: not limited
    restricted: bool
    roles: tuple[str, ...]

    def covers(self, name: str) -> bool:
        if is_restricted(name) and not self.restricted:
            return False
        return matches_any(self.names, name)


def is_restricted(name: str) -> bool:
    """Whether a name is one of the engine's own that a wildcard never reaches."""
    return name == ".security" or name.startswith(
        (".security-", ".async-search", ".internal.security", ".fleet-secrets", ".fleet-artifacts-")
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """What the roles of a caller come to."""

    groups: tuple[Group, ...]
    cluster: Mapping[str, tuple[str, ...]]  # role -> cluster privileges
    broken: tuple[str, ...] = ()  # why each request of the caller ends in an error
    unknown: tuple[str, ...] = ()  # what stands in the roles and is not understood here

    def grants(self, action: str) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if grants_on_index(group.privileges, action))


def holding(roles: Mapping[str, Json], names: Iterable[str], release: Release) -> Holding:
    """Roles of a caller by name, merged. A role that does not exist gives nothing."""
    entries: dict[tuple[frozenset[str], bool], list[tuple[str, Json]]] = {}
    cluster: dict[str, tuple[str, ...]] = {}
    broken: list[str] = []
    odd: list[str] = []
    for name in dict.fromkeys(names):
        role = roles.get(name) or built_in(name, release)
        cluster[name] = tuple(role.get("cluster") or ())
        odd += [f"cluster privilege {one} of role {name}" for one in unknown(cluster[name], "cluster")]
        for entry in role.get("indices") or ():
            if len(role["indices"]) == 1 and is_void(entry.get("privileges") or ()):
                continue
            privileges = as_held(entry.get("privileges") or (), release)
            odd += [f"index privilege {one} of role {name}" for one in unknown(privileges, "index")]
            broken += [
                f"{one} of role {name} is no privilege of {release}"
                for one in breaks_every_request(privileges, release)
            ]
            key = (frozenset(_listed(entry.get("names"))), bool(entry.get("allow_restricted_indices")))
            entries.setdefault(key, []).append((name, entry | {"privileges": privileges}))
    return Holding(tuple(_merged(key, of) for key, of in entries.items()), cluster, tuple(broken), tuple(odd))


def built_in(name: str, release: Release) -> Json:
    if name == SUPERUSER:
        beside = ("all",) if release.superuser_may_write_restricted else _READS_RESTRICTED
        restricted = {"names": ["*"], "privileges": list(beside), "allow_restricted_indices": True}
        return {"cluster": ["all"], "indices": [*_BUILT_IN[SUPERUSER]["indices"], restricted]}
    if name in ("viewer", "editor") and release.major < 7:
        return {}
    if name == "kibana_dashboard_only_user" and release.major > 7:
        return {}
    return _BUILT_IN.get(name, {})


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _merged(key: tuple[frozenset[str], bool], entries: Sequence[tuple[str, Json]]) -> Group:
    queries: list[str] = []
    fields: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    free_documents = free_fields = False
    for _, entry in entries:
        query, rules = entry.get("query"), entry.get("field_security") or {}
        free_documents |= query is None or query == ""
        queries += (
            [] if query in (None, "") else [query if isinstance(query, str) else json.dumps(query, sort_keys=True)]
        )
        grant = rules.get("grant")
        free_fields |= grant is None and not rules.get("except")
        fields.append((_listed(grant) if grant is not None else ("*",), _listed(rules.get("except"))))
    return Group(
        names=tuple(sorted(key[0])),
        privileges=tuple(dict.fromkeys(one for _, entry in entries for one in entry.get("privileges") or ())),
        queries=None if free_documents else tuple(dict.fromkeys(queries)),
        fields=() if free_fields else tuple(dict.fromkeys(fields)),
        restricted=key[1],
        roles=tuple(dict.fromkeys(name for name, _ in entries)),
    )


def answer(held: Holding, need: Need, world: EngineFacts, release: Release) -> Answer:
    """What the engine says to one need of the caller."""
    if held.broken:
        return Answer(need, False, 400, reasons=held.broken)
    try:
        told = _cluster(held, need) if need.cluster else _index(held, need, world, release)
    except Unreadable as error:
        return Answer(need, None, 0, reasons=(str(error),))
    if not told.allowed and held.unknown:
        return Answer(need, None, 0, reasons=(*told.reasons, *(f"{what} is not known here" for what in held.unknown)))
    return told


def _cluster(held: Holding, need: Need) -> Answer:
    granting = [role for role, privileges in held.cluster.items() if grants_on_cluster(privileges, need.action)]
    if granting:
        return Answer(need, True, reasons=(f"{need.action} through cluster privileges of {_names(granting)}",))
    return Answer(need, False, 403, reasons=(f"no cluster privilege of {_names(held.cluster)} covers {need.action}",))


def _index(held: Holding, need: Need, world: EngineFacts, release: Release) -> Answer:
    granting = held.grants(need.action)
    if not granting:
        return Answer(
            need, False, 403, reasons=(f"no role of {_names(held.cluster)} grants {need.action} on any index",)
        )
    if need.any_index:
        return Answer(need, True, reasons=(f"{need.action} through {_names(r for g in granting for r in g.roles)}",))
    if ALL in need.names and 6 < release.major < 9 and any(name.startswith("-") for name in need.names):
        return Answer(need, None, 0, reasons=(f"what is taken away from {ALL} was not measured on {release}",))
    asked = resolved(granting, need, world, release)
    if asked == [ALL] and covering(granting, ALL, world):
        # Seen on 9.5.3: what is left of the names is `_all` alone, and that is read as everything.
        return Answer(
            need, None, 0, reasons=(f"a role on the name {ALL} lets {','.join(need.names)} reach every index",)
        )
    refused = [name for name in asked if not covering(granting, name, world)]
    if need.options.ignore_unavailable:
        asked = [name for name in asked if name not in refused and world.of(name)]
    elif refused:
        why = f"no role of {_names(held.cluster)} grants {need.action} on {', '.join(refused)}"
        return Answer(need, False, 403, reasons=(why,))
    absent = [name for name in asked if not world.of(name)]
    if ALL in absent:
        return Answer(need, True, 400, reasons=(f"{ALL} beside other names is a name, and no index may have it: 400",))
    if absent and need.creates:
        return _created(held, need, absent, world, granting)
    if absent:
        return Answer(need, True, 404, reasons=(f"{', '.join(absent)} does not exist: the answer is 404, not 403",))
    if not asked:
        if need.options.allow_no_indices:
            return Answer(need, True, reasons=("nothing that matches is visible: an empty answer",))
        return Answer(need, True, 404, reasons=("nothing that matches is visible, and allow_no_indices is false",))
    views = _views(granting, asked, world)
    limited = [v.index for v in views if v.documents is not None or v.fields.groups]
    if need.refused_under_limits and limited:
        return Answer(need, False, 400, reasons=(f"{need.refused_under_limits} ({', '.join(limited)})",))
    return Answer(need, True, 200, views, tuple(dict.fromkeys(reason for view in views for reason in view.reasons)))


def _created(held: Holding, need: Need, absent: list[str], world: EngineFacts, granting: tuple[Group, ...]) -> Answer:
    """A name that does not exist is made by the request, which is a right of its own where it is a document that makes it."""
    through = _names(r for g in granting for r in g.roles)
    if need.action == "indices:admin/create":
        return Answer(need, True, 200, reasons=(f"{need.action} on {', '.join(absent)} through {through}",))
    making = held.grants("indices:admin/auto_create")
    lacking = [name for name in absent if not covering(making, name, world)]
    if lacking:
        why = f"{', '.join(lacking)} does not exist, and making it takes auto_configure or create_index"
        return Answer(need, False, 403, reasons=(why,))
    return Answer(need, True, 201, reasons=(f"{need.action} makes {', '.join(absent)}, through {through}",))


def covering(groups: Iterable[Group], name: str, world: EngineFacts) -> tuple[Group, ...]:
    """The groups that cover what was asked for: by its own name, or a backing index by its stream's."""
    stream = world.stream_of(name)
    return tuple(group for group in groups if group.covers(name) or (stream and group.covers(stream)))


def resolved(granting: tuple[Group, ...], need: Need, world: EngineFacts, release: Release) -> list[str]:
    """What a request's names come to: wildcards narrowed to what the action is permitted on, exclusions taken off by name."""
    found: dict[str, None] = {}
    wild = False
    for asked in need.names or ("*",):
        if asked.startswith("-") and wild:
            pattern = asked[1:]
            found = {name: None for name in found if not matches(pattern, name)}
        elif need.names == (ALL,) or "*" in asked:
            wild = True
            pattern = "*" if asked == ALL else asked
            found |= dict.fromkeys(
                name
                for name in (*(one.name for one in world.indices), *world.aliases, *world.data_streams)
                if matches(pattern, name)
                and _expands_to(name, pattern, need, world, release)
                and covering(granting, name, world)
            )
        else:
            wild |= asked == ALL and release.major > 6  # the oldest takes away from wildcards alone
            found[asked] = None
    return list(found)


def _expands_to(name: str, pattern: str, need: Need, world: EngineFacts, release: Release) -> bool:
    """Whether a wildcard reaches a name that exists: by its state, and whether it is hidden."""
    if world.is_closed(name):
        return need.options.closed
    if not need.options.open:
        return False
    hidden = release.has_hidden_indices and world.is_hidden(name)
    # Whoever begins a wildcard with a dot means what begins with one.
    return not hidden or need.options.hidden or (pattern.startswith(".") and name.startswith("."))


def _views(granting: tuple[Group, ...], asked: Sequence[str], world: EngineFacts) -> tuple[View, ...]:
    """One of each index behind what was asked: limited by the groups that cover it by a name it was asked by."""
    by_index: dict[str, dict[Group, None]] = {}
    filters: dict[str, list[str] | None] = {}
    for name in asked:
        groups = covering(granting, name, world)
        for index in world.of(name):
            by_index.setdefault(index, {}).update(dict.fromkeys(groups))
            rule = world.aliases.get(name, {}).get(index)
            if rule is None or filters.get(index, []) is None:
                filters[index] = None
            else:
                filters[index] = [
                    *(filters.get(index) or ()),
                    rule if isinstance(rule, str) else json.dumps(rule, sort_keys=True),
                ]
    return tuple(_view(index, tuple(groups), filters[index]) for index, groups in by_index.items())


def _view(index: str, groups: tuple[Group, ...], filters: list[str] | None) -> View:
    reasons = [f"{index} through {_names(r for g in groups for r in g.roles)}"]
    limited = [group for group in groups if group.queries is not None]
    documents: tuple[str, ...] | None = None
    if limited and len(limited) == len(groups):
        documents = tuple(dict.fromkeys(query for group in groups for query in group.queries or ()))
        reasons.append(f"documents limited by {_names(r for g in groups for r in g.roles)}")
    elif limited:
        free = _names(r for g in groups if g.queries is None for r in g.roles)
        reasons.append(
            f"{free} grants the same without a query, which lifts that of {_names(r for g in limited for r in g.roles)}"
        )
    fields = Fields()
    ruled = [group for group in groups if group.fields]
    if ruled and len(ruled) == len(groups):
        fields = Fields(tuple(dict.fromkeys(rule for group in groups for rule in group.fields)))
        reasons.append(f"fields limited by {_names(r for g in groups for r in g.roles)}")
    elif ruled:
        free = _names(r for g in groups if not g.fields for r in g.roles)
        reasons.append(
            f"{free} grants the same without field rules, which lifts those of {_names(r for g in ruled for r in g.roles)}"
        )
    return View(index, documents, fields, None if filters is None else tuple(dict.fromkeys(filters)), tuple(reasons))


def _names(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles))) or "nobody's"
