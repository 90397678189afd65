"""What an engine itself gave to people and what keeps a role that they lost: tokens, which end then, and API keys.

No difference tells of it, as nobody is mapped by it. So whoever is seen to have lost a role is written down, and waits there until the
engine has ended what they hold: the next look makes up for it, the sweep at the latest. Keys end for good, and only where the deployment
asks for that; else they are named, once for each leaving, for a person to end. What could not be told is told by the next look.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from portcullis.errors import PortcullisError
from portcullis.model.option_types import Options
from portcullis.operations import alert_table
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.operations.telling import or_later, over, tell_once

log = logging.getLogger(__name__)
OUTLIVING = Slot("to-end-on-the-engine", list[str])  # people who lost a role and may still hold what has it
KEYS_TO_NAME = Slot("keys-to-name", list[str])  # keys that are left to a person who was not told yet
_MOST_NAMED = 20
_WHAT = "what people still hold"


def end_what_outlives(site: Site, options: Options, people: Collection[str]) -> None:
    """`people` have just lost a role. What cannot be ended now holds up nothing else, and is told."""
    if not site.family.gives_out:
        return
    _end(site, options, people)
    _name_keys(site)


def _end(site: Site, options: Options, people: Collection[str]) -> None:
    waiting = OUTLIVING.saved(site.ledger, site.name) or []
    whose = sorted({*waiting, *people})
    if not whose:
        return
    if whose != waiting:
        OUTLIVING.save(site.ledger, site.name, whose)
    try:
        stay = site.engine.end_tokens_of(whose, keys=options.end_api_keys)
    except PortcullisError as error:
        log.warning("what %d people still hold could not be ended yet: %s", len(whose), error)
        happened = f"somebody lost a role of {site.name}, and what they still hold could not be ended: {error}"
        with or_later(_WHAT, site.name):
            tell_once(site.services, alert_table.TOKENS_NOT_ENDED.of(site.name, happened), happened)
        return
    if stay:
        KEYS_TO_NAME.save(site.ledger, site.name, sorted({*(KEYS_TO_NAME.saved(site.ledger, site.name) or ()), *stay}))
    OUTLIVING.forget(site.ledger, site.name)
    over(site.services, site.name, alert_table.TOKENS_NOT_ENDED.name)


def _name_keys(site: Site) -> None:
    """Kept until somebody was told: no later look finds them."""
    if not (keys := KEYS_TO_NAME.saved(site.ledger, site.name)):
        return
    happened = f"somebody lost a role of {site.name}, and their API keys still allow what they had: {_named(keys)}"
    with or_later(_WHAT, site.name):
        site.services.alerts.tell(alert_table.KEYS_LEFT.of(site.name, happened))
        KEYS_TO_NAME.forget(site.ledger, site.name)


def still_held(site: Site) -> tuple[str, ...]:
    """Who lost a role and may still hold what has it, but for keys that are left to a person."""
    return tuple(OUTLIVING.saved(site.ledger, site.name) or ()) if site.family.gives_out else ()


def _named(stay: Collection[str]) -> str:
    first = ", ".join([*stay][:_MOST_NAMED])
    return first + (f" and {len(stay) - _MOST_NAMED} more" if len(stay) > _MOST_NAMED else "")
