"""What the roles of a caller come to: entries with the same set of names are merged before anything else, in whatever roles they stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable, matches_any
from portcullis.families.elasticsearch.known.privileges import (
    as_held,
    grants_on_failures,
    grants_on_index,
    is_void,
    unknown,
    writes_mappings,
)
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import breaks_every_request, built_in

Json = dict[str, Any]

SUPERUSER = "superuser"


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of roles that have the same set of names, merged as the engine merges them."""

    names: tuple[str, ...]
    privileges: tuple[str, ...]
    queries: tuple[str, ...] | None  # None: not limited
    fields: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # empty: not limited
    restricted: bool
    roles: tuple[str, ...]
    no_streams: bool = False  # it does not cover data streams
    within: Group | None = None  # of an API key: what the key's own roles give, where both have to

    def covers(self, name: str) -> bool:
        if is_restricted(name) and not self.restricted:
            return False
        stars = [one for one in self.names if len(one) > 1 and not one.strip("*")]
        if not stars or len(self.names) == 1:
            return matches_any(self.names, name)
        # Seen on 9.5.3: `**` beside another pattern means nothing, and beside a name everything.
        if matches_any((one for one in self.names if one not in stars), name):
            return True
        raise Unreadable(f"what {stars[0]} means beside {', '.join(self.names)} only the engine can tell")


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
    unknown: tuple[str, ...] = ()  # privileges of indices that stand in the roles and are not understood here
    unknown_of_cluster: tuple[str, ...] = ()  # those of the cluster
    release: Release | None = None
    within: Holding | None = None  # what an API key is limited to: both have to grant

    def grants(self, action: str) -> tuple[Group, ...]:
        """The groups that allow an action; of an API key each of its owner's beside each of its own."""
        own = self._grants(action)
        if self.within is None:
            return own
        limits = self.within.grants(action)
        return tuple(replace(one, within=limit) for one in own for limit in limits)

    def grants_on_failures(self, action: str) -> bool:
        return any(grants_on_failures(group.privileges, action) for group in self.groups)

    def _grants(self, action: str) -> tuple[Group, ...]:
        found = []
        for group in self.groups:
            if grants_on_index(group.privileges, action, self.release):
                found.append(group)
            elif writes_mappings(group.privileges, action):
                found.append(replace(group, no_streams=self.release is None or self.release.major > 6))
        return tuple(found)


def asks_for_filters(entry: Mapping[str, Any]) -> bool:
    """Whether an entry limits documents or fields, which a basic licence does not have. All fields by name are none."""
    rules = entry.get("field_security") or {}
    return bool(entry.get("query") or rules.get("except")) or rules.get("grant", "*") not in ("*", ["*"])


def licensed(roles: Mapping[str, Json], *, basic: bool) -> dict[str, Json]:
    """The roles that count. Seen on 9.5.3, 8.19.21 and 6.8.23: with a basic licence one that limits anything is as if it were not there,
    with all that it gives, also where it limits nothing."""
    return {
        name: role
        for name, role in roles.items()
        if not (basic and any(map(asks_for_filters, role.get("indices") or ())))
    }


def holding(roles: Mapping[str, Json], names: Iterable[str], release: Release) -> Holding:
    """Roles of a caller by name, merged. A role that does not exist gives nothing."""
    entries: dict[tuple[frozenset[str], bool], list[tuple[str, Json]]] = {}
    cluster: dict[str, tuple[str, ...]] = {}
    broken: list[str] = []
    odd: list[str] = []
    odd_of_cluster: list[str] = []
    for name in dict.fromkeys(names):
        role = roles.get(name) or built_in(name, release)
        cluster[name] = tuple(role.get("cluster") or ())
        broken += [
            f"{one} of role {name} is no privilege of {release}"
            for one in breaks_every_request(cluster[name], release, of_cluster=True)
        ]
        odd_of_cluster += [f"cluster privilege {one} of role {name}" for one in unknown(cluster[name], "cluster")]
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
    return Holding(
        tuple(_merged(key, of) for key, of in entries.items()),
        cluster,
        tuple(broken),
        tuple(odd),
        tuple(odd_of_cluster),
        release,
    )


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


def covering(groups: Iterable[Group], name: str, world: EngineFacts) -> tuple[Group, ...]:
    """The groups that cover what was asked for: by its own name, or a backing index by its stream's."""
    stream = world.stream_of(name)
    of_stream = bool(stream) or name in world.data_streams
    return tuple(group for group in groups if _covers(group, name, stream, of_stream=of_stream))


def _covers(group: Group, name: str, stream: str, *, of_stream: bool) -> bool:
    if group.no_streams and of_stream:
        return False
    if not (group.covers(name) or (stream and group.covers(stream))):
        return False
    return group.within is None or _covers(group.within, name, stream, of_stream=of_stream)
