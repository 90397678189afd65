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

_R, _W, _A = "indices:data/read/", "indices:data/write/", "indices:admin/"
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
    "": {"PUT": (f"{_A}create",), "DELETE": (f"{_A}delete",)},
}
# How much may follow in the path: with more it is another request, which needs something else (`_search/template`, `_mapping/field/x`).
_MAY_FOLLOW = {"_doc": 1, "_create": 1, "_source": 1, "_update": 1, "_explain": 1, "_termvectors": 1, "_settings": 1}
# Without all that is needed this alone may be enough, by what the request changes: one that changes nothing needs no more.
PERHAPS_ENOUGH = f"{_W}update"
_WITHOUT_INDEX: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys((("GET", "_search"), ("POST", "_search")), (f"{_R}search",)),
    **dict.fromkeys((("GET", "_count"), ("POST", "_count")), (f"{_R}search",)),
    **dict.fromkeys((("GET", "_search/scroll"), ("POST", "_search/scroll")), (f"{_R}scroll",)),
    ("GET", "_cluster/health"): ("cluster:monitor/health",),
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
    default = () if parts[0].startswith("_") else (parts[0],)
    for several, of_body in (("_bulk", _bulk), ("_msearch", _msearch), ("_mget", _mget)):
        if parts == [*default, several] and method in ("GET", "POST", "PUT"):
            return tuple(of_body(body, ",".join(default)))
    if not default and parts[0] != "_all":
        actions = _WITHOUT_INDEX.get((method, plain.strip("/")))
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
