"""Do we still see? What we see by is looked at with each sweep, and at once when an event says that somebody may have shut our eyes.

What must be there was written down by the stacks when they were deployed: of the account under `account`, of a deployment with its
registration. What is shut is told when it changes, and stands in the ledger with the time since when, for `status`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from portcullis import typed
from portcullis.correlation import carry
from portcullis.custody.types import Health, Observation
from portcullis.errors import BadInput, PortcullisError, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import keep_and_tell, untold
from portcullis.ports.ledger import Change
from portcullis.signals.types import ACCOUNT, Signal
from portcullis.signals.watched import OUR_PREFIX
from portcullis.watch.eyes import MADE_OF, Eye, blind
from portcullis.words import moment

# In the ledger: what must be there; what is shut; what the functions are made of.
EYES = Slot("eyes", str)  # what the account is seen by, as the stacks wrote it
BLIND = Slot("blind", dict[str, Any])  # label -> since when it is shut, why, and by whom
UNSEEN = Slot("roads-unseen", dict[str, Any])  # the same as `blind`, of roads that may not be looked at
CODE = Slot("code", dict[str, Any])  # function -> what it was made of when it was deployed
_AT_ONCE = 8
_PURGED = "queue-purged"
_KEY = "the key"  # an eye of each deployment: every question has a right of its own, and one that is gone shows in no answer


def eyes_of(text: str | None) -> tuple[Eye, ...]:
    """What the stacks wrote down. BadInput if it cannot be read."""
    try:
        return tuple(typed.of_json(text or "[]", list[Eye]))
    except msgspec.DecodeError as error:
        raise BadInput(f"what we see by is not as expected: {error}", source="custom resource", place="Eyes") from None


def keep_eyes(services: Services, text: str) -> int:
    """What the account is to be seen by from now on; how many. What the functions are made of is kept as it is now where the stacks have
    just deployed something else, and as it was known where they have not."""
    eyes = eyes_of(text)
    EYES.save(services.ledger, ACCOUNT, text)
    _with_made_of(services, ACCOUNT, eyes)
    return len(eyes)


def forget_eyes(services: Services, cause: Trigger) -> None:
    """The stack that says what we see by is gone. Told first: nobody looks any more whether we see."""
    if not EYES.is_kept(services.ledger, ACCOUNT):
        return
    services.alerts.tell(
        alert_table.EYES_UNWATCHED.of(
            ACCOUNT,
            "nobody looks any more whether Portcullis still sees: the stack portcullis-observability was deleted",
        )
    )
    EYES.forget(services.ledger, ACCOUNT)
    for slot in (BLIND, UNSEEN):
        slot.forget(services.ledger, ACCOUNT)
        untold(slot).forget(services.ledger, ACCOUNT)
    CODE.forget(services.ledger, ACCOUNT)


def look_at_account(services: Services, cause: Trigger, signal: Signal | None = None) -> dict[str, Any]:
    """Whether what all deployments are seen by is as it must be; what is shut, and since when."""
    if signal is not None and signal.name == _PURGED:
        _purged(services, signal)
    text = EYES.saved(services.ledger, ACCOUNT)
    found = _look(services, ACCOUNT, eyes_of(text) if text else (), cause)
    for registration in services.ledger.registrations() if signal is not None else ():
        # What is a deployment's own is called so: its rules and alarms. Another of which the event says nothing is not looked at.
        if f":{OUR_PREFIX}{registration.deployment}-" in (signal.subject or "" if signal else ""):
            look_at_own(services.at(registration), cause)
    return found


def look_at_own(site: Site, cause: Trigger, seen: Observation | None = None) -> dict[str, Any]:
    """The same of what one deployment alone is seen by: its rules, and the questions that its key is asked. `seen`: a look at the key that
    was just taken."""
    key = seen or site.keys.observe(site.registration)
    return _look(site.services, site.name, eyes_of(site.registration.eyes), cause, {_KEY: _unasked(key)})


def _unasked(key: Observation) -> str | None:
    """Which questions a key may not be asked; empty if all may, None where one of them had no answer."""
    if key.refused:
        return f"may not be asked all: not authorized to perform: {', '.join(key.refused)}"
    return None if any(probe.health is Health.UNREACHABLE for probe in key.probes) else ""


def look_everywhere(services: Services, cause: Trigger) -> dict[str, Any]:
    """All of it, for a person: deployment (or account) -> what is shut, why, and since when. `exit_status` is 3 if anything is."""
    found = {ACCOUNT: look_at_account(services, cause)}
    for registration in services.ledger.registrations():
        found[registration.deployment] = look_at_own(services.at(registration), cause)
    watched = EYES.is_kept(services.ledger, ACCOUNT)
    return {"shut": found, "watched": watched, "exit_status": 3 if any(found.values()) or not watched else 0}


def shut_in_words(services: Services, deployment: str) -> tuple[str, ...]:
    """What we do not see of a deployment, and of the account, as the last look found it."""
    both = (_shut(services, name) for name in (ACCOUNT, deployment))
    return tuple(_words(label, one) for shut in both for label, one in sorted(shut.items()))


def _shut(services: Services, deployment: str) -> dict[str, Any]:
    return {
        label: one for slot in (UNSEEN, BLIND) for label, one in (slot.saved(services.ledger, deployment) or {}).items()
    }


def keep_unseen(services: Services, deployment: str, why: Mapping[str, str | None], cause: Trigger) -> None:
    """Roads that may not be looked at, by their labels: what we may not look at we do not see. None: nobody looked now, or there was no
    answer; it stays as it was. Told like everything that we do not see."""
    before: dict[str, Any] = UNSEEN.saved(services.ledger, deployment) or {}
    now = _now(services, before, why, cause)
    keep_and_tell(
        services, deployment, UNSEEN, before, now, cause, lambda told: _tell(services, deployment, told, cause)
    )


def _now(
    services: Services, before: Mapping[str, Any], found: Mapping[str, str | None], cause: Trigger
) -> dict[str, Any]:
    """What is shut, of what was found of each: why, empty if it sees, None if nobody knows now."""
    now: dict[str, Any] = {}
    for label, why in found.items():
        known = before.get(label)
        if why is None:  # as it was when there last was an answer
            now |= {label: known} if known else {}
        elif why:
            since = known["since"] if known else _since(services, cause)
            now[label] = {"since": since, "why": why, "by": known["by"] if known else cause.actor}
    return now


def _look(
    services: Services,
    deployment: str,
    eyes: Iterable[Eye],
    cause: Trigger,
    also: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, Any]:
    """`also`: what else is seen by, and why it does not see, as `_why` says it."""
    before: dict[str, Any] = BLIND.saved(services.ledger, deployment) or {}
    eyes = _with_made_of(services, deployment, eyes)
    with ThreadPoolExecutor(_AT_ONCE, initializer=carry()) as lookers:
        seen = dict(zip((eye.label for eye in eyes), lookers.map(lambda eye: _why(services, eye), eyes), strict=True))
    now = _now(services, before, {**seen, **also}, cause)
    keep_and_tell(
        services, deployment, BLIND, before, now, cause, lambda told: _tell(services, deployment, told, cause)
    )
    return now


def _with_made_of(services: Services, deployment: str, eyes: Iterable[Eye]) -> tuple[Eye, ...]:
    """The eyes, and with those that are functions what they must be made of: as it was when they were seen first after the stacks deployed
    them. The stacks say which deployment that was, and only AWS knows the rest. Where there is no answer the next look has to do."""
    known: Mapping[str, Any] = CODE.saved(services.ledger, deployment) or {}
    now: dict[str, Any] = {}
    found: list[Eye] = []
    for eye in eyes:
        deployed = eye.wants.get("deployed")
        seen = known.get(eye.name)
        if deployed and (not seen or seen["deployed"] != deployed):
            made_of = _made_of(services, eye)
            seen = {"deployed": deployed, "made_of": made_of} if made_of else None
        if deployed and seen:
            now[eye.name] = seen
            found.append(replace(eye, wants={**eye.wants, "made_of": seen["made_of"]}))
        else:
            found.append(eye)
    if now != known:
        CODE.save(services.ledger, deployment, now)
    return tuple(found)


def _made_of(services: Services, eye: Eye) -> dict[str, Any]:
    try:
        facts = services.eyes.look(eye) or {}
    except PortcullisError:
        return {}
    return {part: facts[part] for part in MADE_OF if part in facts}


def _why(services: Services, eye: Eye) -> str | None:
    """Why it does not see; empty if it does, None if that could not be asked now. What we may not look at we do not see by."""
    try:
        return blind(eye, services.eyes.look(eye))
    except Unreachable:
        return None
    except PortcullisError as error:
        return str(error)


def _since(services: Services, cause: Trigger) -> str:
    """When it happened, where an event says so; else when it was seen."""
    try:
        at = datetime.fromisoformat(cause.at.replace("Z", "+00:00"))
    except ValueError:
        return services.now().isoformat()
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), services.now()).isoformat()


def _words(label: str, one: Mapping[str, Any]) -> str:
    by = f", seen because of {one['by']}" if one.get("by") else ""
    return f"since {moment(one['since'])}: {label} {one['why']}{by}"


def _tell(services: Services, deployment: str, before: Mapping[str, Any], cause: Trigger) -> None:
    now = _shut(services, deployment)
    whose = "this account" if deployment == ACCOUNT else deployment
    if now:
        words = [_words(label, one) for label, one in sorted(now.items())]
        alert = alert_table.EYES_SHUT.of(
            deployment,
            f"Portcullis does not see all of {whose} any more: {'; '.join(words[:20])}",
            detail={"shut": words},
        )
    else:
        alert = alert_table.EYES_OPEN.of(
            deployment, f"Portcullis sees all of {whose} again: {', '.join(sorted(before))}"
        )
    services.alerts.tell(alert)
    services.ledger.record(
        Change(
            deployment,
            services.now(),
            alert.name,
            cause.what,
            cause.actor,
            alert.happened[:1000],
            dict(before),
            dict(now),
        )
    )


def _purged(services: Services, signal: Signal) -> None:
    """Emptied once, and as it must be a moment later: the event is all there is to see of it."""
    services.alerts.tell(
        alert_table.EVENTS_THROWN_AWAY.of(
            ACCOUNT,
            f"{signal.actor or 'somebody'} emptied {signal.subject} at {signal.at}: the events in it are gone",
            detail={"event": signal.event_id, "detail": json.dumps(signal.detail)[:1000]},
        )
    )
