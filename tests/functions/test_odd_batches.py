"""Given what is no batch of a queue, when a queue-fed function is invoked with it, then there is one clear answer, and nothing is lost."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.entry import batches
from portcullis.entry.reactions import queued
from portcullis.operations.custody.reminders import is_reminder

from tests.functions.lambdas import run
from tests.functions.test_handlers import record
from tests.functions.test_odd_events import VALUES

NO_TIME = record("key", 1, "{}")
NO_TIME["attributes"] = {"MessageGroupId": "demo"}
ODD = [
    ("lock it", "event, Records: no batch"),
    ([], "event, Records: no batch"),
    ({"verb": "lock", "deployment": "demo"}, "event, Records: no batch"),
    ({"Records": "x"}, "event, Records: no batch"),
    ({"Records": [7]}, "event, Records[0]: no message"),
    ({"Records": [{"body": "{}"}]}, "event, Records[0].messageId: no text"),
    ({"Records": [record("key", 1, "{}"), NO_TIME]}, "event, Records[1].attributes.SentTimestamp: no number"),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@pytest.mark.parametrize("function", ["identity_sync", "key_guard"])
@pytest.mark.parametrize(("event", "says"), [ODD[0], ODD[3], ODD[-1]])
def test_what_is_no_batch_is_answered_with_the_reason(packages: Path, function: str, event: Any, says: str) -> None:
    """In one line, without a traceback. To Lambda it is a batch of which every message failed, so that each comes again."""
    ran = run(function, event, packages, {})
    assert ran.status == 0, ran.output
    assert ran.answer["exit_status"] == 2
    assert ran.answer["error"].startswith(says)
    assert "invoke portcullis-operate" in ran.answer["error"]
    assert ran.answer["batchItemFailures"] == [{"itemIdentifier": ""}]
    assert [line["error"] for line in ran.log if line["message"] == "refused"] == [ran.answer["error"]]
    assert "Traceback" not in ran.output


@pytest.mark.parametrize(("event", "says"), ODD)
def test_the_reason_names_the_place(event: Any, says: str) -> None:
    assert str(batches.wrong_with(event)).startswith(says)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Two messages as SQS gives them, or a reminder beside one, with a value of one of them another or gone."""
    messages = [record("key", 1, "{}"), deepcopy(record("key", 2, "no json"))]
    if draw(st.booleans()):
        del messages[1]["attributes"]["MessageGroupId"]
    one = messages[draw(st.integers(0, 1))]
    where = one["attributes"] if draw(st.booleans()) else one
    name = draw(st.sampled_from(sorted(where)))
    if draw(st.booleans()):
        del where[name]
    else:
        where[name] = draw(VALUES)
    return {"Records": messages}


@given(event=damaged() | VALUES | st.fixed_dictionaries({"Records": VALUES}))
def test_whatever_is_taken_for_a_batch_can_be_read_message_by_message(event: Any) -> None:
    """Each of its messages has what the answer names it by, and is a reminder or has a deployment."""
    if batches.wrong_with(event) is None:
        for message in event["Records"]:
            assert message["messageId"]
            assert (
                is_reminder(message)
                or queued(message).deployment == message["attributes"]["MessageGroupId"].split(".")[0]
            )


def test_what_a_queue_hands_over_is_taken() -> None:
    reminder = record("key", 2, "{}")
    del reminder["attributes"]["MessageGroupId"]
    assert batches.wrong_with({"Records": [record("key", 1, "no json"), reminder]}) is None
    assert batches.wrong_with({"Records": []}) is None
