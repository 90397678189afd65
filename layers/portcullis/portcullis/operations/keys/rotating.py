"""Rotation on demand, on a schedule that KMS does not keep by itself (less than 90 days), as long as a key has any left."""

from __future__ import annotations

from datetime import timedelta

from portcullis.custody.keys import rotation
from portcullis.custody.types import Health, Severity, State
from portcullis.errors import Refused
from portcullis.operations import alert_table
from portcullis.operations.keys.check import look_at
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import over, tell_once


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
    said: list[tuple[Severity, str, str]] = []  # how urgent, what happened, what it is told once by
    done = _rotate(site, cause, timedelta(days=int(days)), said)
    if said:
        _tell(site.services, name, said)
    else:
        over(site.services, name, alert_table.ROTATION_ON_DEMAND.name)
    return done


def _rotate(site: Site, cause: Trigger, every: timedelta, said: list[tuple[Severity, str, str]]) -> str:
    _, answers = look_at(site, site.ledger.model(site.name).options)
    metadata = answers.describe.get("KeyMetadata") if isinstance(answers.describe, dict) else None
    rotations = answers.rotations.get("Rotations") if isinstance(answers.rotations, dict) else None
    if metadata is None or rotations is None:
        unseen = "how often the key was rotated cannot be seen, so it is not rotated"
        said.append((Severity.WARNING, unseen, str(answers.rotations)))
        return ""
    now = site.now()
    due = rotation.next_on_demand(rotations, metadata.get("CreationDate"), every, now)
    left = rotation.budget(rotation.used_on_demand(rotations), every, due)
    if left.severity is not Severity.INFO:
        said.append((left.severity, f"rotations on demand run out: {left.advice}", str(left.used)))
    if due > now or not left.left:
        return ""
    try:
        site.key_desk.rotate(metadata["Arn"])
    except Refused as error:
        refused = f"the key was due for a rotation on demand and KMS refused: {error}"
        said.append((Severity.WARNING, refused, str(error)))
        return ""
    done = f"rotated on demand, the {left.used + 1}. of {rotation.ON_DEMAND_LIMIT}"
    site.record("rotate key", cause, done)
    return done


def _tell(services: Services, deployment: str, said: list[tuple[Severity, str, str]]) -> None:
    """All in one: told one by one, each would make the other one new at every sweep."""
    severity = Severity.CRITICAL if any(one[0] is Severity.CRITICAL for one in said) else Severity.WARNING
    alert = alert_table.ROTATION_ON_DEMAND.of(
        deployment,
        "; ".join(happened for _, happened, _ in said),
        severity=severity.value,
        days=rotation.SHORTEST_PERIOD.days,
    )
    tell_once(services, alert, "; ".join(f"{urgency.value}: {about}" for urgency, _, about in said))
