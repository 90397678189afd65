"""The repository that a deployment keeps its snapshots in: the user's own bucket."""

from __future__ import annotations

from portcullis.errors import Refused
from portcullis.operations.data.snapshots import REPOSITORY, settings_of
from portcullis.operations.services import Services, Site
from portcullis.ports.data import Snapshots
from portcullis.ports.registration import Registration


def registered(site: Site) -> Snapshots:
    """The deployment's snapshots, its repository made known to the engine. Refused if it has no bucket."""
    settings, snapshots = settings_of(site.registration), site.snapshots
    try:
        states(snapshots)  # one that was registered by hand, of whatever kind, does as well
    except Refused:
        snapshots.register(REPOSITORY, settings)
    return snapshots


def reading(services: Services, reader: Registration, owner: Registration) -> tuple[Snapshots, str]:
    """Another deployment's snapshots as a second, read-only repository of `reader`, and its name there.

    The reader's own role has to be let into the bucket and to the key it is under: its deployment file names the owner
    (`snapshots: {reads: OWNER}`). Refused by the engine if it is not.
    """
    name, snapshots = f"{REPOSITORY}-of-{owner.deployment}", services.snapshots(reader)
    try:
        snapshots.listed(name)
    except Refused:
        snapshots.register(name, {**settings_of(owner), "role_arn": reader.snapshot_store().store, "readonly": True})
    return snapshots, name


def states(snapshots: Snapshots) -> dict[str, str]:
    """Snapshot -> its state, as the engine says it."""
    return {one["snapshot"]: one["state"] for one in snapshots.listed(REPOSITORY)}
