"""A synthesised app, as the tests look at it: templates by stack name, resources by type, policy statements with where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import synthesise

ACCOUNT = "000000000000"
HOME = "eu-central-1"

_DOMAIN = """
deployment: {name}
engine: OpenSearch_3.3
domain: {{configuration: {configuration}, deny_sql: {deny_sql}, data_nodes: {{count: {count}}}}}
"""
INTERNAL = (
    _DOMAIN.format(name="inner", configuration="internal", deny_sql="false", count=1)
    + """
key: {multi_region: true, replicas: [eu-west-1], rotation_days: 90}
alerts: {email: oncall@example.com}
custody: {sweep_minutes: 2}
access: {users: {anna: {}, berta: {secret: hr/berta}}}
"""
)
API = (
    _DOMAIN.format(name="wired", configuration="api", deny_sql="true", count=3)
    + """
key: {arn: "arn:aws:kms:us-east-1:000000000000:alias/theirs"}
identity: {iam_groups: [catalyst-support]}
break_glass: {assumed_by: ["arn:aws:iam::000000000000:user/on-call"]}
connections:
  reads: {far: "arn:aws:es:us-east-1:999999999999:domain/far"}
  read_by: ["arn:aws:es:eu-west-1:999999999999:domain/other"]
access:
  roles: {reader: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}}
  grants: [{role: reader, to: {iam_group: catalyst-support}}]
"""
)

CLUSTER = """
deployment: elastic
engine: elasticsearch-9.5
cluster:
  endpoint: search.example.internal:9200
  user: portcullis
  credential: elastic/automation
  licence: enterprise
  keystore: {elastic_cloud: {deployment: 0123456789abcdef0123456789abcdef, credential: elastic/cloud}}
  network: {cidrs: [10.20.0.0/16, "fd00::/8"], prefix_lists: [pl-0123456789abcdef0], security_groups: [sg-0123456789abcdef0]}
key: {arn: "arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555"}
identity: {cognito: {groups: {support: {}}}, iam_groups: [catalyst-support]}
break_glass: {user: on-call, secret: elastic/on-call}
custody: {end_sessions: true}
remotes: {far: {address: "far.example.internal:9443", credential: remotes/far, allows: {search: [{names: [logs-*]}]}}}
offers: {near: {search: [{names: [logs-*]}], secret: remotes/near}}
access:
  levels: {preset: layered, indices: ["catalyst-*"]}
  grants: [{level: support, to: {cognito_group: support}}, {level: support, to: {iam_group: catalyst-support}}]
  seed_users: {cloud: [{name: catalyst, level: application}]}
"""


@dataclass(frozen=True)
class Synthesised:
    folder: Path
    templates: dict[str, dict[str, Any]]

    def resources(self, kind: str, stack: str = "") -> dict[str, dict[str, Any]]:
        """Resources of a type by `stack/logical id`, of one stack if named."""
        return {
            f"{name}/{logical}": resource
            for name, template in self.templates.items()
            if stack in ("", name)
            for logical, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, stack: str = "") -> dict[str, Any]:
        """The properties of the only resource of a type."""
        (resource,) = self.resources(kind, stack).values()
        properties: dict[str, Any] = resource["Properties"]
        return properties

    def identity_statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every IAM policy that a role, a group or a person is given."""
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for where, resource in self.resources(kind).items():
                for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                    yield where, statement
        for where, resource in self.resources("AWS::IAM::Role").items():
            for policy in resource["Properties"].get("Policies", ()):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield where, statement

    def role_named(self, name: str) -> dict[str, Any]:
        (role,) = (r for r in self.resources("AWS::IAM::Role").values() if r["Properties"].get("RoleName") == name)
        properties: dict[str, Any] = role["Properties"]
        return properties

    def rule_named(self, name: str) -> dict[str, Any]:
        (rule,) = (r for r in self.resources("AWS::Events::Rule").values() if r["Properties"].get("Name") == name)
        properties: dict[str, Any] = rule["Properties"]
        return properties


def synthesised(folder: Path, region: str, **context: str) -> Synthesised:
    out = synthesise({"account": ACCOUNT, "region": region, **context}, folder)
    return Synthesised(
        out,
        {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(out.glob("*.template.json"))
        },
    )


def listed(value: str | list[str] | dict[str, Any]) -> list[Any]:
    return value if isinstance(value, list) else [value]
