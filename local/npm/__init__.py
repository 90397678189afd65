"""Packages of npm for the tests, the benches and the pictures of the docs: fetched once into the cache, held against the lock's digests.

None of them is part of what is deployed. Their install scripts are never run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from portcullis.errors import Unreachable

from local.embedded import CACHE
from local.packages import alone

HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json")
_TIMEOUT_S = 900


def ready(tell: Callable[[str], None] = print) -> Path:
    """The folder with `node_modules`, as the lock has them. Unreachable if they are not all there and cannot be fetched."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _FILES)).hexdigest()[:12]
    folder = CACHE / f"npm-{digest}"
    done = folder / "installed"
    if done.is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, tell):
        if done.is_file():
            return folder
        for name in _FILES:
            shutil.copyfile(HERE / name, folder / name)
        tell("fetching a browser, the CDK command and three more packages of npm (60 MB), once")
        downloads = folder / "downloads"
        command = [str(tool("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(downloads)]
        try:
            ended = subprocess.run(
                command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as late:
            raise Unreachable(f"npm fetched its packages for {_TIMEOUT_S} s and was not done") from late
        if ended.returncode:
            raise Unreachable(f"npm could not fetch its packages: {' '.join(ended.stderr.split())[-600:]}")
        shutil.rmtree(downloads, ignore_errors=True)
        done.touch()
    return folder


def tool(name: str) -> Path:
    """`node` or `npm` of this environment."""
    return Path(sys.executable).parent / name


def environment() -> dict[str, str]:
    """Ours, with this environment's own node first."""
    return {**os.environ, "PATH": f"{tool('node').parent}{os.pathsep}{os.environ.get('PATH', '')}"}
