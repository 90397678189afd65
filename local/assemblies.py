"""Cloud assemblies that `app.py` made of the same files before. To make one takes more of the processor's time than a node's start."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# Whatever `app.py` reads of the project, besides the deployment files: held by tests/stacks/test_kept_assemblies.py.
INPUTS = (
    "app.py",
    "cdk.json",
    "requirements.txt",
    "stacks",
    "functions",
    "runbooks",
    "layers/build.py",
    "layers/portcullis",
)
_LEFT_OUT = {"__pycache__", "portcullis.egg-info"}
_KEPT = 8  # some 25 MB each, most of which is the layer


def digest(root: Path, deployments: Path, further: str) -> str:
    """Of everything that an assembly is made of. `further`: what else it depends on, such as account and Region."""
    total = hashlib.sha256(f"{sys.version}\n{further}\n".encode())
    for name in INPUTS:
        for path in _files(root / name):
            _add(total, f"{path.relative_to(root).as_posix()}", path)
    for path in _files(deployments):
        _add(total, f"deployments/{path.relative_to(deployments).as_posix()}", path)
    return total.hexdigest()


def kept(cache: Path, name: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """The assembly of this name, and whether it was there. If not, `make` writes it; where that fails, nothing is kept."""
    folder = cache / name
    if folder.is_dir():
        os.utime(folder)
        return folder, True
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as making:
        made = Path(making) / "cdk.out"
        make(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else made the same at the same time: theirs is as good
                raise
    newest = sorted((one for one in cache.iterdir() if one.name[0] != "."), key=lambda one: one.stat().st_mtime)
    for old in newest[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder, False


def _files(path: Path) -> Iterator[Path]:
    for one in [path] if path.is_file() else sorted(path.rglob("*")):
        if one.is_file() and not _LEFT_OUT & {*one.parts}:
            yield one


def _add(total: hashlib._Hash, name: str, path: Path) -> None:
    content = path.read_bytes()
    total.update(f"{name}\n{len(content)}\n".encode())
    total.update(content)
