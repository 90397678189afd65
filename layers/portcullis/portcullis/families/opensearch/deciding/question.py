"""A question about access as JSON, and its answer: what `portcullis decide` reads and writes.

{"engine": "opensearch" | "7.x" | "6.x",            the dialect of the documents; opensearch if left out
 "security": {"roles": {}, "rolesmapping": {}, "internalusers": {}, "actiongroups": {}},   as the engine's GET shows them
 "principal": {"name": "", "backend_roles": [], "attributes": {}, "hosts": []},
 "request": {"action": "indices:data/read/search", "indices": ["logs-*"], "options": {"expand_wildcards": "open"}},
            or {"method": "POST", "path": "logs-*/_search?expand_wildcards=open", "body": ...},
 "world": {"indices": [], "aliases": {"x": ["a"] or {"a": filter or null}}, "streams": {}, "hidden": [], "closed": [],
           "blocks": {"logs-1": ["read", "write", "metadata", "read_only", "read_only_allow_delete"]}, "fields": {"logs-1": ["msg"]},
           "release": "3.4.0" | "2.19.3", "now": "2026-11-28T09:00:00Z",
           "dfm_empty_overrides_all": false, "do_not_fail_on_forbidden": false,
           "privileges_evaluation_type": "legacy" | "v4", "privileges_evaluation_ignore_unauthorized_indices": true},
 "documents": [{"msg": "x"}, {"_index": "logs-1", "_id": "1", "_source": {"msg": "x"}}],   what would be shown of them; may be left out
 "remotes": {ALIAS: {"engine": as above, "security": as above, "world": as above, "skip_unavailable": false}}}   by alias the other cluster

`fields` are those that an index has in its mapping: a document with another one needs one permission more, and a search sorted by what
none that it reaches has ends in an error.
An internal user's backend roles and attributes are taken from the config where the principal says neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from portcullis import typed
from portcullis.access.actual import Json
from portcullis.access.questions.documents import all_given, as_data
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.opensearch.deciding.across import OverClusters, Remote
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.ending import Fields
from portcullis.families.opensearch.deciding.of_documents import of_documents
from portcullis.families.opensearch.deciding.together import together
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect, from_engine
from portcullis.families.opensearch.documents.shapes import not_known, shapes_of
from portcullis.families.opensearch.evaluation import V4, has_v4
from portcullis.families.opensearch.granting.callers import user
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.actions import BLOCKS, OWN_INDEX
from portcullis.families.opensearch.requesting.need import NotKnown
from portcullis.families.opensearch.requesting.requests import needs

Shown = Callable[[bool | None, list[tuple[str, Decision]]], Json]

_EVALUATION, _LEAVES_OUT = "privileges_evaluation_type", "privileges_evaluation_ignore_unauthorized_indices"
_STRINGS = "a list of strings"
_MAP = "an object"
_ANYTHING = "JSON, or lines of it"
# place -> key -> (what it has to be, whether it may be left out)
_SHAPE: dict[str, dict[str, tuple[str, bool]]] = {
    "": {
        "engine": ("a string", True),
        "security": (_MAP, False),
        "principal": (_MAP, False),
        "request": (_MAP, False),
        "world": (_MAP, True),
        "documents": ("a list", True),
        "remotes": (_MAP, True),
    },
    "remote": {
        "engine": ("a string", True),
        "security": (_MAP, False),
        "world": (_MAP, True),
        "skip_unavailable": ("true or false", True),
    },
    "security": {kind.value: (_MAP, True) for kind in Kind},
    "principal": {
        "name": ("a string", False),
        "backend_roles": (_STRINGS, True),
        "attributes": (_MAP, True),
        "hosts": (_STRINGS, True),
    },
    "request": {
        "action": ("a string", True),
        "indices": (_STRINGS, True),
        "options": (_MAP, True),
        "method": ("a string", True),
        "path": ("a string", True),
        "body": (_ANYTHING, True),
    },
    "world": {
        "indices": (_STRINGS, True),
        "aliases": (_MAP, True),
        "streams": (_MAP, True),
        "hidden": (_STRINGS, True),
        "closed": (_STRINGS, True),
        "blocks": (_MAP, True),
        "fields": (_MAP, True),
        "release": ("a string", True),
        "now": ("a string", True),
        "dfm_empty_overrides_all": ("true or false", True),
        "do_not_fail_on_forbidden": ("true or false", True),
        _EVALUATION: ("a string", True),
        _LEAVES_OUT: ("true or false", True),
    },
}


def answer(question: Any, built_in: Mapping[str, Json] | None = None, *, source: str = "") -> Json:
    """The decision, the visible indices, the filters and masks of each, and the reasons. `allowed` is null where only the engine can tell,
    of the whole, of each thing that is needed, and of an item. BadInput names the place in `source`.

    `built_in` are action groups that the engine has and the question need not repeat.
    """
    _check(question, "", source)
    for place in ("principal", "request"):
        _check(question.get(place, {}), place, source)
    _typed(question["principal"].get("attributes", {}), dict[str, str], "principal.attributes", source)
    held, world = _engine(question, "", built_in, source)
    request = question["request"]
    given = all_given(question.get("documents", []), source)

    def shown(allowed: bool | None, decisions: list[tuple[str, Decision]]) -> Json:
        return as_data(of_documents(given, allowed, decisions, asked.world.release)) if given else {}

    asked = Compiled(held, world)
    if "remotes" in question:
        asked = OverClusters(held, world, _remotes(question["remotes"], built_in, source))
    caller = _caller(held, question["principal"])
    if "action" in request:
        decision = asked.as_sent(caller, request["action"], request.get("indices", ()), request.get("options"))
        return _told(decision) | shown(decision.certain, [(request["action"], decision)])
    if not {"method", "path"} <= request.keys():
        raise BadInput("is missing", source=source, place="request.action", remedy="or a method and a path")
    return _request(asked, caller, request, question.get("world", {}).get("fields", {}), shown)


def _engine(
    part: Json, within: str, built_in: Mapping[str, Json] | None, source: str
) -> tuple[SecurityConfig, EngineFacts]:
    """What an engine of the question holds, and what is on it. `within`: where in the question it stands."""
    for place in ("security", "world"):
        _check(part.get(place, {}), place, source, within)
    world = part.get("world", {})
    for groups in ("streams", "fields", "blocks"):
        _typed(world.get(groups, {}), dict[str, list[str]], f"{within}world.{groups}", source)
    _typed(world.get("aliases", {}), dict[str, list[str] | dict[str, Any]], f"{within}world.aliases", source)
    dialect = _dialect(part.get("engine", Dialect.PLUGINS.value), source, f"{within}engine")
    documents: dict[str, dict[str, Json]] = {Kind.ACTION_GROUPS: dict(built_in or {})}
    for name, collection in part["security"].items():
        kind = Kind(name)
        for key, document in collection.items():
            _known_fields(kind, dialect, document, f"{within}security.{name}.{key}", source)
            for one, shape in shapes_of(kind, dialect, document):
                _typed(one, shape, f"{within}security.{name}.{key}", source)
            documents.setdefault(kind, {})[key] = from_engine(kind, document, dialect)
    return SecurityConfig(documents), _world(world, source, within)


def _remotes(remotes: Json, built_in: Mapping[str, Json] | None, source: str) -> dict[str, Remote]:
    found = {}
    for alias, part in remotes.items():
        within = f"remotes.{alias}."
        _check(part, "remote", source, f"remotes.{alias}")
        found[alias] = Remote(*_engine(part, within, built_in, source), part.get("skip_unavailable", False))
    return found


def _request(asked: Compiled, caller: Caller, request: Json, fields: Fields, shown: Shown) -> Json:
    """What a request as people send it comes to: all that it needs, and each item of it by itself."""
    doubt = ""
    try:
        wanted = needs(request["method"], request["path"], request.get("body"))
    except NotKnown as unsure:
        wanted, doubt = unsure.certain, str(unsure)
    found = together(asked, caller, wanted, fields)
    told: list[Json] = [
        {"action": need.action, "item": need.item, "asked": list(need.indices)} | _told(answer)
        for need, answer in found.answers
    ]
    answers = [(need.action, answer) for need, answer in found.answers]
    if not doubt:
        return {
            "allowed": found.allowed,
            "items": found.items,
            "needs": told,
            "unknown": found.unknown,
            "notes": found.notes,
        } | shown(found.allowed, answers)
    allowed = False if found.allowed is False else None  # by what it needs, whatever else it may
    return {"allowed": allowed, "needs": told, "unknown": [doubt, *found.unknown]} | shown(allowed, answers)


def _caller(held: SecurityConfig, principal: Json) -> Caller:
    if not principal.keys() & {"backend_roles", "attributes"} and held.get(Kind.USERS, principal["name"]) is not None:
        known = user(held, principal["name"])
        return Caller(known.name, known.backend_roles, known.attributes, tuple(principal.get("hosts", ())))
    return Caller(
        principal["name"],
        tuple(principal.get("backend_roles", ())),
        dict(principal.get("attributes", {})),
        tuple(principal.get("hosts", ())),
    )


def _world(world: Json, source: str, within: str = "") -> EngineFacts:
    indices = tuple(world.get("indices", ()))
    release = _release(world.get("release", Release.V3.value), source, within)
    v4 = _is_v4(world.get(_EVALUATION, "legacy"), world.get("release", ""), source, within)
    return EngineFacts(
        (*indices, OWN_INDEX) if indices and OWN_INDEX not in indices else indices,  # which no engine is without
        {alias: tuple(members) for alias, members in world.get("aliases", {}).items()},
        {stream: tuple(members) for stream, members in world.get("streams", {}).items()},
        tuple(world.get("hidden", ())),
        tuple(world.get("closed", ())),
        world.get("dfm_empty_overrides_all", False),
        world.get("do_not_fail_on_forbidden", False),
        release,
        _moment(world["now"], source, within) if "now" in world else None,
        {alias: _filters(members) for alias, members in world.get("aliases", {}).items() if isinstance(members, dict)},
        {index: _known_blocks(index, blocks, source, within) for index, blocks in world.get("blocks", {}).items()},
        v4,
        v4 and not world.get(_LEAVES_OUT, True),
    )


def _is_v4(evaluation: str, release: str, source: str, within: str) -> bool:
    """`release`: as the question says it; empty: one that has the evaluation that is asked for."""
    if evaluation not in ("legacy", V4):
        problem, remedy = f"{evaluation} is no evaluation known here", f"legacy, or {V4}"
    elif evaluation == V4 and release and not has_v4(release):
        problem, remedy = f"{release} has no evaluation {V4}", "a release from 3.7 on"
    else:
        return evaluation == V4
    raise BadInput(problem, source=source, place=f"{within}world.{_EVALUATION}", remedy=remedy)


def _known_blocks(index: str, blocks: list[str], source: str, within: str) -> tuple[str, ...]:
    for one in blocks:
        if one not in BLOCKS:
            remedy = f"of {', '.join(BLOCKS)}"
            raise BadInput(
                f"{one} is no block known here", source=source, place=f"{within}world.blocks.{index}", remedy=remedy
            )
    return tuple(blocks)


def _filters(members: Mapping[str, Any]) -> dict[str, str]:
    return {index: json.dumps(query) for index, query in members.items() if query is not None}


def _release(version: str, source: str, within: str) -> Release:
    """The measured release whose rules an engine of this version goes by."""
    major = version.partition(".")[0]
    found = {"2": Release.V2, "3": Release.V3}.get(major)
    if found is None:
        remedy = f"one of {', '.join(Release)}, or a later version of the same line"
        raise BadInput(
            f"{version} is no release known here", source=source, place=f"{within}world.release", remedy=remedy
        )
    return found


def _moment(text: str, source: str, within: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "is no moment", source=source, place=f"{within}world.now", remedy="2026-11-28T09:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(decision: Decision) -> Json:
    return {
        "allowed": decision.certain,
        "indices": list(decision.visible),
        "views": {view.index: _view(view, decision) for view in decision.views},
        "roles": dict(decision.roles),
        "reasons": list(decision.reasons),
        "error": decision.error,
        "unknown": [*decision.unknown, *(doubt for view in decision.views for doubt in view.unknown)],
        **({"remotes": _told_beyond(decision)} if decision.beyond else {}),
    }


def _told_beyond(decision: Decision) -> Json:
    """By alias what the other cluster says of its part. `left_out`: it refuses or fails, and the rest is answered all the same."""
    return {alias: {**_told(one.decision), "left_out": one.left_out} for alias, one in decision.beyond.items()}


def _view(view: View, decision: Decision) -> Json:
    if not view.allowed:
        return {"allowed": None if decision.unknown else False, "reasons": list(view.reasons)}
    how = "exclude" if view.fields.excluding else "include"
    return {
        "allowed": True,
        "documents": list(view.documents) if view.documents is not None else "unknown" if view.unknown else "all",
        "fields": "all" if how == "exclude" and not view.fields.patterns else {how: list(view.fields.patterns)},
        "masked": list(view.masks),
        **({"alias_filters": list(view.alias_filters)} if view.alias_filters else {}),
        "reasons": list(view.reasons),
    }


def _dialect(name: str, source: str, place: str) -> Dialect:
    try:
        return Dialect(name)
    except ValueError as error:
        known = ", ".join(dialect.value for dialect in Dialect)
        raise BadInput(
            f"{name} is no engine known here", source=source, place=place, remedy=f"one of {known}"
        ) from error


def _check(part: Any, place: str, source: str, within: str = "") -> None:
    """`within`: where it stands, for a part that a question may have more than once."""
    shape = _SHAPE[place]
    place = within if place == "remote" else f"{within}{place}"
    if not isinstance(part, dict):
        raise BadInput("is no object", source=source, place=place or "the question", remedy="an object")
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


def _known_fields(kind: Kind, dialect: Dialect, document: Any, place: str, source: str) -> None:
    field, other = not_known(kind, dialect, document)
    if field:
        remedy = f"engine: {other}" if other else "as the engine's GET shows it"
        problem = f"is no field that {dialect.value} has here" + (f", and {other} has" if other else "")
        raise BadInput(problem, source=source, place=f"{place}.{field}", remedy=remedy)


def _typed(value: Any, shape: Any, place: str, source: str) -> None:
    try:
        typed.of_plain(value, shape)
    except msgspec.ValidationError as error:
        remedy = "as the engine's GET shows it" if "security." in place else "names and texts"
        raise BadInput(f"is of the wrong kind: {error}", source=source, place=place, remedy=remedy) from None


def _is(value: Any, wanted: str) -> bool:
    if wanted == _ANYTHING:
        return True
    if wanted == _STRINGS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, {_MAP: dict, "a list": list, "a string": str, "true or false": bool}[wanted])
