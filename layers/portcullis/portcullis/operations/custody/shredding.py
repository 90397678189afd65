"""Crypto-shredding: what destroying a key destroys and what it does not, said before it is scheduled; and only of what is locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.custody.keys.key_access import readers_by_grant
from portcullis.custody.keys.probes import read_describe
from portcullis.custody.types import State
from portcullis.errors import BadInput, Refused
from portcullis.operations import alert_table
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import keep_no_more, keep_to_tell, not_told_yet, tell_or_keep
from portcullis.ports.alerts import Alert
from portcullis.ports.ledger import Change
from portcullis.ports.registration import Registration
from portcullis.words import moment

SHORTEST, LONGEST = 7, 30  # days that KMS waits (ScheduleKeyDeletion)
_SHUT = (State.LOCKED, State.DELETING, State.DELETED)


@dataclass(frozen=True, slots=True)
class Shredding:
    """What becomes unreadable for ever, what does not, and what stands in the way. `due` once it is scheduled."""

    deployment: str
    key: str
    state: str
    destroys: tuple[str, ...]
    keeps: tuple[str, ...]
    obstacles: tuple[str, ...]
    due: str
    next: str


def shred(
    services: Services, deployment: str, cause: Trigger, *, confirm: str = "", days: int = LONGEST, yes: bool = False
) -> Shredding:
    """Say what destroying the key of a deployment would destroy; with `yes`, schedule it. `confirm` is the key's id.

    KMS waits 7 to 30 days, in which it can be called off (kms:CancelKeyDeletion); after that nobody can. Refused while any deployment
    under the key is not locked, and while the key is another account's or has replicas.
    """
    try:
        waits = int(days)
    except (TypeError, ValueError):
        waits = 0
    if not SHORTEST <= waits <= LONGEST:
        raise BadInput(
            f"{days!r} days", source="request", place="days", remedy=f"KMS waits {SHORTEST} to {LONGEST} days"
        )
    site = services.site(deployment)
    if not site.registration.domain:
        raise Refused(
            f"the key of {deployment} is that of the volumes of a cluster that is not ours: whoever runs the cluster destroys it"
        )
    plan, metadata = _plan(site)
    key_id = str(metadata.get("KeyId", ""))
    if not yes:
        return plan
    if plan.obstacles:
        raise Refused(f"the key of {deployment} is not destroyed: {'; '.join(plan.obstacles)}")
    if confirm != key_id:
        raise Refused(f"to destroy the key, confirm it by its id: --confirm {key_id}. Nothing was scheduled")
    _write_down(site, cause, f"the deletion of key {key_id} in {waits} days is asked for", plan)
    region = site.registration.region
    undo = f"until then: aws kms cancel-key-deletion --region {region} --key-id {key_id}, then enable-key"

    def alert(said: str) -> Alert:
        told = f"{cause.actor} asked for the destruction of the key of {deployment}: {said}"
        return alert_table.SHRED_SCHEDULED.of(deployment, told, undo=undo)

    # First: whoever dies once it is scheduled leaves nothing by which a later look would find who asked for it.
    before = alert(f"the key {key_id} is to be deleted in {waits} days, and with it: {'; '.join(plan.destroys)}")
    keep_to_tell(services, before)
    try:
        due = site.key_desk.schedule_deletion(plan.key, waits)
    except Refused:
        keep_no_more(services, before)
        raise
    said = f"the key {key_id} will be deleted on {moment(due)}, and with it: {'; '.join(plan.destroys)}"
    # First: should the ledger not answer, no later look finds it.
    tell_or_keep(services, alert(said), instead_of=before)
    _write_down(site, cause, said, plan)
    then = undo + not_told_yet(services, deployment)
    return Shredding(deployment, plan.key, "PendingDeletion", plan.destroys, plan.keeps, (), due.isoformat(), then)


def _plan(site: Site) -> tuple[Shredding, Mapping[str, Any]]:
    answers = site.key_desk.describe(site.registration.key.arn)
    metadata = answers.describe.get("KeyMetadata") if isinstance(answers.describe, Mapping) else None
    if not isinstance(metadata, Mapping):
        raise Refused(
            f"the key {site.registration.key.arn} cannot be described ({read_describe(answers.describe, site.now()).detail}): "
            "nothing can be planned"
        )
    key = str(metadata["Arn"])
    under = [one for one in site.ledger.registrations() if _is_under(one, key, site.registration)]
    states = {one.deployment: site.ledger.custody(one.deployment).state for one in under}
    destroys, keeps = [], []
    for one in under:
        gone = states[one.deployment] is State.DELETED
        if not gone:
            destroys.append(
                f"all data of the domain {one.place.name} (deployment {one.deployment}), and its automated snapshots"
                if one.domain
                else f"all data of the cluster {one.place.name} (deployment {one.deployment}), as far as it lies under this key"
            )
        own = _snapshot_key(site.services.at(one))
        if one.snapshots:
            where = f"the snapshots of {one.deployment} in the bucket {one.snapshots.bucket}"
            if own:
                keeps.append(f"{where}: they are under {own}")
            else:
                destroys.append(f"{where}: they are under this key")
    mine = {one.place.id for one in under}
    others = [line for line in readers_by_grant(answers.grants) if not any(arn in line for arn in mine)]
    destroys += [f"what else was given a grant on the key: {line}" for line in others]
    if not isinstance(answers.grants, Mapping) or "Grants" not in answers.grants:
        destroys.append("whatever else the key encrypts: its grants could not be listed, so ask its owner")
    destroys.append(
        "whatever people encrypted under the key themselves: KMS keeps no list of that (see its last use in CloudTrail)"
    )
    keeps += [
        "snapshots and copies under another key, or under none",
        "log groups of the domain: they hold queries and audit lines, and are not under this key",
        "the ledger: names, groups, role mappings and history, no documents",
        "the encrypted bytes themselves, as long as somebody keeps them: they can be read no more",
    ]
    obstacles = _obstacles(site.registration, metadata, states)
    key_id = str(metadata.get("KeyId", ""))
    next_ = f"portcullis shred {site.name} --confirm {key_id} --days {LONGEST} --yes"
    state = str(metadata.get("KeyState", ""))
    plan = Shredding(site.name, key, state, tuple(destroys), tuple(keeps), obstacles, "", next_)
    return plan, metadata


def _obstacles(registration: Registration, metadata: Mapping[str, Any], states: Mapping[str, State]) -> tuple[str, ...]:
    found = [
        f"{name} is {state.value}, and only what is locked is shredded: portcullis lock {name} --reason ..."
        for name, state in states.items()
        if state not in _SHUT
    ]
    if (owner := str(metadata["Arn"]).split(":")[4]) != registration.account:
        found.append(f"the key belongs to the account {owner}: its owner destroys it")
    if metadata.get("KeyState") in ("PendingDeletion", "PendingReplicaDeletion"):
        due = metadata.get("DeletionDate", "a date KMS does not say")
        found.append(f"its deletion is scheduled already, for {due}")
    multi = metadata.get("MultiRegionConfiguration") or {}
    if multi.get("MultiRegionKeyType") == "PRIMARY" and (replicas := multi.get("ReplicaKeys")):
        regions = ", ".join(sorted(str(one.get("Region")) for one in replicas))
        found.append(f"it has replicas in {regions}: each is destroyed first, in its Region, or the data is not gone")
    if multi.get("MultiRegionKeyType") == "REPLICA":
        primary = (multi.get("PrimaryKey") or {}).get("Region", "another Region")
        found.append(
            f"it is a replica of the key in {primary}, from which it could be made again: the primary has to go"
        )
    return tuple(found)


def _is_under(one: Registration, key: str, asked: Registration) -> bool:
    """Under this key, or under another Region's copy of the same multi-Region key."""
    keys = {one.key.arn, *one.key.replicas}
    shared = key.rsplit("/", 1)[-1]
    same = shared.startswith("mrk-") and any(arn.endswith(f"/{shared}") for arn in keys)
    return key in keys or same or one.deployment == asked.deployment


def _snapshot_key(site: Site) -> str:
    """The key of the snapshots' bucket if it is another than the deployment's; as the deployment file says."""
    own = site.ledger.model(site.name).options.snapshots.key_arn
    return own if own != site.registration.key.arn else ""


def _write_down(site: Site, cause: Trigger, said: str, plan: Shredding) -> None:
    change = Change(site.name, site.now(), "shred", cause.what, cause.actor, said, None, list(plan.destroys))
    site.ledger.record(change)
