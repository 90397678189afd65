"""What in the remote clusters of a file cannot be: keys that licence or release do not hold, and one secret for two things."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.losses import losses
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import CLUSTER_KEYS, LICENCES_WITH_CLUSTER_KEYS
from portcullis.model.elasticsearch.remotes import CrossAccess
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.names import Wrong, shown
from portcullis.model.parts import Path


def of_remotes(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    """All of it, as (key path, what is wrong there)."""
    keyed = [alias for alias, remote in deployment.remotes.items() if remote.model == "api-key"]
    for place in (*(("remotes", alias, "model") for alias in keyed), *(("offers", name) for name in deployment.offers)):
        if why := _no_keys(deployment.release, deployment.cluster.licence):
            yield place, why
    for alias, remote in deployment.remotes.items():
        if remote.deployment == deployment.deployment:
            yield (
                ("remotes", alias, "deployment"),
                Wrong("is this deployment itself", "another one: here no alias is needed"),
            )
        if remote.allows is not None:
            yield from _filters(deployment, ("remotes", alias, "allows"), remote.allows)
    for name, offer in deployment.offers.items():
        yield from _filters(deployment, ("offers", name), offer)
    yield from _secrets(deployment)


def _no_keys(release: Release, licence: str) -> Wrong | None:
    """Why there are no keys between clusters, if there are none."""
    if release < CLUSTER_KEYS:
        return Wrong(f"{release} has no keys between clusters", f"{CLUSTER_KEYS} and later; or certificates")
    if licence not in LICENCES_WITH_CLUSTER_KEYS:
        return Wrong(
            f"the licence {licence} has no keys between clusters",
            f"cluster.licence: {' or '.join(LICENCES_WITH_CLUSTER_KEYS)}; or certificates",
        )
    return None


def _filters(deployment: OnCluster, here: Path, access: CrossAccess) -> Iterator[tuple[Path, Wrong]]:
    """Queries and fields that would be refused in a role, too."""
    as_role = {"indices": [{**entry, "privileges": ["read"]} for entry in access.document().get("search", ())]}
    for loss in losses(SecurityConfig({Kind.ROLES: {"key": as_role}}), deployment.release, deployment.cluster.licence):
        _, number, *inside = re.findall(r"[^.\[\]]+", loss.place)
        yield (*here, "search", int(number), *inside), Wrong(loss.why, loss.remedy)


def _secrets(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    """A key's text would be written over a password, or over another key's, or be sent to the other cluster in place of a key."""
    taken: dict[str, str] = {deployment.cluster.credential: "cluster.credential"}
    if deployment.break_glass.secret:
        taken[deployment.break_glass.secret] = "break_glass.secret"
    taken |= {user.secret: f"access.users.{name}" for name, user in deployment.access.users.items() if user.secret}
    passwords = dict(taken)
    for name, offer in deployment.offers.items():
        if offer.secret in taken:
            yield (
                ("offers", name, "secret"),
                Wrong(f"{shown(offer.secret)} is that of {taken[offer.secret]} already", "a secret of its own"),
            )
        taken.setdefault(offer.secret, f"offers.{name}")
    for alias, remote in deployment.remotes.items():
        if remote.credential in passwords:
            yield (
                ("remotes", alias, "credential"),
                Wrong(f"{shown(remote.credential)} is that of {passwords[remote.credential]}", "the secret of the key"),
            )
