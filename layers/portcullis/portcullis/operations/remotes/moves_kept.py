"""Moves of remote clusters that were begun and not ended, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portcullis import typed
from portcullis.operations.services import Site
from portcullis.ports.remotes import Connection
from portcullis.remotes.moving import Stage, Way

_KEPT = "migration#"  # in the ledger, with the alias


@dataclass(frozen=True, slots=True)
class Underway:
    """What the ledger keeps. `stage`: the step that was begun last; `old`: how the alias was set before; `beside`: the other alias was set
    by somebody else already, and is left as it is by a way back; `told`: keystores that nobody here can write were named to somebody."""

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
    told: bool = False
    waits: bool = False
    back: bool = False


def under_way(site: Site, alias: str) -> Underway | None:
    saved = site.ledger.saved(site.name, f"{_KEPT}{alias}")
    return None if saved is None else typed.of_plain(saved, Underway)


def keep(site: Site, underway: Underway) -> None:
    """Before what it says is begun."""
    site.ledger.save(site.name, f"{_KEPT}{underway.alias}", underway)


def forget(site: Site, alias: str) -> None:
    """It was ended, or undone."""
    site.ledger.forget(site.name, f"{_KEPT}{alias}")


def named(kept: Underway | None, to: str) -> str:
    if kept is None:
        return to
    return "" if kept.way is Way.SAME_ALIAS else kept.to
