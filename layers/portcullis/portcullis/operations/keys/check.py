"""Key check, status and policy: what is right and wrong with the key of a deployment, and what its owner has to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from portcullis.custody.keys import rotation
from portcullis.custody.keys.key_advice import advise, errors
from portcullis.custody.keys.key_policy import Context, explained, to_paste, whole
from portcullis.custody.keys.key_types import Advice, KeyAnswers, KeyWanted, Weight
from portcullis.custody.types import State
from portcullis.errors import BadInput, Refused
from portcullis.model.option_types import Options
from portcullis.operations.services import Services, Site, Trigger
from portcullis.ports.registration import KeptModel, Registration

_ORG_PATH = "o-EXAMPLE/r-EXAMPLE/ou-EXAMPLE/*"


@dataclass(frozen=True, slots=True)
class KeyChecked:
    """What is right and wrong with a key. `exit_status` is 1 if nothing may be built on it."""

    deployment: str
    key: str
    findings: tuple[Advice, ...]
    exit_status: int


@dataclass(frozen=True, slots=True)
class PolicyToPaste:
    deployment: str
    # Whole: it may stand alone. Of a cluster's key it is what is to be added, as the rest is not ours to know.
    policy: dict[str, Any]
    because: tuple[str, ...]
    to_add: dict[str, Any]  # without what lets the owner administer: only beside statements that do


def key_check(services: Services, deployment: str) -> KeyChecked:
    """The key of a deployment that is there."""
    site = services.site(deployment)
    return checked(*look_at(site, site.ledger.model(deployment).options), site.now())


def look_at(site: Site, options: Options) -> tuple[KeyWanted, KeyAnswers]:
    """What the deployment asks of its key, and what KMS says of that."""
    name = site.name
    wanted = wanted_of(site.registration, options, grant_seen=site.ledger.saved(name, "grant-seen") is not None)
    if site.ledger.custody(name).state is State.DELETED:
        wanted = replace(wanted, domain_arn="", domain_key="")  # the domain's grant went with it
    return wanted, site.key_desk.describe(site.registration.key.arn)


def wanted_of(registration: Registration, options: Options, *, grant_seen: bool = False) -> KeyWanted:
    domain = registration.domain.arn if registration.domain else ""
    partition = domain.split(":")[1] if domain.count(":") > 1 else "aws"
    return KeyWanted(
        deployment=registration.deployment,
        context=Context(registration.account, registration.region, partition),
        named=registration.key.arn,
        domain_arn=domain,
        by_service=bool(domain),
        domain_key=registration.key.arn if domain and ":key/" in registration.key.arn else "",
        replicas=tuple(arn.split(":")[3] for arn in registration.key.replicas if arn.count(":") > 3),
        on_demand_days=options.on_demand_rotation_days,
        alias="" if domain else registration.key.alias or "",
        grant_seen=grant_seen,
    )


def refuse_bad_key(site: Site, kept: KeptModel) -> None:
    """Raise Refused if the key has errors: nothing is built on it. Called before a deployment comes under our care."""
    wanted, answers = look_at(site, kept.options)
    wrong = errors(advise(wanted, answers, site.now()))
    if wrong:
        told = "; ".join(f"{one.says} ({one.remedy})" for one in wrong)
        raise Refused(f"the key of {site.name} is not fit: {told}")


def with_domain_key(site: Site) -> Site:
    """A given alias says which key was wanted; which one the domain was made with, and keeps, is for the domain to say. And in which
    custom key store it is, whose events name the store alone, for KMS."""
    registration, arn = site.registration, site.registration.key.arn
    if ":alias/" in arn and registration.domain:
        of_domain = site.domain.key_of(registration)
        arn = of_domain if ":key/" in of_domain else arn
    metadata = _part(site.key_desk.describe(arn).describe, "KeyMetadata") or {}
    if ":alias/" in arn and not registration.domain:  # nobody but the alias can say
        arn = metadata.get("Arn") or arn
    kept = structs.replace(registration.key, arn=arn, store=metadata.get("CustomKeyStoreId"))
    return site.services.at(structs.replace(registration, key=kept))


def key_status(services: Services, deployment: str) -> dict[str, Any]:
    """The key of a deployment at a glance: health, state, rotation, what is left of it."""
    site, kept = services.site(deployment), services.ledger.model(deployment)
    wanted, answers = look_at(site, kept.options)
    custody, now = site.ledger.custody(deployment), site.now()
    metadata = _part(answers.describe, "KeyMetadata") or {}
    status: Mapping[str, Any] = answers.rotation if isinstance(answers.rotation, Mapping) else {}
    rotations = _part(answers.rotations, "Rotations") or []
    last = rotation.latest_rotation(rotations)
    valid_to = metadata.get("ValidTo")
    report: dict[str, Any] = {
        "deployment": deployment,
        "key": str(metadata.get("Arn") or site.registration.key.arn),
        "alias": site.registration.key.alias or "",
        "state": str(metadata.get("KeyState") or "not seen"),
        "health": custody.health.value,
        "custody": custody.state.value,
        "origin": str(metadata.get("Origin") or ""),
        "multi_region": str((metadata.get("MultiRegionConfiguration") or {}).get("MultiRegionKeyType", "")),
        "rotates": bool(status.get("KeyRotationEnabled")),
        "rotation_days": status.get("RotationPeriodInDays"),
        "next_rotation": _iso(status.get("NextRotationDate")),
        "last_rotation": _iso(last),
        "rotations_on_demand": rotation.used_on_demand(rotations),
        "rotations_left": max(rotation.ON_DEMAND_LIMIT - rotation.used_on_demand(rotations), 0),
        "expires_in_days": (valid_to - now).days if isinstance(valid_to, datetime) else None,
        "deleted_on": _iso(metadata.get("DeletionDate")),
        "wrong": [f"{one.says} ({one.remedy})" for one in _wrong(advise(wanted, answers, now))],
    }
    if wanted.on_demand_days:
        every = timedelta(days=wanted.on_demand_days)
        report["next_on_demand"] = _iso(rotation.next_on_demand(rotations, metadata.get("CreationDate"), every, now))
    return report


def key_policy(services: Services, deployment: str, cause: Trigger, *, org_paths: Sequence[str] = ()) -> PolicyToPaste:
    site = services.site(deployment)
    return paste(wanted_of(site.registration, Options()), org_paths)


def checked(wanted: KeyWanted, answers: KeyAnswers, now: datetime) -> KeyChecked:
    found = advise(wanted, answers, now)
    return KeyChecked(wanted.deployment, wanted.named, found, 1 if errors(found) else 0)


def paste(wanted: KeyWanted, org_paths: Sequence[str]) -> PolicyToPaste:
    context, key, by_service = wanted.context, wanted.named, wanted.by_service
    for path in org_paths:
        if not path.startswith("o-") or "/" not in path:
            raise BadInput(f"{path!r} is no organisation path", source="org_paths", remedy=f"such as {_ORG_PATH}")
    to_add = to_paste(context, org_paths, by_service=by_service)
    owner = key.split(":")[4] if key.startswith("arn:") else context.account
    policy = whole(to_add, owner, context.partition) if by_service else to_add
    return PolicyToPaste(wanted.deployment, policy, explained(context, org_paths, by_service=by_service), to_add)


def _wrong(found: Iterable[Advice]) -> list[Advice]:
    return [one for one in found if one.weight in (Weight.ERROR, Weight.WARNING)]


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, Mapping) else None


def _iso(at: Any) -> str:
    return at.isoformat() if isinstance(at, datetime) else ""
