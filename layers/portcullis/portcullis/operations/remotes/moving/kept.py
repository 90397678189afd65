"""Moves of remote clusters that were begun and not ended, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.ports.remotes import Connection
from portcullis.remotes.moving import Stage, Way


@dataclass(frozen=True, slots=True)
class Underway:
    """What the ledger keeps. `stage`: the step that was begun last; `old`: how the alias was set before; `beside`: the other alias was set
    by somebody else already, and a way back sets it as it `was`; `told`: keystores that nobody here can write were named to somebody."""

    way: Way
    alias: str
    to: str
    secret: str
    old: Connection
    new: Connection
    stage: Stage
    began: datetime
    actor: str
    beside: bool = False
    was: Connection | None = None
    told: bool = False
    waits: bool = False
    back: bool = False


def _of(alias: str) -> Slot[Underway]:
    return Slot(f"migration#{alias}", Underway)


def under_way(site: Site, alias: str) -> Underway | None:
    return _of(alias).saved(site.ledger, site.name)


def keep(site: Site, underway: Underway) -> None:
    """Before what it says is begun."""
    _of(underway.alias).save(site.ledger, site.name, underway)


def forget(site: Site, alias: str) -> None:
    """It was ended, or undone."""
    _of(alias).forget(site.ledger, site.name)


def named(kept: Underway | None, to: str) -> str:
    if kept is None:
        return to
    return "" if kept.way is Way.SAME_ALIAS else kept.to
