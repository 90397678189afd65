"""A sign-in gets the role that its token names, or none: where somebody changed that, it is put back and told.

Once it is back no later look finds that it was another. So it is kept to be told before it is put back.
"""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.errors import Refused
from portcullis.operations import alert_table
from portcullis.operations.services import Site, Trigger
from portcullis.operations.telling import keep_no_more, keep_to_tell, tell_or_keep
from portcullis.ports.alerts import Alert


def keep_role_choice(site: Site, cause: Trigger) -> None:
    """Raises Refused or Unreachable if it could not be looked at or put back."""
    pool = site.registration.cognito.identity_pool if site.registration.cognito else None
    if not pool:
        return
    kept: list[Alert] = []

    def about_to_be_put_back(clients: Sequence[str]) -> None:
        kept.append(_alert(site, pool, clients))
        keep_to_tell(site.services, kept[0])

    try:
        changed = site.identity.choose_roles_by_token(pool, about_to_be_put_back)
    except Refused:
        for alert in kept:
            keep_no_more(site.services, alert)  # it is as it was: the next look finds it
        raise
    if changed:
        tell_or_keep(site.services, kept[0])  # first: should the ledger not answer, it is found by no later look
        site.record("drift", cause, kept[0].happened[:1000], after=changed)


def _alert(site: Site, pool: str, clients: Sequence[str]) -> Alert:
    return alert_table.ROLE_CHOICE_CHANGED.of(
        site.name,
        f"the identity pool {pool} of {site.name} did not choose the role by the token for {', '.join(clients)}: "
        "whoever signed in through it may have had a role that none of their groups has",
        detail={"clients": list(clients)},
    )
