"""What an event is found to be about, and the two ways of asking it that every finder uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portcullis.signals.events import HIDDEN, Path
from portcullis.signals.rows import About


@dataclass(frozen=True, slots=True)
class Found:
    """What an event is about. `names` are all names it is known by; empty if the event does not tell which one it is."""

    about: About
    subject: str
    names: tuple[str, ...] = ()
    container: str = ""  # user pool, identity store
    account: str = ""
    region: str = ""
    widely: bool = False  # a deployment may be concerned that does not name it so: the finder says why


def request(*keys: str) -> tuple[Path, ...]:
    return tuple(("requestParameters", key) for key in keys)


def told(names: Iterable[str]) -> tuple[str, ...]:
    """Without repetition, and without what CloudTrail hides."""
    return tuple(dict.fromkeys(name for name in names if name and name != HIDDEN))
