"""The rows of what Portcullis sees by: trails, rules, functions, queues, the topic, alarms; and of the ledger, by which it remembers.
Who switches one of them off makes us blind.

What these events say of the account is looked at, as the sweep does: an event that comes late, or never, changes nothing but the delay.
"""

from __future__ import annotations

from portcullis.signals.rows import About, Row, signals
from portcullis.signals.types import Concern


def _dated(names: str, *dates: str) -> str:
    """Lambda's events carry the date of the API's version at the end of their names, or not."""
    return " ".join(f"{name}{date}" for name in names.split() for date in ("", *dates))


EYES: tuple[Row, ...] = (
    *signals(
        Concern.EYES,
        "cloudtrail",
        About.TRAIL,
        (
            "StopLogging",
            "trail-stopped",
            "a trail records nothing any more: EventBridge passes on only what one records",
        ),
        ("StartLogging", "trail-started", "a trail records again"),
        ("DeleteTrail", "trail-deleted", "a trail is gone: EventBridge passes on only what one records"),
        (
            "CreateTrail UpdateTrail PutEventSelectors",
            "trail-changed",
            "which Regions, or which events, a trail records may have changed: without management events, those of KMS or those that"
            " read, we do not hear",
        ),
    ),
    *signals(
        Concern.EYES,
        "events",
        About.RULE,
        ("DisableRule", "rule-disabled", "a rule of ours passes nothing on any more"),
        ("EnableRule", "rule-enabled", "a rule of ours passes events on again"),
        ("DeleteRule", "rule-deleted", "a rule of ours is gone"),
        ("RemoveTargets", "rule-emptied", "a rule of ours lost a target: what it lets through may reach nobody"),
        (
            "PutRule PutTargets",
            "rule-changed",
            "which events a rule of ours lets through, or where to, may have changed",
        ),
    ),
    *signals(
        Concern.EYES,
        "lambda",
        About.FUNCTION,
        (
            _dated("CreateFunction DeleteFunction", "20150331"),
            "function-replaced",
            "a function of ours is gone, or is another one now",
        ),
        (
            _dated("PutFunctionConcurrency DeleteFunctionConcurrency", "20171031")
            + " "
            + _dated("UpdateFunctionConfiguration UpdateFunctionCode AddPermission RemovePermission", "20150331v2")
            + " "
            + _dated("CreateAlias UpdateAlias DeleteAlias", "20150331"),
            "function-changed",
            "whether a function of ours can run, or what it does, may have changed: its concurrency, its configuration, its code, who may"
            " call it",
        ),
        (
            _dated("CreateEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping", "20150331"),
            "queue-reader-changed",
            "whether a function reads its queue may have changed",
        ),
    ),
    *signals(
        Concern.EYES,
        "sqs",
        About.QUEUE,
        (
            "CreateQueue DeleteQueue SetQueueAttributes AddPermission RemovePermission",
            "queue-changed",
            "a queue of ours may be gone, or takes no events any more",
        ),
        ("PurgeQueue", "queue-purged", "a queue of ours was emptied: what was in it is only seen by the sweep"),
    ),
    *signals(
        Concern.EYES,
        "sns",
        About.TOPIC,
        (
            "CreateTopic DeleteTopic SetTopicAttributes AddPermission RemovePermission Unsubscribe SetSubscriptionAttributes",
            "topic-changed",
            "whether our alerts reach anybody may have changed",
        ),
    ),
    *signals(
        Concern.EYES,
        "monitoring",
        About.ALARM,
        (
            "DeleteAlarms DisableAlarmActions EnableAlarmActions PutMetricAlarm",
            "alarm-changed",
            "an alarm of ours may be gone, or tells nobody any more",
        ),
    ),
    *signals(
        Concern.EYES,
        "dynamodb",
        About.TABLE,
        (
            "CreateTable DeleteTable UpdateTable UpdateTimeToLive UpdateContinuousBackups PutResourcePolicy DeleteResourcePolicy"
            " EnableKinesisStreamingDestination DisableKinesisStreamingDestination",
            "ledger-changed",
            "the ledger may be gone, forget what it must keep, be slow, or be read or written by others",
        ),
    ),
)
