"""Given an account that has pages written, then the sweep asks for each as often as the file says, and tells of one that never came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from portcullis.custody.types import State
from portcullis.entry.verbs import VERBS
from portcullis.errors import Unreachable
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.pages import KEPT, KeptPage
from portcullis.operations.services import Services
from portcullis.operations.sweep import sweep
from portcullis.settings import Settings

from tests.operations.orders import CAUSE
from tests.operations.worlds import account, model_text

NOT_SEEN_TO = "page-not-seen-to"


class Maker:
    """The function that makes pages, as the sweep asks it: it comes to something only if `works`."""

    def __init__(self, every: int = 60) -> None:
        made = account()
        made.registered()
        apply_text(made.services, "demo", model_text("  roles: {}\n"), CAUSE)
        self.made, self.asked, self.works, self.later = made, 0, True, timedelta()
        self.fails: Exception | None = None
        self.began = made.services.now()
        settings = Settings("ledger", report_bucket="pages", page_minutes=every, page_door="operate:look")
        self.services: Services = replace(
            made.services, settings=settings, ask_for_page=self.ask, now=lambda: self.began + self.later
        )

    def ask(self, deployment: str) -> None:
        if self.fails:
            raise self.fails
        self.asked += 1
        if self.works:
            KEPT.save(self.services.ledger, deployment, KeptPage(self.services.now() + timedelta(seconds=3), "v"))

    def swept_at(self, *minutes: float) -> list[int]:
        """How often it was asked by then, after each sweep."""
        found = []
        for each in minutes:
            self.later = timedelta(minutes=each)
            [swept] = sweep(self.services)
            assert swept.error == ""
            found.append(self.asked)
        return found

    def told(self) -> list[str]:
        return [alert.happened for alert in self.made.aws.told if alert.name == NOT_SEEN_TO]


@pytest.mark.parametrize(
    ("every", "at", "asked"),
    [
        (60, (0, 5, 55, 58, 59, 64, 119), (1, 1, 1, 1, 2, 2, 3)),
        (5, (0, 4, 8.5, 13), (1, 2, 3, 4)),
        (0, (0, 60, 1440), (0, 0, 0)),
    ],
    ids=["every hour", "with every sweep", "never"],
)
def test_a_page_is_asked_for_as_often_as_the_file_says(
    every: int, at: tuple[float, ...], asked: tuple[int, ...]
) -> None:
    maker = Maker(every)
    assert maker.swept_at(*at) == list(asked)
    assert maker.told() == []


def test_a_page_that_never_came_is_told_once_and_asked_for_again() -> None:
    maker = Maker()
    maker.works = False
    assert maker.swept_at(0, 30) == [1, 1]
    assert maker.told() == [], "it may still come"
    assert maker.swept_at(60, 120) == [2, 3]
    [said] = maker.told()
    assert "the log of the function operate" in said
    maker.works = True
    maker.swept_at(180, 240)
    maker.works = False
    maker.swept_at(300, 360)
    assert len(maker.told()) == 2, "it was over in between"


@pytest.mark.parametrize("every", [5, 60])
def test_with_sweeps_in_between_a_page_that_does_not_come_is_told_once_all_the_same(every: int) -> None:
    maker = Maker(every)
    maker.works = False
    maker.swept_at(*range(0, 185, 5))
    assert len(maker.told()) == 1
    maker.works = True
    maker.swept_at(*range(185, 255, 5))
    maker.works = False
    maker.swept_at(*range(255, 420, 5))
    assert len(maker.told()) == 2


def test_who_cannot_be_asked_is_asked_with_the_next_sweep() -> None:
    maker = Maker()
    maker.fails = Unreachable("lambda did not answer")
    maker.swept_at(0)
    assert len(maker.told()) == 1
    maker.fails = None
    assert maker.swept_at(5, 10) == [1, 1]


def test_of_what_is_locked_there_are_pages_and_of_what_is_deleted_none() -> None:
    maker = Maker()
    VERBS["lock"].run(maker.services, "demo", CAUSE, reason="a leak")
    maker.later = timedelta()
    sweep(maker.services)
    assert maker.asked == 1
    ledger = maker.services.ledger
    for state in (State.DELETING, State.DELETED):
        ledger.keep_custody(replace(ledger.custody("demo"), state=state))
        maker.later += timedelta(hours=2)
        sweep(maker.services)
    assert maker.asked == 1
