"""A request as people send it, as the actions that the engine asks about: method, path, options and body in, needs out.

A need is one question of the engine's: an action, whether of the cluster or of indices, and the names it is about. Most requests
are one need. `_bulk`, `_mget` and `_msearch` are one of the whole and one for each item, which is refused alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from portcullis.errors import BadInput

ALL = "_all"  # everything, where it stands alone; beside other names it is a name


@dataclass(frozen=True, slots=True)
class Options:
    """How names are resolved: what the request said, else what Elasticsearch takes for it."""

    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    open: bool = True
    closed: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    action: str
    names: tuple[str, ...] = ()  # indices, aliases, data streams, wildcards, exclusions; empty: all
    options: Options = Options()
    cluster: bool = False
    item: str = ""  # of a composite request: which item; "" the whole
    any_index: bool = (
        False  # permitted if the action is permitted on any index at all: the items are asked about one by one
    )
    creates: bool = False  # a name that does not exist is made
    refused_under_limits: str = ""  # why it is refused where documents or fields are limited
    each: bool = False  # names that are asked about one by one, and no request with all of them

    @property
    def wild(self) -> bool:
        return not self.names or self.names == (ALL,) or any("*" in name for name in self.names)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: Any = None

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(unquote(part) for part in self.path.partition("?")[0].split("/") if part)

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))


_READS = {"_search": "search", "_count": "search", "_validate": "", "_field_caps": "field_caps", "_explain": "explain"}
_BY_ID = {"_doc": "get", "_source": "get", "_termvectors": "tv", "_explain": "explain"}
_ADMIN = {
    ("GET", "_mapping"): "indices:admin/mappings/get",
    ("PUT", "_mapping"): "indices:admin/mapping/put",
    ("POST", "_mapping"): "indices:admin/mapping/put",
    ("GET", "_settings"): "indices:monitor/settings/get",
    ("PUT", "_settings"): "indices:admin/settings/update",
    ("GET", "_stats"): "indices:monitor/stats",
    ("GET", "_segments"): "indices:monitor/segments",
    ("GET", "_recovery"): "indices:monitor/recovery",
    ("POST", "_refresh"): "indices:admin/refresh",
    ("POST", "_flush"): "indices:admin/flush",
    ("POST", "_forcemerge"): "indices:admin/forcemerge",
    ("POST", "_close"): "indices:admin/close",
    ("POST", "_open"): "indices:admin/open",
    ("GET", "_alias"): "indices:admin/aliases/get",
    ("POST", "_rollover"): "indices:admin/rollover",
    ("POST", "_cache"): "indices:admin/cache/clear",
    ("GET", "_resolve"): "indices:admin/resolve/index",
}
_CLUSTER_READS = {
    ("GET", ""): "cluster:monitor/main",
    ("GET", "_cluster/health"): "cluster:monitor/health",
    ("GET", "_cluster/state"): "cluster:monitor/state",
    ("GET", "_cluster/stats"): "cluster:monitor/stats",
    ("GET", "_cluster/settings"): "cluster:monitor/settings",
    ("PUT", "_cluster/settings"): "cluster:admin/settings/update",
    ("GET", "_nodes"): "cluster:monitor/nodes/info",
    ("GET", "_cat/health"): "cluster:monitor/health",
    ("GET", "_cat/nodes"): "cluster:monitor/nodes/info",
    ("GET", "_tasks"): "cluster:monitor/tasks/lists",
    ("GET", "_remote/info"): "cluster:monitor/remote/info",
    ("GET", "_security/role"): "cluster:admin/xpack/security/role/get",
    ("PUT", "_security/role"): "cluster:admin/xpack/security/role/put",
    ("POST", "_security/role"): "cluster:admin/xpack/security/role/put",
    ("DELETE", "_security/role"): "cluster:admin/xpack/security/role/delete",
    ("GET", "_security/user"): "cluster:admin/xpack/security/user/get",
    ("PUT", "_security/user"): "cluster:admin/xpack/security/user/put",
    ("POST", "_security/user"): "cluster:admin/xpack/security/user/put",
    ("DELETE", "_security/user"): "cluster:admin/xpack/security/user/delete",
    ("GET", "_security/role_mapping"): "cluster:admin/xpack/security/role_mapping/get",
    ("PUT", "_security/role_mapping"): "cluster:admin/xpack/security/role_mapping/put",
    ("POST", "_security/role_mapping"): "cluster:admin/xpack/security/role_mapping/put",
    ("DELETE", "_security/role_mapping"): "cluster:admin/xpack/security/role_mapping/delete",
    ("GET", "_index_template"): "indices:admin/index_template/get",
    ("PUT", "_index_template"): "indices:admin/index_template/put",
    ("GET", "_template"): "indices:admin/template/get",
    ("PUT", "_template"): "indices:admin/template/put",
    ("GET", "_ilm/policy"): "cluster:admin/ilm/get",
    ("PUT", "_ilm/policy"): "cluster:admin/ilm/put",
    ("GET", "_ingest/pipeline"): "cluster:admin/ingest/pipeline/get",
    ("PUT", "_ingest/pipeline"): "cluster:admin/ingest/pipeline/put",
    ("GET", "_snapshot"): "cluster:admin/repository/get",
    ("PUT", "_snapshot"): "cluster:admin/repository/put",
}
# What everybody may ask about themselves.
OWN = frozenset(
    {
        ("POST", "_security/user/_has_privileges"),
        ("GET", "_security/user/_has_privileges"),
        ("GET", "_security/_authenticate"),
    }
)
_UPDATE = "an update reads the whole document: refused where documents or fields are limited"
_SUGGEST = "suggestions come from terms of all documents: refused where documents are limited"


def needs(request: Request, *, source: str = "") -> tuple[Need, ...] | None:
    """What the engine asks about a request; empty: nothing, everybody may; None: not known here."""
    method = {"HEAD": "GET"}.get(request.method.upper(), request.method.upper())
    parts = request.parts
    if (method, "/".join(parts)) in OWN:
        return ()
    for length in (min(len(parts), 2), 1, 0):
        action = _CLUSTER_READS.get((method, "/".join(parts[:length])))
        if action is not None and (length > 0 or not parts):
            return (Need(action, cluster=True),)
    if parts[:1] in (("_bulk",), ("_mget",), ("_msearch",)) or parts[1:2] in (("_bulk",), ("_mget",), ("_msearch",)):
        return _composite(request, parts, source)
    if parts[:2] == ("_cat", "indices"):
        return _cat_indices(request, parts)
    if parts and parts[0] in (*_READS, *(name for _, name in _ADMIN)):
        parts = ("*", *parts)
    if not parts or (parts[0].startswith("_") and parts[0] != "_all"):
        return None
    return _of_indices(request, method, parts, source)


def _of_indices(request: Request, method: str, parts: tuple[str, ...], source: str) -> tuple[Need, ...] | None:
    names, options = _split(parts[0]), _options(request)
    what = parts[1] if len(parts) > 1 else ""
    if not what:
        action = {"GET": "indices:admin/get", "PUT": "indices:admin/create", "DELETE": "indices:admin/delete"}.get(
            method
        )
        return None if action is None else (Need(action, names, options, creates=method == "PUT"),)
    if what in ("_doc", "doc") and len(parts) > 3 and parts[3] == "_update":  # as 6.8 writes it
        return (Need("indices:data/write/update", names, options, refused_under_limits=_UPDATE),)
    if what == "_update":
        return (Need("indices:data/write/update", names, options, refused_under_limits=_UPDATE),)
    if what in ("_doc", "doc", "_create", "_source"):
        return _document(request, method, parts, names, options)
    if what in _READS and method in ("GET", "POST"):
        if what == "_validate":
            return (Need("indices:admin/validate/query", names, options),)
        suggests = what == "_search" and isinstance(request.body, dict) and "suggest" in request.body
        return (
            Need(
                f"indices:data/read/{_READS[what]}", names, options, refused_under_limits=_SUGGEST if suggests else ""
            ),
        )
    if what in _BY_ID and method in ("GET", "POST"):
        return (Need(f"indices:data/read/{_BY_ID[what]}", names, options),)
    if what == "_pit" and method == "POST":
        return (Need("indices:data/read/open_point_in_time", names, options),)
    action = _ADMIN.get((method, what))
    return None if action is None else (Need(action, names, options),)


def _document(
    request: Request, method: str, parts: tuple[str, ...], names: tuple[str, ...], options: Options
) -> tuple[Need, ...] | None:
    if method == "GET":
        return (Need("indices:data/read/get", names, options),)
    # A document that is sent alone is taken as a bulk request of one.
    bulk = Need("indices:data/write/bulk", names, options, creates=method != "DELETE")
    if method == "DELETE":
        return (Need("indices:data/write/delete", names, options), bulk)
    if method not in ("PUT", "POST"):
        return None
    # Without an id, and under _create, nothing is written over.
    makes_new = parts[1] == "_create" or len(parts) == 2 or request.parameters.get("op_type") == "create"
    actions = ("indices:data/write/index", f"indices:data/write/index:op_type/{'create' if makes_new else 'index'}")
    return (*(Need(action, names, options, creates=True) for action in actions), bulk)


def _cat_indices(request: Request, parts: tuple[str, ...]) -> tuple[Need, ...]:
    names, options = _split(parts[2]) if len(parts) > 2 else (), _options(request)
    actions = ("indices:monitor/settings/get", "indices:monitor/stats")
    return (
        *(Need(action, cluster=True) for action in ("cluster:monitor/state", "cluster:monitor/health")),
        *(Need(action, names, options) for action in actions),
    )


_ITEM_ACTIONS = {
    "index": "indices:data/write/index:op_type/index",
    "create": "indices:data/write/index:op_type/create",
    "update": "indices:data/write/update",
    "delete": "indices:data/write/delete",
}


def _composite(request: Request, parts: tuple[str, ...], source: str) -> tuple[Need, ...]:
    kind = next(part for part in parts if part in ("_bulk", "_mget", "_msearch"))
    outer = parts[0] if parts[0] != kind else ""
    whole = {
        "_bulk": "indices:data/write/bulk",
        "_mget": "indices:data/read/mget",
        "_msearch": "indices:data/read/msearch",
    }[kind]
    items = {"_bulk": _bulk_items, "_mget": _mget_items, "_msearch": _msearch_items}[kind](request.body, outer, source)
    return (Need(whole, any_index=True), *items)


def _bulk_items(body: Any, outer: str, source: str) -> list[Need]:
    found, lines = [], iter(_lines(body, source))
    for place, line in enumerate(lines):
        verb = next(iter(line), "")
        if verb not in _ITEM_ACTIONS or not isinstance(line[verb], dict):
            raise BadInput(
                "is no line of a bulk request",
                source=source,
                place=f"request.body, action {place + 1}",
                remedy="index, create, update or delete",
            )
        name = str(line[verb].get("_index") or outer)
        limits = _UPDATE if verb == "update" else ""
        found.append(
            Need(
                _ITEM_ACTIONS[verb],
                (name,),
                item=f"{verb} {name}",
                creates=verb != "delete",
                refused_under_limits=limits,
            )
        )
        if verb != "delete":
            next(lines, None)
    return found


def _mget_items(body: Any, outer: str, source: str) -> list[Need]:
    docs = body.get("docs", [{"_index": outer} for _ in body.get("ids", ())]) if isinstance(body, dict) else []
    names = [str(one.get("_index") or outer) for one in docs if isinstance(one, dict)]
    return [Need("indices:data/read/mget[shard]", (name,), item=f"get {name}") for name in names]


def _msearch_items(body: Any, outer: str, source: str) -> list[Need]:
    heads = _lines(body, source)[::2]
    found = []
    for head in heads:
        named = head.get("index", outer)
        names = tuple(named) if isinstance(named, list) else _split(str(named))
        found.append(Need("indices:data/read/search", names, item=f"search {','.join(names) or '_all'}"))
    return found


def _lines(body: Any, source: str) -> list[dict[str, Any]]:
    """The lines of a body of lines, given as its text or as a list."""
    try:
        lines = (
            [json.loads(line) for line in body.split("\n") if line.strip()]
            if isinstance(body, str)
            else list(body or ())
        )
    except (ValueError, TypeError):
        lines = [None]
    if not all(isinstance(line, dict) for line in lines):
        raise BadInput(
            "is no body of JSON lines", source=source, place="request.body", remedy="its text, or a list of objects"
        )
    return lines


def _split(names: str) -> tuple[str, ...]:
    return tuple(name for name in names.split(",") if name)


def _options(request: Request) -> Options:
    given = request.parameters
    said = set((given.get("expand_wildcards") or "open").split(","))
    return Options(
        ignore_unavailable=_true(given.get("ignore_unavailable"), False),
        allow_no_indices=_true(given.get("allow_no_indices"), True),
        open=bool(said & {"open", "all"}),
        closed=bool(said & {"closed", "all"}),
        hidden=bool(said & {"hidden", "all"}),
    )


def _true(text: str | None, default: bool) -> bool:
    return default if text is None else text in ("", "true")
