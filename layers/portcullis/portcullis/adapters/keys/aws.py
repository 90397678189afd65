"""The probes of a key. Each asks another way, with another permission; whatever goes wrong with a question is part of the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from portcullis.correlation import carry
from portcullis.custody.keys.probes import (
    Answer,
    read_describe,
    read_grants,
    read_metric,
    read_notification,
    read_use,
    refused,
)
from portcullis.custody.types import ENCRYPT, GRANTS, Health, Observation, Probe
from portcullis.ports.registration import Registration

_METRICS = ("KMSKeyError", "KMSKeyInaccessible")
_INACCESSIBLE = "domain-key-inaccessible"  # the signal of a "Domain Error Notification"


class AwsKeys:
    """The KeyObserver protocol. `client(service)` gives a boto3 client in the domain's Region.

    `grant_seen()` says whether the search service's grant was ever seen on this key, `saw_grant()` notes that it was: only
    what was there can be missed.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        *,
        grant_seen: Callable[[], bool],
        saw_grant: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client, self._grant_seen, self._saw_grant, self._now = client, grant_seen, saw_grant, now

    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        """Ask everything at once. Never raises for what a key can be in, nor for a service that does not answer."""
        now, key = self._now(), registration.key.arn
        kms, metrics = self._client("kms"), self._client("cloudwatch")
        domain = registration.domain
        watched = _METRICS if domain else ()
        questions: dict[str, Callable[[], Any]] = {
            "describe": lambda: kms.describe_key(KeyId=key),
            "use": lambda: kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", DryRun=True),
            "encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=b"nothing", DryRun=True),
            "grants": lambda: _all_grants(kms, key) if domain else {},
            "alias": lambda: kms.describe_key(KeyId=registration.key.alias) if registration.key.alias else {},
            "rotations": lambda: kms.list_key_rotations(KeyId=key, Limit=1000),
            **{name: partial(_metric, metrics, registration, name, now) for name in watched},
        }
        with ThreadPoolExecutor(len(questions), initializer=carry()) as askers:
            answers = dict(zip(questions, askers.map(ask, questions.values()), strict=True))
        probes = [
            read_describe(answers["describe"], now),
            read_use(answers["use"]),
            read_use(answers["encrypt"], ENCRYPT),
            self._grants(answers["grants"], domain.arn) if domain else None,
            *(read_metric(answers[name], now) for name in watched),
            read_notification({"event": "KMS Key Inaccessible"}) if hint == _INACCESSIBLE else None,
        ]
        return Observation(
            at=now,
            probes=tuple(probe for probe in probes if probe is not None),
            key_id=_key_id(answers["alias"]) or _key_id(answers["describe"]),
            domain_key_id=key.rsplit("/", 1)[-1],
            rotated_at=_last_rotation(answers["rotations"]),
            hints=(hint,) if hint else (),
            by=by,
            refused=tuple(sorted({action for answer in answers.values() for action in refused(answer)})),
        )

    def _grants(self, answer: Answer, domain_arn: str) -> Probe | None:
        expected = self._grant_seen()
        probe = read_grants(answer, domain_arn=domain_arn, expected=expected)
        if probe is not None and probe.health is Health.HEALTHY and not expected:
            self._saw_grant()
        if probe is not None and probe.name == GRANTS and not expected and probe.health is not Health.HEALTHY:
            return (
                None  # where no grant was ever seen, being refused the list says nothing of the domain's use of the key
            )
        return probe


def ask(question: Callable[[], Any]) -> Answer:
    """The answer, or the error in the form the probes read: the service's own response, or the text of what went wrong."""
    try:
        answer: Answer = question()
    except Exception as error:
        response = getattr(error, "response", None)
        return response if isinstance(response, dict) else f"{type(error).__name__}: {error}"
    return answer


def _all_grants(kms: Any, key: str) -> Answer:
    pages = kms.get_paginator("list_grants").paginate(KeyId=key)
    return {"Grants": [grant for page in pages for grant in page["Grants"]]}


def _metric(cloudwatch: Any, registration: Registration, name: str, now: datetime) -> Answer:
    dimensions = {"DomainName": registration.place.name, "ClientId": registration.account}
    answer: Answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/ES",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=20),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    return answer


def _key_id(answer: Answer) -> str:
    metadata = answer.get("KeyMetadata") if isinstance(answer, dict) else None
    return str(metadata.get("KeyId", "")) if isinstance(metadata, dict) else ""


def _last_rotation(answer: Answer) -> datetime | None:
    rotations = answer.get("Rotations") if isinstance(answer, dict) else None
    dates = [one["RotationDate"] for one in rotations or [] if "RotationDate" in one]
    return max(dates, default=None)
