"""Given a real Elasticsearch, then a key that goes shuts it, and one that comes back opens it as it was, less who left."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.custody.types import Health, Measure, Observation, Probe, RevocationCause, State
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.operations.access.deployments import introduce
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.ports.registration import Registration

from local.elastic.node import Elasticsearch
from tests.operations.clusters import ACTORS, PASSWORD, connected, registered, release_of, with_users
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account

pytestmark = pytest.mark.node

CAUSE = Trigger("a test", "somebody")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
COLLECTOR = "remote_monitoring_user"  # one that the engine keeps for itself; its password is set through the API
TEXT = """\
deployment: demo
engine: elasticsearch-RELEASE
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}}}}
access:
  roles:
    viewers: {indices: [{names: ["logs-*"], privileges: [read], query: '{"term": {"a": 1}}'}]}
  users: {chief: {}}
  grants:
    - {role: viewers, to: {cognito_group: readers}}
    - {role: superuser, to: {internal_user: chief}}
"""


class Key:
    """The KeyObserver protocol: a key that can be taken away."""

    gone = False

    def __init__(self, made: Account) -> None:
        self.made = made

    def observe(self, _registration: Registration, **_: Any) -> Observation:
        health, cause = (Health.REVOKED, RevocationCause.DISABLED) if self.gone else (Health.HEALTHY, None)
        probes = tuple(Probe(name, health, cause, definite=self.gone) for name in ("describe", "use"))
        return Observation(self.made.aws.now(), probes, key_id="one", domain_key_id="one")


@pytest.fixture
def here(elastic: Elasticsearch) -> Iterator[tuple[Account, Key]]:
    """A deployment of this cluster: its people are native users, two of whom are in a group that reads."""
    assert elastic.ask("POST", f"/_security/user/{COLLECTOR}/_password", {"password": PASSWORD})[0] == 200
    with_users(elastic, *ACTORS, "anna", "ben")
    for index in ("logs-1", "portcullis-canary"):
        path = f"/{index}/_doc/1?refresh=true"
        assert elastic.ask("PUT", path, {"a": 1})[0] in (200, 201)
    made = account(make=ELASTICSEARCH_9)
    master, automation = connected(elastic), connected(elastic, "portcullis")
    canary, key = connected(elastic, "canary"), Key(made)

    def as_user(_: Registration, name: str, password: str, _dialect: str) -> ElasticsearchEngine:
        return connected(elastic, name, password)

    services = replace(
        made.services,
        engine=lambda _: automation,
        master=lambda _: master,
        canary=lambda _: canary,
        user=as_user,
        keys=lambda _: key,
    )
    made = replace(made, services=services)
    made.people.groups = {READERS: tuple(f"Cognito/{POOL}/{name}" for name in ("anna", "ben"))}
    try:
        yield made, key
    finally:  # whatever became of the test, the node is everybody's
        master.unblock_indices({})


def deployed(made: Account, node: Elasticsearch) -> None:
    introduce(made.services.at(registered(node)), TEXT.replace("RELEASE", release_of(node)), CAUSE)


def search(node: Elasticsearch, **who: str) -> int:
    return node.ask("POST", "/logs-1/_search", {"size": 0}, **who)[0]


def who_am_i(node: Elasticsearch, user: str) -> int:
    return node.ask("GET", "/_security/_authenticate", user=user, password=PASSWORD)[0]


def as_(user: str, password: str = PASSWORD) -> dict[str, str]:
    return {"user": user, "password": password}


def everything(engine: ElasticsearchEngine) -> dict[str, Any]:
    held = engine.read()
    return {kind: {name: held.get(kind, name) for name in held.of(kind)} for kind in Kind}


def test_a_lost_key_shuts_a_cluster_which_reopens_without_leavers(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    made, key = here
    deployed(made, elastic)
    engine = made.services.engine(made.ledger.registration("demo"))
    assert isinstance(engine, ElasticsearchEngine)
    chief = as_("chief", made.passwords.kept["portcullis/demo/chief"])
    everybody = [as_("anna"), as_("ben"), chief, {}]
    assert [search(elastic, **who) for who in everybody] == [200] * 4
    granted = {"grant_type": "password", "username": "chief", "password": chief["password"]}
    status, token = elastic.ask("POST", "/_security/oauth2/token", granted)
    assert status == 200, token
    name = f"foreign-{uuid4()}"
    limits = {"reads": {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}
    status, foreign = elastic.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": limits})
    assert status == 200, foreign
    with_key = "ApiKey " + base64.b64encode(f"{foreign['id']}:{foreign['api_key']}".encode()).decode()
    held_before = [{"authorization": f"Bearer {token['access_token']}"}, {"authorization": with_key}]
    assert [search(elastic, **who) for who in held_before] == [200, 200]
    status, page = elastic.ask("POST", "/logs-1/_search?scroll=5m", {"size": 1}, authorization=with_key)
    assert status == 200
    before, blocks = everything(engine), engine.blocks()

    key.gone = True
    locked = guard(made.services, "demo", CAUSE)
    assert locked.state is State.LOCKED, locked
    # The superuser of the start has its password in the nodes' settings: it is not disabled, and the blocks refuse it.
    assert [search(elastic, **who) for who in everybody] == [403, 403, 401, 403]
    assert who_am_i(elastic, COLLECTOR) == 401
    assert "user elastic stays enabled" in locked.measures[Measure.SHUT_MAPPINGS].detail
    assert [search(elastic, **who) for who in held_before] == [401, 403]
    scroll = elastic.ask("POST", "/_search/scroll", {"scroll_id": page["_scroll_id"]}, authorization=with_key)
    assert scroll[0] in (403, 404)
    assert f"{name} of elastic ({foreign['id']})" in locked.measures[Measure.END_SEARCHES].detail
    assert locked.measures[Measure.PROVE].detail.startswith("the canary was refused for want of privileges")
    assert guard(made.services, "demo", CAUSE).measures == locked.measures  # a second look finds nothing to do

    made.people.groups = {READERS: (f"Cognito/{POOL}/ben",)}  # anna leaves while it is locked
    key.gone = False
    assert guard(made.services, "demo", CAUSE).state is State.OPEN
    assert [search(elastic, **who) for who in everybody] == [403, 200, 200, 200]
    assert who_am_i(elastic, COLLECTOR) == 200
    before[Kind.USERS]["anna"]["roles"].remove("viewers")
    assert everything(engine) == before
    assert engine.blocks() == blocks


def test_who_is_disabled_by_hand_while_a_cluster_is_locked_stays_out(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    """Also who loses a role, and a role mapping that is deleted. What the lock itself disabled is enabled again."""
    made, key = here
    deployed(made, elastic)
    for name in ("cara", "dora", "emil"):
        document = {"password": PASSWORD, "roles": ["viewers"]}
        assert elastic.ask("PUT", f"/_security/user/{name}", document)[0] == 200
    mapping = {"roles": ["viewers"], "enabled": True, "rules": {"field": {"username": "contractor"}}}
    assert elastic.ask("PUT", "/_security/role_mapping/contractors", mapping)[0] == 200
    key.gone = True
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    assert elastic.ask("PUT", "/_security/user/cara/_disable")[0] == 200
    assert elastic.ask("PUT", "/_security/user/dora", {"roles": []})[0] == 200
    assert elastic.ask("DELETE", "/_security/role_mapping/contractors")[0] == 200
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    key.gone = False
    opened = guard(made.services, "demo", CAUSE)
    assert opened.state is State.OPEN
    assert [search(elastic, **as_(name)) for name in ("cara", "dora", "emil")] == [401, 403, 200]
    assert elastic.ask("GET", "/_security/role_mapping/contractors")[0] == 404
    assert who_am_i(elastic, COLLECTOR) == 200
