"""What an Elasticsearch holds of access: roles, role mappings, native users, application privileges, API keys of ours.

Documents are kept as the engine shows them. Two things in them are for show alone: a mark of its own in `metadata` (every key of ours
has to begin otherwise, the engine sees to that), and `transient_metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portcullis.access.actual import Json

RESERVED = "_reserved"  # the engine's mark on what it keeps for itself


class Kind(StrEnum):
    """The kinds of documents, valued as the path segment of the collection under `/_security`."""

    PRIVILEGES = "privilege"  # named APPLICATION/PRIVILEGE
    ROLES = "role"
    USERS = "user"
    MAPPINGS = "role_mapping"
    KEYS = "api_key"  # named by their ids; they are narrowed and widened, never made or ended here


# Roles that make whoever has them able to give themselves everything: the reserved one, and any with this privilege on the cluster.
SUPERUSER = "superuser"
ADMINISTRATES = ("all", "manage_security")

_SHOWN_ONLY: Mapping[Kind, frozenset[str]] = {
    Kind.PRIVILEGES: frozenset({"application", "name"}),
    Kind.ROLES: frozenset({"transient_metadata"}),
    Kind.USERS: frozenset({"username"}),
    Kind.MAPPINGS: frozenset(),
    Kind.KEYS: frozenset(
        {"id", "name", "type", "creation", "expiration", "invalidated", "username", "realm", "realm_type", "limited_by"}
    ),
}
SECRET = frozenset({"password", "password_hash"})  # sent with a new user, never shown


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """What an engine holds now: kind -> name -> document, as its GET shows it."""

    documents: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, Json]:
        """All documents of one kind by name."""
        return self.documents.get(kind, {})

    def get(self, kind: str, name: str) -> Json | None:
        """One document as it can be written back, or None."""
        document = self.of(kind).get(name)
        return None if document is None else writable(kind, document)

    def is_fixed(self, kind: str, name: str) -> bool:
        """Whether the engine refuses to change this one. A reserved user can still be disabled, and enabled again."""
        document = self.of(kind).get(name) or {}
        return bool((document.get("metadata") or {}).get(RESERVED))

    def entries(self, role: str, entry_list: str) -> tuple[str, ...]:
        """The native users who have a role; of other lists there are none: a role mapping is one document, claimed whole."""
        if entry_list != "users":
            return ()
        return tuple(name for name, user in self.of(Kind.USERS).items() if role in (user.get("roles") or ()))

    def with_document(self, kind: str, name: str, document: Json | None) -> SecurityConfig:
        """The same with this document instead, or without one of this name."""
        held = {key: one for key, one in self.of(kind).items() if key != name or document is not None}
        return SecurityConfig({**self.documents, kind: held if document is None else {**held, name: document}})


def writable(kind: str, document: Json) -> Json:
    """A document without what is only shown: what PUT takes. Everything else stays, in its order."""
    shown_only = _SHOWN_ONLY[Kind(kind)]
    found = {key: value for key, value in document.items() if key not in shown_only}
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and any(key.startswith("_") for key in metadata):
        found["metadata"] = {key: value for key, value in metadata.items() if not key.startswith("_")}
    return found
