"""A request as people send it, turned into what has to be permitted for it: actions, and the names each is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from portcullis.families.opensearch.names.world import LISTED, OPEN_ONES, Options
from portcullis.families.opensearch.requesting.need import BULK, BY_SHARD, NOTHING_CHANGED, A, M, Need, NotKnown, R, W
from portcullis.families.opensearch.requesting.of_bodies import (
    fields_of,
    fields_of_update,
    lookups,
    read_by_value,
    refused_by,
    several,
    shows_empty_buckets,
    sorted_by,
    suggests,
)

_READ, _PUT = ("GET", "POST"), ("PUT", "POST")
# What stands after the index in a path -> method -> the actions that are all needed.
_ON_INDEX: dict[str, dict[str, tuple[str, ...]]] = {
    "_search": dict.fromkeys(_READ, (f"{R}search",)),
    "_count": dict.fromkeys(_READ, (f"{R}search",)),
    "_search/template": dict.fromkeys(_READ, (f"{R}search/template", f"{R}search")),
    "_rank_eval": dict.fromkeys(_READ, (f"{R}rank_eval", f"{R}msearch", f"{R}search")),
    "_explain": dict.fromkeys(_READ, (f"{R}explain",)),
    "_termvectors": dict.fromkeys(_READ, (f"{R}tv",)),
    "_field_caps": dict.fromkeys(_READ, (f"{R}field_caps",)),
    "_doc": {
        "GET": (f"{R}get",),
        "HEAD": (f"{R}get",),
        **dict.fromkeys(_PUT, (BULK[0], f"{W}index", BULK[1])),
        "DELETE": (BULK[0], f"{W}delete", BULK[1]),
    },
    "_create": dict.fromkeys(_PUT, (BULK[0], f"{W}index", BULK[1])),
    "_source": {"GET": (f"{R}get",), "HEAD": (f"{R}get",)},
    "_update": {"POST": (f"{W}update", *BULK, f"{W}index")},
    "_mapping": {"GET": (f"{A}mappings/get",), "PUT": (f"{A}mapping/put",)},
    "_settings": {"GET": ("indices:monitor/settings/get",), "PUT": (f"{A}settings/update",)},
    "_mapping/field": {"GET": (f"{A}mappings/fields/get",)},
    "_alias": dict.fromkeys(("GET", "HEAD"), (f"{A}aliases/get",)),
    "_block": {"PUT": (f"{A}block/add", f"{A}block/add[s]")},
    "_analyze": dict.fromkeys(_READ, (f"{A}analyze",)),
    "_cache": {"POST": (f"{A}cache/clear",)},
    "_close": {"POST": (f"{A}close", f"{A}close[s]")},
    "_flush": {"POST": (f"{A}flush", f"{A}flush[s]")},
    "_forcemerge": {"POST": (f"{A}forcemerge",)},
    "_open": {"POST": (f"{A}open",)},
    "_recovery": {"GET": (f"{M}recovery",)},
    "_refresh": {"POST": (f"{A}refresh", f"{A}refresh[s]")},
    "_search_shards": {"GET": (f"{A}shards/search_shards", f"{R}search")},
    "_segments": {"GET": (f"{M}segments",)},
    "_shard_stores": {"GET": (f"{M}shard_stores",)},
    "_stats": {"GET": (f"{M}stats",)},
    "_upgrade": {"GET": (f"{M}upgrade",), "POST": (f"{A}upgrade",)},
    "_validate": dict.fromkeys(_READ, (f"{A}validate/query",)),
    "": {"GET": (f"{A}get",), "HEAD": (f"{A}get",), "DELETE": (f"{A}delete",)},
}
# How much may follow in the path: with more it is another request, which needs something else (`_search/x`, `_mapping/x`).
_MAY_FOLLOW = {
    "_alias": 1,
    "_block": 1,
    "_cache": 1,
    "_stats": 1,
    "_validate": 1,
    "_doc": 1,
    "_create": 1,
    "_source": 1,
    "_update": 1,
    "_explain": 1,
    "_termvectors": 1,
    "_settings": 1,
    "_mapping/field": 1,
}
# What stands in the path before these is one name, whatever signs it has (seen on 2.19.3 and 3.4.0; `_analyze` on 3.4.0).
_OF_ONE_NAME = ("_doc", "_create", "_source", "_update", "_explain", "_termvectors", "_analyze")
# Asked without an index these are about all that there are.
_OF_ALL = frozenset(
    (
        *(
            "_search",
            "_search/template",
            "_rank_eval",
            "_count",
            "_field_caps",
            "_mapping",
            "_mapping/field",
            "_settings",
        ),
        *(
            "_alias",
            "_analyze",
            "_cache",
            "_flush",
            "_forcemerge",
            "_recovery",
            "_refresh",
            "_search_shards",
            "_segments",
        ),
        *("_shard_stores", "_stats", "_validate"),
    )
)
# What stands before the index in a path -> method -> the actions that are all needed. Without one it is about all that there are.
_BEFORE_INDEX: dict[str, dict[str, tuple[str, ...]]] = {
    "_resolve/index": {"GET": (f"{A}resolve/index",)},
    "_data_stream": {
        "GET": (f"{A}data_stream/get",),
        "PUT": (f"{A}data_stream/create",),
        "DELETE": (f"{A}data_stream/delete",),
    },
    "_cat/indices": {"GET": (f"{M}settings/get", "cluster:monitor/state", f"{M}stats", "cluster:monitor/health")},
    "_list/indices": {"GET": (f"{M}settings/get", "cluster:monitor/state", f"{M}stats", "cluster:monitor/health")},
    "_cat/shards": {"GET": ("cluster:monitor/shards", "cluster:monitor/state", f"{M}stats")},
    "_list/shards": {"GET": ("cluster:monitor/shards", "cluster:monitor/state", f"{M}stats")},
    "_cat/segments": {"GET": ("cluster:monitor/state", f"{M}segments")},
    "_cat/count": {"GET": (f"{R}search",)},
    "_cat/recovery": {"GET": (f"{M}recovery",)},
    "_cat/segment_replication": {"GET": (f"{M}segment_replication",)},
}
_STATE = "cluster:monitor/state"
_INFO, _NODE_STATS = "cluster:monitor/nodes/info", "cluster:monitor/nodes/stats"
# As nodes of 2.19.3 and 3.4.0 refused them, one permission after another.
_OF_CLUSTER: dict[str, tuple[str, ...]] = {
    "": ("cluster:monitor/main",),
    "_cluster/health": ("cluster:monitor/health",),
    "_cluster/state": (_STATE,),
    "_cluster/stats": ("cluster:monitor/stats",),
    "_cluster/settings": (_STATE,),
    "_cluster/pending_tasks": ("cluster:monitor/task",),
    "_cluster/allocation/explain": ("cluster:monitor/allocation/explain",),
    "_nodes": (_INFO,),
    "_nodes/stats": (_NODE_STATS,),
    "_nodes/hot_threads": ("cluster:monitor/nodes/hot_threads",),
    "_nodes/usage": ("cluster:monitor/nodes/usage",),
    "_tasks": ("cluster:monitor/tasks/lists",),
    "_remote/info": ("cluster:monitor/remote/info",),
    "_template": (f"{A}template/get",),
    "_index_template": (f"{A}index_template/get",),
    "_component_template": ("cluster:admin/component_template/get",),
    "_ingest/pipeline": ("cluster:admin/ingest/pipeline/get",),
    "_search/pipeline": ("cluster:admin/search/pipeline/get",),
    "_snapshot": ("cluster:admin/repository/get",),
    "_dangling": ("cluster:admin/indices/dangling/list",),
    "_script_context": ("cluster:admin/script_context/get",),
    "_script_language": ("cluster:admin/script_language/get",),
    "_cat": (),
    "_cat/health": ("cluster:monitor/health",),
    "_cat/nodes": (_STATE, _INFO, _NODE_STATS),
    "_cat/templates": (_STATE,),
    "_cat/plugins": (_STATE, _INFO),
    "_cat/allocation": (_STATE, _NODE_STATS),
    "_cat/thread_pool": (_STATE, _INFO, _NODE_STATS),
    "_cat/fielddata": (_NODE_STATS,),
    "_cat/master": (_STATE,),
    "_cat/cluster_manager": (_STATE,),
    "_cat/tasks": ("cluster:monitor/tasks/lists",),
    "_cat/pending_tasks": ("cluster:monitor/task",),
    "_cat/repositories": ("cluster:admin/repository/get",),
    "_cat/nodeattrs": (_STATE, _INFO),
    "_cat/aliases": (f"{A}aliases/get",),
    "_alias": (f"{A}aliases/get",),
    "_snapshot/_status": ("cluster:admin/snapshot/status",),
    "_data_stream/_stats": (f"{M}data_stream/stats",),
    "_plugins/_security/authinfo": (),  # whoever is let in at all
    "_plugins/_security/api/account": (),
    "_plugins/_security/api/permissionsinfo": (),
    "_plugins/_security/dashboardsinfo": (),
    "_plugins/_security/health": (),
    "_plugins/_security/whoami": (),
    "_list": (),
}
_WITHOUT_INDEX: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys((("GET", "_search/scroll"), ("POST", "_search/scroll")), (f"{R}scroll",)),
    **{("GET", path): actions for path, actions in _OF_CLUSTER.items()},
    ("HEAD", ""): ("cluster:monitor/main",),
    ("DELETE", "_search/scroll/_all"): (f"{R}scroll/clear",),
    ("DELETE", "_search/scroll"): (f"{R}scroll/clear",),
    ("POST", "_cluster/reroute"): ("cluster:admin/reroute",),
    ("POST", "_cluster/voting_config_exclusions"): ("cluster:admin/voting_config/add_exclusions",),
    ("DELETE", "_cluster/voting_config_exclusions"): ("cluster:admin/voting_config/clear_exclusions",),
    ("PUT", "_cluster/settings"): ("cluster:admin/settings/update",),
    ("POST", "_nodes/reload_secure_settings"): ("cluster:admin/nodes/reload_secure_settings",),
    ("POST", "_tasks/_cancel"): ("cluster:admin/tasks/cancel",),
    **dict.fromkeys((("GET", "_render/template"), ("POST", "_render/template")), (f"{R}search/template/render",)),
    **dict.fromkeys(
        (("GET", "_ingest/pipeline/_simulate"), ("POST", "_ingest/pipeline/_simulate")),
        ("cluster:admin/ingest/pipeline/simulate",),
    ),
}
# With a name after it: method and the words before -> what is needed.
_WITH_A_NAME: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        (method, path): (f"{prefix}/{verb}",)
        for path, prefix in (
            ("_template", f"{A}template"),
            ("_index_template", f"{A}index_template"),
            ("_component_template", "cluster:admin/component_template"),
            ("_ingest/pipeline", "cluster:admin/ingest/pipeline"),
            ("_snapshot", "cluster:admin/repository"),
            ("_scripts", "cluster:admin/script"),
        )
        for method, verb in (("GET", "get"), ("HEAD", "get"), ("PUT", "put"), ("DELETE", "delete"))
    },
    ("POST", "_snapshot"): ("cluster:admin/repository/put",),
    ("POST", "_scripts"): ("cluster:admin/script/put",),
    ("POST", "_index_template/_simulate_index"): (f"{A}index_template/simulate_index",),
    ("POST", "_index_template/_simulate"): (f"{A}index_template/simulate",),
    **dict.fromkeys((("GET", "_search/scroll"), ("POST", "_search/scroll")), (f"{R}scroll",)),
    ("DELETE", "_search/scroll"): (f"{R}scroll/clear",),
    **dict.fromkeys((("GET", "_render/template"), ("POST", "_render/template")), (f"{R}search/template/render",)),
    ("GET", "_cat/snapshots"): ("cluster:admin/snapshot/get",),
    ("GET", "_cat/aliases"): (f"{A}aliases/get",),
    ("GET", "_cluster/health"): ("cluster:monitor/health",),
    ("GET", "_cluster/state"): (_STATE,),
    ("GET", "_nodes"): (_INFO,),
    ("GET", "_cat/allocation"): (_STATE, _NODE_STATS),
    ("GET", "_cat/fielddata"): (_NODE_STATS,),
    ("GET", "_tasks"): ("cluster:monitor/task/get",),
    ("GET", "_nodes/stats"): (_NODE_STATS,),
}
# With a repository and a snapshot after it.
_OF_SNAPSHOT: dict[tuple[str, str], str] = {
    ("GET", ""): "cluster:admin/snapshot/get",
    ("PUT", ""): "cluster:admin/snapshot/create",
    ("POST", ""): "cluster:admin/snapshot/create",
    ("DELETE", ""): "cluster:admin/snapshot/delete",
    ("GET", "_status"): "cluster:admin/snapshot/status",
    ("PUT", "_clone"): "cluster:admin/snapshot/clone",
}
_OF_REPOSITORY = {"_verify": "cluster:admin/repository/verify", "_cleanup": "cluster:admin/repository/_cleanup"}
_LOOK_UP = ((f"{R}search",), (f"{R}explain",))  # what looks up terms that its body names
# Asked for index by index: of a page that is listed, and of what is closed or blocked. What begins the path, or stands after the index.
_OF_EACH: dict[str, dict[str, Options]] = {
    "_list/indices": dict.fromkeys((f"{M}stats", "cluster:monitor/health"), LISTED),
    "_list/shards": {f"{M}stats": OPEN_ONES},
    "_close": {f"{A}close[s]": OPEN_ONES},
    "_block": {f"{A}block/add[s]": OPEN_ONES},
}
# What is left out where it is closed: `_cat/indices` shows a closed index without its size.
_LEFT_OUT = {("_cat/indices", f"{M}stats"): {"ignore_unavailable": "true"}}
# What searches another cluster, and does something with what it finds.
_NOT_OVER_CLUSTERS = (f"{R}rank_eval", f"{W}delete/byquery", f"{W}update/byquery", f"{W}reindex")
_OPTIONS = ("expand_wildcards", "ignore_unavailable", "allow_no_indices")


def needs(method: str, path: str, body: Any = None) -> tuple[Need, ...]:
    """All that has to be permitted. `body`: JSON, or the text of one line after another. Raises NotKnown."""
    plain, _, query = path.partition("?")
    parts = [unquote(part) for part in plain.strip("/").split("/")]
    asked = dict(parse_qsl(query, keep_blank_values=True))
    options = {key: value for key, value in asked.items() if key in _OPTIONS}
    body = _in_path(asked) if body is None and "source" in asked else body
    by_shard = asked.get("ccs_minimize_roundtrips") == "false"
    if ":" in plain and (by_shard or "scroll" in asked):
        options[BY_SHARD] = "true"
    found = several(method, parts, asked, body)
    if found is not None:
        return _played_over_clusters(tuple(found), by_shard=by_shard)
    of_cluster = _of_cluster(method, plain.strip("/"))
    if of_cluster is not None:
        names = _named_of_cluster(parts, body)
        return tuple(Need(action, names) for action in of_cluster)
    actions, names = _on_index(method, parts)
    if actions is None:
        raise NotKnown(f"which permissions {method} {path} needs, only the engine can tell")
    brings = fields_of_update(body) if f"{W}update" in actions else fields_of(body)
    unless = refused_by(body) if actions == (f"{R}search",) else ""
    begins = "/".join(parts[:2])
    each = _OF_EACH.get(begins) or (_OF_EACH.get(parts[1]) if parts[1:] else None) or {}
    wanted = (
        Need(
            action,
            names,
            options | _LEFT_OUT.get((begins, action), {}),
            perhaps=NOTHING_CHANGED if f"{W}update" in actions and action != f"{W}update" else "",
            unless=unless,
            brings=brings,
            reads=read_by_value(body) if action == f"{R}search" and len(actions) == 1 else (),
            sorts=sorted_by(body, asked) if action == f"{R}search" and len(actions) == 1 else (),
            suggests=action == f"{R}search" and (suggests(body) or "suggest_field" in asked),
            empty=action == f"{R}search" and shows_empty_buckets(body),
            of_each=each.get(action),
        )
        for action in actions
    )
    return _played_over_clusters((*wanted, *(lookups(body) if actions in _LOOK_UP else ())))


def _played_over_clusters(found: tuple[Need, ...], *, by_shard: bool = False) -> tuple[Need, ...]:
    """The same, if it names no other cluster, or if requests of this kind that do were put to real ones. Raises NotKnown.

    `by_shard`: of each search in a body.
    """
    far = [need for need in found if any(":" in name and not name.startswith("<") for name in need.indices)]
    searches = [need for need in far if need.action == f"{R}search"]
    if not searches:
        return found
    certain = tuple(need for need in far if need.action in _NOT_OVER_CLUSTERS)
    looks_up = any(need.action in (f"{R}get", f"{R}tv") for need in found)
    if certain or looks_up or by_shard or any(need.unless for need in searches):
        raise NotKnown("of requests over clusters, what this one comes to only the engines can tell", certain)
    return found


def _in_path(asked: Mapping[str, str]) -> Any:
    """A body that is sent as a part of the path."""
    text = asked["source"]
    try:
        return json.loads(text)
    except ValueError:
        return text  # of lines


def _of_cluster(method: str, path: str) -> tuple[str, ...] | None:
    before, _, _ = path.rpartition("/")
    found = _WITHOUT_INDEX.get((method, path), _WITH_A_NAME.get((method, before)))
    words = path.split("/")
    if method == "GET" and words[:2] == ["_cluster", "state"] and len(words) == 4:
        return (_STATE,)
    if words[0] == "_snapshot" and len(words) == 3 and words[2] in _OF_REPOSITORY:
        return (_OF_REPOSITORY[words[2]],) if method == "POST" else None
    if (
        words[0] == "_snapshot"
        and 2 < len(words) < 6
        and (action := _OF_SNAPSHOT.get((method, words[3] if len(words) > 3 else "")))
    ):
        return (action,)
    return found


def _named_of_cluster(parts: list[str], body: Any) -> tuple[str, ...]:
    """The indices that a request about the cluster names."""
    before = {"health": 2, "state": 3}.get(parts[1], 0) if parts[0] == "_cluster" and parts[1:] else 0
    if before:
        return tuple(parts[before].split(",")) if parts[before:] else ()
    named = body.get("indices") if parts[0] == "_snapshot" and isinstance(body, dict) else None
    listed = named.split(",") if isinstance(named, str) else named if isinstance(named, list) else []
    return tuple(name for name in listed if isinstance(name, str) and name)


def _on_index(method: str, parts: list[str]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The actions on indices that a path is about, and their names; none: all that there are."""
    for words in (2, 1):
        before = "/".join(parts[:words])
        if before in _BEFORE_INDEX and len(parts) <= words + 1 and (before != "_resolve/index" or len(parts) > words):
            named = () if not parts[words:] else (parts[words],) if method == "PUT" else tuple(parts[words].split(","))
            return _BEFORE_INDEX[before].get(method), named
    if parts[:1] == ["_data_stream"] and parts[2:] == ["_stats"]:
        return (f"{M}data_stream/stats",) if method == "GET" else None, tuple(parts[1].split(","))
    everything = parts[0].startswith("_") and parts[0] != "_all"
    rest = parts if everything else parts[1:] or [""]
    names = () if everything else (parts[0],) if rest[0] in _OF_ONE_NAME else tuple(parts[0].split(","))
    for words in (2, 1):
        after = "/".join(rest[:words])
        if after in _ON_INDEX and len(rest) <= words + _MAY_FOLLOW.get(after, 0):
            told = everything and after not in _OF_ALL
            return None if told else _ON_INDEX[after].get(method), names
    return None, names
