"""The keys that a deployment gives, brought to what its file offers; one that a person asks for, replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.model.option_types import Options, RemoteOptions
from portcullis.operations.remotes.keys.agreed import Reader, giver_of, offers_of, readers_of
from portcullis.operations.remotes.keys.alone import PATIENCE, changing_keys, writing_keystores
from portcullis.operations.remotes.keys.keeping import keep, planned
from portcullis.operations.remotes.keys.rotating import Giving, Taking, rotate, take
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.writing.standing import in_force
from portcullis.remotes.facts import BY_KEY
from portcullis.remotes.keys import Offer, Plan

# In the ledger: keys of ours are on the engine, though the file may offer none any more.
OFFERED = Slot("keys-offered", list[str])
_OPERATION = "remote keys"


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a key: who reads with it, and what was done, by ids."""

    deployment: str
    alias: str
    offer: str  # empty: the key is made by somebody else
    of: str  # the deployment that gives it; empty likewise
    key: str
    ended: tuple[str, ...]
    readers: tuple[str, ...]


def options_of(site: Site) -> Options:
    """Of the file in force."""
    standing = in_force(site.services, site.name)
    return standing.options if standing else Options()


def gives_keys(site: Site, options: Options) -> bool:
    """Whether there is anything to make, change or end. A domain gives none, so that nothing is asked of the ledger for it."""
    if site.registration.domain is not None:
        return False
    return bool(options.offers) or OFFERED.is_kept(site.ledger, site.name)


def keep_offers(site: Site, cause: Trigger, *, wait: float = PATIENCE) -> Plan:
    """Make, change and end keys as the file in force offers them. What is due to be replaced stays in the plan.

    Written down before the first key is made, so that a file that offers nothing any more still has its keys ended. Shut if the
    deployment is not open, Unreachable if others keep the right to change keys, and whatever stopped it: asking again goes on.
    """
    if not gives_keys(site, options_of(site)):
        return Plan((), ())
    with changing_keys(site, wait) as still:
        offers = offers_of(site.name, options_of(site).offers)
        if offers:
            OFFERED.save(site.ledger, site.name, [offer.name for offer in offers])
        with recording(site, cause) as done:
            found = keep(site.name, offers, site.cluster_keys, site.key_texts, site.now(), still=still, done=done)
        if not offers and not found.conflicts:
            OFFERED.forget(site.ledger, site.name)
    return found


def would_keep(site: Site, options: Options) -> Plan:
    """What `keep_offers` would do with these. Changes nothing."""
    if not gives_keys(site, options):
        return Plan((), ())
    return planned(site.name, offers_of(site.name, options.offers), site.cluster_keys, site.key_texts, site.now())


@contextmanager
def recording(site: Site, cause: Trigger) -> Iterator[Callable[[str], None]]:
    """Into the history goes what was done, also where it did not come to its end."""
    said: list[str] = []
    try:
        yield said.append
    except PortcullisError as error:
        if said:
            said.append(f"then it stopped: {error}")
        raise
    finally:
        if said:
            site.record(_OPERATION, cause, "; ".join(said), after=said)


def rotate_remote(services: Services, deployment: str, cause: Trigger, *, alias: str, leaked: bool = False) -> Handed:
    """Replace the key that `deployment` reads `alias` with, or go on with a replacement that was cut off; everybody reads on meanwhile.

    Where somebody else makes the key, the one that is in the secret is handed on. `leaked`: another one in any case. Refused, with the
    page, where a keystore cannot be written from here; the old key stands then, and asking again goes on.
    """
    site = services.site(deployment)
    remote = _remote(site, alias)
    given = giver_of(services, deployment, remote)
    if given is None:
        return _hand_on(site, alias, remote, cause, leaked=leaked)
    giver, offer = given
    readers = readers_of(services, giver.name, offer.secret)
    key, ended = replace_key(giver, offer, readers, cause, anew=leaked)
    return Handed(deployment, alias, offer.name, giver.name, key, ended, tuple(map(str, readers)))


def replace_key(
    giver: Site,
    offer: Offer,
    readers: Collection[Reader],
    cause: Trigger,
    *,
    anew: bool = False,
    wait: float = PATIENCE,
) -> tuple[str, tuple[str, ...]]:
    """The key in use from now on, and those that were ended."""
    with changing_keys(giver, wait) as still, recording(giver, cause) as done:
        takings = [taking(one.site, one.alias, offer.secret) for one in readers]
        rotated = rotate(giving(giver, offer, still, done), takings, giver.now, giver.sleep, anew=anew)
        done(f"{rotated.key} of {offer.name} is read with by {', '.join(map(str, readers))}")
    return rotated.key, rotated.ended


@contextmanager
def _had() -> Iterator[bool]:
    """The right was had before: `changing_keys` says why where it was not."""
    yield True


def giving(site: Site, offer: Offer, still: Callable[[], None], done: Callable[[str], None]) -> Giving:
    """The side that is read, once the right to change its keys is had."""
    return Giving(offer, site.cluster_keys, site.key_texts, _had, still, done)


def taking(site: Site, alias: str, secret: str) -> Taking:
    """The side that reads."""
    return Taking(alias, secret, site.key_texts, site.keystores, site.remotes, partial(writing_keystores, site))


def _remote(site: Site, alias: str) -> RemoteOptions:
    remotes = options_of(site).remotes
    remote = remotes.get(alias)
    if remote is None:
        there = ", ".join(remotes) or "none"
        raise BadInput(
            f"{site.name} reads no cluster by the name {alias!r}",
            source="request",
            place="alias",
            remedy=f"one of its remotes: {there}",
        )
    if remote.model != BY_KEY:
        raise Refused(f"{alias} is read with certificates, which have no key to replace: docs/remotes.md")
    return remote


def _hand_on(site: Site, alias: str, remote: RemoteOptions, cause: Trigger, *, leaked: bool) -> Handed:
    if leaked:
        raise Refused(
            f"nobody here makes the key of {alias}: whoever runs the other cluster makes another one, then ask again without --leaked"
        )
    text = site.key_texts.read(remote.secret)
    if text is None:
        raise Refused(f"the secret {remote.secret} holds no key: whoever runs the other cluster has it put there")
    with recording(site, cause) as done:
        take(taking(site, alias, remote.secret), text.id, site.sleep)
        done(f"{alias} is read with the key {text.id}")
    return Handed(site.name, alias, "", "", text.id, (), (f"{site.name} as {alias}",))
