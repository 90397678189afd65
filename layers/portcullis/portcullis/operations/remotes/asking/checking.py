"""Remote clusters looked at from both sides, as far as both are deployments of this account. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from portcullis.errors import BadInput, PortcullisError
from portcullis.model.elasticsearch.remotes import PORTS
from portcullis.operations.remotes.asking.between_domains import between_domains
from portcullis.operations.remotes.asking.other_side import looked_at
from portcullis.operations.remotes.connecting import checked
from portcullis.operations.remotes.files import file_of, files_in_force, on_cluster, other_side
from portcullis.operations.services import Services, Site
from portcullis.remotes.agreement import is_of
from portcullis.remotes.checking import check
from portcullis.remotes.facts import BY_KEY, Cluster, Finding, Given, Looked, RemoteFacts, exit_status
from portcullis.remotes.keys import WARNING, Key, Offer, warning
from portcullis.remotes.refusals import state_told

if TYPE_CHECKING:
    from portcullis.model import Deployment, OnCluster


@dataclass(frozen=True, slots=True)
class RemoteChecked:
    """`exit_status`: 3 if something is wrong. What could not be looked at is said among the findings, and is no OK."""

    deployment: str
    findings: tuple[Finding, ...]
    exit_status: int


def remote_check(services: Services, deployment: str, *, alias: str = "") -> RemoteChecked:
    """Every remote cluster of a deployment and every key that it gives, or one alias alone. Raises if its own cluster does not
    answer; what else does not is said."""
    site = services.site(deployment)
    if site.registration.domain:
        findings = _of_domain(services, site, alias)
        return RemoteChecked(deployment, findings, exit_status(findings))
    here, files = on_cluster(file_of(site)), files_in_force(services)
    info = site.remotes.info()
    known = list(dict.fromkeys((*here.remotes, *sorted(info))))
    if alias and alias not in known:
        remedy = f"one of {', '.join(known)}" if known else "it has none"
        raise BadInput(
            f"{deployment} has no remote cluster {alias[:64]!r}", source="request", place="alias", remedy=remedy
        )
    remotes = tuple(_facts(services, site, here, files, one, info.get(one)) for one in known if alias in ("", one))
    unseen: list[str] = []
    shown = looked_at(unseen, f"the keys of {site.name}", site.cluster_keys.shown) or ()
    given = () if alias else _given(services, site, here, files, shown, unseen)
    keys = tuple(one for one in shown if one.usable(site.now()))
    comes = _by_certificate(site.name, files)
    findings = check(Looked(_cluster(site), remotes, given, keys, comes, tuple(unseen)), site.now())
    return RemoteChecked(deployment, findings, exit_status(findings))


def _of_domain(services: Services, site: Site, alias: str) -> tuple[Finding, ...]:
    found = (*checked(site), *between_domains(services, site))
    known = list(dict.fromkeys(one.alias for one in found if one.alias))
    if alias and alias not in known:
        remedy = f"one of {', '.join(known)}" if known else "it reads no other domain"
        problem = f"{site.name} is a domain, and reads none as {alias[:64]!r}"
        raise BadInput(problem, source="request", place="alias", remedy=remedy)
    if alias:
        return tuple(one for one in found if one.alias == alias)
    # Those of an alias stand together; of the domain itself last.
    return tuple(one for name in (*known, "") for one in found if one.alias == name)


def _facts(
    services: Services, site: Site, here: OnCluster, files: Mapping[str, Deployment], alias: str, info: Any
) -> RemoteFacts:
    declared, unseen = here.remotes.get(alias), list[str]()
    facts = RemoteFacts(alias, declared is not None, info=info)
    other: Site | None = None
    if declared is not None:
        file, offer = other_side(here, files, alias)
        other = services.site(file.deployment) if file else None
        allows = (
            file.offers[offer].document() if file and offer else declared.allows.document() if declared.allows else None
        )
        ending = WARNING
        if file and offer:
            one = file.offers[offer]
            ending = warning(Offer(file.deployment, offer, {}, one.expires_after_days, one.secret))
        address = declared.address or (
            f"{file.cluster.endpoint.rpartition(':')[0]}:{PORTS[declared.model]}" if file else ""
        )
        facts = replace(
            facts,
            model=declared.model,
            mode=declared.mode,
            address=address,
            skip_unavailable=declared.skip_unavailable,
            allows=allows,
            warning=ending,
        )
    if info is not None:
        resolved = looked_at(unseen, f"whether {alias} answers", lambda: site.remotes.resolve(f"{alias}:*"))
        facts = replace(facts, resolved=dict((resolved or {}).get(alias, {})) if resolved is not None else None)
        if info.get("cluster_credentials"):
            facts = _with_key(facts, site, declared.credential if declared else None, unseen)
    if other is not None:
        far = other  # for the functions below
        cluster = _cluster(far)
        shown = looked_at(unseen, f"the keys of {far.name}", far.cluster_keys.shown) if facts.model == BY_KEY else None
        facts = replace(facts, other=cluster, shown=shown)
    return replace(facts, unseen=tuple(unseen))


def _with_key(facts: RemoteFacts, site: Site, secret: str | None, unseen: list[str]) -> RemoteFacts:
    try:
        facts = replace(facts, key=site.remotes.key_in_use(facts.alias))
    except PortcullisError as error:
        if state := state_told(str(error)):
            facts = replace(facts, state=state)
        else:
            unseen.append(f"by which key {facts.alias} is read: {error}")
    if secret:
        text = looked_at(unseen, f"the secret {secret}", lambda: (site.key_texts.read(secret),))
        facts = replace(facts, secret=None if text is None else text[0].id if text[0] else "")
    return facts


def _cluster(site: Site) -> Cluster:
    unseen: list[str] = []
    roles = looked_at(
        unseen, f"the roles of {site.name}", lambda: site.engine.read([site.family.roles]).of(site.family.roles)
    )
    return Cluster(
        site.name,
        releases=looked_at(unseen, f"the releases of {site.name}", site.remotes.releases),
        licence=looked_at(unseen, f"the licence of {site.name}", site.remotes.licence),
        certificates=looked_at(unseen, f"the certificates of {site.name}", site.remotes.certificates),
        roles=roles,
        unseen=tuple(unseen),
    )


def _by_certificate(here: str, files: Mapping[str, Deployment]) -> tuple[str, ...]:
    """Who reads this cluster so, as the files of the account say: no engine tells who comes."""
    from portcullis.model import OnCluster

    readers = [(name, file) for name, file in files.items() if isinstance(file, OnCluster) and name != here]
    return tuple(
        f"{name} as {alias}"
        for name, file in readers
        for alias, remote in file.remotes.items()
        if remote.deployment == here and remote.model != BY_KEY
    )


def _given(
    services: Services,
    site: Site,
    here: OnCluster,
    files: Mapping[str, Deployment],
    shown: Sequence[Key],
    unseen: list[str],
) -> tuple[Given, ...]:
    """The keys that this cluster gives, and which deployments of this account come with each."""
    from portcullis.model import OnCluster

    if not shown:
        return ()
    us = looked_at(unseen, f"who makes the keys of {site.name}", site.cluster_keys.us)
    reading: dict[str, list[tuple[str, str]]] = {}  # offer -> (who reads, with which key; empty: not seen)
    for name, file in files.items():
        for alias, remote in file.remotes.items() if isinstance(file, OnCluster) and name != site.name else ():
            for offer, one in here.offers.items():
                if is_of(site.name, one.secret, remote.deployment or "", remote.credential or ""):
                    reading.setdefault(offer, []).append(
                        (f"{name} as {alias}", _comes_with(services.site(name), alias))
                    )
    return tuple(_one_given(key, site, here, reading, us or "") for key in shown if key.usable(site.now()))


def _comes_with(site: Site, alias: str) -> str:
    """The id of the key by which a deployment reads an alias; empty if that could not be seen."""
    try:
        return site.remotes.key_in_use(alias)
    except PortcullisError:
        return ""


def _one_given(key: Key, site: Site, here: OnCluster, reading: Mapping[str, list[tuple[str, str]]], us: str) -> Given:
    of, offer = key.offer
    offered = of == site.name and offer in here.offers
    readers = reading.get(offer, []) if offered else []
    by = tuple(name for name, seen in readers if seen == key.id)
    return Given(key, offered, key.owner == us, by, bool(readers) and all(seen for _, seen in readers))
