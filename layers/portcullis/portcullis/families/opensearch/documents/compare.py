"""When two documents mean the same to an engine, whatever their order and their empty fields."""

from __future__ import annotations

import json
from typing import Any

from portcullis.access.actual import Json
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, SHOWN_ONLY

# Lists whose order means nothing. `masked_fields` is not among them: the first rule that matches a field wins.
_SETS: frozenset[str] = frozenset(
    {
        "cluster_permissions", "index_permissions", "tenant_permissions",
        "index_patterns", "tenant_patterns", "allowed_actions", "fls",
        "backend_roles", "opendistro_security_roles", *MAPPING_LISTS,
    }
)  # fmt: skip

# Never compared: an engine does not show the one and only shows the other.
_SKIPPED: frozenset[str] = SHOWN_ONLY | {"password", "hash"}


def same(one: Json | None, other: Json | None) -> bool:
    """Whether an engine treats both alike. Absent, null, empty and false are one; secrets and shown-only flags do not count."""
    return canonical(one) == canonical(other)


def canonical(document: Json | None) -> Json | None:
    """The document in a form where equal means the same; None stays None."""
    if document is None:
        return None
    pairs = {k: _plain(v, k) for k, v in without_nothing(document).items() if k not in _SKIPPED}
    return {k: v for k, v in pairs.items() if not _is_empty(v)}


_PATTERNS = {"index_permissions": "index_patterns", "tenant_permissions": "tenant_patterns"}
_WORDS: frozenset[str] = frozenset(
    {"cluster_permissions", "allowed_actions", "backend_roles", "fls", "masked_fields", *_PATTERNS.values()}
)
_LIMITS = ("dls", "fls", "masked_fields")


def without_nothing(document: Json) -> Json:
    """The document without what neither gives nor limits anything: blank words, and entries on no index and no tenant."""
    return {
        key: _entries(value, _PATTERNS[key]) if key in _PATTERNS else _words(value, key)
        for key, value in document.items()
    }


def _entries(permissions: Any, patterns: str) -> Any:
    if not isinstance(permissions, list | tuple):
        return permissions
    cleaned = [{k: _words(v, k) for k, v in entry.items()} for entry in permissions if isinstance(entry, dict)]
    return [entry for entry in cleaned if entry.get(patterns)]


def _words(value: Any, key: str) -> Any:
    if key not in _WORDS or not isinstance(value, list | tuple):
        return value
    words = [word for word in value if not (word is None or (isinstance(word, str) and not word.strip()))]
    # Of blanks alone, a rule that includes fields shows none.
    return list(value) if key == "fls" and not words else words


def differing(one: Json | None, other: Json | None) -> tuple[str, ...]:
    """The names of the top-level fields in which the two differ."""
    left, right = canonical(one) or {}, canonical(other) or {}
    return tuple(sorted(k for k in left.keys() | right.keys() if left.get(k) != right.get(k)))


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        pairs = {k: _plain(v, k) for k, v in value.items()}
        return {k: v for k, v in pairs.items() if not _is_empty(v)}
    if isinstance(value, list | tuple):
        of_words = all(isinstance(item, str) for item in value)
        items = list(value) if of_words else [_plain(item, "") for item in value]
        if key in _SETS:
            if of_words:
                return sorted(set(items))
            if key == "index_permissions" and sum(any(item.get(k) for k in _LIMITS) for item in items) > 1:
                return items  # of several limits of one role on an index the last one counts
            keyed = {json.dumps(item, sort_keys=True): item for item in items}
            return [keyed[k] for k in sorted(keyed)]
        return items
    return value


def _is_empty(value: Any) -> bool:
    # Zero is a value, though it equals False.
    return value is None or value is False or value == "" or value == [] or value == {}
