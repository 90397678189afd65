"""Given any changes, and events that come in any order, twice, late or never, then the engine ends in exactly the truth."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.laws import examples
from tests.reactions.town import Town, town

PEOPLE = ("anna", "ben", "carl")
law = examples(60)

changes = st.lists(
    st.tuples(st.booleans(), st.sampled_from(PEOPLE), st.sampled_from([0.0, 0.4, 3.0, 20.0])), min_size=1, max_size=8
)
# For each change: after how many later changes its event arrives, once an entry. None: it is lost.
arrivals = st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=8, max_size=8)
silences = st.lists(st.integers(0, 2), min_size=8, max_size=8)


def play(
    here: Town,
    what: Sequence[tuple[bool, str, float]],
    when: Sequence[Sequence[int]],
    silent: Sequence[int],
    shuffled: st.DataObject,
) -> None:
    """Let it happen; every event arrives at its times, those of one moment in one batch and in any order."""
    due: dict[int, list[dict[str, object]]] = {}
    for number, (joins, who, pause) in enumerate(what):
        event = here.join(who) if joins else here.leave(who)
        for delay in when[number]:
            due.setdefault(number + delay, []).append(event)
        here.pass_time(pause)
        here.account.engine.silent = silent[number]  # type: ignore[attr-defined]
        batch = shuffled.draw(st.permutations(due.pop(number, [])))
        here.handle_all([here.sent(one) for one in batch])
    here.account.engine.silent = 0  # type: ignore[attr-defined]
    for left in sorted(due):
        here.handle_all([here.sent(one) for one in due[left]])


@law
@given(what=changes, when=arrivals, silent=silences, shuffled=st.data())
def test_if_every_event_arrives_at_least_once_no_sweep_is_needed(
    what: list[tuple[bool, str, float]], when: list[list[int]], silent: list[int], shuffled: st.DataObject
) -> None:
    """In any order, late and more than once: those who are mapped are those in the groups, each once."""
    here = town()
    play(here, what, [times or [0] for times in when], silent, shuffled)
    assert sorted(here.mapped) == here.members
    assert len(here.mapped) == len(set(here.mapped))


@law
@given(what=changes, when=arrivals, silent=silences, shuffled=st.data())
def test_a_sweep_corrects_whatever_was_lost_and_a_second_writes_nothing(
    what: list[tuple[bool, str, float]], when: list[list[int]], silent: list[int], shuffled: st.DataObject
) -> None:
    """Also if events were lost."""
    here = town()
    play(here, what, when, silent, shuffled)
    here.sweep()
    assert sorted(here.mapped) == here.members
    writes = here.writes
    here.sweep()
    assert here.writes == writes


@law
@given(what=changes, when=arrivals, shuffled=st.data(), locked_at=st.integers(0, 7))
def test_a_lock_in_between_loses_nothing(
    what: list[tuple[bool, str, float]], when: list[list[int]], shuffled: st.DataObject, locked_at: int
) -> None:
    here = town()
    quiet = [0] * len(when)
    play(here, what[:locked_at], when, quiet, shuffled)
    here.aws.disabled = True
    here.handle([here.sent(here.kms("DisableKey"))], "key")
    held = here.account.engine.held
    play(here, what[locked_at:], when, quiet, shuffled)
    assert here.account.engine.held == held, "while locked nothing is written"
    here.aws.disabled = False
    here.pass_time(60)
    here.handle([here.sent(here.kms("EnableKey"))], "key")
    assert sorted(here.mapped) == here.members
