"""Pages that the automation keeps: the sweep asks for the page of each deployment as often as the account's file says.

It is made by the function behind the door `look`, which may look at all that stands on it. A large one takes seconds, and the sweep, which
looks at keys, waits for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portcullis.errors import Refused
from portcullis.operations.services import Site, Trigger
from portcullis.operations.slots import Slot


@dataclass(frozen=True, slots=True)
class KeptPage:
    """When the automation kept it, and which version of what is kept there it is; empty in a bucket without versions."""

    at: datetime
    version: str


ASKED_FOR = Slot("page-asked", datetime)  # when the sweep asked last
KEPT = Slot("page-kept", KeptPage)  # the last one
_LATE = timedelta(minutes=1)  # schedules come a little sooner or later: every 60 minutes is not every 65


def ask_for_page(site: Site, cause: Trigger) -> None:
    """Have the page made if it is time for it. Refused where the one that was asked for last never came."""
    services, every = site.services, timedelta(minutes=site.services.settings.page_minutes)
    if not every:
        return
    asked, now = ASKED_FOR.saved(site.ledger, site.name), services.now()
    if asked is not None and now - asked < every - _LATE:
        return
    services.ask_for_page(site.name)
    ASKED_FOR.save(site.ledger, site.name, now)
    kept = KEPT.saved(site.ledger, site.name)
    if asked is not None and (kept is None or kept.at < asked):
        raise Refused(
            f"the page of {site.name} that was asked for at {asked:%Y-%m-%d %H:%M:%S} UTC was not written: see the log of the function"
            " operate, or: portcullis report --to-bucket"
        )
