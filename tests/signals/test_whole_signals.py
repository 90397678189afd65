"""Each event of ours is read, to the last word, as it was when the reading was looked over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from portcullis.signals import read

from tests.signals.cases import NAMES, event
from tests.signals.test_deployments_concerned import BARE, DEMO

GOLDEN = Path(__file__).parent / "whole.json"
EVERYTHING = replace(DEMO, secrets=frozenset({"users/anna"}))


def whole(name: str) -> Any:
    """What an event is read as without deployments, and which of a few it concerns."""
    (alone,) = read(event(name), None)
    said = {
        "is": [alone.name, alone.concern, alone.because, alone.actor, alone.at, alone.event_id, alone.detail],
        "concerns": [[one.deployment, one.because] for one in read(event(name), [BARE, EVERYTHING])],
    }
    return json.loads(json.dumps(said))


@pytest.mark.parametrize("name", NAMES)
def test_each_event_is_read_whole_as_it_was_once_read_over(name: str) -> None:
    """Another reading is meant, and read over? python -m tests.signals.test_whole_signals writes the file anew."""
    assert whole(name) == json.loads(GOLDEN.read_text(encoding="utf-8"))[name]


if __name__ == "__main__":
    lines = (
        f"{json.dumps(name)}: {json.dumps(said, ensure_ascii=False)}"
        for name, said in ((name, whole(name)) for name in NAMES)
    )
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
