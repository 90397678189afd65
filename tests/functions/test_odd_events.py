"""Given an event of CloudFormation with whatever stands in a template, then there is one answer to it, and nothing is half done."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portcullis.entry import custom_resource
from portcullis.errors import BadInput, Refused

from tests.functions.test_handlers import REGISTRATION, Sink, asked, listening
from tests.operations.worlds import Account, account, registration

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["Registration", "Model", "Account", "DefaultGroup", "Domains", "Eyes", "ServiceToken"])
PROPERTIES = st.dictionaries(NAMES, VALUES | st.just(REGISTRATION), max_size=4) | VALUES
REQUESTS = st.sampled_from(["Create", "Update", "Delete"]) | VALUES
LONG = 4096  # bytes of an answer that CloudFormation takes


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with listening() as one:
        yield one


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with a deployment in it that no odd event is about. S3 has no object."""
    made = account()
    made.ledger.register(registration("kept"))

    def nothing(_group: str) -> None:
        raise Refused("ec2: no such group")

    services = replace(made.services, empty_group=nothing, let_into_vpcs=lambda: "was there")
    monkeypatch.setattr(custom_resource, "from_environment", lambda: services)

    def no_model(_properties: Any) -> str:
        raise BadInput("there is no such object", source="custom resource", place="Model")

    monkeypatch.setattr(custom_resource, "_model_text", no_model)
    return made


def answered(sink: Sink, event: dict[str, Any]) -> dict[str, Any]:
    sink.answers.clear()
    custom_resource.answer(event, SimpleNamespace(exception=lambda *_: logging.getLogger(__name__).debug("failed")))
    [told] = sink.answers
    assert len(json.dumps(told)) <= LONG
    return told


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    request=REQUESTS,
    properties=PROPERTIES,
    kept=st.none() | st.sampled_from(["portcullis-demo", "x-not-put", "x_not-put"]),
)
def test_whatever_an_event_holds_there_is_one_answer_and_nothing_half_done(
    world: Account, sink: Sink, request: Any, properties: Any, kept: str | None
) -> None:
    before = world.ledger.registrations()
    event = asked(sink, request, properties) | ({"PhysicalResourceId": kept} if kept else {})
    told = answered(sink, event)
    assert told["Status"] in ("SUCCESS", "FAILED")
    assert told["PhysicalResourceId"]
    assert world.ledger.registrations() == before
    if kept:
        failed = request == "Create" and told["Status"] == "FAILED"
        assert told["PhysicalResourceId"] == (f"{kept}_not-put" if failed else kept), "another id has it deleted"
    if told["Status"] == "SUCCESS" and request in ("Create", "Update"):
        assert isinstance(properties, dict)
        assert properties.get("Account") or "Eyes" in properties, "without a registration nothing was put anywhere"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"RequestType": "Read"}, "no request 'Read'"),
        ({"RequestType": None}, "no request 'None'"),
        ({"ResourceProperties": None}, "the registration is not as expected"),
        ({"ResourceProperties": ["x"]}, "the registration is not as expected"),
        ({"ResourceProperties": {"Registration": {"deployment": "\U0001f511" * 5000}}}, "the registration is not"),
    ],
)
@pytest.mark.usefixtures("world")
def test_an_event_that_is_none_is_answered_as_failed(sink: Sink, event: dict[str, Any], words: str) -> None:
    told = answered(sink, asked(sink, "Create", {}) | event)
    assert told["Status"] == "FAILED"
    assert words in told["Reason"]


def test_a_long_reason_is_cut_to_what_cloudformation_takes(
    sink: Sink, world: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sign of another alphabet is six bytes of an answer."""

    def refused() -> Any:
        raise Refused("\u65e5" * 5000)

    monkeypatch.setattr(custom_resource, "from_environment", refused)
    told = answered(sink, asked(sink, "Create", {}))
    assert told["Reason"].startswith("\u65e5" * 500)
