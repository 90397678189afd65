"""What a document filter finds where the same caller's fields are hidden or masked.

The engine puts the filter to what the caller sees already, whichever role says what: in a field that is hidden or masked it finds nothing.
A filter of what must not be so shows more than it says.
"""

from __future__ import annotations

import json
import re
from typing import Any

from portcullis.families.opensearch.limiting.known import queries
from portcullis.families.opensearch.limiting.view import Fields, View
from portcullis.families.opensearch.names.matching import matches

_NOTHING: dict[str, Any] = {"match_none": {}}
_ANYWHERE = ("match_all", "match_none", "ids")  # look at no field of a document


class _Unsure(Exception):
    """Only the engine can tell what is left of a query."""


def narrowed(query: str, view: View) -> tuple[str | None, tuple[str, ...]]:
    """The filter that it comes to, and the fields in which it finds nothing. None: only the engine can tell."""
    if view.fields.everything and not view.masks:
        return query, ()
    blind: list[str] = []
    try:
        left = _left(json.loads(query), view, blind)
    except (_Unsure, ValueError, RecursionError):
        return None, ()
    return (json.dumps(left) if blind else query), tuple(dict.fromkeys(blind))


def _left(query: Any, view: View, blind: list[str]) -> Any:
    if not isinstance(query, dict) or len(query) != 1:
        raise _Unsure
    ((kind, body),) = query.items()
    shape = queries().get(kind)
    if kind in _ANYWHERE:
        return query
    if shape is None or not isinstance(body, dict):
        raise _Unsure
    if kind == "exists":
        name = body.get("field")
        if not isinstance(name, str) or "*" in name:
            raise _Unsure
        if view.masks_of(name):  # found or not by how the field is indexed
            raise _Unsure
        if _in_part(name, view.fields):  # an object is there as long as one of its fields is seen
            raise _Unsure
        return _field(query, name, view, blind)
    if shape.get("of") == "field":
        names = [key for key in body if key not in shape.get("beside", ())]
        if len(names) != 1 or kind.startswith("span"):
            raise _Unsure
        return _field(query, names[0], view, blind)
    if kind not in ("bool", "constant_score", "dis_max", "nested", "boosting"):
        raise _Unsure
    made = dict(body)
    for key in (*shape.get("one", ()), *shape.get("many", ())):
        if key in made:
            inner = made[key]
            made[key] = (
                [_left(one, view, blind) for one in inner] if isinstance(inner, list) else _left(inner, view, blind)
            )
    return {kind: made}


def _in_part(name: str, fields: Fields) -> bool:
    """Whether a field rule may be about a part of what is in it, where it is an object."""
    inside = f"{name}."
    if any(matches(pattern, name) for pattern in fields.patterns):
        return False  # of the whole of it
    heads = (re.split(r"[*?/]", pattern)[0] for pattern in fields.patterns)
    wild = ("*" in one or "?" in one or one.startswith("/") for one in fields.patterns)
    return any(
        head.startswith(inside) or (open_ and inside.startswith(head)) for head, open_ in zip(heads, wild, strict=True)
    )


def _field(query: Any, name: str, view: View, blind: list[str]) -> Any:
    if name.startswith("_"):  # the engine's own
        return query
    if view.fields.sees(name) and not view.masks_of(name):
        return query
    blind.append(name)
    return _NOTHING
