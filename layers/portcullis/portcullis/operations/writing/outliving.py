"""What an engine itself gave to people and what keeps a role that they lost: tokens, which end then, and API keys.

No difference tells of it, as nobody is mapped by it. So whoever is seen to have lost a role is written down, and waits there until the
engine has ended what they hold: the next look makes up for it, the sweep at the latest. Keys end for good, and only where the deployment
asks for that; else they are named, once, for a person to end.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from portcullis.errors import PortcullisError
from portcullis.model.option_types import Options
from portcullis.operations import alert_table
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.operations.telling import over, tell_once

log = logging.getLogger(__name__)
OUTLIVING = Slot("to-end-on-the-engine", list[str])  # people who lost a role and may still hold what has it
_MOST_NAMED = 20
_AGAIN = "it is written down and tried again at every look, the sweep at the latest"


def end_what_outlives(site: Site, options: Options, people: Collection[str]) -> None:
    """`people` have just lost a role. What cannot be ended now holds up nothing else, and is told."""
    if not site.family.gives_out:
        return
    waiting = OUTLIVING.saved(site.ledger, site.name) or []
    whose = sorted({*waiting, *people})
    if not whose:
        return
    if whose != waiting:
        OUTLIVING.save(site.ledger, site.name, whose)
    try:
        stay = site.engine.end_tokens_of(whose, keys=options.end_api_keys)
        if stay:
            happened = (
                f"somebody lost a role of {site.name}, and their API keys still allow what they had: {_named(stay)}"
            )
            _tell(site, happened, "they have no role any more by themselves, and their tokens are ended; the keys stay")
    except PortcullisError as error:
        log.warning("what %d people still hold could not be ended yet: %s", len(whose), error)
        _tell(
            site, f"somebody lost a role of {site.name}, and what they still hold could not be ended: {error}", _AGAIN
        )
        return
    OUTLIVING.forget(site.ledger, site.name)
    if not stay:
        over(site.services, site.name, alert_table.SESSIONS_NOT_ENDED.name)


def still_held(site: Site) -> tuple[str, ...]:
    """Who lost a role and may still hold what has it, but for keys that are left to a person."""
    return tuple(OUTLIVING.saved(site.ledger, site.name) or ()) if site.family.gives_out else ()


def _named(stay: Collection[str]) -> str:
    first = ", ".join([*stay][:_MOST_NAMED])
    return first + (f" and {len(stay) - _MOST_NAMED} more" if len(stay) > _MOST_NAMED else "")


def _tell(site: Site, happened: str, done: str = "") -> None:
    alert = alert_table.SESSIONS_NOT_ENDED.of(site.name, happened, done=done)
    try:
        tell_once(site.services, alert, happened)
    except PortcullisError as error:
        log.warning("what people of %s still hold could not be told yet: %s", site.name, error)
