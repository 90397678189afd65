"""Given an answer that is larger than a function may give, then it comes packed and whole, or the error says what to ask for instead."""

from __future__ import annotations

import json
import logging
import random
from typing import Any

import pytest
from portcullis.entry import ask, fitting, operate
from portcullis.entry.fitting import MOST, PACKED, fitted, unpacked
from portcullis.entry.verbs import VERBS
from portcullis.errors import PortcullisError, Refused

from tests.operations.orders import orders_account
from tests.operations.worlds import Account

DOORS = "arn:aws:lambda:eu-central-1:111122223333:function:portcullis-operate"
LAMBDA_TAKES = 6_291_556  # bytes
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("matrix", {}),
    ("who-can", {"does": "read", "index": "*"}),
    ("findings", {}),
    ("report", {}),
    ("history", {}),
    ("status", {}),
]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = orders_account()
    monkeypatch.setattr(operate, "from_environment", lambda: made.services)
    return made


def answered(verb: str, *, alias: str = "look", **more: Any) -> dict[str, Any]:
    request = {"verb": verb, "deployment": "demo", **more}
    return json.loads(json.dumps(operate.answer(request, f"{DOORS}:{alias}", logging.getLogger("test"))))


def table(rows: int) -> dict[str, Any]:
    """An answer of so many people by 1,000 indices."""
    return {
        "exit_status": 0,
        "answer": {"people": [{"name": f"person{i}", "cells": ["read"] * 1000} for i in range(rows)]},
    }


@pytest.mark.parametrize(("verb", "arguments"), QUESTIONS, ids=[verb for verb, _ in QUESTIONS])
def test_an_answer_that_is_too_large_comes_packed_to_the_command(
    here: Account, monkeypatch: pytest.MonkeyPatch, verb: str, arguments: dict[str, Any]
) -> None:
    whole = answered(verb, arguments=arguments)
    monkeypatch.setattr(fitting, "MOST", len(json.dumps(whole)) - 1)
    packed = answered(verb, arguments=arguments, packed=True)
    if PACKED not in packed:  # so little that it packs to no less
        assert "and a function answers at most" in packed["error"]
        return
    assert packed["exit_status"] == whole["exit_status"]
    assert set(unpacked(packed)) == set(whole)
    assert _less_time(ask._answer(packed)) == _less_time(whole["answer"])


def _less_time(answer: Any) -> Any:
    """An answer without the moment at which it was given."""
    return {key: one for key, one in answer.items() if key != "at"} if isinstance(answer, dict) else answer


@pytest.mark.parametrize(
    ("verb", "arguments", "remedy"),
    [
        ("matrix", {}, "--person"),
        ("who-can", {"does": "read", "index": "*"}, "fewer indices"),
        ("report", {}, "--direct"),
    ],
)
def test_whoever_cannot_unpack_is_told_what_to_ask_for(
    here: Account, monkeypatch: pytest.MonkeyPatch, verb: str, arguments: dict[str, Any], remedy: str
) -> None:
    monkeypatch.setattr(fitting, "MOST", 100)
    found = answered(verb, arguments=arguments)
    assert found["exit_status"] == 1
    assert remedy in found["error"]


def test_what_was_done_and_answers_too_much_is_not_said_to_be_refused(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST", 10)
    found = answered("lock", alias="act", arguments={"reason": "a leak"})
    assert "lock was done" in found["error"]
    assert here.ledger.custody("demo").hold


def test_every_answer_that_goes_out_is_one_that_lambda_takes() -> None:
    for rows, packs in ((1, False), (500, False), (1000, True), (5000, True)):
        try:
            found = fitted(table(rows), {"verb": "matrix", PACKED: packs})
        except PortcullisError as error:
            found = {"exit_status": 1, "error": str(error)}
        assert len(json.dumps(found).encode()) < LAMBDA_TAKES


def test_a_table_of_a_thousand_by_a_thousand_comes_whole() -> None:
    whole = table(1000)
    assert len(json.dumps(whole)) > MOST
    assert unpacked(fitted(whole, {"verb": "matrix", PACKED: True})) == whole


def test_what_packs_to_too_much_is_refused() -> None:
    with pytest.raises(Refused, match="history"):
        fitted(
            {"exit_status": 0, "answer": random.Random(1).randbytes(9_000_000).hex()}, {"verb": "history", PACKED: True}
        )


def test_every_verb_that_is_told_what_to_ask_for_is_there() -> None:
    assert fitting._LESS.keys() <= VERBS.keys()
