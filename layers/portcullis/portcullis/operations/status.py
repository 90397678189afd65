"""What a person on call sees: how a deployment is, what a plan would change, what was changed by hand. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from portcullis.custody.next_step import next_step
from portcullis.custody.rules import Rules
from portcullis.custody.telling import lacks_outside
from portcullis.custody.types import Custody, State
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.access.changing.looking import made_by_hand
from portcullis.operations.access.planning import compared_once_open
from portcullis.operations.remotes.moving.kept import all_under_way
from portcullis.operations.remotes.moving.unfinished import in_words
from portcullis.operations.services import Services
from portcullis.operations.telling import waiting as kept_to_tell
from portcullis.operations.watching.roads import opened_in_words
from portcullis.operations.watching.seeing import shut_in_words
from portcullis.operations.writing.standing import problems as standing_problems
from portcullis.ports.alerts import Alert
from portcullis.ports.ledger import Change
from portcullis.ports.places import shut_outside
from portcullis.ports.registration import Registration
from portcullis.signals.types import ACCOUNT
from portcullis.words import moment


@dataclass(frozen=True, slots=True)
class Status:
    """One deployment at a glance. `problems` in words; empty: nothing to do."""

    deployment: str
    registration: Registration
    custody: Custody
    watermark: datetime | None
    steps_waiting: int
    problems: tuple[str, ...]
    latest: tuple[Change, ...]
    blind: tuple[str, ...] = ()  # what we do not see, why, and since when
    without: tuple[str, ...] = ()  # measures of a lock that its place does not have
    next: str = ""  # the first thing to do, as a command; empty: nothing
    page: str = ""  # of it, in runbooks/
    roads: tuple[str, ...] = ()  # who else may be let in: what differs from what was deployed or accepted


def every(services: Services) -> list[dict[str, str]]:
    """All deployments in the ledger, a line each; also of one that cannot be read, and then with the reason."""
    return [_line(services, name) for name in services.ledger.deployments()]


def _line(services: Services, deployment: str) -> dict[str, str]:
    try:
        site, custody = services.site(deployment), services.ledger.custody(deployment)
    except Exception as error:  # damaged, or of a newer version: the others can be read
        return {
            "deployment": deployment,
            "domain": "unknown",
            "place": "unknown",
            "state": "unknown",
            "key": "unknown",
            "error": f"cannot be read: {error}",
        }
    return {
        "deployment": deployment,
        "domain": site.place.name,
        "place": f"{site.place.called} {site.place.name}",
        "state": custody.state.value,
        "key": custody.health.value,
    }


def status(services: Services, deployment: str) -> Status:
    site = services.site(deployment)
    custody = site.ledger.custody(deployment)
    untold = [*_untold(custody, services.now()), *map(_kept, kept_to_tell(services, deployment))]
    problems, moves = standing_problems(site), all_under_way(site)
    waiting, later = 0, tuple[str, ...]()
    try:
        if custody.state is not State.DELETED:  # then there is nothing to compare with
            now = compared_once_open(site, site.ledger.model(deployment))
            waiting, later = len(now.plan.steps), now.later
            problems += [str(conflict) for conflict in now.plan.conflicts]
            problems += now.plan.notes
    except PortcullisError as error:
        problems.append(str(error))
    blind, roads = shut_in_words(services, deployment), opened_in_words(services, deployment)
    then, page = next_step(custody)
    if not then and custody.state is not State.DELETED:
        to_deploy = not waiting and set(problems) <= set(later)
        asks = "cdk deploy" if to_deploy else f"portcullis plan {deployment}"
        then, page = _next_of_open(deployment, blind=blind, roads=roads, asks=asks if waiting or problems else "")
    if not then and moves and custody.state is State.OPEN:
        then, page = f"portcullis remote migrate {deployment} {moves[0].alias} --plan", "remote-migration"
    return Status(
        deployment,
        site.registration,
        custody,
        site.ledger.watermark(deployment),
        waiting,
        (*untold, *problems, *map(in_words, moves)),
        tuple(site.ledger.history(deployment, 5)),
        blind=blind,
        next=then,
        page=page,
        without=tuple(m.value for m in lacks_outside(shut_outside(site.place))),
        roads=roads,
    )


def _untold(custody: Custody, now: datetime) -> list[str]:
    """What custody could not tell anybody, for longer than the telling takes."""
    late = (one for one in custody.outbox if now - one.at > Rules().lease)
    return [
        f"{one.name.value} of {moment(one.at)} could not be told everybody: portcullis guard {custody.deployment} tries, and says why not"
        for one in late
    ]


def _kept(alert: Alert) -> str:
    return f"{alert.name} could not be told everybody yet, and the sweep tries: {alert.happened}"


def _next_of_open(deployment: str, *, blind: tuple[str, ...], roads: tuple[str, ...], asks: str) -> tuple[str, str]:
    """The command and the page where the gate itself asks for nothing: the gravest first."""
    if roads:
        return f"portcullis roads {deployment}", "another-road"
    if blind:
        return "portcullis eyes", "eyes-shut"
    return (asks, "drift") if asks else ("", "")


def drifted(services: Services, deployment: str) -> dict[str, Any]:
    """What was changed by hand on the engine."""
    site = services.site(deployment)
    state = site.ledger.custody(deployment).state
    if state is not State.OPEN:
        raise Refused(
            f"{deployment} is {state.value}: what the lock has shut is no drift; `portcullis guard` looks whether it holds"
        )
    return {"drift": [str(one) for one in made_by_hand(site)]}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries of the history are asked for. `by` is a part of the actor's name; what is empty chooses all."""

    operation: str = ""
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, change: Change) -> bool:
        return (
            self.operation in ("", change.operation)
            and self.by.casefold() in change.actor.casefold()
            and (self.since is None or change.at >= self.since)
            and (self.until is None or change.at < self.until)
        )


ALL = Chosen()
_FARTHEST = 1000  # entries that are looked through


def history(services: Services, deployment: str, limit: int, *, entry: str = "", chosen: Chosen = ALL) -> Any:
    """The latest changes, a few lines each, the latest first; or one of them, whole. `entry` is a number (1: the latest) or a time.

    The number of an entry is that in the whole history, whatever is chosen.
    """
    from portcullis.operations.access.rolling_back import entry_of, stamp

    if deployment != ACCOUNT:
        services.ledger.registration(deployment)
    if entry:
        return entry_of(services, deployment, entry)
    looked_through = services.ledger.history(deployment, limit if chosen == ALL else _FARTHEST)
    found = ((number, change) for number, change in enumerate(looked_through, 1) if chosen.takes(change))
    return [
        {
            "number": number,
            "entry": stamp(change),
            "at": change.at.isoformat(),
            "operation": change.operation,
            "cause": change.cause,
            "actor": change.actor,
            "summary": change.summary,
            "before": None if change.touched else change.before,
            "after": change.after,
            "can_be_undone": change.of_access,
        }
        for number, change in islice(found, limit)
    ]
