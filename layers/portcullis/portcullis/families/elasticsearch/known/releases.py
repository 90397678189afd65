"""What each release can hold, as data: releases.json and reserved_roles.json, made from what real servers of four releases say.

tests/families/elasticsearch/test_releases_on_elastic.py holds it against the servers. A release between two of them is taken for the
earlier of its major version that was measured; where there is none, for the later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from portcullis.families.elasticsearch.known.privileges import is_raw
from portcullis.families.elasticsearch.known.release import Release

_DATA = Path(__file__).with_name("releases.json")
_ROLES = Path(__file__).with_name("reserved_roles.json")


@dataclass(frozen=True, slots=True)
class Holds:
    """What a release has from the start."""

    measured: str  # the release it was measured on
    reserved_roles: frozenset[str]
    deprecated_roles: frozenset[str]
    reserved_users: frozenset[str]
    cluster: frozenset[str]  # privileges of the cluster ...
    index: frozenset[str]  # ... and of indices


# A field of a role, or of a mapping, and the first release that knows it.
ROLE_FIELDS = {
    "cluster": Release(6, 0),
    "indices": Release(6, 0),
    "applications": Release(6, 4),
    "run_as": Release(6, 0),
    "metadata": Release(6, 0),
    "transient_metadata": Release(6, 0),
    "global": Release(6, 4),
    "remote_indices": Release(8, 8),
    "remote_cluster": Release(8, 15),
    "description": Release(8, 15),
}
MAPPING_FIELDS = {
    "enabled": Release(6, 0),
    "roles": Release(6, 0),
    "rules": Release(6, 0),
    "metadata": Release(6, 0),
    "role_templates": Release(7, 2),
}
# Licences that know neither filters on documents and fields, nor realms of tokens, nor keys between clusters.
BASIC = "basic"
OF_LATER = ("create_doc", "auto_configure", "maintenance")  # privileges of indices that came in 7.9
# Keys between clusters: since when, and by which licences.
CLUSTER_KEYS = Release(8, 10)
LICENCES_WITH_CLUSTER_KEYS = ("trial", "enterprise")


@cache
def _measured() -> dict[Release, Holds]:
    read = json.loads(_DATA.read_text(encoding="utf-8"))
    return {
        Release.of(version): Holds(version, **{key: frozenset(names) for key, names in one.items()})
        for version, one in read.items()
    }


@cache
def holds(release: Release) -> Holds:
    """What a release has, or the nearest one of its major version."""
    of_major = sorted(one for one in _measured() if one.major == release.major)
    earlier = [one for one in of_major if one <= release]
    return _measured()[earlier[-1] if earlier else of_major[0]]


def breaks_every_request(privileges: Iterable[str], release: Release, *, of_cluster: bool = False) -> tuple[str, ...]:
    """Privileges that the release takes into a role without a look, and that then end each request of its holders in an error."""
    if release.major > 6:
        return () if release.has_create_doc else tuple(name for name in privileges if name.lower() in OF_LATER)
    known = holds(release).cluster if of_cluster else holds(release).index
    return tuple(name for name in privileges if name.lower() not in known and not is_raw(name))


@cache
def _reserved() -> dict[str, dict[str, dict[str, Any]]]:
    read: dict[str, dict[str, dict[str, Any]]] = json.loads(_ROLES.read_text(encoding="utf-8"))
    return read


def built_in(name: str, release: Release) -> dict[str, Any]:
    """What a role of the engine's own gives on the cluster and its indices, as real servers show it; empty if there is none."""
    return _reserved()[holds(release).measured].get(name, {})


def versions() -> tuple[str, ...]:
    """Those that were measured."""
    return tuple(one.measured for one in _measured().values())
