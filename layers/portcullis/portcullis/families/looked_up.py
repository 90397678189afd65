"""What a search looks up before it searches, in every family: a document of some index, for its terms, its shape or as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SHAPES = "shapes"  # the index of a shape that names none


def looked_up(part: Any) -> Iterator[str]:
    """The indices whose documents the body of a search names, wherever in it. Each document has to be readable."""
    for kind, of in _clauses(part):
        if kind == "terms":
            given = [one for one in of.values() if isinstance(one, dict) and {"index", "id", "path"} <= one.keys()]
        elif kind == "indexed_shape":
            given = [{"index": _SHAPES} | dict(of)] if "id" in of else []
        else:
            given = [dict(of)] if kind == "percolate" and {"index", "id"} <= of.keys() else []
        yield from (one["index"] for one in given if isinstance(one["index"], str))


def is_like_documents(part: Any) -> bool:
    """Whether a search looks for what is like some documents: their terms are fetched, and those that may not be read are left out."""
    return liked(part) is not None


def liked(part: Any) -> tuple[str, ...] | None:
    """The indices of the documents that a search looks for the like of, as far as it names them; None: of no document."""
    given = [of.get(key) for kind, of in _clauses(part) if kind == "more_like_this" for key in ("like", "unlike")]
    found = [one for like in given for one in (like if isinstance(like, list) else [like]) if isinstance(one, dict)]
    return tuple(name for one in found if isinstance(name := one.get("_index"), str)) if found else None


def _clauses(part: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each object in a body, with the word before it."""
    if isinstance(part, list):
        for one in part:
            yield from _clauses(one)
    elif isinstance(part, dict):
        for kind, of in part.items():
            if isinstance(of, dict):
                yield kind, of
            yield from _clauses(of)
