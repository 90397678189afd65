"""What a person on call sees."""

from __future__ import annotations

import pytest
from portcullis.errors import Refused
from portcullis.operations.guard import guard
from portcullis.operations.status import drifted, status
from portcullis.operations.world import Cause

from tests.reactions.town import town

CAUSE = Cause("a test", "somebody")


def test_what_a_lock_has_shut_is_not_told_as_drift() -> None:
    # Given a deployment that is open, and one look without drift
    here = town()
    assert drifted(here.world, "demo") == {"drift": []}
    # When its key is gone, and the gate has dropped
    here.aws.disabled = True
    guard(here.world, "demo", CAUSE)
    # Then nobody is told that the lock's own work was done by hand
    with pytest.raises(Refused, match="locked"):
        drifted(here.world, "demo")
    assert status(here.world, "demo").custody.state.value == "locked"
