"""Given a writer that is cut off right after a change is in the history, then it stands there once, whatever comes before the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from portcullis.operations.access.synchronise import synchronise

from tests.operations.custody.test_measures import CAUSE, locked, opened
from tests.operations.ledgers import Crash
from tests.reactions.town import town


@pytest.mark.parametrize("locks", [0, 1, 3])
def test_a_change_stands_in_the_history_once(locks: int) -> None:
    here = town()
    ledger, fate = here.account.ledger, here.account.ledger.fate

    @contextmanager
    def cut_off_after_it(what: str) -> Iterator[None]:
        yield
        if what == "history":
            raise Crash

    here.join("anna")
    ledger.fate = cut_off_after_it  # type: ignore[assignment]
    with pytest.raises(Crash):
        synchronise(here.services, "demo", CAUSE)
    ledger.fate = fate
    ledger._leases.clear()
    for _ in range(locks):
        here.pass_time(120)
        locked(here)
        opened(here)
    synchronise(here.services, "demo", CAUSE)
    assert here.mapped == ["anna"]
    changes = [one for one in ledger.history("demo", 100) if "anna" in str(one.after)]
    assert [one.operation for one in changes] == ["apply"]
