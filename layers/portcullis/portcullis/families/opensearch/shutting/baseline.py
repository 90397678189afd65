"""What Portcullis itself needs on every domain, in the form of a security config."""

from __future__ import annotations

from portcullis.access.actual import Json
from portcullis.families.base import CANARY_INDEX, RESTORED, Baseline

LOCK_ROLE = "portcullis_lock"
_SECURITY = "security_manager"  # the engine's own: the security API
BREAK_GLASS_ROLE = "portcullis_break_glass"
BREAK_GLASS_WRITE_ROLE = "portcullis_break_glass_write"
CANARY_ROLE = "portcullis_canary"
SNAPSHOT_ROLE = "manage_snapshots"  # the engine's own
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
                "indices:admin/resolve/index",  # which aliases and data streams there are: names alone
                "indices:admin/aliases/get",  # and what an alias leaves of its indices: its filter
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


def baseline(*, sample: str = "", moving: bool = False) -> Baseline:
    """`sample` is the index whose restorability is checked, `moving` says that a re-key of the deployment is under way."""
    documents = {LOCK_ROLE: LOCK, BREAK_GLASS_ROLE: _BREAK_GLASS, BREAK_GLASS_WRITE_ROLE: _BREAK_GLASS_WRITE}
    documents[CANARY_ROLE] = _CANARY
    if compares := _compare_role(sample, moving=moving):
        documents[COMPARE_ROLE] = compares
    return Baseline(
        lock=LOCK_ROLE,
        automation=(_SECURITY, LOCK_ROLE),
        reads=(BREAK_GLASS_ROLE,),
        writes=(BREAK_GLASS_ROLE, BREAK_GLASS_WRITE_ROLE),
        canary=CANARY_ROLE,
        snapshots=SNAPSHOT_ROLE,
        compares=COMPARE_ROLE,
        documents=documents,
    )
