"""What Portcullis itself needs on every Elasticsearch, in the form of its roles."""

from __future__ import annotations

from portcullis.access.actual import Json
from portcullis.families.base import CANARY_INDEX, RESTORED, Baseline
from portcullis.families.elasticsearch.known.own_indices import STORED_RESULTS

OWN_ROLES = "portcullis_"  # how all of these begin; `check` refuses such a name to others
SECURITY_ROLE = "portcullis_security"
LOCK_ROLE = "portcullis_lock"
BREAK_GLASS_ROLE = "portcullis_break_glass"
BREAK_GLASS_WRITE_ROLE = "portcullis_break_glass_write"
CANARY_ROLE = "portcullis_canary"
SNAPSHOT_ROLE = "snapshot_user"  # the engine's own
COMPARE_ROLE = "portcullis_compare"
REMOTES_ROLE = "portcullis_remotes"


def _role(what: str, *, cluster: list[str] | None = None, indices: list[Json] | None = None) -> Json:
    return {"cluster": cluster or [], "indices": indices or [], "metadata": {"portcullis": what}}


# Writes access, so that whoever has it could give themselves everything: no release has a smaller right that would do. It reads no
# document of people's, but the numbers of the engine's own by which somebody else's write is seen.
_SECURITY = _role(
    "reads and writes who has access; as good as a superuser",
    cluster=["manage_security"],
    indices=[{"names": [".security*"], "privileges": ["read"], "allow_restricted_indices": True}],
)
# Settings of every index, and no document of any: measured, this role can block an index and cannot search it. What it deletes are results
# of searches that the engine has put aside.
_LOCK = _role(
    "blocks and unblocks indices and ends open searches when the key is gone; reads no document",
    cluster=[
        *("monitor", "cluster:admin/indices/scroll/clear_all"),
        # What deletes indices and snapshots by itself, or reads and sends, rests while it is locked.
        *("cluster:admin/ilm/operation_mode/get", "cluster:admin/ilm/start", "cluster:admin/ilm/stop"),
        *("cluster:admin/slm/start", "cluster:admin/slm/status", "cluster:admin/slm/stop"),
        "cluster:admin/xpack/watcher/service",
    ],
    indices=[
        {
            "names": ["*"],
            "privileges": [
                *("indices:admin/settings/update", "indices:monitor/settings/get", "indices:monitor/stats"),
                # A point in time of somebody else ends with the closing of its index, which is opened again at once.
                *("indices:admin/close*", "indices:admin/open*"),
                "indices:admin/aliases/get",  # what an alias leaves of its indices: its filter
            ],
            # Else `*` would leave out what the engine keeps for its features: copies for enriching, results of tasks, what Kibana saved.
            "allow_restricted_indices": True,
        },
        {"names": [STORED_RESULTS], "privileges": ["indices:admin/delete"], "allow_restricted_indices": True},
    ],
)
# What of them no lock begins, holds or ends without. What is missing besides, as of a role from before this release, is told.
NEEDED_OF: dict[str, dict[str, tuple[str, ...]]] = {
    LOCK_ROLE: {
        "cluster": ("monitor",),
        "indices": ("indices:admin/settings/update", "indices:monitor/settings/get"),
    }
}
_BREAK_GLASS = _role(
    "reads while a window of break-glass is open; given to nobody at any other time",
    cluster=["monitor"],
    indices=[{"names": ["*"], "privileges": ["read", "view_index_metadata", "monitor"]}],
)
# Documents, and nothing of an index itself: it can change no setting, alias, mapping of its own or template.
_BREAK_GLASS_WRITE = _role(
    "writes while a window of break-glass is open that asked for it; given to nobody at any other time",
    indices=[{"names": ["*"], "privileges": ["index", "delete"]}],
)
_CANARY = _role(
    "asks for its own index, to prove that a lock holds",
    indices=[{"names": [CANARY_INDEX], "privileges": ["read", "index", "create_index"]}],
)
# Where a cluster reads others with keys. It reads no document there: the name that it may read is of no index, so that the other cluster
# refuses whatever it asks for, and says by which key it came. Whoever runs the cluster gives it; it is not kept, as older releases
# know nothing of it.
REMOTES = {
    **_role(
        "has the nodes read their keystores again, sets remote clusters, and sees by which key they are read; reads no document",
        cluster=["monitor", "cluster:admin/nodes/reload_secure_settings", "cluster:admin/settings/update"],
    ),
    "remote_indices": [{"clusters": ["*"], "names": ["portcullis-may-read"], "privileges": ["read"]}],
}
DOCUMENTS: dict[str, Json] = {
    SECURITY_ROLE: _SECURITY,
    LOCK_ROLE: _LOCK,
    BREAK_GLASS_ROLE: _BREAK_GLASS,
    BREAK_GLASS_WRITE_ROLE: _BREAK_GLASS_WRITE,
    CANARY_ROLE: _CANARY,
}


def _compare_role(sample: str, *, moving: bool) -> Json | None:
    """Who compares what was restored with what it was made from: of one index, or of all while a re-key is under way."""
    read = ["*"] if moving else [sample] if sample else []
    if not read:
        return None
    needs = ["read", "monitor", "indices:admin/refresh*", "indices:monitor/settings/get"]
    freeze = ["indices:admin/settings/update"] if moving else []
    return _role(
        "compares a restored index with the one it was made from",
        cluster=["monitor"],
        indices=[
            {"names": read, "privileges": [*needs, *freeze]},
            {"names": [f"{RESTORED}*"], "privileges": [*needs, "delete_index"]},
        ],
    )


def baseline(*, sample: str = "", moving: bool = False) -> Baseline:
    """`sample` is the index whose restorability is checked, `moving` says that a re-key of the deployment is under way."""
    compares = _compare_role(sample, moving=moving)
    return Baseline(
        lock=LOCK_ROLE,
        automation=(SECURITY_ROLE, LOCK_ROLE),
        reads=(BREAK_GLASS_ROLE,),
        writes=(BREAK_GLASS_ROLE, BREAK_GLASS_WRITE_ROLE),
        canary=CANARY_ROLE,
        snapshots=SNAPSHOT_ROLE,
        compares=COMPARE_ROLE,
        documents=DOCUMENTS | ({COMPARE_ROLE: compares} if compares else {}),
    )
