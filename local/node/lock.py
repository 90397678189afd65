"""Make the lock of a release's jars anew: `python -m local.node.lock 3.4.0`.

Resolves what OpenSearch itself depends on, adds what the class path lacks, opens the Security plugin's zip, and writes
`jars-<version>.lock.json`: coordinates and checksums, no addresses. Same release, same file.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jgo.maven import Dependency, MavenContext, PythonResolver

from local.node.jars import lock_path
from local.packages import PARALLEL, sha256_of

# What a node needs on its class path and no POM names: the logging back end, the module of `_reindex` and its like with what it uses
# (of the release's own version: no version here), and a library the 3.x zip uses but lacks.
_IN_ALL = (
    ("org.apache.logging.log4j", "log4j-core", "2.21.0"),
    ("org.opensearch.plugin", "reindex-client", ""),
    ("org.opensearch", "opensearch-ssl-config", ""),
)
ADDED = {"2": _IN_ALL, "3": (*_IN_ALL, ("org.apache.commons", "commons-collections4", "4.5.0"))}


def entry(group: str, artifact: str, version: str, packaging: str, classifier: str, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"group": group, "artifact": artifact, "version": version, "packaging": packaging}
    if classifier:
        found["classifier"] = classifier
    return {**found, "sha256": sha256_of(path), "size": path.stat().st_size}


def members(path: Path) -> list[dict[str, Any]]:
    """The zip's jars and its configuration files, with the place each takes in the cache."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            folder, _, name = info.filename.rpartition("/")
            if name.endswith(".jar") and not folder:
                to = f"lib/{name}"
            elif folder == "config" and name.endswith(".yml"):
                to = f"defaults/{name}"
            else:
                continue
            digest = hashlib.sha256(archive.read(info)).hexdigest()
            found.append({"name": info.filename, "to": to, "sha256": digest, "size": info.file_size})
    return found


def resolve(version: str, folder: Path) -> list[dict[str, Any]]:
    maven = MavenContext(resolver=PythonResolver(), repo_cache=folder, timeout=120)

    def artifact(group: str, name: str, at: str, packaging: str = "jar") -> Any:
        return maven.project(group, name).at_version(at).artifact(packaging=packaging)

    core = Dependency(artifact("org.opensearch", "opensearch", version), scope="compile")
    _, dependencies = maven.resolver.resolve([core])
    chosen = [core.artifact]
    chosen += [found.artifact for found in dependencies if found.scope in ("compile", "runtime") and not found.optional]
    chosen += [artifact(group, name, at or version) for group, name, at in ADDED[version.split(".")[0]]]
    plugin = artifact("org.opensearch.plugin", "opensearch-security", f"{version}.0", "zip")
    with ThreadPoolExecutor(PARALLEL) as pool:
        paths = list(pool.map(lambda one: Path(one.resolve()), [*chosen, plugin]))
    entries = [
        entry(one.groupId, one.artifactId, one.version, one.packaging, one.classifier, path)
        for one, path in zip([*chosen, plugin], paths, strict=True)
    ]
    entries[-1]["members"] = members(paths[-1])
    return sorted(entries, key=lambda one: (one["packaging"], one["group"], one["artifact"]))


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lock = {"opensearch": version, "artifacts": resolve(version, Path(folder))}
    lock_path(version).write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
    print(f"{lock_path(version).name}: {len(lock['artifacts'])} packages")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].split(".")[0] not in ADDED:
        print(f"usage: python -m local.node.lock VERSION, of the lines {', '.join(ADDED)}", file=sys.stderr)
        sys.exit(2)
    main(sys.argv[1])
