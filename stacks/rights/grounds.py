"""What the automation may touch: ARNs of every deployment's parts, as the policies of its roles name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from stacks import names
from stacks.deployments import Declared
from stacks.key import KeyFacts
from stacks.network import Network
from stacks.people.cluster_people import ClusterPeople
from stacks.people.identity import Identity
from stacks.rights.packing import few_or

UNKNOWN_END = (
    "-??????"  # of a secret's ARN: Secrets Manager lengthens each name by a hyphen and six characters of its own
)
_SERVICE, _SERVICE_ROLE = "opensearchservice.amazonaws.com", "AWSServiceRoleForAmazonOpenSearchService"


@dataclass(frozen=True, slots=True)
class ResourceArns:
    """The ARNs of everything there is to touch, over all deployments."""

    ledger: str
    topic: str
    bus: str
    automation_role: str
    dead_letters: Sequence[str]
    queues: Sequence[str]
    reminders: str
    domains: Sequence[str]
    security_groups: Sequence[str]
    any_security_group: str  # only ever with conditions
    vpc: str
    given_vpc: bool  # other people's groups are in it too
    master_roles: Sequence[str]
    canary_roles: Sequence[str]
    snapshot_roles: Sequence[str]
    master_secrets: Sequence[str]
    made_secrets: Sequence[str]  # passwords of internal users that the automation makes
    named_secrets: Sequence[str]  # and those that a deployment file names
    keys: Sequence[str]
    own_keys: Sequence[str]  # those that were made for a deployment, and no given ones
    rotated: Sequence[str]  # those of them that are rotated on demand
    endpoints: Sequence[str]  # parameters that say where a deployment is reached
    key_aliases: Sequence[str]  # alias/NAME of every deployment that has one: what stands behind it may change
    alias_only: Sequence[str]  # those of given keys that are named by their alias alone
    all_keys: str  # arn:...:key/*: to change anything only ever with a condition on the alias
    user_pools: Sequence[str]
    signing_out: Sequence[str]  # the user pools whose deployments ask for sessions to be ended
    bounded: Mapping[str, Sequence[str]]  # boundary -> the roles within it whose older sessions may be denied
    identity_pools: Sequence[str]
    group_roles: Sequence[str]
    iam_groups: Sequence[str]
    iam_users: Sequence[str]
    iam_roles: Sequence[str]
    break_glass_by: Sequence[str]  # IAM users and roles of this account whom a deployment file lets open break-glass
    identity_stores: Sequence[str] = field(default=())
    offered_secrets: Sequence[str] = field(default=())  # keys for other clusters are put into these
    remote_secrets: Sequence[str] = field(default=())  # and by the keys of these others are read
    keystore_commands: Sequence[str] = field(
        default=()
    )  # documents that have nodes take keys, and the machines of these nodes
    reading_domains: Sequence[str] = field(default=())  # those whose files name other domains to read
    accepting: Sequence[str] = field(
        default=()
    )  # `*` where a file names domains that may read: AWS takes no resource for it
    service_role: str = ""  # of the search service, in every account
    models: str = ""  # objects that hold deployment files
    secrets_service: str = ""  # what Secrets Manager is called in this Region
    # What we see by: trails of every Region (and of the organisation), rules here and in IAM's Region, and the rest by the names we give.
    described_secrets: Sequence[str] = field(default=())  # of masters: looked at, never read
    own_roles: Sequence[str] = field(default=())  # that the stacks make, by name
    sign_in_providers: Sequence[str] = field(default=())
    everybodys_policies: str = ""  # arn:...:iam::ACCOUNT, where the account's file lets all of its policies be read
    policies_of_aws: str = ""
    see_trails: Sequence[str] = field(default=())
    see_rules: Sequence[str] = field(default=())
    see_functions: Sequence[str] = field(default=())
    default_group: Sequence[str] = field(default=())  # of the VPC that we make
    see_queues: Sequence[str] = field(default=())
    relay_role: Sequence[str] = field(default=())
    see_alarms: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Own:
    """What the automation's stack makes for itself."""

    ledger: dynamodb.Table
    topic: sns.Topic
    bus: events.EventBus
    role: iam.Role
    dead_letters: Iterable[sqs.Queue]
    queues: Iterable[sqs.Queue]
    reminders: sqs.Queue


def grounds(
    stack: Stack,
    own: Own,
    network: Network,
    keys: Sequence[KeyFacts],
    identities: Sequence[Identity],
    beside: Sequence[ClusterPeople] = (),
    *,
    reads_policies: bool = False,
) -> ResourceArns:
    """`identities`: of domains, `beside`: of clusters that run elsewhere. `reads_policies`: of everybody in the account."""
    domains = [identity.one for identity in identities]
    deployments = [*domains, *(people.one for people in beside)]
    signing_in: list[Identity | ClusterPeople] = [*identities, *beside]
    by_alias = [key for key in keys if not key.id]

    def ours(part: str) -> str:
        """Every role of ours for this part of a deployment: who else trusts us is nobody we could become."""
        return _iam(stack, "role", {names.of("*", part) if part else f"{names.PREFIX}-*"}, anywhere=False)[0]

    return ResourceArns(
        ledger=own.ledger.table_arn,
        topic=own.topic.topic_arn,
        bus=own.bus.event_bus_arn,
        automation_role=own.role.role_arn,
        dead_letters=[queue.queue_arn for queue in own.dead_letters],
        queues=[queue.queue_arn for queue in own.queues],
        reminders=own.reminders.queue_arn,
        domains=[arn(stack, "es", "domain", one.name) for one in domains],
        security_groups=[
            arn(stack, "ec2", "security-group", group.security_group_id) for group in network.domain_groups.values()
        ],
        any_security_group=arn(stack, "ec2", "security-group", "*"),
        vpc=network.vpc.vpc_arn,
        given_vpc=network.is_given,
        master_roles=few_or(ours("master"), [identity.master.role_arn for identity in identities]),
        canary_roles=few_or(ours("canary"), [identity.canary.role_arn for identity in identities]),
        # made later, with the domain: by name
        snapshot_roles=few_or(
            ours("snapshots"),
            _iam(stack, "role", {names.of(one.name, "snapshots") for one in domains}, anywhere=False),
        ),
        master_secrets=[identity.master_secret.secret_arn for identity in identities if identity.master_secret],
        made_secrets=few_or(
            _secret(stack, "portcullis/*"),
            [
                _secret(stack, f"portcullis/{one.name}/*")
                for one in deployments
                if one.cluster or None in one.passwords.values()  # a cluster's canary has one, too
            ],
        ),
        named_secrets=sorted({_secret(stack, name) for one in deployments for name in one.read_secrets}),
        offered_secrets=sorted({_secret(stack, name) for one in deployments for name in one.offered_secrets}),
        keystore_commands=sorted(
            {
                one_of
                for one in deployments
                if one.machines
                for one_of in (
                    arn(stack, "ssm", "document", names.of(one.name, names.KEYSTORE)),
                    *(_machine(stack, machine) for machine in one.machines),
                )
            }
        ),
        reading_domains=[arn(stack, "es", "domain", one.name) for one in domains if one.asks_to_read],
        accepting=["*"] if any(one.accepts_readers for one in domains) else [],
        remote_secrets=sorted({_secret(stack, name) for one in deployments for name in one.remote_secrets}),
        keys=sorted({a for key in keys if key not in by_alias for a in (key.arn, *key.replica_arns)}),
        own_keys=sorted({a for key in keys if not key.one.key_arn for a in (key.arn, *key.replica_arns)}),
        rotated=sorted({key.arn for key in keys if not key.one.key_arn and key.one.on_demand_days}),
        endpoints=few_or(
            arn(stack, "ssm", "parameter", f"{names.PREFIX}/*/endpoint"),
            [arn(stack, "ssm", "parameter", f"{names.PREFIX}/{one.name}/endpoint") for one in domains],
        ),
        key_aliases=sorted({one.key_alias for one in deployments if one.key_alias}),
        alias_only=sorted({key.one.key_alias for key in by_alias}),
        all_keys=arn(stack, "kms", "key", "*"),
        user_pools=[each.pool.user_pool_arn for each in signing_in if each.pool],
        signing_out=[each.pool.user_pool_arn for each in signing_in if each.pool and each.one.signs_out],
        bounded=dict(_bounded(stack, one) for one in deployments if one.bounded_groups),
        identity_pools=[
            arn(stack, "cognito-identity", "identitypool", identity.identity_pool.ref)
            for identity in identities
            if identity.identity_pool
        ],
        group_roles=few_or(ours(""), [role for identity in identities for role in identity.cognito_roles]),
        # only ever read
        iam_groups=few_or(
            _iam(stack, "group", {"*"}, anywhere=False)[0],
            _iam(stack, "group", {group for one in deployments for group in one.iam_groups}),
        ),
        iam_users=_iam(stack, "user", {user for one in deployments for user in one.iam_users}),
        iam_roles=_iam(stack, "role", {role for one in deployments for role in one.iam_roles}),
        break_glass_by=sorted({a for one in deployments for a in one.break_glass_by if f"::{stack.account}:" in a}),
        identity_stores=sorted(
            {
                f"arn:{stack.partition}:identitystore::{stack.account}:identitystore/{one.identity_store}"
                for one in deployments
                if one.identity_store
            }
        ),
        service_role=f"arn:{stack.partition}:iam::{stack.account}:role/aws-service-role/{_SERVICE}/{_SERVICE_ROLE}",
        described_secrets=[
            *few_or(
                _secret(stack, "MasterSecret*"),  # as CloudFormation calls them
                [identity.master_secret.secret_arn for identity in identities if identity.master_secret],
            ),
            *sorted({_secret(stack, glass) for one in deployments if (glass := one.watched_secret)}),
        ],
        own_roles=[f"arn:{stack.partition}:iam::{stack.account}:role/{names.PREFIX}-*"],
        sign_in_providers=[
            f"arn:{stack.partition}:iam::{stack.account}:{kind}/*" for kind in ("saml-provider", "oidc-provider")
        ],
        everybodys_policies=f"arn:{stack.partition}:iam::{stack.account}" if reads_policies else "",
        policies_of_aws=f"arn:{stack.partition}:iam::aws:policy/*",
        see_trails=[f"arn:{stack.partition}:cloudtrail:*:*:trail/*"],
        see_rules=[
            f"arn:{stack.partition}:events:{region}:{stack.account}:rule/{names.PREFIX}-*"
            for region in dict.fromkeys((stack.region, names.IAM_REGION))
        ],
        default_group=[arn(stack, "ec2", "security-group", network.default_group)] if network.default_group else [],
        see_functions=[arn(stack, "lambda", "function", f"{names.PREFIX}-*", ArnFormat.COLON_RESOURCE_NAME)],
        see_queues=[f"arn:{stack.partition}:sqs:{stack.region}:{stack.account}:{names.PREFIX}-*"],
        relay_role=[f"arn:{stack.partition}:iam::{stack.account}:role/{names.RELAY_ROLE}"],
        see_alarms=[arn(stack, "cloudwatch", "alarm", "*", ArnFormat.COLON_RESOURCE_NAME)],
        models=f"arn:{stack.partition}:s3:::cdk-{_qualifier(stack)}-assets-{stack.account}-{stack.region}/*.yaml",
        secrets_service=f"secretsmanager.{stack.region}.amazonaws.com",
    )


def _qualifier(stack: Stack) -> str:
    """Of the bootstrapping whose bucket the deployment files are published to: an account may have others than the CDK's own."""
    found: str | None = stack.synthesizer.bootstrap_qualifier
    assert found, "the stacks are synthesised for a bootstrapped account"  # noqa: S101
    return found


def _bounded(stack: Stack, one: Declared) -> tuple[str, list[str]]:
    """A boundary and the roles within it; by name, as what this stack imports its maker could not take away again."""
    (boundary,) = _iam(stack, "policy", {names.boundary(one.name)}, anywhere=False)
    return boundary, _iam(stack, "role", {names.group_role(one.name, g) for g in one.bounded_groups}, anywhere=False)


def _iam(stack: Stack, kind: str, wanted: set[str], *, anywhere: bool = True) -> list[str]:
    """ARNs by name: what we make stands under no path, the groups, users and roles of others may stand under any."""
    paths = ["", "*/"] if anywhere else [""]
    return [
        f"arn:{stack.partition}:iam::{stack.account}:{kind}/{path}{name}" for name in sorted(wanted) for path in paths
    ]


def _secret(stack: Stack, name: str) -> str:
    """A secret's ARN by its name, which Secrets Manager lengthens by six characters of its own; an ARN as it is."""
    if name.startswith("arn:"):
        return name
    return arn(
        stack,
        "secretsmanager",
        "secret",
        name if name.endswith("*") else f"{name}{UNKNOWN_END}",
        ArnFormat.COLON_RESOURCE_NAME,
    )


def _machine(stack: Stack, machine: str) -> str:
    """Of EC2, or of elsewhere and managed by Systems Manager."""
    own = machine.startswith("i-")
    return arn(stack, *(("ec2", "instance", machine) if own else ("ssm", "managed-instance", machine)))


def arn(stack: Stack, service: str, resource: str, name: str, form: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME) -> str:
    found: str = stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=form)
    return found
