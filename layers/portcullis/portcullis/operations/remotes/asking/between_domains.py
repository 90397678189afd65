"""What two connected domains make of each other, as both are now. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.custody.types import State
from portcullis.errors import PortcullisError
from portcullis.operations.remotes.files import by_domain, file_of
from portcullis.operations.services import Services, Site
from portcullis.remotes.connections import CONNECTED
from portcullis.remotes.facts import Finding
from portcullis.remotes.sent_along import Alias, DomainSide, check


def between_domains(services: Services, site: Site) -> Iterator[Finding]:
    """Of each connection by which searches go through. Of connections that cannot be read nothing: whoever compares them says it."""
    try:
        reads = [one for one in site.connections.shown().reads if one.status in CONNECTED]
    except PortcullisError:
        return
    here = _side(site) if reads else DomainSide(site.name)
    deployments = by_domain(services) if reads else {}
    for one in reads:
        other = deployments.get(one.other)
        beside = tuple(each.alias for each in reads if each.skip_unavailable and each.alias != one.alias)
        there = _side(services.site(other)) if other else None
        yield from check(here, Alias(one.alias, there, one.skip_unavailable, beside))


def _side(site: Site) -> DomainSide:
    """While it is not open its mappings are not those of its people."""
    try:
        state = site.ledger.custody(site.name).state
        engine = str(getattr(file_of(site), "engine", ""))
        if state is not State.OPEN:
            return DomainSide(
                site.name, engine, None, f"{site.name} is {state.value}: who has which role once it is open"
            )
        return DomainSide(site.name, engine, site.engine.read())
    except PortcullisError as error:
        return DomainSide(site.name, unseen=f"what {site.name} holds could not be looked at: {error}")
