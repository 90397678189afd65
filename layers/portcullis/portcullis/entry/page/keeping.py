"""The page of a deployment put into the account's bucket: by whoever asks for a link, or by the automation, as often as the file says."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from portcullis import wiring
from portcullis.clients import our_errors
from portcullis.entry.page.gathering import ASKED, of_deployment
from portcullis.entry.page.writing import page
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.pages import KEPT, KeptPage
from portcullis.ports.pages import Link

if TYPE_CHECKING:
    from portcullis.operations.services import Services, Trigger

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """`page`: where it lies, as BUCKET/KEY. `unread`: verb -> why the page does not show what it says."""

    deployment: str
    page: str
    at: datetime
    unread: dict[str, str]


def put_and_link(place: str, page: str, seconds: int) -> Link:
    """Keep `page` at `place` (BUCKET/KEY), as whoever asks; a link to it, and to no page that comes later."""
    pages = wiring.pages()
    return pages.link(place, pages.put(place, page), seconds)


def keep(services: Services, deployment: str, cause: Trigger) -> Kept:
    """Make the page as it is now, and keep it in place of the last one. Refused where the account keeps none; where the map cannot be
    drawn what is kept stays, and says of when it is."""
    from portcullis.entry.verbs import VERBS

    place = services.settings.page_of(deployment)
    if not place:
        raise Refused("this account keeps no pages: write `report: {every_minutes: 60}` into deployments/account.yaml")
    unread: dict[str, str] = {}

    def answer(verb: str) -> Any:
        try:
            return msgspec.to_builtins(VERBS[verb].run(services, deployment, cause, **ASKED[verb]))
        except PortcullisError as error:
            if verb == "report":  # without a map it would be taken for one of a deployment in which nobody may anything
                raise
            log.warning("the page of %s is without %s: %s", deployment, verb, error)
            unread[verb] = str(error)
            return None

    made = page(of_deployment(answer, unread))
    with our_errors(f"the page of {deployment} could not be put into {place}"):
        version = services.pages().put(place, made)
    at = services.now()
    KEPT.save(services.ledger, deployment, KeptPage(at, version))
    return Kept(deployment, place, at, unread)
