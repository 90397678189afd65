"""Patterns that an engine cannot read.

A mapping or role with one is kept, and from then on no node can load the security config: everybody has what he had before, whatever is
changed, until the pattern is gone (measured on 2.19.3 and 3.4.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import Claim
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind
from portcullis.families.opensearch.names.java_regex import why_not
from portcullis.families.opensearch.names.matching import is_expression


def unreadable(pattern: str) -> str:
    """Why the engine cannot read a pattern; empty if it can, or if only the engine knows."""
    if pattern == "/":  # which begins an expression and ends the same one
        return "a slash by itself"
    return why_not(pattern[1:-1]) if is_expression(pattern) else ""


def unloadable(held: Actual) -> tuple[tuple[Claim, str], ...]:
    """What keeps the engine from loading its security config, with the reason; an entry of a mapping, or a whole role or group."""
    found = []
    for claim, pattern in _patterns(held):
        if why := unreadable(pattern):
            found.append((claim, f"{pattern!r} is no regular expression: {why}"))
    return tuple(sorted(set(found)))


def _patterns(held: Actual) -> Iterator[tuple[Claim, str]]:
    for role in held.of(Kind.MAPPINGS):
        for entry_list in MAPPING_LISTS:
            for entry in held.entries(role, entry_list):
                yield Claim(Kind.MAPPINGS, role, entry_list, entry), entry
    for kind in (Kind.ROLES, Kind.ACTION_GROUPS):
        for name, document in held.of(kind).items():
            for pattern in _of_document(document):
                yield Claim(kind, name), pattern


def _of_document(document: Json) -> Iterator[str]:
    yield from document.get("cluster_permissions") or ()
    yield from document.get("allowed_actions") or ()
    for permission in (*(document.get("index_permissions") or ()), *(document.get("tenant_permissions") or ())):
        for part in ("index_patterns", "tenant_patterns", "allowed_actions"):
            yield from permission.get(part) or ()
