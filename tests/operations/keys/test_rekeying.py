"""Re-key, step by step in memory: every document is there and the same, or nothing is handed over; resumable at every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.shutting.baseline import COMPARE_ROLE
from portcullis.model.option_types import Options
from portcullis.operations.access.changing.foundation import MOVING
from portcullis.operations.custody.deleting import delete
from portcullis.operations.keys import rekeying
from portcullis.operations.keys.rekeying import Move, Rekeyed, rekey, rekey_state
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep
from portcullis.ports.alerts import Alert

from tests.laws import moments
from tests.operations.estates import Estate, Store, estate
from tests.operations.ledgers import Crash
from tests.operations.worlds import Aws, Fate

CAUSE = Trigger("portcullis re-key", "somebody")
TEXT = "deployment: {}\nengine: OpenSearch_3.3\ndomain: {{configuration: api}}\n"


def pair(fate: Fate | None = None, more: Sequence[str] = ()) -> Estate:
    names = ("old", "new", *more)
    made = estate(*names, fate=fate)
    for name in names:
        kept = made.services.ledger.model(name)
        made.services.ledger.keep_model(name, replace(kept, text=TEXT.format(name), options=Options()))
    for number in range(20):
        made.stores["old"].write("orders" if number % 3 else "people", str(number), {"n": number})
    made.stores["old"].write("portcullis-canary", "1", {})
    made.stores["new"].write("portcullis-canary", "1", {})
    return made


def move(made: Estate, **more: Any) -> Rekeyed:
    return rekey(made.services, "old", CAUSE, **({"to": "new"} | more))


def state(made: Estate, name: str = "old") -> State:
    return made.services.ledger.custody(name).state


def reads(made: Estate, name: str) -> bool:
    """Whether the snapshot role of a deployment may read its documents now."""
    held = made.services.engine(made.services.ledger.registration(name)).read()
    return COMPARE_ROLE in held.of(Kind.ROLES)


def test_re_key_moves_and_checks_all_documents_and_locks_the_old_domain() -> None:
    """Every step is in the history. The old domain is deleted by a person only."""
    made = pair()
    found = move(made)
    assert found.step == "done"
    assert found.exit_status == 0
    assert (found.documents, found.indices) == (20, 2)
    for index in ("orders", "people"):
        assert made.stores["new"].indices[index] == made.stores["old"].indices[index]
        assert found.checksums[index].startswith(f"{len(made.stores['old'].indices[index])}:")
    assert made.endpoints == {"old": "new.example.com"}
    assert state(made) is State.LOCKED
    assert state(made, "new") is State.OPEN
    assert "re-keyed" in made.alerts()
    assert "portcullis delete old --confirm old" in found.next
    assert made.stores["old"].there, "it is deleted by a person, and not before"
    steps = [one.summary for one in reversed(made.services.ledger.history("old", 50)) if one.operation == "re-key"]
    assert steps == [
        f"re-key to new: {step}"
        for step in ("prepare", "freeze", "snapshot", "restore", "check", "access", "hand over", "lock", "done")
    ]
    assert not reads(made, "new"), "the right to read is taken back"
    assert delete(made.services, "old", CAUSE, confirm="old").state == "deleted"


def test_a_re_key_of_which_nobody_can_be_told_is_done_and_says_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pair()
    with monkeypatch.context() as shut:
        shut.setattr(Aws, "tell", _mute)
        found = move(made)
    assert (found.step, found.exit_status, state(made)) == ("done", 0, State.LOCKED)
    assert "not told yet: locked, re-keyed (the sweep tells it, or portcullis guard old" in found.next
    assert made.alerts() == []
    sweep(made.services)
    assert sorted(made.alerts()).count("re-keyed") == sorted(made.alerts()).count("locked") == 1
    assert "not told yet" not in rekey_state(made.services, "old").next


def _mute(_aws: Aws, alert: Alert) -> None:
    raise Unreachable(f"the alert {alert.name} was not sent: AuthorizationError")


def test_the_old_domain_takes_no_writes_from_the_start_of_a_re_key() -> None:
    """It can still be read."""
    made = pair()
    made.stores["old"].slow = 10_000
    found = move(made)
    assert found.step == "snapshot"
    assert found.exit_status == 1
    with pytest.raises(Refused, match="blocked"):
        made.stores["old"].write("orders", "late", {})
    assert reads(made, "old")
    made.stores["old"].slow = 0
    assert move(made).step == "done"


def test_a_long_snapshot_and_restore_never_exceed_the_time_of_a_function() -> None:
    """The next call goes on where the last one stopped."""
    made = pair()
    made.stores["old"].slow = made.stores["new"].slow = 55  # looks, at 3 s each
    calls, step = 0, ""
    while step != "done":
        began, calls = made.services.now(), calls + 1
        step = move(made).step
        assert (made.services.now() - began).total_seconds() < 240, "the function operate has 300 s"
    assert calls == 2


def test_a_document_lost_on_the_way_stops_the_re_key_before_hand_over() -> None:
    """It can be called off. Then the old domain takes writes again, and the rights to read are gone."""
    made = pair()
    made.stores["new"].corrupt = True
    with pytest.raises(Refused, match="differs"):
        move(made)
    assert not made.endpoints
    assert state(made) is State.OPEN
    assert rekey_state(made.services, "old").step == "restore"
    assert move(made, to="", cancel=True).step == "called off"
    made.stores["old"].write("orders", "again", {})
    assert not reads(made, "old")
    assert not reads(made, "new")
    with pytest.raises(Refused):
        rekey_state(made.services, "old")


def test_a_copy_that_differs_can_be_deleted_and_is_restored_again() -> None:
    """All indices are then compared anew."""
    made = pair()
    made.stores["new"].corrupt = True
    with pytest.raises(Refused, match="orders differs"):
        move(made)
    made.stores["new"].corrupt = False
    del made.stores["new"].indices["orders"]
    with pytest.raises(Refused, match="people differs"):  # it was found out after the other
        move(made)
    assert rekey_state(made.services, "old").checksums == {}, "all are compared anew"
    del made.stores["new"].indices["people"]
    assert move(made).step == "done"


def test_a_comparison_too_long_for_one_call_goes_on_in_the_next() -> None:
    """Each portion of each index is compared once."""
    made = pair()
    for number in range(9):
        made.stores["old"].sequence += 99_999  # what is written over and over uses up numbers
        made.stores["old"].write("orders", f"large-{number}", {"n": number})
    read = []
    for store in made.stores.values():
        store.compared = lambda: (read.append(1), made.later(seconds=20))[0]
    calls = 0
    while (found := move(made)).step != "done":
        calls += 1
        assert found.step == "check"
    assert found.documents == 29
    assert calls > 1
    assert len(read) == 2 * (10 + 1), "each portion of each index once, in both"


def test_a_document_changed_in_the_new_domain_during_a_re_key_is_found() -> None:
    """Nothing is handed over."""
    made = pair()
    made.stores["new"].slow = 10_000
    assert move(made).step == "restore"
    made.stores["new"].slow = 0
    made.stores["new"].write("orders", "1", {"n": "another"})
    with pytest.raises(Refused, match="orders differs"):
        move(made)
    assert not made.endpoints


def test_given_an_index_that_appears_meanwhile_then_nothing_is_handed_over() -> None:
    made = pair()
    made.stores["new"].slow = 10_000
    move(made)
    made.stores["old"].write("late", "1", {})
    made.stores["new"].slow = 0
    with pytest.raises(Refused, match="late"):
        move(made)
    assert not made.endpoints


def test_given_blocks_of_somebody_elses_then_calling_off_leaves_them() -> None:
    made = pair()
    made.stores["old"].blocked.add("people")
    made.stores["old"].slow = 10_000
    move(made)
    move(made, to="", cancel=True)
    assert made.stores["old"].blocked == {"people"}


def close(store: Store, index: str) -> None:
    store.write(index, "x", {})
    store.closed.add(index)


REFUSED = {
    "itself": (lambda made: None, {"to": "old"}, BadInput),
    "nothing": (lambda made: None, {"to": ""}, BadInput),
    "unknown": (lambda made: None, {"to": "nowhere"}, Refused),
    "old is locked": (
        lambda made: made.services.ledger.keep_custody(Custody("old", State.LOCKED)),
        {},
        Refused,
    ),
    "new is locked": (
        lambda made: made.services.ledger.keep_custody(Custody("new", State.LOCKED)),
        {},
        Refused,
    ),
    "a bad key": (lambda made: setattr(made.keys["new"], "state", "Disabled"), {}, Refused),
    "names are taken": (lambda made: made.stores["new"].write("orders", "x", {}), {}, Refused),
    "names are taken by what is closed": (lambda made: close(made.stores["new"], "orders"), {}, Refused),
    "a closed index would be left behind": (lambda made: close(made.stores["old"], "attic"), {}, Refused),
    "the snapshots cannot be read": (lambda made: setattr(made.stores["new"], "unreadable", True), {}, Refused),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_moved_is_refused_and_nothing_is_changed(case: str) -> None:
    prepare, arguments, error = REFUSED[case]
    made = pair()
    prepare(made)
    with pytest.raises(error):
        move(made, **arguments)
    assert not made.stores["old"].blocked
    assert not made.repository
    assert made.services.ledger.saved("old", MOVING) is None
    assert not reads(made, "old")


def test_given_it_is_done_then_asking_again_changes_nothing() -> None:
    made = pair()
    first = move(made)
    history = len(made.services.ledger.history("old", 500))
    assert move(made) == first
    assert len(made.services.ledger.history("old", 500)) == history


def test_given_one_under_way_then_another_target_is_refused() -> None:
    made = pair()
    made.stores["old"].slow = 10_000
    move(made)
    with pytest.raises(Refused, match="being re-keyed to new"):
        move(made, to="other")


def test_after_the_hand_over_it_cannot_be_called_off() -> None:
    made = pair()
    move(made)
    with pytest.raises(Refused, match="called off"):
        move(made, to="", cancel=True)


@pytest.mark.parametrize("after", [False, True])
def test_given_a_crash_at_any_call_then_going_on_ends_the_same(after: bool) -> None:
    whole = pair(Fate())
    fate = whole.stores["old"].fate
    fate.calls = 0
    move(whole)
    for at in moments(1, fate.calls):
        made = pair(Fate())
        mine = made.stores["old"].fate
        mine.calls, mine.at, mine.after = 0, at, after
        with pytest.raises(Crash):
            move(made)
        mine.at = -1
        made.later(minutes=2)
        assert move(made).step == "done", at
        assert made.endpoints == {"old": "new.example.com"}
        assert state(made) is State.LOCKED
        assert made.stores["new"].indices["orders"] == made.stores["old"].indices["orders"]
        assert not reads(made, "new")


# ---------------------------------------------------------------------- two at once


@pytest.mark.parametrize(
    ("second", "said"),
    [(("other", "old"), "old is being re-keyed to new itself"), (("other", "new"), "old is being re-keyed to new")],
    ids=["to the one that moves", "to the one that is moved to"],
)
def test_a_second_re_key_that_shares_a_domain_with_one_under_way_is_refused(second: tuple[str, str], said: str) -> None:
    """It would write over which indices the first one froze, and take the right to read from it."""
    made = pair(more=("other",))
    made.stores["old"].slow = 10_000
    move(made)
    before = [made.services.ledger.saved(name, MOVING) for name in ("old", "new")]
    with pytest.raises(Refused, match=said):
        rekey(made.services, second[0], CAUSE, to=second[1])
    with pytest.raises(Refused, match="new is being moved to"):
        rekey(made.services, "new", CAUSE, to="other")
    assert [made.services.ledger.saved(name, MOVING) for name in ("old", "new")] == before
    made.stores["old"].slow = 0
    assert move(made).step == "done"


def test_a_re_key_that_was_cut_off_as_it_began_takes_no_domain_from_a_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = pair(more=("other",))

    def dies(*_: object) -> Move:
        raise Crash

    with monkeypatch.context() as dying:
        dying.setitem(rekeying._DOES, "prepare", dies)
        with pytest.raises(Crash):
            move(made)
    made.stores["other"].write("bills", "1", {"n": 1})
    made.stores["other"].slow = 10_000
    rekey(made.services, "other", CAUSE, to="new")
    mark = made.services.ledger.saved("new", MOVING)
    with pytest.raises(Refused, match="other is being re-keyed to new"):
        move(made)
    assert move(made, to="", cancel=True).step == "called off"
    assert (made.services.ledger.saved("new", MOVING), reads(made, "new")) == (mark, True)
    made.stores["other"].slow = 0
    assert rekey(made.services, "other", CAUSE, to="new").step == "done"
    assert made.services.ledger.saved("new", MOVING) is None


def test_a_domain_whose_re_key_was_called_off_can_be_moved_to() -> None:
    made = pair(more=("other",))
    made.stores["old"].slow = 10_000
    move(made)
    move(made, to="", cancel=True)
    made.stores["old"].slow = 0
    assert move(made).step == "done"


def test_a_call_off_that_was_cut_off_is_done_whole_when_asked_again() -> None:
    """The old domain does not answer in the middle of it."""
    made = pair()
    made.stores["old"].slow = 10_000
    move(made)
    engine = made.services.engine

    def silent(one: Any) -> Any:
        if one.deployment == "old":
            raise Unreachable("the domain did not answer")
        return engine(one)

    with pytest.raises(Unreachable):
        rekey(replace(made.services, engine=silent), "old", CAUSE, cancel=True)
    assert not reads(made, "new")
    assert made.services.ledger.saved("new", MOVING) is None


@pytest.mark.parametrize("gone", ["new", "old"])
def test_one_of_the_two_that_left_keeps_the_other_from_no_re_key(gone: str) -> None:
    """Somebody deleted its stack in the midst of it."""
    made = pair(more=("other",))
    made.stores["old"].slow = 10_000
    move(made)
    made.services.ledger.unregister(gone)
    made.stores["old"].slow = 0
    if gone == "new":
        assert move(made, to="", cancel=True).step == "called off"
        assert not reads(made, "old")
        assert move(made, to="other").step == "done"
    else:
        made.stores["other"].write("parcels", "1", {})
        assert rekey(made.services, "other", CAUSE, to="new").step == "done"
        assert not reads(made, "new")
