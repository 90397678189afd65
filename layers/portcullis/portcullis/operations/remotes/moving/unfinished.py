"""Moves of remote clusters that stand half-way: told by the sweep, since two roads lead there, or the file says another than there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from portcullis.model.option_types import Options
from portcullis.operations import alert_table
from portcullis.operations.remotes.keys.rotating import read_by_certificate
from portcullis.operations.remotes.keys.tending import taking
from portcullis.operations.remotes.moving.kept import under_way
from portcullis.operations.services import Site
from portcullis.operations.telling import over, tell_once
from portcullis.remotes.facts import BY_KEY

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
    # The alias that is moved away from may be none of the file's: it was set before there was one.
    aliases = dict.fromkeys((*options.remotes, *sorted(site.remotes.info()))) if options.remotes else {}
    moving = {alias: kept for alias in aliases if (kept := under_way(site, alias)) is not None}
    for alias, kept in moving.items():
        if site.now() - kept.began >= _LONG:
            where = "both roads stand" if kept.waits else f"it stopped at {kept.stage}"
            yield f"{alias} is being moved to {kept.to} since {kept.began:%Y-%m-%d %H:%M} UTC, and {where}"
    for alias, remote in options.remotes.items():
        if remote.model == BY_KEY and alias not in moving and read_by_certificate(taking(site, alias, remote.secret)):
            yield f"{alias} is declared with a key, and is read by certificate"
