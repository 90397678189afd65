"""What an Elasticsearch holds of access: roles, role mappings, native users, application privileges, API keys of ours.

Documents are kept as the engine shows them. Two things in them are for show alone: a mark of its own in `metadata` (every key of ours
has to begin otherwise, the engine sees to that), and `transient_metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from portcullis.access.actual import Json

RESERVED = "_reserved"  # the engine's mark on what it keeps for itself
# Our own mark, on a reserved user whose password stands in the nodes' settings and not in the security index (or who knows where): once
# disabled, such a user is enabled again without a password, and nobody is let in by the one they had.
PASSWORD_OF_THE_NODES = "password_of_the_nodes"  # noqa: S105 - a name

# Our own mark, on a native user as a lock reads them: how often the document was written, its number among all writes, and its term.
WRITTEN = "written"


def is_reserved(document: Json) -> bool:
    """Whether the engine has marked it as its own: it refuses to change it."""
    return bool((document.get("metadata") or {}).get(RESERVED))


class Kind(StrEnum):
    """The kinds of documents, valued as the path segment of the collection under `/_security`."""

    PRIVILEGES = "privilege"  # named APPLICATION/PRIVILEGE
    ROLES = "role"
    USERS = "user"
    MAPPINGS = "role_mapping"
    KEYS = "api_key"  # named by their ids; they are narrowed and widened, never made or ended here


# Who has a role by a list of their own: what the roles of all native users say together, role by role. No document of the engine's.
MEMBERS = "role_members"
NATIVE_USERS = "users"  # the one list of such a mapping: native users by name
# What nobody writes through the API, and a reading of everything shows beside the documents: the roles of whoever does not sign in, by
# the name of the setting of the nodes.
ROLES_OF_NOBODY = "xpack.security.authc.anonymous.roles"
# What a security config of ours is made of: keys are narrowed and widened by a lock alone.
ORDER: tuple[str, ...] = (Kind.PRIVILEGES, Kind.ROLES, Kind.USERS, Kind.MAPPINGS, MEMBERS)

# Roles that make whoever has them able to give themselves everything: the reserved one, and any with this privilege on the cluster.
SUPERUSER = "superuser"
ADMINISTRATES = ("all", "manage_security")

_SHOWN_ONLY: Mapping[Kind, frozenset[str]] = {
    Kind.PRIVILEGES: frozenset({"application", "name"}),
    Kind.ROLES: frozenset({"transient_metadata"}),
    Kind.USERS: frozenset({"username", PASSWORD_OF_THE_NODES, WRITTEN}),
    Kind.MAPPINGS: frozenset(),
    Kind.KEYS: frozenset(
        {"id", "name", "type", "creation", "expiration", "invalidated", "username", "realm", "realm_type", "limited_by"}
    ),
}
SECRET = frozenset({"password", "password_hash"})  # sent with a new user, never shown


@dataclass(frozen=True)
class SecurityConfig:
    """What an engine holds now: kind -> name -> document, as its GET shows it."""

    documents: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, Json]:
        """All documents of one kind by name."""
        return self._members if kind == MEMBERS else self.documents.get(kind, {})

    @cached_property
    def _members(self) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        for name, user in self.of(Kind.USERS).items():
            for role in dict.fromkeys(user.get("roles") or ()):
                found.setdefault(role, {NATIVE_USERS: []})[NATIVE_USERS].append(name)
        return found

    def get(self, kind: str, name: str) -> Json | None:
        """One document as it can be written back, or None."""
        document = self.of(kind).get(name)
        return None if document is None else dict(document) if kind == MEMBERS else writable(kind, document)

    def is_fixed(self, kind: str, name: str) -> bool:
        """Whether the engine refuses to change this one. A reserved user can still be disabled, and enabled again."""
        document = self.of(kind).get(name) or {}
        return is_reserved(document)

    def entries(self, role: str, entry_list: str) -> tuple[str, ...]:
        """The native users who have a role; of other lists there are none: a role mapping is one document, claimed whole."""
        return tuple((self._members.get(role) or {}).get(entry_list) or ())

    def places(self, role: str, entry_list: str, entry: str) -> tuple[int, ...]:
        """Where the role stands in the list of the native user."""
        roles = (self.of(Kind.USERS).get(entry) or {}).get("roles") or ()
        return tuple(place for place, one in enumerate(roles) if one == role) if entry_list == NATIVE_USERS else ()

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
