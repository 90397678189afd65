"""Given the account's file, then pages have a private bucket only if it says so, and people may write there and no function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.settings import Settings

from stacks import names
from tests.stacks.assembly import HOME, Synthesised, listed
from tests.stacks.resolved import Resolver
from tests.stacks.test_bad_input import refused
from tests.stacks.test_network import TWO, made
from tests.stacks.test_service_authorization import wrongs

AUTOMATION = f"{names.PREFIX}-automation"
KEY = "arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555"
GIVEN = f"report: {{bucket: our-pages, key_arn: '{KEY}'}}"
WRITES = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """Where the file asks for a bucket, and says no more."""
    return made(tmp_path_factory.mktemp("pages"), "report: {keep_days: 14}")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """Where it names one."""
    return made(tmp_path_factory.mktemp("given"), GIVEN)


def of_people(assembly: Synthesised) -> dict[str, list[dict[str, Any]]]:
    """What the policies for people allow, beside the doors."""
    found = {}
    for where, resource in assembly.resources("AWS::IAM::ManagedPolicy", AUTOMATION).items():
        name = str(resource["Properties"]["ManagedPolicyName"])
        statements = Resolver(assembly, HOME).fill(resource["Properties"]["PolicyDocument"]["Statement"], AUTOMATION)
        assert [wrong for one in statements for wrong in wrongs(one)] == [], where
        found[name] = [one for one in statements if one["Action"] != "lambda:InvokeFunction"]
    return found


def test_the_bucket_is_private_encrypted_and_forgets(pages: Synthesised) -> None:
    (bucket,) = pages.resources("AWS::S3::Bucket", AUTOMATION).values()
    kept, key = bucket["Properties"], next(iter(pages.resources("AWS::KMS::Key", AUTOMATION)))
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert set(kept["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(kept["PublicAccessBlockConfiguration"]) == 4
    assert kept["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert kept["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = kept["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["BucketKeyEnabled"] is True
    assert encryption["ServerSideEncryptionByDefault"] == {
        "KMSMasterKeyID": {"Fn::GetAtt": [key.rpartition("/")[2], "Arn"]},
        "SSEAlgorithm": "aws:kms",
    }
    ends, marks = kept["LifecycleConfiguration"]["Rules"]
    assert (ends["ExpirationInDays"], ends["NoncurrentVersionExpiration"]) == (14, {"NoncurrentDays": 14})
    assert (ends["Status"], "Prefix" in ends, marks["ExpiredObjectDeleteMarker"]) == ("Enabled", False, True)


def test_the_bucket_takes_tls_alone_and_no_link_for_longer_than_half_a_day(pages: Synthesised) -> None:
    (policy,) = pages.resources("AWS::S3::BucketPolicy", AUTOMATION).values()
    statements = Resolver(pages, HOME).fill(policy["Properties"]["PolicyDocument"]["Statement"], AUTOMATION)
    assert {one["Effect"] for one in statements} == {"Deny"}
    assert [wrong for one in statements if one["Action"] != "s3:*" for wrong in wrongs(one)] == []
    conditions = [one["Condition"] for one in statements]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericGreaterThan": {"s3:signatureAge": "43200000"}} in conditions


def test_its_key_is_used_through_s3_alone_and_goes_with_no_stack(pages: Synthesised) -> None:
    (key,) = pages.resources("AWS::KMS::Key", AUTOMATION).values()
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == ("RetainExceptOnCreate", True)
    statements = Resolver(pages, HOME).fill(key["Properties"]["KeyPolicy"]["Statement"], AUTOMATION)
    assert [wrong for one in statements for wrong in wrongs(one, own=True)] == []
    for one in statements:
        uses = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"} & set(listed(one["Action"]))
        through = one.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", "")
        assert not uses or through == f"s3.{HOME}.amazonaws.com", one["Sid"]


@pytest.mark.parametrize("which", ["pages", "given"])
def test_people_of_every_level_may_write_pages_and_no_function_may(which: str, request: pytest.FixtureRequest) -> None:
    assembly: Synthesised = request.getfixturevalue(which)
    found = of_people(assembly)
    assert set(found) == {f"portcullis-{level}" for level in names.LEVELS}
    for statements in found.values():
        objects, key = statements
        assert tuple(objects["Action"]) == WRITES
        assert objects["Resource"].startswith("arn:aws:s3:::")
        assert objects["Resource"].endswith("/portcullis-report/*")
        assert objects["Resource"].count("*") == 1
        assert set(key["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
        assert key["Condition"] == {"StringEquals": {"kms:ViaService": f"s3.{HOME}.amazonaws.com"}}
        assert key["Resource"] == (KEY if which == "given" else key["Resource"])
        assert ":key/" in key["Resource"]
        assert "*" not in key["Resource"]
    # The store of snapshots writes to its own bucket, in the domain's stack.
    others = [
        where
        for where, statement in assembly.identity_statements()
        if where.startswith(f"{AUTOMATION}/")
        and set(listed(statement["Action"])) & {"s3:PutObject", "s3:GetObjectVersion"}
        and "Maylook" not in where
        and "Mayact" not in where
        and "Maydelete" not in where
    ]
    assert others == []


def test_every_function_knows_where_a_page_is_so_that_alerts_name_it(pages: Synthesised) -> None:
    functions = pages.resources("AWS::Lambda::Function", AUTOMATION).values()
    given = [one["Properties"]["Environment"]["Variables"]["PORTCULLIS_REPORT_BUCKET"] for one in functions]
    (bucket,) = pages.resources("AWS::S3::Bucket", AUTOMATION)
    assert given == [{"Ref": bucket.rpartition("/")[2]}] * len(names.FUNCTIONS)
    settings = Settings.from_environment({"PORTCULLIS_LEDGER_TABLE": "l", "PORTCULLIS_REPORT_BUCKET": "pages"})
    assert settings.page_of("demo") == "pages/portcullis-report/demo/report.html"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """Where the automation writes pages, and alerts lead to them."""
    return made(tmp_path_factory.mktemp("kept"), f"{GIVEN[:-1]}, every_minutes: 30, link_minutes: 90}}")


def about_pages(assembly: Synthesised) -> dict[str, dict[str, Any]]:
    """Function -> action -> resource and condition, of what its role may do about pages."""
    found: dict[str, dict[str, Any]] = {}
    for where, statement in assembly.identity_statements():
        if not where.startswith(f"{AUTOMATION}/") or statement["Effect"] != "Allow" or "/May" in where:
            continue
        one = Resolver(assembly, HOME).fill(statement, AUTOMATION)
        resources = listed(one["Resource"])
        if any("our-pages" in at or at == KEY or at.endswith(":look") for at in map(str, resources)):
            assert list(wrongs(one)) == [], where
            role = where.split("/")[1].partition("DefaultPolicy")[0]
            for action in listed(one["Action"]):
                found.setdefault(role, {})[action] = (*resources, one.get("Condition"))
    return found


def test_who_writes_pages_may_read_none_and_who_links_to_them_may_write_none(kept: Synthesised) -> None:
    objects = "arn:aws:s3:::our-pages/portcullis-report/*"
    through = {"StringEquals": {"kms:ViaService": f"s3.{HOME}.amazonaws.com"}}
    reads = {"s3:GetObject": (objects, None), "s3:GetObjectVersion": (objects, None), "kms:Decrypt": (KEY, through)}
    door = "arn:aws:lambda:eu-central-1:000000000000:function:portcullis-operate:look"
    assert about_pages(kept) == {
        "Roleoperate": {"s3:PutObject": (objects, None), "kms:GenerateDataKey": (KEY, through)},
        "Rolesweep": {"lambda:InvokeFunction": (door, None), **reads},
        "Rolekeyguard": reads,
        "Roleidentitysync": reads,
    }


def test_who_asks_for_pages_knows_how_often_and_who_links_for_how_long(kept: Synthesised) -> None:
    told = {}
    for resource in kept.resources("AWS::Lambda::Function", AUTOMATION).values():
        given = resource["Properties"]["Environment"]["Variables"]
        settings = Settings.from_environment({name: str(value) for name, value in given.items()})
        name = str(resource["Properties"]["FunctionName"]).removeprefix("portcullis-")
        told[name] = (settings.page_minutes, settings.page_door, settings.link_minutes)
    assert told == {
        "sweep": (30, "portcullis-operate:look", 90),
        "key-guard": (0, "", 90),
        "identity-sync": (0, "", 90),
        "domain-setup": (0, "", 0),
        "operate": (0, "", 0),
        "remove": (0, "", 0),
    }


def test_a_given_bucket_is_used_and_nothing_is_made(given: Synthesised) -> None:
    assert not given.resources("AWS::S3::Bucket", AUTOMATION)
    assert not given.resources("AWS::KMS::Key", AUTOMATION)
    (objects, _) = of_people(given)["portcullis-look"]
    assert objects["Resource"] == "arn:aws:s3:::our-pages/portcullis-report/*"


def test_where_the_file_says_nothing_there_is_none(demo: Synthesised) -> None:
    assert not demo.resources("AWS::S3::Bucket", AUTOMATION)
    assert set(map(len, of_people(demo).values())) == {0}
    assert "REPORT_BUCKET" not in json.dumps(demo.templates[AUTOMATION])


BAD = {
    "report: {bucket: Our_Pages}": ("account.yaml", "report.bucket"),
    f"report: {{key_arn: '{KEY}'}}": ("account.yaml", "none is named"),
    "report: {bucket: ours, keep_days: 3}": ("account.yaml", "give that bucket a lifecycle"),
    "report: {bucket: ours, key_arn: 'arn:aws:kms:eu-central-1:000000000000:alias/a'}": ("account.yaml", "an alias"),
    "report: {every_minutes: 4}": ("account.yaml", "report.every_minutes"),
    "report: {link_minutes: 60}": ("account.yaml", "add every_minutes"),
    "report: {every_minutes: 60, link_minutes: 721}": ("account.yaml", "report.link_minutes"),
    "report: {keep_days: 0}": ("account.yaml", "report.keep_days"),
    "report: yes": ("account.yaml", "report"),
}


@pytest.mark.parametrize("text", BAD)
def test_a_bucket_that_will_not_do_is_refused_by_place(tmp_path: Path, text: str) -> None:
    refused(tmp_path, {"inner.yaml": TWO, "account.yaml": text}, *BAD[text])
