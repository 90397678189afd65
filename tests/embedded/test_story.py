"""The story of `make demo`, stage by stage; the figures are not repeated here."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from local.story import stages
from local.story.book import Book, Stage
from local.story.stages import STAGES, Alerts, Cast

pytestmark = pytest.mark.embedded
BURST = 50  # group changes at once; 200 are in `make demo` and `make bench-burst`
TOLD = [stage for stage in STAGES if stage[0] != "figures"]


@pytest.mark.parametrize(("name", "title", "play"), TOLD, ids=[name for name, *_ in TOLD])
def test_stage(
    name: str,
    title: str,
    play: Callable[..., None],
    cast: Cast,
    alerts: Alerts,
    book: Book,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stages, "BURST", BURST)
    stage = Stage(name)
    have = {"cast": cast, "alerts": alerts, "book": book}
    play(stage, *(have[wanted] for wanted in list(inspect.signature(play).parameters)[1:]))
    assert stage.observed, f"{title}: nothing was observed"
    if name == "burst":
        burst = book.figures["burst"]
        assert burst["changes"] == BURST
        assert burst["lost"] == 0
        assert burst["writes"] <= 10
