"""The right to change keys between clusters: of one at a time, while the deployment that gives them is open.

Not the right to change access: whoever left a group does not wait for a key that is being handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from portcullis.errors import Unreachable
from portcullis.operations.services import Site
from portcullis.operations.writing.while_open import WhileOpen

_LEASE_SECONDS = 180  # a keystore's tool is a Java that starts, and a connection that is made anew takes seconds
PATIENCE = 30.0


@contextmanager
def changing_keys(site: Site, wait: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Gives what to call before and after each write: Shut if the deployment was locked since, Overtaken if others have the right."""
    WhileOpen.of(site.services, site.name)
    name = f"keys:{site.place.id}"
    with site.ledger.lease(name, "remote keys", seconds=_LEASE_SECONDS, wait=wait) as ours:
        if not ours:
            raise Unreachable(f"somebody else changes the keys of {site.name}: ask again")
        since = WhileOpen.of(site.services, site.name)  # it may have been locked while we waited

        def still() -> None:
            site.ledger.renew(name)
            since.still()

        yield still


@contextmanager
def writing_keystores(site: Site) -> Iterator[Callable[[], None] | None]:
    """Two writers of one keystore lose what one of them wrote. Nothing else is ever waited for with this right in hand.

    Gives what to call before each write: Overtaken if others have the right by now, as a cluster of many nodes takes longer than it
    lasts. None if it was not had.
    """
    name = f"keystores:{site.place.id}"
    with site.ledger.lease(name, "remote keys", seconds=_LEASE_SECONDS) as ours:
        yield partial(site.ledger.renew, name) if ours else None
