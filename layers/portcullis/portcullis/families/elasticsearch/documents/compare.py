"""When two documents mean the same to an Elasticsearch, whatever their order, their empty fields and how it shows them.

It keeps lists as they were written, but shows a list of one name in a rule as that name, and a document filter as text.
"""

from __future__ import annotations

import json
from typing import Any

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.config import PASSWORD_OF_THE_NODES, RESERVED, SECRET, WRITTEN, Kind

_NOT_COMPARED = SECRET | {"transient_metadata", "username", PASSWORD_OF_THE_NODES, WRITTEN, "application", "name"}
# Lists that are sets to the engine. An entry of a role's `indices` is one of a set, too.
_SETS = frozenset(
    {
        *("cluster", "indices", "applications", "run_as", "remote_indices", "remote_cluster", "names", "clusters"),
        *("privileges", "resources", "roles", "role_templates", "actions", "grant", "except", "any", "all"),
    }
)
_ON_UNLESS_SAID = "enabled"


def same(one: Json | None, other: Json | None) -> bool:
    """Whether an engine treats both alike."""
    return canonical(one) == canonical(other)


def differing(one: Json | None, other: Json | None) -> tuple[str, ...]:
    """The names of the top-level fields in which the two differ."""
    left, right = canonical(one) or {}, canonical(other) or {}
    return tuple(sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key)))


def same_of(kind: str, one: Json | None, other: Json | None) -> bool:
    """As `same`; who has a role by a user's list is compared by itself, and whether a user is enabled only where both say it."""
    return (one is None) is (other is None) and not differing_of(kind, one, other)


def differing_of(kind: str, one: Json | None, other: Json | None) -> tuple[str, ...]:
    """As `differing`, of the same."""
    if kind != Kind.USERS:
        return differing(one, other)
    both_say = "enabled" in (one or {}) and "enabled" in (other or {})
    return tuple(name for name in differing(one, other) if name != "roles" and (name != "enabled" or both_say))


def canonical(document: Json | None) -> Json | None:
    """The document in a form where equal means the same; None stays None."""
    if document is None:
        return None
    found = {}
    for key, value in document.items():
        plain = _metadata(value) if key == "metadata" else _plain(value, key)
        if key not in _NOT_COMPARED and not _says_nothing(key, plain):
            found[key] = plain
    return found


def entry(value: Json) -> str:
    """One entry of a role as text: equal exactly if the engine takes both for the same."""
    return json.dumps(_plain(value, ""), sort_keys=True)


def canonical_access(access: Json) -> Json:
    """What a key between clusters allows, in a form where equal means the same."""
    parts = {part: _as_set([_plain(one, "") for one in entries or ()]) for part, entries in access.items()}
    return {part: entries for part, entries in parts.items() if entries}


def _metadata(value: Any) -> Any:
    """Of people: nothing in it is read as access, and lists keep their order. The engine's own mark is not theirs."""
    return {key: one for key, one in value.items() if key != RESERVED} if isinstance(value, dict) else value


def _plain(value: Any, key: str) -> Any:
    if key == "query":
        return query(value)
    if key == "role_descriptors" and isinstance(value, dict):
        # Of an API key: none at all is no limit, and one that gives nothing is nothing.
        return {name: canonical(one) for name, one in value.items()}
    if key in ("rules", "except") and isinstance(value, dict):
        return rule(value)
    if isinstance(value, dict):
        inner = {name: _plain(one, name) for name, one in value.items()}
        # `grant: []` shows documents without fields: an empty list that says something.
        return {name: one for name, one in inner.items() if name == "grant" or not _says_nothing(name, one)}
    if isinstance(value, list | tuple):
        items = [_plain(one, "") for one in value]
        return _as_set(items) if key in _SETS else items
    return [value] if key in _SETS and isinstance(value, str) else value


def rule(value: Any) -> Any:
    """A rule of a role mapping: what it matches, and not how it is written."""
    if not isinstance(value, dict):
        return value
    found: Json = {}
    for kind, of in value.items():
        if kind == "field" and isinstance(of, dict):
            found[kind] = {name: _as_set(one if isinstance(one, list) else [one]) for name, one in of.items()}
        elif isinstance(of, list):
            found[kind] = _as_set([rule(one) for one in of])
        else:
            found[kind] = rule(of)
    return found


def _as_set(items: list[Any]) -> list[Any]:
    keyed = {json.dumps(one, sort_keys=True, default=str): one for one in items}
    return [keyed[key] for key in sorted(keyed)]


def text(value: Any) -> str:
    """A document filter as text."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def query(value: Any) -> Any:
    """A document filter as what it says; text that is no JSON stays text."""
    if not isinstance(value, str):
        return value or None
    try:
        return json.loads(value) if value.strip() else None
    except ValueError:
        return value


def _says_nothing(key: str, value: Any) -> bool:
    if key == _ON_UNLESS_SAID:
        return value is True
    return value is None or value is False or value == "" or value == [] or value == {}
