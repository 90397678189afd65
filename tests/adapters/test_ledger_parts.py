"""What is too large for one item of the ledger: written at once or not at all, read as one, and taken away whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portcullis.access.plan import AccessModel, AppliedStep, Claim
from portcullis.adapters.ledger.codec import encode
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.clients import unanswered
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.model.option_types import Options
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import KeptModel

from local.aws.emulator import Credentials, Emulator
from tests.adapters.conftest import NOON, Clock, noise

pytestmark = pytest.mark.aws
DOMAIN = "arn:aws:es:eu-central-1:111122223333:domain/logs"
DAY = 24 * 3600
# Characters of noise -> parts that it takes, where three quarters of it are left: an item holds 390,000 bytes, a part 375,000.
PARTS = {0: 0, 3_000: 0, 500_000: 0, 540_000: 2, 1_600_000: 4, 3_900_000: 8}
TOO_MUCH = 4_200_000


def items(aws: Emulator, table: str) -> list[dict[str, Any]]:
    """All of a table, page by page."""
    found: list[dict[str, Any]] = []
    for page in aws.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        found += page["Items"]
    return found


def claims(length: int) -> Claims:
    return Claims(Claim(Kind.MAPPINGS, "r", "users", noise(length)[at : at + 40]) for at in range(0, length, 40))


def large_change(length: int) -> Change:
    touched = tuple(
        AppliedStep("add", "rolesmapping", "r", "users", noise(length)[at : at + 400], None, "x")
        for at in range(0, length, 400)
    )
    return Change("demo", NOON, "apply", "event", "me", "much", {"b": 1}, ["a"], touched=touched, model_before="old")


# ---------------------------------------------------------------------- it comes back


@pytest.mark.parametrize(("length", "parts"), PARTS.items(), ids=str)
def test_a_value_of_any_size_comes_back_and_only_a_large_one_takes_parts(
    ledger: DynamoLedger, aws: Emulator, table: str, length: int, parts: int
) -> None:
    ledger.save("demo", "mappings", noise(length))
    assert ledger.saved("demo", "mappings") == noise(length)
    assert len(items(aws, table)) == 1 + parts


def test_a_model_comes_back_though_each_of_its_values_is_as_large_as_an_item(ledger: DynamoLedger) -> None:
    kept = KeptModel(
        noise(500_000), AccessModel(roles={"r": {"dls": noise(510_000)[1:]}}), Options(email=noise(505_000))
    )
    for model in (
        kept,
        replace(kept, options=Options(sweep_minutes=2)),
        replace(kept, text="small", options=Options()),
    ):
        kept = ledger.keep_model("demo", replace(model, version=kept.version))
        assert ledger.model("demo") == model


def test_claims_of_every_owner_come_back_whole(ledger: DynamoLedger) -> None:
    ledger.keep_claims(DOMAIN, "large", claims(1_200_000))
    ledger.keep_claims(DOMAIN, "small", claims(400))
    ledger.keep_claims(DOMAIN, "second", claims(900_000))
    assert ledger.claims(DOMAIN) == {"large": claims(1_200_000), "small": claims(400), "second": claims(900_000)}


def test_a_change_that_touched_very_much_can_still_be_rolled_back(
    ledger: DynamoLedger, aws: Emulator, table: str
) -> None:
    small = Change("demo", NOON - timedelta(days=1), "apply", "before", "me", "little")
    for change in (small, large_change(1_600_000)):
        ledger.record(change)
    assert tuple(ledger.history("demo")) == (large_change(1_600_000), small)
    assert len({i["expires"]["N"] for i in items(aws, table) if "small" not in str(i)}) == 2, (
        "parts go with their entry"
    )


def test_what_has_expired_is_not_read_though_only_some_of_it_was_deleted_yet(
    ledger: DynamoLedger, aws: Emulator, table: str, clock: Clock
) -> None:
    ledger.record(large_change(1_600_000))
    ledger.record(Change("demo", NOON + timedelta(days=1), "apply", "after", "me", "little"))
    clock.pass_time(400 * DAY)
    part = next(i for i in items(aws, table) if i["pk"]["S"].startswith("part#"))
    aws.client("dynamodb").delete_item(TableName=table, Key={"pk": part["pk"], "sk": part["sk"]})
    assert [one.cause for one in ledger.history("demo")] == ["after"]


def test_what_the_version_before_has_written_is_read(ledger: DynamoLedger, aws: Emulator, table: str) -> None:
    written = {
        ("deployment#demo", "saved#small"): {"value": {"S": '{"a":1}'}},
        ("deployment#demo", "saved#large"): {"value": encode(noise(500_000))},
        ("deployment#demo", "model"): {
            "text": {"S": '"t"'},
            "access": {"S": "{}"},
            "options": {"S": '{"sweep_minutes":1}'},
        },
        (f"domain#{DOMAIN}", "claims#demo"): {"value": encode(sorted(claims(400_000)))},
    }
    for (pk, sk), values in written.items():
        aws.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": sk}, **values})
    assert (ledger.saved("demo", "small"), ledger.saved("demo", "large")) == ({"a": 1}, noise(500_000))
    assert ledger.model("demo") == KeptModel("t", AccessModel(), Options(sweep_minutes=1))
    assert ledger.claims(DOMAIN) == {"demo": claims(400_000)}


# ---------------------------------------------------------------------- nothing stays behind


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*PARTS, None, TOO_MUCH]), min_size=1, max_size=6))
def test_after_any_row_of_saves_the_last_one_is_there_and_no_other(
    ledger: DynamoLedger, aws: Emulator, table: str, row: list[int | None]
) -> None:
    ledger.forget("demo", "one")
    ledger.save("demo", "neighbour", noise(540_000))
    kept: str | None = None
    for length in row:
        if length is None:
            ledger.forget("demo", "one")
            kept = None
        elif length == TOO_MUCH:
            with pytest.raises(Refused):
                ledger.save("demo", "one", noise(length))
        else:
            ledger.save("demo", "one", noise(length))
            kept = noise(length)
        assert ledger.saved("demo", "one") == kept
        of_it = [one for one in items(aws, table) if one["sk"]["S"] == "saved#one"]
        assert len(of_it) == (0 if kept is None else 1 + PARTS[len(kept)])
    assert ledger.saved("demo", "neighbour") == noise(540_000)


@pytest.mark.parametrize(
    "keep",
    [
        lambda led: led.save("demo", "mappings", noise(TOO_MUCH)),
        lambda led: led.keep_model("demo", KeptModel(noise(TOO_MUCH), AccessModel())),
        lambda led: led.keep_claims(DOMAIN, "demo", claims(TOO_MUCH)),
    ],
    ids=["saved", "model", "claims"],
)
def test_a_value_too_large_even_in_parts_is_refused_and_nothing_is_written(
    ledger: DynamoLedger, aws: Emulator, table: str, keep: Callable[[DynamoLedger], None]
) -> None:
    """The error names the deployment, the size and the limit."""
    with pytest.raises(Refused, match=r"demo.*is too large for the ledger: \d+ bytes compressed, 3000000 fit"):
        keep(ledger)
    assert items(aws, table) == []


def test_a_change_too_large_to_keep_is_kept_without_what_it_touched(ledger: DynamoLedger) -> None:
    ledger.record(large_change(TOO_MUCH))
    [kept] = ledger.history("demo")
    assert (kept.before, kept.touched, kept.cause) == (None, (), "event")
    assert kept.summary.startswith("much (what it touched was too large")


# ---------------------------------------------------------------------- broken off, and beside others

LARGE, OTHER, SMALL = noise(1_600_000), noise(1_500_000)[1:], "small"
WRITES: dict[str, tuple[Any, Callable[[DynamoLedger], Any], Any]] = {
    "the first": (None, lambda led: led.save("demo", "one", LARGE), LARGE),
    "larger": (SMALL, lambda led: led.save("demo", "one", LARGE), LARGE),
    "another": (OTHER, lambda led: led.save("demo", "one", LARGE), LARGE),
    "smaller": (LARGE, lambda led: led.save("demo", "one", SMALL), SMALL),
    "forgotten": (LARGE, lambda led: led.forget("demo", "one"), None),
}


@pytest.mark.parametrize("kind", ["throttle", "server-error", "conflict"])
@pytest.mark.parametrize(("before", "write", "after"), WRITES.values(), ids=WRITES)
def test_a_failed_ledger_write_keeps_the_old_value_and_can_be_repeated(
    ledger: DynamoLedger,
    calm: Emulator,
    kind: str,
    before: Any,
    write: Callable[[DynamoLedger], Any],
    after: Any,
) -> None:
    """DynamoDB throttles, fails or reports a conflict. The old value stays, and the same write works afterwards."""
    if before is not None:
        ledger.save("demo", "one", before)
    calm.admin("fault", actions=["dynamodb:TransactWriteItems"], kind=kind)
    with pytest.raises(Unreachable, match=r"the ledger ledger-.* did not answer"):
        write(ledger)
    assert ledger.saved("demo", "one") == before
    calm.admin("mend")
    write(ledger)
    assert ledger.saved("demo", "one") == after


@pytest.mark.parametrize("kind", ["throttle", "server-error", "conflict"])
def test_a_large_value_that_cannot_be_read_is_unreachable(ledger: DynamoLedger, calm: Emulator, kind: str) -> None:
    ledger.save("demo", "one", LARGE)
    calm.admin("fault", actions=["dynamodb:TransactGetItems"], kind=kind)
    with pytest.raises(Unreachable):
        ledger.saved("demo", "one")


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["None", "TransactionConflict"], "TransactionConflict"),
        (
            ["ThrottlingError", "None", "ProvisionedThroughputExceeded"],
            "ProvisionedThroughputExceeded, ThrottlingError",
        ),
        (["TransactionConflict", "ValidationError"], ""),
        (["ConditionalCheckFailed", "None"], ""),
        (["None", "None"], ""),
    ],
)
def test_a_transaction_gave_no_answer_only_if_nothing_of_its_own_was_wrong(reasons: list[str], said: str) -> None:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    assert unanswered(ClientError(answer, "TransactWriteItems")) == said


@pytest.mark.parametrize("action", ["dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"])
def test_a_transaction_that_met_another_one_is_tried_again(ledger: DynamoLedger, calm: Emulator, action: str) -> None:
    calm.admin("fault", actions=[action], kind="conflict", calls=2)
    ledger.save("demo", "one", LARGE)
    assert ledger.saved("demo", "one") == LARGE


def test_whoever_reads_while_others_write_sees_one_of_their_values_whole(
    ledger: DynamoLedger, aws: Emulator, table: str
) -> None:
    values = [LARGE, SMALL, OTHER, noise(540_000)]
    ledger.save("demo", "one", LARGE)
    wrong: list[BaseException] = []

    def write(started_with: int) -> None:
        writer = DynamoLedger(aws.client("dynamodb"), table)
        try:
            for number in range(8):
                writer.save("demo", "one", values[(started_with + number) % 4])
        except BaseException as error:
            wrong.append(error)

    writers = [threading.Thread(target=write, args=(at,)) for at in (1, 2)]
    for one in writers:
        one.start()
    reads = 0
    while any(one.is_alive() for one in writers) or not reads:
        assert ledger.saved("demo", "one") in values
        reads += 1
    assert wrong == []


def test_a_value_that_somebody_has_torn_is_told_and_not_read(ledger: DynamoLedger, aws: Emulator, table: str) -> None:
    ledger.save("demo", "one", LARGE)
    [part] = [one for one in items(aws, table) if one["pk"]["S"] == "part#1#deployment#demo"]
    aws.client("dynamodb").delete_item(TableName=table, Key={"pk": part["pk"], "sk": part["sk"]})
    with pytest.raises(BadInput, match=r"ledger: a value is not whole.*restore the table"):
        ledger.saved("demo", "one")
    ledger.save("demo", "one", SMALL)
    assert len(items(aws, table)) == 1


def test_parts_take_no_other_right_than_items(calm: Emulator, table: str, person: Callable[..., Credentials]) -> None:
    actions = [f"dynamodb:{action}" for action in ("DeleteItem", "GetItem", "PutItem", "Query")]
    may = person(*actions, resource=f"arn:aws:dynamodb:{calm.region}:{calm.account}:table/{table}")
    theirs = DynamoLedger(calm.client("dynamodb", credentials=may), table)
    for value in (LARGE, OTHER, SMALL):
        theirs.save("demo", "one", value)
        assert theirs.saved("demo", "one") == value
    theirs.save("demo", "one", LARGE)
    theirs.forget("demo", "one")
    assert items(calm, table) == []
