"""Manual snapshots: into the deployment's own bucket, asked for by the one role that is mapped to manage_snapshots.

That role is not the automation's: a snapshot can be restored under another name, so whoever takes snapshots could come to read
data. It may pass on one role, as which Amazon writes to the bucket, and nothing else.
"""

from __future__ import annotations

import re
from typing import Any

from portcullis.access.actual import Json
from portcullis.custody.types import State
from portcullis.errors import BadInput, Refused
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Services, Site, Trigger
from portcullis.ports.registration import Registration

REPOSITORY = "portcullis"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_PATTERN = re.compile(r"[a-z0-9_*][a-z0-9_.*+-]*")


def snapshot_setup(services: Services, deployment: str, cause: Trigger) -> dict[str, Any]:
    """Map the snapshot role to manage_snapshots, and register the bucket, signed as that role. Doing it again changes nothing."""
    site = _with_snapshots(services, deployment)
    apply_text(services, deployment, None, cause)  # the mapping is part of what every model asks for
    site.snapshots.register(REPOSITORY, settings_of(site.registration))
    store = site.registration.snapshot_store()
    return {"repository": REPOSITORY, "bucket": store.bucket, "as": store.taker}


def settings_of(registration: Registration) -> dict[str, Any]:
    """The repository of a deployment: a folder of its own, since a bucket may be given to several."""
    store = registration.snapshot_store()
    return {
        "bucket": store.bucket,
        "base_path": registration.deployment,
        "region": registration.region,
        "role_arn": store.store,
    }


def snapshot_take(
    services: Services, deployment: str, cause: Trigger, *, name: str = "", indices: str = "*"
) -> dict[str, Any]:
    """Start a snapshot of these indices (all that are not the engine's own, unless told)."""
    site = _with_snapshots(services, deployment)
    name = _named(name or f"portcullis-{site.now():%Y%m%d-%H%M%S}")
    site.snapshots.take(REPOSITORY, name, _user_indices(indices))
    return {"repository": REPOSITORY, "snapshot": name, "next": f"portcullis snapshot list {deployment}"}


def snapshot_restore(
    services: Services, deployment: str, cause: Trigger, *, name: str, indices: str = "*", prefix: str = "restored-"
) -> dict[str, Any]:
    """Start bringing indices of a snapshot back, each under a new name with `prefix` before it: nothing is overwritten.

    With an empty prefix they come back as they were called, which the engine refuses for an index that is open.
    """
    site = _with_snapshots(services, deployment)
    if (prefix and not _PATTERN.fullmatch(prefix.removesuffix("*"))) or "*" in prefix:
        raise _bad("prefix", prefix, "small letters, digits, - and _, e.g. restored-")
    snapshots, wanted = site.snapshots, _user_indices(indices)
    if _named(name) not in (known := [one["snapshot"] for one in snapshots.listed(REPOSITORY)]):
        latest = f"the latest are {', '.join(known[-3:])}" if known else "there is none yet"
        raise Refused(f"there is no snapshot {name!r}: {latest}")
    snapshots.restore(REPOSITORY, name, wanted, prefix)
    return {"repository": REPOSITORY, "snapshot": name, "indices": indices, "prefix": prefix}


def snapshot_list(services: Services, deployment: str, cause: Trigger) -> list[Json]:
    return _with_snapshots(services, deployment).snapshots.listed(REPOSITORY)


def _with_snapshots(services: Services, deployment: str) -> Site:
    site = services.site(deployment)
    store = site.registration.snapshot_store()
    state = site.ledger.custody(deployment).state
    if state is not State.OPEN:
        kept = f"those there are stay where they are (bucket {store.bucket})"
        if state is State.DELETED:
            raise Refused(f"{deployment} is deleted: {kept}, and another domain can register that bucket")
        raise Refused(
            f"{deployment} is {state.value}: the lock shuts out the role that takes snapshots too; {kept}, and can be listed and restored "
            "once it is open"
        )
    return site


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _bad("name", name, "1 to 128 small letters, digits, - _ and ., a letter or digit first")
    return name


def _user_indices(indices: str) -> str:
    """The same without the engine's own indices: a restored security index would bring back who had access then."""
    for part in indices.split(","):
        if not _PATTERN.fullmatch(part):
            raise _bad("indices", part, "names and patterns with *, comma-separated; none that begins with . or -")
    return f"{indices},-.*"


def _bad(place: str, value: str, remedy: str) -> BadInput:
    return BadInput(f"{value!r} cannot be taken", source="request", place=place, remedy=remedy)
