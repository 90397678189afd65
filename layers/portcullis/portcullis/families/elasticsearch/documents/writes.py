"""From what an Elasticsearch holds to what it should hold, in whole documents, and in an order that never shows anybody more. Pure.

The law: at every moment, what somebody has is part of what they had before, or part of what they have after. Nobody ever has a bit of
both, as two entries together can show more than each alone (see `rights`). So everything that is taken away goes first, and what is
given comes last. A document that does both is written twice, the first time with what both forms of it give; in one go only where no
mixing can come of it. Leavers are out with the first writes.

One write is one call. From 8.15 on many roles are one call; the engine takes each of them by itself and says of each whether it did.
Native users, and role mappings, are a call each, and a write holds several that do the same: what has to be looked at before a write is
looked at once for all of them, and they are sent at the same time. No document is in such a write twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from portcullis.access.actual import Json, Write
from portcullis.errors import Refused
from portcullis.families.elasticsearch.documents import compare, rights
from portcullis.families.elasticsearch.documents.config import SECRET, Kind, SecurityConfig, writable
from portcullis.families.elasticsearch.known.release import Release

PUT, REMOVE, ENABLE, DISABLE, PASSWORD = "put", "remove", "enable", "disable", "password"
_AT_ONCE = 5000  # roles of one call: 10,000 take a second, and each call waits for the index to be read anew
_BY_THEMSELVES = (Kind.USERS, Kind.MAPPINGS)  # a document is a call: several at the same time
_OF_ONE_WRITE = 64  # of those: some seconds at the very most, while the lease of a minute is ours

Change = tuple[Json | None, Json | None]  # before, after


def writes(actual: SecurityConfig, wanted: SecurityConfig, release: Release) -> tuple[Write, ...]:
    """The calls from `actual` to `wanted`, in order; none where both mean the same. What `wanted` lacks is removed.

    `wanted` is `actual` with what is to change: what is somebody else's stands in both. A new user comes with `password` or
    `password_hash`, and so does one whose password is to be set. Refused: the engine keeps one of the documents for itself, or it is a
    key, which is neither made nor ended here.
    """
    changes = {kind: dict(_changes(kind, actual, wanted)) for kind in Kind}
    work = _Order(changes, strict=rights.limits([actual.of(Kind.ROLES), wanted.of(Kind.ROLES)]))
    work.sort()
    # What is in one write comes in any order, so that nothing that is given is in one with what is taken away.
    return tuple(write for part in (work.first, work.middle, work.last) for write in calls(part, release))


def simulate(actual: SecurityConfig, write: Write) -> SecurityConfig:
    """What the engine holds after this write. A user that is put as a whole keeps a password that is not given."""
    documents = dict(actual.of(write.kind))
    for one in write.body:
        name = one["name"]
        match one["op"]:
            case "put":
                documents[name] = {key: value for key, value in one["document"].items() if key not in SECRET}
            case "remove":
                documents.pop(name, None)
            case "password":
                pass  # never shown
            case switch:
                documents[name] = {**documents[name], "enabled": switch == ENABLE}
    return SecurityConfig({**actual.documents, write.kind: documents})


def _changes(kind: Kind, actual: SecurityConfig, wanted: SecurityConfig) -> Iterator[tuple[str, Change]]:
    for name in sorted(actual.of(kind).keys() | wanted.of(kind).keys()):
        before, after = actual.of(kind).get(name), wanted.of(kind).get(name)
        if before is after:
            continue
        if compare.same(before, after) and not (after and SECRET & after.keys()):
            continue
        if kind is Kind.KEYS and (before is None or after is None):
            raise Refused(f"API key {name}: a key is neither made nor ended by a plan")
        if actual.is_fixed(kind, name):
            only_switched = kind is Kind.USERS and after and compare.differing(before, after) == ("enabled",)
            if not only_switched or SECRET & (after or {}).keys():
                raise Refused(f"{kind} {name}: the engine keeps it for itself")
        yield name, (before, after)


@dataclass(slots=True)
class _Order:
    """Where in the order each change belongs."""

    changes: dict[Kind, dict[str, Change]]
    strict: bool  # whether mixing could show more than both
    first: list[tuple[Kind, str, Json | None, Json | None]] = field(default_factory=list)  # kind, name, before, after
    middle: list[tuple[Kind, str, Json | None, Json | None]] = field(default_factory=list)
    last: list[tuple[Kind, str, Json | None, Json | None]] = field(default_factory=list)
    takes: dict[Kind, set[str]] = field(default_factory=dict)  # the names of those that give nobody anything
    # Of a document by its id(): what it gives.
    known: dict[tuple[Kind, int], rights.Rights] = field(default_factory=dict)

    def sort(self) -> None:
        self.takes = {
            kind: {name for name, change in changes.items() if self._takes_only(kind, *change)}
            for kind, changes in self.changes.items()
        }
        both = {kind: self._does_both(kind) for kind in Kind}
        roles, people = len(both[Kind.ROLES]), len(both[Kind.MAPPINGS])
        # In one go: roles where nobody changes them meanwhile, mappings where the roles are split.
        at_once = {
            Kind.ROLES: not people and not both[Kind.USERS] and (not self.strict or roles == 1),
            Kind.MAPPINGS: not self.strict or people == 1,
        }
        # Keys first and last: a change of one takes what its owner has then as its limit.
        for kind in (Kind.KEYS, Kind.MAPPINGS, Kind.USERS, Kind.ROLES, Kind.PRIVILEGES):
            for name, (before, after) in self.changes[kind].items():
                if name in self.takes[kind]:
                    self.first.append((kind, name, before, after))
                elif name in both[kind] and not at_once.get(kind, True):
                    between = _shared(kind, before or {}, after or {})
                    if not compare.same(before, between):
                        self.first.append((kind, name, before, between))
        for kind in (Kind.PRIVILEGES, Kind.ROLES, Kind.USERS, Kind.MAPPINGS):
            self.middle += [(kind, n, *self.changes[kind][n]) for n in both[kind] if at_once.get(kind, True)]
        for kind in (Kind.PRIVILEGES, Kind.ROLES, Kind.USERS, Kind.MAPPINGS, Kind.KEYS):
            done = {name for of, name, *_ in self.middle if of is kind}
            for name, (before, after) in self.changes[kind].items():
                if name not in done and name not in self.takes[kind]:
                    self.last.append((kind, name, before, after))

    def _does_both(self, kind: Kind) -> list[str]:
        return [
            name
            for name, (before, after) in self.changes[kind].items()
            if kind is not Kind.KEYS and name not in self.takes[kind] and not self._takes_only(kind, after, before)
        ]

    def _takes_only(self, kind: Kind, before: Json | None, after: Json | None) -> bool:
        """Whether a change gives nobody anything."""
        if kind is Kind.MAPPINGS:
            return rights.narrower(after, before)
        if kind is Kind.KEYS and rights.EVERYTHING in rights.of_key(before):
            return True
        if not self._gives(kind, after) <= self._gives(kind, before):
            return False
        # A user's metadata may stand in a filter: whoever is somebody else to it is given something.
        return kind is not Kind.USERS or not rights.of_user(after) or not _metadata_differs(before, after)

    def _gives(self, kind: Kind, document: Json | None) -> rights.Rights:
        """Asked of each document in both directions, and worked out once: `changes` keep them all."""
        asked = kind, id(document)
        if asked not in self.known:
            self.known[asked] = rights.gives(kind, document)
        return self.known[asked]


def _metadata_differs(before: Json | None, after: Json | None) -> bool:
    return "metadata" in compare.differing(before, after)


def _shared(kind: Kind, before: Json, after: Json) -> Json:
    made = rights.shared_role if kind is Kind.ROLES else rights.shared_mapping
    return made(writable(kind, before), writable(kind, after))


def calls(sequence: Iterable[tuple[Kind, str, Json | None, Json | None]], release: Release) -> Iterator[Write]:
    """Of documents each of which is changed once, and which may be changed in any order where they are of one kind."""
    waiting: list[Json] = []
    of: tuple[Kind, str] | None = None
    for kind, name, before, after in sequence:
        operation = _operation(kind, name, before, after)
        together = (kind, operation["op"]) if takes_many(kind, operation["op"], release) else None
        if waiting and (together is None or together != of):
            yield from _portions(of, waiting)
            waiting = []
        if together is None:
            yield Write(kind, [operation])
        else:
            of, waiting = together, [*waiting, operation] if of == together and waiting else [operation]
    if waiting:
        yield from _portions(of, waiting)


def takes_many(kind: str, operation: str, release: Release) -> bool:
    """Whether one write takes several of these."""
    if kind in _BY_THEMSELVES:
        return operation in (PUT, ENABLE, DISABLE)
    return (kind == Kind.ROLES and release.has_bulk_roles) or (kind == Kind.PRIVILEGES and operation == PUT)


def _portions(of: tuple[Kind, str] | None, operations: Sequence[Json]) -> Iterator[Write]:
    assert of is not None  # noqa: S101 - operations wait with their kind
    left = iter(operations)
    while some := list(islice(left, _OF_ONE_WRITE if of[0] in _BY_THEMSELVES else _AT_ONCE)):
        yield Write(of[0], some)


def _operation(kind: Kind, name: str, before: Json | None, after: Json | None) -> Json:
    if after is None:
        return {"op": REMOVE, "name": name}
    document = writable(kind, after)
    of_user = kind is Kind.USERS and before is not None and not SECRET & after.keys()
    if of_user and compare.differing(before, after) == ("enabled",):
        return {"op": DISABLE if after.get("enabled") is False else ENABLE, "name": name}
    if kind in (Kind.USERS, Kind.MAPPINGS):
        # A user who is put without it is enabled, a mapping is refused.
        document["enabled"] = after.get("enabled") is not False
    return {"op": PUT, "name": name, "document": document}
