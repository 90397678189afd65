"""Waiting for what takes a moment elsewhere: an engine, a node or AWS is asked again until it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def looks(most: int, between: float, sleep: Callable[[float], None]) -> Iterator[int]:
    """So many looks, from 0, with a pause of `between` seconds from one to the next. Whoever is content leaves the loop."""
    for look in range(most):
        if look:
            sleep(between)
        yield look
