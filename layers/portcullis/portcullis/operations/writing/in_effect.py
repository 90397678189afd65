"""A write that the engine answered with a failure may be kept all the same: whether it acts on it has to be seen.

An engine keeps a change first and has its nodes load it afterwards. If one cannot, the change reads back as done, and everybody still
has what he had. So a run whose write was not answered well leaves a doubt in the ledger, and no run counts as done while it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portcullis.access.actual import Actual
from portcullis.access.terms import Terms
from portcullis.errors import Refused, Unreachable
from portcullis.operations.services import Site
from portcullis.ports.engine import Engine

_DOUBT = "in-doubt"


@contextmanager
def in_doubt_if_silent(site: Site) -> Iterator[None]:
    """Around writes: what is not answered, or with a failure, is in doubt from then on."""
    try:
        yield
    except Unreachable:
        site.ledger.save(site.name, _DOUBT, site.now())
        raise


def see_in_effect(site: Site, engine: Engine, held: Actual) -> None:
    """Nothing, unless an earlier write is in doubt: then the nodes load the security config again. Unreachable if one cannot."""
    if site.ledger.saved(site.name, _DOUBT) is None:
        return
    try:
        engine.load_again()
    except Refused:
        pass  # not every engine lets us ask; what was read back is all there is to see then
    except Unreachable as error:
        raise Unreachable(
            f"{site.place.name} keeps what was written and does not act on it, so everybody still has what he had: its nodes"
            f" cannot load the security config ({error}){culprits(site.family, held)}"
        ) from error
    site.ledger.forget(site.name, _DOUBT)


def culprits(terms: Terms, held: Actual) -> str:
    """What of this no node can load, as the end of a sentence; empty if there is nothing."""
    found = "; ".join(f"{claim}: {why}" for claim, why in terms.unloadable(held))
    return found and f". Take out what they cannot read: {found}"
