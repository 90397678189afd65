"""In a burst the reactions wait a little between writes; a single change, or an engine that is up to date, waits for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from portcullis.entry.reactions import Reactions

from tests.reactions.town import Town, town


@pytest.mark.parametrize(
    ("size", "wrote", "waits"),
    [(10, True, 1), (10, False, 0), (1, True, 0), (9, True, 0)],
    ids=["full batch after a write", "full batch, nothing new before", "one change", "batch not full"],
)
def test_only_a_full_batch_after_a_write_waits_for_more(size: int, wrote: bool, waits: int) -> None:
    # Given a batch of changes, after a reconcile that wrote or did not
    here, slept = town(), list[float]()
    records = [here.sent(here.join(f"p{number}")) for number in range(size)]
    batch = _batch(here, slept, size=size, wrote=wrote)
    # When it is handled
    for one in records:
        batch.take_record(one)
    # Then it waits once for more to come, or not at all, and everybody is mapped either way
    assert len(slept) == waits
    assert len(here.mapped) == size


def test_what_was_written_is_remembered_for_the_next_batch() -> None:
    here = town()
    batch = _batch(here, [], size=1, wrote=False)
    batch.take_record(here.sent(here.join("ann")))
    assert batch.wrote == {"demo": True}
    again = _batch(here, [], size=1, wrote=True)
    again.take_record(here.sent(here.cognito("AdminAddUserToGroup")))
    assert again.wrote == {"demo": False}


def _batch(here: Town, slept: list[float], *, size: int, wrote: bool) -> Reactions:
    services = replace(here.services, sleep=slept.append)
    return Reactions(services, "identity", here.notes, here.notes, sizes={"demo": size}, wrote={"demo": wrote})
