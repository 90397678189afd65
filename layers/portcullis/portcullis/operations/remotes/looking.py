"""What may not answer is looked at, and said to be unseen if it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from portcullis.errors import PortcullisError

T = TypeVar("T")


def looked_at(unseen: list[str], what: str, look: Callable[[], T]) -> T | None:
    """What `look` finds; None, and a sentence in `unseen`, if it cannot be had."""
    try:
        return look()
    except PortcullisError as error:
        unseen.append(f"{what} could not be looked at: {error}")
        return None
