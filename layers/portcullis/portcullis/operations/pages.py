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
from portcullis.words import moment


@dataclass(frozen=True, slots=True)
class KeptPage:
    """When the automation kept it, and which version of what is kept there it is; empty in a bucket without versions."""

    at: datetime
    version: str


@dataclass(frozen=True, slots=True)
class AskedPage:
    """When the sweep asked last, and since when it has been asking for a page that did not come."""

    at: datetime
    since: datetime


ASKED_FOR = Slot("page-asked", AskedPage)
KEPT = Slot("page-kept", KeptPage)  # the last one
_LATE = timedelta(minutes=1)  # schedules come a little sooner or later: every 60 minutes is not every 65
_COMES_WITHIN = timedelta(
    minutes=15
)  # at the soonest that a page is missed: a function that failed may be tried twice more


def ask_for_page(site: Site, cause: Trigger) -> None:
    """Have the page made if it is time for it. Refused as long as one that was asked for did not come."""
    services, every = site.services, timedelta(minutes=site.services.settings.page_minutes)
    if not every:
        return
    asked, now = ASKED_FOR.saved(site.ledger, site.name), services.now()
    if asked is None or now - asked.at >= every - _LATE:
        since = asked.since if asked and not _came(site, asked) else now
        services.ask_for_page(site.name)
        asked = AskedPage(now, since)
        ASKED_FOR.save(site.ledger, site.name, asked)
    if now - asked.since >= max(every, _COMES_WITHIN) - _LATE and not _came(site, asked):
        raise Refused(
            f"the page of {site.name} that was asked for at {moment(asked.since)} was not written: see the log of the function"
            " operate, or: portcullis report --to-bucket"
        )


def _came(site: Site, asked: AskedPage) -> bool:
    kept = KEPT.saved(site.ledger, site.name)
    return kept is not None and kept.at >= asked.since
