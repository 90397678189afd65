"""`portcullis decide` beside a real Elasticsearch, wider than `elastic`: bodies, items, aliases, options, closed indices, statuses.

Roles and users are those of `elastic`. A case is one request, with its body where it has one, put to `decide` as a file would be and to the
node as its user. Compared are the status, each item's, and of a search the documents and fields. What we leave open counts as no
difference.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig

from benchmarks.deciding.as_whom import MAKES_KEYS, TEMPLATES, AsWhom, of_user
from benchmarks.deciding.counted import Counts, Found
from benchmarks.deciding.elastic import ALIASES, DOCUMENTS, FILTERED, STREAM, USERS, Asked, passes
from local.elastic.node import Elasticsearch

Json = dict[str, Any]
_SHUT, _MADE = "shut-1", "made-1"
_FILTERED = "al-red"
_ONE = ("logs-1", "logs-2", "logs-archive", "metrics-1", "pay-1", "al-logs", "al-multi", "ds-app", ".hid-1", "absent")
_ANY = (*_ONE, _SHUT, _FILTERED, "<logs-1>")
_SEVERAL = (
    *("logs-1", "logs-2", "metrics-1", "pay-1", "al-logs", "al-multi", "ds-app", ".hid-1", "absent", _SHUT, _FILTERED),
    *("logs-*", "*", "_all", "al-*", "logs-1,logs-2", "logs-1,metrics-1", "logs-*,-logs-2", "logs-1,pay-1", "l*,m*"),
    *(
        "nothing-*",
        ".hid-*",
        "logs-1,_all",
        "al-logs,logs-1",
        "-*",
        "-logs-1,logs-*",
        "*,-*",
        "shut-*",
        "*,-al-*",
        "al-red,al-logs",
    ),
    *("absent,logs-1", "ds-*", ".ds-*", "logs-1,-logs-1", "absent-*,logs-1"),
)
_OPTIONS = (
    *("",) * 6,
    *("expand_wildcards=all", "expand_wildcards=none", "expand_wildcards=closed", "expand_wildcards=open,hidden"),
    *("ignore_unavailable=true", "allow_no_indices=false", "ignore_unavailable=true&allow_no_indices=false"),
)
_OF_PAY: Json = {"index": "pay-1", "id": "1", "path": "team"}
_LIKE: Json = {"more_like_this": {"fields": ["team"], "like": [{"_index": "pay-1", "_id": "1"}], "min_doc_freq": 1}}
_READS = (
    "_search",
    "_search",
    "_search",
    "_count",
    "_field_caps?fields=*",
    "_mapping",
    "_settings",
    "_stats",
    "_refresh",
    "_alias",
)
_MORE = (
    *("_search_shards", "_validate/query", "_segments", "_recovery", "_flush", "_cache/clear", "_analyze"),
    *("_mapping/field/team", "_settings/index.number_of_shards"),
)
# What a search looks up or tells besides; all documents are found all the same.
_LOOKS: tuple[Json, ...] = (
    {"query": {"bool": {"must": [{"match_all": {}}], "should": [{"terms": {"team": _OF_PAY}}]}}},
    {"query": {"bool": {"must": [{"match_all": {}}], "should": [_LIKE]}}},
    {"query": {"match_all": {}}, "profile": True},
    {"query": {"match_all": {}}, "suggest": {"one": {"text": "re", "term": {"field": "team"}}}},
)
# Nothing of access: a document that is not there for them, or not there at all.
_NOT_FOUND = ("'found': False", "Document not found", "'matched': False", "document_missing_exception", "not_found'")
_OF_CLUSTER: tuple[tuple[str, str, Any], ...] = (
    ("GET", "_cluster/health", None),
    ("GET", "_cluster/state", None),
    ("GET", "_cluster/settings", None),
    ("GET", "_nodes/stats", None),
    ("GET", "_cat/indices", None),
    ("GET", "_cat/indices/logs-*", None),
    ("GET", "_cat/aliases", None),
    ("GET", "_cat/count", None),
    ("GET", "_cat/health", None),
    ("GET", "_security/role", None),
    ("GET", "_security/user", None),
    ("GET", "_security/_authenticate", None),
    ("GET", "_security/role_mapping", None),
    ("GET", "_security/privilege", None),
    ("GET", "_security/api_key", None),
    (
        "POST",
        "_security/user/_has_privileges",
        {"cluster": ["monitor"], "index": [{"names": ["logs-1"], "privileges": ["read"]}]},
    ),
    (
        "POST",
        "_security/user/_has_privileges",
        {"application": [{"application": "app", "privileges": ["read"], "resources": ["*"]}]},
    ),
    ("GET", "_security/user/asked0/_has_privileges", {"cluster": ["monitor"]}),
    ("GET", "_alias", None),
    ("GET", "_alias/al-logs", None),
    ("GET", "_mapping", None),
    ("GET", "_search?size=2000", None),
    ("GET", "_count", None),
    ("GET", "_template", None),
    ("GET", "_tasks", None),
)


class Wider(Asked):
    """The fixture of `elastic` with a closed index and an alias that filters. `streams`: as there; no data stream is taken away again."""

    def __init__(self, node: Elasticsearch, *, streams: bool = False) -> None:
        super().__init__(node, streams=streams)
        self.done("PUT", f"/_security/role/{MAKES_KEYS}", {"cluster": ["cluster:admin/xpack/security/api_key/create"]})
        self.done("PUT", f"/{_SHUT}/_doc/1?refresh=true", DOCUMENTS["1"])
        self.name_again()
        self.done("POST", f"/{_SHUT}/_close")
        self.world = self._world()
        known = {one["name"] for one in self.world["indices"]} | set(self.world["data_streams"])
        self.absent = [one for one in (_MADE, "absent", ".hid-1", STREAM) if one not in known]

    def name_again(self) -> None:
        """The aliases, where a request took one away."""
        rule = {"term": {"team.keyword": "red"}}
        actions: list[Json] = [
            {"add": {"index": index, "alias": alias}} for alias, of in ALIASES.items() for index in of
        ]
        actions.append({"add": {"index": "logs-1", "alias": _FILTERED, "filter": rule}})
        self.done("POST", "/_aliases", {"actions": actions})

    def _world(self) -> Json:
        held = self.engine.names()
        indices = [{"name": one, "hidden": one in held.hidden, "closed": one == _SHUT} for one in (held.indices or ())]
        aliases: Json = {name: list(of) for name, of in (held.aliases or ALIASES).items()} | FILTERED
        aliases[_FILTERED] = {"logs-1": {"term": {"team.keyword": "red"}}}
        streams = {name: list(of) for name, of in held.streams.items()}
        return {"indices": indices, "aliases": aliases, "data_streams": streams}

    def role(self, draw: random.Random) -> Json:
        """One that may act as others, and whose filters may be templates."""
        found = super().role(draw)
        if run_as := draw.choice(([], [], ["asked1"], ["asked*"], ["/asked[0-3]/"])):
            found["run_as"] = run_as
        for entry in found["indices"]:
            if self.release.major < 7 and draw.random() < 0.2:
                entry["query"] = json.dumps({"template": {"source": draw.choice(TEMPLATES)}})
        return found

    def document(self, user: str, roles: list[str]) -> Json:
        return {"roles": [*roles, MAKES_KEYS], **of_user(user)}

    def end(self) -> None:
        super().end()
        self.node.ask("DELETE", f"/{_SHUT}")


Keep = Callable[[Json, int, Any], None]


def play(
    asked: Wider, cases: int, counts: Counts, *, seed: int = 0, at_once: int = 160, keep: Keep | None = None
) -> None:
    """So many cases, `at_once` of them with the same roles. `keep`: is given each question with its answer."""
    for number in range((cases + at_once - 1) // at_once):
        draw = random.Random(f"wider {seed} {number}")
        held = asked.give(draw)
        security = {
            "roles": dict(held.of(Kind.ROLES)),
            "users": {name: dict(held.of(Kind.USERS)[name]) for name in USERS},
        }
        as_whom = AsWhom(asked, draw)
        for _ in range(min(at_once, cases - number * at_once)):
            user = draw.choice(USERS)
            principal, signed = as_whom.chosen(user)
            method, path, body = _request(draw, asked.release.major)
            question = {
                "engine": f"elasticsearch-{asked.release}",
                "security": security,
                "principal": principal,
                "request": {"method": method, "path": f"/{path}", "body": body},
                "world": asked.world,
            }
            status, said = asked.node.ask(method, f"/{path}", body, **signed)
            if method not in ("GET", "HEAD") and any(one in f"{path} {body}" for one in asked.absent):
                asked.node.ask("DELETE", f"/{','.join(asked.absent)}?ignore_unavailable=true")
            if method == "DELETE" and "/_alias/" in path and status == 200:
                asked.name_again()
            told = answer_question(question)
            if keep is not None:
                keep(question, status, said)
            what = f"seed {seed}.{number}: {json.dumps(principal)} {method} /{path} {json.dumps(body) if body is not None else ''}"
            _compare(counts, told, status, said, what, held, principal.get("run_as") or user, path)


def _request(draw: random.Random, major: int) -> tuple[str, str, Any]:
    kind = draw.random()
    if kind < 0.1:
        one = draw.choice(_OF_CLUSTER)
        return _OF_CLUSTER[0] if major < 7 and one[1] == "_security/api_key" else one  # 6.8 wants to know whose
    if kind < 0.35:
        return _of_items(draw, major)
    if kind < 0.45:
        return _of_aliases(draw)
    if kind < 0.65:
        return _of_one(draw, major)
    what = draw.choice(_READS if draw.random() < 0.7 else _MORE)
    method = "POST" if what in ("_refresh", "_flush", "_cache/clear") else "GET"
    body: Any = {"text": "x"} if what == "_analyze" else None
    options = (
        draw.choice(_OPTIONS if major >= 7 else _OPTIONS[:-4] + _OPTIONS[-3:])
        if what not in ("_analyze", "_mapping/field/team")
        else ""
    )
    names = draw.choice(_ONE if what == "_analyze" else _SEVERAL)
    if what.startswith("_search") and what != "_search_shards":
        options = f"size=2000{'&' if options else ''}{options}"
        if draw.random() < 0.08 and major < 7:  # the packages of the other releases have no templates
            what, body, options = "_search/template", {"source": {"query": {"match_all": {}}, "size": 2000}}, ""
        elif draw.random() < 0.25:
            body = draw.choice(({"query": {"match_all": {}}}, *_looks(major)))
    if major < 8 and what in ("_search", "_count") and draw.random() < 0.1:
        what = f"_doc/{what}"  # of a type
    joined = f"{names}/{what}{'&' if '?' in what else '?'}{options}" if options else f"{names}/{what}"
    return method, joined, body


def _looks(major: int) -> list[Json]:
    """6.8 wants the type of what is looked up."""
    typed = (
        json.dumps(_LOOKS).replace('"id": "1"', '"type": "_doc", "id": "1"').replace('"_id"', '"_type": "_doc", "_id"')
    )
    found: list[Json] = json.loads(typed if major < 7 else json.dumps(_LOOKS))
    return found


def _of_one(draw: random.Random, major: int) -> tuple[str, str, Any]:
    one = draw.choice(_ANY if draw.random() < 0.5 else _ONE)
    update = f"{one}/_doc/1/_update" if major < 7 else f"{one}/_update/1"
    create = f"{one}/_doc/1/_create" if major < 7 else f"{one}/_create/1"
    return draw.choice(
        (
            ("GET", f"{one}/_doc/1", None),
            ("HEAD", f"{one}/_doc/1", None),
            ("GET", f"{one}/_source/1" if major >= 7 else f"{one}/_doc/1/_source", None),
            ("POST", f"{one}/_explain/1" if major >= 7 else f"{one}/_doc/1/_explain", {"query": {"match_all": {}}}),
            ("PUT", f"{one}/_doc/1?if_seq_no=999999&if_primary_term=99", DOCUMENTS["1"]),
            ("PUT", create, DOCUMENTS["1"]),
            ("POST", update, {"doc": {"team": "red"}}),
            ("DELETE", f"{one}/_doc/none", None),
            ("PUT", _MADE, None),
            ("GET", one, None),
            ("HEAD", one, None),
            # The packages of the other releases have no call for it.
            ("POST", f"{one}/_{draw.choice(('delete', 'update'))}_by_query", {"query": {"match_none": {}}})
            if major < 7
            else ("GET", f"{one}/_search?size=2000", None),
        )
    )


def _of_aliases(draw: random.Random) -> tuple[str, str, Any]:
    name, index = draw.choice(("al-logs", "al-multi", "al-new", "al-*", "absent", _FILTERED)), draw.choice(_SEVERAL)
    if draw.random() < 0.5:
        return "GET", f"{index}/_alias/{name}", None
    if draw.random() < 0.4:
        return "GET", f"_alias/{name}", None
    # Of an index and an alias that already belong together, so that nothing changes.
    same = draw.choice((("logs-1", "al-logs"), ("metrics-1", "al-multi")))
    if draw.random() < 0.3:  # put back by the fixture
        return "DELETE", f"{same[0]}/_alias/{same[1]}", None
    if draw.random() < 0.5:
        return "PUT", f"{same[0]}/_alias/{same[1]}", None
    return "POST", "_aliases", {"actions": [{"add": {"index": same[0], "alias": same[1]}}]}


def _of_items(draw: random.Random, major: int) -> tuple[str, str, Any]:
    kind = draw.choice(("_bulk", "_mget", "_msearch"))
    outer = f"{draw.choice(_ONE)}/" if draw.random() < 0.2 else ""
    if kind == "_mget":
        docs = [{"_index": draw.choice(_ANY), "_id": "1"} for _ in range(draw.randint(1, 3))]
        return "POST", f"{outer}_mget", {"docs": docs}
    lines: list[Json] = []
    for _ in range(draw.randint(1, 3)):
        if kind == "_msearch":
            head: Json = {"index": draw.choice(_SEVERAL).split(",")}
            if draw.random() < 0.2:
                head["ignore_unavailable"] = True
            more = draw.choice(_looks(major)) if draw.random() < 0.3 else {"query": {"match_all": {}}}
            lines += [head, {**more, "size": 2000}]
        else:
            verb = draw.choice(("index", "create", "update", "delete"))
            where = {
                "_index": draw.choice([one for one in _ANY if one != "absent"]),
                "_id": "none" if verb == "delete" else "1",
            }
            lines.append({verb: where | ({"_type": "_doc"} if major < 7 else {})})
            if verb != "delete":
                lines.append({"doc": {"team": "red"}} if verb == "update" else DOCUMENTS["1"])
    return "POST", f"{outer}{kind}", "".join(f"{json.dumps(line)}\n" for line in lines)


def _compare(
    counts: Counts, told: Json, status: int, said: Any, what: str, held: SecurityConfig, user: str, path: str
) -> None:
    counts.cases += 1
    counts.refused += status == 403
    if told["allowed"] is None or (told["status"] is None and "items" not in told):
        counts.unknown += 1
        return
    counts.limited += any(_limits(one) for one in told["views"].values())
    for text, more in differing(told, status, said, path):
        roles = held.of(Kind.USERS)[user]["roles"]
        mine = {name: held.of(Kind.ROLES).get(name, {}).get("indices") for name in roles}
        counts.found.append(Found(f"{what}: {text}; {json.dumps(mine)}", more))
        return


def differing(told: Json, status: int, said: Any, path: str) -> Iterator[tuple[str, bool]]:
    ours = told["status"]
    if ours is not None and status != ours and _like(status, said) != _like(ours, None):
        yield f"{status} {str(said)[:200]}, we say {ours} {told['reasons']}", status < 400 <= ours
        return
    if status != 200 or not isinstance(said, dict):
        return
    if "items" in told:
        yield from _of_each(told["items"], said)
    elif "_search" in path and "hits" in said:
        yield from _shown(told["views"], said["hits"]["hits"])


def _like(status: int, said: Any) -> int:
    """What is permitted and comes to nothing as the document is there already, or is not, is as if it had been done."""
    result = str(said.get("result", "")) if isinstance(said, dict) else ""
    nothing = status == 404 and any(word in str(said) for word in _NOT_FOUND)
    nothing = nothing or (status == 404 and said in ({}, "")) or result == "not_found"
    # It would be written if it had the field that data streams want.
    unfit = status == 400 and "data stream timestamp field" in str(said)
    return 200 if status in (201, 409) or nothing or unfit else status


def _of_each(items: list[Json], said: Json) -> Iterator[tuple[str, bool]]:
    if "responses" in said:
        theirs = [(one.get("status", 200), one) for one in said["responses"]]
    elif "docs" in said:
        theirs = [(_of_error(one), one) for one in said["docs"]]
    else:
        theirs = [((inner := next(iter(one.values())))["status"], inner) for one in said.get("items", ())]
    for ours, (status, one) in zip(items, theirs, strict=True):
        if ours["allowed"] is None or ours["status"] is None:
            continue
        if status != ours["status"] and _like(status, one) != _like(ours["status"], None):
            yield (
                f"{ours['item']}: {status} {str(one)[:200]}, we say {ours['status']} {ours['reasons']}",
                status < 400 <= ours["status"],
            )
            return


def _limits(view: Json) -> bool:
    within = view.get("within")
    return view["documents"] != "all" or view["fields"] != "all" or (within is not None and _limits(within))


def _of_error(one: Json) -> int:
    if "error" not in one:
        return 200
    kind = one["error"].get("type", "")
    return {"security_exception": 403, "index_not_found_exception": 404}.get(kind, 400)


def _shown(views: Json, hits: list[Json]) -> Iterator[tuple[str, bool]]:
    seen = {
        (one["_index"], one["_id"]): set(one.get("_source", {})) - {"@timestamp"}
        for one in hits
        if not one["_index"].startswith(".security")
    }
    for index, _ in seen:
        if index not in views:
            yield f"{index} shown, we say nothing of it", True
            return
    for index, view in views.items():
        for one, document in DOCUMENTS.items():
            queries = [view["documents"], view["alias_filters"], view.get("within", {}).get("documents")]
            lets = all(
                not of or of == "all" or any(passes(json.loads(query), document) for query in of) for of in queries
            )
            if lets != ((index, one) in seen):
                yield f"{index}/{one} {'not ' if lets else ''}shown, we say {view}", not lets
                return
