"""The flights of both tutorials on real Elasticsearch clusters: documents and fields are kept from one group, and its members are native
users, people of a realm that reads Cognito's tokens, or people who signed in there and hold a token of the cluster. Elasticsearch has no
masks: the destination is left out, as the number is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.types import State
from portcullis.entry.verbs import VERBS
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.operations.access.deployments import introduce
from portcullis.operations.custody.guard import guard

from local.elastic.distribution import major
from local.elastic.node import Elasticsearch
from tests.fixtures_elastic import FEW_ROUNDS, RELEASES, make_new
from tests.openid import Provider, Session
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
from tests.operations.custody.test_custody_on_elastic import Key
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account
from tests.tokens import KEY_FILE, Issuer
from tests.tutorials.flights import COUNT, DELAYED, FLIGHTS, INDEX, MAPPINGS
from tests.tutorials.stage import CAUSE

pytestmark = pytest.mark.node

Ask = Callable[..., tuple[int, Any]]  # method, path, body -> status, decoded body
MASTERS, LIMITED = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("master-user-group", "limited-user-group"))
MASTER_USER, LIMITED_USER = "master-user", "limited-user"
REALM, SIGN_IN = "cognito1", "cognito2"  # of type jwt and oidc
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
SIGNED_IN, SIGNED_IN_BY_GROUP = (f"realm: {{name: {SIGN_IN}, type: oidc{more}}}" for more in ("", ", by: groups"))
WAYS = {
    "by user name": BY_NAME,
    "by group": BY_GROUP,
    "signed in, by user name": SIGNED_IN,
    "signed in, by group": SIGNED_IN_BY_GROUP,
}
TOKENS = [one for one in RELEASES if major(one) >= 8][:1]  # jwt is there from 8.2 on; one release is enough


@dataclass(frozen=True)
class Cast:
    made: Account
    node: Elasticsearch
    people: str
    issuer: Issuer
    provider: Provider | None = None  # where people sign in for the realm of type oidc

    def as_(self, user: str, *groups: Subject, **claims: Any) -> Ask:
        """Requests of this user, with a token that names these groups where people come with one."""
        if self.people == NATIVE:
            return lambda method, path, body=None: self.node.ask(method, path, body, user=user, password=PASSWORD)
        if self.people in (SIGNED_IN, SIGNED_IN_BY_GROUP):
            return self.signed_in(user, *groups).ask
        token = self.issuer.authorization(user, [one.name for one in groups], **claims)
        return lambda method, path, body=None: self.node.ask(method, path, body, authorization=token)

    def signed_in(self, user: str, *groups: Subject) -> Session:
        assert self.provider
        return self.provider.sign_in(self.node, SIGN_IN, user, [one.name for one in groups])

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


@pytest.fixture(scope="module")
def provider(issuer: Issuer) -> Iterator[Provider]:
    with Provider.of(issuer) as found:
        yield found


@pytest.fixture(scope="module", params=TOKENS)
def with_realm(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    jar_cache: Path,
    issuer: Issuer,
    provider: Provider,
) -> Iterator[Elasticsearch]:
    """A node that lets in people with a token of the pool, and people who sign in there, too."""
    settings = {**FEW_ROUNDS, **issuer.realm(REALM), **provider.realm(SIGN_IN)}
    more: dict[str, Any] = {"files": {KEY_FILE: issuer.keys}, "secure": provider.secure(SIGN_IN)}
    home = tmp_path_factory.mktemp("with-realm-")
    with Elasticsearch.start(home, jar_cache, request.param, settings=settings, tell=print, **more) as node:
        yield node


def played(node: Elasticsearch, people: str, issuer: Issuer, provider: Provider | None = None) -> Cast:
    """The flights, the people, and a deployment file that says what each group sees of them."""
    make_new(node)
    with_users(node, *ACTORS, MASTER_USER, LIMITED_USER, "stranger")
    add_flights(node)
    made = account(make=ELASTICSEARCH_9)
    master, automation, canary = connected(node), connected(node, AUTOMATION), connected(node, CANARY)
    services = replace(made.services, engine=lambda _: automation, master=lambda _: master, canary=lambda _: canary)
    cast = Cast(replace(made, services=services), node, people, issuer, provider)
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


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def of_a_realm(request: pytest.FixtureRequest, with_realm: Elasticsearch, issuer: Issuer, provider: Provider) -> Cast:
    return played(with_realm, request.param, issuer, provider)


@pytest.fixture(params=[BY_NAME, BY_GROUP], ids=["by user name", "by group"])
def of_jwt(request: pytest.FixtureRequest, with_realm: Elasticsearch, issuer: Issuer) -> Cast:
    return played(with_realm, request.param, issuer)


@pytest.fixture(params=[SIGNED_IN, SIGNED_IN_BY_GROUP], ids=["by user name", "by group"])
def of_oidc(request: pytest.FixtureRequest, with_realm: Elasticsearch, issuer: Issuer, provider: Provider) -> Cast:
    return played(with_realm, request.param, issuer, provider)


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


# ------------------------------------------------------------------ a realm of either type
def test_a_token_of_the_limited_group_sees_delayed_flights_alone(of_a_realm: Cast) -> None:
    sees_delayed_flights_alone(of_a_realm)
    cannot_ask_for_the_rest(of_a_realm)


# ------------------------------------------------------------------ of type jwt
def test_a_token_of_nobody_who_is_granted_anything_sees_nothing(of_jwt: Cast) -> None:
    for groups in ((), (Subject(SubjectKind.COGNITO_GROUP, "another"),)):
        assert of_jwt.as_("stranger", *groups)("POST", f"/{INDEX}/_search", {})[0] == 403


def test_a_native_user_of_the_same_name_is_another_person(of_jwt: Cast) -> None:
    for name in (MASTER_USER, LIMITED_USER):
        native = of_jwt.node.ask("POST", f"/{INDEX}/_search", {}, user=name, password=PASSWORD)
        assert native[0] == 403, name


def test_a_token_of_another_pool_another_client_or_of_yesterday_is_none(of_jwt: Cast) -> None:
    forged = of_jwt.node.ask(
        "POST", f"/{INDEX}/_search", {}, authorization=Issuer(POOL).authorization(MASTER_USER, [MASTERS.name])
    )
    assert forged[0] == 401
    for claims in ({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/another"}, {"aud": "another"}, {"exp": 1}):
        assert of_jwt.as_(MASTER_USER, MASTERS, **claims)("POST", f"/{INDEX}/_search", {})[0] == 401, claims


def test_who_leaves_is_out_at_once_by_name_and_with_the_next_token_by_group(of_jwt: Cast) -> None:
    """By group the token says it, until it ends: `token-outlives-group` tells so."""
    of_jwt.members(LIMITED)
    still = of_jwt.limited("POST", f"/{INDEX}/_search", {})[0]
    assert still == (200 if of_jwt.people == BY_GROUP else 403)
    assert of_jwt.as_(LIMITED_USER)("POST", f"/{INDEX}/_search", {})[0] == 403


def test_who_joins_sees_what_the_group_sees(of_jwt: Cast) -> None:
    of_jwt.members(LIMITED, LIMITED_USER, "stranger")
    assert count(of_jwt.as_("stranger", LIMITED), EVERYTHING) == len(DELAYED)


# ------------------------------------------------------------------ of type oidc
def test_a_sign_in_counts_once_and_only_with_the_key_of_the_pool(with_realm: Elasticsearch, provider: Provider) -> None:
    begun = provider.begin(with_realm, SIGN_IN)
    back = provider.signed_in(begun["redirect"], LIMITED_USER)
    assert [provider.end(with_realm, begun, back)[0] for _ in range(2)] == [200, 401]
    another = provider.begin(with_realm, SIGN_IN)
    of_before = provider.signed_in(begun["redirect"], LIMITED_USER)
    assert provider.end(with_realm, another, of_before)[0] == 401
    forged = provider.signed_in(another["redirect"], LIMITED_USER, by=Issuer(POOL))
    assert provider.end(with_realm, another, forged)[0] == 401


def test_the_questions_say_of_whoever_signs_in_what_the_cluster_does(of_oidc: Cast) -> None:
    """By their names, and by what a sign-in tells of them. A token of the other realm makes nobody the same person."""
    services = of_oidc.made.services
    held = {kind: ok(of_oidc.node.ask("GET", f"/_security/{kind}")) for kind in ("role", "role_mapping")}
    asked = {"engine": f"elasticsearch-{of_oidc.node.version}", "world": {"indices": [INDEX]}}
    asked["security"] = {"roles": held["role"], "users": {}, "role_mappings": held["role_mapping"]}
    asked["request"] = {"method": "POST", "path": f"/{INDEX}/_search", "body": {}}
    for user, groups in ((LIMITED_USER, [LIMITED]), (MASTER_USER, [MASTERS]), ("stranger", [])):
        status = of_oidc.as_(user, *groups)("POST", f"/{INDEX}/_search", {})[0]
        said = VERBS["can"].run(services, "flights", CAUSE, person=f"cognito_user:{user}", does="read", what=INDEX)
        assert (user, said.allowed) == (user, status == 200)
        names = [one.name for one in groups]
        token = of_oidc.issuer.authorization(user, names)
        by_token = of_oidc.node.ask("POST", f"/{INDEX}/_search", {}, authorization=token)[0]
        for realm, answered in ((SIGN_IN, status), (REALM, by_token)):
            decided = answer_question({**asked, "principal": {"name": user, "realm": realm, "groups": names}})
            assert (user, realm, decided["allowed"]) == (user, realm, answered == 200)
        assert by_token == 403


def test_who_joins_sees_what_the_group_sees_once_they_sign_in_anew(of_oidc: Cast) -> None:
    """A token of the cluster keeps the roles of the sign-in, and so does what it is refreshed to. A user name may have a slash."""
    before = of_oidc.signed_in("ops/stranger")
    of_oidc.members(LIMITED, LIMITED_USER, "ops/stranger")
    assert before.ask("POST", f"/{INDEX}/_search", {})[0] == 403
    assert before.refreshed().ask("POST", f"/{INDEX}/_search", {})[0] == 403
    assert count(of_oidc.as_("ops/stranger", LIMITED), EVERYTHING) == len(DELAYED)
    assert of_oidc.as_("stranger")("POST", f"/{INDEX}/_search", {})[0] == 403, "they are somebody else"


def test_who_leaves_has_no_token_of_the_cluster_any_more(of_oidc: Cast) -> None:
    """Theirs would keep the role, for as long as it is refreshed: it ends with the reaction, and the next sign-in tells no such group."""
    leaver, stays = of_oidc.signed_in(LIMITED_USER, LIMITED), of_oidc.signed_in(MASTER_USER, MASTERS)
    assert count(leaver.ask, EVERYTHING) == len(DELAYED)
    of_oidc.members(LIMITED)
    assert leaver.ask("POST", f"/{INDEX}/_search", {})[0] == 401
    assert leaver.refresh()[0] == 400
    assert of_oidc.as_(LIMITED_USER)("POST", f"/{INDEX}/_search", {})[0] == 403
    assert count(stays.ask, EVERYTHING) == COUNT


def test_a_lock_ends_the_tokens_of_everybody_who_signed_in(of_oidc: Cast) -> None:
    made, key = of_oidc.made, Key(of_oidc.made)
    services = replace(made.services, keys=lambda _: key)
    before = [of_oidc.signed_in(LIMITED_USER, LIMITED), of_oidc.signed_in(MASTER_USER, MASTERS)]
    try:
        key.gone = True
        assert guard(services, "flights", CAUSE).state is State.LOCKED
        assert [one.ask("POST", f"/{INDEX}/_search", {})[0] for one in before] == [401, 401]
        assert [one.refresh()[0] for one in before] == [400, 400]
        during = of_oidc.signed_in(LIMITED_USER, LIMITED)
        assert during.ask("POST", f"/{INDEX}/_search", {})[0] == 403
        key.gone = False
        assert guard(services, "flights", CAUSE).state is State.OPEN
    finally:
        connected(of_oidc.node).unblock_indices({})
    assert [one.ask("POST", f"/{INDEX}/_search", {})[0] for one in before] == [401, 401]
    assert (count(of_oidc.limited, EVERYTHING), count(of_oidc.master, EVERYTHING)) == (len(DELAYED), COUNT)
