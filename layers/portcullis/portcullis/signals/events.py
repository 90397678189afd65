"""One event, whatever it came as: EventBridge's envelope, or the bare CloudTrail record that EventBridge calls `detail`.

Nothing in here trusts a type: fields are asked for by path, and what is absent or of another type reads as empty. Only
`Event.need` and `open_event` complain, by raising MalformedEvent with the path that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portcullis.errors import MalformedEvent

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"  # what CloudTrail writes where a name would tell too much

_AWS_SOURCE = re.compile(r"([a-z0-9-]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|amazon\.com)", re.IGNORECASE)
# Names of one service under two prefixes: the OpenSearch API calls itself `es` in CloudTrail, its notices either.
_SAME_SERVICE = {"opensearch": "es", "opensearchservice": "es"}
_FROM_CLOUDTRAIL = ("AWS API Call via CloudTrail", "AWS Service Event via CloudTrail")
_JSON_NAMES = {
    dict: "an object",
    list: "a list",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}

Path = tuple[str, ...]


def look(value: object, path: Path) -> object:
    """What stands at a path of keys, or None."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object) -> str:
    """A text as it is, a whole number as its digits (account ids arrive as either), anything else as nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return f"{value:012d}"
    return ""


def true(value: object) -> bool:
    """true, also where a log pipeline has turned it into text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its outer layer taken off.

    `service` is the first label of eventSource ("iam"), or of the envelope's source for a notice ("kms", "es").
    `name` is eventName, or the detail-type for a notice: what a service tells EventBridge itself, without CloudTrail.
    """

    service: str
    name: str
    notice: bool
    detail: Mapping[str, object]
    arns: tuple[str, ...]
    account: str
    region: str
    event_id: str
    actor: str
    at: str
    prefix: str  # "detail." in an envelope: how a person finds the path again

    def get(self, *path: str) -> object:
        return look(self.detail, path)

    def text(self, *path: str) -> str:
        return text(look(self.detail, path))

    def first(self, *paths: Path) -> str:
        """The first of these paths that holds a text, as that text."""
        return next((found for path in paths if (found := text(look(self.detail, path)))), "")

    def need(self, *paths: Path) -> str:
        """As `first`; MalformedEvent names the first path if none of them holds a text."""
        found = self.first(*paths)
        if found:
            return found
        raise self.missing(paths[0])

    def missing(self, path: Path) -> MalformedEvent:
        """The error for a field that this kind of event always has."""
        return malformed(self.prefix + ".".join(path), self.get(*path), f"in {self.service} {self.name[:80]}")


def malformed(path: str, value: object, remark: str = "") -> MalformedEvent:
    """The error that names a path. `value` is what stands there instead (None: nothing does)."""
    if value is None:
        problem = "missing"
    elif value == "":
        problem = "empty"
    else:
        problem = f"{_JSON_NAMES.get(type(value), 'something else')} where a value of another type belongs"
    return MalformedEvent(f"{problem} {remark}".rstrip(), place=path)


def service_of(event_source: str) -> str:
    """`iam.amazonaws.com` -> `iam`; what is no AWS event source is marked so, and matches no service we know."""
    matched = _AWS_SOURCE.fullmatch(event_source)
    label = matched.group(1).lower() if matched else f"{event_source} (no event source of AWS)"
    return _SAME_SERVICE.get(label, label)


def open_event(event: object) -> Event:
    """Take the outer layer off. Raises MalformedEvent naming what is missing: source, detail-type, detail, eventSource, eventName."""
    if not isinstance(event, Mapping):
        found = _JSON_NAMES.get(type(event), "no object")
        raise MalformedEvent(
            f"an event is a JSON object, this is {found}", remedy="an EventBridge event or a CloudTrail record"
        )
    if any(key in event for key in ("detail", "detail-type", "source")):
        return _open_envelope(event)
    if not text(event.get("eventSource")) and not text(event.get("eventName")):
        raise MalformedEvent(
            "missing: neither an EventBridge event nor a CloudTrail record",
            place="detail, or eventSource and eventName",
            remedy="an EventBridge event has source, detail-type and detail; a CloudTrail record has eventSource and eventName",
        )
    return _open_record(event, {}, "")


def _open_envelope(event: Mapping[str, object]) -> Event:
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise malformed("detail", detail)
    detail_type, source = text(event.get("detail-type")), text(event.get("source"))
    # What CloudTrail delivers is known by its detail, which must be whole; the detail-type tells when the detail is not.
    if "eventSource" in detail or "eventName" in detail or detail_type in _FROM_CLOUDTRAIL:
        return _open_record(detail, event, "detail.")
    if not detail_type:
        raise malformed("detail-type", event.get("detail-type"))
    if not source:
        raise malformed("source", event.get("source"))
    label = source.removeprefix("aws.") if source.startswith("aws.") else source
    return Event(
        service=_SAME_SERVICE.get(label, label) if source.startswith("aws.") else source,
        name=detail_type,
        notice=True,
        detail=detail,
        arns=_arns(event.get("resources")),
        account=text(event.get("account")),
        region=text(event.get("region")),
        event_id=text(event.get("id")),
        actor=source,
        at=text(event.get("time")),
        prefix="detail.",
    )


def _open_record(record: Mapping[str, object], envelope: Mapping[str, object], prefix: str) -> Event:
    for key in ("eventSource", "eventName"):
        if not isinstance(record.get(key), str) or not record.get(key):
            raise malformed(prefix + key, record.get(key))
    identity = record.get("userIdentity")
    actor_paths = (
        ("arn",),
        ("sessionContext", "sessionIssuer", "arn"),
        ("invokedBy",),
        ("userName",),
        ("principalId",),
    )
    accounts = (record.get("recipientAccountId"), envelope.get("account"), look(identity, ("accountId",)))
    return Event(
        service=service_of(text(record["eventSource"])),
        name=text(record["eventName"]),
        notice=False,
        detail=record,
        arns=_arns(record.get("resources")) or _arns(envelope.get("resources")),
        account=next((found for value in accounts if (found := text(value))), ""),
        region=text(record.get("awsRegion")) or text(envelope.get("region")),
        event_id=text(record.get("eventID")) or text(envelope.get("id")),
        actor=next((found for path in actor_paths if (found := text(look(identity, path)))), ""),
        at=text(record.get("eventTime")) or text(envelope.get("time")),
        prefix=prefix,
    )


def _arns(resources: object) -> tuple[str, ...]:
    """The ARNs of `resources`: texts in an envelope, objects with an ARN in a record."""
    if not isinstance(resources, Sequence) or isinstance(resources, str | bytes):
        return ()
    found = (
        item if isinstance(item, str) else text(look(item, ("ARN",))) or text(look(item, ("arn",)))
        for item in resources
    )
    return tuple(arn for arn in found if arn)
