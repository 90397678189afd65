"""Read and write blocks on every index that is not an engine's own: the same calls on an OpenSearch and on an Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from portcullis.adapters.engines.answers import refuse
from portcullis.errors import Refused
from portcullis.families.base import BLOCKS

# Closed and hidden ones too; and what is excluded by a name that is not there excludes nothing, instead of being an error.
ALL = {"expand_wildcards": "all", "ignore_unavailable": "true", "allow_no_indices": "true"}
_LONGEST_PATH = 3000  # of what the engine takes in a request's first line (4 KB)
_MOST_NAMES = 60  # of single indices in one request: names have up to 255 characters, most have a few


class IndexBlocks:
    """`others` says, once it is known, which indices are not the engine's own, as it takes them in a path."""

    def __init__(
        self,
        transport: Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]],
        name: str,
        others: Callable[[], str],
    ) -> None:
        self._transport, self._name, self._others = transport, name, others

    def shown(self) -> dict[str, dict[str, str]]:
        """Each of them -> the read and write blocks it has, as the engine shows them; without any, none."""
        status, body = self._transport("GET", f"/{self._others()}/_settings", ALL | {"flat_settings": "true"}, None)
        if status == 404:
            return {}  # there is no such index
        if status != 200:
            refuse(self._name, status, body, "GET _settings")
        return {
            index: {block: str(shown["settings"][block]).lower() for block in BLOCKS if block in shown["settings"]}
            for index, shown in body.items()
        }

    def put_on(self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = ()) -> None:
        """Both blocks on each of them. Those `lifted` come off, but for what an index had `before`."""
        try:
            self._put(dict.fromkeys(BLOCKS, "true") | dict.fromkeys(lifted), before)
        except Refused as error:
            # An index that the engine keeps to itself, and that we have no name for: then the others are blocked without it.
            if lifted or "no permissions" not in str(error):
                raise
            self._all_but_the_refused()

    def take_off(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """Both blocks off, but for what an index had `before` (as `shown` had it)."""
        self._put(dict.fromkeys(BLOCKS), before)  # null takes the setting away: as it was before us

    def _put(self, blocks: Mapping[str, str | None], before: Mapping[str, Mapping[str, str]]) -> None:
        """On all, and on those that had their own what they had: never open for a moment, where their names fit into a path."""
        others = self._others()
        off = [block for block, value in blocks.items() if value is None]
        theirs = {index: had for index, had in before.items() if any(block in had for block in off)}
        but = f"{others},{','.join(f'-{index}' for index in theirs)}" if theirs else others
        for index, had in theirs.items():
            self._set(index, dict(blocks) | {block: had.get(block) for block in off})
        if len(but) <= _LONGEST_PATH:
            self._set(but, blocks)
            return
        self._set(others, blocks)
        for index, had in theirs.items():
            self._set(index, {block: had.get(block) for block in off})

    def _all_but_the_refused(self) -> None:
        """Everything that may be blocked, in halves; Refused with the names of the rest."""
        bare = sorted(index for index, had in self.shown().items() if any(had.get(one) != "true" for one in BLOCKS))
        refused: list[str] = []
        parts = [bare[at : at + _MOST_NAMES] for at in range(0, len(bare), _MOST_NAMES)]
        while parts:
            names = parts.pop()
            try:
                self._set(",".join(names), dict.fromkeys(BLOCKS, "true"))
            except Refused:
                half = len(names) // 2
                if half == 0:
                    refused += names
                else:
                    parts += [names[:half], names[half:]]
        if refused:
            raise Refused(
                f"{self._name} lets nobody block {', '.join(sorted(refused)[:10])}; every other index is blocked"
            )

    def _set(self, indices: str, blocks: Mapping[str, str | None]) -> None:
        status, body = self._transport("PUT", f"/{indices}/_settings", ALL, dict(blocks))
        if status == 404 and (indices[0] != "*" or not self.shown()):
            return  # there is no such index, so nothing to block; an engine that has some, and says so all the same, has blocked none
        if status != 200:
            refuse(self._name, status, body, f"PUT {indices[:60]}/_settings")
