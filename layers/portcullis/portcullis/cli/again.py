"""`--watch`: an answer that is asked for again and again, until somebody ends it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click

from portcullis.cli.console import console
from portcullis.errors import BadInput, PortcullisError
from portcullis.words import moment

T = TypeVar("T")
EVERY_S = 5


def watch(
    ask: Callable[[], T], show: Callable[[T], object], every: float, wait: Callable[[float], object] | None = None
) -> None:
    """Ask and show every so many seconds, until Ctrl-C. On a terminal in the same place, elsewhere only what changed.

    Raises what the first asking raises, and BadInput; other errors after it are told, and it goes on: a network comes back.
    """
    in_place = sys.stdout.isatty() and not console().as_data
    try:
        shown = ask()
        _draw(shown, show, every, in_place=in_place)
        while True:
            (wait or time.sleep)(every)
            try:
                found = ask()
            except BadInput:
                raise
            except PortcullisError as error:
                console().error(error)
                continue
            if in_place or found != shown:
                _draw(found, show, every, in_place=in_place)
                shown = found
    except KeyboardInterrupt:
        return  # that is how it ends


def _draw(found: T, show: Callable[[T], object], every: float, *, in_place: bool) -> None:
    if in_place:
        click.clear()
    show(found)
    if not console().as_data:
        console().text(f"as of {moment(datetime.now(UTC))}, every {every:g} s; Ctrl-C ends it", dim=True)
    sys.stdout.flush()
