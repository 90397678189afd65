"""`decide` beside real nodes: random security configs put on them, and requests over HTTP as people send them.

The configs, people and names are those of `cases`; the requests are REST calls, so that what a call needs is compared as well, and of a
search the documents and the fields that really come back. A world stands for some configs, as making one takes a second.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.callers import user
from portcullis.families.opensearch.limiting.view import View
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.requests import needs

from benchmarks.deciding.cases import PEOPLE, Case, case
from benchmarks.deciding.counted import Counts, Found
from benchmarks.deciding.on_node import OnNode
from benchmarks.deciding.rest_calls import DOCUMENTS, a_request

_REFUSED = re.compile("security_exception|min_doc_count 0 is not supported|unchecked_execution_exception")
AT_ONCE = 24  # requests of one config
_CONFIGS = 6  # of one world
_IN_STEPS = ("_by_query", "_reindex", "_bulk")
_CHANGES = (
    *("PUT", "DELETE", "_update", "_bulk", "_by_query", "_reindex"),
    *("_aliases", "_rollover", "_split", "_restore", "_close", "_open", "/_doc"),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request and what the node answered. `fields`: of each index those that its mapping had then, where the request writes."""

    who: str
    request: tuple[str, str, Any]
    fields: Mapping[str, list[str]]
    status: int
    text: str


Keep = Callable[[SecurityConfig, EngineFacts, Sent], None]


def play(on: OnNode, start: int, count: int, tally: Counts, keep: Keep | None = None) -> None:
    """So many requests, of configs from this seed on. `keep`: is given each with its answer."""
    asked, number = 0, start
    while asked < count:
        if number == start or number % _CONFIGS == 0:
            stand(on, number)
        asked += of_config(on, number, range(min(AT_ONCE, count - asked)), tally, keep)
        number += 1


def stand(on: OnNode, number: int) -> None:
    """The world in which the config of this seed is asked."""
    on.build(_case(number // _CONFIGS * _CONFIGS)[0]["world"])


def of_config(on: OnNode, number: int, which: Collection[int], tally: Counts, keep: Keep | None = None) -> int:
    """Those requests of the config of this seed, by their places from 0; how many were asked: none, if the API does not take it."""
    one, rng = _case(number)
    on.leave_out(one["world"]["do_not_fail_on_forbidden"])
    try:
        held = on.hold(one)
    except RuntimeError:
        return 0
    facts = on.facts()
    compiled = Compiled(held, facts)
    for place in range(max(which) + 1):
        who, drawn = rng.choice(PEOPLE)["name"], a_request(rng)
        if place not in which:
            continue
        request = on.ready(who, drawn)
        for what, more in _one(on, held, facts, compiled, who, request, tally, keep):
            with_dfm = " --dfm yes" if on.free_wins else ""
            tally.found.append(Found(f"--again {number}.{place}{with_dfm}: {who} {request} {what}", more))
            break
    return len(which)


def _case(number: int) -> tuple[Case, random.Random]:
    """The config of a seed in its world, and what draws its requests."""
    one, rng = case(number, datetime.now(UTC)), random.Random(f"on node {number}")
    _widen(one, rng)
    return one, rng


def _widen(one: Case, rng: random.Random) -> None:
    """Most of these configs refuse most: here more is permitted, so that more is seen, too."""
    for role in one["security"]["roles"].values():
        if rng.random() < 0.6:
            role["cluster_permissions"] = ["*"]
            for entry in role["index_permissions"]:
                entry["allowed_actions"] = [rng.choice(("*", "crud", "read", "indices:*"))]
    mappings = one["security"]["rolesmapping"]
    for role in one["security"]["roles"]:
        if rng.random() < 0.4:
            mappings[role] = {"users": ["*"]}


def _one(
    on: OnNode,
    held: SecurityConfig,
    facts: EngineFacts,
    compiled: Compiled,
    who: str,
    request: tuple[str, str, Any],
    tally: Counts,
    keep: Keep | None,
) -> Iterator[tuple[str, bool]]:
    method, path, body = request
    fields = on.fields() if method in ("POST", "PUT") else {}  # as they are before a document brings some
    got = on.ask(who, method, path, body)
    in_steps = any(one in path for one in _IN_STEPS)  # of which some may be done before one is refused
    changes = method in _CHANGES or any(one in path for one in _CHANGES)
    # An index may be made before the document is refused.
    if in_steps or (changes and (got.status_code < 300 or replace(on.facts(), now=facts.now) != facts)):
        on.mend(facts, path)
    # What the engine cannot work out for somebody it refuses with a 500 that says so; what a part is refused for, in an answer of its own.
    text = got.text if method != "HEAD" or got.status_code != 500 else on.ask(who, "GET", path, None).text
    sent = Sent(who, request, fields, got.status_code, text)
    if keep is not None:
        keep(held, facts, sent)
    yield from differing(sent, held, facts, compiled, tally)


def differing(
    sent: Sent, held: SecurityConfig, facts: EngineFacts, compiled: Compiled, tally: Counts
) -> Iterator[tuple[str, bool]]:
    """What was answered otherwise than we say, of a request to a node that holds this. Each with whether more was shown or let in."""
    method, path, body = sent.request
    tally.cases += 1
    world: dict[str, Any] = {
        "indices": list(facts.indices),
        "aliases": {
            alias: {one: json.loads(facts.filters.get(alias, {}).get(one, "null")) for one in of}
            for alias, of in facts.aliases.items()
        },
        "streams": {k: list(v) for k, v in facts.streams.items()},
        "hidden": list(facts.hidden),
        "closed": list(facts.closed),
        "release": facts.release.value,
        "dfm_empty_overrides_all": facts.dfm_empty_overrides_all,
        "do_not_fail_on_forbidden": facts.do_not_fail_on_forbidden,
        "fields": sent.fields,
    }
    if facts.now is not None:
        world["now"] = facts.now.isoformat()
    security = {kind.value: dict(held.of(kind)) for kind in Kind if kind in held.documents}
    principal: dict[str, Any] = {"name": sent.who, "hosts": ["127.0.0.1"]}
    ours = answer(
        {
            "security": security,
            "principal": principal,
            "request": {"method": method, "path": path, "body": body},
            "world": world,
        }
    )
    status, text = sent.status, sent.text
    said = text[:300]
    # Said before anybody is asked for their permissions.
    if status == 400 and ("invalid_index_name" in text or "action_request_validation" in text):
        return
    if path.startswith("_reindex") and "no write index is defined" in text:
        return
    if ours["allowed"] is None or (ours["unknown"] and not ours["items"]):
        tally.unknown += 1
        return
    broken = status == 500 and _REFUSED.search(text) is not None
    refused = status == 403 or broken
    refused |= not ours["items"] and "no permissions for [" in text
    tally.refused += refused
    errors = [one["error"] for one in ours["needs"] if one["error"]]
    if ours["allowed"] is refused and not (ours["allowed"] and errors):
        yield (
            f"{status} {said}, we say {ours['allowed']} {[one['reasons'] for one in ours['needs'] if not one['allowed']]}",
            not refused,
        )
        return
    if refused or not ours["allowed"]:
        return
    if ours["items"]:
        yield from _items(path, status, text, ours)
        return
    searched = [need for need in needs(method, path, body) if need.action == "indices:data/read/search"]
    if not path.partition("?")[0].endswith(("_search", "_search/template")) or method == "HEAD":
        return
    if errors:
        if status == 200:
            yield f"200, we say {errors}", True
        return
    if status != 200:
        if not any("ends in an error" in one for one in ours["notes"]):
            yield f"{status} {said}, we say it is answered", False
        return
    (need,) = searched
    caller = user(held, sent.who)
    known = Caller(caller.name, caller.backend_roles, caller.attributes, ("127.0.0.1",))
    decision = compiled.decide(known, need.action, need.indices, need.options)
    views = {view.index: view for view in decision.views if view.allowed}
    tally.limited += any(view.documents is not None or not view.fields.everything for view in views.values())
    if "size=100" not in path and '"size": 100' not in json.dumps(body):
        return  # not all that there is may be shown
    if any("opened by an alias" in one for one in ours["notes"]):
        return
    yield from _hits(json.loads(text)["hits"]["hits"], views, older=facts.release is Release.V2)


def _items(path: str, status: int, text: str, ours: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    told = json.loads(text)
    if status in (400, 404) and "security_exception" not in text:
        return  # of a closed index, an alias of several or a data stream all of it may fail
    if status != 200:
        yield f"{status} {text[:300]}, we say it is answered", False
        return
    items = (
        [next(iter(one.values())) for one in told["items"]]
        if path == "_bulk"
        else told["responses" if path.startswith("_msearch") else "docs"]
    )
    for at, one in enumerate(items):
        permitted = ours["items"][str(at)]
        done, refused = "error" not in one, "security_exception" in json.dumps(one.get("error", ""))
        if (permitted is True and refused) or (permitted is False and done):
            yield f"item {at}: {json.dumps(one)[:300]}, we say {permitted}", done


def _hits(hits: list[dict[str, Any]], views: Mapping[str, View], *, older: bool) -> Iterator[tuple[str, bool]]:
    """A document is known by its id; where rules or masks hide the ids of an index, by what is to be shown of it."""
    found: dict[str, list[tuple[str | None, dict[str, Any]]]] = {}
    for hit in hits:
        found.setdefault(hit["_index"], []).append((hit.get("_id"), dict(_leaves(hit.get("_source") or {}))))
    for index, view in views.items():
        if view.unknown:
            continue
        shown = found.get(index, [])
        meant = {
            number: dict(_leaves(document))
            for number, document in DOCUMENTS.items()
            if _finds(view.documents, document) and _finds(view.alias_filters or None, document)
        }
        if len({one for one, _ in shown} & {*DOCUMENTS}) == len(shown):
            differs = _by_id({str(one): of for one, of in shown}, meant, view, older=older)
        else:
            differs = _by_content([of for _, of in shown], list(meant.values()), view, older=older)
        if differs:
            what, more = differs
            yield f"{index}/{what}", more
            return
    for index in found:
        if index not in views:
            yield f"{index} shown, we say nothing of it", True
            return


def _finds(queries: Sequence[str] | None, document: Mapping[str, Any]) -> bool:
    return queries is None or any(passes(json.loads(query), dict(_leaves(document))) for query in queries)


def _by_id(
    shown: Mapping[str, dict[str, Any]], meant: Mapping[str, dict[str, Any]], view: View, *, older: bool
) -> tuple[str, bool] | None:
    for number in sorted({*shown, *meant}):
        if number not in shown or number not in meant:
            there = number in shown
            return f"{number} {'shown' if there else 'not shown'}, we say {view.written}", there
        if differs := _differs(shown[number], meant[number], view, older=older):
            return f"{number} {differs[0]}", differs[1]
    return None


def _by_content(
    shown: list[dict[str, Any]], meant: list[dict[str, Any]], view: View, *, older: bool
) -> tuple[str, bool] | None:
    """As many as are meant, each of them in one of its shapes."""
    if len(shown) != len(meant):
        return f"{len(shown)} shown without their ids, we say {len(meant)}", len(shown) > len(meant)
    for order in itertools.permutations(meant):
        if not any(_differs(there, one, view, older=older) for there, one in zip(shown, order, strict=True)):
            return None
    first = next(filter(None, (_differs(*pair, view, older=older) for pair in zip(shown, meant, strict=True))))
    return f"(no id) {first[0]}", first[1]


def _differs(
    there: Mapping[str, Any], leaves: Mapping[str, Any], view: View, *, older: bool
) -> tuple[str, bool] | None:
    """What of a document is shown otherwise than we say."""
    for name, value in leaves.items():
        if (name in there) is not view.fields.shows(tuple(name.split(".")), older=older):
            return f"{name} {'shown' if name in there else 'hidden'}, we say {view.fields}", name in there
        masks = view.masks_of(name)
        if name in there and isinstance(value, str) and (there[name] != value) is not _changed(masks, value):
            return f"{name} is {there[name]}, we say masked by {masks}", there[name] == value
        if name in there and not isinstance(value, str) and there[name] != value:
            return f"{name} is {there[name]}, and of another document", True
    if others := there.keys() - leaves.keys():
        return f"{', '.join(sorted(others))} shown, which the document does not have", True
    return None


def _changed(masks: Sequence[str], value: str) -> bool:
    """Whether masks change a text: one that replaces a part leaves a text without it as it is."""
    parts = [mask.split("::") for mask in masks]
    return any(len(part) < 3 or re.search(part[1].strip("/"), value) is not None for part in parts)


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        elif name != "@timestamp":
            yield f"{above}{name}", value


def passes(query: Mapping[str, Any], leaves: Mapping[str, Any]) -> bool:
    """The filters of `cases`, without an engine."""
    ((kind, body),) = query.items()
    if kind == "match_all":
        return True
    if kind == "match_none":
        return False
    ((name, wanted),) = body.items()
    return bool(leaves.get(name) in wanted if kind == "terms" else leaves.get(name) == wanted)
