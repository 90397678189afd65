"""A request as people send it, turned into what has to be permitted for it: actions, and the names each is asked for.

Of `_bulk`, `_msearch` and `_mget` each item is answered by itself: the engine lets the request in and refuses items.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

_R, _W, _A, _M = "indices:data/read/", "indices:data/write/", "indices:admin/", "indices:monitor/"
BULK = (f"{_W}bulk", f"{_W}bulk[s]")
_READ, _PUT = ("GET", "POST"), ("PUT", "POST")
# What stands after the index in a path -> method -> the actions that are all needed.
_ON_INDEX: dict[str, dict[str, tuple[str, ...]]] = {
    "_search": dict.fromkeys(_READ, (f"{_R}search",)),
    "_count": dict.fromkeys(_READ, (f"{_R}search",)),
    "_explain": dict.fromkeys(_READ, (f"{_R}explain",)),
    "_termvectors": dict.fromkeys(_READ, (f"{_R}tv",)),
    "_field_caps": dict.fromkeys(_READ, (f"{_R}field_caps",)),
    "_doc": {
        "GET": (f"{_R}get",),
        "HEAD": (f"{_R}get",),
        **dict.fromkeys(_PUT, (*BULK, f"{_W}index")),
        "DELETE": (*BULK, f"{_W}delete"),
    },
    "_create": dict.fromkeys(_PUT, (*BULK, f"{_W}index")),
    "_source": {"GET": (f"{_R}get",), "HEAD": (f"{_R}get",)},
    "_update": {"POST": (*BULK, f"{_W}index", f"{_W}update")},
    "_mapping": {"GET": (f"{_A}mappings/get",), "PUT": (f"{_A}mapping/put",)},
    "_settings": {"GET": ("indices:monitor/settings/get",), "PUT": (f"{_A}settings/update",)},
    "_alias": {"GET": (f"{_A}aliases/get",)},
    "_analyze": dict.fromkeys(_READ, (f"{_A}analyze",)),
    "_cache": {"POST": (f"{_A}cache/clear",)},
    "_close": {"POST": (f"{_A}close", f"{_A}close[s]")},
    "_flush": {"POST": (f"{_A}flush", f"{_A}flush[s]")},
    "_forcemerge": {"POST": (f"{_A}forcemerge",)},
    "_open": {"POST": (f"{_A}open",)},
    "_recovery": {"GET": (f"{_M}recovery",)},
    "_refresh": {"POST": (f"{_A}refresh", f"{_A}refresh[s]")},
    "_search_shards": {"GET": (f"{_A}shards/search_shards", f"{_R}search")},
    "_segments": {"GET": (f"{_M}segments",)},
    "_shard_stores": {"GET": (f"{_M}shard_stores",)},
    "_stats": {"GET": (f"{_M}stats",)},
    "_upgrade": {"GET": (f"{_M}upgrade",), "POST": (f"{_A}upgrade",)},
    "_validate": {"GET": (f"{_A}validate/query",)},
    "": {"GET": (f"{_A}get",), "PUT": (f"{_A}create",), "DELETE": (f"{_A}delete",)},
}
# How much may follow in the path: with more it is another request, which needs something else (`_search/template`, `_mapping/field/x`).
_MAY_FOLLOW = {
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
}
# Without all that is needed this alone may be enough, by what the request changes: one that changes nothing needs no more.
PERHAPS_ENOUGH = f"{_W}update"
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
    "_template": (f"{_A}template/get",),
    "_index_template": (f"{_A}index_template/get",),
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
}
_WITHOUT_INDEX: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys((("GET", "_search"), ("POST", "_search")), (f"{_R}search",)),
    **dict.fromkeys((("GET", "_count"), ("POST", "_count")), (f"{_R}search",)),
    **dict.fromkeys((("GET", "_search/scroll"), ("POST", "_search/scroll")), (f"{_R}scroll",)),
    **{("GET", path): actions for path, actions in _OF_CLUSTER.items()},
    ("DELETE", "_search/scroll/_all"): (f"{_R}scroll/clear",),
    ("DELETE", "_search/scroll"): (f"{_R}scroll/clear",),
    ("POST", "_cluster/reroute"): ("cluster:admin/reroute",),
    ("POST", "_nodes/reload_secure_settings"): ("cluster:admin/nodes/reload_secure_settings",),
}
# With a name after it: method and the words before -> what is needed.
_WITH_A_NAME: dict[tuple[str, str], tuple[str, ...]] = {
    (method, path): (f"{prefix}/{verb}",)
    for path, prefix in (
        ("_template", f"{_A}template"),
        ("_index_template", f"{_A}index_template"),
        ("_component_template", "cluster:admin/component_template"),
        ("_ingest/pipeline", "cluster:admin/ingest/pipeline"),
        ("_snapshot", "cluster:admin/repository"),
    )
    for method, verb in (("GET", "get"), ("PUT", "put"), ("DELETE", "delete"))
}
_OPTIONS = ("expand_wildcards", "ignore_unavailable", "allow_no_indices")
# What is written to an index by an item of a bulk request.
_ITEMS = {"index": f"{_W}index", "create": f"{_W}index", "delete": f"{_W}delete", "update": f"{_W}update"}


class NotKnown(ValueError):
    """What a request needs, only the engine can tell."""


@dataclass(frozen=True, slots=True)
class Need:
    """One action that has to be permitted on all that it names. `item`: for which item of the body; None: for the whole request."""

    action: str
    indices: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    item: int | None = None


def needs(method: str, path: str, body: Any = None) -> tuple[Need, ...]:
    """All that has to be permitted. `body`: JSON, or the text of one line after another. Raises NotKnown."""
    plain, _, query = path.partition("?")
    parts = [unquote(part) for part in plain.strip("/").split("/")]
    options = {key: value for key, value in parse_qsl(query) if key in _OPTIONS}
    after, *further = parts[1:] or ("",)
    default = () if not parts[0] or parts[0].startswith("_") else (parts[0],)
    for several, of_body in (("_bulk", _bulk), ("_msearch", _msearch), ("_mget", _mget)):
        if parts == [*default, several] and method in ("GET", "POST", "PUT"):
            return tuple(of_body(body, ",".join(default)))
    if not default and parts[0] != "_all":
        whole = plain.strip("/")
        actions = _WITHOUT_INDEX.get((method, whole), _WITH_A_NAME.get((method, whole.rpartition("/")[0])))
        names: tuple[str, ...] = ()
    else:
        fits = len(further) <= _MAY_FOLLOW.get(after, 0)
        actions = _ON_INDEX.get(after, {}).get(method) if fits else None
        names = tuple(parts[0].split(","))
    if actions is None:
        raise NotKnown(f"which permissions {method} {path} needs, only the engine can tell")
    return tuple(Need(action, names, options) for action in actions)


def _lines(body: Any) -> list[Any]:
    try:
        held = [json.loads(line) for line in body.splitlines() if line.strip()] if isinstance(body, str) else body
    except ValueError:
        raise NotKnown("the body is no JSON, line by line") from None
    if not isinstance(held, list):
        raise NotKnown("the body is not given as lines, and what they name is not known")
    return held


def _bulk(body: Any, default: str) -> Iterator[Need]:
    yield Need(BULK[0])
    lines, item = iter(_lines(body)), itertools.count()
    for line in lines:
        if not isinstance(line, dict) or len(line) != 1 or next(iter(line)) not in _ITEMS:
            raise NotKnown("a line of the body is no index, create, update or delete")
        ((kind, where),) = line.items()
        index, at = (where or {}).get("_index", default), next(item)
        if kind != "delete":
            next(lines, None)  # the document
        for action in (BULK[1], _ITEMS[kind]):
            yield Need(action, (_named(index),), item=at)


def _msearch(body: Any, default: str) -> Iterator[Need]:
    yield Need(f"{_R}msearch")
    for item, header in enumerate(_lines(body)[::2]):
        named = header.get("index", default) if isinstance(header, dict) else default
        names = tuple(named) if isinstance(named, list) else tuple(named.split(",")) if named else ()
        yield Need(f"{_R}search", names, item=item)


def _mget(body: Any, default: str) -> Iterator[Need]:
    yield Need(f"{_R}mget")
    if not isinstance(body, dict):
        raise NotKnown("the body names no documents")
    documents = body.get("docs") or [{"_id": name} for name in body.get("ids") or ()]
    for item, document in enumerate(documents):
        yield Need(f"{_R}mget[shard]", (_named(document.get("_index", default)),), item=item)


def _named(index: Any) -> str:
    if not isinstance(index, str) or not index:
        raise NotKnown("an item of the body names no index")
    return index
