"""Whose key is whose: what the deployment files in force agree on, by the rule of `remotes.agreement`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.model.option_types import OfferOptions, RemoteOptions
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.standing import in_force
from portcullis.remotes.agreement import is_of, offer_behind
from portcullis.remotes.keys import Offer


@dataclass(frozen=True, slots=True)
class Reader:
    """A deployment that reads with a key, and the alias by which its people do."""

    site: Site
    alias: str

    def __str__(self) -> str:
        return f"{self.site.name} as {self.alias}"


def offers_of(deployment: str, offered: Mapping[str, OfferOptions]) -> tuple[Offer, ...]:
    """As `remotes.keys` plans with them."""
    return tuple(Offer(deployment, name, one.access, one.days, one.secret) for name, one in offered.items())


def readers_of(services: Services, giver: str, secret: str) -> tuple[Reader, ...]:
    """The deployments here that read with the key of this secret. Raises if one of them cannot be read: its people may need the key."""
    found: list[Reader] = []
    for name in services.ledger.deployments():
        standing = in_force(services, name) if name != giver else None
        for alias, remote in standing.options.remotes.items() if standing else ():
            if is_of(giver, secret, remote.deployment, remote.secret):
                found.append(Reader(services.site(name), alias))
    return tuple(found)


def giver_of(services: Services, reader: str, remote: RemoteOptions) -> tuple[Site, Offer] | None:
    """Who makes the key that a remote is read with; None if it is nobody here. Refused if two could be meant."""
    offered: dict[tuple[str, str], Offer] = {}
    for name in services.ledger.deployments():
        if name == reader or remote.deployment not in ("", name):
            continue
        if standing := in_force(services, name):
            offered |= {(name, offer.name): offer for offer in offers_of(name, standing.options.offers)}
    secrets = ((giver, name, offer.secret) for (giver, name), offer in offered.items())
    found = offer_behind(reader, remote.deployment, remote.secret, secrets)
    return (services.site(found[0]), offered[found]) if found else None
