"""Small cloud assemblies for tests, written by hand as `cdk synth` would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUALIFIER = "hnb659fds"  # the CDK's own


@dataclass
class Stack:
    name: str
    resources: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    region: str = "eu-central-1"
    after: tuple[str, ...] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)  # asset id -> folder
    qualifier: str = QUALIFIER


def write(folder: Path, *stacks: Stack) -> Path:
    """An assembly of these stacks in `folder`, each with an asset manifest of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts: dict[str, Any] = {}
    for stack in stacks:
        template = {
            "Parameters": {
                "BootstrapVersion": {
                    "Type": "AWS::SSM::Parameter::Value<String>",
                    "Default": f"/cdk-bootstrap/{stack.qualifier}/version",
                }
            },
            "Resources": stack.resources,
            "Outputs": {name: {"Value": value} for name, value in stack.outputs.items()},
        }
        (folder / f"{stack.name}.template.json").write_text(json.dumps(template))
        files = {
            asset: {
                "displayName": f"{stack.name}/{asset}",
                "source": {"path": str(source), "packaging": "zip"},
                "destinations": {
                    "here": {
                        "bucketName": _bucket(stack.qualifier, "${AWS::Region}"),
                        "objectKey": f"{asset}.zip",
                        "region": stack.region,
                    }
                },
            }
            for asset, source in stack.assets.items()
        }
        (folder / f"{stack.name}.assets.json").write_text(json.dumps({"version": "1", "files": files}))
        artifacts[f"{stack.name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {"file": f"{stack.name}.assets.json"},
        }
        artifacts[stack.name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{stack.region}",
            "properties": {"templateFile": f"{stack.name}.template.json"},
            "dependencies": [*stack.after, f"{stack.name}.assets"],
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    return folder


def code(bucket_region: str, asset: str, qualifier: str = QUALIFIER) -> dict[str, Any]:
    """Where a template finds an asset's bytes."""
    return {"S3Bucket": {"Fn::Sub": _bucket(qualifier, bucket_region)}, "S3Key": f"{asset}.zip"}


def _bucket(qualifier: str, region: str) -> str:
    return f"cdk-{qualifier}-assets-${{AWS::AccountId}}-{region}"


def role(*statements: Mapping[str, Any], service: str = "lambda.amazonaws.com") -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy] if statements else [],
        },
    }
