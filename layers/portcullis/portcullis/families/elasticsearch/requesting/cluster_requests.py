"""Requests about the cluster, as the actions that the engine asks about."""

from __future__ import annotations

from portcullis.families.elasticsearch.known.privileges import OWN_KEY
from portcullis.families.elasticsearch.requesting.asking import Need, Request

_S = "cluster:admin/xpack/security/"
_STATE, _INFO, _NODE_STATS = "cluster:monitor/state", "cluster:monitor/nodes/info", "cluster:monitor/nodes/stats"
_ALLOCATION = "cluster:monitor/allocation/stats"  # not in 6.8
# Method and path, `*` for any part; then the actions. Nothing: everybody may.
_TABLE = f"""
GET / cluster:monitor/main
GET /_cluster/health cluster:monitor/health
GET /_cluster/health/* cluster:monitor/health
GET /_cluster/state {_STATE}
GET /_cluster/state/* {_STATE}
GET /_cluster/state/*/* {_STATE}
GET /_cluster/stats cluster:monitor/stats
GET /_cluster/settings cluster:monitor/settings
PUT /_cluster/settings cluster:admin/settings/update
GET /_cluster/pending_tasks cluster:monitor/task
POST /_cluster/reroute cluster:admin/reroute
GET /_cluster/allocation/explain cluster:monitor/allocation/explain
POST /_cluster/allocation/explain cluster:monitor/allocation/explain
POST /_cluster/voting_config_exclusions cluster:admin/voting_config/add_exclusions
DELETE /_cluster/voting_config_exclusions cluster:admin/voting_config/clear_exclusions
GET /_nodes {_INFO}
GET /_nodes/* {_INFO}
GET /_nodes/stats {_NODE_STATS} {_ALLOCATION}
GET /_nodes/*/stats {_NODE_STATS} {_ALLOCATION}
GET /_nodes/usage cluster:monitor/nodes/usage
GET /_nodes/hot_threads cluster:monitor/nodes/hot_threads
POST /_nodes/reload_secure_settings cluster:admin/nodes/reload_secure_settings
GET /_cat
GET /_cat/health cluster:monitor/health
GET /_cat/nodes {_STATE} {_INFO} {_NODE_STATS} {_ALLOCATION}
GET /_cat/master {_STATE}
GET /_cat/templates indices:admin/template/get indices:admin/index_template/get
GET /_cat/plugins {_STATE} {_INFO}
GET /_cat/tasks cluster:monitor/tasks/lists
GET /_cat/allocation {_STATE} {_NODE_STATS} {_ALLOCATION}
GET /_cat/thread_pool {_STATE} {_INFO} {_NODE_STATS}
GET /_cat/indices {_STATE}
GET /_cat/shards {_STATE}
GET /_cat/segments {_STATE}
GET /_cat/fielddata {_NODE_STATS}
GET /_cat/nodeattrs {_STATE} {_INFO}
GET /_cat/pending_tasks cluster:monitor/task
GET /_cat/repositories cluster:admin/repository/get
GET /_cat/snapshots/* cluster:admin/snapshot/get
GET /_tasks cluster:monitor/tasks/lists
GET /_tasks/* cluster:monitor/task/get
POST /_tasks/_cancel cluster:admin/tasks/cancel
POST /_tasks/*/_cancel cluster:admin/tasks/cancel
GET /_remote/info cluster:monitor/remote/info
GET /_security/_authenticate
GET /_security/user/_privileges
GET /_security/user/_has_privileges
POST /_security/user/_has_privileges
GET /_security/user/*/_has_privileges {_S}user/has_privileges
POST /_security/user/*/_has_privileges {_S}user/has_privileges
PUT /_security/user/_password
POST /_security/user/_password
PUT,POST /_security/user/*/_password {_S}user/change_password
PUT,POST /_security/user/*/_enable {_S}user/set_enabled
PUT,POST /_security/user/*/_disable {_S}user/set_enabled
GET /_security/user {_S}user/get
GET /_security/user/* {_S}user/get
PUT,POST /_security/user/* {_S}user/put
DELETE /_security/user/* {_S}user/delete
GET,POST /_security/_query/user {_S}user/query
GET /_security/role {_S}role/get
GET /_security/role/* {_S}role/get
PUT,POST /_security/role/* {_S}role/put
POST /_security/role {_S}role/bulk_put
DELETE /_security/role {_S}role/bulk_delete
DELETE /_security/role/* {_S}role/delete
GET,POST /_security/_query/role {_S}role/query
PUT,POST /_security/role/*/_clear_cache {_S}roles/cache/clear
PUT,POST /_security/realm/*/_clear_cache {_S}realm/cache/clear
PUT,POST /_security/privilege/*/_clear_cache {_S}cache/clear
PUT,POST /_security/api_key/*/_clear_cache {_S}cache/clear
PUT,POST /_security/service/*/*/credential/token/*/_clear_cache {_S}cache/clear
GET /_security/role_mapping {_S}role_mapping/get
GET /_security/role_mapping/* {_S}role_mapping/get
PUT,POST /_security/role_mapping/* {_S}role_mapping/put
DELETE /_security/role_mapping/* {_S}role_mapping/delete
GET /_security/privilege {_S}privilege/get
GET /_security/privilege/* {_S}privilege/get
GET /_security/privilege/*/* {_S}privilege/get
GET /_security/privilege/_builtin {_S}privilege/builtin/get
PUT,POST /_security/privilege {_S}privilege/put
DELETE /_security/privilege/*/* {_S}privilege/delete
GET /_security/api_key {_S}api_key/get
PUT,POST /_security/api_key {_S}api_key/create
PUT /_security/api_key/* {_S}api_key/update
POST /_security/api_key/_bulk_update {_S}api_key/bulk_update
DELETE /_security/api_key {_S}api_key/invalidate
POST /_security/api_key/grant {_S}api_key/grant
GET,POST /_security/_query/api_key {_S}api_key/query
POST /_security/cross_cluster/api_key {_S}cross_cluster/api_key/create
PUT /_security/cross_cluster/api_key/* {_S}cross_cluster/api_key/update
POST /_security/oauth2/token {_S}token/create
DELETE /_security/oauth2/token {_S}token/invalidate
GET /_security/service {_S}service_account/get
GET /_security/service/* {_S}service_account/get
GET /_security/service/*/* {_S}service_account/get
GET /_security/settings {_S}settings/get
PUT /_security/settings {_S}settings/update
GET /_security/stats cluster:monitor/xpack/security/stats
GET /_security/profile/* {_S}profile/get
GET,POST /_security/profile/_suggest {_S}profile/suggest
GET,POST /_security/profile/_has_privileges {_S}profile/has_privileges
POST /_security/profile/_activate {_S}profile/activate
GET /_template indices:admin/template/get
GET /_template/* indices:admin/template/get
PUT,POST /_template/* indices:admin/template/put
DELETE /_template/* indices:admin/template/delete
GET /_index_template indices:admin/index_template/get
GET /_index_template/* indices:admin/index_template/get
PUT,POST /_index_template/* indices:admin/index_template/put
DELETE /_index_template/* indices:admin/index_template/delete
POST /_index_template/_simulate indices:admin/index_template/simulate
POST /_index_template/_simulate/* indices:admin/index_template/simulate
POST /_index_template/_simulate_index/* indices:admin/index_template/simulate_index
GET /_component_template cluster:admin/component_template/get
GET /_component_template/* cluster:admin/component_template/get
PUT,POST /_component_template/* cluster:admin/component_template/put
DELETE /_component_template/* cluster:admin/component_template/delete
GET /_ilm/policy cluster:admin/ilm/get
GET /_ilm/policy/* cluster:admin/ilm/get
PUT /_ilm/policy/* cluster:admin/ilm/put
DELETE /_ilm/policy/* cluster:admin/ilm/delete
GET /_ilm/status cluster:admin/ilm/operation_mode/get
POST /_ilm/start cluster:admin/ilm/start
POST /_ilm/stop cluster:admin/ilm/stop
GET /_ingest/pipeline cluster:admin/ingest/pipeline/get
GET /_ingest/pipeline/* cluster:admin/ingest/pipeline/get
PUT /_ingest/pipeline/* cluster:admin/ingest/pipeline/put
DELETE /_ingest/pipeline/* cluster:admin/ingest/pipeline/delete
GET,POST /_ingest/pipeline/_simulate cluster:admin/ingest/pipeline/simulate
GET,POST /_ingest/pipeline/*/_simulate cluster:admin/ingest/pipeline/simulate
GET /_ingest/processor/grok cluster:admin/ingest/processor/grok/get
GET /_snapshot cluster:admin/repository/get
GET /_snapshot/* cluster:admin/repository/get
PUT,POST /_snapshot/* cluster:admin/repository/put
DELETE /_snapshot/* cluster:admin/repository/delete
POST /_snapshot/*/_verify cluster:admin/repository/verify
POST /_snapshot/*/_cleanup cluster:admin/repository/_cleanup
GET /_snapshot/*/* cluster:admin/snapshot/get
PUT,POST /_snapshot/*/* cluster:admin/snapshot/create
DELETE /_snapshot/*/* cluster:admin/snapshot/delete
POST /_snapshot/*/*/_restore cluster:admin/snapshot/restore
GET /_snapshot/_status cluster:admin/snapshot/status
GET /_snapshot/*/_status cluster:admin/snapshot/status
GET /_snapshot/*/*/_status cluster:admin/snapshot/status
GET /_license cluster:monitor/xpack/license/get
GET /_xpack/license cluster:monitor/xpack/license/get
GET /_xpack cluster:monitor/xpack/info
GET /_xpack/usage cluster:monitor/xpack/usage
POST /_license/start_trial cluster:admin/xpack/license/start_trial
GET /_license/trial_status cluster:admin/xpack/license/trial_status
POST /_license/start_basic cluster:admin/xpack/license/start_basic
GET /_license/basic_status cluster:admin/xpack/license/basic_status
GET /_ssl/certificates cluster:monitor/xpack/ssl/certificates/get
GET /_scripts/* cluster:admin/script/get
PUT,POST /_scripts/* cluster:admin/script/put
DELETE /_scripts/* cluster:admin/script/delete
GET /_script_context cluster:admin/script_context/get
GET /_script_language cluster:admin/script_language/get
DELETE /_search/scroll/_all cluster:admin/indices/scroll/clear_all
GET,POST /_analyze cluster:admin/analyze
GET /_dangling cluster:admin/indices/dangling/list
GET /_features cluster:admin/features/get
POST /_features/_reset cluster:admin/features/reset
GET /_health_report cluster:monitor/health_api
GET /_internal/desired_balance cluster:admin/desired_balance/get
"""
# What 6.8 asks about otherwise.
_OLD = {
    ("GET", "_cluster/settings"): (_STATE,),
    ("GET", "_cat/templates"): (_STATE,),
    ("GET", "_cat/indices"): (_STATE, "cluster:monitor/health"),
    ("GET", "_security/privilege/_builtin"): (f"{_S}privilege/get",),
    ("PUT", "_ingest/pipeline/*"): ("cluster:admin/ingest/pipeline/put", _INFO),
    ("POST", "_snapshot/*/_cleanup"): ("cluster:admin/snapshot/create",),
}


def _read() -> dict[tuple[str, int], list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    """By method and how many parts a path has; the paths with fewer stars first."""
    found: dict[tuple[str, int], list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for line in _TABLE.strip().splitlines():
        methods, path, *actions = line.split()
        parts = tuple(part for part in path.split("/") if part)
        for method in methods.split(","):
            found.setdefault((method, len(parts)), []).append((parts, tuple(actions)))
    for of in found.values():
        of.sort(key=lambda one: one[0].count("*"))
    return found


_BY_SHAPE = _read()


def of_cluster(method: str, parts: tuple[str, ...], request: Request, *, old: bool) -> tuple[Need, ...] | None:
    """The needs of a request about the cluster; None: it is no such request, or none that is known here. `old`: 6.8."""
    for path, actions in _BY_SHAPE.get((method, len(parts)), ()):
        if all(one in ("*", part) for one, part in zip(path, parts, strict=True)):
            if old:
                plain = [one for one in actions if one != _ALLOCATION]
                actions = _OLD.get((method, "/".join(path)), tuple(plain))
            own = path[-1:] == ("_has_privileges",) and len(path) == 4
            return tuple(Need(_owned(action, request), cluster=True, own_only=own) for action in actions)
    return None


def _owned(action: str, request: Request) -> str:
    """Whoever asks about API keys of their own needs less."""
    said = request.body if isinstance(request.body, dict) else {}
    own = request.parameters.get("owner") in ("", "true") or said.get("owner") is True
    return f"{action}{OWN_KEY}" if own and action.endswith(("api_key/get", "api_key/invalidate")) else action
