"""The layered model of access: four levels on the same indices, and how their people are called.

Its words for privileges are Elasticsearch's; `ACTIONS` says what each is in the words of the Security plugin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from portcullis.families.opensearch.names.matching import matches


@dataclass(frozen=True, slots=True)
class Level:
    """A named kind of access. `roles` are predefined roles it brings along, by the names that Elasticsearch domains give them."""

    description: str = ""
    indices: tuple[str, ...] | None = None  # None: those of the model
    privileges: tuple[str, ...] = ()
    cluster_permissions: tuple[str, ...] | None = None  # None: follows from the privileges
    roles: tuple[str, ...] = ()
    dashboards: bool = False
    user_names: tuple[str, ...] = ()

    def changed(self, **what: Any) -> Level:
        return replace(self, **what)


LEVELS: dict[str, Level] = {
    "super_user": Level(
        "Everything, the security configuration included",
        roles=("all_access", "security_manager"),
        user_names=("elastic", "<firstname>.<lastname>.admin"),
    ),
    "application": Level("The application: everything on its indices", privileges=("all",), user_names=("catalyst",)),
    "support": Level(
        "Support: reads the indices, in Dashboards too",
        privileges=("read",),
        dashboards=True,
        user_names=("<firstname>.<lastname>.support",),
    ),
    "dashboard": Level(
        "Looks at dashboards, edits nothing, and has no privilege on any index of its own",
        roles=("kibana_read_only",),
        dashboards=True,
        user_names=("<firstname>.<lastname>.dashboard",),
    ),
}

# Elasticsearch's index privilege -> action groups and permissions. None: the Security plugin has nothing of the kind.
ACTIONS: dict[str, tuple[str, ...] | None] = {
    "all": ("indices_all",),
    "create": ("indices:data/write/index*", "indices:data/write/bulk*", "indices:admin/mapping/put"),
    "create_index": ("create_index",),
    "delete": ("delete", "indices:data/write/bulk*"),
    "delete_index": ("indices:admin/delete",),
    "index": ("index",),
    "maintenance": (
        "indices:admin/refresh*",
        "indices:admin/flush*",
        "indices:admin/synced_flush*",
        "indices:admin/forcemerge*",
        "indices:admin/cache/clear*",
    ),
    "manage": ("manage",),
    "monitor": ("indices_monitor",),
    "none": (),
    "read": ("read",),
    "read_cross_cluster": ("indices:admin/shards/search_shards", "indices:data/read/search*"),
    "view_index_metadata": (
        "indices:admin/aliases/get",
        "indices:admin/get",
        "indices:admin/mappings/get",
        "indices:admin/mappings/fields/get*",
        "indices:admin/resolve/index",
        "indices:admin/shards/search_shards",
        "indices:admin/validate/query",
        "indices:monitor/settings/get",
    ),
    "write": ("write",),
    # Words of the seed that belong to X-Pack's own machinery.
    "create_doc": None,  # the engine cannot tell a new document from an overwritten one
    "manage_follow_index": None,
    "manage_ilm": None,
    "manage_leader_index": None,
}

_WRITING = {"all", "create", "create_doc", "delete", "index", "write", "manage"}


def level_role(level: str) -> str:
    """The name of the role that a level becomes."""
    return f"level_{level}"


def cluster_permissions(privileges: tuple[str, ...]) -> tuple[str, ...]:
    """What a caller with these privileges needs on the cluster: requests over several indices are asked for there first."""
    if not privileges or privileges == ("none",):
        return ()
    return ("cluster_composite_ops",) if _WRITING & set(privileges) else ("cluster_composite_ops_ro",)


def follows(user: str, standards: tuple[str, ...]) -> bool:
    """Whether a user name follows one of the standards: an exact name, or words in <> that stand for one name part each."""
    return any(matches(f"/{_pattern(standard)}/", user) for standard in standards)


def _pattern(standard: str) -> str:
    parts = re.split(r"(<[a-z_]+>)", standard)
    return "".join(r"[A-Za-z][A-Za-z0-9-]*" if p.startswith("<") else re.escape(p) for p in parts)
