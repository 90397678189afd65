"""Writing as the one who has the lease: each write only while it is ours, and what we claim kept before and after."""

from __future__ import annotations

import random
from collections.abc import Collection

from portcullis.access.actual import Actual, Write
from portcullis.access.plan import Claim
from portcullis.families.base import Family
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.in_effect import LATE
from portcullis.ports.engine import Engine
from portcullis.ports.ledger import Claims

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 2.0


def still_ours(site: Site) -> None:
    """Right before a write: the lease lasts from now on. Overtaken if somebody else has it."""
    site.ledger.renew(site.place.id)


def send(family: Family, engine: Engine, write: Write, held: Actual) -> bool:
    """One write, computed from `held`. Conflict if something that it changes by its place moved since."""
    if names := family.look_again(write):
        family.refuse_if_moved(write, held, engine.look(names))
    return engine.write(write)


def wait_a_little(services: Services, attempt: int) -> None:
    """Longer each time, and never as long as somebody else's."""
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    services.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret


def keep_claims(
    site: Site,
    before: Claims,
    after: Collection[Claim],
    *,
    late: frozenset[Claim] = frozenset(),
    renewed: bool = False,
) -> Claims:
    """Keep these in place of those of `before`, unless they are the same; the lease is renewed with them. Conflict if somebody kept
    others meanwhile, Overtaken if the lease is somebody else's. `renewed`: it was asked for right before this.

    `late` is what of them a write may still bring about: for a while it stays claimed, whatever is seen. What was late already
    stays so for as long as it was to.
    """
    until = before.until
    if not late <= before.late:
        until = site.now() + LATE
    now = before.becoming(after, late=late, until=until)
    if (now, now.late, now.until) == (before, before.late, before.until):
        return before
    if not renewed:
        still_ours(site)
    return site.ledger.keep_claims(site.place.id, site.name, now)
