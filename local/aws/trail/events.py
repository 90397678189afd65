"""What CloudTrail would tell the bus: every changing call becomes an `AWS API Call via CloudTrail` event.

Why: MiniStack records calls (when told to) but puts nothing on a bus, so nothing of the whole pipeline would ever start.
Copied from the real service (its samples are the shapes): the true caller in `userIdentity`; parameters under the API's own
member names (`shapes`), sensitive ones hidden; for Cognito the user's `sub` beside the hidden user name; for KMS the key's
ARN under `resources`; a failed call carries errorCode and errorMessage and no parameters; IAM and STS happen in us-east-1
whatever Region was called; reading calls are recorded by CloudTrail, but EventBridge passes them to hardly anybody, so they
are left out; but for the taking of a role, which CloudTrail calls reading and some rules ask for.

Changes that CloudFormation makes inside the emulator are not calls there and make no event; a real account has them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from local.aws.trail import delivery, shapes

log = logging.getLogger("portcullis.events")

# MiniStack's name of a service -> (botocore's, the event source's first label).
WATCHED = {
    "iam": ("iam", "iam"),
    "sts": ("sts", "sts"),
    "kms": ("kms", "kms"),
    "cognito-idp": ("cognito-idp", "cognito-idp"),
    "cognito-identity": ("cognito-identity", "cognito-identity"),
    "opensearch": ("opensearch", "es"),
    "ec2": ("ec2", "ec2"),
    "cloudtrail": ("cloudtrail", "cloudtrail"),
    "events": ("events", "events"),
    "lambda": ("lambda", "lambda"),
    "sqs": ("sqs", "sqs"),
    "sns": ("sns", "sns"),
    "monitoring": ("cloudwatch", "monitoring"),
    "secretsmanager": ("secretsmanager", "secretsmanager"),
    "dynamodb": ("dynamodb", "dynamodb"),
}
# Of these, only what changes them: what goes through them is no management event, or comes by the thousand.
ONLY = {
    "lambda": ("Create", "Delete", "Update", "PutFunctionConcurrency", "AddPermission", "RemovePermission"),
    "sqs": ("CreateQueue", "DeleteQueue", "SetQueueAttributes", "AddPermission", "RemovePermission", "PurgeQueue"),
    "sns": ("Create", "Delete", "Set", "AddPermission", "RemovePermission", "Subscribe", "Unsubscribe"),
    "events": ("Put", "Delete", "Remove", "Disable", "Enable"),
    "monitoring": ("PutMetricAlarm", "DeleteAlarms", "DisableAlarmActions", "EnableAlarmActions"),
    "dynamodb": (
        *("CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups"),
        *("PutResourcePolicy", "DeleteResourcePolicy", "EnableKinesis", "DisableKinesis"),
    ),
}
NO_EVENT = ("PutEvents",)
# Lambda's events are called by the version of the API that brought the operation.
DATED = {"PutFunctionConcurrency": "20171031", "DeleteFunctionConcurrency": "20171031"}
DATED_V2 = ("UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "RemovePermission")
READ_ALOUD = ("AssumeRole", "GetSecretValue")  # reading calls that a rule may ask for
GLOBAL = ("iam", "sts")
READING = (
    *("Get", "List", "Describe", "Head", "Lookup", "Search", "Simulate", "Verify", "Batch", "Test", "Generate"),
    *("Encrypt", "Decrypt", "ReEncrypt", "DeriveShared", "Sign", "DecodeAuthorization"),
    # Signing in changes nobody's access; CloudTrail shows these, but they would drown the rest.
    *("InitiateAuth", "AdminInitiateAuth", "RespondToAuth", "AdminRespondToAuth"),
)
# Of EC2 only what opens and closes a security group.
EC2_CALLS = (
    "AuthorizeSecurityGroup",
    "RevokeSecurityGroup",
    "ModifySecurityGroup",
    "CreateSecurityGroup",
    "DeleteSecurityGroup",
)
TAKING_A_ROLE = "AssumeRole"
NO_PARAMETERS = ("RetireGrant",)  # KMS shows only the grant's id, as additional data


def install() -> None:
    from ministack import app
    from ministack.core.iam_actions import extract_iam_action
    from ministack.core.responses import get_account_id, get_region
    from ministack.core.router import detect_service, extract_access_key_id

    dispatch = app._dispatch_service_request

    async def dispatch_and_tell(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        routing = app._routing_params(method, path, headers, body, query)
        service = detect_service(method, path, headers, routing)
        if service not in WATCHED:
            return await dispatch(method, path, headers, body, query, request_id)
        action = extract_iam_action(service, method, path, headers, body, routing) or ""
        call = shapes.operation(WATCHED[service][0], action.rpartition(":")[2])
        if call is None or not changes(service, call.name):
            return await dispatch(method, path, headers, body, query, request_id)
        asked: dict[str, Any] = {}
        with contextlib.suppress(ValueError):  # a malformed call has no parameters to show, and fails by itself
            asked = shapes.asked(call, method, path, body, query)
        # Read before the call: it may delete its caller's key, its user or its grant.
        identity = user_identity(extract_access_key_id(headers, query) or "")
        before = _before(service, call.name, asked)
        result = await dispatch(method, path, headers, body, query, request_id)
        try:
            record = _record(
                service, call, asked, identity, before, headers, request_id, result, get_region(), get_account_id()
            )
            source = f"aws.{WATCHED[service][1]}"
            delivery.send(
                get_account_id(),
                record["awsRegion"],
                source=source,
                detail_type="AWS API Call via CloudTrail",
                detail=record,
            )
        except Exception:
            # The call was answered: what we cannot tell of it must not change its answer.
            log.exception("no event could be made of %s", action)
        return result

    app._dispatch_service_request = dispatch_and_tell


def changes(service: str, name: str) -> bool:
    """Whether the call is one that CloudTrail sends to EventBridge: it changes something and is not a data event."""
    if service == "ec2":
        return name.startswith(EC2_CALLS)
    if service in ONLY:
        return name.startswith(ONLY[service]) and name not in NO_EVENT
    return name in READ_ALOUD or not name.startswith(READING)


def user_identity(access_key: str) -> dict[str, Any]:
    """CloudTrail's `userIdentity` of the caller who holds this key."""
    from ministack.core.iam_evaluator import resolve_caller_identity

    found = resolve_caller_identity(access_key)
    if found is None:
        return {"type": "Unknown", "principalId": "Anonymous"}
    arn, account = found["userArn"], found["accountId"]
    identity = {"principalId": found["userId"], "arn": arn, "accountId": account, "accessKeyId": access_key}
    if arn.endswith(":root"):
        return {"type": "Root", **identity}
    if ":assumed-role/" in arn:
        return {"type": "AssumedRole", **identity, "sessionContext": _session(arn, account, found.get("session") or {})}
    if ":federated-user/" in arn:
        return {"type": "FederatedUser", **identity}
    return {"type": "IAMUser", **identity, "userName": arn.rpartition("/")[2]}


def _session(arn: str, account: str, session: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.services import iam

    name = arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, name) or {}
    began = session.get("IssuedAt", time.time())
    return {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role.get("RoleId", ""),
            "arn": role.get("Arn", f"arn:aws:iam::{account}:role/{name}"),
            "accountId": account,
            "userName": name,
        },
        "attributes": {
            "creationDate": _stamp(began if isinstance(began, int | float) else time.time()),
            "mfaAuthenticated": "false",
        },
    }


def _before(service: str, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    if service == "kms":
        return _kms_resources(name, asked)
    if service == "cognito-idp" and asked.get("UserPoolId"):
        sub = _sub(asked["UserPoolId"], asked.get("Username", ""))
        return {"additionalEventData": {"sub": sub}} if sub else {}
    return {}


def _sub(pool_id: str, username: str) -> str:
    from ministack.services import cognito

    pool = cognito._user_pools.get(pool_id)
    if not pool or not username:
        return ""
    user, missing = cognito._resolve_user(pool, username)
    if missing:
        return ""
    return next((str(a["Value"]) for a in user.get("Attributes", []) if a["Name"] == "sub"), "")


def _kms_resources(name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.services import kms

    found: dict[str, Any] = {}
    keys = [kms._resolve_key(asked[m]) for m in ("KeyId", "TargetKeyId", "SourceKeyId") if asked.get(m)]
    if name == "RetireGrant":
        token, grant_id = asked.get("GrantToken"), asked.get("GrantId")
        grant = next((g for g in kms._grants.values() if g["GrantId"] == grant_id or token in g["_tokens"]), None)
        if grant:
            keys.append(kms._resolve_key(grant["KeyId"]))
            found["additionalEventData"] = {"grantId": grant["GrantId"]}
    alias = asked.get("AliasName")
    if name == "DeleteAlias" and alias:
        keys.append(kms._resolve_key(alias))
    arns = [key["Arn"] for key in keys if key] + ([kms._alias_arn(alias)] if alias else [])
    if arns:
        found["resources"] = [_kms_resource(arn) for arn in dict.fromkeys(arns)]
    return found


def _kms_resource(arn: str) -> dict[str, str]:
    return {
        "accountId": arn.split(":")[4],
        "type": "AWS::KMS::Alias" if ":alias/" in arn else "AWS::KMS::Key",
        "ARN": arn,
    }


def _record(
    service: str,
    call: OperationModel,
    asked: Mapping[str, Any],
    identity: dict[str, Any],
    before: Mapping[str, Any],
    headers: Mapping[str, str],
    request_id: str,
    result: Any,
    region: str,
    account: str,
) -> dict[str, Any]:
    status, answer_headers, answer_body = result
    body = answer_body if isinstance(answer_body, bytes) else str(answer_body).encode()
    told = shapes.told(call, status, answer_headers, body)
    as_items = service == "ec2"
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": _stamp(time.time()),
        "eventSource": f"{WATCHED[service][1]}.amazonaws.com",
        "eventName": _event_name(service, call.name),
        "awsRegion": "us-east-1" if service in GLOBAL else region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": headers.get("user-agent", ""),
        "requestParameters": None,
        "responseElements": None,
        **before,
        "requestID": request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": call.name.startswith(READ_ALOUD),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    if status >= 400:
        error = told.get("Error", {})
        record.update(errorCode=error.get("Code") or "Unknown", errorMessage=error.get("Message", ""))
        return record
    if call.name not in NO_PARAMETERS:
        record["requestParameters"] = shapes.shown(call.input_shape, asked, items=as_items) or None
    record["responseElements"] = shapes.shown(call.output_shape, told, drop=service == "iam", items=as_items) or None
    if call.name.startswith(TAKING_A_ROLE) and record["responseElements"]:
        credentials = record["responseElements"].get("credentials") or {}
        record["responseElements"]["credentials"] = {k: credentials[k] for k in ("accessKeyId",) if k in credentials}
    if call.name == "CreateGrant" and record["responseElements"]:
        del record["responseElements"]["grantToken"]  # whoever holds it may use the grant: KMS does not write it down
    if service == "kms" and "resources" not in record:
        made = next((m["Arn"] for m in (told.get("KeyMetadata"), told.get("ReplicaKeyMetadata")) if m), None)
        record["resources"] = [_kms_resource(made)] if made else []
    if service == "cognito-idp" and call.name == "AdminCreateUser":
        made_sub = next((a["Value"] for a in told.get("User", {}).get("Attributes", []) if a["Name"] == "sub"), None)
        record["additionalEventData"] = {"sub": made_sub} if made_sub else {}
    json.dumps(record)  # fails here, and not on the bus, if anything in it cannot be written
    return record


def _event_name(service: str, name: str) -> str:
    if service != "lambda":
        return name
    return name + (DATED.get(name) or ("20150331v2" if name in DATED_V2 else "20150331"))


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
