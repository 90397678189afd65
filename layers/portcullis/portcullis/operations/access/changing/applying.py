"""From model to engine: which model counts, and what became of it. How it gets there is `road`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from portcullis.access.plan import Adopting, Plan
from portcullis.errors import Conflict, Overtaken, PortcullisError, Shut, Unreachable
from portcullis.operations.access.changing.road import Arrived, Replacing, Run
from portcullis.operations.people.asking import Asked, ask_subjects
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.standing import coming, forget_coming, in_force, is_in_force, refuse
from portcullis.ports.registration import KeptModel

log = logging.getLogger(__name__)


class Done(StrEnum):
    """What became of a change of access."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    WAITING = "waiting"  # the deployment is not open: done at unlock


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done."""

    deployment: str
    status: Done
    plan: Plan = field(default_factory=Plan)
    writes: int = 0
    asked: tuple[Asked, ...] = ()  # as those whose roles changed, where we can be them
    exit_status: int = 0  # 1: somebody who was asked as does not have what was written, or `keys_problem`
    keys: tuple[str, ...] = ()  # what was done to the keys that are offered to other clusters
    keys_problem: str = ""  # what was not, and why; the access is applied all the same
    put_back: tuple[str, ...] = ()  # of a rollback: what it undid, in words
    not_read: tuple[str, ...] = ()  # whose members could not be read, and why; all else is applied
    file_is_ahead: bool = False  # of a rollback: an earlier model is in force again, and whoever applies the file brings the later one back


def apply_model(
    site: Site,
    kept: KeptModel,
    cause: Trigger,
    *,
    adopt: Adopting = False,
    operation: str = "apply",
    expected: str = "",
    unlocking: bool = False,
) -> Outcome:
    """Bring the engine to what the model asks for. The caller holds the lease.

    A model that is not in force yet is written down as coming once it is known to lock nobody out, before the first write, and is in
    force once the engine holds what it asks for. Where it is refused, by whomever, it is remembered as refused, what it changed is taken
    back, and what stood before still stands.
    `expected` is the digest of a saved plan; `unlocking` is explained in `while_open`. Raises Refused if the engine moved since that
    plan was made, if the end state would lock somebody out who must not be, or if the engine will not take it; Conflict if others kept
    writing in between through all attempts; Unreachable if the engine stays silent, Shut if the deployment is not open all the while
    (what was begun is settled by the next run).
    """
    standing = in_force(site.services, site.name)
    run = partial(Run, site, kept, cause, operation, adopt=adopt, expected=expected, unlocking=unlocking)
    if is_in_force(standing, kept):
        forget_coming(site)
        return _outcome(site, kept, run().done())
    try:
        return _outcome(site, kept, run(new=Replacing(standing)).done())
    except (Shut, Overtaken):
        raise  # the next run goes on with it
    except (Unreachable, Conflict) as error:
        one = coming(site)
        if one is not None and one.exhausted:
            give_up(site, kept, error, cause, unlocking=unlocking)
        raise
    except Exception as error:
        give_up(site, kept, error, cause, unlocking=unlocking)
        raise


def keep_in_force(site: Site, kept: KeptModel, cause: Trigger, *, short: bool) -> Outcome:
    """Bring the engine to the model in force, which is this one, as `apply_model` does. `short`: look at what the groups touched alone,
    where that is enough."""
    return _outcome(site, kept, Run(site, kept, cause, "apply", unlocking=True, short=short, by_hand=True).done())


def give_up(site: Site, kept: KeptModel, why: Exception, cause: Trigger, *, unlocking: bool = False) -> None:
    """This model, which was coming, is refused, and what it changed is taken back. What cannot be taken back now, the next run does."""
    one = coming(site)
    if one is None or not is_in_force(one.model, kept):
        return  # it was refused before anything was written: of another one that is on its way that says nothing
    refuse(site, why)
    standing = in_force(site.services, site.name)
    if standing is None:
        return
    try:
        Run(site, standing, cause, "take back", unlocking=unlocking).done()
    except PortcullisError as error:
        log.warning("what a refused model had changed is taken back by the next run: %s", error)


def _outcome(site: Site, kept: KeptModel, arrived: Arrived) -> Outcome:
    """Besides what was read back: whether those have their roles whom we can ask as."""
    writes = arrived.writes
    asked = ask_subjects(site, kept, site.engine, arrived.before, arrived.after) if writes else ()
    status = 1 if any(one.lacks or one.keeps for one in asked) else 0
    done = Done.APPLIED if writes else Done.UNCHANGED
    return Outcome(site.name, done, arrived.plan, writes, asked, status, not_read=arrived.not_read)
