"""Who is in two groups by role has what one of them is granted: seen at each look at the groups, and told of the person."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from portcullis.access.one_role import NotCarried, groups_that_make_up, not_carried
from portcullis.access.plan import By, Grant
from portcullis.errors import PortcullisError
from portcullis.operations import alert_table
from portcullis.operations.services import Site
from portcullis.operations.telling import over, tell_once
from portcullis.ports.alerts import of_person

log = logging.getLogger(__name__)
_NAME = "one-role-of-two"
_MOST_TOLD = 20


def who_loses(site: Site, grants: Collection[Grant], groups: Iterable[str] = ()) -> tuple[NotCarried, ...]:
    """As the pool is now. `groups`: with a role, besides those that were deployed. Raises Refused or Unreachable."""
    asked = {*site.registration.group_roles, *groups}
    if not site.registration.cognito or len(asked) < 2 or not any(grant.by is By.ROLE for grant in grants):
        return ()
    identity = site.identity
    ranks = identity.ranks(asked)
    if len(ranks) < 2:
        return ()
    members = dict(identity.members_of(ranks))
    found = not_carried(grants, ranks, members)
    if others := groups_that_make_up(grants, found) - members.keys():
        found = not_carried(grants, ranks, members | dict(identity.members_of(others)))
    return found


def tell_who_loses(site: Site, grants: Collection[Grant]) -> None:
    """Told once for the same people. What cannot be read or told now holds up nothing: the next look does it."""
    if len(site.registration.group_roles) < 2:
        return
    name = site.name
    try:
        found = who_loses(site, grants)
        words = [str(one) for one in found]
        if not words:
            over(site.services, name, _NAME)
            return
        told = words[:_MOST_TOLD] + ([f"and {len(words) - _MOST_TOLD} more"] if len(words) > _MOST_TOLD else [])
        alert = alert_table.ONE_ROLE_OF_TWO.of(
            name,
            f"somebody has less than their groups are granted: {'; '.join(told)}",
            detail={"found": words[:_MOST_TOLD]},
            about=of_person(found[0].entry) if len(found) == 1 else "",
        )
        tell_once(site.services, alert, "\n".join(words))
    except PortcullisError as error:
        log.warning("who is in two groups by role of %s could not be seen or told yet: %s", name, error)
