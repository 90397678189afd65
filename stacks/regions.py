"""What files name by its Region has to be in the Region of the stacks: AWS would refuse it, minutes into a deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from portcullis.errors import BadInput
from portcullis.model import Account

from stacks.deployments import Declared


def check_region(region: str, deployments: Iterable[Declared], shared: Account, *, account_file: Path) -> None:
    """Raise BadInput for the first thing that is elsewhere, and for a replica of a key where the key itself is."""
    for source, place, what, where in _named(deployments, shared, account_file):
        if where != region:
            raise BadInput(
                f"{what} is in {where}, and these stacks are in {region}",
                source=str(source),
                place=place,
                remedy="one in the Region of the stacks: a key, a bucket and a subnet serve their own Region alone",
            )
    for one in deployments:
        if region in one.replica_regions:
            raise BadInput(
                f"{region} is where the key itself is made",
                source=str(one.source),
                place="key.replicas",
                remedy="other Regions than that of the stacks",
            )


def _named(
    deployments: Iterable[Declared], shared: Account, account_file: Path
) -> Iterator[tuple[Path, str, str, str]]:
    """(file, place, what is named there, its Region)."""
    keys = [(account_file, "report.key_arn", shared.report.key_arn if shared.report else None)]
    for one in deployments:
        keys.append((one.source, "key.arn", one.key_arn))
        keys.append((one.source, "snapshots.key_arn", one.model.snapshots.key_arn))
    for source, place, arn in keys:
        if arn:
            yield source, place, arn, arn.split(":")[3]
    zones = {"network.zones": shared.network.zones or ()}
    if subnets := shared.network.subnets:
        zones |= {"network.subnets.domains": (*subnets.domains,), "network.subnets.functions": (*subnets.functions,)}
    for place, named in zones.items():
        for zone in named:
            yield account_file, place, f"the zone {zone}", zone[:-1]
