"""Whether an engine reads a text as a document filter, as far as that can be told without one."""

from __future__ import annotations

import json
from functools import lru_cache

from portcullis.families.opensearch.limiting.known import queries


@lru_cache(maxsize=4096)
def readable(text: str) -> bool | None:
    """None: only the engine can tell. It reads comments, too, and nothing after the query; and it has the queries of its plugins."""
    try:
        query, end = _DECODER.raw_decode(text.strip())
    except (ValueError, RecursionError):
        return None if "/*" in text or "//" in text else False
    if not isinstance(query, dict) or not query:
        return False
    ((kind, body), *more) = query.items()
    if end < len(text.strip()) or kind not in queries():
        return None
    return not more and isinstance(body, dict)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
