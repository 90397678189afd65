"""Make the lock of a release's packages anew: `python -m local.elastic.lock 9.5.3`.

Opens the zip that Elastic publishes and writes `packages-<version>.lock.json`: coordinates and checksums of what a start needs, no
addresses. Same release, same file.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext, PythonResolver

from local.elastic.distribution import COMPILER, VERSIONS, major, release_of
from local.node.lock import entry

_ZIPS = "org.elasticsearch.distribution"
_COMPILER = ("org.eclipse.jdt", COMPILER, "3.41.0")
# What no test asks of a node, and weighs most.
_LEFT_OUT = ("apm", "ingest-geoip", "x-pack-ml")
_OF_A_MODULE = ("plugin-descriptor.properties", "plugin-security.policy")


def wanted(parts: tuple[str, ...]) -> bool:
    """Whether a file of the zip is needed: the class path, what is native, and the modules."""
    match parts:
        case ("lib", name):
            return name.endswith(".jar")
        case ("lib", "platform", _, name):
            return "LICENSE" not in name
        case ("modules", module, *_, name):
            return module not in _LEFT_OUT and (name.endswith(".jar") or name in _OF_A_MODULE)
    return False


def members(path: Path) -> list[dict[str, Any]]:
    found = []
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            parts = tuple(info.filename.split("/")[1:])  # without the folder that all of it lies in
            if not info.is_dir() and wanted(parts):
                digest = hashlib.sha256(archive.read(info)).hexdigest()
                found.append({"name": info.filename, "to": "/".join(parts), "sha256": digest, "size": info.file_size})
    return found


def resolve(version: str, folder: Path) -> list[dict[str, Any]]:
    maven = MavenContext(resolver=PythonResolver(), repo_cache=folder, timeout=300)
    # The whole distribution of 6.8 is published; of later ones a zip for tests of integration, with X-Pack's core and security.
    group = f"{_ZIPS}.zip" if major(version) == 6 else f"{_ZIPS}.integ-test-zip"
    entries = []
    for where, name, at, packaging in ((*_COMPILER, "jar"), (group, "elasticsearch", version, "zip")):
        path = Path(maven.project(where, name).at_version(at).artifact(packaging=packaging).resolve())
        entries.append(entry(where, name, at, packaging, "", path))
    entries[-1]["members"] = members(path)
    return entries


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        artifacts = resolve(version, Path(folder))
    # A line a file: a release has some hundred.
    lock = {"elasticsearch": version, "artifacts": artifacts}
    text = json.dumps(lock, indent=1).replace("\n     ", " ").replace("\n    }", " }")
    release_of(version).lock.write_text(text + "\n", encoding="utf-8")
    print(f"{release_of(version).lock.name}: {len(artifacts[-1]['members'])} files")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in VERSIONS:
        print(f"usage: python -m local.elastic.lock VERSION, one of {', '.join(VERSIONS)}", file=sys.stderr)
        sys.exit(2)
    main(sys.argv[1])
