"""Given a world that was copied, then both hold the same, and what is done to one is not seen by the other."""

from __future__ import annotations

from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger

from tests.operations import copies
from tests.operations.copies import copied
from tests.operations.worlds import Account, account, model_text

CAUSE = Trigger("a test", "somebody")
VIEWERS = "  roles: {viewers: {cluster_permissions: [cluster_monitor]}}\n"


def all_of(made: Account) -> dict[str, object]:
    parts = (made.ledger, made.engine, made.aws, made.people, made.passwords, made.fate)
    kept = {f"{type(part).__name__} {name}": value for part in parts for name, value in vars(part).items()}
    return {
        name: value for name, value in kept.items() if not name.endswith(("lock", " _of_thread", " ledger", " fate"))
    }


def test_both_hold_the_same_and_neither_sees_the_others_changes() -> None:
    made = account()
    made.registered()
    apply_text(made.services, "demo", model_text("  roles: {}\n"), CAUSE)
    again, before = copied(made), all_of(copied(made))
    assert all_of(again) == all_of(made) == before
    apply_text(again.services, "demo", model_text(VIEWERS), CAUSE)
    assert all_of(again) != before
    assert all_of(made) == before


def test_every_part_of_a_world_is_copied() -> None:
    made = account()
    own, apart = {*copies._OF_THE_ENGINE}, {"make", "family", "dialect", "fate", "lock"}
    assert vars(made.engine).keys() == own | apart
    assert vars(made.ledger).keys() == {*copies._OF_THE_LEDGER, "fate", "_lock", "_of_thread"}
    assert vars(made.passwords).keys() == {"kept"}
