"""Snapshots on a schedule, and the proof that they can be restored: a sample brought back under another name, compared, taken away.

The comparison is exact though the original goes on changing: a snapshot keeps the sequence numbers of writes, so every document
whose last write the snapshot covers has to be there, as it was written, and what was written later is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portcullis.custody.types import State
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.families.base import RESTORED
from portcullis.model.option_types import SnapshotOptions
from portcullis.operations import alert_table
from portcullis.operations.data.repositories import registered
from portcullis.operations.data.snapshots import REPOSITORY
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import over, tell_once
from portcullis.operations.waiting import looks
from portcullis.ports.data import Document, Documents

SCHEDULED = "scheduled"
_FAILED = "snapshot-failed"
_DUE = Slot("snapshot-due", datetime)
_LONGEST = timedelta(hours=6)  # for a sample to come back
_SHOWN = 10
_LOOKS, _BETWEEN_S = 60, 3  # three minutes in one call


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found. It holds if nothing is lost and nothing changed; `later` was written after the snapshot."""

    documents: int = 0  # restored
    same: int = 0
    later: int = 0
    lost: tuple[str, ...] = ()  # ids: covered by the snapshot, not in what was restored
    changed: tuple[str, ...] = ()  # ids: the same write, another content

    @property
    def holds(self) -> bool:
        return not self.lost and not self.changed

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.documents + other.documents,
            self.same + other.same,
            self.later + other.later,
            self.lost + other.lost,
            self.changed + other.changed,
        )

    def __str__(self) -> str:
        wrong = [
            f"{what}: {', '.join(ids[:_SHOWN])}"
            for what, ids in (("lost", self.lost), ("changed", self.changed))
            if ids
        ]
        return f"{self.documents} documents restored, {self.same} the same, {self.later} written later" + "".join(
            f"; {one}" for one in wrong
        )


class Stand(StrEnum):
    """How a check stands."""

    NEVER = "never"
    RESTORING = "restoring"
    HOLDS = "holds"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Check:
    """The check under way, or how the last one ended. `at`: when it began, or ended."""

    state: Stand
    index: str
    snapshot: str
    at: datetime
    detail: str


CHECK = Slot("restore-check", Check)


@dataclass(frozen=True, slots=True)
class Restorability:
    """How a check stands, as it is shown."""

    deployment: str
    state: Stand
    index: str = ""
    snapshot: str = ""
    at: str = ""
    detail: str = ""
    exit_status: int = field(default=0)


def compare_shard(live: Iterable[Document], restored: Iterable[Document], covered: int) -> Compared:
    """One shard of the original, read after it was restored, against the restored one, whose last write is number `covered`. Pure."""
    came_back = {one.identifier: one for one in restored}
    same, later, lost, changed = 0, 0, [], []
    for one in live:
        if one.sequence > covered:
            later += 1
        elif (other := came_back.get(one.identifier)) is None or other.sequence != one.sequence:
            lost.append(one.identifier)
        elif other.digest != one.digest:
            changed.append(one.identifier)
        else:
            same += 1
    return Compared(len(came_back), same, later, tuple(lost), tuple(changed))


def compare_indices(documents: Documents, index: str, restored: str) -> Compared:
    """Shard by shard: only two shards are held in memory."""
    shards = documents.shards(index)
    if documents.shards(restored) != shards:
        raise Refused(f"{index} was made again with {shards} shards since the snapshot: it cannot be compared with it")
    total = Compared()
    for shard in range(shards):
        came_back = documents.of_shard(restored, shard)
        live = documents.of_shard(index, shard)
        total += compare_shard(live, came_back, documents.last_sequence(restored, shard))
    return total


def restorability(services: Services, deployment: str, cause: Trigger, *, wait: bool = True) -> Restorability:
    """Check it now, or go on with a check. `wait`: until the sample is back (at most three minutes in one call)."""
    site = services.site(deployment)
    site.registration.refuse_elsewhere()
    _open_or_refuse(services, deployment)
    _begin(site)
    for _ in looks(_LOOKS if wait else 1, _BETWEEN_S, site.sleep):
        found = _go_on(site, cause)
        if found.state is not Stand.RESTORING:
            break
    return found


def last_check(services: Services, deployment: str) -> Restorability:
    """How the last check ended, or how far the one under way is. Refused where there can be none."""
    services.ledger.registration(deployment).refuse_elsewhere()
    kept = CHECK.saved(services.ledger, deployment)
    if kept is None:
        return Restorability(deployment, Stand.NEVER)
    status = 1 if kept.state is Stand.FAILS else 0
    return Restorability(
        deployment, kept.state, kept.index, kept.snapshot, kept.at.isoformat(), kept.detail, exit_status=status
    )


def keep_restorable(site: Site, cause: Trigger) -> str:
    """What the sweep does for an open deployment: a snapshot if one is due, a check if one is due, or the next step of one.

    What the engine refuses is told and not raised: it says nothing of the deployment's access. Raises Unreachable.
    """
    if site.registration.snapshots is None:
        return ""
    name, options = site.name, _options(site)
    done = []
    if every_hours := options.every_hours:
        try:
            done.append(_take_when_due(site, timedelta(hours=every_hours)))
        except Refused as error:
            _tell_failed(site.services, name, f"no snapshot can be taken: {error}", str(error))
    if options.restore_sample:
        kept, now = CHECK.saved(site.ledger, name), site.now()
        every = timedelta(days=options.check_days)
        if kept and kept.state is Stand.RESTORING:
            done.append(_go_on(site, cause).detail)
        elif not kept or now - kept.at >= every:
            try:
                _begin(site)
            except Refused as error:
                _overdue(site, kept, every, str(error))
    return "; ".join(one for one in done if one)


def _take_when_due(site: Site, every: timedelta) -> str:
    """Due by the time of the last one that the engine lists: so a run that was cut off takes none twice.

    Until then the engine is not asked, for which the ledger keeps the time.
    """
    name, now = site.name, site.now()
    due = _DUE.saved(site.ledger, name)
    if due and now < due:
        return ""
    snapshots = registered(site)
    listed = snapshots.listed(REPOSITORY)
    if any(one["state"] == "IN_PROGRESS" for one in listed):
        return ""
    last = max((_time(one["start"]) for one in listed if one["state"] == "SUCCESS"), default=None)
    if last is not None and now - last < every:
        over(site.services, name, _FAILED)
        _DUE.save(site.ledger, name, last + every)
        return ""
    failed = [one["snapshot"] for one in listed if one["state"] in ("FAILED", "PARTIAL")]
    if failed and (last is None or now - last > 2 * every):
        _tell_failed(
            site.services,
            name,
            f"no snapshot succeeded since {last or 'the beginning'}; {failed[-1]} failed",
            failed[-1],
        )
    taken = f"{SCHEDULED}-{now:%Y%m%d-%H%M%S}"
    snapshots.take(REPOSITORY, taken, "*,-.*")
    return f"snapshot {taken} begun"


def _tell_failed(services: Services, deployment: str, happened: str, about: str) -> None:
    alert = alert_table.SNAPSHOT_FAILED.of(deployment, f"{deployment}: {happened}")
    tell_once(services, alert, about)


def _begin(site: Site) -> None:
    """Start to bring the sample back, and write that down. Refused if there is nothing to bring back."""
    name, index = site.name, _options(site).restore_sample
    kept = CHECK.saved(site.ledger, name)
    if kept and kept.state is Stand.RESTORING:
        return
    if not index:
        raise Refused(f"{name} names no index to check: snapshots: {{restore_sample: INDEX}} in its file")
    snapshots = site.snapshots
    with_it = [one for one in snapshots.listed(REPOSITORY) if one["state"] == "SUCCESS" and index in one["indices"]]
    if not with_it:
        raise Refused(f"no finished snapshot of {name} holds {index}")
    latest = max(with_it, key=lambda one: str(one["start"]))["snapshot"]
    begun = Check(Stand.RESTORING, index, latest, site.now(), "the sample is being restored")
    CHECK.save(site.ledger, name, begun)
    site.documents.remove(RESTORED + index)  # what a check that was cut off left
    snapshots.restore(REPOSITORY, latest, index, RESTORED)


def _go_on(site: Site, cause: Trigger) -> Restorability:
    name = site.name
    kept = CHECK.saved(site.ledger, name)
    if kept is None or kept.state is not Stand.RESTORING:
        return last_check(site.services, name)
    index, now = kept.index, site.now()
    documents = site.documents
    try:
        if documents.is_restored(RESTORED + index):
            found = compare_indices(documents, index, RESTORED + index)
            state = Stand.HOLDS if found.holds and found.documents else Stand.FAILS
            detail = str(found) if found.documents else "nothing came back"
        elif now - kept.at > _LONGEST:
            state, detail = Stand.FAILS, f"the sample was not back after {_LONGEST}"
        else:
            return last_check(site.services, name)
    except Unreachable:
        raise
    except PortcullisError as error:
        state, detail = Stand.FAILS, str(error)
    _end(site, cause, Check(state, index, kept.snapshot, now, detail))
    documents.remove(RESTORED + index)
    return last_check(site.services, name)


def _end(site: Site, cause: Trigger, ended: Check) -> None:
    name = site.name
    said = f"restore of {ended.index} from {ended.snapshot} {ended.state}: {ended.detail}"
    site.record("check of restorability", cause, said)
    if ended.state is Stand.HOLDS:
        over(site.services, name, "restore-failed")
        over(site.services, name, "restore-overdue")
    else:
        alert = alert_table.RESTORE_FAILED.of(name, f"a snapshot of {name} could not be shown to be restorable: {said}")
        tell_once(site.services, alert, said)
    CHECK.save(site.ledger, name, ended)


def _overdue(site: Site, kept: Check | None, every: timedelta, why: str) -> None:
    since = kept.at.isoformat() if kept else "it was deployed"
    alert = alert_table.RESTORE_OVERDUE.of(
        site.name,
        f"the snapshots of {site.name} were not checked since {since}, every {every.days} days was asked for: {why}",
    )
    tell_once(site.services, alert, why)


def _open_or_refuse(services: Services, deployment: str) -> None:
    state = services.ledger.custody(deployment).state
    if state is not State.OPEN:
        raise Refused(f"{deployment} is {state.value}: its snapshots are checked once it is open")


def _options(site: Site) -> SnapshotOptions:
    return site.ledger.model(site.name).options.snapshots


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
