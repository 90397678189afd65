"""The packages of one release of an engine: fetched once, pinned by checksum, mended when the cache is damaged.

In the release's folder lie `lib/` (what goes on the class path), `packages/` (zips, kept so that a damaged part is taken out again
without a network) and what those zips hold. Every start hashes every file: 90 MB take a tenth of a second, less than a stamp would be
worth.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import requests
from jgo.maven import MavenContext, PythonResolver
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable

Tell = Callable[[str], None]

PARALLEL = 8
ATTEMPTS = 3
BETWEEN_ATTEMPTS_S = 1.0
TIMEOUT_S = 20
TOLD_EVERY_S = 2.0


class CannotFetch(Unreachable):
    """Packages are missing from the cache and cannot be had. Trying again with a network helps."""


class WrongChecksum(Refused):
    """What was fetched is not what the lock names: it is not used."""


@dataclass(frozen=True)
class Wanted:
    """One file of the cache. `name` is relative to the release's folder, `member` where it lies within a zip."""

    name: str
    sha256: str
    size: int
    member: str = ""


@dataclass(frozen=True)
class Pin:
    """One artifact as the registry holds it."""

    group: str
    artifact: str
    version: str
    packaging: str
    classifier: str
    sha256: str
    size: int
    members: tuple[Wanted, ...] = ()

    @property
    def coordinates(self) -> str:
        parts = (self.group, self.artifact, self.version, self.packaging, self.classifier)
        return ":".join(part for part in parts if part)

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}{'-' * bool(self.classifier)}{self.classifier}.{self.packaging}"

    @property
    def itself(self) -> Wanted:
        """The artifact as a file of the cache."""
        folder = "packages" if self.members else "lib"
        return Wanted(f"{folder}/{self.file}", self.sha256, self.size)

    @property
    def yields(self) -> tuple[Wanted, ...]:
        """The files a start needs of it."""
        return self.members or (self.itself,)


@dataclass(frozen=True)
class Release:
    """Of which engine, and where its lock is."""

    product: str
    version: str
    lock: Path
    made_by: str  # the module that makes the lock anew
    known: tuple[str, ...]  # versions that have one

    def __str__(self) -> str:
        return f"{self.product} {self.version}"

    def folder(self, cache: Path) -> Path:
        return cache / f"{self.product.lower()}-{self.version}"


def read_lock(release: Release) -> list[Pin]:
    """The pins of a release. BadInput for a release that has no lock, or a lock that cannot be read."""
    path = release.lock
    if release.version not in release.known or not path.is_file():
        raise BadInput(f"no lock for {release}", source=str(path), remedy=f"one of {', '.join(release.known)}")
    try:
        return [
            Pin(
                group=entry["group"],
                artifact=entry["artifact"],
                version=entry["version"],
                packaging=entry["packaging"],
                classifier=entry.get("classifier", ""),
                sha256=entry["sha256"],
                size=entry["size"],
                members=tuple(
                    Wanted(member["to"], member["sha256"], member["size"], member["name"])
                    for member in entry.get("members", ())
                ),
            )
            for entry in json.loads(path.read_text(encoding="utf-8"))["artifacts"]
        ]
    except (ValueError, KeyError, TypeError) as wrong:
        remedy = f"python -m {release.made_by} {release.version} makes it anew"
        raise BadInput(f"not a lock of jars: {wrong}", source=str(path), remedy=remedy) from wrong


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact(folder: Path, wanted: Wanted) -> bool:
    """Whether the file is there, whole and what the lock names. The size is looked at first: it is the cheaper test."""
    path = folder / wanted.name
    try:
        return path.stat().st_size == wanted.size and sha256_of(path) == wanted.sha256
    except OSError:
        return False


def fill(
    release: Release, pins: Sequence[Pin], cache: Path, tell: Tell, *, repositories: Mapping[str, str] | None = None
) -> list[Path]:
    """Make the release's files lie in the cache, each as the lock names it, and return them in the lock's order.

    Fetches what is missing or damaged and nothing else: with a whole cache no connection is opened. `repositories`
    (name -> address) is for tests and mirrors; without it, the registry that jgo knows. Safe to call from several
    processes at once. Raises CannotFetch (no network), WrongChecksum (not what the lock names).
    """
    folder = release.folder(cache)
    try:
        (folder / "packages").mkdir(parents=True, exist_ok=True)
        with alone(folder, tell):
            damaged = [pin for pin in pins if not all(intact(folder, wanted) for wanted in pin.yields)]
            missing = [pin for pin in damaged if not (pin.members and intact(folder, pin.itself))]
            if missing:
                _Fetch(release, folder, missing, len(pins), tell, repositories).run()
            for pin in damaged:
                if pin.members:
                    _take_out(release, folder, pin)
    except OSError as failed:
        raise PortcullisError(
            f"the cache of {release} in {folder} cannot be written: {failed} (see to room and rights there)"
        ) from failed
    return [folder / wanted.name for pin in pins for wanted in pin.yields]


@contextlib.contextmanager
def alone(folder: Path, tell: Tell) -> Iterator[None]:
    """One process at a time looks at and fills a release's folder; the kernel lets go of the lock if it dies."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting: another process is filling {folder.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _put(source: Path, target: Path) -> None:
    """Move a whole, verified file to its place: what is there is the old file or the new one, never half of either."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def _take_out(release: Release, folder: Path, pin: Pin) -> None:
    """Take the damaged parts out of a verified zip."""
    with zipfile.ZipFile(folder / pin.itself.name) as archive:
        for wanted in pin.members:
            if intact(folder, wanted):
                continue
            part = folder / f".part-{Path(wanted.name).name}"
            with archive.open(wanted.member) as inside, part.open("wb") as outside:
                shutil.copyfileobj(inside, outside)
            if sha256_of(part) != wanted.sha256:
                part.unlink()
                raise WrongChecksum(f"{wanted.member} in {pin.coordinates} is not what {release.lock.name} names")
            _put(part, folder / wanted.name)


class _Stopped(Exception):
    """Another package failed: this one need not go on."""


@dataclass
class _Fetch:
    """The fetching of several packages at once. jgo writes in place and trusts what it finds, so it is given a folder
    of its own that is thrown away, and only what has the right checksum is moved into the cache."""

    release: Release
    folder: Path
    missing: list[Pin]
    of: int
    tell: Tell
    repositories: Mapping[str, str] | None
    received: int = 0
    done: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    counting: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        size = sum(pin.size for pin in self.missing) / 1e6
        count = len(self.missing)
        self.tell(f"fetching {count} of the {self.of} packages of {self.release} ({size:.0f} MB), once")
        started = time.monotonic()
        incoming = self.folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)  # what a killed run left
        try:
            with ThreadPoolExecutor(PARALLEL) as pool:
                # The largest first, so that the last to end is a small one.
                largest_first = sorted(self.missing, key=lambda pin: -pin.size)
                running = {pool.submit(self._one, pin, incoming / str(n)) for n, pin in enumerate(largest_first)}
                try:
                    while running:
                        ended, running = wait(running, timeout=TOLD_EVERY_S, return_when=FIRST_EXCEPTION)
                        for future in ended:
                            future.result()
                        if running:
                            self.tell(f"  {self.done} of {count} packages, {self.received / 1e6:.0f} of {size:.0f} MB")
                except BaseException:
                    self.stop.set()
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        self.tell(f"fetched {count} packages, {size:.0f} MB in {time.monotonic() - started:.1f} s")

    def _one(self, pin: Pin, incoming: Path) -> None:
        """Fetch, verify, move into place. A transfer cut short or garbled is tried again; the last failure is told."""
        wrong: PortcullisError | None = None
        for attempt in range(ATTEMPTS):
            if attempt and self.stop.wait(attempt * BETWEEN_ATTEMPTS_S):
                raise _Stopped
            folder = incoming / str(attempt)
            try:
                path = self._download(pin, folder)
            except requests.RequestException as failed:
                wrong = self._unreachable(pin, type(failed).__name__)
                continue
            except RuntimeError:  # jgo's word for every answer but 200
                wrong = self._unreachable(pin, "the registry did not give it")
                continue
            found = sha256_of(path)
            if found == pin.sha256:
                _put(path, self.folder / pin.itself.name)
                with self.counting:
                    self.done += 1
                return
            wrong = WrongChecksum(
                f"{pin.coordinates} was fetched {attempt + 1} times and is not what {self.release.lock.name} names: "
                f"sha256 {found} instead of {pin.sha256}. It is not used. See what stands between this machine and the "
                f"package registry (a proxy, a mirror), then start again"
            )
        assert wrong is not None  # noqa: S101 - ATTEMPTS is positive
        raise wrong

    def _unreachable(self, pin: Pin, why: str) -> CannotFetch:
        left = len(self.missing) - self.done
        return CannotFetch(
            f"{self.release} is not all in the cache and its packages cannot be fetched ({pin.coordinates}: {why}). "
            f"A first start needs the network to fetch {left} packages; later ones do not. Connect this machine and "
            f"start again, or copy a filled {self.folder.name} folder from another machine to {self.folder}"
        )

    def _download(self, pin: Pin, folder: Path) -> Path:
        resolver = PythonResolver(progress_callback=self._progress)
        repositories = dict(self.repositories) if self.repositories else None
        context = MavenContext(resolver=resolver, repo_cache=folder, remote_repos=repositories, timeout=TIMEOUT_S)
        component = context.project(pin.group, pin.artifact).at_version(pin.version)
        return Path(component.artifact(classifier=pin.classifier, packaging=pin.packaging).resolve())

    @contextlib.contextmanager
    def _progress(self, _name: str, _size: int) -> Iterator[Callable[[int], None]]:
        def count(received: int) -> None:
            if self.stop.is_set():
                raise _Stopped
            with self.counting:
                self.received += received

        yield count
