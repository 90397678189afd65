"""The story of `make demo ENGINE=elasticsearch`, stage by stage, on a real Elasticsearch; the figures are not repeated here."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console

from local import beside, embedded
from local.story.book import Book, Stage
from local.story.on_cluster import STAGES, cast_of
from local.story.stages import Alerts

pytestmark = pytest.mark.embedded
TOLD = [stage for stage in STAGES if stage[0] not in ("figures", "burst")]


@pytest.fixture(scope="module")
def have(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("beside") / "run"
    with beside.running(embedded.Parts(home=home, version=beside.DEFAULT_VERSION), print) as whole:
        whole.aws.admin("schedules", by_themselves=False)
        yield {"cast": cast_of(whole), "alerts": Alerts(whole), "book": Book(Console(file=io.StringIO()))}


@pytest.mark.parametrize(("name", "title", "play"), TOLD, ids=[name for name, *_ in TOLD])
def test_stage(name: str, title: str, play: Callable[..., None], have: dict[str, Any]) -> None:
    stage = Stage(name)
    play(stage, *(have[wanted] for wanted in list(inspect.signature(play).parameters)[1:]))
    assert stage.observed, f"{title}: nothing was observed"
