"""Delete a deployment: locked first, asked for by its name, after a final snapshot, seen to be gone, and what remains is said."""

from __future__ import annotations

from dataclasses import dataclass

from portcullis import custody as machine
from portcullis.custody.types import Custody, Measure, Progress, State
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.custody.guard import guard, rules_of
from portcullis.operations.data.repositories import registered
from portcullis.operations.data.snapshots import REPOSITORY
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import not_told_yet
from portcullis.ports.registration import Registration

_LONGEST_ROUNDS = 6  # of Rules.retry_after: three minutes in one call; a longer deletion is gone on with by the next


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far a deletion is. `remains` says what is left where, and what takes that away."""

    deployment: str
    state: State
    steps: dict[str, str]
    remains: tuple[str, ...]
    next: str
    exit_status: int


def delete(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    confirm: str = "",
    snapshot: bool = True,
    cancel: bool = False,
) -> Deletion:
    """Delete it, or go on with a deletion. `confirm` is its name once more. Raises Refused, and then nothing was deleted.

    It stays locked if it could not be deleted; `portcullis unlock` opens it again, and `cancel` calls a deletion off until the
    domain itself is being deleted. Without `snapshot` one that waits for its final snapshot goes on without it.
    """
    site = services.site(deployment)
    if cancel:
        return _told(site, guard(services, deployment, cause, change=machine.cancel_delete, by_person=True))
    if not site.registration.domain:
        raise Refused(
            f"{deployment} runs on a cluster that is not ours to delete: lock it, and delete it where it runs"
        )
    if confirm != deployment:
        raise Refused(f"to delete {deployment}, confirm it by its name: --confirm {deployment}. Nothing was done")
    custody = site.ledger.custody(deployment)
    if custody.state is State.DELETING and not snapshot:
        custody = guard(services, deployment, cause, change=machine.forgo_snapshot, by_person=True)
    if custody.state not in (State.DELETING, State.DELETED):
        # A lock shuts the taker of snapshots out; let in again, it sees for itself.
        if snapshot and custody.state is State.OPEN:
            _need_repository(site)
        if custody.state is not State.LOCKED:
            custody = _lock(services, deployment, cause)
        asked = site.now()
        custody = guard(
            services,
            deployment,
            cause,
            change=lambda c: machine.ask_delete(c, confirm, cause.actor, asked, snapshot=bool(snapshot)),
            by_person=True,
        )
    pause = rules_of(site).retry_after.total_seconds() + 1
    for _ in range(_LONGEST_ROUNDS):
        if custody.state is not State.DELETING:
            break
        site.sleep(pause)
        custody = guard(services, deployment, cause, by_person=True)
    return _told(site, custody)


def _need_repository(site: Site) -> None:
    """Asked before the lock: whoever cannot have his snapshot is told while the deployment is still open."""
    try:
        registered(site)
    except Refused as error:
        name = site.name
        remedy = f"or delete without one: portcullis delete {name} --confirm {name} --no-final-snapshot"
        raise Refused(f"{name} has no repository for a final snapshot ({error}); give it one, {remedy}") from error
    except PortcullisError as error:
        raise Refused(
            f"whether there is a repository for the final snapshot cannot be seen ({error}); nothing was done; "
            "if the domain can no longer be reached: --no-final-snapshot"
        ) from error


def _lock(services: Services, deployment: str, cause: Trigger) -> Custody:
    held = services.now()
    custody = guard(
        services,
        deployment,
        cause,
        change=lambda c: machine.hold(c, cause.actor, "its deletion was asked for", held),
        by_person=True,
    )
    if custody.state is not State.LOCKED:
        rules = rules_of(services.site(deployment))
        lacking = ", ".join(measure.value for measure in machine.lacking(custody, rules)) or custody.state.value
        raise Refused(
            f"{deployment} could not be locked whole (lacking: {lacking}); nothing was deleted and the lock goes on; "
            f"call it again, or open it: portcullis unlock {deployment}"
        )
    return custody


def _told(site: Site, custody: Custody) -> Deletion:
    ending = (Measure.FINAL_SNAPSHOT, Measure.DELETE_DOMAIN, Measure.VERIFY_GONE)
    steps = {
        measure.value: f"{record.progress.value}: {record.detail}".rstrip(": ")
        for measure in ending
        if (record := custody.measures.get(measure))
    }
    name = site.name
    final = custody.measures.get(Measure.FINAL_SNAPSHOT)
    going_on = [f"it goes on by itself but for the domain: portcullis delete {name} --confirm {name} again"]
    if not (custody.deletion and custody.deletion.begun):
        going_on.append(f"portcullis delete {name} --cancel until the domain itself is being deleted")
    if final and final.progress is Progress.FAILED:
        going_on.append(f"without the snapshot: portcullis delete {name} --confirm {name} --no-final-snapshot")
    next_ = {
        State.DELETED: f"portcullis shred {name} plans the destruction of its key; "
        f"cdk destroy portcullis-{name}-domain (after its termination protection is taken off) forgets the rest",
        State.DELETING: "; ".join(going_on),
    }.get(custody.state, f"portcullis status {name}")
    return Deletion(
        name,
        custody.state,
        steps,
        remains(site.registration, custody),
        next_ + not_told_yet(site.services, name),
        0 if custody.state is State.DELETED or custody.state is State.LOCKED else 1,
    )


def remains(registration: Registration, custody: Custody) -> tuple[str, ...]:
    """What a deletion leaves behind, and what takes it away. Pure."""
    record = custody.measures.get(Measure.FINAL_SNAPSHOT)
    final = record if record and record.progress is Progress.DONE else None
    name, region = registration.deployment, registration.region
    lines = []
    if registration.snapshots:
        taken = f"; the final one: {final.detail}" if final else "; no final one was taken"
        lines.append(
            f"snapshots in the bucket {registration.snapshots.bucket} (repository {REPOSITORY}){taken}. "
            "Delete the bucket's objects to be rid of them"
        )
    elif final:
        lines.append(f"{final.detail}, where that repository keeps it")
    lines += [
        "the automated snapshots of the domain are gone with it: Amazon keeps none of a deleted domain",
        f"the key {registration.key.arn}, as it was: portcullis shred {name} says what destroying it destroys",
        f"log groups /aws/OpenSearchService/domains/{registration.place.name}/* in {region}: they hold queries and audit lines",
        f"the ledger's history of {name} (400 days), its claims and its registration: portcullis history {name}",
        "the user pool, roles and alarms of its stacks: cdk destroy takes them; pool and bucket are kept even then",
        "backups that people made elsewhere: nobody here knows of them",
    ]
    return tuple(lines)
