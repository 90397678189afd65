"""Which keys a deployment gives and uses, by id: never their text. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portcullis.access.actual import Json
from portcullis.errors import PortcullisError
from portcullis.model.option_types import RemoteOptions
from portcullis.operations.remotes.keys.agreed import giver_of, offers_of, readers_of
from portcullis.operations.remotes.keys.rotating import in_use
from portcullis.operations.remotes.keys.tending import gives_keys, options_of, taking
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.standing import in_force
from portcullis.remotes.facts import BY_KEY
from portcullis.remotes.keys import Key, Offer, plan


@dataclass(frozen=True, slots=True)
class ShownKey:
    id: str
    name: str
    owner: str
    expires: datetime | None
    in_secret: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """`keys`: the oldest first; `readers`: deployments here, and the alias of each."""

    offer: str
    secret: str
    allows: Json
    keys: tuple[ShownKey, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """`key`: the id of the secret's; `in_use`: of the one that the other cluster was asked with just now. `problem`: why one of them
    cannot be told. `roles` name the alias in the file; `people` are granted one of them."""

    alias: str
    model: str
    other: str
    secret: str
    key: str
    in_use: str
    expires: datetime | None
    problem: str
    roles: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteKeys:
    """`others`: keys of the cluster that no offer of the file has. `to_do`: what apply, a sweep or a rotation would do about them."""

    deployment: str
    offered: tuple[Offered, ...]
    others: tuple[ShownKey, ...]
    used: tuple[Used, ...]
    to_do: tuple[str, ...]
    conflicts: tuple[str, ...]


def remote_keys(services: Services, deployment: str) -> RemoteKeys:
    """The keys that a deployment gives and those that it uses, as engine, secret and file have them now. Raises if its own cluster or a
    secret of its own does not answer; what the other side does not tell is said beside it."""
    site = services.site(deployment)
    options = options_of(site)
    offers = offers_of(site.name, options.offers)
    shown = site.cluster_keys.shown() if gives_keys(site, options) else ()
    held = {offer.name: text.id for offer in offers if (text := site.key_texts.read(offer.secret)) is not None}
    found = plan(site.name, offers, shown, held, site.cluster_keys.us() if shown or offers else "", site.now())
    offered = tuple(_offered(site, offer, shown, held.get(offer.name, "")) for offer in offers)
    known = {key.id for one in offered for key in one.keys}
    return RemoteKeys(
        site.name,
        offered,
        tuple(_key(site, key, "") for key in shown if key.id not in known),
        tuple(_used(site, alias, remote) for alias, remote in options.remotes.items()),
        tuple(str(step) for step in found.steps),
        found.conflicts,
    )


def _offered(site: Site, offer: Offer, shown: tuple[Key, ...], held: str) -> Offered:
    its = sorted((key for key in shown if key.offer == (offer.deployment, offer.name)), key=lambda key: key.age)
    readers = tuple(map(str, readers_of(site.services, site.name, offer.secret)))
    return Offered(offer.name, offer.secret, offer.access, tuple(_key(site, key, held) for key in its), readers)


def _key(site: Site, key: Key, held: str) -> ShownKey:
    return ShownKey(key.id, key.name, key.owner, key.expires, key.id == held, not key.usable(site.now()))


def _used(site: Site, alias: str, remote: RemoteOptions) -> Used:
    other = remote.deployment or remote.address
    standing = in_force(site.services, site.name)
    grants = standing.access.grants if standing else ()
    people = tuple(sorted({str(grant.subject) for grant in grants if grant.role in remote.roles}))
    if remote.model != BY_KEY:
        return Used(alias, remote.model, other, "", "", "", None, "", remote.roles, people)
    key, seen, expires = "", "", None
    problems: list[str] = []
    try:
        text = site.key_texts.read(remote.secret)
        key = text.id if text else ""
        if not key:
            problems.append(f"the secret {remote.secret} holds no key")
        seen, why = in_use(taking(site, alias, remote.secret))
        problems += [why] if why else []
        if key and seen and key != seen:
            problems.append("the nodes come with another key than the secret holds")
        given = giver_of(site.services, site.name, remote)
        if given is not None:
            other = given[0].name
            expires = next((one.expires for one in given[0].cluster_keys.shown() if one.id == (seen or key)), None)
    except PortcullisError as error:
        problems.append(str(error))
    return Used(
        alias, remote.model, other, remote.secret, key, seen, expires, "; ".join(problems), remote.roles, people
    )
