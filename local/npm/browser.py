"""The Chromium that the tests, the bench of the page and the pictures of the docs use: one, whatever the machine has. It reaches no network
but 127.0.0.1."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from portcullis.errors import PortcullisError, Refused

from local.npm import environment, ready, tool
from local.packages import alone

HERE = Path(__file__).parent
_PARTS = (
    "al2023.tar.br",
    "fonts.tar.br",
    "swiftshader.tar.br",
)  # the libraries it needs, a font, a renderer without a GPU
_LONGEST_S = 300


@dataclass(frozen=True, slots=True)
class Browser:
    """`folder`: of npm's packages, which hold what drives it."""

    path: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        there = self.path.parent
        libraries = os.pathsep.join(filter(None, (str(there / "lib"), os.environ.get("LD_LIBRARY_PATH"))))
        return {**environment(), "LD_LIBRARY_PATH": libraries, "FONTCONFIG_PATH": str(there / "fonts")}

    def look(self, file: Path, **options: Any) -> Any:
        """Open a file, do what `look.mjs` is told, and what it found. Raises PortcullisError with what it says went wrong."""
        script = HERE / "look.mjs"
        command = [str(tool("node")), str(script), str(self.path), str(file), json.dumps(options)]
        try:
            ended = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=_LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise PortcullisError(f"{script.name} did not end within {_LONGEST_S} s") from late
        if ended.returncode:
            raise PortcullisError(f"{script.name} failed: {ended.stderr.strip()[-1500:]}")
        return json.loads(ended.stdout)


def browser(tell: Callable[[str], None] = print) -> Browser:
    """Fetched and unpacked once. Refused on a machine that the package has no browser for."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Refused(
            f"the tests' Chromium is one for Linux on x86-64, and this is {sys.platform} on {platform.machine()}"
        )
    folder = ready(tell)
    there = folder / "chromium"
    done = there / "unpacked"
    if not done.is_file():
        there.mkdir(exist_ok=True)
        with alone(there, tell):
            if not done.is_file():
                _unpack(folder / "node_modules" / "@sparticuz" / "chromium" / "bin", there)
                done.touch()
    return Browser(there / "chromium", folder)


def _unpack(packed: Path, there: Path) -> None:
    _decompressed(packed / "chromium.br", there / "chromium")
    for name in _PARTS:
        archive = there / name.removesuffix(".br")
        _decompressed(packed / name, archive)
        with tarfile.open(archive) as parts:
            parts.extractall(there / "fonts" if name.startswith("fonts") else there, filter="data")
        archive.unlink()
    # The package's own names folders of other places.
    conf = f"<fontconfig><dir>{escape(str(there / 'fonts'))}</dir><cachedir>{escape(str(there / 'fonts-cache'))}</cachedir></fontconfig>"
    (there / "fonts" / "fonts.conf").write_text(f'<?xml version="1.0"?>\n{conf}\n', "utf-8")


def _decompressed(packed: Path, into: Path) -> None:
    subprocess.run(
        [str(tool("node")), str(HERE / "unpack.mjs"), str(packed), str(into)],
        check=True,
        env=environment(),
        timeout=_LONGEST_S,
    )
