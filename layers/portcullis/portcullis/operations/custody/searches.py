"""Searches that are open when a lock begins, and when a window ends: they are ended, and what was closed for it is opened again."""

from __future__ import annotations

from portcullis.custody.types import Todo
from portcullis.operations.custody.given import end_what_came
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.operations.writing.standing import as_far_as_readable

CLOSED = Slot("closed-for-searches", list[str])  # indices that an end of searches closed, until all are open again


def end_searches(site: Site, todo: Todo) -> str:
    """What is open, and then what was given out, whose end may be refused. Written down before an index is closed for it: cut off there,
    the next try opens it."""
    open_what_was_closed(site)
    shut = CLOSED.saved(site.ledger, site.name) or []
    ended = site.engine.end_searches(lambda indices: CLOSED.save(site.ledger, site.name, sorted({*shut, *indices})))
    stay = open_what_was_closed(site)
    options = as_far_as_readable(site.services, site.name).options
    new = end_what_came(site, tokens=False)  # which end next, and are counted
    tokens = site.engine.end_tokens(keys=options.end_api_keys)
    return "; ".join(said for said in (ended, *stay, *new, tokens) if said)


def open_what_was_closed(site: Site) -> list[str]:
    """What the engine does not open any more, in words: it is tried again, and holds up neither a lock nor the opening of all others."""
    closed = CLOSED.saved(site.ledger, site.name)
    if closed is None:
        return []
    stay = site.engine.open_indices(closed)
    if not stay:
        CLOSED.forget(site.ledger, site.name)
    else:
        CLOSED.save(site.ledger, site.name, sorted(stay))
    return [
        f"{index} was closed to end its searches, and does not open again: {why}; open it by hand once it can"
        for index, why in sorted(stay.items())
    ]
