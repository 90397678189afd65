"""The deployment files in force on both sides of a remote cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from portcullis.errors import PortcullisError, Refused
from portcullis.operations.services import Services, Site
from portcullis.remotes.agreement import offer_behind

if TYPE_CHECKING:
    from portcullis.model import Deployment, OnCluster

_FAMILY = "elasticsearch"


def file_of(site: Site) -> Deployment:
    """The deployment file in force."""
    from portcullis.model import loads  # late: no event needs it

    return loads(site.ledger.model(site.name).text, f"{site.name}.yaml")


def by_domain(services: Services) -> dict[str, str]:
    """ARN of a domain -> the deployment of this account that is on it."""
    domains = {name: services.site(name).registration.domain for name in services.ledger.deployments()}
    return {domain.arn: name for name, domain in domains.items() if domain is not None}


def files_in_force(services: Services) -> dict[str, Deployment]:
    """The files of the clusters of this account, by deployment. One that cannot be read is left out: it is nobody's other side then."""
    found: dict[str, Deployment] = {}
    for name in services.ledger.deployments():
        site = services.site(name)
        if site.registration.family == _FAMILY:
            try:
                found[name] = file_of(site)
            except PortcullisError:
                continue
    return found


def on_cluster(deployment: Deployment) -> OnCluster:
    """The file of an Elasticsearch cluster. Refused for one of a domain: it has no remote clusters."""
    from portcullis.model import OnCluster

    if not isinstance(deployment, OnCluster):
        raise Refused(
            f"{deployment.deployment} is no Elasticsearch cluster: remote clusters are declared in files of those"
        )
    return deployment


def other_side(here: OnCluster, beside: Mapping[str, Deployment], alias: str) -> tuple[OnCluster | None, str]:
    """The file of the cluster behind an alias, and the name of its offer that is meant (empty: none is). Refused if two could be meant."""
    from portcullis.model import OnCluster

    remote = here.remotes[alias]
    others = {name: one for name, one in sorted(beside.items()) if isinstance(one, OnCluster)}
    offered = ((giver, name, offer.secret) for giver, one in others.items() for name, offer in one.offers.items())
    found = offer_behind(here.deployment, remote.deployment or "", remote.credential or "", offered)
    return (others[found[0]], found[1]) if found else (others.get(remote.deployment or ""), "")
