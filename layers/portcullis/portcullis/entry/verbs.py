"""The verbs a person may call, each once: reached through the `operate` function, the command line and the runbooks alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis import custody as machine
from portcullis.custody.types import Custody
from portcullis.errors import BadInput
from portcullis.operations import status as looking
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.applying import Outcome
from portcullis.operations.access.checking import check
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.integrations import integration_add
from portcullis.operations.access.masters import master_add, master_list, master_move
from portcullis.operations.access.rolling_back import rollback
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.deleting import delete
from portcullis.operations.custody.guard import guard, rules_of
from portcullis.operations.custody.shredding import Shredding, shred
from portcullis.operations.data.restorability import last_check, restorability
from portcullis.operations.data.snapshots import snapshot_list, snapshot_restore, snapshot_setup, snapshot_take
from portcullis.operations.keys import check as keys
from portcullis.operations.keys.rekeying import rekey, rekey_state
from portcullis.operations.redrive import redrive
from portcullis.operations.services import Services, Trigger
from portcullis.operations.sweep import sweep
from portcullis.operations.watching import roads as watching
from portcullis.operations.watching import seeing

LOOK, ACT, DELETE = "look", "act", "delete"
LEVELS = (LOOK, ACT, DELETE)
_LONGEST_REASON = 500
_LONGEST_HISTORY = 1000  # entries


@dataclass(frozen=True, slots=True)
class Verb:
    """`run(services, deployment, cause, **arguments)`, or without the deployment if the verb is not of one."""

    run: Callable[..., Any]
    level: str
    arguments: frozenset[str] = frozenset()
    of_deployment: bool = True


def _lock(services: Services, deployment: str, cause: Trigger, *, reason: str = "") -> Custody:
    why = _reason(reason)
    return guard(services, deployment, cause, change=lambda c: machine.hold(c, cause.actor, why, services.now()))


def _unlock(services: Services, deployment: str, cause: Trigger) -> Custody:
    return guard(services, deployment, cause, change=machine.release)


def _look_at_key(services: Services, deployment: str, cause: Trigger) -> Custody:
    return guard(services, deployment, cause)


def _break_glass(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    reason: str = "",
    minutes: int | str | None = None,
    write: bool | str = False,
) -> Custody:
    """`minutes` not given: as long as the deployment's file allows. It only reads, unless `write` says more."""
    rules = rules_of(services.site(deployment))
    longest = int(rules.break_glass_longest.total_seconds() // 60)
    writes = _yes_or_no(write, "write")
    why, asked = _reason(reason), longest if minutes in (None, "") else _whole(minutes, "minutes")
    if not 1 <= asked <= longest:
        raise BadInput(
            f"{asked} minutes is not how long break-glass may last",
            source="request",
            place="minutes",
            remedy=f"1 to {longest}, the most that the file of {deployment} allows (break_glass: {{minutes}})",
        )
    return guard(
        services,
        deployment,
        cause,
        change=lambda c: machine.open_break_glass(c, cause.actor, why, asked, services.now(), rules, write=writes),
    )


def _end_break_glass(services: Services, deployment: str, cause: Trigger) -> Custody:
    return guard(services, deployment, cause, change=machine.close_break_glass)


def _synchronise(services: Services, deployment: str, cause: Trigger) -> Outcome:
    return synchronise(services, deployment, cause)


def _apply(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    text: str | None = None,
    adopt: bool = False,
    expected: str = "",
    accept_new: Sequence[str] = (),
) -> Outcome:
    names = [accept_new] if isinstance(accept_new, str) else accept_new
    if not (isinstance(names, Sequence) and all(isinstance(name, str) and name for name in names)):
        raise BadInput("not a list of names", source="request", place="accept_new", remedy='e.g. ["anna"]')
    return apply_text(services, deployment, text, cause, adopt=bool(adopt), expected=expected, accept_new=names)


def _rollback(services: Services, deployment: str, cause: Trigger, *, entry: str) -> Outcome:
    return rollback(services, deployment, cause, entry=str(entry))


def _history(services: Services, deployment: str, cause: Trigger, *, limit: int = 20, entry: str = "") -> Any:
    if not 1 <= limit <= _LONGEST_HISTORY:
        raise BadInput(
            f"{limit} entries", source="request", place="limit", remedy=f"a whole number from 1 to {_LONGEST_HISTORY}"
        )
    return looking.history(services, deployment, limit, entry=entry)


def _roads(services: Services, deployment: str, cause: Trigger) -> dict[str, Any]:
    opened = watching.look_at_roads(services, deployment, cause)
    return {"deployment": deployment, "opened": opened, "exit_status": 3 if opened else 0}


def _accept(services: Services, deployment: str, cause: Trigger, *, watch: str, reason: str = "") -> dict[str, Any]:
    return watching.accept(services, deployment, cause, watch=str(watch), reason=_reason(reason) if reason else "")


def _shred_plan(services: Services, deployment: str, cause: Trigger) -> Shredding:
    return shred(services, deployment, cause)


def _reason(reason: Any) -> str:
    """Why, in words that a history and an alert can carry."""
    problem = f"a reason has 1 to {_LONGEST_REASON} characters"
    if isinstance(reason, str) and 0 < len(reason.strip()) <= _LONGEST_REASON:
        if reason.strip().isprintable():
            return reason.strip()
        problem = "a reason is one line, of signs that can be printed"
    raise BadInput(problem, source="request", place="reason", remedy="say why, as you would to an auditor")


def _whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{value!r} is no whole number", source="request", place=name, remedy="e.g. 30") from None


def _yes_or_no(value: Any, name: str) -> bool:
    """A runbook can only send text. Anything that is not plainly yes or no is no answer."""
    said = {True: True, False: False, "true": True, "false": False, "": False}.get(
        value.lower() if isinstance(value, str) else value if isinstance(value, bool) else None
    )
    if said is None:
        raise BadInput(f"{value!r} is neither true nor false", source="request", place=name, remedy="true or false")
    return said


VERBS: dict[str, Verb] = {
    "list": Verb(lambda services, cause: looking.every(services), LOOK, of_deployment=False),
    "status": Verb(lambda services, deployment, cause: looking.status(services, deployment), LOOK),
    "roads": Verb(_roads, LOOK),
    "eyes": Verb(lambda services, cause: seeing.look_everywhere(services, cause), LOOK, of_deployment=False),
    "history": Verb(_history, LOOK, frozenset({"limit", "entry"})),
    "plan": Verb(looking.plan, LOOK, frozenset({"text", "adopt"})),
    "check": Verb(check, LOOK, frozenset({"text", "source"})),
    "drift": Verb(lambda services, deployment, cause: looking.drifted(services, deployment), LOOK),
    "master-list": Verb(master_list, LOOK),
    "snapshot-list": Verb(snapshot_list, LOOK),
    "key-check": Verb(lambda services, deployment, cause: keys.key_check(services, deployment), LOOK),
    "key-status": Verb(lambda services, deployment, cause: keys.key_status(services, deployment), LOOK),
    "key-policy": Verb(keys.key_policy, LOOK, frozenset({"org_paths"})),
    "shred-plan": Verb(_shred_plan, LOOK),
    "re-key-state": Verb(lambda services, deployment, cause: rekey_state(services, deployment), LOOK),
    "restorability-state": Verb(lambda services, deployment, cause: last_check(services, deployment), LOOK),
    "accept": Verb(_accept, ACT, frozenset({"watch", "reason"})),
    "apply": Verb(_apply, ACT, frozenset({"text", "adopt", "expected", "accept_new"})),
    "adopt": Verb(adopt, ACT, frozenset({"text", "only", "without", "dry_run", "expected"})),
    "rollback": Verb(_rollback, ACT, frozenset({"entry"})),
    "master-add": Verb(master_add, ACT, frozenset({"principal", "text"})),
    "master-move": Verb(master_move, ACT, frozenset({"principal"})),
    "snapshot-setup": Verb(snapshot_setup, ACT),
    "snapshot-take": Verb(snapshot_take, ACT, frozenset({"name", "indices"})),
    "snapshot-restore": Verb(snapshot_restore, ACT, frozenset({"name", "indices", "prefix"})),
    "integration-add": Verb(integration_add, ACT, frozenset({"service", "role", "index", "text"})),
    "synchronise": Verb(_synchronise, ACT),
    "guard": Verb(_look_at_key, ACT),
    "sweep": Verb(lambda services, cause: sweep(services), ACT, of_deployment=False),
    "lock": Verb(_lock, ACT, frozenset({"reason"})),
    "unlock": Verb(_unlock, ACT),
    "break-glass": Verb(_break_glass, ACT, frozenset({"reason", "minutes", "write"})),
    "end-break-glass": Verb(_end_break_glass, ACT),
    "redrive": Verb(lambda services, cause: redrive(services), ACT, of_deployment=False),
    "restorability": Verb(restorability, ACT, frozenset({"wait"})),
    "re-key": Verb(rekey, ACT, frozenset({"to", "cancel"})),
    "delete": Verb(delete, DELETE, frozenset({"confirm", "snapshot", "cancel"})),
    "shred": Verb(shred, DELETE, frozenset({"confirm", "days", "yes"})),
}
