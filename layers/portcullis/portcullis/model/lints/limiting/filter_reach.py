"""What a document filter is, and whether it limits anything: a query as JSON, looked at without its being run."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from portcullis.model.names import shown


def read(text: str) -> Any:
    """JSON as the engine reads it: a key that is there twice, NaN and Infinity are refused. Raises ValueError."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            twice = next(key for i, (key, _) in enumerate(items) if key in dict(items[:i]))
            raise ValueError(f"the key {shown(twice)} is there twice")
        return made

    def constant(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    def whole(digits: str) -> int:
        try:
            return int(digits)
        except ValueError:  # what Python says of it is for programmers
            raise ValueError(f"a number of {len(digits):,} digits") from None

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
    except RecursionError:
        raise ValueError("nested too deep") from None


def wrapped(text: Any) -> Any:
    """The query that a `wrapper` holds. Raises ValueError."""
    return read(b64decode(str(text), validate=True).decode())


def is_optional(body: dict[str, Any]) -> bool:
    """Whether nothing of the `should` of this bool has to match."""
    if not (body.get("must") or body.get("filter")):
        return False
    try:
        return have_to_match(body) == 0
    except ValueError:
        return False


def have_to_match(body: dict[str, Any]) -> int:
    """How many queries of the `should` of a bool have to match, by its minimum_should_match. Raises ValueError where that is no number.

    A part is rounded down, and what is negative may be missing; with `2<75%` it holds from three queries on, and up to two all have to.
    """
    there, asked = len(_clauses(body, "should")), body.get("minimum_should_match")
    if asked is None:
        return 0
    spec = re.sub(r"\s*<\s*", "<", str(asked)).strip()  # whatever JSON it is: what is no number in words is none
    if "<" in spec:
        conditions, spec = spec.split(), str(there)
        for condition in conditions:
            limit, _, then = condition.partition("<")
            if there <= _whole(limit):
                break
            spec = then
    wanted = _whole(spec.removesuffix("%"))
    if spec.endswith("%"):
        share = abs(wanted) * there // 100
        wanted = share if wanted >= 0 else there - share
    elif wanted < 0:
        wanted += there
    return max(wanted, 0)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[-+]?\d{1,9}", text):
        raise ValueError("it is no number")
    return int(text)


_ANYTHING = ("*", "*:*")  # in the language of query_string, where no field is named


def limits_nothing(query: Any) -> bool:
    """Whether every document matches. Of a query in which nothing is wrong."""
    ((kind, body),) = query.items()
    match kind:
        case "match_all":
            return True
        case "bool":
            asked = [*_clauses(body, "must"), *_clauses(body, "filter")]
            should = [] if is_optional(body) else _clauses(body, "should")
            one_is_enough = have_to_match(body) <= 1
            return (
                all(limits_nothing(one) for one in asked)
                and all(map(finds_nothing, _clauses(body, "must_not")))
                and (not should or (one_is_enough and any(map(limits_nothing, should))))
            )
        case "function_score" if "min_score" not in body:
            return "query" not in body or limits_nothing(body["query"])
        case "constant_score":
            return limits_nothing(body["filter"])
        case "dis_max":
            return any(map(limits_nothing, _clauses(body, "queries")))
        case "boosting":
            return limits_nothing(body["positive"])
        case "wrapper":
            return limits_nothing(wrapped(body["query"]))
        case "match" | "match_phrase" | "match_phrase_prefix" | "match_bool_prefix":
            return any(
                isinstance(value, dict)
                and value.get("zero_terms_query") in ("all", "ALL")
                and not str(value.get("query", "")).strip()
                for value in body.values()
            )
        case "multi_match" if not str(body["query"]).strip():
            return body.get("zero_terms_query") in ("all", "ALL")
        case "query_string" | "simple_query_string" if not {"fields", "default_field"} & body.keys():
            return str(body["query"]).strip() in _ANYTHING
    return False


def finds_nothing(query: Any) -> bool:
    """Whether no document matches, whatever the index holds. Of a query in which nothing is wrong."""
    ((kind, body),) = query.items()
    match kind:
        case "match_none":
            return True
        case "terms":
            return any(value == [] for value in body.values())
        case "ids":
            return bool(body["values"] == [])
    return False


def _clauses(body: dict[str, Any], key: str) -> list[Any]:
    held = body.get(key) or []
    return held if isinstance(held, list) else [held]
