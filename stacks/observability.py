"""Is the automation itself well? Alarms, a dashboard, and the trail without which no event comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks import names
from stacks.alarms import alarm, domain_metric, watches
from stacks.automation import SHAPES, Automation
from stacks.deployments import Declared
from stacks.keeping import KEPT
from stacks.listening.relay import Relay

_MISSED_SWEEPS = 3
_Missing = cloudwatch.TreatMissingData


class Observability(Stack):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        automation: Automation,
        deployments: Sequence[Declared],
        trail: bool,
        relay: Relay | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self._automation = automation
        self._alarms: dict[str, dict[str, Any]] = {}
        if trail:
            self._trail()
        for queue in (*automation.dead_letters.values(), automation.undelivered):
            self._dead_letters(queue)
        for concern, queue in automation.queues.items():
            self._slow(concern, queue)
        for function in names.FUNCTIONS:
            self._failing(function)
        self._missed_sweeps()
        self._dashboard(deployments)
        self._see(relay)

    def _see(self, relay: Relay | None) -> None:
        """What all deployments are seen by, told to whoever looks whether it is still there. Here, as this stack is deployed last."""
        if relay:
            self.add_stack_dependency(relay)
        alarms = {"names": [*self._alarms], "as": self._alarms, "told": self._automation.topic.topic_arn}
        eyes = [
            {"kind": "trail", "name": "of management events", "region": self.region},
            {"kind": "alarms", "name": "of the automation", "wants": alarms},
            *self._automation.eyes,
            *(relay.eyes if relay else []),
        ]
        told = CustomResource(
            self,
            "Eyes",
            resource_type="Custom::PortcullisEyes",
            service_token=self._automation.functions["domain_setup"].function_arn,
            service_timeout=Duration.minutes(5),
            properties={"Eyes": self.to_json_string(eyes)},
        )
        told.node.add_dependency(*(child for child in self.node.children if child is not told))

    def _trail(self) -> None:
        """Management events of all Regions: EventBridge passes on only what a trail records. Those that read too, since that is what
        CloudTrail calls the taking of a role: without them nobody would be told of break-glass."""
        bucket = s3.Bucket(
            self,
            "TrailBucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,  # a trail that tells of keys must not need one
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=Duration.days(400), noncurrent_version_expiration=Duration.days(30))
            ],
            removal_policy=KEPT,
        )
        cloudtrail.Trail(
            self,
            "Trail",
            trail_name=f"{names.PREFIX}-management-events",
            bucket=bucket,
            management_events=cloudtrail.ReadWriteType.ALL,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_file_validation=True,
        )

    # ------------------------------------------------------------------ alarms

    def _alarm(self, name: str, metric: cloudwatch.IMetric, meaning: str, **how: Any) -> None:
        made = alarm(self, self._automation.topic, name, metric, meaning, **how)
        self._alarms[f"{names.PREFIX}-{name}"] = watches(made)

    def _dead_letters(self, queue: sqs.Queue) -> None:
        part = queue.node.id.removeprefix("Queue-")
        self._alarm(
            f"{part}-messages",
            queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(1), statistic="Maximum"),
            "Events could not be handled. Nothing is lost: the sweep reads the truth. Look why, then redrive (runbooks/dead-letters.md).",
        )

    def _slow(self, concern: str, queue: sqs.Queue) -> None:
        self._alarm(
            f"{concern}-queue-age",
            queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(1), statistic="Maximum"),
            f"Events about {concern} wait for minutes: reactions are late (runbooks/automation-broken.md).",
            threshold=180,
            evaluation_periods=3,
        )

    def _failing(self, name: str) -> None:
        function = self._automation.functions[name]
        for kind, metric in (("errors", function.metric_errors), ("throttles", function.metric_throttles)):
            self._alarm(
                f"{name.replace('_', '-')}-{kind}",
                metric(period=Duration.minutes(5), statistic="Sum"),
                f"The function {names.function(name)} has {kind}: see its log (runbooks/automation-broken.md).",
            )

    def _missed_sweeps(self) -> None:
        minutes = self._automation.sweep_minutes
        self._alarm(
            "sweep-missing",
            self._automation.functions["sweep"].metric_invocations(period=Duration.minutes(minutes), statistic="Sum"),
            f"No sweep for {_MISSED_SWEEPS} intervals: what no event tells goes unseen (runbooks/automation-broken.md).",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=_MISSED_SWEEPS,
            treat_missing_data=_Missing.BREACHING,
        )

    # ------------------------------------------------------------------ dashboard

    def _dashboard(self, deployments: Sequence[Declared]) -> None:
        automation = self._automation
        functions = automation.functions.values()
        waiting = {
            **automation.queues,
            **{f"{concern} dead": queue for concern, queue in automation.dead_letters.items()},
        }
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=names.PREFIX)
        board.add_widgets(
            _graph(
                "Events waiting",
                [queue.metric_approximate_number_of_messages_visible(label=name) for name, queue in waiting.items()],
            ),
            _graph(
                "Age of the oldest event",
                [
                    queue.metric_approximate_age_of_oldest_message(label=name)
                    for name, queue in automation.queues.items()
                ],
            ),
            _graph("Errors", [function.metric_errors() for function in functions]),
            _graph(
                "How long reactions take",
                [automation.functions[name].metric_duration(statistic="p95") for name in SHAPES],
            ),
        )
        board.add_widgets(
            *(
                _graph(
                    f"{one.name}: key",
                    [domain_metric(self.account, one.name, metric) for metric in ("KMSKeyError", "KMSKeyInaccessible")],
                )
                for one in deployments
                if not one.cluster
            )
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12)
