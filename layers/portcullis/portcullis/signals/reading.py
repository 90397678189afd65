"""`read`: one AWS event -> what it means to which deployments. Pure: an event is only ever a hint to read the truth again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portcullis.signals.events import HIDDEN, Event, Path, open_event, true
from portcullis.signals.found import Found
from portcullis.signals.rows import Notice, Row
from portcullis.signals.subjects import alarm_metrics, concerns, find
from portcullis.signals.table import SERVICES, About, notice_of, row_of
from portcullis.signals.types import Scope, Signal
from portcullis.signals.watched import OUR_PREFIX, is_ours

_READS = (
    "Get",
    "List",
    "Describe",
    "Head",
    "Search",
    "Simulate",
    "Lookup",
    "IsMember",
    "AdminGet",
    "AdminList",
    "BatchGet",
    "Test",
)

# Small facts that a reaction or a person can use as a hint, and where they stand.
_HINTS: tuple[tuple[str, Path], ...] = (
    ("member", ("requestParameters", "userName")),
    ("member", ("requestParameters", "username")),
    ("member", ("requestParameters", "member", "memberId")),
    ("member", ("requestParameters", "memberId", "userId")),
    ("sub", ("additionalEventData", "sub")),
    ("renamed_to", ("requestParameters", "newUserName")),
    ("renamed_to", ("requestParameters", "newGroupName")),
    ("grant", ("requestParameters", "grantId")),
    ("grant", ("additionalEventData", "grantId")),
    ("grant", ("responseElements", "grantId")),
    ("target_key", ("requestParameters", "targetKeyId")),
    ("deletion_date", ("responseElements", "deletionDate")),
    ("rotation_type", ("serviceEventDetails", "rotationType")),
    ("rotation_type", ("rotation-type",)),
    ("replica_region", ("requestParameters", "replicaRegion")),
    ("status", ("status",)),
    ("session", ("requestParameters", "roleSessionName")),
    ("address", ("sourceIPAddress",)),
)


# What is a deployment's only because it says so.
_NAMED_BY_A_DEPLOYMENT = {
    About.SECURITY_GROUP: "a security group matters only where a deployment names it as its domain's",
    About.BREAK_GLASS: "a role that is assumed matters only where a deployment names it as its break-glass",
    About.SECRET: "a secret matters only where a deployment names it as its master's or an internal user's",
}
# Reading calls that are signals all the same.
_HEARD_THOUGH_READING = (About.BREAK_GLASS, About.SECRET)


def read(event: Mapping[str, Any], scopes: Sequence[Scope] | None) -> tuple[Signal, ...]:
    """What an event means: one Signal for each deployment it concerns, or exactly one whose name is None, with the reason.

    `scopes` None asks no question about deployments: what the table calls a signal is one, of no deployment.
    Raises MalformedEvent, naming the path, for an event that lacks what its kind always has; nothing else, whatever comes in.
    """
    opened = open_event(event)
    row: Row | Notice | str = _notice(opened) if opened.notice else _call(opened)
    if isinstance(row, str):
        return (_nothing(opened, row),)
    if row.signal is None or row.about is None:
        return (_nothing(opened, f"{opened.name}: {row.because}"),)
    if scopes is None and row.about in _NAMED_BY_A_DEPLOYMENT:
        return (_nothing(opened, f"{opened.name}: {_NAMED_BY_A_DEPLOYMENT[row.about]}"),)
    found = find(row.about, opened)
    if scopes is None and not is_ours(found, OUR_PREFIX):
        return (_nothing(opened, f"{opened.name}: {found.subject} is none of Portcullis' own"),)
    if scopes is None:
        return (_signal(opened, row, found, None),)
    concerned = tuple(_signal(opened, row, found, scope.deployment) for scope in scopes if concerns(found, scope))
    return concerned or (_nothing(opened, _unconcerned(opened, row.signal, found, len(scopes)), found.subject),)


def _call(event: Event) -> Row | str:
    """The row of what CloudTrail recorded, or the reason why it is nothing."""
    row = row_of(event.service, event.name)
    if row is None and event.service not in SERVICES:
        return f"{event.name} is an operation of another service, {event.service}"
    error = event.text("errorCode")
    if error:
        return f"{event.name} failed with {error}: a failed call changes nothing"
    heard = row is not None and row.about in _HEARD_THOUGH_READING  # changes nothing, and yet it matters
    if (true(event.get("readOnly")) and not heard) or (row is None and event.name.startswith(_READS)):
        return f"{event.name} only reads"
    if event.text("eventCategory") == "NetworkActivity":
        return (
            f"{event.name} is recorded here as traffic through a VPC endpoint; the call itself is an event of its own"
        )
    if event.text("eventType") == "AwsCloudTrailInsight":
        return f"{event.name}: an insight tells how often something is called, not that it happened"
    if any(true(event.get("requestParameters", key)) for key in ("dryRun", "performCheckOnly")):
        return f"{event.name} was a dry run: it changes nothing"
    if event.service == "cognito-idp" and event.name.endswith(("_GET", "_POST")):
        return f"{event.name} is a page of the hosted sign-in: signing in, or oneself up, changes no group"
    return row or f"{event.name} is not one of the operations of {event.service} that change access, keys or domains"


def _notice(event: Event) -> Notice | str:
    """The row of what a service told EventBridge itself, or the reason why it is nothing."""
    subject, status = event.text("event"), event.text("status")
    if event.service == "cloudwatch":
        subject, status = next((name for name, _ in alarm_metrics(event)), ""), event.text("state", "value")
    notice = notice_of(event.service, event.name, subject, status)
    if notice is None:
        return f"{event.name} is an event of another source, {event.actor}"
    if event.service == "es" and not subject:
        raise event.missing(("event",))
    return notice


def _signal(event: Event, row: Row | Notice, found: Found, deployment: str | None) -> Signal:
    told = event.text("event") if event.notice else ""
    detail: dict[str, Any] = {"operation": event.name}
    for name, path in _HINTS:
        value = event.text(*path)
        if value and value != HIDDEN:
            detail.setdefault(name, value)
    return Signal(
        name=row.signal,
        because=f"{told or event.name}: {row.because}",
        concern=row.concern,
        subject=found.subject,
        deployment=deployment,
        event_id=event.event_id,
        actor=event.actor,
        at=event.at,
        detail=detail,
    )


def _nothing(event: Event, because: str, subject: str | None = None) -> Signal:
    return Signal(None, because, subject=subject, event_id=event.event_id, actor=event.actor, at=event.at)


def _unconcerned(event: Event, signal: str, found: Found, deployments: int) -> str:
    place = ", ".join(part for part in (found.account or event.account, found.region or event.region) if part)
    whose = (
        "no deployment is known"
        if not deployments
        else f"{found.subject} is nothing that any of the deployments asked about listens to"
    )
    return f"{event.name} would be {signal}, but {whose}" + (f" (it happened in {place})" if place else "")
