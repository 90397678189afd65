"""What somebody who is woken does first: for each state a command that there is, and a page that there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from portcullis.custody.next_step import next_step
from portcullis.custody.types import Custody, Health, Hold, Measure, MeasureRecord, Probe, Progress, State, Suspicion

PAGES = Path(__file__).parents[2] / "runbooks"
AT = datetime(2026, 5, 1, tzinfo=UTC)
GUARD, CHECK = "portcullis guard demo", "portcullis key check demo"
HELD, FAILED = Hold("ann", "a leak", AT), {Measure.PROVE: MeasureRecord(Progress.FAILED, AT, "no", failures=2)}
SUSPECTED = (Suspicion(Probe("use", Health.REVOKED), AT, AT),)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({}, ("", "")),
        ({"suspected": SUSPECTED}, (CHECK, "key-unreachable")),
        ({"unreachable_since": AT}, (CHECK, "key-unreachable")),
        ({"key_id": "two", "domain_key_id": "one"}, (CHECK, "rotation-not-followed")),
        ({"state": State.LOCKING, "revoked_since": AT}, (GUARD, "locked-by-revocation")),
        ({"state": State.LOCKED, "revoked_since": AT}, (CHECK, "locked-by-revocation")),
        ({"state": State.LOCKED, "revoked_since": AT, "hold": HELD}, (CHECK, "locked-by-revocation")),
        ({"state": State.LOCKED, "revoked_since": AT, "measures": FAILED}, (GUARD, "locked-by-revocation")),
        ({"state": State.LOCKED}, (GUARD, "restore")),
        ({"state": State.LOCKED, "unreachable_since": AT}, (CHECK, "locked-by-revocation")),
        ({"state": State.UNLOCKING}, (GUARD, "restore")),
        ({"state": State.DELETING}, (GUARD, "delete-and-shred")),
        ({"state": State.DELETED}, ("", "")),
    ],
)
def test_each_state_has_its_command_and_its_page(held: dict[str, Any], said: tuple[str, str]) -> None:
    assert next_step(replace(Custody("demo"), **held)) == said
    assert not said[1] or (PAGES / f"{said[1]}.md").is_file()


def test_a_manual_lock_is_taken_off_once_its_reason_is_gone() -> None:
    then, page = next_step(Custody("demo", State.LOCKED, hold=HELD))
    assert (then, page) == ("once its reason is gone: portcullis unlock demo", "locked-by-revocation")
