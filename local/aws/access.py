"""Who is let in: places where the emulator's IAM enforcement (AUTH=true) is laxer or stricter than Amazon's.

- Its root keys ("test", any twelve digits, no key at all) are taken without looking at the signature, so anybody on this
  machine was root. Here root is one random key pair, and its signature is checked like everyone's.
- It listens on plain loopback HTTP, so the usual `Deny unless aws:SecureTransport` of buckets, queues and topics refused
  everybody. AWS clients always use TLS: the emulator counts as TLS.
- The roles of an identity pool could be set by who was allowed that on the pool; on Amazon it takes `*`.
- A statement that counts only for roles within a boundary (`iam:PermissionsBoundary`) never held: it did not look at the role.
- A statement on security groups of one VPC, or with one tag, never held: it looked at neither.
- `es:*` calls name the domain in the path; it looked in the body only, so a grant on one domain's ARN never matched.
- Rules of the default bus have ARNs without the bus, providers are named by their own ARN, and alarms are looked
  at as a whole: none of these was known, so that whoever may look at just these was refused.
- Lambda tells a question about concurrency from a change of it, and knows changes of event source mappings; here it did not.
- KMS judges a call that names an alias by the key behind it, with the alias as a condition (`kms:RequestAlias`,
  `kms:ResourceAliases`); here neither was known, so that who may look at a key by its alias was refused.
"""

from __future__ import annotations

import json
import os
import re
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from local.aws.refused import remember


def install() -> None:
    _one_root()
    _secure_transport()
    _domain_arns()
    _watched_arns()
    _lambda_actions()
    _key_aliases()
    _policies_read_once()


def _policies_read_once() -> None:
    """Every request was judged by its caller's policies read anew, twice: a tenth of the processor time of a run."""
    from ministack.core import iam_evaluator

    parse = iam_evaluator.parse_policy_document
    read = lru_cache(maxsize=2048)(lambda text: tuple(parse(text)))

    def parse_policy_document(document: str | dict[str, Any]) -> list[Any]:
        return list(read(document)) if isinstance(document, str) else parse(document)

    iam_evaluator.parse_policy_document = parse_policy_document


def _one_root() -> None:
    from ministack.core import iam_evaluator
    from ministack.services import sts

    def is_root_access_key(access_key_id: str) -> bool:
        return bool(access_key_id) and access_key_id == os.environ["AWS_ACCESS_KEY_ID"]

    iam_evaluator.is_root_access_key = is_root_access_key
    sts.is_root_access_key = is_root_access_key
    # Everything that skips the signature check asks this one; nobody may skip it.
    iam_evaluator._is_root_key = lambda _access_key_id: False
    identity, enforce = iam_evaluator.resolve_caller_identity, iam_evaluator.enforce

    def resolve_caller_identity(access_key_id: str) -> dict[str, Any] | None:
        if not is_root_access_key(access_key_id):
            return identity(access_key_id)  # type: ignore[no-any-return]
        account = os.environ["MINISTACK_ACCOUNT_ID"]
        return {
            "accessKey": access_key_id,
            "accountId": account,
            "userArn": f"arn:aws:iam::{account}:root",
            "userId": account,
            "principalOrgId": iam_evaluator._principal_org_id(account),
            "session": None,
        }

    def enforce_or_serve(access_key_id: str, iam_action: str, service: str, *rest: Any, **named: Any) -> Any:
        """Calls that the SDKs send unsigned (signing in, say) have no caller; these passed as root, and no others may."""
        if not access_key_id and iam_evaluator._anonymous.get() and iam_evaluator._served_unsigned(service, iam_action):
            return None
        if iam_action in ON_NOTHING:
            named["resource_arn"] = "*"
        if iam_action in BOUNDED:
            known = named.get("service_context") or {}
            named["service_context"] = {**known, **boundary_of(named.get("resource_arn", ""))}
        if iam_action in OF_A_GROUP:
            known = named.get("service_context") or {}
            named["service_context"] = {**known, **facts_of_group(named.get("resource_arn", ""))}
        denied = enforce(access_key_id, iam_action, service, *rest, **named)
        if denied is not None:
            remember(denied, iam_action, named.get("resource_arn", "*"))
        return denied

    iam_evaluator.resolve_caller_identity = resolve_caller_identity
    iam_evaluator.enforce = enforce_or_serve


# Actions that take no resource (Service Authorization Reference), though the call names one: allowed on that, they are not allowed.
ON_NOTHING = frozenset({"cognito-identity:SetIdentityPoolRoles"})

# The actions on a role for which the Service Authorization Reference has that condition key, and which leave the boundary as it is.
BOUNDED = frozenset(f"iam:{action}RolePolicy" for action in ("Put", "Delete", "Attach", "Detach"))


def boundary_of(role: str) -> dict[str, str]:
    """The condition key for a call on the role of this ARN: empty if it has no boundary, or is none."""
    from ministack.services import iam

    parts = role.split(":")
    if len(parts) != 6 or not parts[5].startswith("role/"):
        return {}
    record = iam._roles.get_scoped(parts[4], None, parts[5].rpartition("/")[2]) or {}
    boundary = record.get("PermissionsBoundary")
    return {"iam:permissionsboundary": boundary} if boundary else {}


OF_A_GROUP = frozenset(f"ec2:{action}SecurityGroupIngress" for action in ("Authorize", "Revoke"))


def facts_of_group(arn: str) -> dict[str, str]:
    """The condition keys for a call on the security group of this ARN: its VPC, and its tags."""
    from ministack.services import ec2

    parts = arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("security-group/"):
        return {}
    name = parts[5].partition("/")[2]
    group = ec2._security_groups.get_scoped(parts[4], parts[3], name)
    if not group:
        return {}
    tags = ec2._tags.get_scoped(parts[4], parts[3], name) or []
    vpc = f"arn:aws:ec2:{parts[3]}:{parts[4]}:vpc/{group['VpcId']}"
    return {"ec2:vpc": vpc, **{f"aws:resourcetag/{one['Key'].lower()}": one["Value"] for one in tags}}


def _secure_transport() -> None:
    from ministack.core import iam_evaluator

    made = iam_evaluator.EvalContext.__init__

    def over_tls(self: Any, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        self.secure_transport = True

    iam_evaluator.EvalContext.__init__ = over_tls


_DOMAIN_IN_PATH = re.compile(r"/domain/([a-z][a-z0-9-]+)")


def _domain_arns() -> None:
    from ministack.core import iam_actions

    general = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        named = _DOMAIN_IN_PATH.search(path) if service == "opensearch" else None
        if named:
            return f"arn:aws:es:{region}:{account}:domain/{named.group(1)}"
        if service == "opensearch" and path.endswith("/cc/outboundConnection"):  # the domain that asks is in the body
            ours = (_asked(body).get("LocalDomainInfo") or {}).get("AWSDomainInformation") or {}
            return f"arn:aws:es:{region}:{account}:domain/{ours.get('DomainName', '')}"
        return general(service, method, path, headers, body, query, region, account)  # type: ignore[no-any-return]

    iam_actions.extract_resource_arn = extract_resource_arn


def _watched_arns() -> None:
    from ministack.core import iam_actions

    general = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        asked = _asked(body)
        match service:
            case "events" if (rule := asked.get("Name") or asked.get("Rule")) and not asked.get("EventBusName"):
                return f"arn:aws:events:{region}:{account}:rule/{rule}"
            case "monitoring" if (
                "DescribeAlarms" in f"{path} {headers.get('x-amz-target', '')} {body[:2000].decode('latin-1')}"
            ):
                return f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
            case "dynamodb" if asked.get("ResourceArn"):  # whose policy is asked for
                return str(asked["ResourceArn"])
            case "lambda" if path.endswith("/invocations") and (door := iam_actions._query_param(query, "Qualifier")):
                # What is asked of an alias is a right to that alias: else the policy of a level would allow nothing.
                return f"{general(service, method, path, headers, body, query, region, account)}:{door}"
            case "iam":
                for name in ("SAMLProviderArn", "OpenIDConnectProviderArn"):
                    if given := iam_actions._query_param(query, name):
                        return str(given)
        return general(service, method, path, headers, body, query, region, account)  # type: ignore[no-any-return]

    iam_actions.extract_resource_arn = extract_resource_arn


def _lambda_actions() -> None:
    """By the method, too: it took every question about concurrency for a change of it, and no change of an event source mapping or of an
    alias for one."""
    from ministack.core import iam_actions

    general = iam_actions._lambda_action

    def lambda_action(method: str, path: str) -> Any:
        for ending, thing in (
            ("/concurrency", "FunctionConcurrency"),
            ("/event-source-mappings/", "EventSourceMapping"),
            ("/aliases/", "Alias"),
        ):
            if ending in path and (verb := _LAMBDA_VERBS[thing].get(method)):
                return f"{verb}{thing}"
        return general(method, path)

    iam_actions._lambda_action = lambda_action


_LAMBDA_VERBS = {
    "FunctionConcurrency": {"GET": "Get", "PUT": "Put", "DELETE": "Delete"},
    "EventSourceMapping": {"GET": "Get", "PUT": "Update", "DELETE": "Delete"},
    "Alias": {"GET": "Get", "PUT": "Update", "DELETE": "Delete"},
}


def _asked(body: bytes) -> dict[str, Any]:
    """The members of a JSON request; none of any other."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_asked_by_alias: ContextVar[str] = ContextVar("asked_by_alias", default="")


def _key_aliases() -> None:
    from ministack.core import iam_actions, iam_evaluator

    general, known = iam_actions.extract_resource_arn, iam_evaluator._resolve_condition_key

    def extract_resource_arn(service: str, *rest: Any) -> str:
        arn: str = general(service, *rest)
        _asked_by_alias.set("")
        if service == "kms" and ":alias/" in arn and (key := _key(arn)):
            _asked_by_alias.set(arn.partition(":alias/")[2])
            return str(key["Arn"])
        return arn

    def resolve_condition_key(key: str, ctx: Any) -> Any:
        match key.lower():
            case "kms:requestalias":
                return f"alias/{asked}" if (asked := _asked_by_alias.get()) else None
            case "kms:resourcealiases":
                return _aliases_of(ctx.resource_arn) or None
        return known(key, ctx)

    iam_actions.extract_resource_arn = extract_resource_arn
    iam_evaluator._resolve_condition_key = resolve_condition_key


def _key(arn: str) -> dict[str, Any] | None:
    from ministack.services import kms

    found: dict[str, Any] | None = kms._resolve_key(arn)
    return found


def _aliases_of(arn: str) -> list[str]:
    from ministack.services import kms

    key = _key(arn) if ":kms:" in arn else None
    return [name[name.rfind("alias/") :] for name, target in kms._aliases.items() if key and target == key["KeyId"]]
