"""Given real events (and our own in their shape), when they are read, then each is the signal it should be, or none."""

from __future__ import annotations

import pytest
from portcullis.signals import Concern, read

from tests.signals.cases import EXPECTED, NAMES, event, rows, wrapped


@pytest.mark.parametrize("name", NAMES)
def test_each_event_is_what_the_table_of_expectations_says(name: str) -> None:
    (found,) = read(event(name), None)
    assert (found.name or "-", found.subject or "-") == (EXPECTED[name]["signal"], EXPECTED[name]["subject"])
    assert found.deployment is None
    assert found.because
    assert (found.concern is None) == (found.name is None)


def test_every_event_has_an_expectation_and_a_source() -> None:
    sources = {row["file"]: row for row in rows("SOURCES.tsv")}
    assert sorted(EXPECTED) == NAMES == sorted(sources)
    assert all(row["source"] and row["licence"] for row in sources.values())


@pytest.mark.parametrize("name", [name for name in NAMES if "detail" not in event(name)])
def test_a_bare_record_reads_as_it_does_in_its_envelope(name: str) -> None:
    bare, in_envelope = read(event(name), None), read(wrapped(event(name)), None)
    assert [(s.name, s.subject, s.because, s.actor) for s in bare] == [
        (s.name, s.subject, s.because, s.actor) for s in in_envelope
    ]


@pytest.mark.parametrize(
    "name", [name for name in NAMES if EXPECTED[name]["signal"] != "-" and not name.startswith("aws.")]
)
@pytest.mark.parametrize("change", [{"errorCode": "AccessDenied"}, {"readOnly": True}, {"readOnly": "true"}])
def test_no_call_that_failed_or_only_read_is_a_signal(name: str, change: dict[str, object]) -> None:
    told = event(name)
    record = told.get("detail", told)
    record.update(change)
    (found,) = read(told, None)
    assert found.name is None
    assert ("AccessDenied" if "errorCode" in change else "only reads") in found.because


def test_a_failed_call_without_parameters_is_nothing_rather_than_malformed() -> None:
    told = {
        "eventSource": "iam.amazonaws.com",
        "eventName": "AddUserToGroup",
        "errorCode": "AccessDenied",
        "requestParameters": None,
    }
    assert read(told, None)[0].name is None


def test_an_empty_error_code_is_no_failure() -> None:
    told = event("iam.RemoveUserFromGroup.own.json")
    told["detail"]["errorCode"] = ""
    assert read(told, None)[0].name == "member-removed"


@pytest.mark.parametrize(
    "source", ["resource-groups.amazonaws.com", "iam.example.com", "notiam.amazonaws.com", "iam", "groups"]
)
def test_the_event_source_decides_and_not_the_name_or_the_envelope(source: str) -> None:
    told = event("iam.CreateGroup.own.json")
    told["detail"]["eventSource"] = source
    (found,) = read(told, None)
    assert found.name is None
    assert "another service" in found.because


def test_a_signal_says_who_did_it_when_and_gives_hints() -> None:
    """It has the ID of the event and what it concerns."""
    (found,) = read(event("cognito-idp.AdminAddUserToGroup.own.json"), None)
    assert found.actor == "arn:aws:sts::111122223333:assumed-role/ops/anna"
    assert found.at == "2025-03-04T05:06:07Z"
    assert found.event_id.startswith("10000000-")
    assert found.concern is Concern.IDENTITY
    assert found.detail == {
        "operation": "AdminAddUserToGroup",
        "sub": "5255f4d4-0001-4000-8000-9d6f0a000001",
        "address": "192.0.2.10",
    }


@pytest.mark.parametrize(
    ("source", "name", "part"),
    [
        ("iam", "AttachUserPolicy", "policies"),
        ("iam", "CreateAccessKey", "credentials"),
        ("kms", "TagResource", "tags"),
        ("kms", "Decrypt", "uses a key"),
        ("cognito-idp", "SignUp", "no group"),
        ("cognito-idp", "Signup_POST", "hosted sign-in"),
        ("es", "CreateDomain", "no deployment"),
        ("sts", "GetSessionToken", "another service"),
        ("sts", "AssumeRole", "as its break-glass"),
        ("iam", "SomethingNew", "not one of the operations"),
        ("iam", "ListUsers", "only reads"),
    ],
)
def test_nothing_says_why(source: str, name: str, part: str) -> None:
    (found,) = read({"eventSource": f"{source}.amazonaws.com", "eventName": name}, None)
    assert found.name is None
    assert part in found.because
