"""How statements of policies are written here: exact ARNs wherever there are any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import aws_iam as iam

Statements = list[iam.PolicyStatement]


def allow(actions: Iterable[str], resources: Sequence[str], **conditions: Mapping[str, object]) -> Statements:
    """One statement, or none if there is nothing to allow it on."""
    if not resources:
        return []
    return [iam.PolicyStatement(actions=sorted(actions), resources=list(resources), conditions=conditions or None)]


def prefixed(service: str, actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions.split()]
