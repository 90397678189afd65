"""A key's papers, asked of KMS: whatever goes wrong with a question is part of the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from portcullis.adapters.keys.aws import ask
from portcullis.clients import error_code
from portcullis.correlation import carry
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.custody.keys.probes import Answer
from portcullis.errors import Refused, Unreachable

_SILENT = ("Throttling", "Internal", "KMSInternal", "ServiceUnavailable", "DependencyTimeout", "RequestTimeout")


class AwsKeyDesk:
    """The KeyDesk protocol. `kms` is a boto3 KMS client in the domain's Region."""

    def __init__(self, kms: Any) -> None:
        self._kms = kms

    def describe(self, named: str) -> KeyAnswers:
        describe = ask(lambda: self._kms.describe_key(KeyId=named))
        metadata = describe.get("KeyMetadata") if isinstance(describe, dict) else None
        if not metadata:
            return KeyAnswers(describe)
        key = metadata["Arn"]  # the other questions take no alias
        questions: tuple[Callable[[], Any], ...] = (
            lambda: self._kms.get_key_policy(KeyId=key, PolicyName="default"),
            lambda: self._kms.get_key_rotation_status(KeyId=key),
            lambda: self._all("list_grants", "Grants", key),
            lambda: self._all("list_key_rotations", "Rotations", key),
            lambda: self._all("list_resource_tags", "Tags", key),
        )
        with ThreadPoolExecutor(len(questions), initializer=carry()) as askers:
            return KeyAnswers(describe, *askers.map(ask, questions))

    def rotate(self, key_arn: str) -> None:
        self._do("rotate_key_on_demand", KeyId=key_arn)

    def schedule_deletion(self, key_arn: str, days: int) -> datetime:
        answer = self._do("schedule_key_deletion", KeyId=key_arn, PendingWindowInDays=days)
        due: datetime = answer["DeletionDate"]
        return due

    def _all(self, call: str, listed: str, key: str) -> Answer:
        found: list[Any] = []
        for page in self._kms.get_paginator(call).paginate(KeyId=key):
            found += page.get(listed, [])
        return {listed: found}

    def _do(self, call: str, **arguments: Any) -> Any:
        try:
            return getattr(self._kms, call)(**arguments)
        except Exception as error:
            code = error_code(error)
            if code.startswith(_SILENT) or (not code and type(error).__module__.startswith(("botocore", "urllib3"))):
                raise Unreachable(f"kms {call}: {code or type(error).__name__}") from error
            if code:
                raise Refused(f"kms {call}: {error}") from error
            raise
