"""A deployment, its people and its two queues in memory: what happens there becomes events, and the events reach the reactions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.types import Health, Observation, Probe, RevocationCause, State
from portcullis.entry.reactions import Reactions
from portcullis.errors import Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Services
from portcullis.operations.services import Trigger as Why
from portcullis.operations.sweep import sweep
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Registration
from portcullis.settings import Settings

from tests.operations.copies import copied
from tests.operations.worlds import ACCOUNT, POOL, Account, Aws, Engine, account, model_text

READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
MODEL = """
  roles:
    viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}
  grants:
    - {role: viewers, to: {cognito_group: readers}}
"""
SETTLE_S, TRIES = 5.0, 6
_numbers = itertools.count(1)


class Keys(Aws):
    """The account, with a key that can be taken away, dead letters that are kept, and alerts that can fail to be sent."""

    disabled = False
    mute = False  # alerts cannot be sent
    hints: list[str]

    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        self.hints.append(hint)
        health, cause = (Health.REVOKED, RevocationCause.DISABLED) if self.disabled else (Health.HEALTHY, None)
        probes = tuple(Probe(name, health, cause, definite=self.disabled) for name in ("describe", "use"))
        return Observation(self.now(), probes, key_id="one", domain_key_id="one", hints=(hint,) if hint else (), by=by)

    def tell(self, alert: Alert) -> None:
        if self.mute:
            raise Unreachable("the alert was not sent")
        super().tell(alert)

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        self.buried.append((queue, body, group, reason))

    def waiting(self, queue: str) -> int:
        return sum(one[0] == queue for one in self.buried)

    @classmethod
    def of(cls, aws: Aws) -> Keys:
        made = cls(aws.ledger)
        made.buried, made.hints = [], []
        return made

    buried: list[tuple[str, str, str, str]]


@dataclass
class Notes:
    """Logger and metrics: what they were told."""

    keys: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def append_keys(self, **keys: Any) -> None:
        self.keys |= keys

    def info(self, line: str) -> None:
        self.lines.append(line)

    warning = info

    def add_metric(self, *, name: str, unit: str, value: float) -> None:
        assert (unit, value) == ("Count", 1)
        self.counted.append(name)


@dataclass
class Town:
    """One account with the deployment `demo`, and others if asked for."""

    account: Account
    aws: Keys
    services: Services
    notes: Notes = field(default_factory=Notes)
    again: list[tuple[str, str, int]] = field(default_factory=list)

    # ------------------------------------------------------------------ what people do

    def join(self, name: str) -> dict[str, Any]:
        self._members(*(set(self.members) | {name}))
        return self.cognito("AdminAddUserToGroup")

    def leave(self, name: str) -> dict[str, Any]:
        self._members(*(set(self.members) - {name}))
        return self.cognito("AdminRemoveUserFromGroup")

    @property
    def members(self) -> list[str]:
        return [entry.rpartition("/")[2] for entry in self.account.people.groups.get(READERS, ())]

    def _members(self, *names: str) -> None:
        self.account.people.groups[READERS] = tuple(f"Cognito/{POOL}/{name}" for name in sorted(names))

    def pass_time(self, seconds: float) -> None:
        self.aws.at += timedelta(seconds=seconds)

    # ------------------------------------------------------------------ what AWS says of it

    def cognito(self, operation: str, group: str = "readers", **more: Any) -> dict[str, Any]:
        asked = {"userPoolId": POOL, "username": "HIDDEN_DUE_TO_SECURITY_REASONS", "groupName": group}
        return self._event("cognito-idp", operation, **{"requestParameters": asked, **more})

    def kms(self, operation: str) -> dict[str, Any]:
        key = self.account.ledger.registration("demo").key.arn
        named = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
        return self._event("kms", operation, requestParameters={"keyId": key}, resources=named)

    def taken(self, role: str, session: str) -> dict[str, Any]:
        """Somebody assumed a role: CloudTrail counts that among what only reads."""
        asked = {"roleArn": role, "roleSessionName": session}
        return self._event("sts", "AssumeRole", requestParameters=asked, readOnly=True, sourceIPAddress="192.0.2.10")

    def inaccessible(self) -> dict[str, Any]:
        """What OpenSearch Service says when a domain cannot use its key."""
        domain = self.account.ledger.registration("demo").place.id
        detail = {"event": "KMS Key Inaccessible", "status": "Failed", "severity": "High", "description": "no key"}
        return self._wrapped("aws.es", "Domain Error Notification", detail) | {"resources": [domain]}

    def _event(self, service: str, operation: str, **more: Any) -> dict[str, Any]:
        detail = {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/owner", "accountId": ACCOUNT},
            "eventTime": self.aws.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": operation,
            "awsRegion": "eu-central-1",
            "eventID": f"event-{next(_numbers)}",
            "readOnly": False,
            "eventType": "AwsApiCall",
            "recipientAccountId": ACCOUNT,
            "responseElements": None,
            **more,
        }
        return self._wrapped(f"aws.{service}", "AWS API Call via CloudTrail", detail)

    def _wrapped(self, source: str, detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": "0",
            "id": f"notice-{next(_numbers)}",
            "source": source,
            "detail-type": detail_type,
            "account": ACCOUNT,
            "region": "eu-central-1",
            "time": self.aws.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resources": [],
            "detail": detail,
        }

    # ------------------------------------------------------------------ the way to the reactions

    def sent(self, event: Any, *, receives: int = 1, deployment: str = "demo") -> dict[str, Any]:
        """An event as the SQS record that a function is given. What is no dictionary goes as it is."""
        return record(event, self.aws.at, receives, deployment)

    def handle(self, records: Sequence[dict[str, Any]], queue: str = "identity") -> list[str]:
        """One batch, as one invocation takes it: what was done with each record; `failed` for one that raised."""
        batch = Reactions(self.services, queue, self.notes, self.notes)
        done = []
        for one in records:
            try:
                done.append(batch.take_record(one))
            except Exception:
                done.append("failed")
        return done

    def handle_all(self, records: Iterable[dict[str, Any]], queue: str = "identity", size: int = 10) -> list[str]:
        """In batches, and what failed again with the next, until it is done or has had its tries."""
        waiting, done = list(records), []
        while waiting:
            batch, waiting = waiting[:size], waiting[size:]
            answers = self.handle(batch, queue)
            done += [answer for answer in answers if answer != "failed"]
            failed = [one for one, answer in zip(batch, answers, strict=True) if answer == "failed"]
            seen_again = [record_again(one) for one in failed]
            waiting = [one for one in seen_again if receives_of(one) <= TRIES] + waiting
        return done

    def sweep(self) -> None:
        sweep(self.services)

    # ------------------------------------------------------------------ what can be seen

    @property
    def mapped(self) -> list[str]:
        """Who is mapped to the role `viewers`, in the engine."""
        mapping = self.account.engine.held.get(Kind.MAPPINGS, "viewers") or {}
        return [entry.rpartition("/")[2] for entry in mapping.get("users", ())]

    @property
    def writes(self) -> int:
        return self.account.engine.writes

    @property
    def state(self) -> State:
        return self.account.ledger.custody("demo").state

    def told(self, name: str) -> list[Any]:
        return [alert for alert in self.aws.told if alert.name == name]


def record(event: Any, at: datetime, receives: int, deployment: str) -> dict[str, Any]:
    return {
        "messageId": f"message-{next(_numbers)}",
        "receiptHandle": f"receipt-{next(_numbers)}",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:{ACCOUNT}:portcullis-identity.fifo",
        "body": event if isinstance(event, str) else json.dumps(event),
        "attributes": {
            "MessageGroupId": deployment,
            "SentTimestamp": str(int(at.timestamp() * 1000)),
            "ApproximateReceiveCount": str(receives),
        },
    }


def record_again(one: dict[str, Any]) -> dict[str, Any]:
    attributes = one["attributes"] | {"ApproximateReceiveCount": str(receives_of(one) + 1)}
    return one | {"attributes": attributes}


def receives_of(one: dict[str, Any]) -> int:
    return int(one["attributes"]["ApproximateReceiveCount"])


class Broken(Engine):
    """An engine that does not answer for the next so many calls."""

    silent = 0

    def read(self, kinds: Any = None) -> Any:
        if self.silent:
            self.silent -= 1
            raise Unreachable("the domain did not answer")
        return super().read(kinds)

    def read_some(self, names: Any) -> Any:
        if self.silent:
            self.silent -= 1
            raise Unreachable("the domain did not answer")
        return super().read_some(names)


def town() -> Town:
    """The deployment `demo`, set up and open; nobody is in the group yet."""
    made = account()
    one = _wired(made, Keys.of(made.aws))
    one.account.registered()
    one._members()
    apply_text(one.services, "demo", model_text(MODEL), Why("a test", "somebody"))
    one.account.engine.writes = 0
    one.pass_time(60)
    return one


def copied_town(one: Town) -> Town:
    """The same once more, in parts of its own: what happens in one is not seen by the other."""
    made = copied(one.account)
    aws = Keys.of(made.aws)
    for name, value in vars(one.aws).items():
        if name not in ("ledger", "lock"):
            setattr(aws, name, deepcopy(value))
    again = _wired(made, aws)
    again.notes, again.again[:] = deepcopy(one.notes), one.again
    return again


def _wired(made: Account, aws: Keys) -> Town:
    """The parts of an account, and the functions around them."""
    made.engine.__class__ = Broken
    again: list[tuple[str, str, int]] = []
    services = replace(
        made.services,
        settings=Settings("ledger", settle_seconds=SETTLE_S, queue_tries=TRIES),
        alerts=aws,
        keys=lambda _: aws,
        gate=lambda _: aws,
        dead_letters=aws,
        now=aws.now,
        queue_again=lambda queue, receipt, seconds: again.append((queue, receipt, seconds)),
    )
    return Town(replace(made, services=services), aws, services, again=again)
