"""The id that leads from an event to the write it caused: in our logs, and in the engine's own (X-Opaque-Id)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_deployment: ContextVar[str] = ContextVar("deployment", default="")
_current: ContextVar[str] = ContextVar("correlation", default="")


def correlate(identifier: str) -> None:
    """What follows is because of this event."""
    _current.set(identifier)


def correlation() -> str:
    return _current.get()


def concerning(name: str) -> None:
    """What follows in this thread is about this deployment ("" for none), and because of nothing that is known yet."""
    _current.set("")
    _deployment.set(name)


def deployment() -> str:
    return _deployment.get()


def carry() -> Callable[[], None]:
    """For the threads of a pool, as its `initializer`: what is done in them is about what this thread is at now."""
    name, because = deployment(), correlation()

    def begin() -> None:
        concerning(name)
        correlate(because)

    return begin
