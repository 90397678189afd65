"""A write that the engine answered with a failure may be kept all the same: whether it acts on it has to be seen.

An engine keeps a change first and has its nodes load it afterwards. If one cannot, the change reads back as done, and everybody still
has what he had. So a run whose write was not answered well leaves a doubt in the ledger, as does one that was cut off (whoever finds
what it left writes that down), and no run counts as done while it stands. A lock asks each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portcullis.access.actual import Actual
from portcullis.access.terms import Terms
from portcullis.errors import Refused, Unreachable
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.ports.engine import Engine

DOUBT = Slot("in-doubt", datetime)  # since when
MAY_COME = Slot("may-come", datetime)  # when a writer was last silent, cut off or overtaken
LATE = timedelta(minutes=15)  # no function of ours runs for longer, and so no write of one comes later


@contextmanager
def in_doubt_if_silent(site: Site) -> Iterator[None]:
    """Around writes: what is not answered, or with a failure, is in doubt from then on."""
    try:
        yield
    except Unreachable:
        in_doubt(site)
        raise


def in_doubt(site: Site) -> None:
    """How a write ended nobody has seen. It may come late, too, and whoever looks now does not see that: also one that takes out an
    entry which was put in again since."""
    DOUBT.save(site.ledger, site.name, site.now())
    MAY_COME.save(site.ledger, site.name, site.now())


def may_have_come(site: Site) -> bool:
    """Whether there was such a write, and nobody looked at everything since it could have come."""
    return MAY_COME.is_kept(site.ledger, site.name)


def looked_at_everything(site: Site, began: datetime) -> None:
    """What came late until then was seen."""
    since = MAY_COME.saved(site.ledger, site.name)
    if since is not None and began >= since + LATE:
        MAY_COME.forget(site.ledger, site.name)


def is_in_doubt(site: Site) -> bool:
    """Whether there was a write that was not answered well, and was not seen in effect since."""
    return DOUBT.is_kept(site.ledger, site.name)


def see_in_effect(site: Site, engine: Engine, held: Actual) -> None:
    """Nothing, unless an earlier write is in doubt: then the nodes load the security config again. Unreachable if one cannot."""
    if is_in_doubt(site):
        see_loaded(site, engine, lambda: held)
        DOUBT.forget(site.ledger, site.name)


def see_loaded(site: Site, engine: Engine, held: Callable[[], Actual]) -> None:
    """The nodes load the security config again, which is `held`. Unreachable if one cannot."""
    try:
        engine.load_again()
    except Refused:
        pass  # not every engine lets us ask; what was read back is all there is to see then
    except Unreachable as error:
        raise Unreachable(
            f"{site.place.name} keeps what was written and does not act on it, so everybody still has what he had: its nodes"
            f" cannot load the security config ({error}){culprits(site.family, held())}"
        ) from error


def culprits(terms: Terms, held: Actual) -> str:
    """What of this no node can load, as the end of a sentence; empty if there is nothing."""
    found = "; ".join(f"{claim}: {why}" for claim, why in terms.unloadable(held))
    return found and f". Take out what they cannot read: {found}"
