"""The rules of a deployment: which events its queues get, wherever its engine runs."""

from __future__ import annotations

import re
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events

from stacks import names
from stacks.automation import Automation
from stacks.deployments import Declared
from stacks.listening import patterns

_LENGTHENED = re.compile(r"-[A-Za-z0-9]{6}\Z")  # as Secrets Manager lengthens a name in its ARN


def identities(
    stack: Stack, one: Declared, pool: cognito.UserPool | None, identity_pool: cognito.CfnIdentityPool | None = None
) -> patterns.Pattern | None:
    """What tells that who is in which group may have changed; None if nothing of the deployment depends on it."""
    return patterns.identity(
        iam_groups=one.iam_groups,
        iam_users=one.iam_users,
        iam_roles=one.iam_roles,
        user_pool=pool.user_pool_id if pool else "",
        identity_pool=identity_pool.ref if identity_pool else "",
        identity_center=bool(one.identity_store),
        own_roles=names.of(one.name, ""),
        secrets=sorted({called(stack, secret or f"portcullis/{one.name}/") for secret in one.passwords.values()}),
    )


def called(stack: Stack, secret: str) -> patterns.Secret:
    """What a call may name a secret by, whichever of the two we know: its name, or its ARN, whose end is no part of the name. The
    beginning of a name will do as well."""
    if secret.startswith("arn:"):
        arn = _LENGTHENED.sub("", secret)
        return patterns.Secret(arn.partition(":secret:")[2], arn)
    form = ArnFormat.COLON_RESOURCE_NAME
    arn = stack.format_arn(service="secretsmanager", resource="secret", resource_name=secret, arn_format=form)
    return patterns.Secret(secret, arn)


def arn_of_alias(stack: Stack, one: Declared) -> str:
    """Of the deployment's key; empty where it is known by its own ARN alone."""
    # `format_arn` puts a slash after a resource without a name.
    return stack.format_arn(service="kms", resource=one.key_alias).removesuffix("/") if one.key_alias else ""


def rule(
    stack: Stack,
    automation: Automation,
    one: Declared,
    concern: str,
    pattern: patterns.Pattern,
    meaning: str,
    *,
    queue: str = "",
    state: str = "ENABLED",
    group: str = "",
) -> dict[str, Any]:
    """One deployment is one message group: its events are handled one after another, other deployments' beside them. And a `group` of
    its events apart, of which somebody may make as many as they like: none of the others waits behind those. Returns what has to be
    there, to be seen by."""
    to = automation.queues[queue or concern]
    of = ".".join(filter(None, (one.name, group)))
    events.CfnRule(
        stack,
        f"Rule-{concern}",
        name=names.of(one.name, concern),
        description=f"Portcullis: {meaning} ({one.name})",
        event_pattern=pattern,
        state=state,
        targets=[
            events.CfnRule.TargetProperty(
                id=concern,
                arn=to.queue_arn,
                sqs_parameters=events.CfnRule.SqsParametersProperty(message_group_id=of),
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=automation.undelivered.queue_arn),
            )
        ],
    )
    dead = automation.undelivered.queue_arn
    wants = {"state": state, "pattern": pattern, "target": to.queue_arn, "group": of, "dead": dead}
    return {"kind": "rule", "name": names.of(one.name, concern), "wants": wants}
