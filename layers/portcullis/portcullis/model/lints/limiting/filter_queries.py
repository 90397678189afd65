"""A query and what stands in it, by the table of known ones: what no engine takes, and what it takes and reads otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from portcullis.families.lucene_regex import why_not
from portcullis.families.opensearch.limiting.known import modules, queries
from portcullis.families.opensearch.names.attributes import with_attributes
from portcullis.model import names
from portcullis.model.lints.limiting.filter_reach import have_to_match, is_optional, read, wrapped

# The engine has no clock for filters. A date in words begins with `now`, and goes on with a sum or a rounding, or ends.
_NOW = re.compile(r"now(?:$|\|\||[-+/])")
_NOW_IN_TEXT = re.compile(r"[\[{><=:]\s*\"?now\b|:\([^)]*\bnow\b|\bTO\s+\"?now\b|\bnow[-+/]\d*[yMwdhHms]\b")
_DEEPEST = 20
_BOUNDS = ("gt", "gte", "lt", "lte", "from", "to")

Problem = tuple[str, str, str]  # code, message, remedy


def wrong_in(query: Any) -> Iterator[Problem]:
    """What is wrong with a query, by the table of known ones."""
    return _query(query, "", 0)


def _query(query: Any, where: str, depth: int) -> Iterator[Problem]:
    """What is wrong with a query or with one inside it, by the table of known ones."""
    at = f" ({where})" if where else ""
    if depth > _DEEPEST:
        yield "dls-invalid", f"the document-level query is nested more than {_DEEPEST} deep", "a flatter query"
        return
    if not isinstance(query, dict) or len(query) != 1:
        problem = f"the document-level query is not one query{at}"
        yield "dls-invalid", problem, 'one query type as the only key: {"bool": {"filter": [...]}}'
        return
    ((kind, body),) = query.items()
    here = f"{where}.{kind}" if where else kind
    if kind == "query":
        yield "dls-invalid", f"the document-level query is wrapped in `query`{at}", "give what stands inside it"
        return
    if kind not in queries():
        yield "dls-unknown-query", f"there is no query {names.shown(kind)}{at}", names.did_you_mean(kind, queries())
        return
    if not isinstance(body, dict):
        yield "dls-invalid", f"{here} is {names.shown(body)}, and should be an object", f'{{"{kind}": {{...}}}}'
        return
    shape = queries()[kind]
    if shape.get("never"):
        yield "dls-invalid", f"{here} cannot be a document filter: {shape['never']}", "the query that it stands for"
        return
    for module, of_it in modules().items():
        if kind in of_it:
            remedy = "accept it where the domain has it; portcullis plan asks the engine"
            yield "dls-module", f"{here} needs {module}, which not every engine has", remedy
    yield from _date(kind, body, here)
    if shape.get("of") == "field":
        yield from _field(kind, body, shape, here)
        return
    inner = (*shape.get("one", ()), *shape.get("many", ()))
    yield from _keys(body, (*inner, *shape["params"]) if "params" in shape else None, shape.get("needs", ()), here)
    if kind == "wrapper" and "query" in body:
        yield from _in_base64(body["query"], f"{here}.query", depth + 1)
    if kind == "bool":
        yield from _how_many(body, here)
    if kind == "bool" and body.get("should") and is_optional(body):
        yield (
            "dls-should",
            f"{here}.should limits nothing: beside must or filter none of it has to match",
            'add "minimum_should_match": 1, or put it into a bool of its own inside filter',
        )
    for key in inner:
        if key not in body:
            continue
        several = isinstance(body[key], list) and key in shape.get("many", ())
        for i, one in enumerate(body[key] if several else (body[key],)):
            yield from _query(one, f"{here}.{key}[{i}]" if several else f"{here}.{key}", depth + 1)
    if kind == "function_score":
        for i, function in enumerate(body.get("functions") or ()):
            if isinstance(function, dict) and "filter" in function:
                yield from _query(function["filter"], f"{here}.functions[{i}].filter", depth + 1)


def _how_many(body: dict[str, Any], here: str) -> Iterator[Problem]:
    """Whether as many queries as have to match are there at all."""
    should = body.get("should") or ()
    there = len(should) if isinstance(should, list | tuple) else 1
    try:
        wanted = have_to_match(body)
    except ValueError as error:
        problem = f"{here}.minimum_should_match is {names.shown(body['minimum_should_match'])}: {error}"
        yield "dls-invalid", problem, "a whole number, such as 1"
        return
    if wanted > there:
        problem = f"of {here}.should {wanted} have to match, and there are {there}: nobody sees anything"
        yield "dls-invalid", problem, "as many as there are, or fewer"


def _in_base64(text: Any, here: str, depth: int) -> Iterator[Problem]:
    try:
        query = wrapped(text)
    except ValueError as error:
        yield "dls-invalid", f"{here} holds no query in base64: {error}", "the query as it is, without wrapper"
        return
    if "${" in json.dumps(query):
        yield (
            "dls-attribute-place",
            f"{here} has an attribute inside base64, where none is filled in",
            "leave wrapper out",
        )
    yield from _query(query, here, depth)


def _keys(body: dict[str, Any], may: tuple[str, ...] | None, must: tuple[str, ...], here: str) -> Iterator[Problem]:
    for key in body:
        if may is not None and key not in may:
            yield "dls-invalid", f"{here} knows no {names.shown(key)}", names.did_you_mean(key, may)
    for key in must:
        if key not in body:
            yield "dls-invalid", f"{here} lacks {key}", f"{here} needs {', '.join(must)}"


def _field(kind: str, body: dict[str, Any], shape: dict[str, Any], here: str) -> Iterator[Problem]:
    beside = shape.get("beside", ())
    fields = [key for key in body if key not in beside]
    if len(fields) != 1 or not fields[0]:
        several = f"{len(fields)} fields ({', '.join(fields)})" if fields and fields[0] else "no field"
        yield (
            "dls-invalid",
            f"{here} names {several}, and takes one",
            '{"bool": {"filter": [...]}} joins several queries',
        )
        return
    value = body[fields[0]]
    if "list" in shape:
        if isinstance(value, dict):
            yield from _keys(value, tuple(shape["list"]), ("index", "id", "path"), f"{here}.{fields[0]}")
        elif not isinstance(value, list):
            yield (
                "dls-invalid",
                f"{here}.{fields[0]} is {names.shown(value)}, and should be a list",
                f"[{json.dumps(value)}]",
            )
        elif any(isinstance(item, list | dict) or item is None for item in value):
            yield "dls-invalid", f"{here}.{fields[0]} holds what is no value", "text, numbers, true and false"
    elif isinstance(value, dict):
        if "params" in shape:
            yield from _keys(value, tuple(shape["params"]), (), f"{here}.{fields[0]}")
        compared_with = [value[key] for key in ("value", "query", "term", kind) if key in value]
        if (
            kind == "range"
            and value.keys() <= {*shape["params"]}
            and not any(value.get(b) is not None for b in _BOUNDS)
        ):
            problem = f"{here}.{fields[0]} has no bound: every document that has the field matches"
            yield "dls-everything", problem, "gt, gte, lt or lte with a value; exists, if that is what is meant"
        if kind == "regexp" and "flags" not in value and "flags_value" not in value:
            yield from _expression(value.get("value"), f"{here}.{fields[0]}")
        if shape.get("short") and all(isinstance(one, list | dict) or one is None for one in compared_with):
            yield "dls-invalid", f"{here}.{fields[0]} is compared with nothing", f'{{"{kind}": {{"FIELD": "VALUE"}}}}'
    elif value is None or isinstance(value, list) or not shape.get("short"):
        expected = "an object" if not shape.get("short") else "one value; terms takes a list"
        yield (
            "dls-invalid",
            f"{here}.{fields[0]} is {names.shown(value)}, and should be {expected}",
            f"see {kind} in the engine's documentation",
        )
    elif kind == "regexp":
        yield from _expression(value, f"{here}.{fields[0]}")


def _expression(text: Any, here: str) -> Iterator[Problem]:
    if isinstance(text, str) and (why := why_not(text)):
        problem = f"{here} is {names.shown(text)}, and no regular expression: {why}"
        yield "dls-invalid", problem, "an expression as Lucene reads it; a backslash before a sign makes it a character"


_IN_WORDS = ("query_string", "simple_query_string")
_DECAYS = ("gauss", "exp", "linear")


def _date(kind: str, body: dict[str, Any], here: str) -> Iterator[Problem]:
    said = str(body.get("query")) if kind in _IN_WORDS and _NOW_IN_TEXT.search(str(body.get("query"))) else ""
    for text in (said, *_values(kind, body)):
        if isinstance(text, str) and (_NOW.match(text) or (said and text == said)):
            yield (
                "dls-relative-date",
                f"{here} asks for {names.shown(text)}: the engine has no clock for document filters",
                "a date, or a field that is set at indexing time",
            )
            return
    if kind == "function_score":
        yield from _scores(body, here)


def _scores(body: dict[str, Any], here: str) -> Iterator[Problem]:
    """Functions that begin with the moment of the search, if nothing is said: a filter knows of none."""
    inner = body.get("functions")
    for function in (body, *(inner if isinstance(inner, list) else ())):
        if not isinstance(function, dict):
            continue
        score = function.get("random_score")
        without = [f"{here}.random_score"] if isinstance(score, dict) and "seed" not in score else []
        for decay in _DECAYS:
            for field, value in function[decay].items() if isinstance(function.get(decay), dict) else ():
                origin = value.get("origin") if isinstance(value, dict) else None
                begins = origin is None or (isinstance(origin, str) and _NOW.match(origin))
                if begins and isinstance(value, dict):
                    without.append(f"{here}.{decay}.{field}")
        for place in without:
            problem = f"{place} begins with the moment of the search: the engine has no clock for document filters"
            yield "dls-relative-date", problem, "leave it out: a filter needs no score"


def _values(kind: str, body: dict[str, Any]) -> Iterator[Any]:
    """What a field is compared with."""
    if kind == "distance_feature":
        yield body.get("origin")
    # Where no field is named, and where it is lenient, what is no date is left out.
    if kind in (*_IN_WORDS, "multi_match") and {"fields", "default_field"} & body.keys() and not body.get("lenient"):
        yield body.get("query")
    if queries()[kind].get("of") != "field":
        return
    for value in body.values():
        if isinstance(value, dict):
            yield from (value.get(key) for key in ("gt", "gte", "lt", "lte", "from", "to", "value", "term", "query"))
            yield from value["terms"] if isinstance(value.get("terms"), list) else ()
        elif isinstance(value, list):
            yield from value
        else:
            yield value


def compared(dls: str) -> dict[str, list[Any]]:
    """Field -> what a filter compares it with; of what is no filter, nothing."""
    held: dict[str, list[Any]] = {}

    def look(part: Any) -> None:
        for item in part if isinstance(part, list) else ():
            look(item)
        for kind, body in part.items() if isinstance(part, dict) else ():
            if queries().get(kind, {}).get("of") == "field" and isinstance(body, dict):
                for name in body:
                    held.setdefault(name, []).extend(_values(kind, {name: body[name]}))
            else:
                look(body)

    try:
        look(read(with_attributes(dls)))
    except ValueError:
        return {}
    return held
