"""The automation of the account: ledger, queues, functions, topic, bus, the sweep's schedule, and the IAM groups it watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import ArnFormat, CfnOutput, CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from layers.build import built
from stacks import names, permissions, queues, seeing
from stacks.deployments import Declared
from stacks.domain_logs import let_domains_log
from stacks.identity import Identity
from stacks.keeping import KEPT
from stacks.key import KeyFacts
from stacks.network import Network
from stacks.packing import allow, few_or

FUNCTIONS_FOLDER = Path(__file__).resolve().parent.parent / "functions"
_SETTLE_SECONDS = 5
_REMINDED_AT_ONCE = 5
_SERVICE, _SERVICE_ROLE = "opensearchservice.amazonaws.com", "AWSServiceRoleForAmazonOpenSearchService"


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a function may get. `at_once`: deployments handled at the same time, each by one invocation."""

    seconds: int
    memory: int = 1024
    queue: str = ""
    at_once: int = 0
    reserved: int | None = None


SHAPES = {
    "identity_sync": Shape(seconds=60, queue="identity", at_once=20),
    # A lock must never wait for want of concurrency that something else has used up.
    "key_guard": Shape(seconds=120, queue="key", at_once=20, reserved=20 + _REMINDED_AT_ONCE),
    "sweep": Shape(seconds=300, reserved=1),
    "domain_setup": Shape(seconds=600),
    "operate": Shape(seconds=300),
    "remove": Shape(seconds=300),
}


class Automation(Stack):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        keys: Sequence[KeyFacts],
        identities: Sequence[Identity],
        reserve: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self._network, self._reserve = network, reserve
        deployments = [identity.one for identity in identities]
        self.sweep_minutes = min(one.sweep_minutes for one in deployments)
        self.ledger = self._ledger()
        self.topic = self._topic("Alerts", f"{names.PREFIX}-alerts", deployments)
        # Systems Manager asks for approvals through topics of such names only.
        self.approvals = self._topic("Approvals", f"Automation-{names.PREFIX}-approvals", deployments)
        self.bus = events.EventBus(self, "Bus", event_bus_name=names.PREFIX)
        self.undelivered = queues.delivered_to(self, "undelivered")
        self.dead_letters = {c: queues.delivered_to(self, f"{c}-dead", fifo=True) for c in ("identity", "key")}
        self.queues = {
            shape.queue: queues.of_events(self, shape.queue, self.dead_letters[shape.queue], seconds=shape.seconds)
            for shape in SHAPES.values()
            if shape.queue
        }
        self.reminders = queues.of_reminders(self, seconds=SHAPES["key_guard"].seconds)
        self._iam_groups(deployments)
        let_domains_log(self)
        self.automation_role = iam.Role(
            self,
            "EnginePrincipal",
            role_name=names.AUTOMATION_ROLE,
            description="Portcullis: the automation, as the engines know it; the functions assume it",
            assumed_by=iam.CompositePrincipal(*(role for role in self._roles())),
        )
        grounds = self._grounds(keys, identities)
        allow(self.automation_role, "automation", permissions.of_automation(grounds))
        layer = self._layer()
        self.functions = {function: self._function(function, layer, grounds) for function in names.FUNCTIONS}
        self.functions["key_guard"].add_event_source(
            sources.SqsEventSource(
                self.reminders, batch_size=1, report_batch_item_failures=True, max_concurrency=_REMINDED_AT_ONCE
            )
        )
        self.doors = self._doors(self.functions["operate"], self.functions["remove"])
        self._sweep()
        read = {shape.queue: name for name, shape in SHAPES.items() if shape.queue}
        taking = [*self.queues.values(), *self.dead_letters.values(), self.undelivered]
        self.eyes = [
            *seeing.listen(self, self.queues["key"], self.undelivered),
            *seeing.functions(self._function_roles),
            *seeing.readers([*((self.queues[c], name) for c, name in read.items()), (self.reminders, "key_guard")]),
            *seeing.queues(taking, [self.reminders]),
            *seeing.topic(self.topic, [one.email for one in deployments if one.email]),
            *seeing.schedule(self.sweep_minutes, self.functions["sweep"]),
        ]
        CustomResource(
            self,
            "Account",
            resource_type="Custom::PortcullisAccount",
            service_token=self.functions["domain_setup"].function_arn,
            service_timeout=Duration.minutes(5),
            properties={"Account": self.account},
        )
        self._outputs()

    # ------------------------------------------------------------------ what is remembered and told

    def _ledger(self) -> dynamodb.Table:
        """Encrypted under a key that DynamoDB owns: the ledger has to be read when a deployment's key is gone."""
        return dynamodb.Table(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",
            deletion_protection=True,
            removal_policy=KEPT,
        )

    def _topic(self, part: str, name: str, deployments: Sequence[Declared]) -> sns.Topic:
        """Not under a key of AWS's (alarms could not publish) nor of ours (an alert about keys must not need one)."""
        topic = sns.Topic(self, part, topic_name=name, display_name="Portcullis", enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsTell",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        for email in sorted({one.email for one in deployments if one.email}):
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    # ------------------------------------------------------------------ functions

    def _roles(self) -> list[iam.Role]:
        self._function_roles = {
            function: iam.Role(
                self,
                f"Role-{function}",
                role_name=names.function(function),
                description=f"Portcullis: the function {function}",
                assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            )
            for function in names.FUNCTIONS
        }
        return list(self._function_roles.values())

    def _layer(self) -> lambda_.LayerVersion:
        """The asset's hash is the build's digest, which holds the platform: a hash of the sources would be the same for two."""
        layer = built("arm64")
        return lambda_.LayerVersion(
            self,
            "Library",
            description="Portcullis: the library and its packages",
            code=lambda_.Code.from_asset(str(layer.folder), asset_hash=layer.digest),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )

    def _function(self, name: str, layer: lambda_.LayerVersion, grounds: permissions.Grounds) -> lambda_.Function:
        shape, role = SHAPES[name], self._function_roles[name]
        deployed = names.function(name)
        log_group = logs.LogGroup(
            self,
            f"Log-{name}",
            log_group_name=f"/aws/lambda/{deployed}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # The log group's name is ours, so its ARN needs no reference (its attribute ends in ":*").
        log_arn = self._arn("logs", "log-group", f"/aws/lambda/{deployed}", ArnFormat.COLON_RESOURCE_NAME)
        allow(
            role,
            name,
            [
                *permissions.in_the_vpc(self._arn("lambda", "function", deployed, ArnFormat.COLON_RESOURCE_NAME)),
                *permissions.log(log_arn),
                *permissions.of_function(name, grounds),
            ],
        )
        function = lambda_.Function(
            self,
            f"Function-{name}",
            function_name=deployed,
            description=f"Portcullis: {name}",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(FUNCTIONS_FOLDER / name), exclude=["**/__pycache__", "**/*.pyc"]),
            layers=[layer],
            role=role,
            memory_size=shape.memory,
            timeout=Duration.seconds(shape.seconds),
            tracing=lambda_.Tracing.ACTIVE,
            reserved_concurrent_executions=shape.reserved if self._reserve else None,
            # The key guard reminds itself, through a queue, for as long as a break-glass window is open: Lambda would take that for a
            # loop without an end after sixteen times, and drop the next one.
            recursive_loop=lambda_.RecursiveLoop.ALLOW if name == "key_guard" else None,
            # The schedule comes again by itself; a sweep that failed is told and not begun once more beside the next one.
            retry_attempts=0 if name == "sweep" else None,
            max_event_age=Duration.minutes(1) if name == "sweep" else None,
            environment=self._environment(name),
            log_group=log_group,
            vpc=self._network.vpc,
            vpc_subnets=self._network.function_subnets,
            security_groups=[self._network.automation_group],
        )
        if shape.queue:
            function.add_event_source(
                sources.SqsEventSource(
                    self.queues[shape.queue],
                    batch_size=10,
                    report_batch_item_failures=True,
                    max_concurrency=shape.at_once,
                )
            )
        return function

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **({"PORTCULLIS_MAY_DELETE": "yes"} if name == "remove" else {}),
            "PORTCULLIS_LEDGER_TABLE": self.ledger.table_name,
            "PORTCULLIS_ALERT_TOPIC": self.topic.topic_arn,
            "PORTCULLIS_EVENT_BUS": self.bus.event_bus_name,
            "PORTCULLIS_IDENTITY_DEAD_LETTERS": self.dead_letters["identity"].queue_url,
            "PORTCULLIS_KEY_DEAD_LETTERS": self.dead_letters["key"].queue_url,
            "PORTCULLIS_SETTLE_SECONDS": str(_SETTLE_SECONDS),
            "PORTCULLIS_REMINDERS": self.reminders.queue_url,
            "PORTCULLIS_QUEUE_TRIES": str(queues.RECEIVES),
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": names.METRICS_NAMESPACE,
            "POWERTOOLS_TRACER_CAPTURE_RESPONSE": "false",  # answers hold who may see what: not for a trace
            "POWERTOOLS_TRACER_CAPTURE_ERROR": "false",
            "LOG_LEVEL": "INFO",
        }

    def _doors(self, operate: lambda_.Function, remove: lambda_.Function) -> dict[str, lambda_.Alias]:
        """One alias a level, and a policy to give to people: it may call the alias of its level and those below.

        The levels before the last are aliases of `operate`, the last is one of `remove`: what may delete has a role of its own.
        """
        behind = dict.fromkeys(names.LEVELS[:-1], operate) | {names.LEVELS[-1]: remove}
        doors = {
            level: lambda_.Alias(self, f"Operate-{level}", alias_name=level, version=function.current_version)
            for level, function in behind.items()
        }
        for place, level in enumerate(names.LEVELS):
            may = [doors[lower].function_arn for lower in names.LEVELS[: place + 1]]
            iam.ManagedPolicy(
                self,
                f"May-{level}",
                managed_policy_name=f"{names.PREFIX}-{level}",
                description=f"Portcullis: for people who may {level}",
                statements=[iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=may)],
            )
        return doors

    def _sweep(self) -> None:
        events.Rule(
            self,
            "Sweep",
            rule_name=f"{names.PREFIX}-sweep",
            description="Portcullis: read the whole truth, for what no event told",
            schedule=events.Schedule.rate(Duration.minutes(self.sweep_minutes)),
            targets=[
                targets.LambdaFunction(self.functions["sweep"], retry_attempts=0, max_event_age=Duration.minutes(1))
            ],
        )

    # ------------------------------------------------------------------ what there is to touch

    def _iam_groups(self, deployments: Sequence[Declared]) -> None:
        """Those that a file asks for. Made here and not with a deployment: two deployments may name the same group of the account."""
        for group in sorted({group for one in deployments for group in one.iam_groups_made}):
            made = iam.CfnGroup(self, f"Group-{group}", group_name=group)
            made.apply_removal_policy(KEPT)  # people are in it, and others may use it

    def _grounds(self, keys: Sequence[KeyFacts], identities: Sequence[Identity]) -> permissions.Grounds:
        deployments = [identity.one for identity in identities]
        by_alias = [key for key in keys if not key.id]

        def ours(part: str) -> str:
            """Every role of ours for this part of a deployment: who else trusts us is nobody we could become."""
            return self._iam("role", {names.of("*", part) if part else f"{names.PREFIX}-*"}, anywhere=False)[0]

        return permissions.Grounds(
            ledger=self.ledger.table_arn,
            topic=self.topic.topic_arn,
            bus=self.bus.event_bus_arn,
            automation_role=self.automation_role.role_arn,
            dead_letters=[queue.queue_arn for queue in self.dead_letters.values()],
            queues=[queue.queue_arn for queue in self.queues.values()],
            reminders=self.reminders.queue_arn,
            domains=[self._arn("es", "domain", one.name) for one in deployments],
            security_groups=[
                self._arn("ec2", "security-group", group.security_group_id)
                for group in self._network.domain_groups.values()
            ],
            any_security_group=self._arn("ec2", "security-group", "*"),
            vpc=self._network.vpc.vpc_arn,
            given_vpc=self._network.is_given,
            master_roles=few_or(ours("master"), [identity.master.role_arn for identity in identities]),
            canary_roles=few_or(ours("canary"), [identity.canary.role_arn for identity in identities]),
            # made later, with the domain: by name
            snapshot_roles=few_or(
                ours("snapshots"),
                self._iam("role", {names.of(one.name, "snapshots") for one in deployments}, anywhere=False),
            ),
            master_secrets=[identity.master_secret.secret_arn for identity in identities if identity.master_secret],
            made_secrets=few_or(
                self._secret("portcullis/*"),
                [self._secret(f"portcullis/{one.name}/*") for one in deployments if None in one.passwords.values()],
            ),
            named_secrets=sorted(
                {self._secret(name) for one in deployments for name in one.passwords.values() if name}
            ),
            keys=sorted({arn for key in keys if key not in by_alias for arn in (key.arn, *key.replica_arns)}),
            own_keys=sorted({arn for key in keys if not key.one.key_arn for arn in (key.arn, *key.replica_arns)}),
            rotated=sorted({key.arn for key in keys if not key.one.key_arn and key.one.on_demand_days}),
            endpoints=few_or(
                self._arn("ssm", "parameter", f"{names.PREFIX}/*/endpoint"),
                [self._arn("ssm", "parameter", f"{names.PREFIX}/{one.name}/endpoint") for one in deployments],
            ),
            key_aliases=sorted({one.key_alias for one in deployments if one.key_alias}),
            alias_only=sorted({key.one.key_alias for key in by_alias}),
            all_keys=self._arn("kms", "key", "*"),
            user_pools=[identity.pool.user_pool_arn for identity in identities if identity.pool],
            signing_out=[each.pool.user_pool_arn for each in identities if each.pool and each.one.signs_out],
            bounded=dict(self._bounded(one) for one in deployments if one.bounded_groups),
            identity_pools=[
                self._arn("cognito-identity", "identitypool", identity.identity_pool.ref)
                for identity in identities
                if identity.identity_pool
            ],
            group_roles=few_or(ours(""), [arn for identity in identities for arn in identity.cognito_roles]),
            # only ever read
            iam_groups=few_or(
                self._iam("group", {"*"}, anywhere=False)[0],
                self._iam("group", {group for one in deployments for group in one.iam_groups}),
            ),
            iam_users=self._iam("user", {user for one in deployments for user in one.iam_users}),
            iam_roles=self._iam("role", {role for one in deployments for role in one.iam_roles}),
            break_glass_by=sorted({a for one in deployments for a in one.break_glass_by if f"::{self.account}:" in a}),
            identity_stores=sorted(
                {
                    f"arn:{self.partition}:identitystore::{self.account}:identitystore/{one.identity_store}"
                    for one in deployments
                    if one.identity_store
                }
            ),
            service_role=f"arn:{self.partition}:iam::{self.account}:role/aws-service-role/{_SERVICE}/{_SERVICE_ROLE}",
            described_secrets=few_or(
                self._secret("MasterSecret*"),  # as CloudFormation calls them
                [identity.master_secret.secret_arn for identity in identities if identity.master_secret],
            ),
            own_roles=[f"arn:{self.partition}:iam::{self.account}:role/{names.PREFIX}-*"],
            sign_in_providers=[
                f"arn:{self.partition}:iam::{self.account}:{kind}/*" for kind in ("saml-provider", "oidc-provider")
            ],
            see_trails=[f"arn:{self.partition}:cloudtrail:*:*:trail/*"],
            see_rules=[
                f"arn:{self.partition}:events:{region}:{self.account}:rule/{names.PREFIX}-*"
                for region in dict.fromkeys((self.region, names.IAM_REGION))
            ],
            see_functions=[self._arn("lambda", "function", f"{names.PREFIX}-*", ArnFormat.COLON_RESOURCE_NAME)],
            see_queues=[f"arn:{self.partition}:sqs:{self.region}:{self.account}:{names.PREFIX}-*"],
            see_alarms=[self._arn("cloudwatch", "alarm", "*", ArnFormat.COLON_RESOURCE_NAME)],
            models=f"arn:{self.partition}:s3:::cdk-{self._qualifier()}-assets-{self.account}-{self.region}/*.yaml",
            secrets_service=f"secretsmanager.{self.region}.amazonaws.com",
        )

    def _qualifier(self) -> str:
        """Of the bootstrapping whose bucket the deployment files are published to: an account may have others than the CDK's own."""
        found = self.synthesizer.bootstrap_qualifier
        assert found, "the stacks are synthesised for a bootstrapped account"  # noqa: S101
        return found

    def _bounded(self, one: Declared) -> tuple[str, list[str]]:
        """A boundary and the roles within it; by name, as what this stack imports its maker could not take away again."""
        (boundary,) = self._iam("policy", {names.boundary(one.name)}, anywhere=False)
        return boundary, self._iam("role", {names.group_role(one.name, g) for g in one.bounded_groups}, anywhere=False)

    def _iam(self, kind: str, wanted: set[str], *, anywhere: bool = True) -> list[str]:
        """ARNs by name: what we make stands under no path, the groups, users and roles of others may stand under any."""
        paths = ["", "*/"] if anywhere else [""]
        return [
            f"arn:{self.partition}:iam::{self.account}:{kind}/{path}{name}" for name in sorted(wanted) for path in paths
        ]

    def _secret(self, name: str) -> str:
        """A secret's ARN by its name, which Secrets Manager lengthens by six characters of its own; an ARN as it is."""
        if name.startswith("arn:"):
            return name
        return self._arn(
            "secretsmanager", "secret", name if name.endswith("*") else f"{name}-??????", ArnFormat.COLON_RESOURCE_NAME
        )

    def _arn(self, service: str, resource: str, name: str, form: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME) -> str:
        return self.format_arn(service=service, resource=resource, resource_name=name, arn_format=form)

    def _outputs(self) -> None:
        CfnOutput(self, "LedgerTable", value=self.ledger.table_name)
        CfnOutput(self, "AlertTopic", value=self.topic.topic_arn)
        CfnOutput(self, "EventBusName", value=self.bus.event_bus_name)
        CfnOutput(self, "AutomationRole", value=self.automation_role.role_arn)
        CfnOutput(self, "OperateFunction", value=self.functions["operate"].function_name)
        CfnOutput(self, "RemoveFunction", value=self.functions["remove"].function_name)
        for concern in self.queues:
            CfnOutput(self, f"{concern.capitalize()}Queue", value=self.queues[concern].queue_url)
            CfnOutput(self, f"{concern.capitalize()}DeadLetters", value=self.dead_letters[concern].queue_url)
