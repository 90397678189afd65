"""Given two real clusters, then `can`, `who-can` and `matrix` say of each person what a search of theirs is answered: in both models, with
the documents and fields that both sides leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from portcullis.access.questions.answers import Matrix, WhoCan, Why
from portcullis.entry.verbs import VERBS
from portcullis.entry.verbs.asking import request_of
from portcullis.families.elasticsearch.documents.baseline import DOCUMENTS as ROLES
from portcullis.families.elasticsearch.documents.baseline import LOCK_ROLE, SECURITY_ROLE
from portcullis.operations.access.asking import questions
from portcullis.operations.access.asking.across import reaching
from portcullis.operations.access.asking.scene import live

from benchmarks.reaching.cases import DOCUMENTS
from local.elastic.pair import ALIAS, Pair
from local.processes import LOOPBACK
from tests.fixtures_pair import RELEASE
from tests.operations.clusters import PASSWORD
from tests.operations.orders import CAUSE
from tests.operations.pairs import automation, made
from tests.operations.remotes.test_explaining_on_elastic import ORDERS, Both
from tests.operations.seen import fits, shows

pytestmark = pytest.mark.node

OLD = "cert"  # the same cluster by certificate
RED, ONE = {"term": {"team": "red"}}, {"term": {"level": 1}}
FIELDS = ("team", "level", "secret", "o.x", "o.y")
KEY = {
    "search": [
        {"names": ["logs-*"], "query": RED, "field_security": {"grant": ["*"], "except": ["secret"]}},
        {"names": ["metrics-*", "metricbeat-*"]},
    ]
}


def on(names: list[str], **more: Any) -> dict[str, Any]:
    return {"names": names, "privileges": ["read"], **more}


HERE = {
    "log_reader": {"remote_indices": [on(["logs-*", "hr"], clusters=[ALIAS])]},
    "narrow": {
        "remote_indices": [
            on(["logs-*"], clusters=["*"], query=ONE, field_security={"grant": ["team", "secret", "o.*"]})
        ]
    },
    "own": {"indices": [on(["own-*"])], "remote_indices": [on(["*"], clusters=["d*"])]},
    "auditor": {"indices": [on(["own-*"])]},
}
THERE = {
    "auditor": {"indices": [on(["logs-*"], query=ONE, field_security={"grant": ["team", "o.x"]}), on(["hr"])]},
    "log_reader": {"indices": [on(["metrics-*"])]},
}
PEOPLE = {
    "anna": ["log_reader"],
    "ben": [],
    "nora": ["narrow"],
    "otto": ["own"],
    "ada": ["auditor"],
    "both": ["narrow", "auditor", "log_reader"],
    "boss": ["superuser"],
    "mona": ["monitoring_user"],  # a role of the engine's own that reaches other clusters
}
ASKED = (
    *("{}:logs-1", "{}:logs-*", "{}:metrics-1", "{}:hr", "{}:none-1", "{}:*", "{}:*,-{}:metrics-1", "{}:logs-1,{}:hr"),
    *("own-1,{}:logs-1", "own-*,{}:logs-*", "{}:hidden*", "{}:_all", "{}:metricbeat-1"),
)
MIXED = (
    *("*:logs-1", "d*:logs-1", "c*:logs-*", "zz*:logs-1", "zz:logs-1", f"{ALIAS}:logs-1,{OLD}:logs-1"),
    *(f"{ALIAS}:*,{OLD}:*,-{ALIAS}:*", f"{ALIAS}:logs-1,-{OLD}:*", f"-{ALIAS}:*", f"{ALIAS}:logs-*,-{OLD}:logs-1"),
)


@pytest.fixture(scope="module")
def asked(pair: Pair) -> Iterator[Both]:
    local, remote = pair.local, pair.remote
    for name, role in HERE.items():
        assert local.ask("PUT", f"/_security/role/{name}", role)[0] == 200
    for name, role in THERE.items():
        assert remote.ask("PUT", f"/_security/role/{name}", role)[0] == 200
    for name, roles in PEOPLE.items():
        assert local.ask("PUT", f"/_security/user/{name}", {"password": PASSWORD, "roles": roles})[0] == 200
    assert local.ask("PUT", "/own-1/_doc/1?refresh=true", {"team": "red"})[0] in (200, 201)
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        world = made(pair, boto3.client("secretsmanager", region_name="eu-central-1"))
        remote.ask("DELETE", "/logs-1")
        for index in ("logs-1", "hr", "metricbeat-1"):
            for id_, document in DOCUMENTS.items():
                assert remote.ask("PUT", f"/{index}/_doc/{id_}?refresh=true", document)[0] in (200, 201)
        both = Both(world)
        text = ORDERS.replace("9.5.3", RELEASE).replace(
            "remotes:\n", f"remotes:\n  {OLD}: {{deployment: logs, model: certificate}}\n"
        )
        both.keep("orders", text)
        key = world.rotate()
        world.keys.change(key, KEY)
        settings: dict[str, Any] = {
            f"cluster.remote.{OLD}.mode": "proxy",
            f"cluster.remote.{OLD}.proxy_address": f"{LOOPBACK}:{remote.transport_port}",
        }
        assert local.ask("PUT", "/_cluster/settings", {"persistent": settings})[0] == 200
        # not with the mode: 8.19 forgets it then
        skip = {f"cluster.remote.{one}.skip_unavailable": False for one in (OLD, ALIAS)}
        for value in (True, False):
            set_ = dict.fromkeys(skip, value)
            assert local.ask("PUT", "/_cluster/settings", {"persistent": set_})[0] == 200
        try:
            yield both
        finally:
            gone = dict.fromkeys([*settings, f"cluster.remote.{OLD}.skip_unavailable"])
            local.ask("PUT", "/_cluster/settings", {"persistent": gone})
            world.keys.end(world.ours())
            # Other tests have the same pair, and documents of their own on it.
            for node, index in ((remote, "logs-1"), (remote, "hr"), (remote, "metricbeat-1"), (local, "own-1")):
                node.ask("DELETE", f"/{index}")
            for name in THERE:
                remote.ask("DELETE", f"/_security/role/{name}")
            for name in PEOPLE:
                local.ask("DELETE", f"/_security/user/{name}")


def asks(both: Both, verb: str, **arguments: Any) -> Any:
    return VERBS[verb].run(both.services, "orders", CAUSE, **arguments)


def searched(both: Both, person: str, names: str) -> tuple[bool, dict[str, dict[str, Any]]]:
    """Whether a search of theirs is answered, and what of it: index -> id -> document."""
    path = f"/{names}/_search?size=100"
    status, answer = both.world.pair.local.ask("GET", path, user=person, password=PASSWORD)
    assert status in (200, 401, 403, 404), answer
    if status != 200:
        return status == 404 and answer["error"]["type"] == "index_not_found_exception", {}
    assert answer.get("_clusters", {}).get("skipped", 0) == 0
    found: dict[str, dict[str, Any]] = {}
    for hit in answer["hits"]["hits"]:
        found.setdefault(hit["_index"], {})[hit["_id"]] = hit["_source"]
    return True, found


def fields_of(document: dict[str, Any]) -> set[str]:
    return {
        f"{name}.{inner}" if inner else name
        for name, value in document.items()
        for inner in (value if isinstance(value, dict) else [""])
    }


PATHS = [path.format(alias, alias) if "{}" in path else path for alias in (ALIAS, OLD) for path in ASKED] + [*MIXED]


@pytest.mark.parametrize("person", sorted(PEOPLE))
def test_can_says_what_a_search_of_theirs_is_answered(asked: Both, person: str) -> None:
    """Of each request whether it is answered; of what is seen, each document and field."""
    wrong: list[Any] = []
    known = 0
    here = reaching(asked.services, live(asked.services.site("orders")), ["*:x"])  # read once, as the verb reads it
    for names in PATHS:
        told: Why = questions.why(here, person, request_of("GET", f"{names}/_search"))
        allowed, found = searched(asked, person, names)
        known += told.allowed is not None
        if told.allowed is None:
            continue
        if told.allowed is not allowed:
            wrong.append((names, told.answer, allowed))
            continue
        seen = {one.index: one for one in told.seen if one.allowed}
        for index, documents in found.items():
            one = seen.get(index)
            if one is None:
                wrong.append((names, index, "is seen"))
                continue
            if index.endswith((":logs-1", ":hr")):
                ids = {
                    id_ for id_, of in DOCUMENTS.items() if not one.documents or any(map(fitting(of), one.documents))
                }
                fields = {field for field in FIELDS if shows(one, field)}
                if ids != documents.keys() or any(fields_of(of) != fields for of in documents.values()):
                    wrong.append((names, index, one, documents))
    assert wrong == []
    assert known > len(PATHS) * 3 // 4


@pytest.mark.parametrize("person", sorted(PEOPLE))
def test_can_says_which_fields_and_names_they_are_told_of(asked: Both, person: str) -> None:
    """Of `_field_caps` and `_resolve/index`, in which a remote that refuses is left out: whether it is answered, and of which indices."""
    wrong: list[Any] = []
    known = 0
    here = reaching(asked.services, live(asked.services.site("orders")), ["*:x"])
    ways = [f"{names}/_field_caps?fields=*" for names in PATHS] + [f"_resolve/index/{names}" for names in PATHS]
    for path in ways:
        told: Why = questions.why(here, person, request_of("GET", path))
        status, answer = asked.world.pair.local.ask("GET", f"/{path}", user=person, password=PASSWORD)
        known += told.allowed is not None
        if told.allowed is None:
            continue
        theirs = {one if isinstance(one, str) else one["name"] for one in answer.get("indices", ())}
        answered = status == 200 or (status == 404 and answer["error"]["type"] == "index_not_found_exception")
        said = {one.index for one in told.seen if one.allowed} if told.allowed else set[str]()
        there = {
            one for one in said if one.rpartition(":")[2] in ("logs-1", "hr", "metrics-1", "metricbeat-1", "own-1")
        }
        if (answered, theirs - {".security-7"}) != (told.allowed, there):
            wrong.append((path, status, sorted(theirs), told.answer, sorted(said)))
    assert wrong == []
    assert known > len(ways) * 3 // 4


@pytest.mark.parametrize("person", sorted(PEOPLE))
def test_can_says_which_terms_and_clusters_they_are_told_of(asked: Both, person: str) -> None:
    """Of `_terms_enum` and `_resolve/cluster`: whether it is answered, of how many indices terms are, and whether any matches."""
    wrong: list[Any] = []
    here = reaching(asked.services, live(asked.services.site("orders")), ["*:x"])
    known = 0
    for names in (f"{alias}:{index}" for alias in (ALIAS, OLD) for index in ("logs-1", "hr", "none-1", "logs-*")):
        for method, path, body in (
            ("POST", f"{names}/_terms_enum", {"field": "team.keyword"}),
            ("GET", f"_resolve/cluster/{names}", None),
        ):
            told: Why = questions.why(here, person, request_of(method, path))
            status, answer = asked.world.pair.local.ask(method, f"/{path}", body, user=person, password=PASSWORD)
            known += told.allowed is not None
            if told.allowed is None:
                continue
            seen = [one.index for one in told.seen if one.allowed] if told.allowed else []
            there = [one for one in seen if one.rpartition(":")[2] in ("logs-1", "hr")]
            if body is None:
                matching = any(one.get("matching_indices") for one in answer.values()) if status == 200 else False
                same = matching is bool(there)
            else:  # an index of which a role limits documents tells of no term
                same = status != 200 or answer["_shards"]["total"] == len(there)
            if (status == 200) is not told.allowed or not same:
                wrong.append((path, status, str(answer)[:300], told.answer, seen))
    assert wrong == []
    assert known > 12


def fitting(document: dict[str, Any]) -> Any:
    import json

    return lambda query: fits(document, json.loads(query))


@pytest.mark.parametrize("alias", [ALIAS, OLD])
def test_who_can_and_the_matrix_are_what_each_of_them_is_answered(asked: Both, alias: str) -> None:
    names = [f"{alias}:{index}" for index in ("logs-1", "metrics-1", "hr", "metricbeat-1")]
    matrix: Matrix = asks(asked, "matrix", indices=names)
    assert matrix.indices == tuple(names)
    cells = {row.name: row.cells for row in matrix.people}
    for place, name in enumerate(names):
        who: WhoCan = asks(asked, "who-can", does="read", index=name)
        able = {one.name: one.limited for one in who.people if one.allowed}
        # of the engine's own roles, which those of Kibana have, it is not known what they give
        assert {one.name for one in who.people if one.allowed is None} <= {"kibana", "kibana_system"}
        for person in PEOPLE:
            _, found = searched(asked, person, name)
            assert (person in able) is bool(found), (person, name)
            assert cells.get(person, ("-",) * len(names))[place] == (
                "part" if able.get(person) else "read" if found else "-"
            )
    every: WhoCan = asks(asked, "who-can", does="read", index=f"{alias}:*")
    assert {*names} <= {*every.indices}
    assert {one.name for one in every.people if one.allowed} & PEOPLE.keys() == cells.keys() & PEOPLE.keys()


def test_nobody_writes_on_another_cluster_or_fetches_by_id(asked: Both) -> None:
    """With all privileges on both sides, and as a super user: neither model sends it."""
    local, remote = asked.world.pair.local, asked.world.pair.remote
    everything = {"names": ["*"], "privileges": ["all"]}
    role = {"indices": [everything], "remote_indices": [{**everything, "clusters": ["*"]}]}
    assert local.ask("PUT", "/_security/role/writer", role)[0] == 200
    assert remote.ask("PUT", "/_security/role/writer", {"indices": [everything]})[0] == 200
    assert local.ask("PUT", "/_security/user/wanda", {"password": PASSWORD, "roles": ["writer"]})[0] == 200
    try:
        for person in ("wanda", "boss"):
            for alias in (ALIAS, OLD):
                for method, path, body in (
                    ("PUT", "logs-1/_doc/9", {"team": "red"}),
                    ("POST", "logs-1/_doc", {"team": "red"}),
                    ("PUT", "logs-1/_create/9", {"team": "red"}),
                    ("POST", "logs-1/_update/a", {"doc": {"team": "blue"}}),
                    ("DELETE", "logs-1/_doc/a", None),
                    ("PUT", "new-1", None),
                    ("DELETE", "logs-1", None),
                    ("GET", "logs-1/_doc/a", None),
                    ("GET", "logs-1/_source/a", None),
                    ("GET", "logs-1/_explain/a", {"query": {"match_all": {}}}),
                    ("GET", "logs-1/_termvectors/a", None),
                    ("GET", "logs-1/_mapping", None),
                ):
                    status, _ = local.ask(method, f"/{alias}:{path}", body, user=person, password=PASSWORD)
                    told = asks(asked, "can", person=person, does=method, what=f"{alias}:{path}")
                    assert (status, told.allowed) == (400, False), (person, alias, path)
                assert asks(asked, "can", person=person, does="write", what=f"{alias}:logs-1").allowed is False
        assert remote.ask("GET", "/logs-1/_count")[1]["count"] == len(DOCUMENTS)
    finally:
        local.ask("DELETE", "/_security/user/wanda")
        for node in (local, remote):
            node.ask("DELETE", "/_security/role/writer")


def test_what_ended_and_may_be_skipped_is_a_no_however_it_is_answered(asked: Both) -> None:
    """Last, as it ends the key: with skip_unavailable the search is a 200 without its part, and says nobody refused."""
    world = asked.world
    local = world.pair.local
    set_ = {f"cluster.remote.{ALIAS}.skip_unavailable": True}
    world.keys.end(world.ours())
    for skip in (False, True):
        set_ = {f"cluster.remote.{ALIAS}.skip_unavailable": skip}
        assert local.ask("PUT", "/_cluster/settings", {"persistent": set_})[0] == 200
        told: Why = asks(asked, "why", person="boss", index=f"{ALIAS}:logs-1")
        status, answer = local.ask("GET", f"/{ALIAS}:logs-1/_search", user="boss", password=PASSWORD)
        assert (told.allowed, "revoked" in told.answer) == (False, True), told.answer
        assert status == (200 if skip else 401)
        assert bool(answer.get("_clusters", {}).get("skipped")) is skip
        assert ("skip_unavailable: true" in {one.rule for one in told.reasons}) is skip
        who: WhoCan = asks(asked, "who-can", does="read", index=f"{ALIAS}:logs-1")
        assert who.people == ()
    assert (
        local.ask(
            "PUT", "/_cluster/settings", {"persistent": {**set_, f"cluster.remote.{ALIAS}.skip_unavailable": False}}
        )[0]
        == 200
    )


def test_what_the_automation_may_not_look_at_is_unknown(asked: Both) -> None:
    """Without the right to ask through the alias, and with the other cluster no deployment of this account."""
    pair = asked.world.pair
    before = dict(asked.to)
    asked.ledger.unregister("logs")
    asked.to["orders"] = automation(pair.local, {name: ROLES[name] for name in (SECURITY_ROLE, LOCK_ROLE)})
    try:
        told: Why = asks(asked, "why", person="boss", index=f"{OLD}:logs-1")
        assert told.allowed is None, told.answer
        assert any("no deployment of this account" in one for one in told.unknown)
        by_key: Why = asks(asked, "why", person="boss", index=f"{ALIAS}:logs-1")
        assert (by_key.allowed, asks(asked, "why", person="ada", index=f"{ALIAS}:logs-1").allowed) == (None, False)
        assert any("as agreed in remotes.dc2.allows" in one.rule for one in by_key.reasons)
    finally:
        asked.to.update(before)
