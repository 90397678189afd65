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
    by somebody else already, and a way back sets it as it `was`; `key`: the id of the key that the keystores were written with last;
    `told_of`: of the one that somebody was asked to put into keystores that nobody here can write."""

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
    key: str = ""
    told_of: str = ""
    waits: bool = False
    back: bool = False


_ALL = Slot("migrations", list[str])  # the aliases: a file need not name the one that is moved away from


def _of(alias: str) -> Slot[Underway]:
    return Slot(f"migration#{alias}", Underway)


def lease_of(site: Site, alias: str) -> str:
    """Of whoever moves it right now."""
    return f"migration:{site.place.id}:{alias}"


def under_way(site: Site, alias: str) -> Underway | None:
    return _of(alias).saved(site.ledger, site.name)


def all_under_way(site: Site) -> tuple[Underway, ...]:
    aliases = _ALL.saved(site.ledger, site.name) or ()
    return tuple(kept for alias in aliases if (kept := under_way(site, alias)) is not None)


def keep(site: Site, underway: Underway) -> None:
    """Before what it says is begun."""
    alias = underway.alias
    _ALL.change(site.ledger, site.name, lambda there: there if alias in (there or ()) else [*(there or ()), alias])
    _of(underway.alias).save(site.ledger, site.name, underway)


def forget(site: Site, alias: str) -> None:
    """It was ended, or undone."""
    _of(alias).forget(site.ledger, site.name)
    _ALL.change(site.ledger, site.name, lambda there: [one for one in there or () if one != alias] or None)


def named(kept: Underway | None, to: str) -> str:
    if kept is None:
        return to
    return "" if kept.way is Way.SAME_ALIAS else kept.to
