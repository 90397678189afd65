"""Sweep: read the whole truth of every deployment, for what no event told. Of each its key first: that weighs more than a member."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from portcullis.access.drift import Drift
from portcullis.correlation import concerning
from portcullis.custody.types import Observation, State
from portcullis.errors import PortcullisError
from portcullis.operations import alert_table
from portcullis.operations.access.changing.drifting import tell_drift
from portcullis.operations.access.changing.looking import made_by_hand
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.data.restorability import keep_restorable
from portcullis.operations.keys.rotating import rotate_when_due
from portcullis.operations.pages import ask_for_page
from portcullis.operations.people.following_secrets import follow_secrets
from portcullis.operations.people.role_choice import keep_role_choice
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import (
    kind_of,
    or_later,
    over,
    tell_and_remember,
    tell_kept,
    tell_once,
    was_told,
)
from portcullis.operations.watching.roads import look_at_roads
from portcullis.operations.watching.seeing import look_at_account, look_at_own
from portcullis.signals.types import ACCOUNT

log = logging.getLogger(__name__)
_AT_ONCE = 16  # deployments looked at side by side: nearly all of the time is waiting for answers
_CAUSE = Trigger("sweep", "portcullis")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found of one deployment. `drift` in words; `error` if the deployment could not be swept whole; `not_seen_to` says
    what else could not be done, and why: the key was read all the same, and all of access that could be."""

    deployment: str
    state: str = ""
    health: str = ""
    drift: tuple[str, ...] = ()
    steps: int = 0
    error: str = ""
    not_seen_to: tuple[str, ...] = ()


def sweep(services: Services) -> list[Swept]:
    """Sweep all deployments. One that fails, of whatever kind, is told and does not keep the others from being swept."""
    names = list(services.ledger.deployments())
    try:
        _look_at_dead_letters(services, names)
    except Exception as error:  # the queues are no deployment's: none waits for them
        log.warning("the dead letters could not be looked at: %s", _said(error))
    looks: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: look_at_account(services, _CAUSE), "whether we still see"),
        (lambda: look_at_roads(services, ACCOUNT, _CAUSE), "who may become what we are"),
    )
    for look, what in looks:
        try:
            look()
        except Exception as error:
            log.warning("%s could not be looked at: %s", what, _said(error))
    with ThreadPoolExecutor(_AT_ONCE) as sweepers:
        return list(sweepers.map(lambda name: _sweep_one(services, name), names))


def sweep_and_tell(services: Services) -> list[dict[str, Any]]:
    """Sweep all deployments; what was found, as a function answers."""
    found: list[dict[str, Any]] = msgspec.to_builtins(sweep(services))
    return found


def _look_at_dead_letters(services: Services, names: list[str]) -> None:
    """Dead letters are told by whoever buries them; this finds those that the queue itself moved, and those still lying there."""
    if not names:
        return
    account = names[0]  # the queues are the account's; an alert has a deployment to be remembered by
    lying = {queue: services.dead_letters.waiting(queue) for queue in ("identity", "key")}
    waiting = ", ".join(f"{count} of the {queue} queue" for queue, count in lying.items() if count)
    if not waiting:
        over(services, account, "dead-letters-waiting")
        return
    alert = alert_table.DEAD_LETTERS_WAITING.of(account, f"events lie in the dead letters of this account: {waiting}")
    tell_once(services, alert, waiting)


def _sweep_one(services: Services, name: str) -> Swept:
    """Key, access and chores of one deployment. Each is tried though another failed: what cannot be told keeps nobody in."""
    concerning(name)
    found: tuple[Drift, ...] = ()
    steps, errors, left = 0, _Errors(), list[str]()
    looks: list[Observation] = []
    with errors.of("key"):
        guard(services, name, _CAUSE, saw=looks.append)
    with errors.of("eyes"):
        look_at_own(services.site(name), _CAUSE, looks[-1] if looks else None)
    with errors.of("roads"):
        look_at_roads(services, name, _CAUSE)
    with errors.of("custody"):
        state = services.ledger.custody(name).state
    if not errors.at("custody") and state is State.OPEN:
        with errors.of("drift"):
            site = services.site(name)
            found = tell_drift(site, made_by_hand(site), _CAUSE)
        with errors.of("access"):
            done = synchronise(services, name, _CAUSE)
            steps = len(done.plan.steps)
            left += [f"access: {words}" for words in done.not_read]
        with errors.of("chores"):
            left += _chores(services.site(name))
    if not errors.at("custody") and state not in (State.DELETING, State.DELETED):
        with errors.of("page"):  # locked, too: whoever is on call wants it most then
            left += _see_to(services.site(name), ask_for_page, "page")
    with errors.of("alerts"), or_later("what was kept to be told", name):
        tell_kept(services, name)  # last: what a chore was cut off in is done by now
    drift, not_seen_to = tuple(str(one) for one in found), tuple(left)
    if errors:
        _tell_failed(services, name, errors)
        return Swept(name, error=str(errors), drift=drift, steps=steps, not_seen_to=not_seen_to)
    with errors.of("ledger"):
        over(services, name, "sweep-failed")
        now = services.ledger.custody(name)
        return Swept(name, now.state.value, now.health.value, drift, steps, not_seen_to=not_seen_to)
    return Swept(name, error=str(errors), not_seen_to=not_seen_to)


class _Errors:
    """What went wrong in which part of one deployment's sweep."""

    def __init__(self) -> None:
        self._found: dict[str, Exception] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # What is refused or does not answer says so itself; for anything else the place is needed to mend it.
            log.warning("%s: %s", part, _said(error), exc_info=not isinstance(error, PortcullisError))
            self._found[part] = error

    def at(self, part: str) -> bool:
        return part in self._found

    def __bool__(self) -> bool:
        return bool(self._found)

    def __str__(self) -> str:
        return "; ".join(dict.fromkeys(_said(error) for error in self._found.values()))

    @property
    def kinds(self) -> str:
        """What is told once."""
        return ", ".join(f"{part}: {kind_of(error)}" for part, error in self._found.items())


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, PortcullisError) else f"{type(error).__name__}: {str(error)[:500]}"


def _tell_failed(services: Services, name: str, errors: _Errors) -> None:
    """Told once; each time where the ledger does not say whether it was. Where it cannot be sent it is in the log and in what the sweep
    answers."""
    alert = alert_table.SWEEP_FAILED.of(name, f"the sweep could not read the whole truth of {name}: {errors}")
    try:
        known = was_told(services, alert, errors.kinds)
    except Exception as error:
        log.warning("whether the failed sweep was told is not known: %s", _said(error))
        known = False
    try:
        if not known:
            tell_and_remember(services, alert, errors.kinds)
    except Exception as error:
        log.warning("the failed sweep could not be told, or not that it was: %s", _said(error))


def _chores(site: Site) -> list[str]:
    """What is due besides: none of it may keep the sweep from having read the truth of access and key. What could not be done, in words."""
    chores = (
        (follow_secrets, "passwords"),
        (keep_role_choice, "choice of roles"),
        (rotate_when_due, "rotation"),
        (keep_restorable, "snapshots"),
        (look_after_keys, "remotes"),
    )
    return [words for chore, what in chores for words in _see_to(site, chore, what)]


def _see_to(site: Site, chore: Callable[[Site, Trigger], object], what: str) -> list[str]:
    kind = alert_table.NOT_SEEN_TO[what.replace(" ", "-")]
    try:
        chore(site, _CAUSE)
        over(site.services, site.name, kind.name)
    except Exception as error:
        log.warning("%s of %s: %s", what, site.name, _said(error))
        happened = f"the sweep could not see to the {what} of {site.name}: {_said(error)}"
        alert = kind.of(site.name, happened)
        try:
            tell_once(site.services, alert, kind_of(error))
        except PortcullisError as untold:  # the other chores wait for no alert
            log.warning("that could not be told: %s", untold)
        return [f"{what}: {_said(error)}"]
    return []
