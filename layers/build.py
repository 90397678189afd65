"""Builds the layer: the library and the packages it needs, for one platform, into `layers/.build/`.

    python -m layers.build arm64      what is deployed: Lambda's python3.13 on arm64
    python -m layers.build host       the same for this machine and this interpreter: what the embedded default runs
    python -m layers.build lock       write layers/portcullis/requirements.txt anew from pyproject.toml and the project's lock

boto3 and botocore come with the Lambda runtime. opensearch-py's gRPC transport is never used, so its packages stay out: with them and
botocore the layer would weigh three times as much. A build is named by the digest of all that goes into it: the same inputs give the
same folder, and a second build is a look at the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Platform = Literal["arm64", "host"]

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "layers" / "portcullis" / "portcullis"
REQUIREMENTS = ROOT / "layers" / "portcullis" / "requirements.txt"
BUILDS = ROOT / "layers" / ".build"  # not "build": mypy would take the folder for this module

LAMBDA_PYTHON = "3.13"
# Direct needs of the library that the layer does without: in the runtime already, or of the command only.
_NOT_SHIPPED = ("boto3", "click", "cryptography", "rich")
# What those that are shipped ask for and never use, or find in the runtime.
_LEFT_OUT = ("boto3", "botocore", "s3transfer", "grpcio", "opensearch-protobufs", "protobuf")
_COMMAND_ONLY = "cli"  # the room of the library that only a person needs
_DROPPED_FOLDERS = {"__pycache__", "tests", "test", "bin", "sboms"}
_DROPPED_FILES = (
    *("*.pyi", "*.pyc", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", ".lock"),
    *("*.c", "*.min.js", "*.min.css"),  # sources of what is compiled, and the Swagger page that Powertools can serve
    "charset_normalizer/*.so",  # the same code is there as Python: it guesses what no answer here leaves open
)
# Parts of packages that nothing here imports: the client for asyncio, the routing of web requests, tools of Powertools for other needs, the
# first pydantic, the time zones of whoever has none on the machine, dates that recur.
_UNUSED_TOOLS = (
    *("auth_alpha", "circuit_breaker", "data_masking", "feature_flags"),
    *("idempotency", "kafka", "streaming", "validation"),
)
_DROPPED_PARTS = (
    "opensearchpy/_async/client",
    "opensearchpy/_async/plugins",
    "aws_lambda_powertools/event_handler",
    *(f"aws_lambda_powertools/utilities/{tool}" for tool in _UNUSED_TOOLS),
    "pydantic/v1",
    "pydantic/mypy.py",
    "wrapt-stubs",
    "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",
    "dateutil/rrule.py",
)
_KEPT_BUILDS = 4  # of a platform; older ones are removed
_FORM = "7"  # raise it when this file changes what a build looks like


class BuildFailed(Exception):
    """The layer could not be built; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Built:
    """`folder` is what a layer's zip holds (`python/...` inside); `digest` names its contents and its platform."""

    folder: Path
    digest: str


def build(platform: Platform = "arm64", out: Path | None = None) -> Path:
    """The folder of the layer for `platform`, built if it is not there yet; copied to `out` if that is given."""
    folder = built(platform).folder
    if out is None:
        return folder
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folder, out)
    return out


def built(platform: Platform = "arm64") -> Built:
    """As `build`, with the digest: the platform is part of it, so two platforms never share an asset."""
    name = digest(platform)
    folder = BUILDS / f"{platform}-{name[:16]}"
    if not folder.is_dir():
        _assemble(platform, folder)
        _prune(platform)
    return Built(folder, name)


def digest(platform: Platform) -> str:
    """SHA-256 over everything that goes in: platform, interpreter, locked packages, the library's files."""
    total = hashlib.sha256(f"{_FORM}\n{platform}\n{_python(platform)}\n".encode())
    for path in (REQUIREMENTS, *_library_files()):
        total.update(f"{path.relative_to(ROOT).as_posix()}\n{path.stat().st_size}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def size(folder: Path) -> int:
    """Bytes of all files, as Lambda counts them unzipped."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _python(platform: Platform) -> str:
    if platform == "arm64":
        return LAMBDA_PYTHON
    return f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}-{sys.platform}"


def _library_files() -> Iterator[Path]:
    for path in sorted(LIBRARY.rglob("*")):
        inside = path.relative_to(LIBRARY).parts
        if path.is_file() and inside[0] != _COMMAND_ONLY and "__pycache__" not in inside:
            yield path


def _assemble(platform: Platform, folder: Path) -> None:
    """Build beside the target and move into place, so that an interrupted build never looks finished."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    packages = _packages(platform)
    with tempfile.TemporaryDirectory(dir=BUILDS, prefix=".making-") as making:
        python = Path(making) / "layer" / "python"
        shutil.copytree(packages, python)
        for path in _library_files():
            target = python / "portcullis" / path.relative_to(LIBRARY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _move(Path(making) / "layer", folder)


def _packages(platform: Platform) -> Path:
    """The folder with the installed packages, kept apart from the library: a change of ours need not install anything."""
    name = hashlib.sha256(f"{_FORM}{platform}{_python(platform)}".encode() + REQUIREMENTS.read_bytes()).hexdigest()
    folder = BUILDS / f".packages-{platform}-{name[:16]}"
    if folder.is_dir():
        return folder
    interpreter = (
        ["--python-platform", "aarch64-manylinux_2_28", "--python-version", LAMBDA_PYTHON]
        if platform == "arm64"
        else ["--python", sys.executable]
    )
    with tempfile.TemporaryDirectory(dir=BUILDS, prefix=".making-") as making:
        target = Path(making) / "packages"
        _uv(
            *("pip", "install", "--quiet", "--target", str(target), *interpreter, "--only-binary", ":all:"),
            *("--no-deps", "--require-hashes", "--link-mode", "copy", "-r", str(REQUIREMENTS)),
        )
        _strip(target)
        _move(target, folder)
    return folder


def _strip(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and path.name in _DROPPED_FOLDERS:
            shutil.rmtree(path)
    for part in _DROPPED_PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).unlink(missing_ok=True)
    for pattern in _DROPPED_FILES:
        for path in folder.rglob(pattern):
            path.unlink(missing_ok=True)
    for path in folder.glob("*.dist-info/METADATA"):  # its headers are read; the page of the registry below them is not
        path.write_bytes(path.read_bytes().partition(b"\n\n")[0] + b"\n")


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():  # else somebody else built the same at the same time: theirs is as good
            raise


def _prune(platform: Platform) -> None:
    for kind in (f"{platform}-*", f".packages-{platform}-*"):
        newest = sorted(BUILDS.glob(kind), key=lambda path: path.stat().st_mtime, reverse=True)
        for folder in newest[_KEPT_BUILDS:]:
            shutil.rmtree(folder, ignore_errors=True)


def lock() -> Path:
    """Write the layer's requirements: the library's own needs, at the versions of the project's lock, with hashes for every platform."""
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    shipped = [need for need in needs if re.split(r"[\[<>=!~; ]", need, maxsplit=1)[0] not in _NOT_SHIPPED]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.in"
        wanted.write_text("\n".join(shipped) + "\n")
        left_out = [word for package in _LEFT_OUT for word in ("--no-emit-package", package)]
        _uv(
            *("pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"),
            *("--no-emit-find-links", "--no-emit-index-url", "--python-version", "3.11", *left_out),
            *("-c", str(ROOT / "requirements.txt"), "-o", str(REQUIREMENTS), str(wanted)),
        )
    return REQUIREMENTS


def _uv(*arguments: str) -> None:
    beside = Path(sys.executable).parent / "uv"
    program = str(beside) if beside.exists() else shutil.which("uv")
    if program is None:
        raise BuildFailed("uv is not installed beside this Python: run `make setup`")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split())[-600:]
        raise BuildFailed(
            f"uv {arguments[0]} {arguments[1]} failed; a first build needs a network, later ones do not: {said}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m layers.build", description="build the layer")
    parser.add_argument("what", choices=["arm64", "host", "lock"])
    parser.add_argument("--out", type=Path, help="copy the layer there")
    asked = parser.parse_args()
    try:
        if asked.what == "lock":
            print(lock())
        else:
            folder = build(asked.what, asked.out)
            print(f"{folder} ({size(folder) / 1e6:.1f} MB)")
    except BuildFailed as error:
        print(f"layers.build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
