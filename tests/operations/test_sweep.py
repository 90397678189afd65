"""Given one deployment that fails, in whatever way, then the sweep of the others is done, and what can be done of its own is."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from portcullis.errors import Unreachable
from portcullis.operations.services import Services
from portcullis.operations.status import every
from portcullis.operations.sweep import sweep

from tests.operations.estates import Estate, estate

KINDS = (TypeError, RecursionError, KeyError, UnicodeEncodeError, MemoryError, Unreachable)


def an(error: type[Exception]) -> Exception:
    return (
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")
        if error is UnicodeEncodeError
        else error("as it happens")
    )


def failing(made: Estate, part: str, error: Exception) -> Services:
    """The world, in which one part does not work for the deployment `bad`; alerts and queues are everybody's."""

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return fails

    if part in ("alerts", "dead_letters"):
        return replace(made.services, **{part: Failing()})
    working = getattr(made.services, part)
    return replace(made.services, **{part: lambda one: Failing() if one.deployment == "bad" else working(one)})


@pytest.mark.parametrize("error", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("part", ["keys", "engine", "identity"])
def test_one_that_fails_is_told_once_and_the_others_are_swept(part: str, error: type[Exception]) -> None:
    made = estate("aaa", "bad", "zzz")
    services = failing(made, part, an(error))
    for _ in range(2):
        aaa, bad, zzz = sweep(services)
        assert (aaa.error, aaa.state, zzz.error, zzz.state) == ("", "open", "", "open")
        assert bad.error
    assert made.alerts().count("sweep-failed") == 1


@pytest.mark.parametrize("error", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("part", ["alerts", "dead_letters"])
def test_what_is_the_accounts_and_fails_keeps_no_deployment_from_being_swept(part: str, error: type[Exception]) -> None:
    made = estate("aaa", "zzz")
    found = sweep(failing(made, part, an(error)))
    assert [(one.deployment, one.state) for one in found] == [("aaa", "open"), ("zzz", "open")]


def test_a_key_that_cannot_be_looked_at_keeps_nobody_who_left_in() -> None:
    """The parts of one sweep do not wait for each other either."""
    made = estate("bad")
    read: list[str] = []
    services = failing(made, "keys", TypeError("no such probe"))
    engine = services.engine
    services = replace(services, engine=lambda one: read.append(one.deployment) or engine(one))
    [found] = sweep(services)
    assert "TypeError" in found.error
    assert read


@pytest.mark.parametrize("damage", [b"[]", b'{"deployment": 5}', b"no json at all", b'{"deployment": "bad"}'])
def test_a_registration_that_cannot_be_read_is_its_own_deployments_trouble(damage: bytes) -> None:
    made = estate("aaa", "bad", "zzz")
    made.account.ledger._items["registration", "bad"] = damage
    found = {one.deployment: one for one in sweep(made.services)}
    assert found["bad"].error
    assert (found["aaa"].error, found["zzz"].error) == ("", "")
    assert "sweep-failed" in made.alerts()
    listed = {line["deployment"]: line["state"] for line in every(made.services)}
    assert (listed["aaa"], listed["zzz"]) == ("open", "open")
    assert "cannot be read" in listed["bad"]


def test_what_went_wrong_is_in_the_log_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "portcullis"):
        sweep(failing(estate("bad"), "engine", TypeError("unhashable")))
    assert any(record.exc_info and "unhashable" in record.getMessage() for record in caplog.records)


def test_once_it_works_again_the_next_failure_is_told_again() -> None:
    made = estate("bad")
    broken = failing(made, "engine", TypeError("first"))
    for services in (broken, broken, made.services, broken):
        sweep(services)
    assert made.alerts().count("sweep-failed") == 2
