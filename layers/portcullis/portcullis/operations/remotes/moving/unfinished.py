"""Moves of remote clusters that stand half-way: told by the sweep, since two roads lead there, or the file says another than there is; at
once where people may be refused meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from portcullis.model.option_types import Options
from portcullis.operations import alert_table
from portcullis.operations.remotes.keys.rotating import read_by_certificate
from portcullis.operations.remotes.keys.tending import taking
from portcullis.operations.remotes.moving.kept import Underway, all_under_way, lease_of
from portcullis.operations.services import Site
from portcullis.operations.telling import over, tell_once
from portcullis.remotes.facts import BY_KEY
from portcullis.remotes.moving import Stage, Way

_LONG = timedelta(days=1)  # people are given a day to move over


def tell_of_unfinished(site: Site, options: Options) -> None:
    """Once for what is found; again if it is something else."""
    kind = alert_table.REMOTE_HALF_MOVED
    words = "; ".join(_unfinished(site, options))
    if words:
        tell_once(site.services, kind.of(site.name, f"a remote cluster stands between two models: {words}"), words)
    else:
        over(site.services, site.name, kind.name)


def _unfinished(site: Site, options: Options) -> Iterator[str]:
    moving = {kept.alias: kept for kept in all_under_way(site)}
    for kept in moving.values():
        if site.now() - kept.began >= _LONG or (_may_refuse(kept) and not _at_work(site, kept)):
            yield in_words(kept)
    for alias, remote in options.remotes.items():
        if remote.model == BY_KEY and alias not in moving and read_by_certificate(taking(site, alias, remote.secret)):
            yield f"{alias} is declared with a key, and is read by certificate"


def _may_refuse(kept: Underway) -> bool:
    """Whether people may be refused by the alias that they read by."""
    return kept.way is Way.SAME_ALIAS and (kept.back or kept.stage in (Stage.SWITCH, Stage.SEEN))


def _at_work(site: Site, kept: Underway) -> bool:
    with site.ledger.lease(lease_of(site, kept.alias), "a look", wait=0) as free:
        return not free


def in_words(kept: Underway) -> str:
    """How far a move came."""
    if kept.back:
        where = "was being undone, and that has not ended: --rollback goes on with it"
    elif not kept.waits:
        where = f"stopped at {kept.stage}"
    elif kept.way is Way.SECOND_ALIAS:
        where = "waits while both roads stand"
    else:
        where = "waits, read with the key, while the way back is open"
    return f"the move of {kept.alias} to {kept.to}, begun {kept.began:%Y-%m-%d %H:%M} UTC, {where}"
