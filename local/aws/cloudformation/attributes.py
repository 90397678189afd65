"""Properties that MiniStack's CloudFormation takes and drops, and attributes that it forgets, for the types we deploy.

IAM roles: the permissions boundary. Lambda functions: VpcConfig, the key of the environment, the dead-letter target,
reserved concurrency. DynamoDB tables: time to live, point-in-time recovery, encryption. Event buses: the key. Identity
pools: a role mapping is stored under its identity provider, as CloudFormation does, not under its logical key. Cognito's
temporary passwords: long enough for any password policy a pool may set (Cognito makes them so; these were 12 characters
whatever the policy said). Whoever is deleted from a user pool is in none of its groups, also when the name is made again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from local.aws.patching import checked

Properties = dict[str, Any]


def install() -> None:
    after("AWS::IAM::Role", _role)
    after("AWS::Lambda::Function", _function)
    after("AWS::DynamoDB::Table", _table)
    after("AWS::DynamoDB::GlobalTable", _global_table)
    after("AWS::Events::EventBus", _event_bus)
    _role_mappings()
    _temporary_passwords()
    _groups_of_the_deleted()


def add_attributes(resource_type: str, attributes: Callable[[str, Properties], dict[str, Any]]) -> None:
    """Attributes for Fn::GetAtt beside those the handler of a type gives."""
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS[resource_type]

    def wrapped(known: Callable[..., Any], new_properties: int) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            physical_id, found = known(*arguments)
            return physical_id, {**attributes(physical_id, arguments[new_properties]), **found}

        return made

    handler["create"] = wrapped(handler["create"], 1)
    if "update" in handler:
        handler["update"] = wrapped(handler["update"], 2)


def after(resource_type: str, apply: Callable[[str, Properties], None]) -> None:
    """Apply the dropped properties once the type's own handler has made or changed the resource."""

    def nothing_more(physical_id: str, properties: Properties) -> dict[str, Any]:
        apply(physical_id, properties)
        return {}

    add_attributes(resource_type, nothing_more)


def _role(name: str, properties: Properties) -> None:
    """Through the service's own call, which refuses a boundary that is no policy."""
    from ministack.services import iam

    wanted = properties.get("PermissionsBoundary")
    if wanted:
        checked(iam._put_role_permissions_boundary({"RoleName": name, "PermissionsBoundary": wanted}), "AWS::IAM::Role")
    else:
        iam._roles[name]["PermissionsBoundary"] = None


def _function(name: str, properties: Properties) -> None:
    from ministack.services import ec2, lambda_svc

    function = lambda_svc._functions[name]
    config = function["config"]
    if network := properties.get("VpcConfig"):
        subnets = network.get("SubnetIds", [])
        missing = [subnet for subnet in subnets if subnet not in ec2._subnets]
        if missing:
            raise ValueError(f"The subnet ID '{missing[0]}' does not exist")
        vpc = ec2._subnets[subnets[0]]["VpcId"] if subnets else ""
        config["VpcConfig"] = {
            "SubnetIds": subnets,
            "SecurityGroupIds": network.get("SecurityGroupIds", []),
            "VpcId": vpc,
        }
    for member, stored in (("KmsKeyArn", "KMSKeyArn"), ("DeadLetterConfig", "DeadLetterConfig")):
        if properties.get(member):
            config[stored] = properties[member]
    reserved = properties.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)


def _table(name: str, properties: Properties) -> None:
    from ministack.services import dynamodb

    table = dynamodb._tables[name]
    if ttl := properties.get("TimeToLiveSpecification"):
        _time_to_live(name, ttl)
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    dynamodb._pitr_settings[name] = _true(recovery.get("PointInTimeRecoveryEnabled"))
    encryption = properties.get("SSESpecification") or {}
    if _true(encryption.get("SSEEnabled")):
        described = {"Status": "ENABLED", "SSEType": encryption.get("SSEType", "KMS")}
        if encryption.get("KMSMasterKeyId"):
            described["KMSMasterKeyArn"] = encryption["KMSMasterKeyId"]
        table["SSEDescription"] = described


def _global_table(name: str, properties: Properties) -> None:
    from ministack.core.responses import get_region
    from ministack.services import dynamodb

    replicas: list[Properties] = properties.get("Replicas", [])
    here = next((replica for replica in replicas if replica.get("Region") == get_region()), Properties())
    keys = {"KMSMasterKeyId": (here.get("SSESpecification") or {}).get("KMSMasterKeyId")}
    _table(name, {**properties, **here, "SSESpecification": {**(properties.get("SSESpecification") or {}), **keys}})
    dynamodb._tables[name]["DeletionProtectionEnabled"] = _true(here.get("DeletionProtectionEnabled"))


def _time_to_live(table: str, wanted: Properties) -> None:
    from ministack.services import dynamodb

    known = dynamodb._ttl_settings.get(table) or {}
    status = "ENABLED" if _true(wanted.get("Enabled", True)) else "DISABLED"
    if known.get("TimeToLiveStatus", "DISABLED") != status:
        asked = {"Enabled": status == "ENABLED", "AttributeName": wanted["AttributeName"]}
        checked(dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": asked}), "TimeToLiveSpecification")


def _event_bus(name: str, properties: Properties) -> None:
    from ministack.services import eventbridge

    if properties.get("KmsKeyIdentifier"):
        eventbridge._event_buses[name]["KmsKeyIdentifier"] = properties["KmsKeyIdentifier"]


def _role_mappings() -> None:
    from ministack.services.cloudformation import provisioners

    apply = provisioners._cognito_identity_pool_role_attachment_apply

    def under_provider(properties: Properties) -> Any:
        mappings = {
            mapping.get("IdentityProvider") or key: {n: v for n, v in mapping.items() if n != "IdentityProvider"}
            for key, mapping in (properties.get("RoleMappings") or {}).items()
        }
        return apply({**properties, "RoleMappings": mappings})

    provisioners._cognito_identity_pool_role_attachment_apply = under_provider


def _temporary_passwords() -> None:
    from ministack.services import cognito

    known = cognito._generate_temp_password
    cognito._generate_temp_password = lambda: f"{known()}Aa1!{uuid.uuid4().hex[:12]}"


def _groups_of_the_deleted() -> None:
    from ministack.services import cognito

    def leaving(known: Any) -> Any:
        def delete(asked: Any) -> Any:
            answer = known(asked)
            for pool in cognito._user_pools.values():
                for group in pool["_groups"].values():
                    group["_members"] = [name for name in group.get("_members", ()) if name in pool["_users"]]
            return answer

        return delete

    cognito._admin_delete_user = leaving(cognito._admin_delete_user)
    cognito._delete_user = leaving(cognito._delete_user)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
