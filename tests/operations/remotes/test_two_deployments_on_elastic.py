"""Two real clusters, a deployment each: keys made by an apply, handed on by a verb, narrowed by a lock of the one that gives them.

Both are asked as their automations, with the rights that these are given and no more; people are native users of the reading cluster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto import mock_aws
from portcullis.access.plan import Subject, SubjectKind
from portcullis.adapters.engines.elastic_remotes import ElasticClusterKeys, ElasticRemotes
from portcullis.adapters.keystores.files import KeystoreFiles
from portcullis.adapters.passwords.keys import KeySecrets
from portcullis.cli import main as cli
from portcullis.cli.remotes.offer_signature import fingerprint, public_of
from portcullis.custody import hold, release
from portcullis.custody.types import Measure, Progress, State
from portcullis.entry import ask as asking
from portcullis.families.elasticsearch.documents.baseline import REMOTES, REMOTES_ROLE
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.custody.guard import guard
from portcullis.operations.remotes.asking.checking import remote_check
from portcullis.operations.remotes.asking.hardening import remote_harden
from portcullis.operations.remotes.asking.showing import remote_keys
from portcullis.operations.remotes.keys.tending import rotate_remote
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.operations.services import Trigger
from portcullis.ports.registration import Registration
from portcullis.ports.remotes import Connection
from portcullis.remotes.facts import Weight

from local.elastic.keystore import TOOL
from local.elastic.node import Elasticsearch
from local.elastic.pair import ALIAS, Pair, Searching
from local.processes import LOOPBACK
from tests.operations.clusters import (
    AUTOMATION,
    BREAK_GLASS,
    CANARY,
    PASSWORD,
    connected,
    registered,
    release_of,
    transport,
    with_users,
)
from tests.operations.remotes_page import asked_of, commands_under, otherwise_than_it_says
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account

pytestmark = pytest.mark.node

ROOT = Path(__file__).parents[3]
CAUSE = Trigger("a test", "somebody")
GIVER, READER = "logs", "orders"
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
HEAD = """\
deployment: NAME
engine: elasticsearch-RELEASE
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: NAME/automation, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}}}}
"""
GIVES = (
    HEAD + "offers: {for-orders: {search: [{names: ['logs-*'], query: {term: {team: red}}}], secret: remotes/orders}}\n"
)
READS = (
    HEAD
    + """\
remotes: {dc2: {deployment: logs, credential: remotes/orders, allows: {search: [{names: ['logs-*'], query: {term: {team: red}}}]}}}
access:
  roles:
    log_reader: {remote_indices: [{clusters: [dc2], names: ['logs-*'], privileges: [read]}]}
  grants: [{role: log_reader, to: {cognito_group: readers}}]
"""
)
FILES = {GIVER: GIVES, READER: READS}


@dataclass
class Two:
    """Both deployments, each deployed with its file."""

    pair: Pair
    made: Account
    others: Mapping[str, Elasticsearch] = field(default_factory=dict)  # deployments beside these two

    def text(self, name: str, text: str) -> str:
        node = self.node(name)
        return text.replace("NAME", name).replace("RELEASE", release_of(node))

    def node(self, name: str) -> Elasticsearch:
        return {GIVER: self.pair.remote, READER: self.pair.local, **self.others}[name]

    def apply(self, name: str, text: str) -> Any:
        return apply_text(self.made.services, name, self.text(name, text), CAUSE)

    def lock(self, name: str) -> Any:
        now = self.made.services.now()
        return guard(self.made.services, name, CAUSE, change=lambda one: hold(one, "somebody", "a drill", now))

    def unlock(self, name: str) -> Any:
        return guard(self.made.services, name, CAUSE, change=release)

    def search(self, user: str = "anna", index: str = "logs-1") -> int:
        password = PASSWORD if user != "elastic" else ""
        return self.pair.local.ask("GET", f"/{ALIAS}:{index}/_search", user=user, password=password)[0]

    def keys(self) -> dict[str, Any]:
        """As whoever runs the cluster sees them: id -> what it allows."""
        found = self.pair.remote.ask("GET", "/_security/api_key")[1]["api_keys"]
        ours = [one for one in found if one.get("type") == "cross_cluster" and not one["invalidated"]]
        return {
            one["id"]: one["access"] for one in ours if one["metadata"].get("portcullis", {}).get("deployment") == GIVER
        }


@pytest.fixture
def two(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with deployed(pair) as one:
        yield one


@contextmanager
def deployed(pair: Pair, files: Mapping[str, str] = FILES, **others: Elasticsearch) -> Iterator[Two]:
    """Both deployments on the clusters of a pair, and on other clusters one each. The environment has to have some credentials of AWS."""
    with mock_aws():
        texts = KeySecrets(boto3.client("secretsmanager", region_name="eu-central-1"))
        nodes = {GIVER: pair.remote, READER: pair.local, **others}
        one = Two(pair, account(make=ELASTICSEARCH_9), others)

        def connection(of: Registration) -> Any:
            return transport(nodes[of.deployment], AUTOMATION)

        def engine(user: str = "") -> Any:
            engines = {name: connected(node, user, name=name) for name, node in nodes.items()}
            return lambda of: engines[of.deployment]

        services = replace(
            one.made.services,
            engine=engine(AUTOMATION),
            master=engine(),
            canary=engine(CANARY),
            cluster_keys=lambda of: ElasticClusterKeys(connection(of), of.deployment),
            remotes=lambda of: ElasticRemotes(connection(of), of.deployment),
            key_texts=lambda _: texts,
            sleep=time.sleep,
            keystores=lambda of: KeystoreFiles({"node": nodes[of.deployment].home / "config"}, TOOL),
        )
        one.made = replace(one.made, services=services)
        one.made.people.groups = {READERS: (f"Cognito/{POOL}/anna",)}
        for index in ("logs-1", "metrics-1"):
            pair.remote.ask("DELETE", f"/{index}")
            assert pair.remote.ask("PUT", f"/{index}/_doc/1?refresh=true", {"team": "red"})[0] in (200, 201)
        for name, node in nodes.items():
            _prepared(node)
            _introduced(one, name, files[name])
        services.remotes(one.made.ledger.registration(READER)).connect(
            Connection(ALIAS, f"{LOOPBACK}:{pair.interface}")
        )
        try:
            yield one
        finally:
            for name in nodes:
                engine()(one.made.ledger.registration(name)).unblock_indices({})
            pair.remote.ask("DELETE", "/_security/api_key", {"ids": list(one.keys()) or ["none"]})


def _prepared(node: Elasticsearch) -> None:
    """What whoever runs a cluster does before."""
    assert node.ask("PUT", f"/_security/role/{REMOTES_ROLE}", REMOTES)[0] == 200
    assert node.ask("PUT", "/portcullis-canary/_doc/1?refresh=true", {"a": 1})[0] in (200, 201)
    with_users(node, CANARY, BREAK_GLASS, "anna")
    with_users(node, AUTOMATION, roles=[REMOTES_ROLE])


def _introduced(two: Two, name: str, text: str) -> None:
    introduce(two.made.services.at(registered(two.node(name), name)), two.text(name, text), CAUSE)


def handed_on(two: Two) -> str:
    """The key that the reader comes with, from an apply of the giver."""
    done = two.apply(GIVER, GIVES)
    assert done.keys_problem == ""
    found: str = rotate_remote(two.made.services, READER, CAUSE, alias=ALIAS).key
    return found


def test_a_key_is_made_handed_on_and_ended_while_people_search(
    two: Two,
) -> None:
    """An apply makes it, a verb hands it on, an offer that is taken back ends it."""
    done = two.apply(GIVER, GIVES)
    assert (len(done.keys), done.exit_status, len(two.keys())) == (1, 0, 1)
    look_after_keys(two.made.services.site(READER), CAUSE)  # as a sweep does
    assert two.search() == 200
    with Searching(two.pair.local, user="anna", password=PASSWORD) as searching:
        searching.more(20)
        after = rotate_remote(two.made.services, READER, CAUSE, alias=ALIAS)
        searching.more(20)
    assert searching.refused == {}
    assert list(two.keys()) == [after.key]
    shown = remote_keys(two.made.services, READER).used[0]
    assert (shown.in_use, shown.other, shown.problem) == (after.key, GIVER, "")
    wider = GIVES.replace("'logs-*'", "'metrics-*'")
    assert (two.search("elastic", "logs-1"), two.search("elastic", "metrics-1")) == (200, 403)
    assert len(two.apply(GIVER, wider).keys) == 1
    assert (two.search("elastic", "logs-1"), two.search("elastic", "metrics-1")) == (403, 200)
    assert list(two.keys()) == [after.key]
    two.apply(GIVER, HEAD)
    assert two.keys() == {}
    assert two.search("elastic", "metrics-1") == 401


def test_a_lock_narrows_what_is_offered_and_puts_it_back(
    two: Two,
) -> None:
    """For the super user of the other side, too; put back, it is the same to the letter."""
    key = handed_on(two)
    before = two.keys()
    assert (two.search(), two.search("elastic")) == (200, 200)
    locked = two.lock(GIVER)
    assert (locked.state, locked.measures[Measure.NARROW_KEYS].progress) == (State.LOCKED, Progress.DONE)
    assert "narrow offered keys" in locked.measures[Measure.PROVE].detail
    # The walls each for itself: without the index blocks the key alone refuses.
    two.made.services.master(two.made.ledger.registration(GIVER)).unblock_indices({})
    assert (two.search(), two.search("elastic")) == (403, 403)
    again = guard(two.made.services, GIVER, CAUSE)
    assert again.state is State.LOCKED
    # Somebody who has the automation's rights widens it: it is found, told and narrowed again.
    two.made.services.site(GIVER).cluster_keys.change(key, {"search": [{"names": ["*"]}]})
    assert guard(two.made.services, GIVER, CAUSE).state is State.LOCKED
    assert any(alert.name == "lock-opened" and "narrow offered keys" in alert.happened for alert in two.made.aws.told)
    assert two.search("elastic") == 403
    assert two.unlock(GIVER).state is State.OPEN
    assert two.keys() == before
    assert (two.search(), two.search("elastic"), two.search("elastic", "metrics-1")) == (200, 200, 403)


def test_a_lock_of_the_reading_side_ends_what_it_reads_elsewhere(two: Two) -> None:
    handed_on(two)
    assert two.search() == 200
    assert two.lock(READER).state is State.LOCKED
    assert two.search() == 403
    role = two.pair.local.ask("GET", "/_security/role/log_reader")[1]["log_reader"]
    assert not role.get("remote_indices")
    # The other side has nothing to do with it.
    assert two.made.ledger.custody(GIVER).state is State.OPEN
    assert two.unlock(READER).state is State.OPEN
    assert two.search() == 200


# ---------------------------------------------------------------------- two administrators

READS_NOTHING_YET = HEAD + READS[READS.index("access:") :]


def test_two_administrators_agree_in_a_signed_file_and_a_super_user_sees_no_more(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with their own file alone: offer, accept, apply both, read; then less is offered, and accepted."""
    ca = (two.pair.remote.home / "config" / "certs" / "ca.pem").read_text()
    pem = "".join(f"      {line}\n" for line in ca.splitlines())
    gives = two.text(GIVER, HEAD) + (
        "offers:\n  for-orders:\n    secret: remotes/orders\n    search: [{names: ['logs-*'], query: {term: {team: red}}}]\n"
        f"    address: '{LOOPBACK}:{two.pair.interface}'\n    ca: |\n{pem}"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the keystore tool, which is a process of its own
    (tmp_path / "logs.yaml").write_text(gives)
    (tmp_path / "orders.yaml").write_text(two.text(READER, READS_NOTHING_YET))
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    accept = ["remote", "accept", "first.json", "-d", "orders.yaml", "--as", ALIAS, "--ca", "logs-ca.pem"]

    assert cli.main(["remote", "offer", "for-orders", "first.json", "-d", "logs.yaml", "--sign-with", "key"]) == 0
    assert cli.main([*accept, "--signer", fingerprint(public_of(key))]) == 0
    trusted = (two.pair.local.home / "config" / "certs" / "other.pem").read_text()
    assert (tmp_path / "logs-ca.pem").read_text().split() == trusted.split()

    def apply_both() -> None:
        for name in (GIVER, READER):
            assert apply_text(two.made.services, name, (tmp_path / f"{name}.yaml").read_text(), CAUSE).exit_status == 0

    apply_both()
    rotate_remote(two.made.services, READER, CAUSE, alias=ALIAS)
    asked = [("anna", "logs-1"), ("elastic", "logs-1"), ("anna", "metrics-1"), ("elastic", "metrics-1")]
    assert [two.search(*one) for one in asked] == [200, 200, 403, 403]
    found = {one.code: one.weight for one in remote_check(two.made.services, READER, alias=ALIAS).findings}
    assert (found["as-declared"], found["connected"], found["key"]) == (Weight.OK, Weight.OK, Weight.OK)
    assert "allows-differs" not in found

    (tmp_path / "logs.yaml").write_text(gives.replace("team: red", "team: blue"))
    assert cli.main(["remote", "offer", "for-orders", "later.json", "-d", "logs.yaml", "--sign-with", "key"]) == 0
    capsys.readouterr()
    assert cli.main(["remote", "accept", "later.json", "-d", "orders.yaml"]) == 0
    told = capsys.readouterr().out
    assert "this narrows: search of logs-*" in told
    assert "this widens: search of logs-*" in told
    apply_both()
    status, body = two.pair.local.ask("GET", f"/{ALIAS}:logs-1/_search")
    assert (status, body["hits"]["hits"]) == (200, [])


def test_by_certificate_each_who_reads_more_than_was_meant_is_named(two: Two) -> None:
    local, remote, old = two.pair.local, two.pair.remote, "cluster.remote.old."
    remotes = two.made.services.remotes(two.made.ledger.registration(READER))
    two.apply(GIVER, GIVES)
    two.apply(READER, READS.replace("remotes: {", "remotes: {old: {deployment: logs, model: certificate}, "))
    people = {"boss": ["superuser"], "vera": ["viewer"], "otto": ["operator"], "nobody": ["monitoring_user"]}
    try:
        for node, role, document in (
            (remote, "log_reader", {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}),
            (local, "operator", {"cluster": ["manage_security"], "run_as": ["boss"]}),
        ):
            assert node.ask("PUT", f"/_security/role/{role}", document)[0] == 200
        for user, roles in people.items():
            assert local.ask("PUT", f"/_security/user/{user}", {"password": PASSWORD, "roles": roles})[0] == 200
        remotes.connect(Connection("old", f"{LOOPBACK}:{remote.transport_port}"))

        def hardened() -> dict[str, str]:
            found = remote_harden(two.made.services, READER, alias="old", trusts="*")
            return {one.code: one.says for one in found.findings if one.weight is Weight.WRONG}

        wrong = hardened()
        assert wrong["superuser"].startswith("boss is one of the super users")
        assert "role viewer of vera" in wrong["built-in-role"]
        assert "otto may make roles of any name" in wrong["makes-roles"]
        assert "otto may act as boss" in wrong["run-as"]
        assert {"trust", "idle"} <= wrong.keys()
        reads = {
            user: local.ask("GET", "/old:metrics-1/_search", user=user, password=PASSWORD)[0]
            for user in (*people, "anna")
        }
        assert reads == {"boss": 200, "vera": 200, "otto": 403, "nobody": 403, "anna": 403}
        assert (
            local.ask("PUT", "/_cluster/settings", {"persistent": {f"{old}transport.ping_schedule": "30s"}})[0] == 200
        )
        assert "idle" not in hardened()
    finally:
        assert local.ask("PUT", "/_cluster/settings", {"persistent": {f"{old}transport.ping_schedule": None}})[0] == 200
        remotes.disconnect("old")
        for user in people:
            local.ask("DELETE", f"/_security/user/{user}")
        local.ask("DELETE", "/_security/role/operator")
        remote.ask("DELETE", "/_security/role/log_reader")


# ---------------------------------------------------------------------- the page


def test_the_page_about_remotes_quotes_what_is_printed(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command of its day, in order, on these two clusters."""
    (tmp_path / "deployments").mkdir()
    for name, text in ((GIVER, GIVES), (READER, READS)):
        (tmp_path / "deployments" / f"{name}.yaml").write_text(two.text(name, text))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the keystore tool, which is a process of its own

    monkeypatch.setattr(asking, "ask", asked_of(two.made.services))
    commands = commands_under("A day with keys")
    assert len(commands) > 4
    assert otherwise_than_it_says(commands, capsys) == []
    assert two.search() == 200
