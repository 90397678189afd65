"""What requests need whose body, or the rest of whose path, says what they are about.

Of `_bulk`, `_msearch`, `_mget` and `_mtermvectors` each item is answered by itself: the engine lets the request in and refuses items.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from portcullis.families.looked_up import liked, looked_up
from portcullis.families.opensearch.requesting.actions import BARE, IN_POINT
from portcullis.families.opensearch.requesting.need import (
    BULK,
    NOTHING_FETCHED,
    NOTHING_FOUND,
    A,
    M,
    Need,
    NotKnown,
    R,
    W,
)
from portcullis.families.opensearch.requesting.points import keeps_filter, points_in_time

# What is written to an index by an item of a bulk request.
_ITEMS = {"index": f"{W}index", "create": f"{W}index", "delete": f"{W}delete", "update": f"{W}update"}
_NO_PROFILE = "profiling is refused under a document filter"
_NO_EMPTY_BUCKETS = "min_doc_count 0 is refused under a document filter"
_NO_GLOBAL_STATE = "a restore with the global state is refused to everybody but the admin certificate"
_RESTORE = "cluster:admin/snapshot/restore"
_SIMPLE = re.compile(r"[\w.-]*(\(\.[+*]\))?[\w.-]*")  # what Java and Python read alike


def several(method: str, parts: list[str], query: Mapping[str, str], body: Any) -> Iterator[Need] | None:
    """What a request needs whose actions hang on more than its path's first words; None for any other."""
    default = parts[0] if parts[0] == "_all" or not parts[0].startswith("_") else ""
    rest = parts[1:] if default else parts
    of_body = _OF_BODY.get("/".join(rest))
    if of_body is not None and method in ("GET", "POST", "PUT"):
        return of_body(body, default)
    if rest[:1] == ["_search"] and rest[1:2] == ["point_in_time"]:
        return _point_in_time(method, rest, default, body)
    if rest == ["_search"] and not default and isinstance(body, dict) and "pit" in body:
        names = points_in_time([_object(body["pit"]).get("id")])
        whole = Need(
            f"{R}search",
            names,
            {IN_POINT: "true"},
            filtered=keeps_filter(body["pit"].get("id")),
            reads=read_by_value(body),
            sorts=sorted_by(body, query),
            suggests=suggests(body),
            empty=shows_empty_buckets(body),
        )
        return iter((whole, *lookups(body)))
    if default and rest in (["_update_by_query"], ["_delete_by_query"]) and method == "POST":
        return itertools.chain(_by_query(default, rest[0], query), lookups(body))
    if not default and rest == ["_reindex"] and method == "POST":
        return _reindex(body, query)
    if not default and rest == ["_aliases"] and method == "POST":
        return _aliases(body)
    if default and rest[:1] in (["_alias"], ["_aliases"]) and len(rest) == 2 and method in ("PUT", "POST", "DELETE"):
        return iter((Need(f"{A}aliases", tuple(default.split(",")), aliases=tuple(rest[1].split(","))),))
    if default and rest[:1] == ["_rollover"] and len(rest) < 3 and method == "POST":
        return _rollover(default, rest[1:])
    if default and len(rest) == 2 and rest[0] in ("_clone", "_shrink", "_split") and method in ("PUT", "POST"):
        return _resize(default, rest[1])
    if len(rest) == 4 and (rest[0], rest[3]) == ("_snapshot", "_restore") and method == "POST":
        return _restore(body)
    if default not in ("", "_all") and not rest and method == "PUT":
        return _create(default, body)
    return None


def refused_by(body: Any) -> str:
    """What of a search's body is refused where documents are limited."""
    if not isinstance(body, dict):
        return ""
    if body.get("profile") in (True, "true"):
        return _NO_PROFILE
    return _NO_EMPTY_BUCKETS if any("terms" in one and _is_empty(one["terms"]) for one in _sums(body)) else ""


def shows_empty_buckets(body: Any) -> bool:
    """Whether buckets without a document are asked for where the engine does not refuse it: below another sum, or of several fields."""
    return isinstance(body, dict) and any(
        _is_empty(one.get("multi_terms")) or any(map(_is_empty, _terms_below(one))) for one in _sums(body)
    )


def _sums(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = part.get("aggs") or part.get("aggregations")
    return [one for one in found.values() if isinstance(one, dict)] if isinstance(found, dict) else []


def _terms_below(one: Mapping[str, Any]) -> Iterator[Any]:
    """What is counted by terms in the sums below one, however deep."""
    for below in _sums(one):
        yield from (below.get("terms"), below.get("multi_terms"))
        yield from _terms_below(below)


def _is_empty(terms: Any) -> bool:
    return isinstance(terms, dict) and str(terms.get("min_doc_count")) == "0"


def lookups(body: Any, item: int | None = None) -> Iterator[Need]:
    """What a search looks up before it searches: a document of some index. What is like some documents needs their terms."""
    named = dict.fromkeys(looked_up(body))
    yield from (Need(f"{R}get", (name,), item=item) for name in named)
    if (like := liked(body)) is not None:
        yield Need(f"{R}mtv", item=item, perhaps=NOTHING_FETCHED, like=like)


def read_by_value(body: Any) -> tuple[str, ...]:
    """The fields of a search whose values are summed up, sorted by or listed."""
    if not isinstance(body, dict):
        return ()
    found = dict.fromkeys(_summed_up(body.get("aggs") or body.get("aggregations")))
    for key in ("sort", "docvalue_fields"):
        given = body.get(key)
        for one in given if isinstance(given, list) else [given]:
            name = one.get("field", next(iter(one), None)) if isinstance(one, dict) else one
            if isinstance(name, str) and not name.startswith("_"):
                found[name] = None
    return tuple(found)


def sorted_by(body: Any, query: Mapping[str, str] = MappingProxyType({})) -> tuple[str, ...]:
    """The fields by which a search sorts, but for those of which it says what an index without them counts as. `query`: of its path."""
    given = body if isinstance(body, dict) else {}
    if given.keys() & {"derived"}:  # fields of the search's own
        return ()
    found = [one.partition(":")[0] for one in query.get("sort", "").split(",")]
    sort = given.get("sort")
    for one in sort if isinstance(sort, list) else [sort]:
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict):
            found += [name for name, how in one.items() if not (isinstance(how, dict) and "unmapped_type" in how)]
    return tuple(dict.fromkeys(name for name in found if name and not name.startswith("_")))


def suggests(body: Any) -> bool:
    """Whether a search suggests terms of the index."""
    wanted = body.get("suggest") if isinstance(body, dict) else None
    every = wanted.values() if isinstance(wanted, dict) else ()
    return any(isinstance(one, dict) and one.keys() & {"term", "phrase"} for one in every)


def _summed_up(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"]
        for one in part.values():
            yield from _summed_up(one)
    elif isinstance(part, list):
        for one in part:
            yield from _summed_up(one)


def fields_of(document: Any) -> tuple[str, ...] | None:
    """The names of all fields of a document; None where it is not known."""
    return tuple(dict.fromkeys(_fields(document, ""))) if isinstance(document, dict) else None


def fields_of_update(body: Any) -> tuple[str, ...] | None:
    if not isinstance(body, dict) or "script" in body:
        return None
    parts = [fields_of(body[key]) for key in ("doc", "upsert") if key in body]
    return tuple(name for part in parts for name in part or ())


def _fields(document: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in document.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _fields(one, f"{above}{name}.")
            elif one is not None:
                yield f"{above}{name}"


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
        index, at = _object(where or {}).get("_index", default), next(item)
        document = next(lines, None) if kind != "delete" else None
        brings = fields_of_update(document) if kind == "update" else fields_of(document)
        yield Need(BULK[1], (_named(index),), item=at)
        yield Need(_ITEMS[kind], (_named(index),), item=at, brings=brings)


def _msearch(body: Any, default: str, also: tuple[str, ...] = ()) -> Iterator[Need]:
    for action in (*also, f"{R}msearch"):
        yield Need(action)
    lines = _lines(body)
    for item, header in enumerate(lines[::2]):
        named = header.get("index", default) if isinstance(header, dict) else default
        names = _names(named) if named else ()
        search = lines[2 * item + 1] if len(lines) > 2 * item + 1 and not also else None
        yield Need(
            f"{R}search",
            names,
            item=item,
            unless=refused_by(search),
            reads=read_by_value(search),
            sorts=sorted_by(search),
            suggests=suggests(search),
            empty=shows_empty_buckets(search),
        )
        yield from lookups(search, item)


def _of_templates(body: Any, default: str) -> Iterator[Need]:
    yield from _msearch(body, default, (f"{R}msearch/template",))


def _documents(body: Any, default: str, action: str) -> Iterator[Need]:
    yield Need(action)
    if not isinstance(body, dict):
        raise NotKnown("the body names no documents")
    documents = body.get("docs") or body.get("ids") or []
    if not isinstance(documents, list):
        raise NotKnown("the body names no documents")
    for item, document in enumerate(documents if body.get("docs") else [{} for _ in documents]):
        yield Need(f"{action}[shard]", (_named(_object(document).get("_index", default)),), item=item)


def _named(index: Any) -> str:
    if not isinstance(index, str) or not index:
        raise NotKnown("an item of the body names no index")
    return index


def _names(given: Any) -> tuple[str, ...]:
    """Of a list, or of a text with commas."""
    return tuple(map(_named, given)) if isinstance(given, list) else tuple(_named(given).split(","))


def _object(part: Any) -> Mapping[str, Any]:
    if not isinstance(part, dict):
        raise NotKnown("a part of the body is no object, where one has to be")
    return part


_OF_BODY: Mapping[str, Callable[[Any, str], Iterator[Need]]] = {
    "_bulk": _bulk,
    "_msearch": _msearch,
    "_msearch/template": _of_templates,
    "_mget": lambda body, default: _documents(body, default, f"{R}mget"),
    "_mtermvectors": lambda body, default: _documents(body, default, f"{R}mtv"),
}


# ---- points in time


def _point_in_time(method: str, rest: list[str], default: str, body: Any) -> Iterator[Need]:
    if default and len(rest) == 2 and method == "POST":
        yield Need(f"{R}point_in_time/create", tuple(default.split(",")))
    elif not default and rest[2:] == ["_all"] and method in ("GET", "DELETE"):
        yield Need(f"{R}point_in_time/readall")  # on all that there is
        if method == "DELETE":
            yield Need(f"{R}point_in_time/delete")
    elif not default and len(rest) == 2 and method == "DELETE":
        ids = body.get("pit_id") if isinstance(body, dict) else None
        yield Need(f"{R}point_in_time/delete", points_in_time(ids if isinstance(ids, list) else [ids]))
    else:
        raise NotKnown("which permissions this request about points in time needs, only the engine can tell")


# ---- what looks for documents and writes them


def _by_query(index: str, kind: str, query: Mapping[str, str]) -> Iterator[Need]:
    names = tuple(index.split(","))
    verb, write = ("update", "index") if kind == "_update_by_query" else ("delete", "delete")
    yield Need(f"{W}{verb}/byquery", names)
    yield Need(f"{R}search", names)
    yield from _written(names, f"{W}{write}", query)


def _reindex(body: Any, query: Mapping[str, str]) -> Iterator[Need]:
    source = body.get("source") if isinstance(body, dict) else None
    to = body.get("dest") if isinstance(body, dict) else None
    if not isinstance(source, dict) or not isinstance(to, dict) or "remote" in source:
        raise NotKnown("from where to where this request copies, only the engine can tell")
    names = _names(source.get("index"))
    target = (_named(to.get("index")),)
    yield Need(f"{W}reindex", names)
    yield Need(f"{W}reindex", target, made=True)
    yield Need(f"{R}search", names)
    yield from lookups(source)
    yield from _written(target, f"{W}index", query)


def _written(names: tuple[str, ...], action: str, query: Mapping[str, str]) -> Iterator[Need]:
    yield Need(BULK[0], names, perhaps=NOTHING_FOUND)
    yield Need(BULK[1], names, perhaps=NOTHING_FOUND)
    yield Need(action, names, perhaps=NOTHING_FOUND)
    yield Need(f"{R}scroll", perhaps=NOTHING_FOUND)
    if query.get("refresh", "false") != "false":
        yield Need(f"{A}refresh", names, perhaps=NOTHING_FOUND)


# ---- indices and their names


def _aliases(body: Any) -> Iterator[Need]:
    """Each index that is named needs what any of the changes needs; the alias itself nothing, but for v4."""
    changes = body.get("actions") if isinstance(body, dict) else None
    if not isinstance(changes, list):
        raise NotKnown("the body says no actions on aliases")
    actions, named, aliases = {f"{A}aliases": None}, dict[str, None](), dict[str, None]()
    for change in changes:
        if not isinstance(change, dict) or len(change) != 1 or not isinstance(next(iter(change.values())), dict):
            raise NotKnown("an action on aliases is not written as one")
        ((kind, where),) = change.items()
        if kind not in ("add", "remove", "remove_index"):
            raise NotKnown("an action on aliases is not written as one")
        if kind == "remove_index":
            actions[f"{A}delete"] = None
        named |= dict.fromkeys(_names(where.get("indices", where.get("index"))))
        if changed := where.get("aliases", where.get("alias")):
            aliases |= dict.fromkeys(_names(changed))
    yield from (Need(action, (name,), aliases=tuple(aliases)) for action in actions for name in named)


def _rollover(name: str, new: list[str]) -> Iterator[Need]:
    yield Need(f"{A}rollover", (name,))
    yield from (Need(f"{A}rollover", (one,), made=True) for one in new)
    yield Need(f"{M}stats", (name,))


def _resize(source: str, target: str) -> Iterator[Need]:
    yield Need(f"{A}resize", (source,))
    yield Need(f"{A}resize", (target,), made=True)
    yield Need(f"{M}stats", (source,))


def _create(index: str, body: Any) -> Iterator[Need]:
    yield Need(f"{A}create", (index,))
    if isinstance(body, dict) and body.get("aliases"):
        yield Need(f"{A}aliases", (index,), made=True, aliases=tuple(body["aliases"]))


def _restore(body: Any) -> Iterator[Need]:
    given = body if isinstance(body, dict) else {}
    never = "" if given.get("include_global_state") in (None, False, "false") else _NO_GLOBAL_STATE
    whole = Need(_RESTORE, options={BARE: "true"}, never=never)
    names = _names(given["indices"]) if given.get("indices") else ()
    if not names or any("*" in name or name.startswith(("-", "_")) for name in names):
        raise NotKnown("which indices a snapshot holds, only the engine can tell: name those to be restored", (whole,))
    new = tuple(_renamed(name, given, whole) for name in names)
    yield Need(_RESTORE, new, never=never)
    for to in new:
        # Seen on 2.19.3 and 3.4.0: limits on the new name are not looked at, but for a filter that 2.19 cannot make.
        yield Need(f"{A}create", (to,), {BARE: "true"}, made=True)
        yield Need(f"{W}index", (to,), {BARE: "true"}, made=True)


def _renamed(name: str, given: Mapping[str, Any], whole: Need) -> str:
    pattern, replacement = given.get("rename_pattern"), given.get("rename_replacement")
    if pattern is None or replacement is None:
        return name
    unknown = NotKnown("what an index is renamed to, only the engine can tell", (whole,))
    if not (isinstance(pattern, str) and isinstance(replacement, str)) or not _SIMPLE.fullmatch(pattern):
        raise unknown
    try:
        return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", replacement), name)
    except re.error:  # of a group that there is not
        raise unknown from None
