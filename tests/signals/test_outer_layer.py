"""An event with its outer layer taken off: what a record says itself, and what its envelope says."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.errors import MalformedEvent
from portcullis.signals.events import Event, malformed, open_event, service_of, text, true
from portcullis.signals.types import Signal

from tests.signals.test_deployments_concerned import ACCOUNT, REGION


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "x"),
        ("", ""),
        (111122223333, "111122223333"),
        (7, "000000000007"),
        (0, "000000000000"),
        (10**12 - 1, "999999999999"),
        (10**12, ""),
        (-1, ""),
        (True, ""),
        (False, ""),
        (1.5, ""),
        (None, ""),
        (["x"], ""),
        ({"x": 1}, ""),
    ],
)
def test_only_a_text_and_a_number_of_twelve_digits_is_read_as_text(value: object, said: str) -> None:
    assert text(value) == said


def test_true_is_true_also_as_text_and_nothing_else_is() -> None:
    assert [true(value) for value in (True, "true", "True", "TRUE")] == [True] * 4
    assert [true(value) for value in (False, "false", "yes", "", 1, None, ["true"])] == [False] * 7


@pytest.mark.parametrize(
    ("source", "service"),
    [
        ("iam.amazonaws.com", "iam"),
        ("IAM.amazonaws.com", "iam"),
        ("kms.amazonaws.com.cn", "kms"),
        ("sso.amazon.com", "sso"),
        ("opensearch.amazonaws.com", "es"),
        ("opensearchservice.amazonaws.com", "es"),
        ("iam", "iam (no event source of AWS)"),
        ("iam.example.com", "iam.example.com (no event source of AWS)"),
    ],
)
def test_a_service_is_known_by_its_event_source(source: str, service: str) -> None:
    assert service_of(source) == service


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "missing"),
        ("", "empty"),
        ({}, "an object where"),
        ([], "a list where"),
        (True, "a boolean where"),
        (1, "a number where"),
        (1.5, "a number where"),
        ("x", "something else where"),
    ],
)
def test_what_stands_where_a_text_belongs_is_said(value: object, problem: str) -> None:
    error = malformed("detail.x", value, "in iam CreateGroup")
    assert str(error).count(problem) == 1
    assert str(error).rstrip().endswith("in iam CreateGroup") or "in iam CreateGroup" in str(error)
    assert error.place == "detail.x"


ENVELOPE = {
    "source": "aws.iam",
    "detail-type": "AWS API Call via CloudTrail",
    "account": "444455556666",
    "region": "eu-north-1",
    "id": "e-1",
    "time": "2026-01-02T00:00:00Z",
    "resources": ["arn:in:the:envelope"],
}
IDENTITY = {
    "arn": "arn:1",
    "sessionContext": {"sessionIssuer": {"arn": "arn:2"}},
    "invokedBy": "three",
    "userName": "four",
    "principalId": "five",
    "accountId": "777788889999",
}
FULL = {
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateGroup",
    "recipientAccountId": ACCOUNT,
    "awsRegion": REGION,
    "eventID": "r-1",
    "eventTime": "2026-01-01T00:00:00Z",
    "resources": [{"ARN": "arn:in:the:record"}],
    "userIdentity": IDENTITY,
}


def opened(without: tuple[str, ...] = (), envelope: dict[str, Any] | None = None) -> Event:
    bare = {key: value for key, value in FULL.items() if key not in without}
    return open_event({**ENVELOPE, **(envelope or {}), "detail": bare})


def test_what_is_kept_of_an_event_is_as_long_as_a_line_may_be_and_no_longer() -> None:
    signal = Signal("x" * 5000, "x" * 5000, subject="x" * 5000, event_id="x" * 5000, actor="x" * 5000, at="x" * 5000)
    kept = (signal.because, signal.subject or "", signal.event_id, signal.actor, signal.at)
    assert [len(one) for one in kept] == [1000, 1000, 200, 1000, 64]


def test_what_a_record_says_itself_goes_before_its_envelope() -> None:
    one = opened()
    assert (one.service, one.name, one.notice, one.prefix) == ("iam", "CreateGroup", False, "detail.")
    assert (one.account, one.region, one.event_id, one.at) == (ACCOUNT, REGION, "r-1", "2026-01-01T00:00:00Z")
    assert (one.arns, one.actor) == (("arn:in:the:record",), "arn:1")


def test_what_a_record_does_not_say_is_taken_from_its_envelope() -> None:
    one = opened(("recipientAccountId", "awsRegion", "eventID", "eventTime", "resources"))
    assert (one.account, one.region, one.event_id, one.at) == ("444455556666", "eu-north-1", "e-1", ENVELOPE["time"])
    assert one.arns == ("arn:in:the:envelope",)
    assert opened(("recipientAccountId",), {"account": ""}).account == "777788889999"


def test_a_bare_record_has_no_prefix_and_nothing_else_to_take_from() -> None:
    one = open_event({key: FULL[key] for key in ("eventSource", "eventName")})
    assert (one.account, one.region, one.event_id, one.at, one.arns, one.actor, one.prefix) == (
        "",
        "",
        "",
        "",
        (),
        "",
        "",
    )


def test_who_did_it_is_the_first_of_what_the_identity_says() -> None:
    said = []
    left: dict[str, Any] = dict(IDENTITY)
    for gone in ("arn", "sessionContext", "invokedBy", "userName", "principalId"):
        said.append(open_event({**FULL, "userIdentity": left}).actor)
        del left[gone]
    assert said == ["arn:1", "arn:2", "three", "four", "five"]
    assert open_event({**FULL, "userIdentity": left}).actor == ""


@pytest.mark.parametrize(
    ("resources", "arns"),
    [
        (["arn:a", "arn:b"], ("arn:a", "arn:b")),
        ([{"ARN": "arn:a"}, {"arn": "arn:b"}, {"ARN": ""}, 3, None], ("arn:a", "arn:b")),
        ("arn:a", ()),
        (b"arn:a", ()),
        ({"ARN": "arn:a"}, ()),
        (None, ()),
    ],
)
def test_arns_are_texts_or_objects_with_one(resources: object, arns: tuple[str, ...]) -> None:
    assert open_event({**FULL, "resources": resources}).arns == arns


@pytest.mark.parametrize(
    ("source", "service"),
    [("aws.kms", "kms"), ("aws.es", "es"), ("aws.opensearch", "es"), ("custom.kms", "custom.kms"), ("kms", "kms")],
)
def test_a_notice_is_of_the_service_that_its_source_names(source: str, service: str) -> None:
    one = open_event({**ENVELOPE, "source": source, "detail-type": "Something", "detail": {"x": 1}})
    assert (one.service, one.name, one.notice, one.actor, one.prefix) == (service, "Something", True, source, "detail.")
    assert (one.account, one.region, one.event_id, one.at) == ("444455556666", "eu-north-1", "e-1", ENVELOPE["time"])
    assert one.arns == ("arn:in:the:envelope",)


def test_a_record_is_known_by_its_detail_whatever_the_envelope_calls_it() -> None:
    assert not open_event({**ENVELOPE, "detail-type": "Something", "detail": FULL}).notice
    for only in ("eventSource", "eventName"):
        with pytest.raises(MalformedEvent):
            open_event({**ENVELOPE, "detail-type": "Something", "detail": {only: FULL[only]}})
