"""Policies of any number of deployments: IAM takes 10,240 characters of a role's own policies and 6,144 of a managed one, ten of which a
role may have unless its account was given more. Statements are laid into as few as they need, and one that names too many resources is
told in several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from portcullis.errors import BadInput

from stacks.names import MANAGED, QUOTA

_OWN, _MANAGED = 9_600, 5_700  # with room for what an estimate leaves out
_RESOURCES = 15  # of one statement, so that it fits beside others
_REFERENCE = 90  # what a reference to another stack's key, pool or group comes to
MANY = 25  # deployments (or names of one kind) from which on our own names are allowed by pattern


def allow(role: iam.Role, name: str, statements: Sequence[iam.PolicyStatement]) -> None:
    """Give a role these rights: in its own policy as far as that takes them, the rest in managed ones."""
    stack = Stack.of(role)
    sized = [
        (estimate(stack.resolve(part.to_statement_json())), part)
        for statement in statements
        for part in _in_parts(statement)
    ]
    room = _OWN
    rest: list[tuple[int, iam.PolicyStatement]] = []
    for size, statement in sized:
        if size <= room:
            role.add_to_policy(statement)
            room -= size
        else:
            rest.append((size, statement))
    parts: list[list[iam.PolicyStatement]] = []
    rooms: list[int] = []
    for size, statement in sorted(rest, key=lambda one: -one[0]):  # the largest first, each where it still fits
        place = next((number for number, room in enumerate(rooms) if size <= room), len(parts))
        if place == len(parts):
            parts.append([])
            rooms.append(_MANAGED)
        parts[place].append(statement)
        rooms[place] -= size
    may_have = int(stack.node.try_get_context(QUOTA) or MANAGED[0])
    if len(parts) > may_have:
        raise BadInput(
            f"what {name} may do takes {len(parts)} managed policies, and IAM attaches {may_have} to a role",
            source="deployments",
            remedy=f"fewer deployments in one account, or the quota raised (to {MANAGED[-1]} at most) and -c {QUOTA}=...",
        )
    for number, part in enumerate(parts, start=1):
        more = iam.ManagedPolicy(
            stack, f"More-{name}-{number}", description=f"Portcullis: more of what {name} may do", statements=part
        )
        role.add_managed_policy(more)


def _in_parts(statement: iam.PolicyStatement) -> Iterator[iam.PolicyStatement]:
    resources = list(statement.resources)
    if len(resources) <= _RESOURCES:
        yield statement
        return
    for first in range(0, len(resources), _RESOURCES):
        yield statement.copy(resources=resources[first : first + _RESOURCES])


def estimate(value: Any) -> int:
    """How many characters a part of a policy will have, references counted as what they come to."""
    if isinstance(value, dict):
        names = list(value)
        if len(names) == 1 and (names[0] == "Ref" or names[0].startswith("Fn::")):
            return _REFERENCE
        return 2 + sum(len(name) + 4 + estimate(one) for name, one in value.items())
    if isinstance(value, list):
        return 2 + sum(1 + estimate(one) for one in value)
    return len(str(value)) + 2


def few_or(pattern: str, exact: Sequence[str]) -> list[str]:
    """ARNs of things under names of our own: one by one, or where they are many by the form of their names."""
    return list(exact) if len(exact) <= MANY else [pattern]
