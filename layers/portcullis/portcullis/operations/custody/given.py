"""What an engine itself gives to somebody, and what would outlive a lock: whoever is let in by hand while it is locked may have a token
or a key made, which no role and no user's end takes away again.

So which keys there were is written down as a lock begins. Whenever it shuts somebody out again, and once more before it opens, all tokens
end, and so do the keys that came since.
"""

from __future__ import annotations

import logging

from portcullis.errors import PortcullisError
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot

log = logging.getLogger(__name__)
_BEFORE = Slot("keys-before-lock", list[str])


def note_keys(site: Site) -> None:
    """Those that are there now. An engine that does not list them keeps no lock away: then none is known to be new."""
    try:
        there = site.engine.keys_given()
    except PortcullisError as error:
        log.warning("which API keys there are on %s is not known: %s", site.name, error)
        there = None
    if there is None:
        _BEFORE.forget_if_kept(site.ledger, site.name)
    else:
        _BEFORE.save(site.ledger, site.name, list(there))


def forget_keys(site: Site) -> None:
    _BEFORE.forget_if_kept(site.ledger, site.name)


def end_what_came(site: Site, *, tokens: bool = True) -> list[str]:
    """Each key that ended, in words."""
    ended = site.engine.end_since(_BEFORE.saved(site.ledger, site.name), tokens=tokens)
    return [f"API key {one} was made while locked, and is ended for good" for one in ended]
