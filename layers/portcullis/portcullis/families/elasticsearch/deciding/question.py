"""A question about access on Elasticsearch as JSON, and its answer: what `portcullis decide` reads and writes for this family.

{"engine": "elasticsearch-9.5.3",
 "security": {"roles": {}, "users": {}, "role_mappings": {}},       as the engine's GET shows them
 "principal": {"name": "", "realm": "native", "groups": [], "dn": "", "metadata": {}, "roles": [],    roles: given outright
               "run_as": "", "api_key": {"role_descriptors": {}, "limited_by": [{}]}},    as the engine shows a key; both may be left out
 "request": {"method": "GET", "path": "/logs-*/_search", "body": null}  or  {"action": "indices:data/read/search", "indices": []},
 "world": {"indices": ["a", {"name": "b", "hidden": false, "closed": false}], "aliases": {"x": ["a"] or {"a": filter or null}},
           "data_streams": {"s": [".ds-s-000001"]}, "blocks": {"a": ["read", "write", "metadata", "read_only", "read_only_allow_delete"]}},
 "documents": [{"msg": "x"}, {"_index": "logs-1", "_id": "1", "_source": {"msg": "x"}}],     what would be shown of them; may be left out
 "remotes": {ALIAS: {"model": "api-key" or "certificate", "engine": as above if it is another, "skip_unavailable": false,
                     "key": {"state": "live", "expired", "revoked", "absent", "wrong-type" or "garbage", "access": as the engine shows it},
                     "security": {"roles": {}}, "world": as above}}}      roles: of the remote, for the certificate model
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from portcullis import typed
from portcullis.access.questions.documents import all_given, as_data
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.across import ONLY_SEARCH, SEARCH, AsKey, across, is_across
from portcullis.families.elasticsearch.deciding.asked import (
    Question,
    RemoteCluster,
    Role,
    Sent,
    World,
    WorldThere,
)
from portcullis.families.elasticsearch.deciding.decide import Answer, View, answer
from portcullis.families.elasticsearch.deciding.of_documents import of_documents
from portcullis.families.elasticsearch.deciding.remote import Remote, Seen, Told, Whole
from portcullis.families.elasticsearch.deciding.stays_here import answer_here, stays_here
from portcullis.families.elasticsearch.deciding.templates import UNFILLED, filled, is_template
from portcullis.families.elasticsearch.deciding.terms import of_terms
from portcullis.families.elasticsearch.deciding.together import by_item, together
from portcullis.families.elasticsearch.deciding.who_asks import WhoAsks, who_asks
from portcullis.families.elasticsearch.deciding.written import as_shown, of_which
from portcullis.families.elasticsearch.granting.callers import NATIVE
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.names import Unreadable
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need, Request
from portcullis.families.elasticsearch.requesting.requests import needs

FAMILY = "elasticsearch-"
API_KEY_S_OWN = "roles of the API key"  # by which what is seen of another cluster is limited
_PRIVILEGES = ("_security", "user", "_privileges")


def is_of_this_family(engine: object) -> bool:
    return isinstance(engine, str) and engine.startswith(FAMILY)


def answer_question(question: Any, *, source: str = "") -> dict[str, Any]:
    """The decision, what is seen of each index, and the reasons. `allowed` is null where only the engine can tell. BadInput names the
    place in `source`."""
    try:
        asked = typed.of_plain(question := as_shown(question, source), Question)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        what, place = of_which(question) or (what, place)
        raise BadInput(
            what,
            source=source,
            place=place.strip("`").lstrip(".") or "the question",
            remedy="see `portcullis decide --help`",
        ) from None
    given = all_given(asked.documents, source)
    told, answers = _answered(asked, source)
    return told | as_data(of_documents(given, told["allowed"], answers)) if given else told


def _answered(asked: Question, source: str) -> tuple[dict[str, Any], list[Answer]]:
    """What is answered, and what it was made of; nothing where it is not known, or of other clusters."""
    release = Release.of(asked.engine.removeprefix(FAMILY), source=source)
    try:
        who = who_asks(asked.principal, asked.security, release)
    except Unreadable as error:
        return _unknown({}, str(error)), []
    except BadInput as error:
        raise BadInput(error.problem, source=source, place=f"security.{error.place}", remedy=error.remedy) from None
    roles = who.roles
    if who.refused and who.perhaps:
        return _unknown(roles, "; ".join((who.refused, *who.perhaps))), []
    if who.refused:
        return _told(roles, [Answer(Need(""), False, 403, reasons=(who.refused,))]), []
    if who.limited_to is not None and Request(asked.request.method, asked.request.path).parts == _PRIVILEGES:
        why = "what an API key with roles of its own may is not told here, but where keys are shown"
        return _told(roles, [Answer(Need(""), True, 400 if release.major >= 8 else 500, reasons=(why,))]), []
    wanted = () if _own(asked, who) else _needs(asked.request, release, source)
    if wanted is None:
        return _unknown(roles, f"which actions {asked.request.method} {asked.request.path} needs is not known here"), []
    if any(is_across(need) for need in wanted):
        if who.perhaps:
            return _unknown(roles, "; ".join(who.perhaps)), []
        return _over_clusters(asked, who, wanted, release, source), []
    held = who.holding(release)
    world = _world(asked.world)
    found = together(held, [of_terms(answer(held, need, world, release)) for need in wanted], world, release)
    answers = [_filled(one, who) for one in found]
    return _perhaps(_told(roles, answers), who.perhaps), answers


def _perhaps(told: dict[str, Any], whys: tuple[str, ...]) -> dict[str, Any]:
    """What is told, where more may be let in than their roles do, or less: unknown."""
    if not whys:
        return told
    reasons = list(dict.fromkeys((*told["reasons"], *whys)))
    items = [{**one, "allowed": None, "status": None} for one in told.get("items", ())]
    return {**told, "allowed": None, "status": None, "reasons": reasons, **({"items": items} if items else {})}


def _filled(one: Answer, who: WhoAsks) -> Answer:
    """With the templates among its filters as they are for whoever asks."""
    views = tuple(_of_user(view, who) for view in one.views)
    if not views:
        return one
    left = {reason for view in views for reason in view.reasons}
    return replace(one, views=views, reasons=tuple(why for why in one.reasons if why != UNFILLED or why in left))


def _of_user(view: View, who: WhoAsks) -> View:
    documents, reasons = view.documents, view.reasons
    if documents is not None:
        documents = tuple(dict.fromkeys(filled(query, who.user) for query in documents))
        if not any(map(is_template, documents)):
            reasons = tuple(one for one in reasons if one != UNFILLED)
    return replace(view, documents=documents, reasons=reasons, within=view.within and _of_user(view.within, who))


def _own(asked: Question, who: WhoAsks) -> bool:
    """Whether somebody asks what they may do, or changes their own password, by their own name: nobody is asked whether they may."""
    principal = asked.principal
    parts = Request(asked.request.method, asked.request.path).parts
    own = (
        ("_has_privileges", "_privileges", "_password")
        if principal.realm == NATIVE and principal.api_key is None
        else ("_has_privileges", "_privileges")
    )
    return parts[:3] == ("_security", "user", who.caller.name) and parts[3:] in [(one,) for one in own]


def _over_clusters(
    asked: Question,
    who: WhoAsks,
    wanted: tuple[Need, ...],
    release: Release,
    source: str,
) -> dict[str, Any]:
    roles = who.roles
    remotes = {alias: _remote(alias, one, release, source) for alias, one in asked.remotes.items()}
    request = Request(asked.request.method, asked.request.path)
    there = _world(asked.world)
    counts = request.parts[:2] == ("_cat", "count")
    if all(stays_here(need) for need in wanted if is_across(need)) and request.parts[:1] != ("_cat",):
        held = who.holding(release)
        answers = [
            answer_here(held, need, there, release, remotes) if is_across(need) else answer(held, need, there, release)
            for need in wanted
        ]
        return _told(roles, together(held, answers, there, release))
    if len(request.parts) > 2 and request.parts[0] != "_resolve" and not counts:
        return _unknown(roles, ONLY_SEARCH)  # of a template, ...
    if len(wanted) > 1:
        return _items_across(who, wanted, there, release, remotes)
    return _told_across(roles, _across(who, wanted[0], there, release, remotes))


def _across(who: WhoAsks, need: Need, world: EngineFacts, release: Release, remotes: Mapping[str, Remote]) -> Whole:
    by_key = AsKey(who.holding(release), who.of_key) if who.by_key else None
    return across(who.documents, list(who.roles), need, world, release, remotes, by_key)


def _items_across(
    who: WhoAsks,
    wanted: tuple[Need, ...],
    world: EngineFacts,
    release: Release,
    remotes: dict[str, Remote],
) -> dict[str, Any]:
    """The whole takes a right on this cluster, and each item is a search by itself."""
    held, roles = who.holding(release), who.roles
    if any(is_across(need) and need.action != SEARCH for need in wanted):
        return _unknown(roles, ONLY_SEARCH)
    whole = [answer(held, need, world, release) for need in wanted if not need.item]
    told = _told(roles, whole)
    told["items"] = []
    for need in wanted:
        if need.item and need.looked_up:  # here, for the item before it
            said = _told(roles, [answer(held, replace(need, item=""), world, release)])
            if told["items"][-1]["allowed"] and (said["allowed"] is not True or said["status"] != 200):
                told["items"][-1] |= {key: said[key] for key in ("allowed", "status", "reasons")}
            continue
        if need.item and is_across(need):
            said = _told_across(roles, _across(who, need, world, release, remotes))
        elif need.item:
            said = _told(roles, [answer(held, replace(need, item=""), world, release)])
        else:
            continue
        told["items"].append({"item": need.item, **{key: of for key, of in said.items() if key != "roles"}})
    return told


def _remote(alias: str, one: RemoteCluster, here: Release, source: str) -> Remote:
    place = f"remotes.{alias}.engine"
    release = here if not one.engine else Release.of(one.engine.removeprefix(FAMILY), source=source, place=place)
    access: dict[str, Any] = msgspec.to_builtins(one.key.access)
    there = {name: _document(role) for name, role in one.security.roles.items()}
    return Remote(release, one.model, one.key.state, access, there, _world(one.world), one.skip_unavailable)


def _told_across(roles: dict[str, str], whole: Whole) -> dict[str, Any]:
    views = {} if whole.local is None or whole.status != 200 else {one.index: _view(one) for one in whole.local.views}
    return {
        "allowed": whole.allowed,
        "status": whole.status or None,
        "indices": list(views),
        "views": views,
        "remotes": {alias: _of_remote(told) for alias, told in whole.remotes.items()},
        "roles": roles,
        "reasons": list(whole.reasons),
    }


def _of_remote(told: Told) -> dict[str, Any]:
    return {
        "allowed": told.allowed,
        "status": told.status or None,
        "side": told.side,
        "rule": told.rule,
        "skipped": told.skipped,
        "views": {seen.index: _limits(seen) for seen in told.seen},
        "reasons": list(told.reasons),
    }


def _limits(seen: Seen) -> list[dict[str, Any]]:
    """A document or a field is seen if each of these lets it through."""
    told = []
    for by, view in seen.limits:
        told.append({"by": by, **_view(replace(view, within=None))})
        if view.within is not None:
            told.append({"by": API_KEY_S_OWN, **_view(view.within)})
    return told


def _needs(request: Sent, release: Release, source: str) -> tuple[Need, ...] | None:
    if request.action:
        return (Need(request.action, tuple(request.indices), cluster=request.action.startswith("cluster:")),)
    if not request.method or not request.path.startswith("/"):
        raise BadInput(
            "says neither an action nor a request",
            source=source,
            place="request",
            remedy="action and indices, or method and path",
        )
    return needs(Request(request.method, request.path, request.body), release, source=source)


def _document(role: Role) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(role)
    return document


def _world(there: WorldThere) -> EngineFacts:
    indices = tuple(
        Index(one) if isinstance(one, str) else Index(one.name, one.hidden, one.closed) for one in there.indices
    )
    aliases = {name: dict.fromkeys(of) if isinstance(of, list) else of for name, of in there.aliases.items()}
    streams = {name: tuple(of) for name, of in there.data_streams.items()}
    known = {one.name for one in indices}
    backing = tuple(Index(one, hidden=True) for of in streams.values() for one in of if one not in known)
    blocks = {index: tuple(of) for index, of in there.blocks.items()} if isinstance(there, World) else {}
    return EngineFacts((*indices, *backing), aliases, streams, blocks)


def _unknown(roles: dict[str, str], why: str) -> dict[str, Any]:
    return {"allowed": None, "status": None, "indices": [], "views": {}, "roles": roles, "reasons": [why]}


def _told(roles: dict[str, str], answers: list[Answer]) -> dict[str, Any]:
    """Of several needs each has to be granted; an item of a composite request is answered alone."""
    answers = by_item(answers)
    whole = [one for one in answers if not one.need.item]
    items = [one for one in answers if one.need.item]
    refused = next((one for one in whole if one.allowed is False), None)
    unknown = next((one for one in whole if one.allowed is None), None)
    first = refused or unknown or next((one for one in whole if one.status >= 400 or not one.status), None)
    shown = [] if refused or unknown else [one for one in answers if not one.need.looked_up]
    views = {view.index: view for one in shown for view in one.views}
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
    told: dict[str, Any] = {
        "documents": "all" if view.documents is None else list(view.documents),
        "alias_filters": list(view.alias_filters or ()),
        "fields": [{"grant": list(grant), "except": list(without)} for grant, without in view.fields.groups] or "all",
        "reasons": list(view.reasons),
    }
    return told if view.within is None else {**told, "within": _view(view.within)}
