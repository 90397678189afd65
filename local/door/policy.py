"""The domain's access policy and the caller's own policies, by MiniStack's evaluator, with what it lacks closed here.

- NotPrincipal never matches there, so a Deny with it would let everybody in; a condition operator or policy variable it does not know
  makes a Deny void too. A policy with any of these is refused aloud: nobody gets in, and the log says why.
- Its aws:PrincipalArn is a session's ARN; Amazon's is the role's, path included. The condition is evaluated on the latter.
- Somebody anonymous is of no account there, and an Allow of the resource's own policy is not enough for them. It is on Amazon.
- Its patterns stop at a newline: paths with control characters never come this far (asked.check_path).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, EvalResult, ParsedStatement
from ministack.core.responses import request_scope

from local.door.answers import Refused, anonymous, forbidden
from local.door.asked import Asked
from local.door.callers import ANONYMOUS, Caller

log = logging.getLogger("portcullis.door")

# A condition key that the evaluator looks up where it is told to, unlike aws:PrincipalArn.
PRINCIPAL_ARN = "door:principalarn"
PASS_ROLE = "iam:PassRole"


def check(caller: Caller, asked: Asked, document: str | Mapping[str, Any] | None, domain_arn: str) -> None:
    """Raises Refused (403) unless identity and resource policies together allow it. `document` is the domain's AccessPolicies."""
    statements, fault = statements_of(document)
    if fault := fault or fault_in(statements):
        log.error("the access policy of %s %s: everybody is refused until it is changed", domain_arn, fault)
        raise forbidden(caller.principal.arn, asked.action, f"because the domain's access policy {fault}")
    renamed = {"Statement": [_renamed(statement) for statement in statements]}
    # With and without a last slash the node does the same, so both have to be allowed.
    for path in {asked.decoded, asked.decoded.rstrip("/") or "/"}:
        _check_one(caller, asked, renamed, domain_arn, domain_arn + path)


def check_pass_role(caller: Caller, asked: Asked, role: str, region: str, service: str) -> None:
    """Raises Refused (403) unless the caller's own policies let them pass this role on to the service."""
    identity, _, _ = _identity(caller, asked, PASS_ROLE, role, region, {"iam:passedtoservice": service})
    if identity.decision != "Allow":
        arn = caller.principal.arn
        raise Refused(403, {"Message": f"User: {arn} is not authorized to perform: {PASS_ROLE} on resource: {role}"})


def lets_store(caller: Caller, asked: Asked, action: str, resource: str, region: str) -> bool:
    """Whether somebody may do this in S3, or with a key through S3: their own policies and the bucket's or the key's together."""
    service = action.partition(":")[0]
    keys = {"kms:viaservice": f"s3.{region}.amazonaws.com", "kms:calleraccount": caller.principal.account}
    identity, context, limits = _identity(caller, asked, action, resource, region, keys if service == "kms" else {})
    with request_scope(caller.principal.account, region):
        document, owner = iam_evaluator._resource_policy(service, resource) or ("", None)
    statements, fault = statements_of(document)
    if fault or fault_in(statements):
        return False
    renamed = {"Statement": [_renamed(statement) for statement in statements]}
    required = service in iam_evaluator._POLICY_REQUIRED
    found = iam_evaluator.combine_resource_policy(identity, context, renamed, owner, required=required, limits=limits)
    return bool(found.decision == "Allow")


def _identity(
    caller: Caller, asked: Asked, action: str, resource: str, region: str, keys: Mapping[str, str]
) -> tuple[EvalResult, EvalContext, tuple[list[list[ParsedStatement]], ...]]:
    """What the caller's own policies say, in which context, under which limits. `keys`: further condition keys, in small letters."""
    principal = caller.principal
    context = EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        source_ip=asked.address,
        secure_transport=True,
        service_context=keys if caller is ANONYMOUS else {PRINCIPAL_ARN: caller.arn, **keys},
        principal_keys=principal.keys,
    )
    limits = tuple([_own(policy) for policy in layer] for layer in principal.limits)
    policies = [_own(policy) for policy in principal.policies or ()]
    for statement in (s for layer in (policies, *limits) for policy in layer for s in policy):
        _check_own(caller, action, statement)
    return iam_evaluator.evaluate(context, policies, *limits), context, limits


def _check_one(caller: Caller, asked: Asked, document: Mapping[str, Any], domain_arn: str, resource: str) -> None:
    principal = caller.principal
    identity, context, limits = _identity(caller, asked, asked.action, resource, domain_arn.split(":")[3], {})
    if caller is ANONYMOUS:
        decision = iam_evaluator.evaluate_resource_policy(document, context).decision
        if decision == "Allow":
            return
        if decision == "Deny":
            raise forbidden(principal.arn, asked.action, "with an explicit deny in a resource-based policy")
        raise anonymous(asked.action)
    owner = domain_arn.split(":")[4]
    result = iam_evaluator.combine_resource_policy(identity, context, document, owner, limits=limits)
    if result.decision == "Allow":
        return
    whose = "an identity" if identity.decision == "Deny" else "a resource"
    if result.decision == "Deny":
        raise forbidden(principal.arn, asked.action, f"with an explicit deny in {whose}-based policy")
    whose = "resource" if identity.decision == "Allow" else "identity"
    raise forbidden(principal.arn, asked.action, f"because no {whose}-based policy allows the {asked.action} action")


def _check_own(caller: Caller, action: str, statement: ParsedStatement) -> None:
    """A Deny of the caller's own that the evaluator would pass over is a Deny all the same; an Allow of that kind just allows nothing."""
    if statement.effect != "Deny" or not iam_evaluator._action_matches(
        action, statement.actions, statement.not_actions
    ):
        return
    patterns = statement.resources or statement.not_resources
    if fault := _unevaluated(patterns, statement.conditions):
        log.error("a policy of %s %s", caller.principal.arn, fault)
        raise forbidden(caller.principal.arn, action, "with an explicit deny in an identity-based policy")


def statements_of(document: str | Mapping[str, Any] | None) -> tuple[list[Mapping[str, Any]], str]:
    """The statements of a policy document, and what is wrong with it as the rest of a sentence (empty if nothing is)."""
    if not document:
        return [], ""
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return [], "is not JSON"
    statements = parsed.get("Statement") if isinstance(parsed, Mapping) else None
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not all(isinstance(one, Mapping) for one in statements):
        return [], "has no list of statements"
    return statements, ""


def fault_in(statements: Iterable[Mapping[str, Any]]) -> str:
    """What the evaluator would pass over without a word, as the rest of a sentence; empty if it can evaluate all."""
    for statement in statements:
        if statement.get("Effect") not in ("Allow", "Deny"):
            return f"has the effect {statement.get('Effect')!r}"
        if "NotPrincipal" in statement:
            return "uses NotPrincipal, which the front door does not evaluate"
        resources = statement.get("Resource", statement.get("NotResource", []))
        if fault := _unevaluated(
            [resources] if isinstance(resources, str) else resources, statement.get("Condition") or {}
        ):
            return fault
    return ""


def _unevaluated(resources: Iterable[str], conditions: Mapping[str, Any]) -> str:
    for operator in conditions:
        plain = operator.lower().removeprefix("forallvalues:").removeprefix("foranyvalue:").removesuffix("ifexists")
        if plain != "null" and plain not in iam_evaluator._CONDITION_OPS:
            return f"uses the condition operator {operator}, which the front door does not evaluate"
    if "${" in json.dumps([list(resources), conditions]):
        return "uses a policy variable, which the front door does not evaluate"
    return ""


def _own(policy: list[ParsedStatement]) -> list[ParsedStatement]:
    return [replace(statement, conditions=_conditions(statement.conditions)) for statement in policy]


def _renamed(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**statement, "Condition": _conditions(statement["Condition"])} if statement.get("Condition") else statement


def _conditions(conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        operator: {(PRINCIPAL_ARN if key.lower() == "aws:principalarn" else key): value for key, value in keys.items()}
        for operator, keys in conditions.items()
    }
