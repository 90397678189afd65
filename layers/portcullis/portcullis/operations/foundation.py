"""What Portcullis itself needs on every domain: the automation's roles and break-glass, as part of the access model. Pure."""

from __future__ import annotations

from dataclasses import replace

from portcullis.access import Keepers
from portcullis.access.config import Json
from portcullis.access.plan import AccessModel, Grant, Subject, SubjectKind
from portcullis.operations.ports import Registration

LOCK_ROLE = "portcullis_lock"
BREAK_GLASS_ROLE = "portcullis_break_glass"
ADMINISTRATORS = ("all_access", "security_manager")

# Index settings of every index, and no document of any: measured, this role can block an index and cannot search it.
_LOCK: Json = {
    "description": "Portcullis: block and unblock indices when the key is gone; reads no document",
    "cluster_permissions": ["cluster:monitor/main", "cluster:monitor/health"],
    "index_permissions": [
        {
            "index_patterns": ["*"],
            "allowed_actions": ["indices:admin/settings/update", "indices:monitor/settings/get"],
        }
    ],
}
_BREAK_GLASS: Json = {
    "description": "Portcullis: the one principal still let in while a deployment is locked",
    "cluster_permissions": ["cluster_composite_ops", "cluster_monitor"],
    "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["indices_all"]}],
}


def keepers(registration: Registration) -> Keepers:
    """Who must never be shut out by a plan, and who is let in while locked."""
    return Keepers(
        masters=frozenset({registration.master_role} - {""}),
        automation=registration.automation_role,
        break_glass=registration.break_glass_role,
        lock_role=LOCK_ROLE,
        break_glass_role=BREAK_GLASS_ROLE,
    )


def with_foundation(access: AccessModel, registration: Registration) -> AccessModel:
    """The access model with what Portcullis needs, whatever the deployment file says of the same names."""
    roles = {**access.roles, LOCK_ROLE: _LOCK}
    needed = [(registration.automation_role, role) for role in ("security_manager", LOCK_ROLE)]
    needed += [(registration.master_role, role) for role in ADMINISTRATORS]
    if registration.break_glass_role:
        roles[BREAK_GLASS_ROLE] = _BREAK_GLASS
        needed.append((registration.break_glass_role, BREAK_GLASS_ROLE))
    grants = tuple(
        Grant(Subject(SubjectKind.BACKEND_ROLE, principal), role, "portcullis itself") for principal, role in needed if principal
    )
    return replace(access, roles=roles, grants=(*grants, *access.grants))
