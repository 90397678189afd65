"""A process that is gone in the middle: a real part whose call of one name is the last thing that is done."""

from __future__ import annotations

from typing import Any


class CutOff(Exception):
    """The process is gone."""


class Cutting:
    """`real`, whose call `after` ends the process once it was done."""

    def __init__(self, real: Any, after: str) -> None:
        self._real, self._after = real, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._after:
            return found

        def ending(*given: Any) -> Any:
            found(*given)
            raise CutOff

        return ending
