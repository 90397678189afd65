"""Elastic's named privileges as the actions they allow, as far as requests of people use them.

From the definitions in Elastic's documents of each privilege; which privilege contains which was measured on the classes of 9.5.3
(tests/families/elasticsearch/privileges-9.5.3.json) and holds here. A raw action name or pattern (`indices:data/read/search`) is taken
as a privilege too, as the engine takes it. What is not in these tables is unknown, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from portcullis.families.elasticsearch.known.names import covers
from portcullis.families.elasticsearch.known.release import Release

_MONITOR = ("indices:monitor/*",)
_READ = (*("indices:data/read/*", "indices:admin/resolve/*", "indices:admin/inference/fields/get"),)
_METADATA = (
    *("indices:admin/aliases/get", "indices:admin/aliases/exists", "indices:admin/get", "indices:admin/exists"),
    *("indices:admin/mappings/get*", "indices:admin/mappings/fields/get*", "indices:admin/shards/search_shards"),
    "indices:admin/search/search_shards",
    *("indices:admin/types/exists", "indices:admin/validate/query*", "indices:monitor/settings/get"),
    *("indices:admin/ilm/explain", "indices:admin/data_stream/get", "indices:admin/data_stream/lifecycle/*get*"),
    *(
        "indices:admin/data_stream/lifecycle/explain",
        *(f"indices:{of}/get/metering/stats" for of in ("admin", "monitor")),
        "indices:monitor/transform/checkpoint",
    ),
    *("indices:admin/resolve/*", "indices:data/read/field_caps*", "indices:data/read/xpack/rollup/get/index/caps*"),
)
# What an older release does not allow by these: in 6.8 to see which fields and rollups there are, or to roll over, before 8 to see what a
# name comes to.
_LATER = (
    ("indices:data/read/field_caps", 7, ("manage", "view_index_metadata")),
    ("indices:data/read/xpack/rollup/", 7, ("manage", "view_index_metadata")),
    ("indices:admin/rollover", 7, ("manage_follow_index",)),
    ("indices:admin/resolve/", 8, ("read", "read_cross_cluster")),
)
_WRITERS = frozenset(("create", "create_doc", "index", "write"))
_MAPPING = ("indices:admin/mapping/auto_put",)
_INDEX_ITEM = ("indices:data/write/index", "indices:data/write/index[*", "indices:data/write/index:op_type/*")
_CREATE_ITEM = ("indices:data/write/index", "indices:data/write/index[*", "indices:data/write/index:op_type/create")
_BULK = ("indices:data/write/bulk*",)
# What whoever adds documents sends besides.
_ADD = (
    *("indices:data/write/simulate/bulk*", "indices:data/write/otlp/*", "indices:data/write/prometheus/remote_write*"),
    *_BULK,
)
_AUTO_CREATE = ("indices:admin/auto_create", "indices:admin/data_stream/auto_create_past_tsdb")

_INDEX: dict[str, tuple[str, ...]] = {
    "none": (),
    "all": ("indices:*", "internal:transport/proxy/indices:*"),
    "read": _READ,
    "read_cross_cluster": (
        "internal:transport/proxy/indices:data/read/*",
        "indices:admin/shards/search_shards",
        "indices:admin/search/search_shards",
        *("indices:admin/resolve/cluster", "indices:data/read/esql", "indices:data/read/esql/compute"),
    ),
    "monitor": _MONITOR,
    "manage": (
        *(*_MONITOR, "indices:admin/*", "indices:data/read/field_caps*"),
        "indices:data/read/xpack/rollup/get/index/caps*",
    ),
    "view_index_metadata": _METADATA,
    "index": (*_INDEX_ITEM, "indices:data/write/update*", *_ADD),
    "create": (*_INDEX_ITEM, *_ADD),
    "create_doc": (*_CREATE_ITEM, *_ADD),
    "delete": ("indices:data/write/delete*", *_BULK),
    "write": ("indices:data/write/*", *_MAPPING),
    "create_index": ("indices:admin/create", *_AUTO_CREATE, "indices:admin/data_stream/create"),
    "delete_index": ("indices:admin/delete", "indices:admin/data_stream/delete"),
    "auto_configure": (*_AUTO_CREATE, *_MAPPING),
    "maintenance": tuple(f"indices:admin/{what}*" for what in ("refresh", "flush", "synced_flush", "forcemerge")),
    "manage_ilm": ("indices:admin/ilm/*",),
    "manage_follow_index": (
        *("indices:admin/xpack/ccr/put_follow", "indices:admin/xpack/ccr/unfollow", "indices:admin/close*"),
        *("indices:admin/data_stream/promote", "indices:admin/rollover"),
    ),
    "manage_leader_index": ("indices:admin/xpack/ccr/forget_follower*",),
    "cross_cluster_replication": (
        *("indices:data/read/xpack/ccr/shard_changes*", "indices:monitor/stats*"),
        *(f"indices:admin/seq_no/{verb}_retention_lease*" for verb in ("add", "remove", "renew")),
    ),
    "cross_cluster_replication_internal": (
        *("indices:internal/admin/ccr/restore/session/*", "indices:internal/admin/ccr/restore/file_chunk/get*"),
    ),
    "manage_data_stream_lifecycle": ("indices:admin/data_stream/lifecycle/*",),
}

_SECURITY = "cluster:admin/xpack/security/"
_TEMPLATES = ("indices:admin/template/*", "indices:admin/index_template/*")
_TRANSFORMS_READ = ("cluster:monitor/data_frame/*", "cluster:monitor/transform/*")
_TRANSFORMS = (*_TRANSFORMS_READ, "cluster:admin/data_frame/*", "cluster:admin/transform/*")
_SNAPSHOTS_READ = ("cluster:admin/snapshot/status*", "cluster:admin/snapshot/get", "cluster:admin/repository/get")
_STATE = ("cluster:monitor/state",)
_LOOKS_AT_CONNECTORS = ("get", "list", "sync_job/get", "sync_job/list")
_CONNECTOR_SECRETS = "cluster:admin/xpack/connector/secret/"
_INFERENCE_READ = ("cluster:monitor/xpack/inference*", "cluster:monitor/xpack/ml/trained_models/deployment/infer")
# What one cluster asks another one for somebody.
_BETWEEN_CLUSTERS = (
    *(
        "cluster:internal/remote_cluster/handshake",
        "cluster:internal/remote_cluster/nodes",
        "cluster:monitor/xpack/info",
    ),
    *("cluster:internal/admin/tasks/ban", "cluster:internal/admin/tasks/cancel_child"),
)
_SIGNS = re.compile(r"[*?]")  # of a pattern
OWN_KEY = ":own"  # after an action about API keys: of those that the caller made themselves
_CLUSTER: dict[str, tuple[str, ...]] = {
    "none": (),
    "all": ("cluster:*", *_TEMPLATES),
    "monitor": ("cluster:monitor/*",),
    "manage": ("cluster:*", *_TEMPLATES),
    "manage_security": (f"{_SECURITY}*",),
    "read_security": tuple(
        f"{_SECURITY}{what}"
        for what in (
            *("api_key/get*", "api_key/query", "privilege/get", "privilege/builtin/get", "profile/get"),
            *("profile/has_privileges", "profile/suggest", "role/get", "role/query", "role_mapping/get"),
            *("service_account/get", "service_account/credential/get*", "settings/get", "user/get", "user/query"),
            *("user/has_privileges", "user/list_privileges"),
        )
    ),
    "manage_api_key": (f"{_SECURITY}api_key/*",),
    "manage_own_api_key": tuple(
        f"{_SECURITY}api_key/{what}"
        for what in (f"get{OWN_KEY}", f"invalidate{OWN_KEY}", "create", "query", "update", "bulk_update")
    ),
    "grant_api_key": (f"{_SECURITY}api_key/grant*",),
    "clone_api_key": (f"{_SECURITY}api_key/clone*",),
    "manage_service_account": (f"{_SECURITY}service_account/*",),
    "manage_user_profile": (f"{_SECURITY}profile/*",),
    "manage_saml": (
        *(f"{_SECURITY}saml/*", f"{_SECURITY}token/invalidate", f"{_SECURITY}token/refresh"),
        "cluster:monitor/xpack/security/saml/metadata",
    ),
    "manage_oidc": (f"{_SECURITY}oidc/*",),
    "manage_token": (f"{_SECURITY}token/*",),
    "delegate_pki": (f"{_SECURITY}delegate_pki", f"{_SECURITY}token/invalidate"),
    "manage_index_templates": (*_TEMPLATES, "cluster:admin/component_template/*"),
    "manage_ingest_pipelines": ("cluster:admin/ingest/pipeline/*",),
    "manage_pipeline": ("cluster:admin/ingest/pipeline/*",),
    "read_pipeline": ("cluster:admin/ingest/pipeline/get", "cluster:admin/ingest/pipeline/simulate"),
    "manage_logstash_pipelines": ("cluster:admin/logstash/pipeline/*",),
    "manage_ilm": ("cluster:admin/ilm/*",),
    "read_ilm": ("cluster:admin/ilm/get", "cluster:admin/ilm/operation_mode/get"),
    "manage_slm": (
        *("cluster:admin/slm/*", "cluster:admin/ilm/start", "cluster:admin/ilm/stop"),
        "cluster:admin/ilm/operation_mode/get",
    ),
    "read_slm": ("cluster:admin/slm/get", "cluster:admin/slm/status", "cluster:admin/ilm/operation_mode/get"),
    "create_snapshot": ("cluster:admin/snapshot/create", *_SNAPSHOTS_READ),
    "monitor_snapshot": _SNAPSHOTS_READ,
    "manage_transform": _TRANSFORMS,
    "manage_data_frame_transforms": _TRANSFORMS,
    "monitor_transform": _TRANSFORMS_READ,
    "monitor_data_frame_transforms": _TRANSFORMS_READ,
    "manage_ml": ("cluster:admin/xpack/ml/*", "cluster:monitor/xpack/ml/*"),
    "monitor_ml": ("cluster:monitor/xpack/ml/*",),
    "manage_watcher": ("cluster:admin/xpack/watcher/*", "cluster:monitor/xpack/watcher/*"),
    "monitor_watcher": ("cluster:monitor/xpack/watcher/*",),
    "manage_rollup": ("cluster:admin/xpack/rollup/*", "cluster:monitor/xpack/rollup/*"),
    "monitor_rollup": ("cluster:monitor/xpack/rollup/*",),
    "manage_enrich": ("cluster:admin/xpack/enrich/*", "cluster:monitor/xpack/enrich/*"),
    "monitor_enrich": ("cluster:monitor/xpack/enrich/*", "cluster:admin/xpack/enrich/get"),
    "manage_ccr": ("cluster:admin/xpack/ccr/*", *_STATE, f"{_SECURITY}user/has_privileges"),
    "read_ccr": (*_STATE, f"{_SECURITY}user/has_privileges"),
    "manage_autoscaling": ("cluster:admin/autoscaling/*",),
    "manage_behavioral_analytics": ("cluster:admin/xpack/application/analytics/*",),
    "post_behavioral_analytics_event": ("cluster:admin/xpack/application/analytics/post_event",),
    "manage_search_application": ("cluster:admin/xpack/application/search_application/*",),
    "manage_search_query_rules": ("cluster:admin/xpack/query/rules/*",),
    "manage_search_synonyms": tuple(
        f"cluster:admin/{what}/*" for what in ("synonyms", "synonyms_sets", "synonym_rules")
    ),
    "manage_connector": ("cluster:admin/xpack/connector/*",),
    "monitor_connector": tuple(f"cluster:admin/xpack/connector/{what}*" for what in _LOOKS_AT_CONNECTORS),
    "read_connector_secrets": (f"{_CONNECTOR_SECRETS}get",),
    "write_connector_secrets": tuple(f"{_CONNECTOR_SECRETS}{verb}" for verb in ("delete", "post", "put")),
    "read_fleet_secrets": ("cluster:admin/fleet/secrets/get",),
    "write_fleet_secrets": ("cluster:admin/fleet/secrets/delete", "cluster:admin/fleet/secrets/post"),
    "manage_inference": (
        *("cluster:admin/xpack/inference/*", *_INFERENCE_READ),
        *(f"cluster:admin/xpack/ml/trained_models/deployment/{verb}" for verb in ("start", "stop")),
    ),
    "monitor_inference": _INFERENCE_READ,
    "monitor_text_structure": ("cluster:monitor/text_structure/*",),
    "monitor_esql": ("cluster:monitor/xpack/esql/*",),
    "monitor_stats": ("cluster:monitor/stats*",),
    "cancel_task": ("cluster:admin/tasks/cancel*",),
    "manage_reindex": ("cluster:admin/reindex/*",),
    "cross_cluster_search": (
        *(*_BETWEEN_CLUSTERS, "cluster:monitor/stats*"),
        "cluster:monitor/xpack/enrich/esql/resolve_policy",
    ),
    "cross_cluster_replication": (*_BETWEEN_CLUSTERS, *_STATE),
    "transport_client": ("cluster:monitor/nodes/liveness", *_STATE),
}
# Of what these allow (failure stores, views, datasets) nothing is asked by a request that is known here.
_OF_OTHER_INDICES = frozenset(
    (
        *("read_failure_store", "manage_failure_store", "create_view", "manage_view", "delete_view"),
        *("read_view_metadata", "create_dataset", "manage_dataset", "delete_dataset", "read_dataset_metadata"),
    )
)
_OF_FAILURES = {"read_failure_store": ("read",), "manage_failure_store": ("manage",)}
_OF_FEATURES = frozenset(
    ("manage_data_stream_global_retention", "monitor_data_stream_global_retention", "monitor_reindex")
)
_CLUSTER |= dict.fromkeys(_OF_FEATURES, ())
# From 8 on `monitor` shows the templates, too.
_SHOWN_TO_MONITOR = (
    "indices:admin/template/get",
    "indices:admin/index_template/get",
    "cluster:admin/component_template/get",
)
# What a privilege of the cluster does not allow, though it is among what its patterns fit.
_EXCEPT = {
    "manage": f"{_SECURITY}*",
    "manage_security": f"{_SECURITY}delegate_pki",
    "manage_connector": f"{_CONNECTOR_SECRETS}*",
}


def grants_on_index(privileges: Iterable[str], action: str, release: Release | None = None) -> bool:
    """Whether these privileges of a role's entry allow an action on its indices. No release: those that are newest."""
    without = [
        name
        for about, since, names in _LATER
        if release and release.major < since and action.startswith(about)
        for name in names
    ]
    return any(
        covers(pattern, action)
        for name in privileges
        if name.lower() not in without
        for pattern in _INDEX.get(name.lower(), _as_pattern(name))
    )


def grants_on_failures(privileges: Iterable[str], action: str) -> bool:
    """Whether these allow an action on what is kept of failures, and so on no index: who asks for a wildcard is not refused (9.5.3)."""
    meant = [one for name in privileges for one in _OF_FAILURES.get(name.lower(), ())]
    return grants_on_index(meant, action)


def writes_mappings(privileges: Iterable[str], action: str) -> bool:
    """Whether these let whoever writes documents change mappings, too: of old they do, though not of data streams."""
    return action == "indices:admin/mapping/put" and any(name.lower() in _WRITERS for name in privileges)


def as_held(privileges: Iterable[str], release: Release) -> tuple[str, ...]:
    """With what a release's privilege contains beside its own: from 9 on `read` is that of other clusters, too."""
    given = tuple(privileges)
    return (*given, "read_cross_cluster") if release.major >= 9 and "read" in given else given


def is_void(privileges: Sequence[str]) -> bool:
    """Whether these, in the only entry that a role has, count for nothing: the first of them says so (seen on 9.5.3 and 6.8.23)."""
    return bool(privileges) and privileges[0].lower() == "none"


def grants_on_cluster(privileges: Iterable[str], action: str, release: Release | None = None) -> bool:
    for name in map(str.lower, privileges):
        if covers(_EXCEPT.get(name, ""), action):
            continue
        if name == "monitor" and action in _SHOWN_TO_MONITOR and (release is None or release.major >= 7):
            return True
        if any(covers(pattern, action) for pattern in _CLUSTER.get(name, _as_pattern(name))):
            return True
    return False


def unknown(privileges: Iterable[str], table: str) -> tuple[str, ...]:
    """Those whose meaning is not in the tables: of `index` or `cluster`."""
    names = _INDEX if table == "index" else _CLUSTER
    none = _OF_OTHER_INDICES if table == "index" else frozenset()
    return tuple(name for name in privileges if name.lower() not in {*names, *none} and not is_raw(name))


def is_raw(name: str) -> bool:
    """Whether it is an action by its name."""
    return name.startswith(("indices:", "cluster:", "internal:"))


def _as_pattern(name: str) -> tuple[str, ...]:
    """An action that is given by its name is given with all that begin so."""
    return (f"{name}*",) if is_raw(name) else ()


def index_within(name: str, others: Iterable[str]) -> bool:
    """Whether these privileges of an index allow all that this one does."""
    return _within(name, others, _INDEX)


def cluster_within(name: str, others: Iterable[str]) -> bool:
    """Whether these privileges of the cluster allow all that this one does."""
    return _within(name, others, _CLUSTER)


def _within(name: str, others: Iterable[str], table: dict[str, tuple[str, ...]]) -> bool:
    given = [one.lower() for one in others]
    if name.lower() in given or "all" in given:
        return True
    asked = table.get(name.lower(), _as_pattern(name) or None)
    if asked is None:
        return False  # what it allows is not known here
    excepted = _EXCEPT if table is _CLUSTER else {}
    return all(
        any(
            _contains(pattern, wanted) and not _meet(excepted.get(one, ""), wanted)
            for one in given
            for pattern in table.get(one, _as_pattern(one))
        )
        for wanted in asked
    )


def _contains(pattern: str, other: str) -> bool:
    """Two stars stand for one, so that no `?` covers a `*`."""
    return covers(pattern, other.replace("*", "**"))


def _meet(excepted: str, wanted: str) -> bool:
    """Whether some of what is wanted is excepted, or may be: of two patterns, where one begins as the other does."""
    if not excepted or not _SIGNS.search(wanted):
        return covers(excepted, wanted)
    begins = [_SIGNS.split(one)[0] for one in (excepted, wanted)]
    return begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])
