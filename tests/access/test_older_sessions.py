"""The denial of older sessions, by its laws: a session is refused if and only if it began before, and no rounding lets one through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.sessions import NEVER, denied_before, deny_older_sessions, from_now_on

moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants it so


def issue_time(at: datetime) -> datetime:
    """What AWS says a session's time is: whole seconds, cut off."""
    return at.replace(microsecond=0)


@given(moments)
def test_a_document_says_its_instant_and_nothing_else(at: datetime) -> None:
    whole = issue_time(at)
    (statement,) = deny_older_sessions(whole)["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Deny", "*", "*")
    assert statement["Condition"] == {"DateLessThan": {"aws:TokenIssueTime": whole.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    assert denied_before(deny_older_sessions(whole)) == whole


@given(moments, st.timedeltas(timedelta(0), timedelta(hours=12)))
def test_whatever_was_issued_up_to_now_is_older(now: datetime, ago: timedelta) -> None:
    assert issue_time(now - ago) < from_now_on(now)


@given(moments)
def test_nobody_who_signs_in_again_waits_for_longer_than_a_second(now: datetime) -> None:
    assert issue_time(now + timedelta(seconds=1)) >= from_now_on(now)


def test_the_instant_is_told_in_utc_wherever_it_was_read() -> None:
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert deny_older_sessions(east) == deny_older_sessions(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Statement": []},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Condition": {"DateLessThan": {"aws:TokenIssueTime": "soon"}}}]},
        {"Statement": [{"Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00"}}}]},
        {"Statement": [{"Condition": {"DateLessThan": {"aws:TokenIssueTime": "0001-01-01T00:00:00+05:00"}}}]},
        {**deny_older_sessions(NEVER), "Statement": [{**deny_older_sessions(NEVER)["Statement"][0], "Action": "s3:*"}]},
        {**deny_older_sessions(NEVER), "Statement": [*deny_older_sessions(NEVER)["Statement"], {"Effect": "Allow"}]},
        "text",
    ],
)
def test_any_other_document_has_no_instant(document: object) -> None:
    assert denied_before(document) is None  # type: ignore[arg-type]
