"""A question about access as JSON, and its answer: what `portcullis decide` reads and writes.

{"engine": "opensearch" | "7.x" | "6.x",            the dialect of the documents; opensearch if left out
 "security": {"roles": {}, "rolesmapping": {}, "internalusers": {}, "actiongroups": {}},   as the engine's GET shows them
 "principal": {"name": "", "backend_roles": [], "attributes": {}, "hosts": []},
 "request": {"action": "indices:data/read/search", "indices": ["logs-*"]},
 "world": {"indices": [], "aliases": {}, "dfm_empty_overrides_all": false, "do_not_fail_on_forbidden": false,
           "undefined_refuses": true, "last_entry_counts": true}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.opensearch.callers import only_the_engine_knows
from portcullis.families.opensearch.config import Kind, SecurityConfig
from portcullis.families.opensearch.decide import Decision, EngineFacts, View, decide
from portcullis.families.opensearch.dialects import Dialect, from_engine

_STRINGS = "a list of strings"
_MAP = "an object"
# place -> key -> (what it has to be, whether it may be left out)
_SHAPE: dict[str, dict[str, tuple[str, bool]]] = {
    "": {
        "engine": ("a string", True),
        "security": (_MAP, False),
        "principal": (_MAP, False),
        "request": (_MAP, False),
        "world": (_MAP, True),
    },
    "security": {kind.value: (_MAP, True) for kind in Kind},
    "principal": {
        "name": ("a string", False),
        "backend_roles": (_STRINGS, True),
        "attributes": (_MAP, True),
        "hosts": (_STRINGS, True),
    },
    "request": {"action": ("a string", False), "indices": (_STRINGS, True)},
    "world": {
        "indices": (_STRINGS, True),
        "aliases": (_MAP, True),
        "dfm_empty_overrides_all": ("true or false", True),
        "do_not_fail_on_forbidden": ("true or false", True),
        "undefined_refuses": ("true or false", True),
        "last_entry_counts": ("true or false", True),
    },
}


def answer(question: Any, built_in: Mapping[str, Json] | None = None, *, source: str = "") -> Json:
    """The decision, the visible indices, the filters and masks of each, and the reasons. BadInput names the place in `source`.

    `built_in` are action groups that the engine has and the question need not repeat.
    """
    _check(question, "", source)
    for place in ("security", "principal", "request", "world"):
        _check(question.get(place, {}), place, source)
    dialect = _dialect(question.get("engine", Dialect.PLUGINS.value), source)
    documents: dict[str, dict[str, Json]] = {Kind.ACTION_GROUPS: dict(built_in or {})}
    for name, collection in question["security"].items():
        kind = Kind(name)
        for key, document in collection.items():
            if not isinstance(document, dict | list):
                raise BadInput("is no document", source=source, place=f"security.{name}.{key}", remedy=_MAP)
            documents.setdefault(kind, {})[key] = from_engine(kind, document, dialect)
    principal, request, world = question["principal"], question["request"], question.get("world", {})
    caller = Caller(
        principal["name"],
        tuple(principal.get("backend_roles", ())),
        dict(principal.get("attributes", {})),
        tuple(principal.get("hosts", ())),
    )
    aliases = {alias: tuple(members) for alias, members in world.get("aliases", {}).items()}
    settings = {key: value for key, value in world.items() if key not in ("indices", "aliases")}
    there = EngineFacts(tuple(world.get("indices", ())), aliases, **settings)
    held = SecurityConfig(documents)
    decision = decide(held, caller, request["action"], request.get("indices", ()), there)
    return _told(decision, only_the_engine_knows(held, caller, decision.roles))


def _told(decision: Decision, unknown: tuple[str, ...]) -> Json:
    """`unknown`: what may make it another decision, and cannot be told here."""
    return {
        "allowed": decision.allowed,
        "indices": list(decision.visible),
        "views": {view.index: _view(view) for view in decision.views},
        "roles": dict(decision.roles),
        "reasons": list(decision.reasons),
        "unknown": list(unknown),
    }


def _view(view: View) -> Json:
    if not view.allowed:
        return {"allowed": False, "reasons": list(view.reasons)}
    how = "exclude" if view.fields.excluding else "include"
    return {
        "allowed": True,
        "documents": "all" if view.documents is None else list(view.documents),
        "fields": "all" if how == "exclude" and not view.fields.patterns else {how: list(view.fields.patterns)},
        "masked": list(view.masks),
        "reasons": list(view.reasons),
    }


def _dialect(name: str, source: str) -> Dialect:
    try:
        return Dialect(name)
    except ValueError as error:
        known = ", ".join(dialect.value for dialect in Dialect)
        raise BadInput(
            f"{name} is no engine known here", source=source, place="engine", remedy=f"one of {known}"
        ) from error


def _check(part: Any, place: str, source: str) -> None:
    if not isinstance(part, dict):
        raise BadInput("is no object", source=source, place=place or "the question", remedy="an object")
    shape = _SHAPE[place]
    for key in part:
        if key not in shape:
            where = f"{place}.{key}" if place else key
            raise BadInput("is not known", source=source, place=where, remedy=f"one of {', '.join(shape)}")
    for key, (wanted, optional) in shape.items():
        where = f"{place}.{key}" if place else key
        if key not in part:
            if not optional:
                raise BadInput("is missing", source=source, place=where, remedy=wanted)
        elif not _is(part[key], wanted):
            raise BadInput("is of the wrong kind", source=source, place=where, remedy=wanted)


def _is(value: Any, wanted: str) -> bool:
    if wanted == _STRINGS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, {_MAP: dict, "a string": str, "true or false": bool}[wanted])
