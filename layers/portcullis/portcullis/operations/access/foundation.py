"""What Portcullis itself needs on every domain: the automation's roles and break-glass, as part of the access model. Pure."""

from __future__ import annotations

from dataclasses import replace

from portcullis.access.actual import Json
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AccessModel, Grant, Subject, SubjectKind
from portcullis.custody.types import LetIn
from portcullis.families.base import RESTORED
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.ports.registration import Registration

LOCK_ROLE = "portcullis_lock"
BREAK_GLASS_ROLE = "portcullis_break_glass"
BREAK_GLASS_WRITE_ROLE = "portcullis_break_glass_write"
CANARY_ROLE = "portcullis_canary"
CANARY_INDEX = "portcullis-canary"
SNAPSHOT_ROLE = "manage_snapshots"  # the engine's own
MOVING = "re-key"  # under this name the ledger keeps how far a re-key is
COMPARE_ROLE = "portcullis_compare"

# Index settings of every index, and no document of any: measured, this role can block an index and cannot search it.
LOCK: Json = {
    "description": "Portcullis: block and unblock indices and end open searches when the key is gone; reads no document",
    "cluster_permissions": ["cluster:monitor/main", "cluster:monitor/health", "indices:data/read/scroll/clear"],
    "index_permissions": [
        {
            "index_patterns": ["*"],
            "allowed_actions": [
                *("indices:admin/settings/update", "indices:monitor/settings/get"),
                # To list and end points in time; neither lets anybody see what is in one.
                *("indices:data/read/point_in_time/readall", "indices:data/read/point_in_time/delete"),
            ],
        }
    ],
}
# Nothing of `indices:admin/*`: whoever holds these can change no setting, alias, mapping or template, and make, restore, close, clone or
# delete no index.
_READS = [
    *("get*", "mget*", "search*", "msearch*", "scroll*", "explain*", "field_caps*", "tv*", "mtv*"),
    *("point_in_time/create", "point_in_time/delete"),
]
_WRITES = ["index*", "bulk*", "update*", "delete", "delete/byquery"]
_BREAK_GLASS: Json = {
    "description": "Portcullis: reads while a window of break-glass is open; mapped to nobody at any other time",
    "cluster_permissions": [
        *("cluster:monitor/main", "cluster:monitor/health", "cluster:monitor/state"),
        *("indices:data/read/mget", "indices:data/read/msearch", "indices:data/read/scroll*", "indices:data/read/mtv"),
    ],
    "index_permissions": [
        {
            "index_patterns": ["*"],
            "allowed_actions": [*(f"indices:data/read/{one}" for one in _READS), "indices:monitor/*"],
        }
    ],
}
_BREAK_GLASS_WRITE: Json = {
    "description": "Portcullis: writes while a window of break-glass is open that asked for it; mapped to nobody at any other time",
    "cluster_permissions": ["indices:data/write/bulk"],
    "index_permissions": [
        {"index_patterns": ["*"], "allowed_actions": [f"indices:data/write/{one}" for one in _WRITES]}
    ],
}
# What a window of break-glass maps it to.
_OPENED = {
    LetIn.NOBODY: (),
    LetIn.READS: (BREAK_GLASS_ROLE,),
    LetIn.WRITES: (BREAK_GLASS_ROLE, BREAK_GLASS_WRITE_ROLE),
}
BREAK_GLASS_ROLES = _OPENED[LetIn.WRITES]
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


def keepers(registration: Registration) -> ProtectedPrincipals:
    """Who must never be shut out by a plan, and who must never be let in by one."""
    return ProtectedPrincipals.of(
        master_roles=OPENSEARCH.administrator_roles,
        master=registration.master_user or registration.master_role,
        master_list="users" if registration.master_user else "backend_roles",
        automation=registration.automation_role,
        automation_roles=("security_manager", LOCK_ROLE),
        shut_out=registration.break_glass_role,
    )


def while_locked(registration: Registration, let_in: LetIn) -> ProtectedPrincipals:
    """Who is mapped on a locked deployment, and to what: the automation, and break-glass for as long as a window is open."""
    return keepers(registration).while_locked(registration.break_glass_role, _OPENED[let_in])


def with_foundation(
    access: AccessModel, registration: Registration, *, sample: str = "", moving: bool = False
) -> AccessModel:
    """The access model with what Portcullis needs, whatever the deployment file says of the same names.

    `sample` is the index whose restorability is checked, `moving` says that a re-key of the deployment is under way.
    """
    ours = {LOCK_ROLE: LOCK, BREAK_GLASS_ROLE: _BREAK_GLASS, BREAK_GLASS_WRITE_ROLE: _BREAK_GLASS_WRITE}
    roles = {**access.roles, **ours}
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
