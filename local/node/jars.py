"""The jars of one OpenSearch release in the cache, under `opensearch-<version>/`: see local/packages.py.

`lib/` goes on the class path; `defaults/` holds the Security plugin's own configuration files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.packages import Pin, Release, Tell, fill
from local.packages import read_lock as read

HERE = Path(__file__).parent
VERSIONS = ("3.4.0", "2.19.3")


def lock_path(version: str) -> Path:
    return HERE / f"jars-{version}.lock.json"


def release_of(version: str) -> Release:
    return Release("OpenSearch", version, lock_path(version), "local.node.lock", VERSIONS)


def release_folder(version: str, cache: Path) -> Path:
    return release_of(version).folder(cache)


def default_files(version: str, cache: Path) -> Path:
    """The folder of the plugin's own configuration files (roles.yml, ...), there once `ensure` has returned."""
    return release_folder(version, cache) / "defaults"


def read_lock(version: str) -> list[Pin]:
    """The pins of a release. BadInput for a release that has no lock, or a lock that cannot be read."""
    return read(release_of(version))


def ensure(version: str, cache: Path, tell: Tell, *, repositories: Mapping[str, str] | None = None) -> list[Path]:
    """Fill the cache with the release's jars and return them in the lock's order. Raises as `local.packages.fill`, and BadInput."""
    found = fill(release_of(version), read_lock(version), cache, tell, repositories=repositories)
    return [path for path in found if path.suffix == ".jar"]
