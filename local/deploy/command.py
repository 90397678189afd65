"""The CDK command itself (`npx aws-cdk@2` of a person), on an emulated account: what the docs say to type is typed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from local import npm
from local.aws.emulator import Credentials, Emulator
from local.deploy.assembly import Assembly
from local.processes import typed

_LONGEST_S = 900
# It asks nobody outside this machine: for news of the CDK, for a newer version, or to tell how it is used.
_QUIET = {"CI": "true", "CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "true", "NO_COLOR": "1"}


class CdkCommand:
    """The command in the hands of somebody with these credentials. `home` is its own: it keeps what it remembers there."""

    def __init__(self, aws: Emulator, home: Path, credentials: Credentials | None = None) -> None:
        who = credentials or aws.root
        self._program = npm.ready() / "node_modules" / "aws-cdk" / "bin" / "cdk"
        self._home = home
        home.mkdir(parents=True, exist_ok=True)
        own = {name: value for name, value in npm.environment().items() if not name.startswith(("AWS_", "CDK_"))}
        self._environment = {
            **own,
            **_QUIET,
            "HOME": str(home),
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": who.access_key,
            "AWS_SECRET_ACCESS_KEY": who.secret_key,
            "AWS_REGION": aws.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *words: str, assembly: Path | None = None) -> tuple[int, str]:
        """Exit status, and what both streams show. `assembly`: what `app.py` made, in place of making it again."""
        app = ["--app", str(assembly)] if assembly else []
        command = [str(npm.tool("node")), str(self._program), *words, *app, "--no-notices"]
        return typed(command, self._environment, folder=self._home, patience=_LONGEST_S)


def with_other_assets(folder: Path, account: Emulator, swap: Mapping[str, Path], into: Path) -> Path:
    """The assembly of `folder` once more under `into`, with other folders in place of some assets. `swap`: asset id -> folder."""
    shutil.copytree(folder, into)
    assets = Assembly.read(into, account=account.account, region=account.region).assets
    for asset_id, instead in swap.items():
        shutil.rmtree(assets[asset_id].source)
        shutil.copytree(instead, assets[asset_id].source)
    return into
