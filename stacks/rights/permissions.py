"""What each function may do, statement by statement. Exact ARNs wherever there are any; `*` only where an action takes nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from stacks import names
from stacks.key import OBSERVE, PROBE, kms_actions
from stacks.rights.grounds import ResourceArns
from stacks.rights.looking import look_at_functions, look_at_roads, read_policies, see
from stacks.rights.secrets import keys_between_clusters, passwords
from stacks.rights.statements import Statements, allow, prefixed


def in_the_vpc(function_arn: str) -> Statements:
    """What Lambda needs to place a function in a VPC, and a denial of the same to the function's own code."""
    actions = prefixed(
        "ec2",
        "AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets"
        " UnassignPrivateIpAddresses",
    )
    own = {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}}
    return [
        iam.PolicyStatement(actions=actions, resources=["*"]),
        iam.PolicyStatement(effect=iam.Effect.DENY, actions=actions, resources=["*"], conditions=own),
    ]


def log(log_group_arn: str) -> Statements:
    return allow(prefixed("logs", "CreateLogStream PutLogEvents"), [f"{log_group_arn}:*"])


def remember(g: ResourceArns) -> Statements:
    return allow(prefixed("dynamodb", "DeleteItem GetItem PutItem Query"), [g.ledger])


def tell(g: ResourceArns) -> Statements:
    return allow(["sns:Publish"], [g.topic]) + allow(["events:PutEvents"], [g.bus])


def act_on_engines(g: ResourceArns) -> Statements:
    """As the role that domains know the automation by. On a cluster it is a user, whose secret is among the named ones."""
    return allow(["sts:AssumeRole"], [g.automation_role] if g.domains else [])


def bury(queue_arns: Sequence[str]) -> Statements:
    return allow(["sqs:SendMessage"], queue_arns)


def read_identities(g: ResourceArns) -> Statements:
    stores = [resource for store in g.identity_stores for resource in (store, *_STORE_PARTS)]
    return [
        *allow(["iam:GetGroup"], g.iam_groups),
        *allow(["iam:GetUser"], g.iam_users),
        *allow(["iam:GetRole"], g.iam_roles),
        # Of whom is in a pool, and of how somebody becomes one of its users: in one statement, since each names every pool.
        *allow(
            prefixed("cognito-idp", f"AdminGetUser GetGroup ListUsers ListUsersInGroup {_HOW_ONE_SIGNS_IN}"),
            g.user_pools,
        ),
        *allow(
            prefixed("identitystore", "DescribeGroup DescribeUser GetGroupId ListGroupMemberships"),
            sorted(set(stores)),
        ),
    ]


_HOW_ONE_SIGNS_IN = (
    "DescribeIdentityProvider DescribeUserPool DescribeUserPoolClient ListIdentityProviders ListUserPoolClients"
)
_STORE_PARTS = (
    "arn:aws:identitystore:::group/*",
    "arn:aws:identitystore:::user/*",
    "arn:aws:identitystore:::membership/*",
)


def look_at_openers(g: ResourceArns) -> Statements:
    """Only for a person who asks whether they still exist: nothing reacts to them."""
    users = [arn for arn in g.break_glass_by if ":user/" in arn]
    roles = [arn for arn in g.break_glass_by if ":role/" in arn]
    return [*allow(["iam:GetUser"], users), *allow(["iam:GetRole"], roles)]


def end_sessions(g: ResourceArns) -> Statements:
    """Sign people out; deny older sessions of a group's role, where a deployment asks for that.

    PutRolePolicy is the right to give a role anything. So it holds only for roles that are within their deployment's boundary at that
    moment: what such a role can do stays what everybody may ask of that domain, and the worst that can be done with it is to refuse the
    group's members. Nobody here may take a boundary off, or change one.
    """
    roles = [role for within in g.bounded.values() for role in within]
    put = (
        allow(["iam:PutRolePolicy"], within, StringEquals={"iam:PermissionsBoundary": boundary})
        for boundary, within in g.bounded.items()
    )
    return [
        *allow(["cognito-idp:AdminUserGlobalSignOut"], g.signing_out),
        *allow(["iam:GetRole", "iam:GetRolePolicy"], roles),
        *(statement for statements in put for statement in statements),
    ]


def observe_keys(g: ResourceArns) -> Statements:
    """Look, and ask whether the key could be used; which key stands behind the alias now; what the domain says of its key."""
    actions = kms_actions(*OBSERVE, *PROBE)
    return [
        *allow(actions, g.keys),
        *_by_alias("ForAnyValue:StringEquals", "kms:ResourceAliases", actions, g.alias_only, g),
        *_by_alias("StringEquals", "kms:RequestAlias", ["kms:DescribeKey"], g.key_aliases, g),
        *allow(["cloudwatch:GetMetricStatistics"], ["*"] if g.domains else []),
    ]


def _by_alias(
    operator: str, condition_key: str, actions: list[str], aliases: Sequence[str], g: ResourceArns
) -> Statements:
    return allow(actions, [g.all_keys], **{operator: {condition_key: list(aliases)}}) if aliases else []


def lock(g: ResourceArns) -> Statements:
    if not g.domains:  # to a cluster that runs elsewhere there is no way that AWS could close
        return allow(["sqs:SendMessage"], [g.reminders])
    return [
        *allow(["ec2:DescribeSecurityGroups"], ["*"]),
        *allow(prefixed("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress"), g.security_groups),
        *_close_further_groups(g),
        *allow(prefixed("es", "DescribeDomain UpdateDomainConfig"), g.domains),
        *allow(
            prefixed(
                "es",
                "AuthorizeVpcEndpointAccess ListVpcEndpointAccess ListVpcEndpointsForDomain RevokeVpcEndpointAccess",
            ),
            ["*"],  # they take no resource
        ),
        *allow(["sts:AssumeRole"], g.canary_roles),
        *allow(["sqs:SendMessage"], [g.reminders]),
    ]


def _close_further_groups(g: ResourceArns) -> Statements:
    """A group that somebody gave a domain has no name yet. In a VPC that we made any of it may be closed. In a given one are the groups of
    everything else there is, and to open these is no right of ours: only what its owner marked for it."""
    marked = {"StringEquals": {f"aws:ResourceTag/{names.CLOSED_BY_LOCK}": "yes"}} if g.given_vpc else {}
    actions = prefixed("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress")
    return allow(actions, [g.any_security_group], ArnEquals={"ec2:Vpc": g.vpc}, **marked)


def take_snapshots(g: ResourceArns) -> Statements:
    return allow(["sts:AssumeRole"], g.snapshot_roles)


def connect_domains(g: ResourceArns) -> Statements:
    return [
        *allow(["es:CreateOutboundConnection"], g.reading_domains),
        *allow(["es:AcceptInboundConnection"], g.accepting),
    ]


def rotate_keys(g: ResourceArns) -> Statements:
    return allow(kms_actions("RotateKeyOnDemand"), g.rotated)


def tell_endpoints(g: ResourceArns) -> Statements:
    return allow(prefixed("ssm", "GetParameter PutParameter"), g.endpoints)


def look_at_keys(g: ResourceArns) -> Statements:
    """Before a deployment is taken into care: its key's papers, and the key that its domain was made with."""
    actions = kms_actions(*OBSERVE)
    return [
        *allow(actions, g.keys),
        *_by_alias("ForAnyValue:StringEquals", "kms:ResourceAliases", actions, g.alias_only, g),
        *_by_alias("StringEquals", "kms:RequestAlias", ["kms:DescribeKey"], g.key_aliases, g),
        *allow(["es:DescribeDomain"], g.domains),
    ]


def remove(g: ResourceArns) -> Statements:
    """What only the function behind the door `delete` may: end a domain, and end a key that was made for one."""
    return [
        *allow(["es:DeleteDomain"], g.domains),
        *allow(kms_actions("ScheduleKeyDeletion"), g.own_keys),
    ]


def count(g: ResourceArns) -> Statements:
    return allow(["sqs:GetQueueAttributes"], g.dead_letters)


def redrive(g: ResourceArns) -> Statements:
    """SQS moves messages as whoever asked: it needs the right to take from the one queue and to put into the other."""
    return [
        *allow(
            prefixed(
                "sqs",
                "CancelMessageMoveTask DeleteMessage GetQueueAttributes ListMessageMoveTasks ReceiveMessage StartMessageMoveTask",
            ),
            g.dead_letters,
        ),
        *allow(["sqs:GetQueueAttributes", "sqs:SendMessage"], g.queues),
    ]


def set_up(g: ResourceArns) -> Statements:
    """Only `domain_setup`: make the account ready, become master once, read the deployment file, and have tokens choose the role at
    Dashboards' sign-in page."""
    return [
        *allow(["iam:CreateServiceLinkedRole"], [g.service_role] if g.domains else []),
        *allow(["ec2:DescribeSecurityGroups"], ["*"] if g.default_group else []),
        *allow(prefixed("ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"), g.default_group),
        *allow(["sts:AssumeRole"], g.master_roles),
        *allow(["secretsmanager:GetSecretValue"], g.master_secrets),
        *allow(["s3:GetObject"], [g.models]),
        *allow(prefixed("cognito-idp", "DescribeUserPoolClient ListUserPoolClients"), g.user_pools),
        *choose_roles(g),
    ]


def choose_roles(g: ResourceArns) -> Statements:
    """Have tokens choose the role at a sign-in. To set the roles of a pool takes no resource (Service Authorization Reference): on a pool
    IAM would never allow it. What can be set is bounded by the roles that may be passed on."""
    if not g.identity_pools:
        return []
    setting = iam.PolicyStatement(
        sid="SetsRolesOfPools", actions=["cognito-identity:SetIdentityPoolRoles"], resources=["*"]
    )
    return [
        *allow(prefixed("cognito-identity", "DescribeIdentityPool GetIdentityPoolRoles"), g.identity_pools),
        setting,
        *allow(["iam:PassRole"], g.group_roles, StringEquals={"iam:PassedToService": "cognito-identity.amazonaws.com"}),
    ]


def _of_people(g: ResourceArns) -> Statements:
    return [
        *observe_keys(g),
        *look_at_openers(g),
        *lock(g),
        *end_sessions(g),
        *redrive(g),
        *take_snapshots(g),
        *rotate_keys(g),
        *choose_roles(g),
        *tell_endpoints(g),
        *see(g),
        *look_at_roads(g),
        *keys_between_clusters(g),
    ]


def of_function(name: str, g: ResourceArns) -> Statements:
    """Everything one function may do besides logging, tracing and being in the VPC."""
    everywhere = [*remember(g), *tell(g), *act_on_engines(g), *read_identities(g), *passwords(g)]
    identity_dead, key_dead = g.dead_letters[:1], g.dead_letters[1:2]
    match name:
        case "identity_sync":
            return [*everywhere, *end_sessions(g), *look_at_roads(g, locks=False, chooses=False), *bury(identity_dead)]
        case "key_guard":
            return [
                *everywhere,
                *observe_keys(g),
                *lock(g),
                *end_sessions(g),
                *see(g),
                *look_at_roads(g, chooses=False),
                *bury(key_dead),
            ]
        case "sweep":
            known = [
                *observe_keys(g),
                *lock(g),
                *end_sessions(g),
                *count(g),
                *take_snapshots(g),
                *see(g),
                *look_at_roads(g),
            ]
            return [*everywhere, *known, *rotate_keys(g), *choose_roles(g), *keys_between_clusters(g)]
        case "operate":
            return [*everywhere, *_of_people(g), *read_policies(g), *connect_domains(g)]
        case "remove":
            return [*everywhere, *_of_people(g), *remove(g)]
        case "domain_setup":
            return [*everywhere, *set_up(g), *look_at_keys(g), *look_at_functions(g)]
    raise ValueError(f"no permissions are written down for the function {name}")


def of_automation(g: ResourceArns) -> Statements:
    """What the engines' principal may do in IAM: send requests to the domains. What they answer is fine-grained access control's to say."""
    methods = prefixed("es", "ESHttpDelete ESHttpGet ESHttpHead ESHttpPatch ESHttpPost ESHttpPut")
    return allow(methods, [f"{domain}/*" for domain in g.domains])
