"""Rotation on demand, on a schedule that KMS does not keep by itself (less than 90 days), as long as a key has any left."""

from __future__ import annotations

from datetime import timedelta

from portcullis.custody.keys import rotation
from portcullis.custody.types import Health, Severity, State
from portcullis.errors import Refused
from portcullis.operations import alert_table
from portcullis.operations.keys.check import look_at
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import tell_once


def rotate_when_due(site: Site, cause: Trigger) -> str:
    """Rotate the key if the deployment asks for it and it is due; what was done, in words, empty if nothing.

    The truth of when it was last rotated is KMS's own list, so a run that was cut off rotates nothing twice; a key that was never
    rotated is due from its making on. Only a healthy key of an open deployment is rotated. Raises Unreachable (the next sweep tries
    again); what KMS refuses is told, not raised: it interrupts nothing.
    """
    name, options = site.name, site.ledger.model(site.name).options
    days = options.on_demand_rotation_days
    custody = site.ledger.custody(name)
    if not days or custody.state is not State.OPEN or custody.health is not Health.HEALTHY:
        return ""
    _, answers = look_at(site, options)
    metadata = answers.describe.get("KeyMetadata") if isinstance(answers.describe, dict) else None
    rotations = answers.rotations.get("Rotations") if isinstance(answers.rotations, dict) else None
    if metadata is None or rotations is None:
        _tell(
            site.services,
            name,
            "warning",
            "how often the key was rotated cannot be seen, so it is not rotated",
            str(answers.rotations),
        )
        return ""
    now, every = site.now(), timedelta(days=int(days))
    due = rotation.next_on_demand(rotations, metadata.get("CreationDate"), every, now)
    left = rotation.budget(rotation.used_on_demand(rotations), every, due)
    if left.severity is not Severity.INFO:
        _tell(site.services, name, left.severity.value, f"rotations on demand run out: {left.advice}", f"{left.used}")
    if due > now or not left.left:
        return ""
    try:
        site.key_desk.rotate(metadata["Arn"])
    except Refused as error:
        _tell(
            site.services,
            name,
            "warning",
            f"the key was due for a rotation on demand and KMS refused: {error}",
            str(error),
        )
        return ""
    done = f"rotated on demand, the {left.used + 1}. of {rotation.ON_DEMAND_LIMIT}"
    site.record("rotate key", cause, done)
    return done


def _tell(services: Services, deployment: str, severity: str, happened: str, about: str) -> None:
    alert = alert_table.ROTATION_ON_DEMAND.of(
        deployment, happened, severity=severity, days=rotation.SHORTEST_PERIOD.days
    )
    tell_once(services, alert, f"{severity}: {about}")
