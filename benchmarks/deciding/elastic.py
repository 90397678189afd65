"""What people may do on an Elasticsearch, asked of the real one and of our answer: random roles, users and requests, from a seed.

The fixture is made once a node; a case is one user with some random roles, and one request. Compared are whether the engine refuses (403),
and of a search which documents and which fields it shows. A request that we leave open counts as no difference.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from portcullis.access.questions.answers import Decided, Request, Seen, There
from portcullis.access.terms import Caller
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.families.elasticsearch.answering import ELASTICSEARCH
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.known.names import matches_any
from portcullis.operations.access.asking.scene import filters_on

from benchmarks.deciding.counted import Counts, Found
from local.elastic.node import Elasticsearch

Json = dict[str, Any]
USERS = tuple(f"asked{n}" for n in range(8))
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of a node that is gone with the test
_INDICES = ("logs-1", "logs-2", "logs-archive", "metrics-1", "pay-1")
_HIDDEN = ".hid-1"
ALIASES: dict[str, tuple[str, ...]] = {"al-logs": ("logs-1",), "al-multi": ("logs-1", "metrics-1")}
_OF_RED = {"term": {"team.keyword": "red"}}
FILTERED: dict[str, dict[str, Json]] = {"al-reds": dict.fromkeys(("logs-1", "logs-2"), _OF_RED)}
STREAM = "ds-app"
DOCUMENTS: dict[str, Json] = {
    "1": {"team": "red", "level": 1, "secret": "s"},
    "2": {"team": "blue", "level": 2, "secret": "s"},
}
_NAMES = (
    *("logs-*", "logs-1", "logs-2", "*", "metrics-1", "al-*", "al-logs", "al-multi", "ds-app", ".ds-*", "l?gs-1"),
    *("pay-*", "/logs-[0-9]/", ".hid-*", "nothing-*", "logs-archive", "_all", "al-reds"),
)
_PRIVILEGES = (
    *("read", "read", "read", "view_index_metadata", "write", "create", "index", "all", "monitor", "delete", "manage"),
    *("indices:data/read/search", "indices:data/read/get*", "none"),
)
_QUERIES: tuple[Json | None, ...] = (
    *(None, None, None),
    {"term": {"team": "red"}},
    {"term": {"level": 2}},
    {"match_none": {}},
)
_FIELDS: tuple[Json | None, ...] = (
    *(None, None, None),
    {"grant": ["team", "level"]},
    {"grant": ["*"], "except": ["secret"]},
    {"grant": ["secret"]},
)
_PATHS = (
    *("logs-1", "logs-2", "logs-archive", "metrics-1", "pay-1", "al-logs", "al-multi", "ds-app", ".hid-1", "absent"),
    *("logs-*", "*", "_all", "al-*", "logs-1,logs-2", "logs-1,metrics-1", "logs-*,-logs-2", "logs-1,pay-1", "l*,m*"),
    *("nothing-*", ".hid-*", "logs-1,_all", "al-logs,logs-1", "al-reds", "al-r*", "al-reds,logs-2", "al-reds,al-logs"),
)
_REQUESTS = (
    *(("GET", "_search?size=1000"),) * 5,
    *(("GET", "_count"), ("GET", "_mapping"), ("GET", "_settings"), ("GET", "_stats"), ("POST", "_refresh")),
    *(
        ("GET", "_doc/1"),
        ("PUT", "_doc/1?if_seq_no=999999&if_primary_term=99"),
        ("DELETE", "_doc/none"),
        ("GET", "_alias"),
    ),
)
_CLUSTER = (("GET", "_cluster/health"), ("GET", "_security/role"), ("GET", "_security/_authenticate"))


class Asked:
    """One node with the fixture on it, and eight users who are given other roles again and again. `streams`: a data stream as well, which
    the packages of these releases have no call to take away again."""

    def __init__(self, node: Elasticsearch, *, streams: bool = False) -> None:
        self.node = node
        self.engine = ElasticsearchEngine(lambda m, p, q, b: node.ask(m, _with(p, q), b), "asked")
        self.release = self.engine.release
        for name in (*_INDICES, *([_HIDDEN] if self.release.has_hidden_indices else [])):
            settings = {"settings": {"index": {"hidden": True}}} if name == _HIDDEN else None
            self.done("PUT", f"/{name}", settings)
            for one, document in DOCUMENTS.items():
                self.done("PUT", f"/{name}/_doc/{one}?refresh=true", document)
        actions: list[Json] = [
            {"add": {"index": index, "alias": alias}} for alias, of in ALIASES.items() for index in of
        ]
        actions += [
            {"add": {"index": index, "alias": alias, "filter": rule}}
            for alias, of in FILTERED.items()
            for index, rule in of.items()
        ]
        self.done("POST", "/_aliases", {"actions": actions})
        if streams and self.release.major >= 8:  # the packages of 7.17 have none
            self.done(
                "PUT",
                "/_index_template/ds",
                {"index_patterns": ["ds-*"], "data_stream": {}, "template": {"settings": {"number_of_replicas": 0}}},
            )
            for one, document in DOCUMENTS.items():
                stamped = {**document, "@timestamp": "2026-01-01T00:00:00Z"}
                status, said = node.ask("PUT", f"/{STREAM}/_create/{one}?refresh=true", stamped)
                if status not in (201, 409):  # there already, of an earlier fixture
                    raise RuntimeError(f"{STREAM}: {status} {said}")
        for user in USERS:
            self.done("PUT", f"/_security/user/{user}", {"password": PASSWORD, "roles": []})
        names = self.engine.names()
        self.there = There(
            names.indices,
            f"elasticsearch-{self.release}",
            True,
            names.aliases,
            names.streams,
            names.hidden,
            names.closed,
            self.engine.dialect,
            filters=filters_on(self.engine, names),
        )

    def done(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self.node.ask(method, path, body)
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {status} {said}")
        return said

    def end(self) -> None:
        self.node.ask("DELETE", f"/{','.join((*_INDICES, _HIDDEN))}?ignore_unavailable=true")

    def give(self, draw: random.Random) -> SecurityConfig:
        """Each user some new roles; what the engine then holds, as it shows it."""
        roles = {f"asked-{user}-{n}": self.role(draw) for user in USERS for n in range(draw.randint(1, 3))}
        if self.release.has_bulk_roles:
            said = self.done("POST", "/_security/role", {"roles": roles})
            if said.get("errors"):
                raise RuntimeError(str(said["errors"]))
        else:
            for name, role in roles.items():
                self.done("PUT", f"/_security/role/{name}", role)
        for user in USERS:
            mine = [name for name in roles if name.startswith(f"asked-{user}-")]
            mine += draw.choice([[], [], [], ["viewer"], ["superuser"], ["asked-absent"]])
            self.done("PUT", f"/_security/user/{user}", self.document(user, mine))
        return self.engine.read([Kind.ROLES, Kind.USERS, Kind.MAPPINGS])

    def document(self, user: str, roles: list[str]) -> Json:
        """A user's, with these roles."""
        return {"roles": roles}

    def role(self, draw: random.Random) -> Json:
        entries = []
        for _ in range(draw.randint(1, 2)):
            entry: Json = {
                "names": draw.sample(_NAMES, draw.choice((1, 1, 2))),
                "privileges": list(dict.fromkeys(draw.sample(_PRIVILEGES, draw.choice((1, 1, 2))))),
            }
            if query := draw.choice(_QUERIES):
                entry["query"] = json.dumps(query)
            if fields := draw.choice(_FIELDS):
                entry["field_security"] = fields
            entries.append(entry)
        return {"cluster": draw.choice(([], [], ["monitor"], ["manage_security"])), "indices": entries}

    def answered(self, user: str, method: str, path: str) -> tuple[int, Any]:
        body = {"n": 1} if method == "PUT" else None
        return self.node.ask(method, f"/{path}", body, user=user, password=PASSWORD)


def _with(path: str, params: Any) -> str:
    more = "&".join(f"{key}={value}" for key, value in (params or {}).items())
    return f"{path}?{more}" if more else path


Keep = Callable[[SecurityConfig, str, tuple[str, str], int, Any], None]


def play(
    asked: Asked, cases: int, counts: Counts, *, seed: int = 0, at_once: int = 160, keep: Keep | None = None
) -> None:
    """So many cases, `at_once` of them with the same roles. `keep`: is given each with its answer."""
    for number in range((cases + at_once - 1) // at_once):
        draw = random.Random(f"{seed} {number}")
        held = asked.give(draw)
        for _ in range(min(at_once, cases - number * at_once)):
            user = draw.choice(USERS)
            method, path = _request(draw)
            told = ELASTICSEARCH.answer(held, Caller(user), Request(method, f"/{path}"), asked.there)
            status, said = asked.answered(user, method, path)
            if keep is not None:
                keep(held, user, (method, path), status, said)
            compare(counts, told, status, said, f"seed {seed}.{number}: {user} {method} {path}", held, user)


def _request(draw: random.Random) -> tuple[str, str]:
    if draw.random() < 0.05:
        return draw.choice(_CLUSTER)
    method, what = draw.choice(_REQUESTS)
    one = draw.choice(_PATHS)
    if "_doc" in what:
        # Of an index that is not there an old release says 404 to whoever may delete something elsewhere.
        there = [
            name for name in _PATHS if "*" not in name and "," not in name and name not in ("_all", "absent", _HIDDEN)
        ]
        one = draw.choice(there)
        if method != "GET" and one in ("al-multi", "ds-app"):
            one = "logs-1"  # neither takes a document by its id, or gives one up
    return method, f"{one}/{what}"


def compare(counts: Counts, told: Decided, status: int, said: Any, what: str, held: SecurityConfig, user: str) -> None:
    counts.cases += 1
    counts.refused += status == 403
    if told.allowed is None:
        counts.unknown += 1
        return
    if status == 400 and "no write index is defined" in json.dumps(said):
        return  # said before anybody is asked for their permissions
    roles = held.of(Kind.USERS)[user]["roles"]
    mine = {name: held.of(Kind.ROLES).get(name, {}).get("indices") for name in roles}
    if told.allowed != (status != 403):
        counts.found.append(Found(f"{what}: {status}, we say {told.allowed}; {json.dumps(mine)}", status != 403))
        return
    if status != 200 or "_search" not in what:
        return
    hits = (one for one in said["hits"]["hits"] if not one["_index"].startswith(".security"))
    shown = {(one["_index"], one["_id"]): set(one["_source"]) - {"@timestamp"} for one in hits}
    counts.limited += any(one.limited for one in told.seen)
    for document, sees, more in _differing(told, shown):
        text = f"{what}: {document} is {'shown' if more else 'not shown'}, we say {sees}; {json.dumps(mine)}"
        counts.found.append(Found(text, more))
        return


def _differing(told: Decided, shown: dict[tuple[str, str], set[str]]) -> Iterator[tuple[str, str, bool]]:
    seen = {one.index: one for one in told.seen if one.allowed}
    for index, one in shown:
        if index not in seen:
            yield f"{index}/{one}", "nothing of it", True
    for index, of in seen.items():
        for one, document in DOCUMENTS.items():
            fits = all(
                any(passes(json.loads(query), document) for query in some)
                for some in (of.documents, of.alias_filters)
                if some
            )
            if fits and (index, one) not in shown and _open(of):
                continue
            if fits != ((index, one) in shown):
                yield f"{index}/{one}", of.part or "all", not fits
            elif fits and not any(" " in word for word in of.fields_only):
                fields = {
                    name
                    for name in document
                    if (not of.fields_only or matches_any(of.fields_only, name))
                    and not matches_any(of.fields_hidden, name)
                }
                if fields != shown[index, one]:
                    yield (
                        f"{index}/{one}: {sorted(shown[index, one])}",
                        of.part or "all",
                        bool(shown[index, one] - fields),
                    )


def _open(seen: Seen) -> bool:
    """Whether less may be seen than it says: the filter of an alias finds nothing in a field that is hidden."""
    return bool(seen.alias_filters and (seen.fields_only or seen.fields_hidden))


def passes(query: Json, document: Json) -> bool:
    match query:
        case {"term": {"team.keyword": team}}:
            return bool(document["team"] == team)
        case {"match_none": _}:
            return False
        case {"terms": terms}:
            return all(document[name] in values for name, values in terms.items())
        case {"term": term}:
            return all(str(document[name]) == str(value) for name, value in term.items())
    raise ValueError(query)
