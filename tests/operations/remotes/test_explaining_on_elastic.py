"""`remote explain` and `remote check` on two real clusters that are both deployments, with the rights of their automations alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from portcullis import model
from portcullis.access.plan import Membership, Subject, SubjectKind
from portcullis.adapters.engines.elastic_remotes import ElasticClusterKeys, ElasticRemotes
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.baseline import (
    DOCUMENTS,
    LOCK_ROLE,
    REMOTES,
    REMOTES_ROLE,
    SECURITY_ROLE,
)
from portcullis.operations.remotes.asking.checking import remote_check
from portcullis.operations.remotes.asking.explaining import remote_explain
from portcullis.operations.services import Services
from portcullis.operations.writing.standing import in_force
from portcullis.ports.identity import Looked
from portcullis.ports.registration import Cluster, EngineUser, KeptModel
from portcullis.remotes.facts import Weight
from portcullis.remotes.parties import Explained

from benchmarks.common import world_of
from local.elastic.pair import ALIAS, Pair
from local.processes import LOOPBACK
from tests.operations.clusters import PASSWORD
from tests.operations.pairs import World, automation, made
from tests.operations.worlds import Memory, registration

pytestmark = pytest.mark.node

_KEY = "key: {arn: 'arn:aws:kms:eu-central-1:111122223333:key/1'}\n"
_CLUSTER = "cluster: {endpoint: '127.0.0.1:443', user: portcullis, credential: CREDENTIAL, licence: trial}\n"
ORDERS = f"""deployment: orders
engine: elasticsearch-9.5.3
{_CLUSTER}{_KEY}identity: {{cognito: {{groups: {{readers: {{}}}}}}}}
remotes:
  {ALIAS}: {{address: '{LOOPBACK}:PORT', credential: SECRET, allows: {{search: [{{names: ['logs-*']}}]}}}}
access:
  roles: {{log_reader: {{remote_indices: [{{clusters: [{ALIAS}], names: ['logs-*', 'metrics-*'], privileges: [read]}}]}}}}
  grants: [{{to: {{cognito_group: readers}}, role: log_reader}}]
"""
LOGS = f"""deployment: logs
engine: elasticsearch-9.5.3
{_CLUSTER}{_KEY}offers: {{OFFER: {{secret: SECRET, search: [{{names: ['logs-*']}}]}}}}
"""


class People:
    """One group, with one person in it."""

    def look(self, grants: Any) -> Looked:
        group = Subject(SubjectKind.COGNITO_GROUP, "readers")
        assert [one.subject for one in grants] in ([group], [])
        return Looked(Membership({group: ("Cognito/pool/anna",)}))


class Both:
    """Two deployments of one account: their files in the ledger, their engines as the automation of each."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, Memory()
        pair = world.pair
        rights = {name: DOCUMENTS[name] for name in (SECURITY_ROLE, LOCK_ROLE)}
        self.to = {
            "orders": automation(pair.local, {**rights, REMOTES_ROLE: REMOTES}),
            "logs": automation(pair.remote, rights),
        }
        self.services: Services = world_of(
            ledger=self.ledger,
            engine=lambda one: ElasticsearchEngine(self.to[one.deployment], one.place.endpoint),
            cluster_keys=lambda one: ElasticClusterKeys(self.to[one.deployment], one.deployment),
            remotes=lambda one: ElasticRemotes(self.to[one.deployment], one.deployment),
            key_texts=lambda _: self.world.giving.texts,
            identity=lambda _: People(),
        )
        for name, node, text in (("orders", pair.local, ORDERS), ("logs", pair.remote, LOGS)):
            at = Cluster(f"{LOOPBACK}:{node.port}")
            who = EngineUser("portcullis", name)
            one = registration(name, place=at, family="elasticsearch", automation=who, master=who, cognito=None)
            self.ledger.register(one)
            self.keep(name, text)

    def keep(self, name: str, text: str) -> None:
        given = self.world.giving.offer
        text = text.replace("CREDENTIAL", f"{name}/automation").replace("SECRET", given.secret)
        text = text.replace("PORT", str(self.world.pair.interface)).replace("OFFER", given.name)
        before = in_force(self.services, name)
        kept = KeptModel(
            text, model.resolve(model.loads(text, f"{name}.yaml")), version=before.version if before else 0
        )
        self.ledger.keep_model(name, kept)

    def checked(self, deployment: str = "orders") -> dict[Weight, set[str]]:
        """Codes of what was found, by their weight."""
        told = remote_check(self.services, deployment)
        found: dict[Weight, set[str]] = {weight: set() for weight in Weight}
        for one in told.findings:
            if one.alias in ("", ALIAS):
                found[one.weight].add(one.code)
        assert (told.exit_status == 3) is any(one.weight is Weight.WRONG for one in told.findings)
        return found

    def explained(self, person: str, index: str) -> Explained:
        return remote_explain(self.services, "orders", person=person, index=f"{ALIAS}:{index}")


@pytest.fixture
def both(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    role = {"remote_indices": [{"clusters": [ALIAS], "names": ["logs-*", "metrics-*"], "privileges": ["read"]}]}
    assert pair.local.ask("PUT", "/_security/role/log_reader", role)[0] == 200
    for name, roles in (("anna", ["log_reader"]), ("ben", [])):
        assert pair.local.ask("PUT", f"/_security/user/{name}", {"password": PASSWORD, "roles": roles})[0] == 200
    with mock_aws():
        world = made(pair, boto3.client("secretsmanager", region_name="eu-central-1"))
        yield Both(world)
        world.keys.end(world.ours())


def test_each_answer_is_what_a_search_of_the_same_person_is_answered(both: Both) -> None:
    key = both.world.rotate()
    for person, index, side, rule in (
        ("anna", "logs-1", "", ""),
        ("anna", "metrics-1", "remote", "key"),
        ("anna", "hr", "remote", "key-and-roles"),
        ("elastic", "logs-1", "", ""),
        ("elastic", "metrics-1", "remote", "key"),
        ("ben", "logs-1", "local", "no-remote-indices"),
    ):
        found = both.explained(person, index)
        status = both.world.search(index, person)
        assert (found.allowed, found.side, found.rule) == (status == 200, side, rule), (found.answer, status)
        assert found.key == (key if side != "local" else found.key)
        assert found.unknown == ()
    assert both.explained("cognito_user:anna", "*").allowed is True
    assert f"the key {key} and the role log_reader allow it" in both.explained("anna", "logs-1").answer
    with pytest.raises(BadInput, match="nobody called 'zed'"):
        both.explained("zed", "logs-1")


def test_a_key_that_has_ended_refuses_whoever_asks_and_is_not_taken_for_a_role(both: Both) -> None:
    both.world.rotate()
    both.world.keys.end(both.world.ours())
    found = both.explained("elastic", "logs-1")
    assert (found.allowed, found.side, found.rule) == (False, "remote", "key-state")
    assert both.world.search("logs-1") == 401
    assert "revoked" in found.answer


def test_what_nobody_may_look_at_is_said_and_not_guessed(both: Both) -> None:
    """The cluster behind the alias is no deployment here: its key is known by the agreement alone, and may allow something else."""
    both.world.rotate()
    both.ledger.unregister("logs")
    found = both.explained("anna", "logs-1")
    assert (found.allowed, found.unknown[0]) == (None, "what the key of dc2 allows could not be looked at")
    assert any("as agreed in remotes.dc2.allows" in one.rule for one in found.reasons)
    assert both.explained("ben", "logs-1").allowed is False  # this side refuses, whatever the key allows
    assert any("no deployment of this account" in one for one in found.unknown)
    # ... and where the automation may not ask through the alias, the key is not known either
    both.to["orders"] = automation(
        both.world.pair.local, {SECURITY_ROLE: DOCUMENTS[SECURITY_ROLE], LOCK_ROLE: DOCUMENTS[LOCK_ROLE]}
    )
    found = both.explained("anna", "logs-1")
    assert any("by which key dc2 is read could not be looked at" in one for one in found.unknown)


def test_a_remote_that_is_well_a_key_that_ended_and_one_that_nobody_uses(both: Both) -> None:
    """`metrics-*` of a role is beyond the key, which is the one thing wrong before the key ends."""
    world = both.world
    key = world.rotate()
    found = both.checked()
    assert found[Weight.WRONG] == {"beyond-key"}
    assert found[Weight.UNKNOWN] == set()
    assert {"as-declared", "connected", "key", "key-ends", "releases", "licence", "certificates"} <= found[Weight.OK]
    assert both.checked("logs")[Weight.WRONG] == set()
    # a key made beside it: of the same offer, and nobody comes with it
    left = world.keys.make(world.giving.offer)
    assert both.checked("logs")[Weight.WRONG] == {"key-unused"}
    # ... and once its text is in the secret, the nodes come with another one
    world.giving.texts.put(world.giving.offer.secret, left)
    assert "another-key" in both.checked()[Weight.WRONG]
    # ended: _remote/info says connected all the same, and skip_unavailable would hide it
    world.keys.end([key])
    set_ = {f"cluster.remote.{ALIAS}.skip_unavailable": True}
    assert world.pair.local.ask("PUT", "/_cluster/settings", {"persistent": set_})[0] == 200
    try:
        assert world.pair.local.ask("GET", "/_remote/info")[1][ALIAS]["connected"] is True
        assert {"refuses", "refusals-hidden", "skip-unavailable-differs"} <= both.checked()[Weight.WRONG]
    finally:
        set_ = {f"cluster.remote.{ALIAS}.skip_unavailable": False}
        assert world.pair.local.ask("PUT", "/_cluster/settings", {"persistent": set_})[0] == 200
    with pytest.raises(BadInput, match="has no remote cluster 'dc9'"):
        remote_check(both.services, "orders", alias="dc9")


def test_of_a_cluster_that_is_no_deployment_here_it_is_said_what_was_not_looked_at(both: Both) -> None:
    both.world.rotate()
    both.ledger.unregister("logs")
    found = both.checked()
    assert "not-looked-at" in found[Weight.UNKNOWN]
    assert {"as-declared", "connected", "key"} <= found[Weight.OK]
    assert "key-ends" not in found[Weight.OK]


def test_by_certificate_roles_of_the_same_name_decide_over_there(both: Both) -> None:
    pair = both.world.pair
    at = f"{LOOPBACK}:{pair.remote.transport_port}"
    settings = {
        "cluster.remote.old.mode": "proxy",
        "cluster.remote.old.proxy_address": at,
        "cluster.remote.old.skip_unavailable": False,
    }
    assert pair.local.ask("PUT", "/_cluster/settings", {"persistent": settings})[0] == 200
    both.keep("orders", ORDERS.replace("remotes:\n", "remotes:\n  old: {deployment: logs, model: certificate}\n"))
    there = {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}
    try:
        for given in (False, True):
            if given:
                assert pair.remote.ask("PUT", "/_security/role/log_reader", there)[0] == 200
            for person, index in (("anna", "logs-1"), ("anna", "metrics-1"), ("elastic", "metrics-1")):
                found = remote_explain(both.services, "orders", person=person, index=f"old:{index}")
                password = PASSWORD if person != "elastic" else ""
                status, _ = pair.local.ask("GET", f"/old:{index}/_search", user=person, password=password)
                assert found.allowed is (status == 200), (found.answer, status)
                assert found.model == "certificate"
    finally:
        pair.remote.ask("DELETE", "/_security/role/log_reader")
        gone = dict.fromkeys(settings)
        assert pair.local.ask("PUT", "/_cluster/settings", {"persistent": gone})[0] == 200
