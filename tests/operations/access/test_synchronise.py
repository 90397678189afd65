"""Whoever follows the groups waits for nobody without need, and what keeps them from following is told once for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from portcullis.access.actual import Json
from portcullis.custody.types import Custody, State
from portcullis.errors import Conflict, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.changing.applying import Done
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.operations.status import status

from tests.operations.worlds import model_text
from tests.reactions.town import MODEL, Town, town

CAUSE = Trigger("a test", "somebody")


@pytest.fixture
def here() -> Town:
    return town()


def held_by_another(here: Town) -> None:
    """And nobody waits for it."""
    ledger = here.account.ledger
    ledger._leases[ledger.registration("demo").place.id] = ("somebody", float("inf"))
    lease = ledger.lease
    ledger.lease = lambda *a, **k: lease(*a, **{**k, "wait": 0.01})  # type: ignore[method-assign]


def test_while_another_writer_is_at_work_nothing_is_written_and_status_says_why(here: Town) -> None:
    here.join("anna")
    held_by_another(here)
    with pytest.raises(Unreachable, match="another writer is at work on demo; the next try waits for it again"):
        synchronise(here.services, "demo", CAUSE)
    assert (here.writes, here.mapped) == (0, [])
    assert any("another writer is at work" in one for one in status(here.services, "demo").problems)
    here.account.ledger._leases.clear()
    synchronise(here.services, "demo", CAUSE)
    assert here.mapped == ["anna"]
    assert not any("another writer is at work" in one for one in status(here.services, "demo").problems)


def test_while_it_is_locked_nobody_waits_for_the_one_who_is_at_work(here: Town) -> None:
    """There is nothing to do until it opens, and that follows the groups itself."""
    held_by_another(here)
    here.account.ledger.keep_custody(Custody("demo", State.LOCKED))
    assert synchronise(here.services, "demo", CAUSE).status is Done.WAITING


def refusing(here: Town, name: str) -> None:
    def refuses(_: Kind, operations: Sequence[Json]) -> bool:
        return any(name in str(one.get("value")) for one in operations)

    here.account.engine.refuses = refuses


def test_a_refusal_is_told_once_and_once_more_after_it_was_over(here: Town) -> None:
    here.join("carl")
    for name in ("carl", "carl", "nobody", "carl"):
        refusing(here, name)
        here.pass_time(60)
        if name == "nobody":
            here.sweep()
            here.leave("carl")
            here.sweep()
            here.join("carl")
        else:
            assert here.handle([here.sent(here.cognito("AdminAddUserToGroup"))]) == ["refused"]
    first, second = here.told("access-refused")
    assert "PATCH rolesmapping answered 400: this is not taken" in first.detail["why"]
    assert (
        first.happened == f"access of demo does not follow its groups, for a change was refused: {first.detail['why']}"
    )
    assert second.happened == first.happened


@pytest.mark.parametrize(
    "error", [Conflict("others keep writing"), Unreachable("no answer")], ids=["conflict", "silence"]
)
def test_a_new_model_that_never_came_is_given_up_and_the_old_one_goes_on(error: Exception) -> None:
    """In the same run: whoever joined meanwhile does not wait for another one."""
    here = town()
    new = model_text(MODEL.replace("logs-*", "orders-*"))
    engine = here.account.engine

    def refuses(_: Kind, operations: Sequence[Json]) -> bool:
        if any("orders-*" in str(one.get("value")) for one in operations):
            raise error
        return False

    engine.refuses = refuses
    with pytest.raises(type(error)):
        apply_text(here.services, "demo", new, CAUSE)
    here.join("anna")
    for _ in range(4):
        here.pass_time(60)
        try:
            done = synchronise(here.services, "demo", CAUSE)
        except (Conflict, Unreachable):
            continue
        assert done.deployment == "demo"
        break
    assert here.mapped == ["anna"]
    assert "orders-*" not in here.account.ledger.model("demo").text
    assert any("was refused and is not in force" in one for one in status(here.services, "demo").problems)
