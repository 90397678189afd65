"""Templates with their references filled in, as far as a policy needs it: the ARN or the name that CloudFormation would put there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.stacks.assembly import ACCOUNT, Synthesised, listed

_ID = "x1"
# What `Fn::GetAtt Arn` (and for some types `Ref`) gives, by type: as the CloudFormation reference has it.
_ARNS = {
    "AWS::Cognito::UserPool": "cognito-idp:{region}:{account}:userpool/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Alias": "lambda:{region}:{account}:function:f:{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}-abcdef",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}
_ARN_BY_REF = {
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::Alias",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
}
_OTHER_ATTRIBUTES = {
    *("GroupId", "Name", "QueueName", "TopicName", "DomainEndpoint", "Id", "UserPoolId", "DefaultSecurityGroup"),
}


@dataclass(frozen=True)
class Resolver:
    assembly: Synthesised
    region: str
    unknown: str = _ID  # for what only AWS will name

    def fill(self, value: Any, stack: str) -> Any:
        """A value with every intrinsic function replaced by what it stands for; KeyError names a type that is not known here."""
        if isinstance(value, list):
            return [self.fill(one, stack) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._ref(argument, stack)
            if name == "Fn::GetAtt":
                return self._attribute(argument, stack)
            if name == "Fn::Join":
                return argument[0].join(str(one) for one in self.fill(argument[1], stack))
            if name == "Fn::ImportValue":
                return self._imported(argument)
            if name == "Fn::Select":
                return self.fill(argument[1], stack)[int(argument[0])]
            if name == "Fn::Split":
                return self.fill(argument[1], stack).split(argument[0])
            if name == "Fn::Sub":
                return self._sub(argument, stack)
        return {key: self.fill(one, stack) for key, one in value.items()}

    def _ref(self, name: str, stack: str) -> str:
        pseudo = {
            "AWS::Partition": "aws",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        resource = self.assembly.templates[stack]["Resources"].get(name)
        return self._arn(resource) if resource and resource["Type"] in _ARN_BY_REF else self.unknown

    def _attribute(self, argument: list[str], stack: str) -> str:
        logical, attribute = argument
        if attribute in _OTHER_ATTRIBUTES:
            return self.unknown
        return self._arn(self.assembly.templates[stack]["Resources"][logical])

    def _arn(self, resource: dict[str, Any]) -> str:
        named = resource.get("Properties", {})
        name = next((v for k, v in named.items() if k.endswith("Name") and isinstance(v, str)), self.unknown)
        return "arn:aws:" + _ARNS[resource["Type"]].format(region=self.region, account=ACCOUNT, name=name)

    def _sub(self, argument: Any, stack: str) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def one(found: Any) -> str:
            name = found[1]
            if name in given:
                return str(self.fill(given[name], stack))
            return str(self._attribute(name.split("."), stack) if "." in name else self._ref(name, stack))

        return re.sub(r"\$\{([^}]+)\}", one, text)

    def _imported(self, name: str) -> Any:
        for stack, template in self.assembly.templates.items():
            for output in template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    return self.fill(output["Value"], stack)
        raise KeyError(name)

    # ------------------------------------------------------------------ every policy that there is

    def identity(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Statements of policies that a role, a group or a person is given."""
        for where, stack, resource in self._all():
            if not resource["Type"].startswith("AWS::IAM::"):
                continue
            properties = resource["Properties"]
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
            if "PolicyDocument" in properties:
                documents.append(properties["PolicyDocument"])
            yield from self._statements(where, documents, stack)

    def trust(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for where, stack, resource in self._all():
            if resource["Type"] == "AWS::IAM::Role":
                yield from self._statements(where, [resource["Properties"]["AssumeRolePolicyDocument"]], stack)

    def of_resources(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Statements of policies that stand with a resource."""
        for where, stack, resource in self._all():
            if resource["Type"].startswith("AWS::IAM::"):
                continue
            properties = resource["Properties"]
            documents = [
                properties[name]
                for name in ("KeyPolicy", "PolicyDocument", "AccessPolicies", "ResourcePolicy")
                if name in properties
            ]
            yield from self._statements(where, documents, stack)

    def _all(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for stack, template in self.assembly.templates.items():
            for logical, resource in template["Resources"].items():
                if "Properties" in resource:
                    yield f"{stack}/{logical}", stack, resource

    def _statements(self, where: str, documents: list[Any], stack: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for document in documents:
            filled = self.fill(document, stack)
            read = json.loads(filled) if isinstance(filled, str) else filled
            for statement in listed(read["Statement"]):
                yield where, statement
