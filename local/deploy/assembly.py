"""Reads a CDK cloud assembly: its stacks, what each depends on, its assets. Nested assemblies (stages) are read too."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portcullis.errors import BadInput


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an asset is looked for by the templates."""

    region: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or folder that a template names by bucket and key. `names` are what it may be swapped by."""

    id: str
    source: Path
    zipped: bool
    destinations: tuple[Destination, ...]
    display_name: str = ""

    def body(self, instead: Path | None = None) -> bytes:
        """What is uploaded: the file as it is, or the folder zipped with fixed dates, so that equal content is equal bytes."""
        source = instead or self.source
        if not self.zipped or source.is_file():
            return source.read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(source.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    entry = zipfile.ZipInfo(path.relative_to(source).as_posix(), (1980, 1, 1, 0, 0, 0))
                    entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
                    archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class StackArtifact:
    """One stack: its template as synthesised, where it goes, and the artifact ids of the stacks it must follow."""

    id: str
    name: str
    region: str
    template: Path
    parameters: dict[str, str] = field(default_factory=dict)
    after: frozenset[str] = frozenset()
    tags: dict[str, str] = field(default_factory=dict)

    def bootstrap_parameters(self) -> list[str]:
        """The parameters of Systems Manager in which the template looks for the version of its bootstrapping, whichever that is."""
        defaults = [p.get("Default") for p in json.loads(self.template.read_text()).get("Parameters", {}).values()]
        return [name for name in defaults if isinstance(name, str) and name.startswith("/cdk-bootstrap/")]


@dataclass(frozen=True, slots=True)
class Assembly:
    folder: Path
    stacks: dict[str, StackArtifact]
    assets: dict[str, Asset]

    @classmethod
    def read(cls, folder: Path, *, account: str, region: str) -> Assembly:
        """`account` and `region` fill what the assembly leaves open. BadInput if this is no assembly."""
        stacks: dict[str, StackArtifact] = {}
        assets: dict[str, Asset] = {}
        _read_into(folder, account, region, stacks, assets)
        return cls(folder, stacks, assets)

    def layers(self) -> dict[str, Asset]:
        """The assets that are Lambda layers, by asset id: what a local run has to swap for a host-built one."""
        keys = set()
        for stack in self.stacks.values():
            for resource in json.loads(stack.template.read_text()).get("Resources", {}).values():
                if resource["Type"] == "AWS::Lambda::LayerVersion":
                    keys.add(resource["Properties"]["Content"]["S3Key"])
        return {asset.id: asset for asset in self.assets.values() if any(d.key in keys for d in asset.destinations)}


def _read_into(
    folder: Path, account: str, region: str, stacks: dict[str, StackArtifact], assets: dict[str, Asset]
) -> None:
    manifest_file = folder / "manifest.json"
    if not manifest_file.is_file():
        raise BadInput(
            "this is no cloud assembly: manifest.json is missing", source=str(folder), remedy="run `cdk synth` first"
        )
    artifacts = json.loads(manifest_file.read_text()).get("artifacts", {})
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            _read_into(folder / properties["directoryName"], account, region, stacks, assets)
        elif artifact["type"] == "cdk:asset-manifest":
            _read_assets(folder, folder / properties["file"], account, region, assets)
        elif artifact["type"] == "aws:cloudformation:stack":
            where = artifact.get("environment", "").removeprefix("aws://").partition("/")[2]
            stacks[name] = StackArtifact(
                id=name,
                name=properties.get("stackName", name),
                region=region if where in ("", "unknown-region") else where,
                template=folder / properties["templateFile"],
                parameters=properties.get("parameters", {}),
                after=frozenset(artifact.get("dependencies", [])),
                tags=properties.get("tags", {}),
            )


def _read_assets(folder: Path, manifest: Path, account: str, region: str, assets: dict[str, Asset]) -> None:
    for asset_id, entry in json.loads(manifest.read_text()).get("files", {}).items():
        source = entry["source"]
        if "executable" in source:
            raise BadInput(
                "an asset made by an external command cannot be deployed", source=str(manifest), place=asset_id
            )
        found = assets.get(asset_id)
        wanted = tuple(_destination(d, account, region) for d in entry["destinations"].values())
        assets[asset_id] = Asset(
            id=asset_id,
            source=folder / source["path"],
            zipped=source.get("packaging") == "zip",
            destinations=tuple(dict.fromkeys((*(found.destinations if found else ()), *wanted))),
            display_name=entry.get("displayName", ""),
        )


def _destination(entry: dict[str, Any], account: str, region: str) -> Destination:
    where = entry.get("region", region)

    def fill(text: str) -> str:
        for name, value in (("AccountId", account), ("Region", where), ("Partition", "aws")):
            text = text.replace(f"${{AWS::{name}}}", value)
        return text

    return Destination(where, fill(entry["bucketName"]), fill(entry["objectKey"]))
