"""Given an answer that is watched, then each change of it is shown once, and a fault in between ends nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from portcullis.cli.again import watch
from portcullis.errors import BadInput, PortcullisError, Unreachable


def watched(*answers: object) -> tuple[list[object], list[float]]:
    """What is shown of these answers, one an asking (an error is raised), until Ctrl-C after the last; and the pauses."""
    left, shown, pauses = list(answers), list[object](), list[float]()

    def ask() -> object:
        answer = left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if not left:
            raise KeyboardInterrupt

    watch(ask, shown.append, 2, wait)
    return shown, pauses


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (["open"], ["open"]),
        (["open", "open", "locked", "locked", "open"], ["open", "locked", "open"]),
        (["open", Unreachable("no network"), "open", "locked"], ["open", "locked"]),
        (["open", Unreachable("no network"), PortcullisError("a fault"), "locked"], ["open", "locked"]),
        (["open", KeyboardInterrupt(), "locked"], ["open"]),
    ],
)
def test_each_change_is_shown_once(
    answers: list[object], shown: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    told, pauses = watched(*answers)
    assert (told, set(pauses)) == (shown, {2})
    errors = [str(answer) for answer in answers if isinstance(answer, PortcullisError)]
    assert capsys.readouterr().err.splitlines() == [f"portcullis: {error}" for error in errors]


@pytest.mark.parametrize("answers", [[Unreachable("no network")], ["open", BadInput("no such", source="command")]])
def test_what_cannot_get_better_ends_it(answers: list[object]) -> None:
    with pytest.raises(PortcullisError):
        watched(*answers)


def test_on_a_terminal_each_look_takes_the_place_of_the_one_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[None] = []
    show: Callable[[], None] = lambda: cleared.append(None)  # noqa: E731
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.clear", show)
    shown, _ = watched("open", "open")
    assert (shown, len(cleared)) == (["open", "open"], 2)
    assert "Ctrl-C ends it" in capsys.readouterr().out
