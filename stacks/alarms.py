"""Alarms: on the automation, and on each domain's own health. All tell the topic of alerts, when they begin and when they are over."""

from __future__ import annotations

from typing import Any, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from stacks import names
from stacks.deployments import Declared

_MIB_PER_GIB = 1024
_FREE_SHARE = 0.25  # of each node's volume, at which Amazon's guide would have one told


def alarm(
    scope: Stack, topic: sns.ITopic, name: str, metric: cloudwatch.IMetric, meaning: str, **how: Any
) -> cloudwatch.Alarm:
    """`how`: threshold, evaluation_periods, treat_missing_data, comparison_operator; by default one point of 1 or more."""
    settings: dict[str, Any] = {
        "threshold": 1,
        "evaluation_periods": 1,
        "treat_missing_data": cloudwatch.TreatMissingData.NOT_BREACHING,
        "comparison_operator": cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    } | how
    made = cloudwatch.Alarm(
        scope,
        f"Alarm-{name}",
        alarm_name=f"{names.PREFIX}-{name}",
        alarm_description=meaning,
        metric=metric,
        **settings,
    )
    tell = actions.SnsAction(topic)
    made.add_alarm_action(tell)
    made.add_ok_action(tell)
    return made


def domain_metric(account: str, deployment: str, metric: str, statistic: str = "Maximum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ES",
        metric_name=metric,
        dimensions_map={"ClientId": account, "DomainName": deployment},
        statistic=statistic,
        period=Duration.minutes(1),
    )


def watches(made: cloudwatch.Alarm) -> dict[str, Any]:
    """What it has to watch, to be seen by: as DescribeAlarms says it."""
    of = cast(cloudwatch.CfnAlarm, made.node.default_child)
    dimensions = cast(list[cloudwatch.CfnAlarm.DimensionProperty], of.dimensions or [])
    return {
        "Namespace": of.namespace,
        "MetricName": of.metric_name,
        "Statistic": of.statistic,
        "Period": of.period,
        "EvaluationPeriods": of.evaluation_periods,
        "Threshold": of.threshold,
        "ComparisonOperator": of.comparison_operator,
        "TreatMissingData": of.treat_missing_data,
        "Dimensions": {each.name: each.value for each in dimensions},
    }


def watch_domain(scope: Stack, one: Declared, topic: sns.ITopic) -> dict[str, dict[str, Any]]:
    """The domain's own view of its key (these alarms also reach the key rule, as events), and its health: what Amazon's guide recommends
    as alarms, as far as people can do something about it at once. What they are called -> what they watch."""
    name, called = one.name, dict[str, dict[str, Any]]()
    for metric in ("KMSKeyError", "KMSKeyInaccessible"):
        called[f"{names.PREFIX}-{name}-{metric}"] = watches(
            alarm(
                scope,
                topic,
                f"{name}-{metric}",
                domain_metric(scope.account, name, metric),
                f"The domain {name} cannot use its key ({metric}): see what Portcullis did (runbooks/locked-by-revocation.md).",
            )
        )
    least = one.storage_gib * _MIB_PER_GIB * _FREE_SHARE
    health: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("ClusterStatus.red", "Maximum", "is red: an index misses a primary shard", {}),
        ("ClusterIndexWritesBlocked", "Maximum", "takes no writes: too little storage or memory", {}),
        ("AutomatedSnapshotFailure", "Maximum", "failed to take its automated snapshot", {}),
        (
            "FreeStorageSpace",
            "Minimum",
            f"has less than {least:.0f} MiB left on a node: it takes no writes when that is used up",
            {"threshold": least, "comparison_operator": cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD},
        ),
        (
            "JVMMemoryPressure",
            "Maximum",
            "has hardly any memory left (JVM pressure 95 % or more for three minutes)",
            {"threshold": 95, "evaluation_periods": 3},
        ),
    )
    for metric, statistic, meaning, how in health:
        called[f"{names.PREFIX}-{name}-{metric.replace('.', '-')}"] = watches(
            alarm(
                scope,
                topic,
                f"{name}-{metric.replace('.', '-')}",
                domain_metric(scope.account, name, metric, statistic),
                f"The domain {name} {meaning} (docs/domain-health.md).",
                **how,
            )
        )
    return called
