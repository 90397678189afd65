"""Which access model counts: the last one that was put into effect.

A new one is written down as coming before its first write, and becomes the one in force once the engine holds what it asks for. Cut
off in between, the next run goes on with it. One that is refused, by the engine, by AWS or by us, is remembered as refused and told; what
it may have changed is taken back, and reactions and sweeps go on with what stands.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from portcullis.access.plan import AccessModel
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations import alert_table
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.writing.undertaking import digest
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import KeptModel

log = logging.getLogger(__name__)
# Times that a model is tried that neither comes into effect nor is refused; the engine may not answer to it.
_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Coming:
    """A model on its way: whose, since when, and how often it was tried."""

    model: KeptModel
    at: datetime
    cause: str
    actor: str
    tries: int

    @property
    def exhausted(self) -> bool:
        return self.tries >= _MOST_TRIES


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """A model that was not put into effect. `name` is the beginning of the digest of its text."""

    name: str
    at: datetime
    why: str
    cause: str
    actor: str
    told: bool = False

    def __str__(self) -> str:
        who = f" by {self.actor}" if self.actor else ""
        return (
            f"the access model {self.name}, applied{who} ({self.cause}) at {self.at.isoformat(timespec='seconds')}, was refused and"
            f" is not in force: {self.why}"
        )


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """That the engine could not be brought to what stands: since when, and why it was not the last time."""

    since: datetime
    why: str


COMING = Slot("model-coming", Coming)
REFUSED = Slot("model-refused", RefusedModel)
OUT_OF_STEP = Slot("out-of-step", OutOfStep)


def name_of(text: str) -> str:
    """How a model is called for eyes."""
    return digest(text)[:12]


def in_force(services: Services, deployment: str) -> KeptModel | None:
    """The model that was put into effect last, or None if there never was one."""
    try:
        return services.ledger.model(deployment)
    except Refused:
        return None


def as_far_as_readable(services: Services, deployment: str) -> KeptModel:
    """The model in force for whoever has to act without one, too: a gate drops by the rules of the house where a file's cannot be read."""
    try:
        return services.ledger.model(deployment)
    except (Refused, BadInput) as error:
        log.warning("%s goes by the rules of the house: %s", deployment, error)
        return KeptModel("", AccessModel())


def is_in_force(standing: KeptModel | None, model: KeptModel) -> bool:
    """Whether it is the same to the letter: an upgrade may make something else of the same text."""
    return standing is not None and _bytes(standing) == _bytes(model)


def _bytes(model: KeptModel) -> bytes:
    return msgspec.json.encode((model.text, model.access, model.options))


def begin_with(site: Site, model: KeptModel, cause: Trigger) -> None:
    """Write down that this model is coming."""
    before = coming(site)
    again = before if before and is_in_force(before.model, model) else None
    since = again or Coming(model, site.now(), cause.what, cause.actor, 0)
    COMING.save(site.ledger, site.name, replace(since, tries=since.tries + 1))


def coming(site: Site) -> Coming | None:
    """The model that was begun with and is neither in force nor refused."""
    return COMING.saved(site.ledger, site.name)


def forget_coming(site: Site) -> None:
    """Nothing is on its way any more: another one was asked for since, or it has come."""
    COMING.forget_if_kept(site.ledger, site.name)


def put_in_force(site: Site, model: KeptModel) -> None:
    """The engine holds what it asks for: from now on this is what stands."""
    forgive(site.services, site.name)  # first: once nothing is coming any more, no run would come back to it
    standing = in_force(site.services, site.name)
    if not is_in_force(standing, model):
        site.ledger.keep_model(site.name, replace(model, version=standing.version if standing else 0))
    forget_coming(site)


def last_refused(services: Services, deployment: str) -> RefusedModel | None:
    """The model that was refused last, if none was put into effect since."""
    return REFUSED.saved(services.ledger, deployment)


def forgive(services: Services, deployment: str) -> None:
    """A refused model is no longer what somebody asks for."""
    REFUSED.forget_if_kept(services.ledger, deployment)


def refuse(site: Site, why: BaseException) -> None:
    """Remember the model that was coming as refused, and tell."""
    one = coming(site)
    if one is None:
        return
    said = " ".join((str(why) or type(why).__name__).split())[:1000]
    refused = RefusedModel(name_of(one.model.text), one.at, said, one.cause, one.actor)
    REFUSED.save(site.ledger, site.name, refused)
    COMING.forget(site.ledger, site.name)
    log.warning("a model of %s was refused: %s", site.name, said)
    tell_of_refused(site.services, site.name)


def tell_of_refused(services: Services, name: str) -> None:
    """Tell of the model that was refused last, unless that was done: what cannot be told now, the next synchronise tells."""
    refused = last_refused(services, name)
    if refused is None or refused.told:
        return
    try:
        services.alerts.tell(_alert(name, refused))
    except PortcullisError as error:
        log.warning("that a model of %s was refused could not be told yet: %s", name, error)
    else:
        REFUSED.save(services.ledger, name, replace(refused, told=True))


def _alert(name: str, refused: RefusedModel) -> Alert:
    return alert_table.MODEL_REFUSED.of(
        name, str(refused), detail={"model": refused.name, "actor": refused.actor, "cause": refused.cause}
    )


def out_of_step(services: Services, deployment: str, why: PortcullisError) -> None:
    """The engine could not be brought to what stands: said by `status` until it could."""
    before = OUT_OF_STEP.saved(services.ledger, deployment)
    said = OutOfStep(before.since if before else services.now(), " ".join(str(why).split())[:1000])
    OUT_OF_STEP.save(services.ledger, deployment, said)


def is_out_of_step(site: Site) -> bool:
    """Whether the last try to bring it there failed."""
    return OUT_OF_STEP.is_kept(site.ledger, site.name)


def in_step(services: Services, deployment: str) -> None:
    """It was brought there."""
    OUT_OF_STEP.forget_if_kept(services.ledger, deployment)


def problems(site: Site) -> list[str]:
    """What of models has not gone as it was meant to, in words."""
    name, found = site.name, []
    if late := OUT_OF_STEP.saved(site.ledger, name):
        found.append(f"access does not follow the groups since {late.since:%Y-%m-%dT%H:%M:%S}: {late.why}")
    if refused := last_refused(site.services, name):
        found.append(str(refused))
    if one := coming(site):
        found.append(
            f"the access model {name_of(one.model.text)}, applied by {one.actor or 'nobody known'} ({one.cause}) at"
            f" {one.at.isoformat(timespec='seconds')}, is not in effect yet: the next synchronise goes on with it"
        )
    return found
