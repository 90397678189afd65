"""Document filters: queries that the engine takes as they are written, and only reads when somebody searches.

Whatever is wrong with one, 3.x then shows nothing (or refuses), and 2.x answers every request on the index with an error; measured on
2.19.3 and 3.4.0, row by row, in tests/model/test_filters_on_node.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from portcullis.families.opensearch.limiting.known import modules, queries
from portcullis.families.opensearch.names.attributes import (
    ATTRIBUTE,
    LISTS,
    SAMPLE,
    is_list,
    pieces,
    sample,
    with_attributes,
)
from portcullis.model import names
from portcullis.model.lints.filter_reach import have_to_match, is_optional, limits_nothing, read, wrapped
from portcullis.model.lints.findings import Finding, found
from portcullis.model.parts import Path
from portcullis.model.types import Configuration, OnDomain

_NAMES = frozenset((*LISTS, *(name.replace(".", "_") for name in LISTS), "user.name", "user_name"))
# The engine has no clock for filters. A date in words begins with `now`, and goes on with a sum or a rounding, or ends.
_NOW = re.compile(r"now(?:$|\|\||[-+/])")
_NOW_IN_TEXT = re.compile(r"[\[{><=:]\s*\"?now\b|:\([^)]*\bnow\b|\bTO\s+\"?now\b|\bnow[-+/]\d*[yMwdhHms]\b")
_DEEPEST = 20


def document_filter(deployment: OnDomain, path: Path, dls: str) -> Iterator[Finding]:
    """Findings about one filter, the first of those that make it none alone."""
    try:
        query = read(with_attributes(dls))
    except ValueError as error:
        yield _invalid(deployment, path, f"the document-level query is not JSON: {error}", _EXAMPLE)
        return
    if misplaced := _misplaced(dls):
        yield found(deployment, "dls-attribute-place", path, *misplaced)
        return
    for attribute in dict.fromkeys(ATTRIBUTE.findall(dls)):
        yield from unknown_attribute(deployment, path, attribute, "dls-attribute")
    yield from _with_own_values(deployment, path, dls)
    problems = list(wrong_in(query))
    yield from (found(deployment, code, path, message, remedy) for code, message, remedy in problems)
    if not problems and limits_nothing(query):
        yield found(
            deployment,
            "dls-everything",
            path,
            "the document-level query has no condition: every document matches",
            "leave dls out, or say in accept that it is meant to lift the queries of other roles",
        )


_EXAMPLE = 'a query such as {"term": {"region": "eu"}}, in single quotes'


def _misplaced(dls: str) -> tuple[str, str] | None:
    """A list of values in quotes, or a single value without: neither is JSON once it is filled in."""
    for written, attribute, inside in pieces(dls):
        if not attribute:
            continue
        if is_list(attribute) and inside:
            return (
                f"{written} stands in quotes, but is a list of values that bring their own",
                f"[{written}], without quotes",
            )
        if not is_list(attribute) and not inside and not attribute.startswith(("attr.internal.", "attr_internal_")):
            return f"{written} stands without quotes, and is text", f'"{written}"'
    for how_many, problem, remedy in (
        (2, "stands outside a list, and may be several values", "in a list: [ATTRIBUTE]"),
        (
            0,
            "stands beside other values of its list: for a caller who has none, a comma is left over",
            "in a list of its own",
        ),
    ):
        for written, attribute, inside in pieces(dls):
            # Whoever has a role has one of the engine's roles at least; a backend role need nobody have.
            if inside or not is_list(attribute) or (how_many == 0 and "security" in attribute):
                continue
            filled = ",".join([f'"{SAMPLE}"'] * how_many)
            try:
                read("".join(filled if a == attribute else sample(a, text, i) for text, a, i in pieces(dls)))
            except ValueError:
                return f"{written} {problem}", remedy.replace("ATTRIBUTE", written)
    return None


def unknown_attribute(deployment: OnDomain, path: Path, attribute: str, code: str) -> Iterator[Finding]:
    """A finding if no caller of this deployment has the attribute."""
    if attribute in _NAMES:
        return
    own = {name for user in deployment.access.users.values() for name in user.attributes}
    plain = attribute.replace("attr_internal_", "attr.internal.", 1)
    if plain.startswith("attr.internal."):
        name = plain.removeprefix("attr.internal.")
        if deployment.domain.configuration is not Configuration.INTERNAL:
            remedy = "only internal users have attributes, and under an IAM master they cannot sign in: use ${user.name} or ${user.roles}"
            yield found(deployment, code, path, f"${{{attribute}}} is of internal users", remedy)
        elif name not in own and name.replace("_", ".") not in {n.replace("_", ".") for n in own}:
            message = f"no internal user has the attribute {names.shown(name)}"
            yield found(
                deployment, code, path, message, names.did_you_mean(name, own) or "access.users.NAME.attributes"
            )
        return
    if way := re.match(r"attr[._](proxy|jwt|ldap|saml)[._]", attribute):
        yield found(
            deployment,
            code,
            path,
            f"${{{attribute}}} is of callers who sign in by {way[1]}, and here nobody does ({deployment.domain.configuration.value})",
            "use ${user.name} or ${user.roles}",
        )
        return
    yield found(
        deployment, code, path, f"there is no attribute ${{{attribute}}}", names.did_you_mean(attribute, _NAMES)
    )


def _with_own_values(deployment: OnDomain, path: Path, dls: str) -> Iterator[Finding]:
    """What the attributes of the file's own users make of the filter: it has to stay the same query, with their words in it."""
    used = {attribute for _, attribute, _ in pieces(dls)}
    for user, spec in deployment.access.users.items():
        values = {f"attr.internal.{name}": value for name, value in spec.attributes.items()}
        for attribute in sorted(used):
            value = values.get(attribute.replace("attr_internal_", "attr.internal.", 1))
            if value is None:
                continue
            problem = ""
            try:
                filled = read(
                    "".join(value if a == attribute else sample(a, text, inside) for text, a, inside in pieces(dls))
                )
                wanted = read(
                    "".join(
                        _mark(inside) if a == attribute else sample(a, text, inside) for text, a, inside in pieces(dls)
                    )
                )
                if not _alike(wanted, filled, value):
                    problem = "it is another query"
            except ValueError as error:
                problem = f"it is not JSON: {error}"
            if problem:
                yield found(
                    deployment,
                    "dls-attribute-value",
                    path,
                    f"with the {attribute} of {user}, {names.shown(value)}, {problem}",
                    "put the attribute in quotes in the query, and keep quotation marks and backslashes out of its value",
                )


_MARK, _BARE = "\ue000", "\ue001"  # where the value stands: in a string, or by itself


def _mark(inside: bool) -> str:
    return _MARK if inside else f'"{_BARE}"'


def _alike(wanted: Any, filled: Any, value: str) -> bool:
    """Whether `filled` is `wanted` with the value where the mark stands."""
    if isinstance(wanted, str):
        if wanted == _BARE:
            return not isinstance(filled, dict | list)  # a number, true or false
        return bool(filled == wanted.replace(_MARK, value))
    if isinstance(wanted, dict):
        if not isinstance(filled, dict) or len(wanted) != len(filled):
            return False
        return all(
            _alike(k, other_k, value) and _alike(v, other_v, value)
            for (k, v), (other_k, other_v) in zip(wanted.items(), filled.items(), strict=True)
        )
    if isinstance(wanted, list):
        return (
            isinstance(filled, list)
            and len(wanted) == len(filled)
            and all(_alike(w, f, value) for w, f in zip(wanted, filled, strict=True))
        )
    return bool(wanted == filled)


# ---------------------------------------------------------------------- the query and what stands in it

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
        if shape.get("short") and all(isinstance(one, list | dict) or one is None for one in compared_with):
            yield "dls-invalid", f"{here}.{fields[0]} is compared with nothing", f'{{"{kind}": {{"FIELD": "VALUE"}}}}'
    elif value is None or isinstance(value, list) or not shape.get("short"):
        expected = "an object" if not shape.get("short") else "one value; terms takes a list"
        yield (
            "dls-invalid",
            f"{here}.{fields[0]} is {names.shown(value)}, and should be {expected}",
            f"see {kind} in the engine's documentation",
        )


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


def _invalid(deployment: OnDomain, path: Path, message: str, remedy: str) -> Finding:
    return found(deployment, "dls-invalid", path, message, remedy)
