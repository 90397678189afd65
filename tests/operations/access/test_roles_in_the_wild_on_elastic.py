"""Given roles as public configurations have them, on a real cluster, then `matrix`, `can` and `who-can` say of each person what the engine
says to them. The roles are made up after those of other people's files and of Elastic's documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from portcullis.access.questions.answers import Matrix, WhoCan, Why
from portcullis.entry.verbs import VERBS
from portcullis.operations.access.deployments import introduce

from local.elastic.node import Elasticsearch
from tests.fixtures_elastic import RELEASES, make_new
from tests.operations.clusters import ACTORS, PASSWORD, connected, registered, release_of, with_users
from tests.operations.orders import CAUSE
from tests.operations.seen import fits, shows
from tests.operations.worlds import ELASTICSEARCH_9, Account, account

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("shared_elastic", RELEASES[:1], indirect=True, scope="session"),
]

GIVEN = json.loads(Path(__file__).with_name("roles_in_the_wild.json").read_text())
TEXT = """\
deployment: demo
engine: elasticsearch-RELEASE
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
access: {roles: {}}
"""
# id -> a document of every index; an object is put with its names as a path, so that a grant of `customer.*` has something to show
DOCUMENTS: dict[str, dict[str, Any]] = {
    "1": {
        "region": "eu",
        "level": 1,
        "category": "click",
        "message": "a",
        "total": 3,
        "department_id": 12,
        "card": "x",
    },
    "2": {"region": "us", "level": 2, "category": "view", "message": "b", "total": 4, "department_id": 13, "card": "y"},
    "3": {
        "region": "eu",
        "level": 3,
        "category": "click",
        "message": "c",
        "total": 5,
        "department_id": 13,
        "card": "z",
    },
}
OBJECTS = {
    "customer": {"handle": "h", "name": "n"},
    "internal": {"note": "i"},
    "phone": {"encrypted": "e", "kind": "k"},
}
FIELDS = (*DOCUMENTS["1"], "customer.handle", "customer.name", "internal.note", "phone.encrypted", "phone.kind")
_R, _W = "indices:data/read/", "indices:data/write/"
READS = [f"{_R}search", f"{_R}get", f"{_R}explain", f"{_R}tv"]
# what is sent, with `{}` for the index: method, path, body
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "{}/_search", None),
    ("GET", "{}/_doc/1", None),
    ("GET", "{}/_mapping", None),
    ("GET", "{}/_stats", None),
    ("POST", "{}/_refresh", None),
    ("PUT", "{}/_doc/new", {"level": 9}),
    ("DELETE", "{}/_doc/none", None),
    ("POST", "{}/_update/new", {"doc": {"level": 8}}),
)
ASKED_FOR = ("orders-2025", "payroll-2026", "filebeat-8", "eu-orders")
NAMES = (
    *(
        "logs-*",
        "*",
        "all-logs",
        "eu-orders",
        "everything",
        "everything,-payroll-*",
        "orders-*,-orders-2025",
        "logs-app-202?",
    ),
    *(
        "orders-2025,orders-2026",
        "*,-.*",
        ".*",
        "_all",
        "none-1",
        "customers,products",
        "o*,p*",
        "logs-*,none-1",
        "ev*",
        ".lists*",
    ),
)

World = tuple[Elasticsearch, Account, dict[str, list[str]]]  # and person -> roles


@pytest.fixture(scope="module")
def here(shared_elastic: Elasticsearch) -> Iterator[World]:
    node, major = shared_elastic, int(shared_elastic.version.split(".")[0])
    make_new(node)
    _without(node)
    with_users(node, *ACTORS)
    people: dict[str, list[str]] = {}
    for role, document in GIVEN["roles"].items():
        told = {key: value for key, value in document.items() if key != "since"}
        if document.get("since", 6) <= major:
            status, said = node.ask("PUT", f"/_security/role/{quote(role, safe='')}", told)
            assert status == 200, (role, said)
            people[f"has-{role}"] = [role]
    people |= GIVEN["also"]
    for who, roles in people.items():
        status, said = node.ask("PUT", f"/_security/user/{quote(who, safe='')}", {"password": PASSWORD, "roles": roles})
        assert status == 200, (who, said)
    for index in GIVEN["indices"]:
        path = "/" + quote(index, safe="")
        keywords = {name: {"type": "keyword"} for name in ("region", "category", "message", "card")}
        mapping: Any = {"properties": keywords}
        settings = {"index.hidden": True} if index.startswith(".hidden") and major > 7 else {}
        body = {
            "mappings": mapping if major > 6 else {"_doc": mapping},
            "settings": {"number_of_replicas": 0, **settings},
        }
        status, said = node.ask("PUT", path, body)
        assert status == 200, (index, said)
        for id_, document in DOCUMENTS.items():
            assert node.ask("PUT", f"{path}/_doc/{id_}", {**document, **OBJECTS})[0] == 201
    actions = [{"add": {"index": one, "alias": alias}} for alias, of in GIVEN["aliases"].items() for one in of]
    assert node.ask("POST", "/_aliases", {"actions": actions})[0] == 200
    assert node.ask("POST", "/_refresh")[0] == 200
    assert node.ask("POST", "/closed-1/_close")[0] == 200
    made = account(make=ELASTICSEARCH_9)
    master, automation = connected(node), connected(node, "portcullis")
    services = replace(made.services, engine=lambda _: automation, master=lambda _: master)
    made = replace(made, services=services)
    introduce(made.services.at(registered(node)), TEXT.replace("RELEASE", release_of(node)), CAUSE)
    yield node, made, people
    make_new(node)
    _without(node)


def _without(node: Elasticsearch) -> None:
    """Also those whose names begin with a dot, which `make_new` leaves alone."""
    for index in GIVEN["indices"]:
        assert node.ask("DELETE", "/" + quote(index, safe=""))[0] in (200, 404)


def asks(made: Account, verb: str, **arguments: Any) -> Any:
    return VERBS[verb].run(made.services, "demo", CAUSE, **arguments)


def can(made: Account, who: str, method: str, what: str) -> Why:
    found: Why = asks(made, "can", person=f"internal_user:{who}", does=method, what=what)
    return found


def by_the_engine(node: Elasticsearch, who: str, index: str) -> tuple[bool, bool]:
    """Whether the engine says to them that they may read it, and write it: any of the ways in which that is done."""
    writes = [f"{_W}bulk", f"{_W}index", f"{_W}index:op_type/create", f"{_W}index:op_type/index", f"{_W}delete"]
    body = {"index": [{"names": [index], "privileges": [*READS, *writes, "create_doc"]}]}
    status, said = node.ask("POST", "/_security/user/_has_privileges", body, user=who, password=PASSWORD)
    assert status == 200, said
    has = said["index"][index]
    index_it = has[f"{_W}index"] and (has[f"{_W}index:op_type/create"] or has[f"{_W}index:op_type/index"])
    return any(has[one] for one in READS), has["create_doc"] or (has[f"{_W}bulk"] and (index_it or has[f"{_W}delete"]))


def seen_by(node: Elasticsearch, who: str, names: str) -> dict[str, dict[str, frozenset[str]]] | None:
    """index -> id -> the fields that a search shows; None: it is refused."""
    status, said = node.ask("GET", f"/{quote(names, safe=',*')}/_search?size=1000", user=who, password=PASSWORD)
    if status != 200:
        return None
    found: dict[str, dict[str, frozenset[str]]] = {}
    for hit in said["hits"]["hits"]:
        fields = (
            {
                name if not isinstance(value, dict) else f"{name}.{inner}"
                for inner in (value if isinstance(value, dict) else ("",))
            }
            for name, value in hit["_source"].items()
        )
        found.setdefault(hit["_index"], {})[hit["_id"]] = frozenset(one for some in fields for one in some)
    return found


def said_of(found: Why) -> dict[str, dict[str, frozenset[str]]] | None:
    """As `seen_by`, without the indices of which nobody here can tell."""
    if not found.allowed or found.ends:
        return None
    told = {}
    for one in found.seen:
        queries = [json.loads(query) for query in one.documents]
        ids = [id_ for id_, of in DOCUMENTS.items() if not queries or any(found_by(of, query) for query in queries)]
        if one.allowed and ids:
            told[one.index] = dict.fromkeys(ids, frozenset(name for name in FIELDS if shows(one, name)))
    return told


def found_by(document: dict[str, Any], query: Any) -> bool:
    """With `match`, which of a keyword or a number is `term`."""
    return fits(document, json.loads(json.dumps(query).replace('"match":', '"term":')))


def test_each_cell_of_the_matrix_is_what_the_engine_says(here: World) -> None:
    node, made, people = here
    found: Matrix = asks(made, "matrix", indices=[], people=[])
    rows = {row.name: row.cells for row in found.people}
    wrong, unknown = [], 0
    for who in people:
        for index, cell in zip(found.indices, rows.get(who, ("-",) * len(found.indices)), strict=True):
            unknown += "?" in cell
            ours = "read" in cell or "part" in cell, "write" in cell
            if "?" not in cell and ours != (theirs := by_the_engine(node, who, index)):
                wrong.append((who, index, cell, theirs))
    assert wrong == []
    assert unknown < len(people)


def test_a_search_by_a_person_shows_what_can_says(here: World) -> None:
    node, made, people = here
    wrong, unknown = [], 0
    for who in people:
        for names in NAMES:
            found = can(made, who, "GET", f"{names}/_search")
            open_ = {one.index for one in found.seen if one.allowed is None}
            ours, theirs = said_of(found), seen_by(node, who, names)
            theirs = theirs and {index: of for index, of in theirs.items() if index not in open_}
            unknown += found.allowed is None
            if found.allowed is not None and ours != theirs:
                wrong.append((who, names, ours, theirs))
    assert wrong == []
    assert unknown < len(people)


def test_each_request_is_let_through_or_refused_as_can_says(here: World) -> None:
    node, made, people = here
    wrong, unknown = [], 0
    for who in people:
        for index in ASKED_FOR:
            for method, path, body in REQUESTS:
                what = path.format(index)
                found = can(made, who, method, what)
                status, said = node.ask(method, f"/{what}", body, user=who, password=PASSWORD)
                refused = status == 403 or "security_exception" in str(said)  # an update under limits is a 400
                unknown += found.allowed is None
                if found.allowed is refused:
                    wrong.append((who, method, what, found.answer, status, said))
    assert wrong == []
    assert unknown < len(people)


def test_who_can_names_those_whom_the_matrix_shows(here: World) -> None:
    _, made, _ = here
    table: Matrix = asks(made, "matrix", indices=[], people=[])
    for does, words in (("read", {"read", "part"}), ("write", {"write"})):
        for place, index in enumerate(table.indices):
            found: WhoCan = asks(made, "who-can", does=does, index=index)
            shown = {row.name for row in table.people if words & {*row.cells[place].split()}}
            assert {one.name for one in found.people if one.allowed} == shown, (does, index)


def test_where_the_engine_keeps_who_has_access_is_not_said_to_be_missing(here: World) -> None:
    """Nobody lists these indices: for somebody whose role is on restricted ones a search is no 404, and a wildcard may reach them."""
    node, made, _ = here
    for names in (".security-7", ".sec*"):
        status, said = node.ask("GET", f"/{names}/_search", user="has-reaches_restricted", password=PASSWORD)
        assert (status, {hit["_index"] for hit in said["hits"]["hits"]}) == (200, {".security-7"})
        found = can(made, "has-reaches_restricted", "GET", f"{names}/_search")
        assert (found.allowed, found.ends) == (True, "")
        assert ".security-7" in {one.index for one in found.seen}
    assert any("keeps who has access" in line for line in found.unknown)
    assert can(made, "has-saved_objects", "GET", ".sec*/_search").unknown == ()
