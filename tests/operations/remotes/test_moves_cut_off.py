"""Given a move from certificates to a key that a lock or the end of its process meets half-way, then what is done, and what is said."""

from __future__ import annotations

import pytest
from portcullis.custody.types import Custody, State
from portcullis.errors import Refused, Shut

from tests.operations.remotes.test_migrating import GIVER, NEW, OLD, READER, SECOND, CutOff, made, move, numbered, reads


@pytest.mark.parametrize("last", range(1, 6))
def test_a_move_goes_no_further_once_a_lock_begins(last: int) -> None:
    """Wherever it meets it: the key is handed on to nobody who was not reached by then."""
    world, clusters = made()
    call = clusters.call

    def counted(do: object) -> object:
        found = call(do)  # type: ignore[arg-type]
        if clusters.calls == last:
            world.ledger.keep_custody(Custody(READER, state=State.LOCKING, saves=1))
        return found

    clusters.call = counted  # type: ignore[method-assign]
    with pytest.raises(Shut):
        move(world)
    handed = [alias for held in clusters.on_disk.values() for alias in held]
    # A key, its secret, the keystores of two nodes, their reading it, the connection.
    assert len(handed) == min(max(last - 2, 0), 2)
    assert (NEW in clusters.in_use["a"], NEW in clusters.leads) == (last >= 5, False)
    assert clusters.by(OLD) == "certificate"


def test_whoever_goes_on_at_the_last_step_is_told_what_is_left_to_do() -> None:
    (number,) = numbered(SECOND, go_on=True)
    world, _ = made()
    move(world)
    whole = move(world, go_on=True)
    assert whole.left
    world, _ = made(fails={number: True})
    move(world)
    with pytest.raises(CutOff):
        move(world, go_on=True)
    assert move(world).left == whole.left


def test_what_was_tried_on_both_sides_is_said() -> None:
    world, _ = made()
    tried = move(world).tried
    assert tried[:2] == (
        f"{READER}: the other cluster says that {NEW} comes with the key k1",
        f"{GIVER}: the key k1 allows what is offered, and nothing else",
    )
    assert len(tried) == 3


def test_without_a_key_in_the_secret_of_others_nothing_is_begun() -> None:
    """Whoever runs the other cluster is none of this account: nobody here makes the key."""
    theirs = f"{NEW}: {{address: 'logs.example:9443', credential: remotes/theirs, allows: {{search: [{{names: ['logs-*']}}]}}}}"
    world, clusters = made(
        reads(f"{OLD}: {{address: 'logs.example:9300', model: certificate}}, {theirs}", f"{OLD}, {NEW}")
    )
    with pytest.raises(Refused, match="remotes/theirs holds no key: whoever runs the other cluster"):
        move(world)
    assert (clusters.calls, clusters.settled()) == (0, {OLD: "certificate"})
