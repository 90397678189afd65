"""A request as people send it, as the actions that the engine asks about: method, path, options and body in, needs out.

A need is one question of the engine's: an action, whether of the cluster or of indices, and the names it is about. Most requests
are one need. `_bulk`, `_mget` and `_msearch` are one of the whole and one for each item, which is refused alone. Which actions a request
is asked about was read off what real servers of 9.5.3, 8.19.21 and 6.8.23 refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import (
    ALL,
    ALWAYS,
    REWRITE,
    UPDATE,
    Need,
    Options,
    Request,
    asks_each_shard,
    lookups,
    of_body,
    options,
    split,
    takes_all_shards,
)
from portcullis.families.elasticsearch.requesting.cluster_requests import of_cluster
from portcullis.families.elasticsearch.requesting.composite import composite, has_items

_READ = "indices:data/read/"
_SEARCH = f"{_READ}search"
_NEWER = (7, 8, 9)
_BY_ID = {"_doc": "get", "_source": "get", "_termvectors": "tv", "_explain": "explain"}
# By method and the first word after the names: the action, how names are resolved unless told, and the releases that refuse what is closed.
_OF_INDICES: dict[tuple[str, str], tuple[str, Options, tuple[int, ...]]] = {
    ("GET", "_search"): (_SEARCH, Options(), ALWAYS),
    ("GET", "_count"): (_SEARCH, Options(), ALWAYS),
    ("GET", "_field_caps"): (f"{_READ}field_caps", Options(), _NEWER),
    ("GET", "_validate"): ("indices:admin/validate/query", Options(), _NEWER),
    ("GET", "_rank_eval"): (f"{_READ}rank_eval", Options(), ()),
    ("GET", "_mapping"): ("indices:admin/mappings/get", Options(), ()),
    ("PUT", "_mapping"): ("indices:admin/mapping/put", Options(allow_no_indices=False, closed=True), ()),
    ("GET", "_settings"): ("indices:monitor/settings/get", Options(), ()),
    ("PUT", "_settings"): ("indices:admin/settings/update", Options(allow_no_indices=False, closed=True), ()),
    ("GET", "_stats"): ("indices:monitor/stats", Options(), ALWAYS),
    ("GET", "_segments"): ("indices:monitor/segments", Options(), ALWAYS),
    ("GET", "_recovery"): ("indices:monitor/recovery", Options(closed=True), ()),
    ("GET", "_shard_stores"): ("indices:monitor/shard_stores", Options(), ()),
    ("GET", "_field_usage_stats"): ("indices:monitor/field_usage_stats", Options(), ()),
    ("GET", "_search_shards"): ("indices:admin/shards/search_shards", Options(ignore_unavailable=True), ()),
    ("GET", "_refresh"): ("indices:admin/refresh", Options(), ALWAYS),
    ("GET", "_flush"): ("indices:admin/flush", Options(), ALWAYS),
    ("POST", "_forcemerge"): ("indices:admin/forcemerge", Options(), ALWAYS),
    ("POST", "_close"): ("indices:admin/close", Options(), ()),
    ("POST", "_open"): ("indices:admin/open", Options(open=False, closed=True), ()),
    ("GET", "_alias"): ("indices:admin/aliases/get", Options(closed=True, hidden=True), ()),
    ("POST", "_cache"): ("indices:admin/cache/clear", Options(), ALWAYS),
    ("POST", "_disk_usage"): ("indices:admin/analyze_disk_usage", Options(), ()),
    ("POST", "_pit"): (f"{_READ}open_point_in_time", Options(), _NEWER),
    ("POST", "_terms_enum"): (f"{_READ}xpack/termsenum/list", Options(), ()),
    ("POST", "_upgrade"): ("indices:admin/upgrade", Options(), ()),
    ("GET", "_upgrade"): ("indices:monitor/upgrade", Options(), ()),
    ("POST", "_freeze"): ("indices:admin/freeze", Options(), ()),
    ("POST", "_unfreeze"): ("indices:admin/freeze", Options(), ()),
    ("GET", "_ilm"): ("indices:admin/ilm/explain", Options(), ()),
}
_BY_POST_TOO = frozenset(
    (
        *("_search", "_count", "_field_caps", "_validate", "_rank_eval", "_search_shards", "_refresh", "_flush"),
        "_mapping",
    )
)
_AFTER_A_TYPE = frozenset(
    (
        *("_search", "_count", "_msearch", "_mget", "_bulk", "_mtermvectors", "_validate", "_delete_by_query"),
        "_update_by_query",
    )
)
_DESTROYING = frozenset(("indices:admin/close", "indices:admin/open", "indices:admin/delete"))
# Of `_cat`: what is asked about indices; what of the cluster besides stands in the table of the cluster.
_CAT = {
    "count": _SEARCH,
    "shards": "indices:monitor/stats",
    "segments": "indices:monitor/segments",
    "recovery": "indices:monitor/recovery",
    "indices": "indices:monitor/stats",
}
_ALIASES_UNDER_LIMITS = "an alias is added by nobody from whom documents or fields of an index are hidden"
_RESIZED_UNDER_LIMITS = "an index is copied whole: refused where documents or fields are limited"


def needs(request: Request, release: Release | None = None, *, source: str = "") -> tuple[Need, ...] | None:
    """What the engine asks about a request; empty: nothing, everybody may; None: not known here. No release: those from 8 on."""
    method = {"HEAD": "GET"}.get(request.method.upper(), request.method.upper())
    old, older = release is not None and release.major < 7, release is not None and release.major < 8
    parts = parts_of(request, release)
    if parts[:1] == ("_cat",):
        return _cat(method, parts, request, old)
    of_the_cluster = of_cluster(method, parts, request, old=old)
    if of_the_cluster is not None:
        return of_the_cluster
    if not old and "template" in parts[1:3] and {"_search", "_msearch"} & set(parts[:2]):
        return None  # asked on 6.8 alone: the packages of later releases have no call for templates
    if has_items(parts):
        return composite(parts, request, source)
    if parts[:1] == ("_aliases",) and method == "POST":
        return _aliases(request.body)
    if parts[:1] == ("_resolve",) and old:
        return None
    if parts[:2] == ("_resolve", "index") and len(parts) == 3:
        return (Need("indices:admin/resolve/index", split(parts[2]), options(request.parameters)),)
    if parts[:2] == ("_resolve", "cluster") and method == "GET" and len(parts) < 4 and not older:
        names = split(parts[2]) if len(parts) == 3 else ()
        return (Need("indices:admin/resolve/cluster", names, options(request.parameters), any_index=not names),)
    if parts == ("_validate",):
        return None  # the engine takes it for the name of an index
    if parts and parts[0] in {name for _, name in _OF_INDICES} and parts[0] != "_pit":
        if old and parts == ("_alias",):  # it is a look at all of them
            return (Need("indices:admin/get", (), options(request.parameters)),)
        parts = (ALL, *parts)
    if not parts or (parts[0].startswith("_") and parts[0] != ALL and not parts[0].startswith("_all,")):
        return None
    return _of_indices(request, method, parts, old=old, older=older)


def parts_of(request: Request, release: Release | None) -> tuple[str, ...]:
    """The parts of a path without the type. Up to 7 one may stand after the index: what follows it is asked of the index, and is no id."""
    parts = request.parts
    if release is None or release.major > 7 or len(parts) < 3 or parts[2] not in _AFTER_A_TYPE:
        return parts
    typed = not parts[0].startswith("_") and (parts[1] == "_doc" or not parts[1].startswith("_"))
    return (parts[0], *parts[2:]) if typed else parts


def _of_indices(
    request: Request, method: str, parts: tuple[str, ...], *, old: bool, older: bool
) -> tuple[Need, ...] | None:
    what = parts[1] if len(parts) > 1 else ""
    if not what:
        return _whole(method, parts, request)
    if not what.startswith("_") or what in ("_doc", "_create", "_source", "_update", "_termvectors", "_explain"):
        return _document(request, method, parts, old=old)
    names = () if parts[0] == ALL else split(parts[0])
    if what in ("_delete_by_query", "_update_by_query") and method == "POST":
        given = options(request.parameters)
        verb = what.split("_")[1]
        by_query = Need(f"indices:data/write/{verb}/byquery", names, given)
        return (by_query, Need(_SEARCH, names, given, open_only=ALWAYS), *lookups(request.body))
    if what in ("_shrink", "_split", "_clone") and method in ("PUT", "POST") and len(parts) == 3 and not older:
        return _resized(request, what, parts[0])
    if what == "_block" and method == "PUT" and len(parts) == 3 and not older:
        return (Need("indices:admin/block/add", names, options(request.parameters)),)
    if what == "_rollover" and method == "POST":
        return _rollover(parts)
    if what == "_analyze" and method in ("GET", "POST"):
        return (Need("indices:admin/analyze", (parts[0],), single=True),)
    if what == "_alias":
        return _alias(request, method, names, parts)
    of_pit = isinstance(request.body, dict) and "pit" in request.body
    if what == "_search" and (of_pit or parts[2:3] == ("scroll",)):
        return (
            None  # what is searched is said by the id of a point in time, or of a scroll: of other clusters alone, too
        )
    verb = "GET" if method == "POST" and what in _BY_POST_TOO else method
    if what == "_mapping" and method == "POST":
        verb = "PUT"
    found = _OF_INDICES.get((verb, what))
    if found is None or (what == "_ilm" and parts[2:] != ("explain",)):
        return None
    action, default, open_only = found
    if what == "_mapping" and parts[2:3] == ("field",) and verb == "GET":
        action = "indices:admin/mappings/fields/get"
    if what == "_validate" and older:
        default = replace(default, allow_no_indices=False)
    given = options(request.parameters, default)
    if action == "indices:admin/shards/search_shards":
        given = replace(given, ignore_unavailable=True)
    need = Need(
        action,
        names,
        given,
        open_only=open_only,
        destroys=action in _DESTROYING,
        **(of_body(request.body) if what == "_search" else {}),
        **(_rewrites(request) if what == "_validate" and not old else {}),  # 6.8 shows it to everybody
        by_shard=what == "_pit" or (what == "_search" and asks_each_shard(request.parameters)),
        all_shards=what == "_pit" or takes_all_shards(request.parameters),
    )
    if what in ("_search", "_count"):
        return (need, *lookups(request.body))
    if what == "_rank_eval":
        return (need, Need(f"{_READ}msearch", any_index=True), Need(_SEARCH, names, given, open_only=ALWAYS))
    return (need,)


def _rewrites(request: Request) -> dict[str, Any]:
    shown = request.parameters.get("rewrite") in ("", "true")
    return {"refused_under_limits": REWRITE, "only_documents": True} if shown else {}


def _whole(method: str, parts: tuple[str, ...], request: Request) -> tuple[Need, ...] | None:
    names = () if parts[0] == ALL else split(parts[0])
    if method == "GET":
        return (Need("indices:admin/get", names, options(request.parameters)),)
    if method == "PUT":
        made = Need("indices:admin/create", (parts[0],), creates=True, single=True)
        aliases = request.body.get("aliases") if isinstance(request.body, dict) else None
        if not aliases:
            return (made,)
        # Whoever makes an index with aliases changes the aliases of that index.
        given = Options(allow_no_indices=False)
        return (made, Need("indices:admin/aliases", (parts[0], *aliases), given, makes_names=True))
    if method == "DELETE":
        given = options(request.parameters, Options(closed=True))
        return (Need("indices:admin/delete", names, given, destroys=True, no_aliases=True),)
    return None


def _resized(request: Request, what: str, source: str) -> tuple[Need, ...] | None:
    """Of the index that it is made from alone; what aliases beside it need was not measured."""
    if isinstance(request.body, dict) and request.body.get("aliases"):
        return None
    made = Need("indices:admin/resize", (source,), single=True, refused_under_limits=_RESIZED_UNDER_LIMITS)
    return (made, Need("indices:monitor/stats", (source,), single=True)) if what == "_shrink" else (made,)


def _rollover(parts: tuple[str, ...]) -> tuple[Need, ...]:
    one = (parts[0],)
    return (Need("indices:admin/rollover", one, single=True), Need("indices:monitor/stats", one))


def _document(request: Request, method: str, parts: tuple[str, ...], *, old: bool) -> tuple[Need, ...] | None:
    """Of one document: `/INDEX/_doc/ID`, and as 6.8 writes it `/INDEX/TYPE/ID` with a word after it."""
    one, what = (parts[0],), parts[1]
    if not what.startswith("_") or what == "_doc":
        if len(parts) > 4:
            return None
        what = parts[3] if len(parts) == 4 else "_doc"
    elif len(parts) > 4:
        return None
    if what == "_update" and method == "POST":
        more: dict[str, Any] = {"single": True, "open_only": ALWAYS, "creates": True, "refused_under_limits": UPDATE}
        return (Need("indices:data/write/update", one, **more),)
    if what in _BY_ID and (method == "GET" or (method == "POST" and what in ("_explain", "_termvectors"))):
        need = Need(f"{_READ}{_BY_ID[what]}", one, single=True, open_only=ALWAYS)
        # 6.8 looks nothing up for an explanation: it is none, whoever asks.
        return (need, *(lookups(request.body) if what == "_explain" and not old else ()))
    if what not in ("_doc", "_create"):
        return None
    # A document that is sent alone is taken as a bulk request of one: of the whole it is asked whether it may be at all.
    more = {"single": True, "open_only": ALWAYS, "creates": method != "DELETE"}
    bulk = Need("indices:data/write/bulk", any_index=True)
    if method == "DELETE":
        return (bulk, Need("indices:data/write/delete", one, **more))
    if method not in ("PUT", "POST"):
        return None
    # Without an id, and under _create, nothing is written over.
    makes_new = what == "_create" or len(parts) == 2 or request.parameters.get("op_type") == "create"
    action = f"indices:data/write/index:op_type/{'create' if makes_new else 'index'}"
    return (Need("indices:data/write/index", any_index=True), bulk, Need(action, one, **more))


def _alias(request: Request, method: str, names: tuple[str, ...], parts: tuple[str, ...]) -> tuple[Need, ...] | None:
    aliases = split(parts[2]) if len(parts) > 2 else ()
    if method == "GET":
        action, default, _ = _OF_INDICES["GET", "_alias"]
        given = options(request.parameters, default)
        return (Need(action, names, given, aliases=aliases or (ALL,)),)
    if method in ("PUT", "POST", "DELETE") and aliases:
        given = Options(allow_no_indices=False)
        return _changed_aliases(names, aliases, given, adds=method != "DELETE")
    return None


def _aliases(body: Any) -> tuple[Need, ...] | None:
    """Of the actions in a body: each is about indices and about names of aliases."""
    found: list[Need] = []
    given = Options(allow_no_indices=False)
    for one in body.get("actions", ()) if isinstance(body, dict) else ():
        verb = next(iter(one), "")
        said = one[verb] if isinstance(one, dict) and isinstance(one.get(verb), dict) else {}
        names, aliases = _listed(said, "indices", "index"), _listed(said, "aliases", "alias")
        if verb == "remove_index" and names:
            found.append(Need("indices:admin/aliases", names, given))
        elif verb in ("add", "remove") and names and aliases:
            found += _changed_aliases(names, aliases, given, adds=verb == "add")
        else:
            return None
    return tuple(found) or None


def _changed_aliases(
    names: tuple[str, ...], aliases: tuple[str, ...], given: Options, *, adds: bool
) -> tuple[Need, ...]:
    """Both kinds of names are asked about, and where one is added, whether anything of the indices is hidden from them."""
    action, why = "indices:admin/aliases", _ALIASES_UNDER_LIMITS if adds else ""
    of_names = Need(action, aliases, given, makes_names=True)
    return (of_names, Need(action, names, given, refused_under_limits=why, beside=aliases))


def _listed(said: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    for key in keys:
        if key in said:
            return tuple(said[key]) if isinstance(said[key], list) else split(str(said[key]))
    return ()


def _cat(method: str, parts: tuple[str, ...], request: Request, old: bool) -> tuple[Need, ...] | None:
    if method != "GET":
        return None
    what = parts[1] if len(parts) > 1 else ""
    of_the_cluster = of_cluster(method, parts[:2], request, old=old)
    names = split(parts[2]) if len(parts) > 2 else ()
    if what == "aliases":
        action, default, _ = _OF_INDICES["GET", "_alias"]
        return (Need(action, (), default, aliases=names or (ALL,)),)
    if what not in _CAT:
        return of_the_cluster if len(parts) <= 2 else of_cluster(method, parts, request, old=old)
    given = options(request.parameters)
    closed_too = what in ("recovery", "indices")
    about = [Need(_CAT[what], names, given, open_only=() if closed_too else ALWAYS)]
    if what == "indices" and not old:
        about.append(Need("indices:monitor/settings/get", names, given))
    return (*(of_the_cluster or ()), *about)
