"""Requests of several items, each of which is refused alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from portcullis.errors import BadInput
from portcullis.families.elasticsearch.requesting.asking import (
    ALWAYS,
    UPDATE,
    Need,
    Request,
    asks_each_shard,
    lookups,
    of_body,
    options,
)

_WHOLE = {
    "_bulk": "indices:data/write/bulk",
    "_mget": "indices:data/read/mget",
    "_msearch": "indices:data/read/msearch",
    "_mtermvectors": "indices:data/read/mtv",
}
_ITEM_ACTIONS = {
    "index": "indices:data/write/index:op_type/index",
    "create": "indices:data/write/index:op_type/create",
    "update": "indices:data/write/update",
    "delete": "indices:data/write/delete",
}


def has_items(parts: tuple[str, ...]) -> bool:
    """Whether what a request reads or writes is said in its body, item by item."""
    return any(part in _WHOLE for part in parts[:2])


def composite(parts: tuple[str, ...], request: Request, source: str) -> tuple[Need, ...]:
    """Of the whole, and of each item."""
    kind = next(part for part in parts if part in _WHOLE)
    outer = parts[0] if parts[0] != kind else ""
    reads = {"_bulk": _bulk_items, "_mget": _mget_items, "_msearch": _msearch_items, "_mtermvectors": _vector_items}
    items = reads[kind](request.body, outer, source)
    if kind == "_msearch" and asks_each_shard(request.parameters):
        items = [replace(one, by_shard=not one.looked_up) for one in items]
    return (Need(_WHOLE[kind], any_index=True), *items)


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
        limits = UPDATE if verb == "update" else ""
        found.append(
            Need(
                _ITEM_ACTIONS[verb],
                (name,),
                item=f"{verb} {name}",
                creates=verb != "delete",
                single=True,
                open_only=ALWAYS,
                refused_under_limits=limits,
            )
        )
        if verb != "delete":
            next(lines, None)
    return found


def _mget_items(body: Any, outer: str, source: str) -> list[Need]:
    docs = body.get("docs", [{"_index": outer} for _ in body.get("ids", ())]) if isinstance(body, dict) else []
    names = [str(one.get("_index") or outer) for one in docs if isinstance(one, dict)]
    return [
        Need("indices:data/read/mget[shard]", (name,), item=f"get {name}", single=True, open_only=ALWAYS)
        for name in names
    ]


def _vector_items(body: Any, outer: str, source: str) -> list[Need]:
    return [
        replace(one, action="indices:data/read/mtv[shard]", item=f"vectors {one.names[0]}")
        for one in _mget_items(body, outer, source)
    ]


def _msearch_items(body: Any, outer: str, source: str) -> list[Need]:
    lines = _lines(body, source)
    found = []
    for head, search in zip(lines[::2], (*lines[1::2], {}), strict=False):
        named = head.get("index", outer)
        names = (
            tuple(map(str, named)) if isinstance(named, list) else tuple(name for name in str(named).split(",") if name)
        )
        given = options(head)
        item = f"search {','.join(names) or '_all'}"
        found.append(Need("indices:data/read/search", names, given, item=item, open_only=ALWAYS, **of_body(search)))
        found += (replace(one, item=item) for one in lookups(search))
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
