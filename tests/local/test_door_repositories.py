"""Snapshot repositories of type s3 at the door: what becomes of a registration, who may make one, and that it can be used."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.door import repositories
from local.door.answers import Refused
from local.door.asked import Asked
from local.door.spec import Spec
from tests.local.door_world import ACCOUNT, ARN, DOMAIN, REGION, World

pytest_plugins = ["tests.local.fixtures_door"]

BUCKET = "kept-snapshots"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
STORE = f"arn:aws:iam::{ACCOUNT}:role/store"
SETTINGS = {"bucket": BUCKET, "region": REGION, "role_arn": STORE, "base_path": "logs/daily"}
JSON = {"content-type": "application/json; charset=utf-8"}
HOME = Path()
SPEC = Spec(0, DOMAIN, REGION, ACCOUNT, "", HOME, HOME, HOME, HOME, HOME)


# ------------------------------------------------------------------ pure: what is asked, and where it goes
@pytest.mark.parametrize(
    ("bucket", "base_path", "place"),
    [
        ("kept", "", "kept"),
        ("kept.here-1", "demo", "kept.here-1/demo"),
        ("kept", "a/b.c/d-e", "kept/a/b.c/d-e"),
        ("a..b", "c..d", "a..b/c..d"),
    ],
)
def test_bucket_and_base_path_make_a_folder(bucket: str, base_path: str, place: str) -> None:
    assert repositories.location(bucket, base_path) == place


HOSTILE = [
    *("..", ".", "../up", "a/../..", "a/./b", "/etc", "/", "a/", "a//b", "a\\..\\b", "..\\up", ".hidden", "a/.b", "-a"),
    *("A", "a b", "a\n", "\na", "a\0", "a\u2024\u2024/b", "\u00e4", "%2e%2e", "a/%2e%2e/b", "~", "a:b", "a" * 128, "a/" * 256 + "a"),
]  # fmt: skip


@pytest.mark.parametrize("base_path", HOSTILE)
def test_a_base_path_that_could_lead_elsewhere_is_refused(base_path: str) -> None:
    with pytest.raises(Refused) as refused:
        repositories.location("kept", base_path)
    assert refused.value.status == 400


@pytest.mark.parametrize("bucket", ["", "..", ".a.", "a", "ab", "a/b", "../kept", "Kept", "kept/", "kept\n", "a" * 64])
def test_a_bucket_that_can_be_none_is_refused(bucket: str) -> None:
    with pytest.raises(Refused) as refused:
        repositories.location(bucket, "demo")
    assert refused.value.status == 400


def asked(method: str, path: str, headers: dict[str, str] | None = None) -> Asked:
    return Asked(method, path, "", JSON if headers is None else headers, "127.0.0.1")


S3 = json.dumps({"type": "s3", "settings": SETTINGS})


@pytest.mark.parametrize(
    ("request_", "body", "is_one"),
    [
        (asked("PUT", "/_snapshot/mine"), S3, True),
        (asked("POST", "/_snapshot/mine/"), S3, True),
        (asked("PUT", "/%5Fsnapshot/m%69ne"), S3, True),
        (asked("PUT", "/_snapshot/mine/first"), S3, False),
        (asked("PUT", "/_snapshot%2Fmine"), S3, False),
        (asked("PUT", "/_snapshot"), S3, False),
        (asked("PUT", "/"), S3, False),
        (asked("PUT", "/i/_snapshot/mine"), S3, False),
        (asked("GET", "/_snapshot/mine"), S3, False),
        (asked("PUT", "/_snapshot/mine", {"content-type": "application/yaml"}), S3, False),
        (asked("PUT", "/_snapshot/mine", {**JSON, "content-encoding": "gzip"}), S3, False),
        (asked("PUT", "/_snapshot/mine"), json.dumps({"type": "fs", "settings": SETTINGS}), False),
        (asked("PUT", "/_snapshot/mine"), json.dumps({"type": ["s3"], "settings": SETTINGS}), False),
        (asked("PUT", "/_snapshot/mine"), S3[:-1], False),
        (asked("PUT", "/_snapshot/mine"), "[" * 200_000, False),
        (asked("PUT", "/_snapshot/mine"), S3 + " " * repositories.LARGEST, False),
    ],
)
def test_only_a_registration_of_type_s3_is_read_as_one(request_: Asked, body: str, is_one: bool) -> None:
    half = len(body) // 2
    found = repositories.asked_for(request_, [body[:half].encode(), body[half:].encode()])
    assert found == (SETTINGS if is_one else None)


@pytest.mark.parametrize("settings", [None, "text", [], {"bucket": ["a"]}, {"bucket": {"a": "b"}}, {"bucket": None}])
def test_settings_that_are_none_are_refused(settings: Any) -> None:
    body = json.dumps({"type": "s3", "settings": settings}).encode()
    with pytest.raises(Refused) as refused:
        repositories.asked_for(asked("PUT", "/_snapshot/mine"), [body])
    assert refused.value.status == 400


def test_what_was_registered_comes_back_as_the_node_shows_settings() -> None:
    given = {"type": "s3", "settings": {**SETTINGS, "readonly": True, "server_side_encryption": False, "n": 5}}
    settings = repositories.asked_for(asked("PUT", "/_snapshot/mine"), [json.dumps(given).encode()])
    assert settings is not None
    told = repositories.for_node(settings)
    place = f"{BUCKET}/logs/daily"
    assert {name: value for name, value in told["settings"].items() if name != repositories.KEPT} == {
        "location": place,
        "readonly": "true",
    }
    other = {"type": "fs", "settings": {"location": "elsewhere"}}
    back = json.loads(repositories.shown(json.dumps({"mine": told, "other": other}).encode()))
    shown = {**SETTINGS, "readonly": "true", "server_side_encryption": "false", "n": "5"}
    assert back == {"mine": {"type": "s3", "settings": shown}, "other": other}


@pytest.mark.parametrize(
    "content",
    [
        "---\nmine: 1\n",
        "[ ]",
        '{ "mine": {"type": "fs", "settings": {"location": "x"}} }',
        '{ "mine": {"type": "fs", "settings": {"registered_as_s3": "{"}} }',
        '{ "mine": {"type": "fs", "settings": {"registered_as_s3": "[1]"}} }',
        '{ "mine": {"type": "fs", "settings": {"registered_as_s3": "{\\"a\\": 1}"}} }',
        '{ "mine": {"type": "fs", "settings": {"registered_as_s3": 7}} }',
        '{ "mine": {"type": "fs"} }',
        '{ "mine": {"type": "s3", "settings": {"registered_as_s3": "{\\"a\\": \\"b\\"}"}} }',
        '{ "error": {"type": "repository_missing_exception"}, "status": 404 }',
        '{ "snapshots": [{"type": "fs"}] }',
    ],
)
def test_an_answer_without_such_a_repository_stays_what_it_is(content: str) -> None:
    assert repositories.shown(content.encode()) == content.encode()


ES = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "sts:AssumeRole"}
MINE = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": ARN}}
TRUST: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "the service": ([ES], True),
    "its newer name": (
        [{**ES, "Principal": {"Service": ["a.amazonaws.com", "opensearchservice.amazonaws.com"]}}],
        True,
    ),
    "for this domain": ([{**ES, "Condition": MINE}], True),
    "for another domain": ([{**ES, "Condition": {**MINE, "ArnLike": {"aws:SourceArn": ARN + "-2"}}}], False),
    "for another account": ([{**ES, "Condition": {"StringEquals": {"aws:SourceAccount": "999988887777"}}}], False),
    "another service": ([{**ES, "Principal": {"Service": "ec2.amazonaws.com"}}], False),
    "the account": ([{**ES, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}], False),
    "anybody, who is no service": ([{**ES, "Principal": "*"}], False),
    "another action": ([{**ES, "Action": "sts:TagSession"}], False),
    "the service, and then not": ([ES, {**ES, "Effect": "Deny"}], False),
    "the service, and then nobody": ([ES, {**ES, "Effect": "Deny", "Principal": "*"}], False),
    "but elsewhere": ([ES, {**ES, "Effect": "Deny", "Condition": {"ArnNotEquals": {"aws:SourceArn": ARN}}}], True),
    "by a condition that nobody knows": ([ES, {**ES, "Effect": "Deny", "Condition": {"A": {"b": "c"}}}], False),
    "nobody": ([], False),
}


@pytest.mark.parametrize("what", TRUST)
def test_the_role_has_to_trust_the_service(what: str) -> None:
    statements, trusted = TRUST[what]
    for document in ({"Statement": statements}, json.dumps({"Statement": statements})):
        assert repositories.trusts(document, SPEC) is trusted


# ------------------------------------------------------------------ on a real node, behind the door
real = [pytest.mark.node, pytest.mark.aws]
MAY_PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": STORE}


@pytest.fixture
def estate(each_world: World) -> Iterator[World]:
    """A bucket, the role that Amazon's service would take, and nothing registered afterwards."""
    world = each_world
    world.aws.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    world.role("store", Principal={"Service": "es.amazonaws.com"}, Condition=MINE)
    may_store(world, "s3:*")
    world.role("stranger")
    yield world
    for name in world.node.ask("GET", "/_snapshot")[1]:
        world.node.ask("DELETE", f"/_snapshot/{name}")
    for index in ("sales", "back-sales"):
        world.node.ask("DELETE", f"/{index}")
    world.aws.client("s3").delete_bucket(Bucket=BUCKET)


def may_store(world: World, *actions: str, **more: Any) -> None:
    """What the role that Amazon's service takes may do."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.aws.client("iam").put_role_policy(RoleName="store", PolicyName="p", PolicyDocument=document)


def taker(world: World, name: str = "taker", *statements: dict[str, Any]) -> requests.Session:
    """A role that the engine lets manage snapshots, with these policies of its own."""
    role = world.role(name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        world.aws.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    mapping = {"backend_roles": [f"arn:aws:iam::{ACCOUNT}:role/{one}" for one in {"taker", name}]}
    assert world.master.put("/_plugins/_security/api/rolesmapping/manage_snapshots", json=mapping).ok
    return world.signed(world.session(role))


def register(session: requests.Session, name: str = "mine", **settings: Any) -> requests.Response:
    return session.put(f"/_snapshot/{name}", json={"type": "s3", "settings": {**SETTINGS, **settings}})


def folders(world: World) -> set[str]:
    return {str(one.relative_to(world.node.repository)) for one in world.node.repository.rglob("*") if one.is_dir()}


class TestOnNode:
    pytestmark = real

    def test_a_snapshot_is_taken_listed_and_restored_under_another_name(self, estate: World) -> None:
        """Registering twice changes nothing. A repository that is readonly takes no snapshot, and one that is deleted is not listed."""
        session = taker(estate, "taker", MAY_PASS)
        for number in range(5):
            assert estate.master.put(f"/sales/_doc/{number}?refresh=true", json={"number": number}).status_code == 201
        answer = register(session)
        assert (answer.status_code, answer.json()) == (200, {"acknowledged": True})
        shown = {"mine": {"type": "s3", "settings": SETTINGS}}
        assert session.get("/_snapshot/mine").json() == shown
        assert session.get("/_snapshot?pretty").json() == shown
        assert session.get("/_snapshot/_all", headers={"Accept-Encoding": "gzip"}).json() == shown
        assert estate.node.ask("GET", "/_snapshot/mine")[1]["mine"]["type"] == "fs"
        assert session.post("/_snapshot/mine/_verify").status_code == 200
        body = {"indices": "sales", "include_global_state": False}
        taken = session.put("/_snapshot/mine/first?wait_for_completion=true", json=body)
        assert taken.json()["snapshot"]["state"] == "SUCCESS"
        assert f"{BUCKET}/logs/daily/indices" in folders(estate)
        listed = session.get("/_snapshot/mine/_all").json()["snapshots"]
        assert [(one["snapshot"], one["indices"]) for one in listed] == [("first", ["sales"])]
        body |= {"rename_pattern": "(.+)", "rename_replacement": "back-$1"}
        assert session.post("/_snapshot/mine/first/_restore?wait_for_completion=true", json=body).status_code == 200
        assert estate.master.get("/back-sales/_count").json()["count"] == 5
        assert register(session).status_code == 200, "again changes nothing"
        assert len(session.get("/_snapshot/mine/_all").json()["snapshots"]) == 1
        assert register(session, "reader", readonly=True).status_code == 200
        refused = session.put("/_snapshot/reader/second", json={})
        assert (refused.status_code, "readonly" in refused.text) == (500, True)
        assert len(session.get("/_snapshot/reader/_all").json()["snapshots"]) == 1
        assert session.get("/_snapshot/reader").json()["reader"]["settings"]["readonly"] == "true"
        assert session.get("/_snapshot/none").status_code == 404
        assert session.delete("/_snapshot/mine").status_code == 200
        assert set(session.get("/_snapshot").json()) == {"reader"}

    def test_it_takes_the_callers_own_leave_to_pass_the_role_on(self, estate: World) -> None:
        passing = {
            "bare": ([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}], 403),
            "another-role": ([{**MAY_PASS, "Resource": f"{STORE}-2"}], 403),
            "forbidden": ([MAY_PASS, {**MAY_PASS, "Effect": "Deny", "Resource": "*"}], 403),
            "elsewhere": (
                [{**MAY_PASS, "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}],
                403,
            ),
            "to-here": (
                [{**MAY_PASS, "Condition": {"StringEquals": {"iam:PassedToService": "es.amazonaws.com"}}}],
                200,
            ),
        }
        for name, (statements, status) in passing.items():
            answer = register(taker(estate, name, *statements))
            assert answer.status_code == status, (name, answer.text)
            if status == 403:
                who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/test"
                said = f"User: {who} is not authorized to perform: iam:PassRole on resource: {STORE}"
                assert answer.json() == {"Message": said}
        # Leave to pass the role on is no leave to manage snapshots: that is the engine's to say, of what it is handed.
        user = estate.signed(estate.user("passer", policy={"Statement": [MAY_PASS]}))
        refused = register(user, "theirs")
        assert refused.status_code == 403
        assert "cluster:admin/repository/put" in refused.text

    def test_role_and_bucket_have_to_be_there(self, estate: World) -> None:
        stranger, gone, pathed = (f"arn:aws:iam::{ACCOUNT}:role/{one}" for one in ("stranger", "gone", "path/store"))
        session = taker(estate, "taker", {**MAY_PASS, "Resource": [STORE, stranger, gone, pathed]})
        for settings, said in (
            ({"role_arn": ""}, "settings.role_arn is needed for snapshot registration."),
            ({"role_arn": "store"}, "Bad Request: settings.role_arn is not the ARN of a role"),
            ({"role_arn": "arn:aws:iam::999988887777:role/store"}, "Cross-account pass role is not allowed."),
            (
                {"role_arn": stranger},
                f"The role {stranger} is not there, or does not trust es.amazonaws.com for {ARN}.",
            ),
            ({"role_arn": gone}, f"The role {gone} is not there, or does not trust es.amazonaws.com for {ARN}."),
            ({"role_arn": pathed}, f"The role {pathed} is not there, or does not trust es.amazonaws.com for {ARN}."),
            ({"bucket": "not-there"}, "The specified bucket does not exist: not-there"),
        ):
            answer = register(session, **settings)
            body = answer.json()
            assert (answer.status_code, body.get("Message", body.get("message"))) == (400, said)
        assert estate.node.ask("GET", "/_snapshot") == (200, {})

    def test_the_snapshot_role_needs_both_policies_for_bucket_and_key(self, estate: World) -> None:
        """What it lacks is named: in its own policy, in the policy of the bucket, or in that of the key."""
        session, s3, kms = taker(estate, "taker", MAY_PASS), estate.aws.client("s3"), estate.aws.client("kms")
        reads, writes = ("s3:ListBucket", "s3:GetObject"), ("s3:PutObject", "s3:DeleteObject")

        def lacks(readonly: bool = False) -> str:
            answer = register(session, "reader" if readonly else "mine", readonly=readonly)
            message = answer.json().get("Message", "")
            assert answer.status_code == (400 if message else 200), answer.text
            return str(message.partition("not authorized to perform: ")[2].partition(" on ")[0])

        may_store(estate, "s3:ListBucket")
        assert lacks(readonly=True) == "s3:GetObject"
        may_store(estate, *reads)
        assert (lacks(readonly=True), lacks()) == ("", "s3:PutObject")
        may_store(estate, *reads, *writes)
        assert lacks() == ""
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS}
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
        assert lacks(readonly=True) == "s3:GetObject"
        s3.delete_bucket_policy(Bucket=BUCKET)

        # A bucket under a key: by the role's own policy and the key's, and only through S3.
        key = kms.create_key()["KeyMetadata"]
        under = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": under}]}
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
        assert lacks(readonly=True) == "kms:Decrypt"
        may_store(estate, *reads, *writes, "kms:Decrypt", "kms:GenerateDataKey")
        assert (lacks(readonly=True), lacks()) == ("", "")
        through = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
        for principal, condition, lacking in (
            (f"{STORE}-2", through, "kms:Decrypt"),
            (STORE, {"StringEquals": {"kms:ViaService": f"es.{REGION}.amazonaws.com"}}, "kms:Decrypt"),
            (STORE, through, ""),
        ):
            only = {**through, "ArnLike": {"aws:PrincipalArn": principal}, **condition}
            root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            uses = {"Effect": "Allow", "Principal": root, "Action": "kms:Decrypt", "Resource": "*", "Condition": only}
            keeps = {"Effect": "Allow", "Principal": root, "Action": "kms:Put*", "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [uses, keeps]})
            kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy)
            assert lacks(readonly=True) == lacking, principal

    def test_no_base_path_leads_out_of_the_folder(self, estate: World) -> None:
        session = taker(estate, "taker", MAY_PASS)
        before = folders(estate)
        for base_path in HOSTILE:
            assert register(session, base_path=base_path).status_code == 400, base_path
        assert register(session, bucket="../repo").status_code == 400
        assert folders(estate) == before
        assert estate.node.ask("GET", "/_snapshot") == (200, {})

    def test_the_signature_is_over_the_body_as_it_was_sent(self, estate: World) -> None:
        session = taker(estate, "taker", MAY_PASS)
        signed = session.prepare_request(
            requests.Request(
                "PUT", estate.url + "/_snapshot/mine", json={"type": "s3", "settings": {**SETTINGS, "base_path": "a"}}
            )
        )
        assert isinstance(signed.body, bytes)
        changed = signed.copy()
        changed.body = signed.body.replace(b'"base_path": "a"', b'"base_path": "b"')
        assert changed.body != signed.body
        assert session.send(changed, verify=str(estate.ca)).status_code == 403
        assert estate.node.ask("GET", "/_snapshot") == (200, {})
        assert session.send(signed, verify=str(estate.ca)).status_code == 200
        assert session.get("/_snapshot/mine").json()["mine"]["settings"]["base_path"] == "a"

    def test_every_other_request_reaches_the_node_as_it_was_sent(self, estate: World) -> None:
        session = taker(estate, "taker", MAY_PASS)
        plain = {"type": "fs", "settings": {"location": "plain"}}
        assert session.put("/_snapshot/plain", json=plain).status_code == 200
        assert session.get("/_snapshot/plain").json() == {"plain": plain}
        assert session.get("/_snapshot/_status").json() == {"snapshots": []}
        sent = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        unread = session.put("/_snapshot/unread", data=gzip.compress(S3.encode()), headers=sent)
        assert (unread.status_code, "repository type [s3] does not exist" in unread.text) == (500, True)
        assert (
            session.put("/_snapshot/broken", data=S3[:-1], headers={"Content-Type": "application/json"}).status_code
            == 400
        )
