"""The end of what somebody still holds who left a Cognito group with a role of its own.

A mapping of such a role does not change when a member leaves, so no difference tells of it. Who was in the group at the last look is
in the ledger, and whoever is missing at the next has left: by whichever event, or none. Signed out first, since a token of before still
fetches credentials of the role; then, where the deployment asks for it, the role's older sessions are denied. Both are written down before
they are done, and made up for by the next look, the sweep at the latest, if they cannot be done now: they hold up nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from portcullis.access.sessions import from_now_on
from portcullis.errors import PortcullisError
from portcullis.model.option_types import Options
from portcullis.operations import alert_table
from portcullis.operations.services import Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import kind_of, or_later, over, tell_once
from portcullis.ports.registration import KeptModel
from portcullis.words import many

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoleMembers:
    """Who was in the groups that have a role of their own: group -> entries."""

    members: dict[str, list[str]] = field(default_factory=dict)  # at the last look
    leaving: dict[str, list[str]] = field(default_factory=dict)  # who left since, and may still hold what they had
    denied: dict[str, list[str]] = field(
        default_factory=dict
    )  # of those, whose older sessions are denied, and who is not signed out


ROLE_MEMBERS = Slot("role-members", RoleMembers)


def end_what_leavers_hold(site: Site, options: Options, cause: Trigger) -> None:
    """Look who left a group that has a role, and end what they hold. The caller holds the lease.

    Raises Unreachable or Refused if the groups cannot be read; what cannot be ended is told, and tried again.
    """
    groups = site.registration.group_roles
    if not groups or not (options.end_sessions or options.deny_older_sessions):
        _nobody_asks(site)
        return
    saved = ROLE_MEMBERS.saved(site.ledger, site.name) or RoleMembers()
    now = {group: sorted(entries) for group, entries in site.identity.members_of(groups).items()}
    leaving = {
        group: sorted({*saved.leaving.get(group, ()), *set(saved.members.get(group, ())) - set(now[group])})
        for group in now
    }
    seen = RoleMembers(now, {group: who for group, who in leaving.items() if who}, saved.denied)
    if seen != saved:
        ROLE_MEMBERS.save(site.ledger, site.name, seen)
    if not seen.leaving:
        return
    # Whoever stays in the group signs in anew after each denial: where nobody can be signed out, one denial a leaver has to do.
    new = [group for group, who in seen.leaving.items() if set(who) - set(seen.denied.get(group, ()))]
    ended = _end(site, options, lambda: _everybody(seen.leaving.values()), seen.leaving, though_signed_in=new)
    if ended.failed:
        if ended.denied:
            denied = {**seen.denied, **{group: seen.leaving[group] for group in ended.denied}}
            ROLE_MEMBERS.save(site.ledger, site.name, replace(seen, denied=denied))
        log.warning("what %s still hold could not be ended yet: %s", ", ".join(seen.leaving), ended.failed)
        _tell(site, ended.failed)
        return
    done = str(ended)
    left = [f"{entry} left {group}" for group, who in sorted(seen.leaving.items()) for entry in who]
    site.record("end sessions", cause, done, after=left)
    ROLE_MEMBERS.save(site.ledger, site.name, RoleMembers(now))
    over(site.services, site.name, alert_table.SESSIONS_NOT_ENDED.name)


def _nobody_asks(site: Site) -> None:
    """The file asked for it once. Whoever waited to be ended then would keep a locked deployment shut, and nothing would ever end it."""
    if ROLE_MEMBERS.is_kept(site.ledger, site.name):
        ROLE_MEMBERS.forget(site.ledger, site.name)
        over(site.services, site.name, alert_table.SESSIONS_NOT_ENDED.name)


def still_to_be_ended(site: Site) -> tuple[str, ...]:
    """Groups that somebody left who may still hold what he had by them."""
    saved = ROLE_MEMBERS.saved(site.ledger, site.name) or RoleMembers()
    return tuple(sorted(saved.leaving))


def end_all(site: Site, kept: KeptModel) -> str:
    """Everybody's sessions, at a lock; what was done, in words. They stay ended when it is open again: people sign in anew."""
    identity, bounded = site.identity, _bounded(site)

    def people() -> set[str]:
        found = _everybody(identity.members_of(site.registration.group_roles).values())
        if kept.options.end_sessions:
            found |= _everybody(identity.members(kept.access.grants).whole().users.values())
        return found

    ended = _end(site, kept.options, people, bounded, though_signed_in=bounded)
    if ended.failed:
        raise ended.failed
    return str(ended)


@dataclass(frozen=True, slots=True)
class _Ended:
    """What was done to end what people hold. The two ways do not wait for each other; `failed` is what kept the first of them from it."""

    signed_out: int = 0
    denied: tuple[str, ...] = ()  # groups
    before: datetime | None = None
    failed: PortcullisError | None = None

    def __str__(self) -> str:
        done = f"{many(self.signed_out, 'person', 'people')} signed out"
        if not self.denied or self.before is None:
            return done
        return f"{done}; sessions of {', '.join(self.denied)} from before {self.before:%Y-%m-%dT%H:%M:%SZ} denied"


def _end(
    site: Site,
    options: Options,
    people: Callable[[], set[str]],
    groups: Collection[str],
    *,
    though_signed_in: Collection[str],
) -> _Ended:
    """`though_signed_in`: those of the groups whose older sessions are denied even where somebody could not be signed out."""
    signed_out, failed = 0, None
    try:
        signed_out = site.identity.end_sessions(sorted(people()))
    except PortcullisError as error:
        failed = error
    bounded = {
        group: role for group, role in _bounded(site).items() if group in (though_signed_in if failed else groups)
    }
    if not options.deny_older_sessions or not bounded:
        return _Ended(signed_out, failed=failed)
    # After the sign-out: from here on nobody can get another session with what he held before.
    before = from_now_on(site.now())
    try:
        site.identity.deny_older_sessions(sorted(bounded.values()), before)
    except PortcullisError as error:
        return _Ended(signed_out, failed=failed or error)
    return _Ended(signed_out, tuple(sorted(bounded)), before, failed)


def _bounded(site: Site) -> Mapping[str, str]:
    cognito = site.registration.cognito
    return cognito.bounded_roles if cognito else {}


def _everybody(entries: Iterable[Iterable[str]]) -> set[str]:
    return {entry for some in entries for entry in some}


def _tell(site: Site, error: PortcullisError) -> None:
    name = site.name
    alert = alert_table.SESSIONS_NOT_ENDED.of(
        name, f"somebody left a group of {name} that has a role, and what they still hold could not be ended: {error}"
    )
    with or_later("what people still hold", name):
        tell_once(site.services, alert, kind_of(error))
