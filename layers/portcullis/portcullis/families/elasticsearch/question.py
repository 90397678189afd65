"""A question about access on Elasticsearch as JSON, and its answer: what `portcullis decide` reads and writes for this family.

{"engine": "elasticsearch-9.5.3",
 "security": {"roles": {}, "users": {}, "role_mappings": {}},       as the engine's GET shows them
 "principal": {"name": "", "realm": "native", "groups": [], "dn": "", "metadata": {}, "roles": []},    roles: given outright
 "request": {"method": "GET", "path": "/logs-*/_search", "body": null}  or  {"action": "indices:data/read/search", "indices": []},
 "world": {"indices": ["a", {"name": "b", "hidden": false, "closed": false}], "aliases": {"x": ["a"] or {"a": filter or null}},
           "data_streams": {"s": [".ds-s-000001"]}}}
"""

from __future__ import annotations

from typing import Any

import msgspec

from portcullis.errors import BadInput
from portcullis.families.elasticsearch.callers import NATIVE, Caller, roles_of
from portcullis.families.elasticsearch.decide import Answer, EngineFacts, Index, View, answer, holding
from portcullis.families.elasticsearch.names import Unreadable
from portcullis.families.elasticsearch.release import Release
from portcullis.families.elasticsearch.requests import Need, Request, needs

FAMILY = "elasticsearch-"


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Entry(msgspec.Struct):
    """Of a role. What else a release has in it (a description, applications) decides nothing here."""

    names: list[str] | str = []
    privileges: list[str] = []
    query: Any = None
    field_security: Any = None
    allow_restricted_indices: bool = False


class _Role(msgspec.Struct):
    cluster: list[str] = []
    indices: list[_Entry] = []


class _User(msgspec.Struct):
    roles: list[str] = []
    enabled: bool = True


class _Mapping(msgspec.Struct):
    roles: list[str] = []
    enabled: bool = True
    rules: dict[str, Any] = {}


class _Security(_Strict):
    roles: dict[str, _Role] = {}
    users: dict[str, _User] = {}
    role_mappings: dict[str, _Mapping] = {}


class _Principal(_Strict):
    name: str
    realm: str = NATIVE
    groups: list[str] = []
    dn: str = ""
    metadata: dict[str, Any] = {}
    roles: list[str] = []


class _Asked(_Strict):
    method: str = ""
    path: str = ""
    body: Any = None
    action: str = ""
    indices: list[str] = []


class _There(_Strict):
    name: str
    hidden: bool = False
    closed: bool = False


class _World(_Strict):
    indices: list[str | _There] = []
    aliases: dict[str, list[str] | dict[str, Any]] = {}
    data_streams: dict[str, list[str]] = {}


class _Question(_Strict):
    engine: str
    security: _Security
    principal: _Principal
    request: _Asked
    world: _World = msgspec.field(default_factory=_World)


def is_of_this_family(engine: object) -> bool:
    return isinstance(engine, str) and engine.startswith(FAMILY)


def answer_question(question: Any, *, source: str = "") -> dict[str, Any]:
    """The decision, what is seen of each index, and the reasons. `allowed` is null where only the engine can tell. BadInput names the
    place in `source`."""
    try:
        asked = msgspec.convert(question, _Question)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise BadInput(
            what,
            source=source,
            place=place.strip("`").lstrip(".") or "the question",
            remedy="see `portcullis decide --help`",
        ) from None
    release = Release.of(asked.engine.removeprefix(FAMILY), source=source)
    caller = Caller(
        asked.principal.name,
        asked.principal.realm,
        tuple(asked.principal.groups),
        asked.principal.dn,
        asked.principal.metadata,
        tuple(asked.principal.roles),
    )
    security = msgspec.to_builtins(asked.security)
    try:
        roles = roles_of(caller, security["users"], security["role_mappings"])
    except Unreadable as error:
        return _unknown({}, str(error))
    except BadInput as error:
        raise BadInput(error.problem, source=source, place=f"security.{error.place}", remedy=error.remedy) from None
    wanted = _needs(asked.request, source)
    if wanted is None:
        return _unknown(roles, f"which actions {asked.request.method} {asked.request.path} needs is not known here")
    held = holding({name: _document(role) for name, role in asked.security.roles.items()}, roles, release)
    return _told(roles, [answer(held, need, _world(asked.world), release) for need in wanted])


def _needs(request: _Asked, source: str) -> tuple[Need, ...] | None:
    if request.action:
        return (Need(request.action, tuple(request.indices), cluster=request.action.startswith("cluster:")),)
    if not request.method or not request.path.startswith("/"):
        raise BadInput(
            "says neither an action nor a request",
            source=source,
            place="request",
            remedy="action and indices, or method and path",
        )
    return needs(Request(request.method, request.path, request.body), source=source)


def _document(role: _Role) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(role)
    return document


def _world(there: _World) -> EngineFacts:
    indices = tuple(
        Index(one) if isinstance(one, str) else Index(one.name, one.hidden, one.closed) for one in there.indices
    )
    aliases = {name: dict.fromkeys(of) if isinstance(of, list) else of for name, of in there.aliases.items()}
    streams = {name: tuple(of) for name, of in there.data_streams.items()}
    known = {one.name for one in indices}
    backing = tuple(Index(one, hidden=True) for of in streams.values() for one in of if one not in known)
    return EngineFacts((*indices, *backing), aliases, streams)


def _unknown(roles: dict[str, str], why: str) -> dict[str, Any]:
    return {"allowed": None, "status": None, "indices": [], "views": {}, "roles": roles, "reasons": [why]}


def _told(roles: dict[str, str], answers: list[Answer]) -> dict[str, Any]:
    """Of several needs each has to be granted; an item of a composite request is answered alone."""
    whole = [one for one in answers if not one.need.item]
    items = [one for one in answers if one.need.item]
    refused = next((one for one in whole if one.allowed is False), None)
    unknown = next((one for one in whole if one.allowed is None), None)
    first = refused or unknown or next((one for one in whole if one.status >= 400), None)
    views = {} if refused or unknown else {view.index: view for one in answers for view in one.views}
    told: dict[str, Any] = {
        "allowed": False if refused else None if unknown else True,
        "status": (first.status or None) if first else 200,
        "indices": list(views),
        "views": {index: _view(view) for index, view in views.items()},
        "roles": roles,
        "reasons": list(first.reasons)
        if first
        else list(dict.fromkeys(reason for one in whole for reason in one.reasons)),
    }
    if items:
        told["items"] = [
            {"item": one.need.item, "allowed": one.allowed, "status": one.status or None, "reasons": list(one.reasons)}
            for one in items
        ]
    return told


def _view(view: View) -> dict[str, Any]:
    return {
        "documents": "all" if view.documents is None else list(view.documents),
        "alias_filters": list(view.alias_filters or ()),
        "fields": [{"grant": list(grant), "except": list(without)} for grant, without in view.fields.groups] or "all",
        "reasons": list(view.reasons),
    }
