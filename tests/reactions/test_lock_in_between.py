"""A key that goes, and comes back, at any moment of a change of access: nobody who left keeps anything, and the gate stays shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.custody.types import State
from portcullis.errors import PortcullisError, Shut
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.operations.writing.while_open import WhileOpen

from tests.laws import moments
from tests.operations.worlds import model_text
from tests.reactions.town import MODEL, Town, town

CAUSE, KEY = Trigger("a test", "somebody"), Trigger("the key", "owner")
MOST_CALLS = 60  # of a change to ledger and engine: held below


@dataclass
class Between:
    """Passes every call on to a part, and lets something happen just before the n-th of all parts."""

    calls: int = 0
    at: tuple[int, ...] = ()
    happens: Callable[[], None] = lambda: None
    busy: bool = False

    def around(self, part: Any) -> Any:
        between = self

        class Passing:
            def __getattr__(self, name: str) -> Any:
                found = getattr(part, name)
                if not callable(found):
                    return found

                def call(*args: Any, **named: Any) -> Any:
                    between.called()
                    return found(*args, **named)

                return call

        return Passing()

    def called(self) -> None:
        if self.busy:
            return
        self.calls += 1
        if self.calls in self.at:
            self.busy = True
            self.happens()
            self.busy = False


def disturbed(here: Town, between: Between) -> Town:
    """The same town, whose ledger and engine are asked through `between` by whoever changes access."""
    ledger, engine = between.around(here.account.ledger), between.around(here.account.engine)
    return replace(here, services=replace(here.services, ledger=ledger, engine=lambda _: engine))


def keys_turn(here: Town) -> Iterator[None]:
    """The key goes, and everything locks; it comes back, and everything opens; and so on."""
    while True:
        here.aws.disabled = not here.aws.disabled
        with suppress(PortcullisError):  # that a change is at work on the domain is no matter of the lock
            guard(here.services, "demo", KEY)
        yield


CHANGES: dict[str, Callable[[Town], object]] = {
    "synchronise": lambda here: synchronise(here.services, "demo", CAUSE),
    "apply": lambda here: apply_text(here.services, "demo", model_text(MODEL + "  # changed\n"), CAUSE),
    "adopt": lambda here: adopt(here.services, "demo", CAUSE),
    "deploy": lambda here: introduce(
        here.services.at(here.account.ledger.registration("demo")), model_text(MODEL + "  # deployed\n"), CAUSE
    ),
}


def changed_while_the_key_turns(what: str, at: tuple[int, ...]) -> tuple[Town, int]:
    """Anna leaves and ben comes; the key goes, or comes back, before each of these calls of the change."""
    here = town()
    ledger, patient = here.account.ledger, here.account.ledger.lease
    # All happens in one thread here: whoever waited for the one who is disturbed would wait for himself.
    ledger.lease = lambda domain, holder, **_: patient(domain, holder, wait=0)  # type: ignore[method-assign]
    here.join("anna")
    synchronise(here.services, "demo", CAUSE)
    here.leave("anna")
    here.join("ben")
    turns = keys_turn(here)
    between = Between(at=at, happens=lambda: next(turns))
    with suppress(PortcullisError):
        CHANGES[what](disturbed(here, between))
    return here, between.calls


def is_shut_while_the_key_is_gone(here: Town) -> None:
    if not here.aws.disabled:
        return
    guard(here.services, "demo", KEY)  # the next look, which finds what a write in flight has opened
    assert here.state is State.LOCKED
    assert here.mapped == []


def ends_in_the_truth(here: Town) -> None:
    here.aws.disabled = False
    here.pass_time(31)  # what waited for the change that was at work is tried again
    guard(here.services, "demo", KEY)
    synchronise(here.services, "demo", CAUSE)
    assert here.state is State.OPEN
    assert here.mapped == ["ben"]


@pytest.mark.parametrize("what", CHANGES)
def test_a_lock_at_any_moment_of_a_change_leaves_nobody_in_who_left(what: str) -> None:
    _, calls = changed_while_the_key_turns(what, ())
    assert 3 < calls < MOST_CALLS
    for moment in moments(1, calls):
        here, _ = changed_while_the_key_turns(what, (moment,))
        is_shut_while_the_key_is_gone(here)
        ends_in_the_truth(here)


@given(st.sampled_from(sorted(CHANGES)), st.sets(st.integers(1, MOST_CALLS), max_size=6))
def test_law_however_often_the_key_is_lost_in_a_change_the_end_is_right(what: str, moments: set[int]) -> None:
    """It goes and comes back at any moment. While it is gone all is shut, and in the end access is what the groups say."""
    here, _ = changed_while_the_key_turns(what, tuple(sorted(moments)))
    is_shut_while_the_key_is_gone(here)
    ends_in_the_truth(here)


def test_what_began_before_a_lock_ends_though_it_is_open_again() -> None:
    """Between two looks of one change the key went and came: what was read before the lock is worth nothing after it."""
    here = town()
    while_open = WhileOpen.of(here.services, "demo")
    while_open.still()
    for disabled in (True, False):
        here.aws.disabled = disabled
        guard(here.services, "demo", KEY)
    assert here.account.ledger.custody("demo").state is State.OPEN
    with pytest.raises(Shut, match="was locked meanwhile"):
        while_open.still()
