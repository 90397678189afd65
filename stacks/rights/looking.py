"""What may be looked at and never changed: what we see by, who may become whoever is mapped, the policies of IAM."""

from __future__ import annotations

from stacks.rights.grounds import ResourceArns
from stacks.rights.statements import Statements, allow, prefixed

# None of these takes a resource.
_ANY_EYE = ["cloudtrail:DescribeTrails", "lambda:ListEventSourceMappings", "sns:GetSubscriptionAttributes"]


_LOOKS_AT_LEDGER = "DescribeContinuousBackups DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive"


def see(g: ResourceArns) -> Statements:
    """Look whether what we see by is still there. None of this can change any of it."""
    trails = prefixed("cloudtrail", "GetEventSelectors GetTrailStatus")
    return [
        *allow(_ANY_EYE, ["*"] if g.see_rules else []),
        *allow(trails, g.see_trails),
        *allow(prefixed("events", "DescribeRule ListTargetsByRule"), g.see_rules),
        *look_at_functions(g),
        *allow(prefixed("sqs", "GetQueueAttributes GetQueueUrl"), g.see_queues),
        *allow(prefixed("sns", "GetTopicAttributes ListSubscriptionsByTopic"), [g.topic]),
        *allow(prefixed("iam", "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"), g.relay_role),
        *allow(["cloudwatch:DescribeAlarms"], g.see_alarms),
        *allow(prefixed("dynamodb", _LOOKS_AT_LEDGER), [g.ledger]),
        *allow(["dynamodb:GetResourcePolicy"], [g.ledger, f"{g.ledger}/stream/*"]),  # the Reference asks for both
    ]


def look_at_functions(g: ResourceArns) -> Statements:
    looks = "GetFunctionConcurrency GetFunctionConfiguration GetPolicy ListAliases"
    return allow(prefixed("lambda", looks), g.see_functions)


# None of these takes a resource.
_ROADS_OF_DOMAINS = (
    "DescribeInboundConnections DescribeOutboundConnections ListVpcEndpointAccess ListVpcEndpointsForDomain"
)


def look_at_roads(g: ResourceArns, *, locks: bool = True, chooses: bool = True) -> Statements:
    """Who may become whoever is mapped. Reads, and no secret's value. `locks` and `chooses`: the function may look at domains, or at
    identity pools, for that; what it may already is not said again, as each statement names all of them."""
    return [
        *allow(["iam:GetRole"], g.own_roles),
        *allow(["iam:GetSAMLProvider", "iam:GetOpenIDConnectProvider"], g.sign_in_providers),
        *allow(["cognito-identity:DescribeIdentityPool"], () if chooses else g.identity_pools),
        *allow(prefixed("secretsmanager", "DescribeSecret GetResourcePolicy"), g.described_secrets),
        *allow(["es:DescribeDomain"], () if locks else g.domains),
        *allow(prefixed("es", _ROADS_OF_DOMAINS), ["*"] if g.domains else []),
    ]


def read_policies(g: ResourceArns) -> Statements:
    """What IAM holds of our own roles, for a person who asks why. Of everybody else in the account only where its file asks for that:
    whoever may read all policies knows where to attack."""
    of_role, of_policy = "GetRolePolicy ListAttachedRolePolicies ListRolePolicies", "GetPolicy GetPolicyVersion"
    of_group = "GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies"
    of_user = "GetUser GetUserPolicy ListAttachedUserPolicies ListGroupsForUser ListUserPolicies"
    if not g.everybodys_policies:
        return [
            *allow(prefixed("iam", of_role), g.own_roles),
            *allow(prefixed("iam", of_policy), [role.replace(":role/", ":policy/") for role in g.own_roles]),
        ]
    return [
        *allow(prefixed("iam", f"GetRole {of_role}"), [f"{g.everybodys_policies}:role/*"]),
        *allow(prefixed("iam", of_user), [f"{g.everybodys_policies}:user/*"]),
        *allow(prefixed("iam", of_group), [f"{g.everybodys_policies}:group/*"]),
        *allow(prefixed("iam", of_policy), [f"{g.everybodys_policies}:policy/*", g.policies_of_aws]),
        # Who may read passwords of whoever administers, and which key that hangs on: no file names the keys of secrets.
        *allow(["secretsmanager:GetResourcePolicy"], [*g.made_secrets, *g.named_secrets]),
        *allow(prefixed("kms", "DescribeKey GetKeyPolicy ListGrants"), [g.all_keys]),
    ]
