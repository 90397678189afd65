"""Given what a file says of its key and its snapshots, then key policy, bucket and rights follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.custody.keys.key_policy import FIVE, Context, judge_policy
from portcullis.errors import BadInput

from stacks.deployments import load_all
from tests.stacks.assembly import ACCOUNT, HOME, Synthesised, listed, synthesised

OTHER_KEY = f"arn:aws:kms:{HOME}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
THEIRS = "key/99999999-2222-3333-4444-555555555555"
FILE = f"""
deployment: vault
engine: OpenSearch_3.3
domain: {{configuration: api}}
key: {{on_demand_rotation_days: 31, multi_region: true, replicas: [eu-west-1]}}
snapshots: {{key_arn: "{OTHER_KEY}", restore_sample: orders}}
"""
GIVEN = (
    FILE.replace("vault", "given")
    .replace(f'key_arn: "{OTHER_KEY}"', "bucket: a-bucket-of-ours")
    .replace(
        "{on_demand_rotation_days: 31, multi_region: true, replicas: [eu-west-1]}",
        '{arn: "arn:aws:kms:eu-central-1:111111111111:key/99999999-2222-3333-4444-555555555555"}',
    )
)

ORG_PATH = "o-abcdefghij/r-ab12/ou-ab12-11111111/*"
BOUNDED = f"""
deployment: bounded
engine: OpenSearch_3.3
domain: {{configuration: api}}
key: {{org_paths: ["{ORG_PATH}"]}}
"""
READER = """
deployment: another-vault
engine: OpenSearch_3.3
domain: {configuration: api}
snapshots: {reads: bounded}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    folder = tmp_path_factory.mktemp("vault")
    files = folder / "deployments"
    files.mkdir()
    (files / "vault.yaml").write_text(FILE)
    (files / "given.yaml").write_text(GIVEN)
    (files / "bounded.yaml").write_text(BOUNDED)
    (files / "another-vault.yaml").write_text(READER)
    return synthesised(folder / "out", HOME, deployments=str(files))


def _statements(made: Synthesised, of: str) -> list[dict[str, Any]]:
    return [one for where, one in made.identity_statements() if of in where and one["Effect"] == "Allow"]


def _plain(value: Any) -> Any:
    """A template's value with references to the account, the Region and the partition written out."""
    text = json.dumps(value)
    for name, meant in (("AWS::Partition", "aws"), ("AWS::AccountId", ACCOUNT), ("AWS::Region", HOME)):
        text = text.replace(json.dumps({"Ref": name}), json.dumps(meant))
    return json.loads(text, object_hook=_joined)


def _joined(value: dict[str, Any]) -> Any:
    parts = value.get("Fn::Join", [None, [None]])[1]
    return "".join(parts) if len(value) == 1 and all(isinstance(part, str) for part in parts) else value


def test_the_policy_of_a_key_of_ours_is_found_right_by_our_own_check(made: Synthesised) -> None:
    policy = _plain(made.one("AWS::KMS::Key", "portcullis-vault-key")["KeyPolicy"])
    found = judge_policy(policy, Context(ACCOUNT, HOME), ACCOUNT)
    assert not found.lacking
    assert not found.unsure
    assert found.grants is True
    for wrong in (found.open_to_all, found.whole_account, found.beyond, found.unbounded_grants, found.foreign):
        assert not wrong
    (use,) = [one for one in policy["Statement"] if one["Sid"] == "SearchServiceUses"]
    assert sorted(use["Action"]) == sorted(FIVE)


def test_organisation_paths_limit_use_and_grants_besides_the_account(made: Synthesised) -> None:
    """The account and the service are still asked for. A file without paths has no such condition in its key policy."""
    statements = _plain(made.one("AWS::KMS::Key", "portcullis-bounded-key")["KeyPolicy"])["Statement"]
    uses = [one for one in statements if one["Sid"].startswith("SearchService")]
    assert len(uses) == 2
    for one in uses:
        assert one["Condition"]["ForAnyValue:StringLike"] == {"aws:PrincipalOrgPaths": [ORG_PATH]}
        service = f"es.{HOME}.amazonaws.com"
        assert one["Condition"]["StringEquals"] == {"kms:CallerAccount": ACCOUNT, "kms:ViaService": service}
    unbounded = _plain(made.one("AWS::KMS::Key", "portcullis-vault-key")["KeyPolicy"])
    assert "PrincipalOrgPaths" not in json.dumps(unbounded)


def test_a_replica_is_under_the_same_policy_in_its_own_region(made: Synthesised) -> None:
    policy = json.dumps(made.one("AWS::KMS::ReplicaKey")["KeyPolicy"])
    assert "es.eu-west-1.amazonaws.com" in policy
    assert f"es.{HOME}.amazonaws.com" not in policy


def test_snapshots_under_a_key_of_their_own_outlive_the_deployments_key(made: Synthesised) -> None:
    bucket = made.one("AWS::S3::Bucket", "portcullis-vault-domain")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": OTHER_KEY, "SSEAlgorithm": "aws:kms"}
    (use,) = [one for one in _statements(made, "portcullis-vault-domain") if "kms:Decrypt" in listed(one["Action"])]
    assert use["Resource"] == OTHER_KEY


def test_given_a_bucket_then_none_is_made_and_that_one_is_used(made: Synthesised) -> None:
    assert not made.resources("AWS::S3::Bucket", "portcullis-given-domain")
    stores = [one for one in _statements(made, "portcullis-given-domain") if "s3:PutObject" in listed(one["Action"])]
    assert stores
    assert all("a-bucket-of-ours/*" in json.dumps(one["Resource"]) for one in stores)


def test_who_reads_anothers_snapshots_may_change_nothing_there(made: Synthesised) -> None:
    """The policy of the role and that of the key allow reading alone, and only through S3."""
    store = "portcullis-another-vault-snapshot-store"
    mine = [one for one in _statements(made, "portcullis-another-vault-domain") if "bounded" in json.dumps(one)]
    may = {action: json.dumps(one["Resource"]) for one in mine for action in listed(one["Action"])}
    assert may.keys() == {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}
    assert "/bounded/*" in may["s3:GetObject"]
    (decrypting,) = [one for one in mine if "kms:Decrypt" in listed(one["Action"])]
    assert decrypting["Condition"] == {"StringEquals": {"kms:ViaService": f"s3.{HOME}.amazonaws.com"}}
    policies = {name: made.one("AWS::KMS::Key", f"portcullis-{name}-key")["KeyPolicy"] for name in ("bounded", "vault")}
    (reading,) = [one for one in _plain(policies["bounded"])["Statement"] if store in json.dumps(one)]
    assert reading["Action"] == "kms:Decrypt"
    assert reading["Condition"]["StringEquals"]["kms:ViaService"] == f"s3.{HOME}.amazonaws.com"
    assert reading["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
        f"arn:aws:iam::{ACCOUNT}:role/{store}",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{store}/*",
    ]
    assert store not in json.dumps(policies["vault"]), "nobody was let to that one"


@pytest.mark.parametrize(
    ("reads", "said"),
    [("nobody", "there is no deployment 'nobody'"), ("one", "in a circle: one"), ("two", "in a circle: one, two")],
)
def test_whose_snapshots_cannot_be_read_is_refused_by_file_and_place(tmp_path: Path, reads: str, said: str) -> None:
    for name, other in (("one", reads), ("two", "one")):
        text = READER.replace("another-vault", name).replace("bounded", other)
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(BadInput, match=r"snapshots\.reads") as refused:
        load_all(tmp_path)
    assert said in str(refused.value)


def test_only_functions_that_rotate_may_rotate_and_only_keys_of_ours(made: Synthesised) -> None:
    """The right is there because a file asks for rotation on demand."""
    rotating = {where for where, one in made.identity_statements() if "kms:RotateKeyOnDemand" in listed(one["Action"])}
    assert rotating
    assert all("Rolesweep" in where or "Roleoperate" in where or "Roleremove" in where for where in rotating)
    for where, one in made.identity_statements():
        if "kms:RotateKeyOnDemand" in listed(one["Action"]):
            assert THEIRS not in json.dumps(one["Resource"]), where


def test_a_key_of_another_account_can_be_examined_but_not_deleted(made: Synthesised) -> None:
    """It is looked at before anything is built on it. Its owner alone may end it."""
    looking = [one for one in _statements(made, "Roledomainsetup") if "kms:GetKeyPolicy" in listed(one["Action"])]
    assert any(THEIRS in json.dumps(one["Resource"]) for one in looking)
    ending = [one for one in _statements(made, "Roleremove") if "kms:ScheduleKeyDeletion" in listed(one["Action"])]
    assert ending
    assert not any(THEIRS in json.dumps(one["Resource"]) for one in ending)


def test_a_key_arn_of_the_snapshots_that_is_an_alias_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault.yaml").write_text(FILE.replace(":key/11111111-2222-3333-4444-555555555555", ":alias/other"))
    with pytest.raises(BadInput, match="a bucket takes a key"):
        synthesised(tmp_path / "out", HOME, deployments=str(tmp_path))
