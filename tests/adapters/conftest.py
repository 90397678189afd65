"""A ledger on a table of its own in the emulated DynamoDB, and what to put there."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from portcullis.adapters.ledger.dynamo import DynamoLedger

from local.aws.emulator import Emulator

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def table(aws: Emulator, name: str) -> Iterator[str]:
    dynamodb, table = aws.client("dynamodb"), f"ledger-{name}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    yield table
    dynamodb.delete_table(TableName=table)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(calm: Emulator, table: str, clock: Clock) -> DynamoLedger:
    return DynamoLedger(calm.client("dynamodb"), table, clock)


@pytest.fixture
def other(calm: Emulator, table: str, clock: Clock) -> DynamoLedger:
    """Somebody else on the same table."""
    return DynamoLedger(calm.client("dynamodb"), table, clock)


@cache
def noise(length: int) -> str:
    """What compresses to three quarters and no further."""
    return base64.urlsafe_b64encode(random.Random(7).randbytes(length)).decode()[:length]
