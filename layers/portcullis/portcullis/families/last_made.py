"""What was made of the few engines' configs that were asked about last: a question is seldom asked alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LastMade(Generic[T]):
    """Known again by being of the same config, not of an equal one: what is held never changes in place."""

    def __init__(self, most: int) -> None:
        self._made: deque[tuple[object, object, T]] = deque(maxlen=most)

    def of(self, held: object, make: Callable[[], T], beside: object = None) -> T:
        """What was made of `held` and, by its value, of `beside`; else it is made now."""
        for of, by, made in tuple(self._made):  # a copy: other threads ask, too
            if of is held and by == beside:
                return made
        made = make()
        self._made.append((held, beside, made))
        return made
