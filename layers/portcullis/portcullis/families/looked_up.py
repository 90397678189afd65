"""What a search looks up before it searches, in every family: the terms that a document of some index holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def looked_up(part: Any) -> Iterator[str]:
    """The indices whose documents the body of a search names, wherever in it."""
    if isinstance(part, list):
        for one in part:
            yield from looked_up(one)
    elif isinstance(part, dict):
        for kind, of in part.items():
            for one in of.values() if kind == "terms" and isinstance(of, dict) else ():
                if isinstance(one, dict) and {"index", "id", "path"} <= one.keys() and isinstance(one["index"], str):
                    yield one["index"]
            yield from looked_up(of)
