"""What Portcullis itself needs on every domain: the automation's roles and break-glass, as part of the access model. Pure."""

from __future__ import annotations

from dataclasses import replace

from portcullis.access.config import Json
from portcullis.access.guard import Keepers
from portcullis.access.plan import AccessModel, Grant, Subject, SubjectKind
from portcullis.operations.ports import Registration

LOCK_ROLE = "portcullis_lock"
BREAK_GLASS_ROLE = "portcullis_break_glass"
CANARY_ROLE = "portcullis_canary"
CANARY_INDEX = "portcullis-canary"
SNAPSHOT_ROLE = "manage_snapshots"  # the engine's own
MOVING = "re-key"  # under this name the ledger keeps how far a re-key is
COMPARE_ROLE = "portcullis_compare"
RESTORED = "portcullis-restored-"  # what an index is called that a check of restorability made

# Index settings of every index, and no document of any: measured, this role can block an index and cannot search it.
LOCK: Json = {
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
# Who proves a lock: lets nothing be seen but its own index, and is shut out like everybody else.
_CANARY: Json = {
    "description": "Portcullis: asks for its own index, to prove that a lock holds",
    "index_permissions": [{"index_patterns": [CANARY_INDEX], "allowed_actions": ["read", "create_index", "index"]}],
}

_COMPARES = [
    "indices:data/read/search*",
    "indices:data/read/scroll*",
    "indices:admin/refresh*",
    "indices:monitor/recovery",
    "indices:monitor/settings/get",
    "indices:monitor/stats",
]


def _compare_role(sample: str, *, moving: bool) -> Json | None:
    """Who compares what was restored with what it was made from: of one index, or of all while a re-key is under way."""
    read = ["*"] if moving else [sample] if sample else []
    if not read:
        return None
    restored: Json = {"index_patterns": [f"{RESTORED}*"], "allowed_actions": [*_COMPARES, "indices:admin/delete"]}
    freeze = ["indices:admin/settings/update"] if moving else []
    return {
        "description": "Portcullis: compares a restored index with the one it was made from",
        "cluster_permissions": ["cluster:monitor/health", "indices:data/read/scroll", "indices:data/read/scroll/clear"],
        "index_permissions": [{"index_patterns": read, "allowed_actions": [*_COMPARES, *freeze]}, restored],
    }


def keepers(registration: Registration) -> Keepers:
    """Who must never be shut out by a plan; all but the master are let in while locked."""
    return Keepers.of(
        master=registration.master_user or registration.master_role,
        master_list="users" if registration.master_user else "backend_roles",
        automation=registration.automation_role,
        break_glass=registration.break_glass_role,
        automation_roles=("security_manager", LOCK_ROLE),
        break_glass_roles=(BREAK_GLASS_ROLE,),
    )


def with_foundation(
    access: AccessModel, registration: Registration, *, sample: str = "", moving: bool = False
) -> AccessModel:
    """The access model with what Portcullis needs, whatever the deployment file says of the same names.

    `sample` is the index whose restorability is checked, `moving` says that a re-key of the deployment is under way.
    """
    roles = {**access.roles, LOCK_ROLE: LOCK, BREAK_GLASS_ROLE: _BREAK_GLASS}
    grants = keepers(registration).grants()
    if registration.canary_role:
        roles[CANARY_ROLE] = _CANARY
        canary = Subject(SubjectKind.BACKEND_ROLE, registration.canary_role)
        grants = (*grants, Grant(canary, CANARY_ROLE, "the canary of the deployment"))
    if registration.snapshot_role:
        taker = Subject(SubjectKind.BACKEND_ROLE, registration.snapshot_role)
        grants = (*grants, Grant(taker, SNAPSHOT_ROLE, "takes the snapshots of the deployment"))
        if compares := _compare_role(sample, moving=moving):
            roles[COMPARE_ROLE] = compares
            grants = (*grants, Grant(taker, COMPARE_ROLE, "compares what was restored"))
    return replace(access, roles=roles, grants=(*grants, *access.grants))
