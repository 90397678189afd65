"""The keystores of nodes on this machine, or on disks that are mounted here, written by Elasticsearch's own tool."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from portcullis.errors import Unreachable
from portcullis.ports.remotes import KeyText

TOOL = ("/usr/share/elasticsearch/bin/elasticsearch-keystore",)
_WITHIN_S = 120


class KeystoreFiles:
    """The Keystores protocol. `nodes`: a node's name -> its config folder, in which `elasticsearch.keystore` lies.

    `tool` is the command of the release's own keystore tool; the text goes to it by its standard input, never as an argument, which
    everybody on the machine could see.
    """

    def __init__(self, nodes: Mapping[str, Path], tool: Sequence[str] = TOOL) -> None:
        self._nodes, self._tool = dict(nodes), tuple(tool)

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(self._nodes)

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        setting = f"cluster.remote.{alias}.credentials"
        asked = ["add", "--stdin", "--force", setting] if text is not None else ["remove", setting]
        said = self._run(node, asked, text.encoded if text is not None else "")
        gone = text is None and "does not exist in the keystore" in said.stdout + said.stderr
        if said.returncode != 0 and not gone:
            # What it says is not passed on: it was told the key.
            raise Unreachable(f"the keystore of {node} was not written: the tool ended with {said.returncode}")

    def _run(self, node: str, asked: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ES_PATH_CONF": str(self._nodes[node])}
        try:
            return subprocess.run(
                [*self._tool, *asked],
                input=given,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=_WITHIN_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unreachable(f"the keystore of {node} was not written: {type(error).__name__}") from None
