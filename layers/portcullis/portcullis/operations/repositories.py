"""The repository that a deployment keeps its snapshots in: the user's own bucket."""

from __future__ import annotations

from portcullis.errors import Refused
from portcullis.operations.ports import Registration, Snapshots
from portcullis.operations.snapshots import REPOSITORY
from portcullis.operations.world import World


def registered(world: World, registration: Registration) -> Snapshots:
    """The deployment's snapshots, its repository made known to the engine. Refused if it has neither a role nor a bucket."""
    if not registration.snapshot_role:
        raise Refused(f"{registration.deployment} has no snapshot role: its stack was deployed without one")
    snapshots = world.snapshots(registration)
    try:
        states(snapshots)  # one that was registered by hand, of whatever kind, does as well
    except Refused:
        if not registration.snapshot_bucket:
            raise
        settings = {
            "bucket": registration.snapshot_bucket,
            "region": registration.region,
            "role_arn": registration.snapshot_store_role,
        }
        snapshots.register(REPOSITORY, settings)
    return snapshots


def states(snapshots: Snapshots) -> dict[str, str]:
    """Snapshot -> its state, as the engine says it."""
    return {one["snapshot"]: one["state"] for one in snapshots.listed(REPOSITORY)}
