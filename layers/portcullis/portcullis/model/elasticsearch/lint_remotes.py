"""What is valid about remote clusters and seldom meant: roles against the key, the model, and the other side's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portcullis.families.elasticsearch.documents.compare import canonical_access
from portcullis.families.elasticsearch.known.names import certainly_beyond, may_match
from portcullis.families.elasticsearch.known.release import Release
from portcullis.model.elasticsearch.remotes import CrossAccess, Remote, digest, facts_of
from portcullis.model.elasticsearch.types import OnCluster, RemoteIndexEntry
from portcullis.model.lints.findings import Finding, found
from portcullis.model.names import shown
from portcullis.model.parts import Path
from portcullis.model.types import Deployment
from portcullis.remotes.agreement import is_of

_READY = Release(8, 14)
# What a key gives on the names that it has, by which of its two parts.
_SEARCHING = frozenset({"read", "read_cross_cluster", "view_index_metadata"})
_FOLLOWING = frozenset({"cross_cluster_replication", "cross_cluster_replication_internal"})


def of_remotes(deployment: OnCluster) -> Iterator[Finding]:
    """What one file tells."""
    for alias, remote in deployment.remotes.items():
        yield from _remote(deployment, alias, remote)
    used: set[str] = set()
    for role, spec in deployment.access.roles.items():
        named = [("remote_indices", i, entry.clusters) for i, entry in enumerate(spec.remote_indices)]
        named += [("remote_cluster", i, entry.clusters) for i, entry in enumerate(spec.remote_cluster)]
        for key, i, clusters in named:
            here: Path = ("access", "roles", role, key, i)
            for j, pattern in enumerate(clusters):
                fits = [alias for alias in deployment.remotes if may_match(pattern, alias)]
                used.update(fits)
                if not fits:
                    yield _unknown(deployment, (*here, "clusters", j), pattern)
        for i, asked in enumerate(spec.remote_indices):
            yield from _beyond(deployment, ("access", "roles", role, "remote_indices", i), asked)
    for alias, remote in deployment.remotes.items():
        if remote.model == "api-key" and alias not in used:
            yield found(
                deployment,
                "remote-unused",
                ("remotes", alias),
                f"no role names {alias}, so that super users alone read it",
                f"access.roles: remote_indices: [{{clusters: [{alias}], names: […], privileges: [read]}}], or leave it out",
            )
    if deployment.offers and deployment.release < _READY:
        yield _early(deployment, ("offers",))


def _remote(deployment: OnCluster, alias: str, remote: Remote) -> Iterator[Finding]:
    here: Path = ("remotes", alias)
    if remote.model == "certificate":
        yield found(
            deployment,
            "remote-by-certificate",
            (*here, "model"),
            f"certificates are deprecated, and a super user of this cluster reads everything of {alias}",
            "model: api-key, with a key that whoever runs the other cluster makes: nobody here sees beyond it",
        )
        if searched := [name for name, offer in deployment.offers.items() if offer.search]:
            yield found(
                deployment,
                "remote-passed-on",
                (*here, "model"),
                f"whoever comes with a key of {', '.join(searched)} reads {alias} through this cluster, as ALIAS:{alias}:INDEX: "
                "what the key allows by name, whatever the roles there give",
                "model: api-key: who comes with one key is let on with no other",
            )
    elif deployment.release < _READY:
        yield _early(deployment, (*here, "model"))
    if remote.agreed is not None and remote.agreed.digest != digest(facts_of(remote)):
        yield found(
            deployment,
            "remote-agreed-changed",
            here,
            f"this is not what was accepted of {remote.agreed.deployment} on {remote.agreed.made}: it was changed here by hand",
            "as it was accepted; or another offer: what counts is the key that the other side makes",
        )
    if remote.skip_unavailable:
        yield found(
            deployment,
            "remote-refusals-hidden",
            (*here, "skip_unavailable"),
            f"whatever {alias} refuses, and a key that has ended, are answered 200 without its documents",
            "skip_unavailable: false; or look at _clusters.skipped of each answer",
        )


def _early(deployment: OnCluster, path: Path) -> Finding:
    message = f"in {deployment.release} keys between clusters are not yet meant for production"
    return found(deployment, "remote-key-early", path, message, f"{_READY} or later")


def _unknown(deployment: OnCluster, path: Path, pattern: str) -> Finding:
    there = ", ".join(deployment.remotes) or "none"
    message = f"no remote cluster of this file is called {shown(pattern)} (there is {there})"
    remedy = "add it to remotes, or leave it out: this cluster refuses whoever asks for it"
    return found(deployment, "remote-unknown", path, message, remedy)


def _beyond(deployment: OnCluster, here: Path, asked: RemoteIndexEntry) -> Iterator[Finding]:
    for alias, remote in deployment.remotes.items():
        if remote.allows is None or not any(may_match(pattern, alias) for pattern in asked.clusters):
            continue
        beyond = [*_names_beyond(asked, remote.allows), *_privileges_beyond(asked, remote.allows)]
        if beyond:
            yield found(
                deployment,
                "remote-beyond-key",
                here,
                f"{', '.join(map(shown, beyond))} of {alias} is more than its key allows: the other cluster refuses it "
                "('towards remote cluster is unauthorized … authenticated by API key id …'), this one does not",
                "less here; or more in the key, which whoever runs the other cluster gives",
            )


def _names_beyond(asked: RemoteIndexEntry, allows: CrossAccess) -> list[str]:
    names = [name for one in allows.search for name in one.names]
    names += [name for one in allows.replication for name in one.names]
    return [name for name in asked.names if certainly_beyond(name, names)]


def _privileges_beyond(asked: RemoteIndexEntry, allows: CrossAccess) -> list[str]:
    given = (_SEARCHING if allows.search else frozenset()) | (_FOLLOWING if allows.replication else frozenset())
    return [name for name in asked.privileges if ":" not in name and name != "none" and name not in given]


# ------------------------------------------------------------------ the file of the other side


def of_others(deployment: OnCluster, others: Mapping[str, Deployment]) -> Iterator[Finding]:
    """What only the other deployments' files tell, by name."""
    for alias, remote in deployment.remotes.items():
        if remote.deployment is None:
            continue
        here: Path = ("remotes", alias)
        other = others.get(remote.deployment)
        if not isinstance(other, OnCluster):
            yield found(
                deployment,
                "remote-not-beside",
                (*here, "deployment"),
                f"{remote.deployment} is no Elasticsearch cluster of a file beside this one",
                "its file in the same folder, or address: HOST:PORT",
            )
        elif remote.allows is not None and (why := _differs(remote, other)):
            yield found(deployment, "remote-offer-differs", (*here, "allows"), *why)


def _differs(remote: Remote, other: OnCluster) -> tuple[str, str] | None:
    """What differs, and what to do; None if nothing does."""
    offers = [
        (name, offer)
        for name, offer in other.offers.items()
        if is_of(other.deployment, offer.secret, remote.deployment or "", remote.credential or "")
    ]
    if not offers:
        problem = f"{other.deployment} offers no key in the secret {shown(remote.credential or '')}"
        return problem, f"the secret of one of its offers ({', '.join(other.offers) or 'it has none'})"
    [(name, offer)] = offers[:1]
    if remote.allows is not None and canonical_access(remote.allows.document()) != canonical_access(offer.document()):
        problem = f"this is not what {other.deployment} offers as {name}: what counts is the offer"
        return problem, f"the same search and replication as in its offers.{name}"
    return None
