"""What a remote cluster read by certificate, or a connection between domains, needs to be as safe as it can be: of files alone, and of
what is deployed. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.operations.remotes.asking.other_side import looked_at
from portcullis.operations.remotes.files import file_of, files_in_force, on_cluster, other_side
from portcullis.operations.services import Services, Site
from portcullis.remotes.facts import model_of
from portcullis.remotes.hardening import Family, Hardened, HardFacts, HardSide, harden, holders_of

if TYPE_CHECKING:
    from portcullis.model import Deployment, OnCluster, OnDomain
    from portcullis.model.elasticsearch.remotes import Remote

_LONGEST = 64  # characters of an alias
# Whoever is called so in two files is the same to both engines. A pool's users are of the pool, which each deployment has for itself.
_OF_A_POOL = (SubjectKind.COGNITO_USER, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)


def of_files(
    deployment: Deployment,
    beside: Mapping[str, Deployment],
    alias: str,
    *,
    to: Deployment | None = None,
    trusts: tuple[str, ...] | None = None,
) -> Hardened:
    """By the files of both sides. `to`: that of the other one, where `remotes.ALIAS` does not name it; a domain has no remotes in its
    file, so that it needs one. `trusts`: the subjects that the other side's nodes trust, as somebody says."""
    from portcullis.model import OnCluster, OnDomain

    if isinstance(deployment, OnDomain):
        if not isinstance(to, OnDomain):
            remedy = "--to FILE, the file of the domain that is read"
            raise BadInput(
                f"{deployment.deployment} is a domain: which one does it read?", source="command", remedy=remedy
            )
        return harden(_of_domains(deployment, to, alias))
    here = on_cluster(deployment)
    remote = _declared(here, alias)
    if to is not None and not isinstance(to, OnCluster):
        raise BadInput(
            f"{to.deployment} is no Elasticsearch cluster", source="command", place="--to", remedy="its file"
        )
    other = to or other_side(here, beside, alias)[0]
    facts = HardFacts(alias, _side(here), HardSide(remote.deployment or remote.address or alias), remote.model)
    facts = replace(facts, skip_unavailable=remote.skip_unavailable, trusts=trusts)
    if other is None:
        return harden(
            replace(facts, unseen=(f"the roles of {facts.there.name}: no file beside this one is of it (--to FILE)",))
        )
    there = _side(other)
    held, declared = facts.here.holders or {}, facts.here.roles or {}
    # A role that no file makes is the engine's own, which both have.
    reach = {role: people for role, people in held.items() if role in (there.roles or {}) or role not in declared}
    unseen = ("what files do not say: users and roles that were made by hand, super users in a file of the nodes",)
    return harden(replace(facts, there=there, reach=reach, unseen=unseen))


def remote_harden(services: Services, deployment: str, *, alias: str, trusts: str = "") -> Hardened:
    """By both clusters as they are now, where both are deployments of this account. `trusts`: subjects, with commas between them."""
    site = services.site(deployment)
    here, info = on_cluster(file_of(site)), site.remotes.info()
    alias = alias[:_LONGEST]
    if alias not in info and alias not in here.remotes:
        known = ", ".join(dict.fromkeys((*here.remotes, *sorted(info)))) or "none: it reads no other cluster"
        raise BadInput(f"{deployment} has no remote cluster {alias!r}", source="request", place="alias", remedy=known)
    declared, set_ = here.remotes.get(alias), info.get(alias)
    model = model_of(set_) if set_ is not None else declared.model if declared else "certificate"
    skip = bool(set_.get("skip_unavailable")) if set_ is not None else bool(declared and declared.skip_unavailable)
    unseen: list[str] = []
    other = other_side(here, files_in_force(services), alias)[0] if declared else None
    facts = HardFacts(
        alias,
        _seen_side(site, unseen),
        HardSide(alias),
        model,
        skip_unavailable=skip,
        trusts=tuple(filter(None, map(str.strip, trusts.split(",")))) if trusts else None,
        pinged=looked_at(unseen, f"settings of {deployment}", lambda: site.remotes.pinged(alias)),
    )
    if other is None:
        unseen.append(f"the cluster behind {alias} is no deployment of this account that its file names: its roles")
        return harden(replace(facts, unseen=tuple(unseen)))
    there = _seen_side(services.site(other.deployment), unseen)
    reach = None
    if there.roles is not None and facts.here.holders is not None:
        reach = {role: people for role, people in facts.here.holders.items() if role in there.roles}
    return harden(replace(facts, there=there, reach=reach, unseen=tuple(unseen)))


def _declared(here: OnCluster, alias: str) -> Remote:
    if alias not in here.remotes:
        known = ", ".join(here.remotes) or "it has none"
        raise BadInput(f"there is no remote {alias[:_LONGEST]!r}", source=here.source, place="remotes", remedy=known)
    return here.remotes[alias]


def _side(deployment: Deployment) -> HardSide:
    from portcullis.model import resolve

    access = resolve(deployment)
    release = deployment.engine.partition("-")[2]
    return HardSide(deployment.deployment, release, access.roles, _holders(access))


def _holders(access: AccessModel) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for grant in access.grants:
        found.setdefault(grant.role, {})[str(grant.subject)] = None
    return {role: tuple(people) for role, people in found.items()}


def _of_domains(here: OnDomain, there: OnDomain, alias: str) -> HardFacts:
    """An OpenSearch sends the name and the backend roles of whoever asks: the same name in both files is the same to the other one."""
    from portcullis.model import access_policy, resolve

    ours, theirs = resolve(here), resolve(there)
    known = {grant.subject for grant in ours.grants if grant.subject.kind not in _OF_A_POOL}
    known |= {Subject(SubjectKind.INTERNAL_USER, name) for name in ours.users}
    known |= {
        Subject(SubjectKind.BACKEND_ROLE, role)
        for user in ours.users.values()
        for role in user.get("backend_roles") or ()
    }
    reach: dict[str, dict[str, None]] = {}
    for grant in theirs.grants:
        if grant.subject in known:
            reach.setdefault(grant.role, {})[str(grant.subject)] = None
    return HardFacts(
        alias,
        HardSide(here.deployment, here.engine.partition("_")[2], ours.roles, _holders(ours)),
        HardSide(there.deployment, there.engine.partition("_")[2], theirs.roles, _holders(theirs)),
        family=Family.OPENSEARCH,
        reach={role: tuple(people) for role, people in reach.items()},
        policy=access_policy(there, f"arn:aws:es:REGION:ACCOUNT:domain/{there.deployment}"),
        unseen=(
            "what files do not say: mappings, users and a policy that were made by hand; who shares a user pool with another domain",
        ),
    )


def _seen_side(site: Site, unseen: list[str]) -> HardSide:
    held = looked_at(unseen, f"roles and users of {site.name}", site.engine.read)
    if held is None:
        return HardSide(site.name)
    release = site.engine.dialect.split()[0]
    return HardSide(site.name, release, held.of(site.family.roles), holders_of(held))
