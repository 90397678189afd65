"""The verbs a person may call, each once: reached through the `operate` function, the command line and the runbooks alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portcullis import custody as machine
from portcullis.custody.types import Custody
from portcullis.errors import BadInput
from portcullis.operations import status as looking
from portcullis.operations.applying import Outcome
from portcullis.operations.deployments import apply_text
from portcullis.operations.guard import guard, rules_of
from portcullis.operations.redrive import redrive
from portcullis.operations.sweep import sweep
from portcullis.operations.synchronise import synchronise
from portcullis.operations.world import Cause, World

LOOK, ACT, DELETE = "look", "act", "delete"
LEVELS = (LOOK, ACT, DELETE)


@dataclass(frozen=True, slots=True)
class Verb:
    """`run(world, deployment, cause, **arguments)`, or without the deployment if the verb is not of one."""

    run: Callable[..., Any]
    level: str
    arguments: frozenset[str] = frozenset()
    of_deployment: bool = True


def _lock(world: World, deployment: str, cause: Cause, *, reason: str = "") -> Custody:
    return guard(world, deployment, cause, change=lambda c: machine.hold(c, cause.actor, reason, world.now()))


def _unlock(world: World, deployment: str, cause: Cause) -> Custody:
    return guard(world, deployment, cause, change=machine.release)


def _look_at_key(world: World, deployment: str, cause: Cause) -> Custody:
    return guard(world, deployment, cause)


def _break_glass(world: World, deployment: str, cause: Cause, *, reason: str = "", minutes: int = 30) -> Custody:
    rules = rules_of(world, world.ledger.registration(deployment))
    asked = _whole(minutes, "minutes")
    return guard(
        world,
        deployment,
        cause,
        change=lambda c: machine.open_break_glass(c, cause.actor, reason, asked, world.now(), rules),
    )


def _end_break_glass(world: World, deployment: str, cause: Cause) -> Custody:
    return guard(world, deployment, cause, change=machine.close_break_glass)


def _synchronise(world: World, deployment: str, cause: Cause) -> Outcome:
    return synchronise(world, deployment, cause)


def _apply(world: World, deployment: str, cause: Cause, *, text: str | None = None, adopt: bool = False) -> Outcome:
    return apply_text(world, deployment, text, cause, adopt=bool(adopt))


def _history(world: World, deployment: str, cause: Cause, *, limit: int = 20) -> Any:
    return world.ledger.history(deployment, _whole(limit, "limit"))


def _whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{value!r} is no whole number", source="request", place=name, remedy="e.g. 30") from None


VERBS: dict[str, Verb] = {
    "list": Verb(lambda world, cause: looking.every(world), LOOK, of_deployment=False),
    "status": Verb(lambda world, deployment, cause: looking.status(world, deployment), LOOK),
    "history": Verb(_history, LOOK, frozenset({"limit"})),
    "plan": Verb(looking.plan, LOOK, frozenset({"text", "adopt"})),
    "drift": Verb(lambda world, deployment, cause: looking.drifted(world, deployment), LOOK),
    "apply": Verb(_apply, ACT, frozenset({"text", "adopt"})),
    "synchronise": Verb(_synchronise, ACT),
    "guard": Verb(_look_at_key, ACT),
    "sweep": Verb(lambda world, cause: sweep(world), ACT, of_deployment=False),
    "lock": Verb(_lock, ACT, frozenset({"reason"})),
    "unlock": Verb(_unlock, ACT),
    "break-glass": Verb(_break_glass, ACT, frozenset({"reason", "minutes"})),
    "end-break-glass": Verb(_end_break_glass, ACT),
    "redrive": Verb(lambda world, cause: redrive(world), ACT, of_deployment=False),
}
