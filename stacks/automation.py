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
from portcullis import model

from layers.build import built, digest
from stacks import names
from stacks.deployments import Declared
from stacks.domain_logs import let_domains_log
from stacks.keeping import KEPT
from stacks.key import KeyFacts
from stacks.listening import queues, seeing
from stacks.network import Network
from stacks.pages import Pages
from stacks.people.cluster_people import ClusterPeople
from stacks.people.identity import Identity
from stacks.rights import permissions
from stacks.rights.grounds import Own, ResourceArns, arn, grounds
from stacks.rights.packing import allow

FUNCTIONS_FOLDER = Path(__file__).resolve().parent.parent / "functions"
_SETTLE_SECONDS = 5
FORGETS_BY = "expires"  # the attribute of an item of the ledger that says when it may go
_REMINDED_AT_ONCE = 5


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
        beside: Sequence[ClusterPeople] = (),
        reads_policies: bool = False,
        pages: model.ReportPages | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self.pages = Pages(self, "Pages", pages) if pages else None
        self._network, self._reserve = network, reserve
        everybody: tuple[Identity | ClusterPeople, ...] = (*identities, *beside)
        deployments = [each.one for each in everybody]
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
        if identities:
            let_domains_log(self)
        self.automation_role = iam.Role(
            self,
            "EnginePrincipal",
            role_name=names.AUTOMATION_ROLE,
            description="Portcullis: the automation, as the engines know it; the functions assume it",
            assumed_by=iam.CompositePrincipal(*(role for role in self._roles())),
        )
        own = Own(
            self.ledger,
            self.topic,
            self.bus,
            self.automation_role,
            self.dead_letters.values(),
            self.queues.values(),
            self.reminders,
        )
        touched = grounds(self, own, self._network, keys, identities, beside, reads_policies=reads_policies)
        allow(self.automation_role, "automation", permissions.of_automation(touched))
        layer = self._layer()
        self.functions = {function: self._function(function, layer, touched) for function in names.FUNCTIONS}
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
            *seeing.functions(self.functions, {name: [digest("arm64"), self._environment(name)] for name in SHAPES}),
            *seeing.readers([*((self.queues[c], name) for c, name in read.items()), (self.reminders, "key_guard")]),
            *seeing.queues(taking, [self.reminders]),
            *seeing.topic(self.topic, [one.email for one in deployments if one.email]),
            *seeing.ledger(self.ledger, FORGETS_BY),
            *seeing.schedule(self.sweep_minutes, self.functions["sweep"]),
        ]
        CustomResource(
            self,
            "Account",
            resource_type="Custom::PortcullisAccount",
            service_token=self.functions["domain_setup"].function_arn,
            service_timeout=Duration.minutes(5),
            properties={
                "Account": self.account,
                **({"DefaultGroup": network.default_group} if network.default_group else {}),
                **({} if identities else {"Domains": "no"}),
            },
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
            time_to_live_attribute=FORGETS_BY,
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

    def _function(self, name: str, layer: lambda_.LayerVersion, touched: ResourceArns) -> lambda_.Function:
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
        log_arn = arn(self, "logs", "log-group", f"/aws/lambda/{deployed}", ArnFormat.COLON_RESOURCE_NAME)
        allow(
            role,
            name,
            [
                *permissions.in_the_vpc(arn(self, "lambda", "function", deployed, ArnFormat.COLON_RESOURCE_NAME)),
                *permissions.log(log_arn),
                *permissions.of_function(name, touched),
                *(self.pages.rights_of(name) if self.pages else []),
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
            **(self.pages.environment_of(name) if self.pages else {}),
            "PORTCULLIS_LEDGER_TABLE": self.ledger.table_name,
            "PORTCULLIS_ALERT_TOPIC": self.topic.topic_arn,
            "PORTCULLIS_EVENT_BUS": self.bus.event_bus_name,
            "PORTCULLIS_IDENTITY_DEAD_LETTERS": self.dead_letters["identity"].queue_url,
            "PORTCULLIS_KEY_DEAD_LETTERS": self.dead_letters["key"].queue_url,
            "PORTCULLIS_SETTLE_SECONDS": str(_SETTLE_SECONDS),
            "PORTCULLIS_REMINDERS": self.reminders.queue_url,
            "PORTCULLIS_QUEUE_TRIES": str(queues.RECEIVES[SHAPES[name].queue or "key"]),
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
                statements=[
                    iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=may),
                    *(self.pages.rights() if self.pages else []),
                ],
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

    def _outputs(self) -> None:
        CfnOutput(self, "LedgerTable", value=self.ledger.table_name)
        CfnOutput(self, "AlertTopic", value=self.topic.topic_arn)
        CfnOutput(self, "EventBusName", value=self.bus.event_bus_name)
        CfnOutput(self, "AutomationRole", value=self.automation_role.role_arn)
        if self.pages:
            CfnOutput(self, "ReportBucket", value=self.pages.bucket.bucket_name)
        CfnOutput(self, "OperateFunction", value=self.functions["operate"].function_name)
        CfnOutput(self, "RemoveFunction", value=self.functions["remove"].function_name)
        for concern in self.queues:
            CfnOutput(self, f"{concern.capitalize()}Queue", value=self.queues[concern].queue_url)
            CfnOutput(self, f"{concern.capitalize()}DeadLetters", value=self.dead_letters[concern].queue_url)
