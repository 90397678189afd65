"""The flights of both tutorials on real Elasticsearch clusters: documents and fields are kept from one group, and its members are native
users, or people of a realm that reads Cognito's tokens. Elasticsearch has no masks: the destination is left out, as the number is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.entry.verbs import VERBS
from portcullis.operations.access.deployments import introduce

from local.elastic.distribution import major
from local.elastic.node import Elasticsearch
from tests.fixtures_elastic import FEW_ROUNDS, RELEASES, make_new
from tests.operations.clusters import (
    ACTORS,
    AUTOMATION,
    CANARY,
    PASSWORD,
    connected,
    registered,
    release_of,
    with_users,
)
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account
from tests.tokens import KEY_FILE, Issuer
from tests.tutorials.flights import COUNT, DELAYED, FLIGHTS, INDEX, MAPPINGS
from tests.tutorials.stage import CAUSE

pytestmark = pytest.mark.node

Ask = Callable[..., tuple[int, Any]]  # method, path, body -> status, decoded body
MASTERS, LIMITED = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("master-user-group", "limited-user-group"))
MASTER_USER, LIMITED_USER = "master-user", "limited-user"
REALM = "cognito1"
HIDDEN = ("FlightNum", "Dest")
EVERYTHING: dict[str, Any] = {"match_all": {}}
TEXT = """\
deployment: flights
engine: elasticsearch-{release}
cluster: {{endpoint: "search.example.internal:443", user: portcullis, credential: flights/elasticsearch, licence: trial}}
key: {{arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}}
identity: {{cognito: {{groups: {{master-user-group: {{}}, limited-user-group: {{}}}}}}}}
people: {people}
access:
  roles:
    new-role:
      indices:
        - names: ["kibana_sample_data_fli*"]
          privileges: [read]
          query: '{{"match": {{"FlightDelay": true}}}}'
          field_security: {{grant: ["*"], except: [FlightNum, Dest]}}
  grants:
    - {{role: superuser, to: {{cognito_group: master-user-group}}}}
    - {{role: new-role, to: {{cognito_group: limited-user-group}}}}
"""
NATIVE, BY_NAME, BY_GROUP = "native_users: {}", f"realm: {{name: {REALM}}}", f"realm: {{name: {REALM}, by: groups}}"
TOKENS = [one for one in RELEASES if major(one) >= 8][:1]  # the realm is there from 8.2 on; one release is enough


@dataclass(frozen=True)
class Cast:
    made: Account
    node: Elasticsearch
    people: str
    issuer: Issuer

    def as_(self, user: str, *groups: Subject, **claims: Any) -> Ask:
        """Requests of this user, with a token that names these groups where people come with one."""
        if self.people == NATIVE:
            return lambda method, path, body=None: self.node.ask(method, path, body, user=user, password=PASSWORD)
        token = self.issuer.authorization(user, [one.name for one in groups], **claims)
        return lambda method, path, body=None: self.node.ask(method, path, body, authorization=token)

    @property
    def limited(self) -> Ask:
        return self.as_(LIMITED_USER, LIMITED)

    @property
    def master(self) -> Ask:
        return self.as_(MASTER_USER, MASTERS)

    def members(self, group: Subject, *names: str) -> None:
        """The group has these members from now on, and Portcullis has heard of it."""
        self.made.people.groups = {**self.made.people.groups, group: tuple(f"Cognito/{POOL}/{one}" for one in names)}
        VERBS["synchronise"].run(self.made.services, "flights", CAUSE)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(POOL)


@pytest.fixture(scope="module", params=TOKENS)
def with_realm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, jar_cache: Path, issuer: Issuer
) -> Iterator[Elasticsearch]:
    """A node that lets in people with a token of the pool, too."""
    settings, files = {**FEW_ROUNDS, **issuer.realm(REALM)}, {KEY_FILE: issuer.keys}
    home = tmp_path_factory.mktemp("with-realm-")
    with Elasticsearch.start(home, jar_cache, request.param, settings=settings, files=files, tell=print) as node:
        yield node


def played(node: Elasticsearch, people: str, issuer: Issuer) -> Cast:
    """The flights, the people, and a deployment file that says what each group sees of them."""
    make_new(node)
    with_users(node, *ACTORS, MASTER_USER, LIMITED_USER, "stranger")
    add_flights(node)
    made = account(make=ELASTICSEARCH_9)
    master, automation, canary = connected(node), connected(node, AUTOMATION), connected(node, CANARY)
    services = replace(made.services, engine=lambda _: automation, master=lambda _: master, canary=lambda _: canary)
    cast = Cast(replace(made, services=services), node, people, issuer)
    made.people.groups = {
        group: (f"Cognito/{POOL}/{name}",) for group, name in ((MASTERS, MASTER_USER), (LIMITED, LIMITED_USER))
    }
    text = TEXT.format(release=release_of(node), people=f"{{{people}}}")
    introduce(services.at(registered(node, "flights")), text, CAUSE)
    return cast


def add_flights(node: Elasticsearch) -> None:
    """The index and its documents. 6.8 names a type with each."""
    old = major(node.version) == 6
    settings = {"number_of_replicas": 0}
    path = f"/{INDEX}" + ("?include_type_name=false" if old else "")
    assert node.ask("PUT", path, {"mappings": MAPPINGS, "settings": settings})[0] == 200
    kind = {"_type": "_doc"} if old else {}
    lines = [line for number, one in enumerate(FLIGHTS) for line in ({"index": {"_id": str(number), **kind}}, one)]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    status, said = node.ask("POST", f"/{INDEX}/_bulk?refresh=true", body)
    assert (status, said["errors"]) == (200, False)


@pytest.fixture
def native(elastic: Elasticsearch, issuer: Issuer) -> Cast:
    return played(elastic, NATIVE, issuer)


@pytest.fixture(params=[BY_NAME, BY_GROUP], ids=["by user name", "by group"])
def of_a_realm(request: pytest.FixtureRequest, with_realm: Elasticsearch, issuer: Issuer) -> Cast:
    return played(with_realm, request.param, issuer)


def ok(answer: tuple[int, Any]) -> Any:
    status, body = answer
    assert status == 200, body
    return body


def found(ask: Ask, **body: Any) -> list[dict[str, Any]]:
    return [hit["_source"] for hit in ok(ask("POST", f"/{INDEX}/_search", {"size": COUNT, **body}))["hits"]["hits"]]


def count(ask: Ask, query: dict[str, Any]) -> int:
    return int(ok(ask("POST", f"/{INDEX}/_count", {"query": query}))["count"])


def terms(ask: Ask, field: str) -> Counter[str]:
    """Documents by the value of a field, as an aggregation counts them."""
    body = {"size": 0, "aggs": {"values": {"terms": {"field": field, "size": COUNT}}}}
    buckets = ok(ask("POST", f"/{INDEX}/_search", body))["aggregations"]["values"]["buckets"]
    return Counter({str(bucket.get("key_as_string", bucket["key"])): bucket["doc_count"] for bucket in buckets})


def without_hidden(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in HIDDEN}


def sees_delayed_flights_alone(cast: Cast) -> None:
    """What the last steps of both tutorials look at, and the ways round them."""
    limited, master = cast.limited, cast.master
    by_time = {one["timestamp"]: without_hidden(one) for one in DELAYED}
    assert {one["timestamp"]: one for one in found(limited)} == by_time
    assert {one["FlightNum"]: one for one in found(master)} == {one["FlightNum"]: one for one in FLIGHTS}
    assert (count(limited, EVERYTHING), count(master, EVERYTHING)) == (len(DELAYED), COUNT)
    assert terms(limited, "FlightDelay") == {"true": len(DELAYED)}
    assert terms(limited, "Carrier") == Counter(one["Carrier"] for one in DELAYED)
    for field in HIDDEN:
        assert terms(limited, field) == Counter()
        assert terms(master, field)
    everywhere = ok(limited("POST", "/_search", {"size": 0}))["hits"]["total"]
    assert (everywhere if isinstance(everywhere, int) else everywhere["value"]) == len(DELAYED), "and of nothing else"


HIDDEN_QUERIES: list[dict[str, Any]] = [
    {"exists": {"field": "FlightNum"}},
    {"term": {"FlightNum": DELAYED[0]["FlightNum"]}},
    {"wildcard": {"Dest": "*"}},
    {"term": {"FlightDelay": False}},
    {"bool": {"must_not": {"term": {"FlightDelay": True}}}},
    {"ids": {"values": ["1"]}},
]


def cannot_ask_for_the_rest(cast: Cast) -> None:
    limited, master = cast.limited, cast.master
    for query in HIDDEN_QUERIES:
        assert (query, count(limited, query)) == (query, 0)
        assert count(master, query) > 0
    late = ok(limited("GET", f"/{INDEX}/_doc/0"))["_source"]
    assert late == without_hidden(FLIGHTS[0])
    assert limited("GET", f"/{INDEX}/_doc/1")[0] == 404
    assert not {*ok(limited("GET", f"/{INDEX}/_field_caps?fields=*"))["fields"]} & {*HIDDEN}
    for method, path, body in (
        ("PUT", f"/{INDEX}/_doc/1", {"FlightDelay": True}),
        ("POST", f"/{INDEX}/_close", None),
        ("DELETE", f"/{INDEX}", None),
        ("PUT", "/another", None),
        ("GET", "/_security/role", None),
    ):
        assert limited(method, path, body)[0] == 403, path


# ------------------------------------------------------------------ native users
def test_a_native_user_of_the_limited_group_sees_delayed_flights_alone(native: Cast) -> None:
    sees_delayed_flights_alone(native)
    cannot_ask_for_the_rest(native)


def test_a_native_user_who_leaves_sees_nothing_and_one_who_joins_what_the_group_sees(native: Cast) -> None:
    stranger = native.as_("stranger")
    assert stranger("POST", f"/{INDEX}/_search", {})[0] == 403
    native.members(LIMITED, "stranger")
    assert native.limited("POST", f"/{INDEX}/_search", {})[0] == 403
    assert count(stranger, EVERYTHING) == len(DELAYED)


# ------------------------------------------------------------------ a JWT realm
def test_a_token_of_the_limited_group_sees_delayed_flights_alone(of_a_realm: Cast) -> None:
    sees_delayed_flights_alone(of_a_realm)
    cannot_ask_for_the_rest(of_a_realm)


def test_a_token_of_nobody_who_is_granted_anything_sees_nothing(of_a_realm: Cast) -> None:
    for groups in ((), (Subject(SubjectKind.COGNITO_GROUP, "another"),)):
        assert of_a_realm.as_("stranger", *groups)("POST", f"/{INDEX}/_search", {})[0] == 403


def test_a_token_of_another_pool_another_client_or_of_yesterday_is_none(of_a_realm: Cast) -> None:
    forged = of_a_realm.node.ask(
        "POST", f"/{INDEX}/_search", {}, authorization=Issuer(POOL).authorization(MASTER_USER, [MASTERS.name])
    )
    assert forged[0] == 401
    for claims in ({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/another"}, {"aud": "another"}, {"exp": 1}):
        assert of_a_realm.as_(MASTER_USER, MASTERS, **claims)("POST", f"/{INDEX}/_search", {})[0] == 401, claims


def test_a_native_user_of_the_same_name_is_another_person(of_a_realm: Cast) -> None:
    for name in (MASTER_USER, LIMITED_USER):
        native = of_a_realm.node.ask("POST", f"/{INDEX}/_search", {}, user=name, password=PASSWORD)
        assert native[0] == 403, name


def test_who_leaves_is_out_at_once_by_name_and_with_the_next_token_by_group(of_a_realm: Cast) -> None:
    """By group the token says it, until it ends: `token-outlives-group` tells so."""
    of_a_realm.members(LIMITED)
    still = of_a_realm.limited("POST", f"/{INDEX}/_search", {})[0]
    assert still == (200 if of_a_realm.people == BY_GROUP else 403)
    assert of_a_realm.as_(LIMITED_USER)("POST", f"/{INDEX}/_search", {})[0] == 403


def test_who_joins_sees_what_the_group_sees(of_a_realm: Cast) -> None:
    of_a_realm.members(LIMITED, LIMITED_USER, "stranger")
    assert count(of_a_realm.as_("stranger", LIMITED), EVERYTHING) == len(DELAYED)
