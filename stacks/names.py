"""The names that more than one stack, or a person, has to know. IAM is global: these hold for one home Region an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from portcullis.errors import BadInput
from portcullis.model.names import ROLES_OF_DOMAINS

if TYPE_CHECKING:  # which itself asks for names
    from stacks.deployments import Declared

PREFIX = "portcullis"
CLOSED_BY_LOCK = f"{PREFIX}:lock"  # tag of a security group in a given VPC that a lock may close: yes
AUTOMATION_ROLE = f"{PREFIX}-automation"  # what an engine knows the automation by
RELAY_ROLE = f"{PREFIX}-relay"
KEYSTORE = "keystore"  # what the document is called by which nodes of a cluster take keys
IAM_REGION = "us-east-1"  # where IAM's events happen
# Security groups of those who call the domains; not to be replaced under the same name: it is one a VPC.
AUTOMATION_GROUP, BREAK_GLASS_GROUP = f"{PREFIX}-automation", f"{PREFIX}-break-glass"

FUNCTIONS = ("identity_sync", "key_guard", "sweep", "domain_setup", "operate", "remove")

# The doors for people, an alias each: who may call which of them is IAM's to say. A level holds those before it. The last one leads to
# `remove`, a function of its own, since a function has one role for all of its aliases.
LEVELS = ("look", "act", "delete")

MANAGED = range(10, 21)  # managed policies that a role may have: as IAM begins, and as far as it goes on demand
QUOTA = "managed_policies"  # of the app's context: how many this account was given
METRICS_NAMESPACE = "Portcullis"


def function(name: str) -> str:
    """The deployed name of a function, and of its role: identity_sync -> portcullis-identity-sync."""
    return f"{PREFIX}-{name.replace('_', '-')}"


def runbook_role(level: str) -> str:
    """What a runbook of this level runs as."""
    return f"{PREFIX}-runbook-{level}"


def of(deployment: str, part: str) -> str:
    """The name of a deployment's own part: stacks, roles, rules."""
    return f"{PREFIX}-{deployment}-{part}"


def group_role(deployment: str, group: str) -> str:
    """The role of a Cognito group that has one of its own."""
    return of(deployment, group)


def boundary(deployment: str) -> str:
    """The policy that bounds the roles of a deployment's Cognito groups."""
    return of(deployment, "boundary")


_ELSEWHERE = {"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b", "eusc": "aws-eusc"}


def check_partition(region: str) -> None:
    """Raise BadInput for a Region outside the partition `aws`: IAM's events arise elsewhere there than in us-east-1, and Cognito user pools
    are not to be had, or under other service names."""
    found = max((head for head in _ELSEWHERE if region.startswith(f"{head}-")), key=len, default="")
    if found:
        raise BadInput(
            f"{region} is in the partition {_ELSEWHERE[found]}, for which these stacks are not made",
            source="context",
            place="region",
            remedy="a Region of the partition aws, such as eu-central-1",
        )


def check_names(deployments: Iterable[Declared]) -> None:
    """Raise BadInput if two things that a set of deployments makes would be called the same. What one file tells by itself its reading
    refuses."""
    ours = (AUTOMATION_ROLE, RELAY_ROLE, *map(runbook_role, LEVELS), *map(function, FUNCTIONS))
    taken = dict.fromkeys(ours, "the automation")
    for one in deployments:
        wanted = [] if one.cluster else [("", part) for part in ROLES_OF_DOMAINS]
        wanted += [(f"identity.cognito.groups.{group}", group) for group, role in one.cognito_groups.items() if role]
        for place, part in wanted:
            name = of(one.name, part)
            if name.lower() in taken:  # IAM tells no names apart by case
                raise BadInput(
                    f"the IAM role {name} is wanted twice, here and by {taken[name.lower()]}",
                    source=str(one.source),
                    place=place or "deployment",
                    remedy="give one of them another name",
                )
            taken[name.lower()] = f"{one.source}"
