"""Document filters: queries that the engine takes as they are written, and only reads when somebody searches.

Whatever is wrong with one, 3.x then shows nothing (or refuses), and 2.x answers every request on the index with an error; measured on
2.19.3 and 3.4.0, row by row, in tests/model/test_filters_on_node.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

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
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.limiting.filter_queries import wrong_in
from portcullis.model.lints.limiting.filter_reach import limits_nothing, read
from portcullis.model.parts import Path
from portcullis.model.types import Configuration, OnDomain

_NAMES = frozenset((*LISTS, *(name.replace(".", "_") for name in LISTS), "user.name", "user_name"))


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


def _invalid(deployment: OnDomain, path: Path, message: str, remedy: str) -> Finding:
    return found(deployment, "dls-invalid", path, message, remedy)
