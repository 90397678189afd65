"""The access model in the form of a security config: what an engine should hold."""

from __future__ import annotations

from collections.abc import Mapping

from portcullis.access.actual import Json
from portcullis.access.desired import Desired, granted
from portcullis.access.plan import AccessModel, Membership
from portcullis.families.opensearch.documents.config import Kind


def desired(model: AccessModel, members: Membership) -> Desired:
    """What the engine should hold for this model and these members. Raises as `access.desired.granted` does."""
    found = granted(model.grants, members)
    entries = {role: dict(lists) for role, lists in found.entries.items()}
    for role, needed in sorted(model.and_backend_roles.items()):
        if needed:
            together = dict.fromkeys(needed, f"and_backend_roles of {role}")
            entries.setdefault(role, {})["and_backend_roles"] = together
    documents: dict[str, Mapping[str, Json]] = {
        Kind.ACTION_GROUPS: model.action_groups,
        Kind.TENANTS: model.tenants,
        Kind.ROLES: model.roles,
        Kind.USERS: model.users,
    }
    return Desired(documents, entries, found.notes, found.unsure, granted=frozenset(one.role for one in model.grants))
