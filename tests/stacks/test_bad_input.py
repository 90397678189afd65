"""Given input that will not do, when the app is run as CDK runs it, then there is one clear line, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks.assembly import API, INTERNAL

ROOT = Path(__file__).resolve().parents[2]
PLACE = ("-c", "account=000000000000", "-c", "region=eu-central-1")


def run(*arguments: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDK_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments], capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stderr


def refused(tmp_path: Path, files: dict[str, str], *says: str) -> None:
    folder = tmp_path / "deployments"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    status, told = run(*PLACE, "-c", f"deployments={folder}", "-o", str(tmp_path / "out"))
    assert status == 2, told
    assert told.startswith("portcullis: ")
    assert told.count("\n") == 1
    for part in says:
        assert part in told
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_is_named_with_its_file(tmp_path: Path) -> None:
    refused(tmp_path, {"a.yaml": INTERNAL + "\ncolour: red\n"}, "a.yaml", "colour")


def test_no_deployment_at_all(tmp_path: Path) -> None:
    refused(tmp_path, {}, "no deployment file", "-c deployments=")


def test_one_name_in_two_files(tmp_path: Path) -> None:
    refused(tmp_path, {"a.yaml": API, "b.yaml": API}, "b.yaml", "'wired'", "a.yaml")


def test_two_deployments_that_ask_for_one_role(tmp_path: Path) -> None:
    pooled = INTERNAL.replace("inner", "blue") + "identity: {cognito: {groups: {sky-master: {role: true}}}}\n"
    refused(
        tmp_path, {"a.yaml": pooled, "b.yaml": API.replace("wired", "blue-sky")}, "portcullis-blue-sky-master", "twice"
    )


def test_roles_that_differ_by_case_alone_are_one_to_iam(tmp_path: Path) -> None:
    groups = "identity: {cognito: {groups: {readers: {role: true}, Readers: {role: true}}}}\n"
    refused(tmp_path, {"a.yaml": INTERNAL + groups}, "portcullis-inner-", "twice")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (API.replace("allowed_actions", "dls: region=eu, allowed_actions"), ("line 13", "[dls-invalid]")),
        (API + "assertions: [nobody outside group ops reads logs-*]\n", ("assertions[0]", "catalyst-support")),
    ],
    ids=["an error of check", "an assertion that the file does not keep"],
)
def test_what_check_refuses_is_not_deployed_either(tmp_path: Path, changed: str, says: tuple[str, ...]) -> None:
    """Whoever only deploys is stopped by the same sentence, before there is a template."""
    refused(tmp_path, {"wired.yaml": changed}, "wired.yaml", *says)


@pytest.mark.parametrize("name", ["my-aws-logs", "amazonas", "cognito-demo"])
def test_a_sign_in_page_whose_name_cognito_would_refuse(tmp_path: Path, name: str) -> None:
    pooled = INTERNAL.replace("inner", name) + "identity: {cognito: {groups: {readers: {}}}}\n"
    refused(tmp_path, {"a.yaml": pooled}, "a.yaml", "deployment", "sign-in page")


def test_a_key_alias_of_another_account_is_refused(tmp_path: Path) -> None:
    """The key behind it could never be looked at. The error asks for the key's own ARN."""
    theirs = API.replace("000000000000:alias/theirs", "111111111111:alias/theirs")
    refused(tmp_path, {"a.yaml": theirs}, "a.yaml", "key.arn", "alias of another account", "by its own ARN")


KEY = "arn:aws:kms:us-west-2:000000000000:key/12345678-1234-1234-1234-123456789012"
SIGNED = "deployment: wired\nengine: OpenSearch_3.3\ndomain: {configuration: api}\n"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.yaml": f"{SIGNED}key: {{arn: '{KEY}'}}\n"}, ("a.yaml", "key.arn", "is in us-west-2")),
        ({"a.yaml": f"{SIGNED}snapshots: {{key_arn: '{KEY}'}}\n"}, ("a.yaml", "snapshots.key_arn", "is in us-west-2")),
        (
            {"a.yaml": f"{SIGNED}key: {{multi_region: true, replicas: [eu-west-1, eu-central-1]}}\n"},
            ("a.yaml", "key.replicas", "eu-central-1 is where the key itself is made"),
        ),
        (
            {"a.yaml": SIGNED, "account.yaml": f"report: {{bucket: pages-of-ours, key_arn: '{KEY}'}}\n"},
            ("account.yaml", "report.key_arn", "is in us-west-2"),
        ),
        (
            {"a.yaml": SIGNED, "account.yaml": "network: {zones: [eu-central-1a, eu-west-1b]}\n"},
            ("account.yaml", "network.zones", "eu-west-1b", "is in eu-west-1"),
        ),
        (
            {
                "a.yaml": SIGNED,
                "account.yaml": "network: {vpc: vpc-0123456789abcdef0, callers: {cidrs: [10.0.0.0/8]}, subnets: {domains: {us-east-1a:"
                " subnet-0aaaaaaaaaaaaaaa1, us-east-1b: subnet-0aaaaaaaaaaaaaaa2}, functions: {us-east-1a: subnet-0aaaaaaaaaaaaaaa3}}}\n",
            },
            ("account.yaml", "network.subnets.domains", "us-east-1a"),
        ),
    ],
)
def test_what_is_named_in_another_region_is_refused(
    tmp_path: Path, files: dict[str, str], says: tuple[str, ...]
) -> None:
    refused(tmp_path, files, *says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-c", "region=eu-central-1"), "account"),
        (("-c", "account=12", "-c", "region=eu-central-1"), "twelve digits"),
        (("-c", "account=000000000000", "-c", "region=Frankfurt"), "Region"),
        (("-c", "account=000000000000", "-c", "region=cn-north-1"), "aws-cn"),
        (("-c", "account=000000000000", "-c", "region=us-gov-west-1"), "aws-us-gov"),
        ((*PLACE, "-c", "trail=none"), "own or existing"),
        ((*PLACE, "-c", "nonsense"), "NAME=VALUE"),
    ],
)
def test_context_that_will_not_do(arguments: tuple[str, ...], says: str) -> None:
    status, told = run(*arguments)
    assert status == 2
    assert told.startswith("portcullis: ")
    assert told.count("\n") == 1
    assert says in told
