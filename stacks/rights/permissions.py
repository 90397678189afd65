"""What each function may do, statement by statement. Exact ARNs wherever there are any; `*` only where an action takes nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import aws_iam as iam

from stacks import names
from stacks.key import OBSERVE, PROBE, kms_actions
from stacks.rights.grounds import UNKNOWN_END, ResourceArns

Statements = list[iam.PolicyStatement]


def _allow(actions: Iterable[str], resources: Sequence[str], **conditions: Mapping[str, object]) -> Statements:
    """One statement, or none if there is nothing to allow it on."""
    if not resources:
        return []
    return [iam.PolicyStatement(actions=sorted(actions), resources=list(resources), conditions=conditions or None)]


def _prefixed(service: str, actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions.split()]


def in_the_vpc(function_arn: str) -> Statements:
    """What Lambda needs to place a function in a VPC, and a denial of the same to the function's own code."""
    actions = _prefixed(
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
    return _allow(_prefixed("logs", "CreateLogStream PutLogEvents"), [f"{log_group_arn}:*"])


def remember(g: ResourceArns) -> Statements:
    return _allow(_prefixed("dynamodb", "DeleteItem GetItem PutItem Query"), [g.ledger])


def tell(g: ResourceArns) -> Statements:
    return _allow(["sns:Publish"], [g.topic]) + _allow(["events:PutEvents"], [g.bus])


def passwords(g: ResourceArns) -> Statements:
    """A new internal user needs one, whichever function finds that they are missing; whether one was rotated is asked by its version."""
    read = _prefixed("secretsmanager", "DescribeSecret GetSecretValue")
    return [
        *_allow(["secretsmanager:CreateSecret", *read], g.made_secrets),
        *_allow(read, g.named_secrets),
        *_with_keys_of(["kms:Decrypt"], g.named_secrets, g),
    ]


def _with_keys_of(actions: Sequence[str], secrets: Sequence[str], g: ResourceArns) -> Statements:
    """What a secret needs that is under a key of its account's own."""
    return _allow(
        actions,
        sorted({_any_key_of(secret) for secret in secrets}),
        StringEquals={"kms:ViaService": g.secrets_service},
        ArnLike={"kms:EncryptionContext:SecretARN": sorted(secrets)},
    )


def keys_between_clusters(g: ResourceArns) -> Statements:
    """Their texts: put where a file offers one, read there and where a file reads another cluster with one."""
    read = sorted({*g.offered_secrets, *g.remote_secrets})
    return [
        *_allow(_prefixed("secretsmanager", "CreateSecret PutSecretValue"), _not_there_yet(g.offered_secrets)),
        *_allow(["secretsmanager:GetSecretValue"], _not_there_yet(read)),
        *_with_keys_of(["kms:Decrypt"], read, g),
        *_with_keys_of(["kms:GenerateDataKey"], g.offered_secrets, g),
        *_allow(["ssm:SendCommand"], g.keystore_commands),
        *_allow(["ssm:GetCommandInvocation"], ["*"] if g.keystore_commands else []),  # it takes no resource
    ]


def _not_there_yet(secrets: Sequence[str]) -> list[str]:
    """These, and as they are before they are made: asked for by the name alone, without the six characters that each gets then. Else
    nobody would be told that there is none, and the first key could not be put anywhere."""
    return sorted({*secrets, *(secret.removesuffix(UNKNOWN_END) for secret in secrets)})


def _any_key_of(secret: str) -> str:
    """A secret may be under a key of its account's own, which no file names: any, only ever through Secrets Manager for that secret."""
    partition, _, region, account = secret.split(":")[1:5]
    return f"arn:{partition}:kms:{region}:{account}:key/*"


def act_on_engines(g: ResourceArns) -> Statements:
    """As the role that domains know the automation by. On a cluster it is a user, whose secret is among the named ones."""
    return _allow(["sts:AssumeRole"], [g.automation_role] if g.domains else [])


def bury(queue_arns: Sequence[str]) -> Statements:
    return _allow(["sqs:SendMessage"], queue_arns)


def read_identities(g: ResourceArns) -> Statements:
    stores = [resource for store in g.identity_stores for resource in (store, *_STORE_PARTS)]
    return [
        *_allow(["iam:GetGroup"], g.iam_groups),
        *_allow(["iam:GetUser"], g.iam_users),
        *_allow(["iam:GetRole"], g.iam_roles),
        # Of whom is in a pool, and of how somebody becomes one of its users: in one statement, since each names every pool.
        *_allow(
            _prefixed("cognito-idp", f"AdminGetUser GetGroup ListUsers ListUsersInGroup {_HOW_ONE_SIGNS_IN}"),
            g.user_pools,
        ),
        *_allow(
            _prefixed("identitystore", "DescribeGroup DescribeUser GetGroupId ListGroupMemberships"),
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
    return [*_allow(["iam:GetUser"], users), *_allow(["iam:GetRole"], roles)]


def end_sessions(g: ResourceArns) -> Statements:
    """Sign people out; deny older sessions of a group's role, where a deployment asks for that.

    PutRolePolicy is the right to give a role anything. So it holds only for roles that are within their deployment's boundary at that
    moment: what such a role can do stays what everybody may ask of that domain, and the worst that can be done with it is to refuse the
    group's members. Nobody here may take a boundary off, or change one.
    """
    roles = [role for within in g.bounded.values() for role in within]
    put = (
        _allow(["iam:PutRolePolicy"], within, StringEquals={"iam:PermissionsBoundary": boundary})
        for boundary, within in g.bounded.items()
    )
    return [
        *_allow(["cognito-idp:AdminUserGlobalSignOut"], g.signing_out),
        *_allow(["iam:GetRole", "iam:GetRolePolicy"], roles),
        *(statement for statements in put for statement in statements),
    ]


def observe_keys(g: ResourceArns) -> Statements:
    """Look, and ask whether the key could be used; which key stands behind the alias now; what the domain says of its key."""
    actions = kms_actions(*OBSERVE, *PROBE)
    return [
        *_allow(actions, g.keys),
        *_by_alias("ForAnyValue:StringEquals", "kms:ResourceAliases", actions, g.alias_only, g),
        *_by_alias("StringEquals", "kms:RequestAlias", ["kms:DescribeKey"], g.key_aliases, g),
        *_allow(["cloudwatch:GetMetricStatistics"], ["*"] if g.domains else []),
    ]


def _by_alias(
    operator: str, condition_key: str, actions: list[str], aliases: Sequence[str], g: ResourceArns
) -> Statements:
    return _allow(actions, [g.all_keys], **{operator: {condition_key: list(aliases)}}) if aliases else []


def lock(g: ResourceArns) -> Statements:
    if not g.domains:  # to a cluster that runs elsewhere there is no way that AWS could close
        return _allow(["sqs:SendMessage"], [g.reminders])
    return [
        *_allow(["ec2:DescribeSecurityGroups"], ["*"]),
        *_allow(_prefixed("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress"), g.security_groups),
        *_close_further_groups(g),
        *_allow(_prefixed("es", "DescribeDomain UpdateDomainConfig"), g.domains),
        *_allow(
            _prefixed(
                "es",
                "AuthorizeVpcEndpointAccess ListVpcEndpointAccess ListVpcEndpointsForDomain RevokeVpcEndpointAccess",
            ),
            ["*"],  # they take no resource
        ),
        *_allow(["sts:AssumeRole"], g.canary_roles),
        *_allow(["sqs:SendMessage"], [g.reminders]),
    ]


def _close_further_groups(g: ResourceArns) -> Statements:
    """A group that somebody gave a domain has no name yet. In a VPC that we made any of it may be closed. In a given one are the groups of
    everything else there is, and to open these is no right of ours: only what its owner marked for it."""
    marked = {"StringEquals": {f"aws:ResourceTag/{names.CLOSED_BY_LOCK}": "yes"}} if g.given_vpc else {}
    actions = _prefixed("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress")
    return _allow(actions, [g.any_security_group], ArnEquals={"ec2:Vpc": g.vpc}, **marked)


def take_snapshots(g: ResourceArns) -> Statements:
    return _allow(["sts:AssumeRole"], g.snapshot_roles)


# None of these takes a resource.
_ANY_EYE = ["cloudtrail:DescribeTrails", "lambda:ListEventSourceMappings", "sns:GetSubscriptionAttributes"]


_LOOKS_AT_LEDGER = "DescribeContinuousBackups DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive"


def see(g: ResourceArns) -> Statements:
    """Look whether what we see by is still there. None of this can change any of it."""
    trails = _prefixed("cloudtrail", "GetEventSelectors GetTrailStatus")
    return [
        *_allow(_ANY_EYE, ["*"] if g.see_rules else []),
        *_allow(trails, g.see_trails),
        *_allow(_prefixed("events", "DescribeRule ListTargetsByRule"), g.see_rules),
        *look_at_functions(g),
        *_allow(_prefixed("sqs", "GetQueueAttributes GetQueueUrl"), g.see_queues),
        *_allow(_prefixed("sns", "GetTopicAttributes ListSubscriptionsByTopic"), [g.topic]),
        *_allow(_prefixed("iam", "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"), g.relay_role),
        *_allow(["cloudwatch:DescribeAlarms"], g.see_alarms),
        *_allow(_prefixed("dynamodb", _LOOKS_AT_LEDGER), [g.ledger]),
        *_allow(["dynamodb:GetResourcePolicy"], [g.ledger, f"{g.ledger}/stream/*"]),  # the Reference asks for both
    ]


def look_at_functions(g: ResourceArns) -> Statements:
    looks = "GetFunctionConcurrency GetFunctionConfiguration GetPolicy ListAliases"
    return _allow(_prefixed("lambda", looks), g.see_functions)


# None of these takes a resource.
_ROADS_OF_DOMAINS = (
    "DescribeInboundConnections DescribeOutboundConnections ListVpcEndpointAccess ListVpcEndpointsForDomain"
)


def look_at_roads(g: ResourceArns, *, locks: bool = True, chooses: bool = True) -> Statements:
    """Who may become whoever is mapped. Reads, and no secret's value. `locks` and `chooses`: the function may look at domains, or at
    identity pools, for that; what it may already is not said again, as each statement names all of them."""
    return [
        *_allow(["iam:GetRole"], g.own_roles),
        *_allow(["iam:GetSAMLProvider", "iam:GetOpenIDConnectProvider"], g.sign_in_providers),
        *_allow(["cognito-identity:DescribeIdentityPool"], () if chooses else g.identity_pools),
        *_allow(_prefixed("secretsmanager", "DescribeSecret GetResourcePolicy"), g.described_secrets),
        *_allow(["es:DescribeDomain"], () if locks else g.domains),
        *_allow(_prefixed("es", _ROADS_OF_DOMAINS), ["*"] if g.domains else []),
    ]


def connect_domains(g: ResourceArns) -> Statements:
    return [
        *_allow(["es:CreateOutboundConnection"], g.reading_domains),
        *_allow(["es:AcceptInboundConnection"], g.accepting),
    ]


def read_policies(g: ResourceArns) -> Statements:
    """What IAM holds of our own roles, for a person who asks why. Of everybody else in the account only where its file asks for that:
    whoever may read all policies knows where to attack."""
    of_role, of_policy = "GetRolePolicy ListAttachedRolePolicies ListRolePolicies", "GetPolicy GetPolicyVersion"
    of_group = "GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies"
    of_user = "GetUser GetUserPolicy ListAttachedUserPolicies ListGroupsForUser ListUserPolicies"
    if not g.everybodys_policies:
        return [
            *_allow(_prefixed("iam", of_role), g.own_roles),
            *_allow(_prefixed("iam", of_policy), [role.replace(":role/", ":policy/") for role in g.own_roles]),
        ]
    return [
        *_allow(_prefixed("iam", f"GetRole {of_role}"), [f"{g.everybodys_policies}:role/*"]),
        *_allow(_prefixed("iam", of_user), [f"{g.everybodys_policies}:user/*"]),
        *_allow(_prefixed("iam", of_group), [f"{g.everybodys_policies}:group/*"]),
        *_allow(_prefixed("iam", of_policy), [f"{g.everybodys_policies}:policy/*", g.policies_of_aws]),
    ]


def rotate_keys(g: ResourceArns) -> Statements:
    return _allow(kms_actions("RotateKeyOnDemand"), g.rotated)


def tell_endpoints(g: ResourceArns) -> Statements:
    return _allow(_prefixed("ssm", "GetParameter PutParameter"), g.endpoints)


def look_at_keys(g: ResourceArns) -> Statements:
    """Before a deployment is taken into care: its key's papers, and the key that its domain was made with."""
    actions = kms_actions(*OBSERVE)
    return [
        *_allow(actions, g.keys),
        *_by_alias("ForAnyValue:StringEquals", "kms:ResourceAliases", actions, g.alias_only, g),
        *_by_alias("StringEquals", "kms:RequestAlias", ["kms:DescribeKey"], g.key_aliases, g),
        *_allow(["es:DescribeDomain"], g.domains),
    ]


def remove(g: ResourceArns) -> Statements:
    """What only the function behind the door `delete` may: end a domain, and end a key that was made for one."""
    return [
        *_allow(["es:DeleteDomain"], g.domains),
        *_allow(kms_actions("ScheduleKeyDeletion"), g.own_keys),
    ]


def count(g: ResourceArns) -> Statements:
    return _allow(["sqs:GetQueueAttributes"], g.dead_letters)


def redrive(g: ResourceArns) -> Statements:
    """SQS moves messages as whoever asked: it needs the right to take from the one queue and to put into the other."""
    return [
        *_allow(
            _prefixed(
                "sqs",
                "CancelMessageMoveTask DeleteMessage GetQueueAttributes ListMessageMoveTasks ReceiveMessage StartMessageMoveTask",
            ),
            g.dead_letters,
        ),
        *_allow(["sqs:GetQueueAttributes", "sqs:SendMessage"], g.queues),
    ]


def set_up(g: ResourceArns) -> Statements:
    """Only `domain_setup`: make the account ready, become master once, read the deployment file, and have tokens choose the role at
    Dashboards' sign-in page."""
    return [
        *_allow(["iam:CreateServiceLinkedRole"], [g.service_role] if g.domains else []),
        *_allow(["ec2:DescribeSecurityGroups"], ["*"] if g.default_group else []),
        *_allow(_prefixed("ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"), g.default_group),
        *_allow(["sts:AssumeRole"], g.master_roles),
        *_allow(["secretsmanager:GetSecretValue"], g.master_secrets),
        *_allow(["s3:GetObject"], [g.models]),
        *_allow(_prefixed("cognito-idp", "DescribeUserPoolClient ListUserPoolClients"), g.user_pools),
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
        *_allow(_prefixed("cognito-identity", "DescribeIdentityPool GetIdentityPoolRoles"), g.identity_pools),
        setting,
        *_allow(
            ["iam:PassRole"], g.group_roles, StringEquals={"iam:PassedToService": "cognito-identity.amazonaws.com"}
        ),
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
    methods = _prefixed("es", "ESHttpDelete ESHttpGet ESHttpHead ESHttpPatch ESHttpPost ESHttpPut")
    return _allow(methods, [f"{domain}/*" for domain in g.domains])
