"""The keys by which other clusters read a deployment: narrowed by its lock to a name that no index has, and put back as they were.

A key is bound by nothing on this cluster but itself: neither roles nor users here have anything to do with it, and who comes with it stands
on another cluster. Only who made a key may change it, so these are the automation's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.custody.types import Todo
from portcullis.errors import PortcullisError, Unreachable
from portcullis.operations.custody.lost import lost
from portcullis.operations.remotes.keys.agreed import offers_of
from portcullis.operations.remotes.keys.tending import options_of
from portcullis.operations.services import Site
from portcullis.remotes.keys import NOTHING, Key, after_a_lock, allows_nothing
from portcullis.words import many


def save_keys(site: Site, todo: Todo) -> str:
    found = {key.id: key.access for key in _ours(site)}
    site.ledger.save(site.name, todo.save_as, found)
    return f"{many(len(found), 'key')} put aside"


def narrow_keys(site: Site, todo: Todo) -> str:
    """All of them, also those that came after the save. One that cannot be changed keeps no other open."""
    keys = site.cluster_keys
    wide = [key for key in _ours(site) if not allows_nothing(key)]
    why = ""
    for key in wide:
        try:
            keys.change(key.id, NOTHING)
        except PortcullisError as error:  # it may have been ended meanwhile: what counts is how they are after this
            why = str(error)
    if left := keys_that_allow(site):
        raise Unreachable(f"{left}{': ' if why else ''}{why}")
    return f"{many(len(wide), 'key')} narrowed"


def widen_keys(site: Site, todo: Todo) -> str:
    """As they were saved, less what the file in force offers no more, or offers otherwise by now."""
    saved = site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        narrow = sorted(key.id for key in _ours(site) if allows_nothing(key))
        return lost(todo, narrow, f"end them, so that the next apply makes others: {', '.join(narrow)}")
    offers = offers_of(site.name, options_of(site).offers)
    back = [(key, access) for key in _ours(site) if (access := after_a_lock(key, saved, site.name, offers))]
    for key, access in back:
        site.cluster_keys.change(key.id, access)
    return f"{many(len(back), 'key')} put back"


def keys_that_allow(site: Site) -> str:
    """What somebody has undone of it, in words; empty if it holds."""
    wide = ", ".join(f"{key.id} ({key.name})" for key in _ours(site) if not allows_nothing(key))
    return f"keys by which other clusters read it: {wide}" if wide else ""


def _ours(site: Site) -> Iterator[Key]:
    keys, now = site.cluster_keys, site.now()
    us = keys.us()
    return (key for key in keys.shown() if key.owner == us and key.usable(now))
