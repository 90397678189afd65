"""Elastic's named privileges as the actions they allow, as far as requests of people use them.

From the definitions in Elastic's documents of each privilege; which privilege contains which was measured on the classes of 9.5.3
(tests/families/elasticsearch/privileges-9.5.3.json) and holds here. A raw action name or pattern (`indices:data/read/search`) is taken
as a privilege too, as the engine takes it. What is not in these tables is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from portcullis.families.elasticsearch.names import covers
from portcullis.families.elasticsearch.release import Release

_MONITOR = ("indices:monitor/*",)
_READ = ("indices:data/read/*", "indices:admin/resolve/*", "indices:internal/data/read/*")
_METADATA = (
    *("indices:admin/aliases/get", "indices:admin/aliases/exists", "indices:admin/get", "indices:admin/exists"),
    *("indices:admin/mappings/get*", "indices:admin/mappings/fields/get*", "indices:admin/shards/search_shards"),
    *("indices:admin/types/exists", "indices:admin/validate/query*", "indices:monitor/settings/get"),
    *("indices:admin/ilm/explain", "indices:admin/data_stream/get", "indices:admin/data_stream/lifecycle/*get*"),
    *("indices:admin/resolve/*", "indices:data/read/field_caps*", "indices:admin/index_template/*get*"),
)
_MAPPING = ("indices:admin/mapping/auto_put",)
_INDEX_ITEM = ("indices:data/write/index", "indices:data/write/index[*", "indices:data/write/index:op_type/*")
_CREATE_ITEM = ("indices:data/write/index", "indices:data/write/index[*", "indices:data/write/index:op_type/create")
_BULK = ("indices:data/write/bulk*", "indices:data/write/simulate/bulk*")

_INDEX: dict[str, tuple[str, ...]] = {
    "none": (),
    "all": ("indices:*", "internal:transport/proxy/indices:*"),
    "read": _READ,
    "read_cross_cluster": (
        "internal:transport/proxy/indices:data/read/*",
        "indices:admin/shards/search_shards",
        "indices:admin/resolve/*",
    ),
    "monitor": _MONITOR,
    "manage": (*_MONITOR, "indices:admin/*", "indices:data/read/field_caps*"),
    "view_index_metadata": _METADATA,
    "index": (*_INDEX_ITEM, "indices:data/write/update*", *_BULK, *_MAPPING),
    "create": (*_INDEX_ITEM, *_BULK, *_MAPPING),
    "create_doc": (*_CREATE_ITEM, *_BULK, *_MAPPING),
    "delete": ("indices:data/write/delete*", *_BULK),
    "write": ("indices:data/write/*", *_MAPPING),
    "create_index": ("indices:admin/create", "indices:admin/auto_create", "indices:admin/data_stream/create"),
    "delete_index": ("indices:admin/delete", "indices:admin/data_stream/delete"),
    "auto_configure": ("indices:admin/auto_create", *_MAPPING),
    "maintenance": tuple(
        f"indices:admin/{what}*"
        for what in ("refresh", "flush", "synced_flush", "forcemerge", "cache/clear", "analyze")
    ),
    "manage_ilm": ("indices:admin/ilm/*",),
    "manage_follow_index": ("indices:admin/xpack/ccr/*", "indices:admin/close*", "indices:admin/open*"),
    "manage_leader_index": ("indices:admin/xpack/ccr/forget_follower*",),
    "manage_data_stream_lifecycle": ("indices:admin/data_stream/lifecycle/*",),
}

_CLUSTER: dict[str, tuple[str, ...]] = {
    "none": (),
    "all": ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"),
    "monitor": ("cluster:monitor/*",),
    "manage": ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"),
    "manage_security": ("cluster:admin/xpack/security/*",),
    "read_security": ("cluster:admin/xpack/security/*/get", "cluster:admin/xpack/security/get_*"),
    "manage_api_key": ("cluster:admin/xpack/security/api_key/*",),
    "manage_own_api_key": ("cluster:admin/xpack/security/api_key/*",),
    "manage_index_templates": (
        "indices:admin/template/*",
        "indices:admin/index_template/*",
        "cluster:admin/component_template/*",
    ),
    "manage_ingest_pipelines": ("cluster:admin/ingest/pipeline/*",),
    "manage_pipeline": ("cluster:admin/ingest/pipeline/*",),
    "manage_ilm": ("cluster:admin/ilm/*",),
    "read_ilm": ("cluster:admin/ilm/get", "cluster:admin/ilm/operation_mode/get"),
    "create_snapshot": ("cluster:admin/snapshot/create", "cluster:admin/snapshot/get*", "cluster:admin/repository/get"),
    "monitor_snapshot": (
        "cluster:admin/snapshot/status*",
        "cluster:admin/snapshot/get*",
        "cluster:admin/repository/get",
    ),
    "cross_cluster_search": (
        "cluster:internal/xpack/security/*",
        "cluster:monitor/xpack/enrich/*",
        "cluster:monitor/state",
        "cluster:internal/remote_cluster/*",
    ),
    "transport_client": ("cluster:monitor/nodes/liveness", "cluster:monitor/state"),
}
# Of `manage` of the cluster: what belongs to security is not in it.
_NOT_IN_MANAGE = ("cluster:admin/xpack/security/*",)


def grants_on_index(privileges: Iterable[str], action: str) -> bool:
    """Whether these privileges of a role's entry allow an action on its indices."""
    return any(
        _allowed(pattern, action) for name in privileges for pattern in _INDEX.get(name.lower(), _as_pattern(name))
    )


def as_held(privileges: Iterable[str], release: Release) -> tuple[str, ...]:
    """With what a release's privilege contains beside its own: from 9 on `read` is that of other clusters, too."""
    given = tuple(privileges)
    return (*given, "read_cross_cluster") if release.major >= 9 and "read" in given else given


def is_void(privileges: Sequence[str]) -> bool:
    """Whether these, in the only entry that a role has, count for nothing: the first of them says so (seen on 9.5.3 and 6.8.23)."""
    return bool(privileges) and privileges[0].lower() == "none"


def grants_on_cluster(privileges: Iterable[str], action: str) -> bool:
    for name in privileges:
        if name.lower() == "manage" and any(_allowed(pattern, action) for pattern in _NOT_IN_MANAGE):
            continue
        patterns = _CLUSTER.get(name.lower(), _as_pattern(name))
        if any(_allowed(pattern, action) for pattern in patterns):
            return True
    return False


def unknown(privileges: Iterable[str], table: str) -> tuple[str, ...]:
    """Those whose meaning is not in the tables: of `index` or `cluster`."""
    names = _INDEX if table == "index" else _CLUSTER
    return tuple(name for name in privileges if name.lower() not in names and not _is_raw(name))


def breaks_every_request(privileges: Iterable[str], release: Release) -> tuple[str, ...]:
    """Privileges that the release takes into a role without a look, and that then end each request of its holders in an error."""
    if release.has_create_doc:
        return ()
    return tuple(name for name in privileges if name.lower() in ("create_doc", "auto_configure", "maintenance"))


def _is_raw(name: str) -> bool:
    return name.startswith(("indices:", "cluster:", "internal:"))


def _as_pattern(name: str) -> tuple[str, ...]:
    """An action that is given by its name is given with all that begin so."""
    return (f"{name}*",) if _is_raw(name) else ()


def _allowed(pattern: str, action: str) -> bool:
    return covers(pattern, action)


def index_within(name: str, others: Iterable[str]) -> bool:
    """Whether these privileges of an index allow all that this one does."""
    return _within(name, others, _INDEX)


def cluster_within(name: str, others: Iterable[str]) -> bool:
    """Whether these privileges of the cluster allow all that this one does."""
    given = [one for one in others if one.lower() != "manage" or "security" not in name.lower()]
    return _within(name, given, _CLUSTER)


def _within(name: str, others: Iterable[str], table: dict[str, tuple[str, ...]]) -> bool:
    given = [one.lower() for one in others]
    if name.lower() in given or "all" in given:
        return True
    asked = table.get(name.lower(), _as_pattern(name) or None)
    if asked is None:
        return False  # what it allows is not known here
    patterns = [pattern for one in given for pattern in table.get(one, _as_pattern(one))]
    # Two stars stand for one, so that no `?` covers a `*`.
    return all(any(_allowed(pattern, action.replace("*", "**")) for pattern in patterns) for action in asked)
