"""Assemblies are deployed, changed, left alone and taken away, in order, into several Regions; failures say why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from portcullis.errors import BadInput

from local.aws.emulator import Emulator
from local.deploy import Assembly, DeploymentFailed, deploy, destroy
from local.deploy.stacks import _in_order
from tests.local.assemblies import Stack, code, role, write

pytest_plugins = ["tests.fixtures_aws"]

TOPIC = {"Type": "AWS::SNS::Topic"}


def _function(region: str, asset: str, **more: Any) -> dict[str, Any]:
    properties = {"Runtime": "python3.12", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": code(region, asset), **more}}


@pytest.mark.aws
def test_stacks_are_deployed_in_order_and_a_second_run_changes_nothing(
    aws: Emulator, name: str, tmp_path: Path
) -> None:
    """Also in two Regions. A changed template updates its own stack only, and destroy takes them all away."""
    exporting = {"Resources": {"Topic": TOPIC}}
    base = Stack(f"{name}-base", exporting["Resources"], {"TopicArn": {"Ref": "Topic"}})
    needs = Stack(
        f"{name}-needs",
        {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}},
        after=(base.name,),
    )
    relay = Stack(f"{name}-relay", {"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}}, region="us-east-1")
    out = write(tmp_path / "out", needs, relay, base)
    told: list[str] = []
    first = deploy(out, aws, tell=told.append)
    assert first[base.name]["TopicArn"].startswith(f"arn:aws:sns:{aws.region}:{aws.account}:")
    assert first[relay.name]["Arn"].startswith("arn:aws:sns:us-east-1:")
    order = [line.split()[0] for line in told]
    assert order.index(base.name) < order.index(needs.name)
    told.clear()
    assert deploy(out, aws, tell=told.append) == first
    assert all(" unchanged " in line for line in told)
    changed = Stack(f"{name}-base", {"Topic": TOPIC, "Second": TOPIC}, {"TopicArn": {"Ref": "Topic"}})
    told.clear()
    assert deploy(write(tmp_path / "out", needs, relay, changed), aws, tell=told.append) == first
    assert sorted(line.split()[2] for line in told) == ["unchanged", "unchanged", "updated"]
    destroy(out, aws)
    for stack in (base, needs, relay):
        with pytest.raises(ClientError, match="does not exist"):
            aws.client("cloudformation", region=stack.region).describe_stacks(StackName=stack.name)
    destroy(out, aws)


@pytest.mark.aws
def test_a_failed_stack_names_the_reason_and_its_followers_do_not_start(
    aws: Emulator, name: str, tmp_path: Path
) -> None:
    """Once mended, both are deployed."""
    gateway = {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-none"}}
    broken = Stack(f"{name}-broken", {"Topic": TOPIC, "Nat": gateway})
    follower = Stack(f"{name}-follower", {"Topic": TOPIC}, after=(broken.name,))
    with pytest.raises(
        DeploymentFailed, match=r"Nat \(AWS::EC2::NatGateway\): The subnet ID 'subnet-none' does not exist"
    ):
        deploy(write(tmp_path / "out", broken, follower), aws)
    with pytest.raises(ClientError, match="does not exist"):
        aws.client("cloudformation").describe_stacks(StackName=follower.name)
    mended = Stack(broken.name, {"Topic": TOPIC})
    assert deploy(write(tmp_path / "out", mended, follower), aws).keys() == {broken.name, follower.name}


@pytest.mark.aws
def test_an_assembly_with_another_bootstrap_qualifier_can_be_deployed(aws: Emulator, name: str, tmp_path: Path) -> None:
    """The bucket and the version parameter that the assembly names are there."""
    source, qualifier = tmp_path / "fn", "ours4711"
    source.mkdir()
    (source / "index.py").write_text("def handler(event, context):\n    return 'here'\n")
    function = _function(aws.region, f"{name}-fn", FunctionName=name)
    function["Properties"]["Code"] = code(aws.region, f"{name}-fn", qualifier)
    stack = Stack(name, {"Role": role(), "Fn": function}, assets={f"{name}-fn": source}, qualifier=qualifier)
    out = write(tmp_path / "out", stack)
    deploy(out, aws)
    assert aws.client("lambda").invoke(FunctionName=name)["Payload"].read() == b'"here"'
    parameter = aws.client("ssm").get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")["Parameter"]
    assert int(parameter["Value"]) >= 6
    destroy(out, aws)


@pytest.mark.aws
def test_an_unknown_resource_type_is_refused_and_never_skipped(aws: Emulator, name: str, tmp_path: Path) -> None:
    """The error names the type."""
    unknown = Stack(name, {"Topic": TOPIC, "Odd": {"Type": "AWS::Nonsense::Thing"}})
    with pytest.raises(DeploymentFailed, match=r"Unrecognized resource types: \[AWS::Nonsense::Thing\]"):
        deploy(write(tmp_path / "out", unknown), aws)


@pytest.mark.aws
def test_a_stack_succeeds_or_fails_as_its_custom_resource_answers(aws: Emulator, name: str, tmp_path: Path) -> None:
    """Created and updated it gives its data. A failure has the reason that the function gave."""
    source = tmp_path / "fn"
    source.mkdir()
    (source / "index.py").write_text(
        "import json, urllib.request\n"
        "def handler(event, context):\n"
        "    bad = event['ResourceProperties'].get('Fail') == 'yes'\n"
        "    body = {k: event[k] for k in ('StackId', 'RequestId', 'LogicalResourceId')}\n"
        "    body |= {'Status': 'FAILED' if bad else 'SUCCESS', 'Reason': 'the engine said no', 'PhysicalResourceId': 'mine',\n"
        "             'Data': {'Seen': event['RequestType']}}\n"
        "    call = urllib.request.Request(event['ResponseURL'], json.dumps(body).encode(), method='PUT')\n"
        "    urllib.request.urlopen(call)\n"
    )

    def stack(fail: str, version: str) -> Stack:
        properties = {"ServiceToken": {"Fn::GetAtt": ["Fn", "Arn"]}, "Fail": fail, "Version": version}
        resources = {
            "Role": role(),
            "Fn": _function(aws.region, f"{name}-fn"),
            "Setup": {"Type": "Custom::Setup", "Properties": properties},
        }
        return Stack(name, resources, {"Seen": {"Fn::GetAtt": ["Setup", "Seen"]}}, assets={f"{name}-fn": source})

    assert deploy(write(tmp_path / "out", stack("no", "1")), aws) == {name: {"Seen": "Create"}}
    assert deploy(write(tmp_path / "out", stack("no", "2")), aws) == {name: {"Seen": "Update"}}
    with pytest.raises(DeploymentFailed, match="the engine said no"):
        deploy(write(tmp_path / "out", stack("yes", "3")), aws)
    destroy(tmp_path / "out", aws)


@pytest.mark.aws
def test_swapping_an_asset_the_assembly_does_not_have_is_bad_input(aws: Emulator, name: str, tmp_path: Path) -> None:
    """The error names the asset."""
    out = write(tmp_path / "out", Stack(name, {"Topic": TOPIC}))
    with pytest.raises(BadInput, match="no asset layer to swap"):
        deploy(out, aws, swap_assets={"layer": tmp_path})


def test_reading_an_assembly_finds_its_layers_regions_and_order(tmp_path: Path) -> None:
    """Also the bucket into which each asset goes."""
    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": code("eu-central-1", "l1")}}
    (tmp_path / "l1").mkdir()
    (tmp_path / "f1").mkdir()
    one = Stack("one", {"Layer": layer}, assets={"l1": tmp_path / "l1", "f1": tmp_path / "f1"})
    out = write(tmp_path / "out", one, Stack("two", {"Topic": TOPIC}, region="us-east-1", after=("one",)))
    assembly = Assembly.read(out, account="111122223333", region="eu-central-1")
    assert assembly.layers().keys() == {"l1"}
    assert {s.name: s.region for s in assembly.stacks.values()} == {"one": "eu-central-1", "two": "us-east-1"}
    assert "one" in assembly.stacks["two"].after
    assert assembly.assets["f1"].destinations[0].bucket == "cdk-hnb659fds-assets-111122223333-eu-central-1"


def test_reading_a_stage_finds_the_stacks_of_its_nested_assembly(tmp_path: Path) -> None:
    """A CDK stage keeps its stacks in an assembly of its own."""
    write(tmp_path / "out" / "assembly-prod", Stack("inner", {"Topic": TOPIC}))
    artifact = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-prod"}}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps({"artifacts": {"assembly-prod": artifact}}))
    assembly = Assembly.read(tmp_path / "out", account="111122223333", region="eu-central-1")
    assert [stack.name for stack in assembly.stacks.values()] == ["inner"]


def test_a_folder_that_is_no_assembly_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """The error says to run `cdk synth` first."""
    with pytest.raises(BadInput, match="run `cdk synth` first"):
        Assembly.read(tmp_path, account="111122223333", region="eu-central-1")


def test_given_the_same_folder_when_zipped_twice_then_the_bytes_are_the_same(tmp_path: Path) -> None:
    source = tmp_path / "fn"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "a.py").write_text("x = 1\n")
    out = write(tmp_path / "out", Stack("one", {"Topic": TOPIC}, assets={"f1": source}))
    asset = Assembly.read(out, account="111122223333", region="eu-central-1").assets["f1"]
    first = asset.body()
    (source / "sub" / "a.py").touch()
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert asset.body() == first


def _work(ran: list[str], name: str) -> Callable[[], dict[str, str]]:
    def run() -> dict[str, str]:
        ran.append(name)
        if name == "bad":
            raise ValueError("bad")
        return {"name": name}

    return run


def test_nothing_starts_before_what_it_depends_on() -> None:
    """Four pieces of work, one of which waits for two others."""
    after = {"d": {"b", "c"}, "b": {"a"}, "c": {"a"}, "a": set[str]()}
    ran: list[str] = []
    done = _in_order(after, {name: _work(ran, name) for name in after})
    assert ran[0] == "a"
    assert ran[-1] == "d"
    assert done.keys() == after.keys()


def test_given_a_piece_that_fails_when_run_then_what_follows_it_is_not_begun() -> None:
    after = {"bad": set[str](), "next": {"bad"}, "last": {"next"}}
    ran: list[str] = []
    with pytest.raises(ValueError, match="bad"):
        _in_order(after, {name: _work(ran, name) for name in after})
    assert ran == ["bad"]


def test_given_a_circle_when_run_then_it_is_named() -> None:
    with pytest.raises(BadInput, match="a, b"):
        _in_order({"a": {"b"}, "b": {"a"}}, {"a": _work([], "a"), "b": _work([], "b")})
