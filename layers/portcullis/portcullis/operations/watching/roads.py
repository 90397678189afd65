"""Another road to whoever is mapped: looked at with each sweep, and at once when an event says that one may have been opened.

What is found is compared with a baseline in the ledger: what was deployed, else what was found at the first look, else what a person
accepted since. A difference is told once, stands in the ledger with the time since when, and is over when it is taken back or accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from portcullis import model
from portcullis.access.plan import AccessModel, SubjectKind
from portcullis.correlation import carry
from portcullis.custody.types import State
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.scopes import AUTOMATION_ROLES, own_roles
from portcullis.operations.services import Services, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import keep_and_tell
from portcullis.operations.watching.seeing import UNSEEN, keep_unseen
from portcullis.ports.ledger import Change
from portcullis.ports.registration import Registration
from portcullis.ports.watch import Roads
from portcullis.signals.types import ACCOUNT, Signal
from portcullis.signals.watched import RESERVED_ROLE
from portcullis.watch.roads import Facts, Road, RoadKind, differences, plain, policy, trusted_providers, value
from portcullis.words import moment

BASELINE = Slot("roads-baseline", dict[str, Any])  # label -> what a road was when somebody meant it
OPENED = Slot("roads-opened", dict[str, Any])  # label -> what it was and is, of those that differ
_AT_ONCE = 4  # IAM and Cognito allow few calls a second
_GIVEN = "CreateAccountAssignment"
_PASSWORD, _READ, _ASSIGNED = "password-set", "secret-read", "assignment-changed"
_SET_UP = "portcullis-domain-setup"  # who reads the master's secret for us


def roads_of(registration: Registration, access: AccessModel) -> tuple[Road, ...]:
    """What leads to whoever is mapped on one domain, and to the domain itself."""
    granted = {grant.subject for grant in access.grants}
    roles = {one.name for one in granted if one.kind is SubjectKind.IAM_ROLE and _is_here(one.name, registration)}
    found = [
        *(Road(RoadKind.ROLE, role, own=True) for role in own_roles(registration)),
        *(Road(RoadKind.ROLE, role) for role in sorted(roles)),
    ]
    if registration.domain:
        found.append(Road(RoadKind.DOMAIN, registration.domain.name))
        found.append(Road(RoadKind.CONNECTIONS, registration.domain.arn))
    if cognito := registration.cognito:
        found += [Road(RoadKind.USER_POOL, cognito.user_pool), Road(RoadKind.USERS, cognito.user_pool)]
        if cognito.identity_pool:
            found.append(Road(RoadKind.IDENTITY_POOL, cognito.identity_pool))
    _, secret = registration.watched
    return (*found, Road(RoadKind.SECRET, secret)) if secret else tuple(found)


def _is_here(name: str, registration: Registration) -> bool:
    """Who may assume a role of another account only that account knows."""
    return not name.startswith("arn:") or name.split(":")[4] == registration.account


def look_at_roads(services: Services, deployment: str, cause: Trigger, signal: Signal | None = None) -> dict[str, Any]:
    """What leads to whoever is mapped, compared; what differs, since when, and whose doing it was as far as an event told."""
    if signal is not None:
        _tell_of_event(services, deployment, signal)
    if deployment == ACCOUNT:
        roads = tuple(Road(RoadKind.ROLE, role, own=True) for role in AUTOMATION_ROLES)
        return _compare(services, ACCOUNT, roads, {}, services.roads(None, None), cause)
    site = services.site(deployment)
    kept = site.ledger.model(deployment)
    roads = roads_of(site.registration, kept.access)
    left: tuple[str, ...] = ()
    if site.ledger.custody(deployment).state is not State.OPEN:  # a lock changes the domain itself; see custody
        left = (RoadKind.DOMAIN.value,)
        roads = tuple(road for road in roads if road.label not in left)
    look = services.roads(site.registration, kept.access)
    known, meant = _deployed(site.registration, kept.text)
    return _compare(services, deployment, roads, known, look, cause, left, meant)


def accept(services: Services, deployment: str, cause: Trigger, *, watch: str, reason: str = "") -> dict[str, Any]:
    """A person meant it: what differs is the baseline from now on. Refused if it is not what was told last."""
    opened: dict[str, Any] = dict(OPENED.saved(services.ledger, deployment) or {})
    if watch not in opened:
        known = ", ".join(sorted(opened)) or "nothing is open"
        raise BadInput(f"{watch!r} does not differ", source="request", place="watch", remedy=f"one of: {known}")
    told = opened[watch]["is"]
    now = look_at_roads(services, deployment, cause)
    if watch not in now:
        return {"deployment": deployment, "accepted": watch, "done": "it was taken back meanwhile: nothing to accept"}
    if now[watch]["is"] != told:
        raise Refused(f"{watch} of {deployment} changed again since it was told: look at it first (portcullis roads)")
    baseline = dict(BASELINE.saved(services.ledger, deployment) or {})
    baseline[watch] = told
    BASELINE.save(services.ledger, deployment, baseline)
    left = {label: one for label, one in now.items() if label != watch}
    OPENED.save(services.ledger, deployment, left)
    why = f": {reason}" if reason else ""
    said = f"accepted by {cause.actor}{why}: {watch}: {'; '.join(now[watch]['words'])}"
    services.ledger.record(
        Change(deployment, services.now(), "accept", cause.what, cause.actor, said[:1000], now[watch]["was"], told)
    )
    return {"deployment": deployment, "accepted": watch, "done": said}


def opened_in_words(services: Services, deployment: str) -> tuple[str, ...]:
    """What differs, for a deployment and for the account, as the last look found it."""
    both = (OPENED.saved(services.ledger, name) or {} for name in (ACCOUNT, deployment))
    return tuple(_words(label, one) for opened in both for label, one in sorted(opened.items()))


def unseen(services: Services, deployment: str) -> dict[str, Any]:
    """What may not be looked at, why, and since when, as the last look found it."""
    return UNSEEN.saved(services.ledger, deployment) or {}


def last_seen(services: Services, deployment: str) -> dict[str, Any]:
    """What each road was at the last look, by its label; nothing is asked of AWS. Empty where nobody looked yet."""
    opened = OPENED.saved(services.ledger, deployment) or {}
    return {
        **(BASELINE.saved(services.ledger, deployment) or {}),
        **{label: one["is"] for label, one in opened.items()},
    }


def told_by_events(services: Services, deployment: str) -> tuple[dict[str, Any], ...]:
    """What the domain's configuration has that it had not when it was deployed or accepted, where an event told of it: `in` which part,
    what it `is`, `since`, `event`, `by`. As the last look found it."""
    opened = OPENED.saved(services.ledger, deployment) or {}
    return tuple(opened.get(RoadKind.DOMAIN.value, {}).get("new", ()))


def _deployed(registration: Registration, text: str) -> tuple[dict[str, Any], frozenset[str]]:
    """What of the domain is known from its deployment, whoever looked first; and the connections that its file names."""
    network = registration.network
    found: dict[str, Any] = {"security_groups": [network.group]} if network else {}
    meant: frozenset[str] = frozenset()
    try:
        file = model.loads(text, registration.deployment)
        if isinstance(file, model.OnDomain):
            found["policy"] = policy(model.access_policy(file, registration.place.id))
            there = file.connections
            meant = frozenset((*there.read_by, *(f"{alias}: {arn}" for alias, arn in there.reads.items())))
    except BadInput:  # kept by an older version; then what was found first counts
        pass
    none: dict[str, list[str]] = {"read_by": [], "reads": []}
    return {RoadKind.DOMAIN.value: found, RoadKind.CONNECTIONS.value: none}, meant


def _compare(
    services: Services,
    deployment: str,
    roads: tuple[Road, ...],
    deployed: Mapping[str, Any],
    look: Roads,
    cause: Trigger,
    left: tuple[str, ...] = (),
    meant: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """`left`: what is not looked at now, and stays as it was when it was last seen. `meant`: connections that nobody has to be told of."""
    baseline: dict[str, Any] = dict(BASELINE.saved(services.ledger, deployment) or {})
    before: dict[str, Any] = OPENED.saved(services.ledger, deployment) or {}
    found = _found(roads, look)
    trusted = {one for facts in found.values() if isinstance(facts, Mapping) for one in _trusted(facts)}
    found |= _found(tuple(Road(RoadKind.PROVIDER, one) for one in sorted(trusted)), look)
    known = dict(baseline)
    now: dict[str, Any] = {label: before[label] for label in left if label in before}
    for road, facts in found.items():
        label = road.label
        if isinstance(facts, PortcullisError):  # no answer, or not allowed: as it was when it was last seen
            now |= {label: before[label]} if label in before else {}
            continue
        is_now = value(road, facts)
        if road.kind is RoadKind.CONNECTIONS and is_now is not None:
            is_now = {way: [one for one in there if one not in meant] for way, there in is_now.items()}
        if label not in known:
            if is_now is None:
                continue
            known[label] = {**is_now, **plain(deployed.get(label, {}))} if isinstance(is_now, dict) else is_now
        # What is as its deployment says is meant, also where that says something else than when somebody looked first.
        declared = plain(deployed.get(label, {}))
        if as_deployed := {part: one for part, one in declared.items() if (is_now or {}).get(part) == one}:
            known[label] = {**(known[label] or {}), **as_deployed}
        if is_now != known[label]:
            now[label] = _difference(services, before.get(label), known[label], is_now, cause)
    if known != baseline:
        BASELINE.save(services.ledger, deployment, known)
    keep_and_tell(
        services, deployment, OPENED, before, now, cause, lambda told: _tell(services, deployment, told, now, cause)
    )
    why = {road.label: _unseen(road, facts, known) for road, facts in found.items()} | dict.fromkeys(left)
    if not cause.at:  # whoever reacts to an event may look at less, by the rights of its function
        keep_unseen(services, deployment, {f"the road {label}": one for label, one in why.items()}, cause)
    return now


def _unseen(road: Road, facts: Facts | PortcullisError | None, known: Mapping[str, Any]) -> str | None:
    """Why a road may not be looked at; empty if it may, None if there was no answer.

    A granted role that nobody ever looked at is new in the file since the last deploy, which lets it be looked at: that is told with
    whoever has the grant.
    """
    if isinstance(facts, Unreachable):
        return None
    if not isinstance(facts, PortcullisError):
        return ""
    return str(facts) if road.label in known or road.own or road.kind is not RoadKind.ROLE else ""


def _trusted(facts: Facts) -> Iterable[str]:
    trust = facts.get("trust")
    return [one for one in trusted_providers(trust) if ":saml-provider/" in one or ":oidc-provider/" in one]


def _found(roads: tuple[Road, ...], look: Roads) -> dict[Road, Facts | PortcullisError | None]:
    def of(road: Road) -> Facts | PortcullisError | None:
        try:
            return look.look(road)
        except (Refused, Unreachable) as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE, initializer=carry()) as lookers:
        return dict(zip(roads, lookers.map(of, roads), strict=True))


def _difference(
    services: Services, before: Mapping[str, Any] | None, was: Any, is_now: Any, cause: Trigger
) -> dict[str, Any]:
    same = before is not None and before["is"] == is_now and before["was"] == was
    if same and before is not None:
        return dict(before)
    words = list(differences(was, is_now))
    new = list(_new(before or {}, was, is_now, cause))
    return {
        "since": services.now().isoformat(),
        "was": was,
        "is": is_now,
        "words": words,
        "by": cause.actor,
        **({"new": new} if new else {}),
    }


def _new(before: Mapping[str, Any], was: Any, is_now: Any, cause: Trigger) -> Iterable[Mapping[str, Any]]:
    """What stands in a list and did not: with the event that told of it, one by one, since a second change is not the first one's doing.
    What was seen first by a look that no event asked for is nobody's, nor is what one of ours wrote: a lock puts back what others made."""
    seen = before.get("is")
    told = bool(cause.at) and not _of_ours(cause.actor)
    if not (isinstance(was, Mapping) and isinstance(is_now, Mapping) and isinstance(seen, Mapping | None)):
        return
    for part, items in is_now.items():
        for item in items if isinstance(items, list) else ():
            if item in (was.get(part) or ()):
                continue
            known = next((one for one in before.get("new", ()) if one["in"] == part and one["is"] == item), None)
            if known:
                yield known
            elif told and item not in ((seen or {}).get(part) or ()):
                yield {"in": part, "is": item, "since": cause.at, "event": cause.what, "by": cause.actor}


def _of_ours(actor: str) -> bool:
    _, _, role = actor.partition(":assumed-role/")
    return role.partition("/")[0] in AUTOMATION_ROLES


def _words(label: str, one: Mapping[str, Any]) -> str:
    by = f" (seen because of {one['by']})" if one.get("by") else ""
    return f"since {moment(one['since'])}: {label}: {'; '.join(one['words'])}{by}"


def _tell(
    services: Services, deployment: str, before: Mapping[str, Any], now: Mapping[str, Any], cause: Trigger
) -> None:
    new = [_words(label, one) for label, one in sorted(now.items()) if before.get(label) != one]
    over = sorted(set(before) - set(now))
    if new:
        alert = alert_table.ANOTHER_ROAD.of(
            deployment,
            f"somebody else may be let in to {deployment}, or as somebody who is: {' | '.join(new)[:3000]}",
            detail={"roads": new},
        )
        services.alerts.tell(alert)
        services.ledger.record(
            Change(
                deployment, services.now(), "another road", cause.what, cause.actor, alert.happened[:1000], None, new
            )
        )
    if over and not now:
        said = f"{', '.join(over)} of {deployment} is again as it was deployed, found first or accepted"
        services.ledger.record(Change(deployment, services.now(), "road closed", cause.what, cause.actor, said))


def _tell_of_event(services: Services, deployment: str, signal: Signal) -> None:
    """What cannot be read back: that an administrator set a password, that somebody read one, that a permission set was given away."""
    who = signal.actor or "somebody whom the event does not name"
    if signal.name == _READ and f"/{_SET_UP}" in who:
        return
    if signal.name == _PASSWORD:
        said = f"{who} set or reset the password of {signal.subject} at {signal.at}, and may sign in as that user"
    elif signal.name == _READ:
        whose, _ = services.ledger.registration(deployment).watched
        said = f"{who} read the password of {whose} of {deployment} at {signal.at}"
    elif signal.name == _ASSIGNED and signal.detail.get("operation") == _GIVEN:
        said = (
            f"{who} gave somebody a permission set in Identity Center ({signal.subject}) at {signal.at}; if it is the one that a mapped "
            f"role ({RESERVED_ROLE}…) of {deployment} comes from, whoever has it takes that role"
        )
    else:
        return
    services.alerts.tell(alert_table.ROAD_USED.of(deployment, said, detail={"event": signal.event_id}))
    services.ledger.record(Change(deployment, services.now(), "road used", signal.event_id, who, said))
