"""What an engine holds, in one common form: the form of OpenSearch's `_plugins/_security/api` (7.x and later).

Other dialects are turned into this form when read and out of it when written (`families.opensearch.dialects`). Order inside lists is
kept as read, so that what is saved can be put back byte for byte; comparison is by set where the engine treats a list as a set.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from enum import StrEnum

from portcullis.access.actual import Json


class Kind(StrEnum):
    """The resource types of the security API, valued as the path segment of the collection."""

    ACTION_GROUPS = "actiongroups"
    TENANTS = "tenants"
    ROLES = "roles"
    USERS = "internalusers"
    MAPPINGS = "rolesmapping"


# The order in which kinds may be written: a mapping of an absent role is refused (404), a role naming an absent group is empty.
WRITE_ORDER: tuple[Kind, ...] = (Kind.ACTION_GROUPS, Kind.TENANTS, Kind.ROLES, Kind.USERS, Kind.MAPPINGS)

# The lists of a role mapping. `users`, `backend_roles`, `hosts` are OR-ed; `and_backend_roles` needs all of its entries.
MAPPING_LISTS: tuple[str, ...] = ("users", "backend_roles", "hosts", "and_backend_roles")

# What GET shows and PUT or PATCH refuses or ignores. (`readonly` is 6.x's word for reserved, kept so that nothing is lost.)
SHOWN_ONLY: frozenset[str] = frozenset({"reserved", "hidden", "static", "readonly"})

# Whoever has one of these can give himself everything else.
ADMINISTRATOR_ROLES: tuple[str, ...] = ("all_access", "security_manager")
# As whom the engine sees whoever does not sign in, where its config lets them come (`anonymous_auth_enabled`): name and backend role.
NOT_SIGNED_IN_AS = ("opendistro_security_anonymous", "opendistro_security_anonymous_backendrole")


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """What an engine holds now: kind -> name -> document, as GET shows it (flags included), in the common form."""

    documents: MappingABC[str, MappingABC[str, Json]] = field(default_factory=dict)

    def of(self, kind: str) -> MappingABC[str, Json]:
        """All documents of one kind by name."""
        return self.documents.get(kind, {})

    def get(self, kind: str, name: str) -> Json | None:
        """One document without the shown-only flags, or None."""
        document = self.of(kind).get(name)
        return None if document is None else {k: v for k, v in document.items() if k not in SHOWN_ONLY}

    def is_fixed(self, kind: str, name: str) -> bool:
        """Whether the engine refuses to change this one (reserved or static)."""
        document = self.of(kind).get(name) or {}
        return bool(document.get("reserved") or document.get("static"))

    def entries(self, role: str, entry_list: str) -> tuple[str, ...]:
        """The entries of one list of a role's mapping, in the order held; empty if there is no such mapping."""
        return tuple((self.of(Kind.MAPPINGS).get(role) or {}).get(entry_list) or ())

    def places(self, role: str, entry_list: str, entry: str) -> tuple[int, ...]:
        """Where an entry stands in its list; none if it is not there."""
        return tuple(place for place, one in enumerate(self.entries(role, entry_list)) if one == entry)
