"""Read and write blocks on every index that is not an engine's own: the same calls on an OpenSearch and on an Elasticsearch.

Other blocks (read only, metadata, a full disk) keep an engine from changing any setting of an index, ours among them, and one such index
has a request about all of them refused whole. So where a request is refused for one they are taken off, which the engine allows alone,
and stand with what an index had `before`: they are back when ours go. Whoever calls is told `aside` of them first, and so can have them
put back though the call is cut off in the middle.

An engine also looks at whether an index could be made as it is, and refuses the whole request where one could not: its analyzer reads a
file that is gone, say. So where a request about all is refused, the indices are asked for in parts, and those that it will not have are
named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from portcullis.adapters.engines.answers import message, refuse
from portcullis.errors import Refused
from portcullis.families.base import BLOCKS, WRITE
from portcullis.ports.engine import Aside, nowhere

# Closed and hidden ones too; and what is excluded by a name that is not there excludes nothing, instead of being an error.
ALL = {"expand_wildcards": "all", "ignore_unavailable": "true", "allow_no_indices": "true"}
_LONGEST_PATH = 3000  # of what the engine takes in a request's first line (4 KB)
_MOST_NAMES = 60  # of single indices in one request: names have up to 255 characters, most have a few
# These hinder a change of settings; the last one their reading, too.
_READ_ONLY = ("index.blocks.read_only", "index.blocks.read_only_allow_delete")
_METADATA = "index.blocks.metadata"
_HINDER = (*_READ_ONLY, _METADATA)
# No name of an index holds a blank; one may hold any other white space, a line break too.
_HINDERED_BY = re.compile(r"index \[([^ ]+?)\] blocked by: ")
# Elasticsearch before 7.16, of indices that it manages itself: an answer of 500 that is final.
_MANAGED = "Cannot override settings on system indices"


class _Hindered(Refused):
    """For a block that the indices have already."""


class IndexBlocks:
    """`others` says, once it is known, which indices are not the engine's own, as it takes them in a path, or in several; `names` what
    each of them is called."""

    def __init__(
        self,
        transport: Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]],
        name: str,
        others: Callable[[], Sequence[str]],
        names: Callable[[], Iterable[str]],
    ) -> None:
        self._transport, self._name, self._others, self._names = transport, name, others, names

    def shown(self) -> dict[str, dict[str, str]]:
        """Each of them -> the blocks it has, as the engine shows them; without any, none. Of those that let nobody read their settings
        it is known that they do not, and nothing else."""
        shown: dict[str, Any] = {}
        unread: dict[str, dict[str, str]] = {}
        for others in self._others():
            found = self._shown(others) or self._shown_in_parts()
            shown |= found[0]
            unread |= {index: {_METADATA: "true"} for index in found[1]}
        blocks = (*BLOCKS, *_HINDER)
        held = {index: one["settings"] for index, one in shown.items()}
        # A copy may have been made with `null` for a block: it has none, and an engine takes no such word back.
        return unread | {
            index: {block: str(had[block]).lower() for block in blocks if had.get(block) is not None}
            for index, had in held.items()
        }

    def _shown(self, others: str) -> tuple[dict[str, Any], set[str]] | None:
        """What the indices of a path are set to, and those of them that let nobody read it. None: these are more than a path can leave
        out, or the engine does not name them, as the oldest release."""
        asked, unread = others, set[str]()
        while len(asked) <= _LONGEST_PATH or not unread:
            status, body = self._settings(asked)
            if status == 404:
                return {}, unread  # there is no such index
            if status == 200:
                return body, unread
            found = _hindering(body) - unread
            if not found:
                if is_block(body):
                    return None
                refuse(self._name, status, body, "GET _settings")
            unread |= found
            asked = ",".join((others, *(f"-{_quoted(index)}" for index in sorted(unread))))
        return None

    def _shown_in_parts(self) -> tuple[dict[str, Any], set[str]]:
        """The same of every index, each by its name."""
        shown: dict[str, Any] = {}
        unread = set[str]()
        parts = [*path_parts(self._names())]
        while parts:
            names = parts.pop()
            status, body = self._settings(",".join(map(_quoted, names)))
            if status == 200:
                shown |= body
                continue
            if not is_block(body):
                refuse(self._name, status, body, "GET _settings")
            if found := {*names} if len(names) == 1 else _hindering(body) & {*names}:
                unread |= found
                left = [name for name in names if name not in found]
                parts += [left] if left else []
            else:
                half = len(names) // 2
                parts += [names[:half], names[half:]]
        return shown, unread

    def _settings(self, path: str) -> tuple[int, Any]:
        return self._transport("GET", f"/{path}/_settings", ALL | {"flat_settings": "true"}, None)

    def put_on(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), aside: Aside = nowhere
    ) -> None:
        """Both blocks on each of them. Those `lifted` come off, but for what an index had `before`."""
        blocks: dict[str, str | None] = dict.fromkeys(BLOCKS, "true") | dict.fromkeys(lifted)
        # What nobody could write to, whatever kept it from it, is not written to in a window either.
        theirs = {index: {**had, WRITE: "true"} if _read_only(had) else had for index, had in before.items()}

        def wanted(index: str) -> dict[str, str | None]:
            had = theirs.get(index, {})
            return {block: had.get(block) if value is None else value for block, value in blocks.items()}

        try:
            self._unhindered(lambda _: self._put(blocks, theirs), aside)
        except Refused as error:
            self._in_parts(wanted, error)

    def take_off(self, before: Mapping[str, Mapping[str, str]], aside: Aside = nowhere) -> None:
        """Both blocks off, but for what an index had `before` (as `shown` had it), or was given since by somebody else."""
        none: Mapping[str, str] = {}

        def off(given: Mapping[str, Mapping[str, str]]) -> None:
            theirs = {index: {**given.get(index, none), **before.get(index, none)} for index in {**given, **before}}
            self._put(dict.fromkeys(BLOCKS), theirs, back=True)

        taken: dict[str, Mapping[str, str]] = {}

        def wanted(index: str) -> dict[str, str | None]:
            had = {**taken.get(index, none), **before.get(index, none)}
            return {block: had.get(block) for block in BLOCKS} | {b: had[b] for b in _HINDER if b in had}

        def told(these: Mapping[str, Mapping[str, str]]) -> None:
            taken.update(these)
            aside(these)

        try:
            self._unhindered(off, told)
        except Refused as error:
            self._in_parts(wanted, error)

    def _unhindered(self, act: Callable[[Mapping[str, Mapping[str, str]]], None], aside: Aside) -> None:
        """Do it; where indices have blocks that hinder it, without them. It is told which: index -> what was taken off it."""
        try:
            act({})
        except _Hindered:
            taken: dict[str, dict[str, str]] = {}
            for block in (_METADATA, *_READ_ONLY):  # without the first one the settings can be read
                names = [index for index, had in self.shown().items() if had.get(block) == "true"]
                for index in names:
                    taken.setdefault(index, {})[block] = "true"
                if names:
                    aside(taken)
                self._as_far_as_taken(names, {block: None})
            act(taken)

    def _put(
        self, blocks: Mapping[str, str | None], before: Mapping[str, Mapping[str, str]], *, back: bool = False
    ) -> None:
        """On all, and on those that had their own what they had: never open for a moment, where their names fit into a path. `back`:
        and what they had that hinders a change."""
        others = self._others()
        off = [block for block, value in blocks.items() if value is None]
        asked = (*off, *_HINDER) if back else off
        theirs = {index: had for index, had in before.items() if any(block in had for block in asked)}
        but = [",".join([path, *(f"-{_quoted(index)}" for index in theirs)]) for path in others]
        # What is asked for again after an exclusion the oldest release does not let be excluded any more.
        at_once = all(
            len(asked) <= _LONGEST_PATH and path.count(",") == path.count(",-")
            for asked, path in zip(but, others, strict=True)
        )
        last = {
            index: {block: had.get(block) for block in off} | {b: had[b] for b in _HINDER if back and b in had}
            for index, had in theirs.items()
        }
        for index, had in theirs.items():
            self._set([index], dict(blocks) | (last[index] if at_once else {block: had.get(block) for block in off}))
        for path in but if at_once else others:
            self._send(path, blocks)
        if at_once:
            return
        for index in theirs:
            self._set([index], last[index])

    def _in_parts(self, wanted: Callable[[str], Mapping[str, str | None]], why: Refused) -> None:
        """Everything that the engine takes; Refused with the names of the rest."""
        alike: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
        for index, had in self.shown().items():
            asked = wanted(index)
            if any(had.get(block) != value for block, value in asked.items()):
                alike.setdefault(tuple(asked.items()), []).append(index)
        refused = [name for asked, names in alike.items() for name in self._as_far_as_taken(names, dict(asked))]
        if refused:
            named = ", ".join(sorted(refused)[:10])
            raise Refused(f"{named}: refused, and every other index is as asked for; of all at once it said: {why}")

    def _as_far_as_taken(self, indices: Iterable[str], blocks: Mapping[str, str | None]) -> list[str]:
        """In halves where the engine refuses; those that it refuses each by itself."""
        refused: list[str] = []
        parts = list(path_parts(indices))
        while parts:
            names = parts.pop()
            try:
                self._set(names, blocks)
            except Refused:
                half = len(names) // 2
                if half == 0:
                    refused += names
                else:
                    parts += [names[:half], names[half:]]
        return refused

    def _set(self, indices: Iterable[str], blocks: Mapping[str, str | None]) -> None:
        self._send(",".join(map(_quoted, indices)), blocks)

    def _send(self, path: str, blocks: Mapping[str, str | None]) -> None:
        status, body = self._transport("PUT", f"/{path}/_settings", ALL, dict(blocks))
        if status == 404 and (path[0] != "*" or not self.shown()):
            return  # there is no such index, so nothing to block; an engine that has some, and says so all the same, has blocked none
        if status != 200 and is_block(body):
            raise _Hindered(f"{self._name}: {message(body)}")
        if status != 200 and _MANAGED in (said := message(body)):
            raise Refused(f"{self._name}: {said}")
        if status != 200:
            refuse(self._name, status, body, f"PUT {path[:60]}/_settings")


def _quoted(index: str) -> str:
    """As it stands in a path: `%2a` may be in a name, and unquoted it would be every index there is."""
    return quote(index, safe="")


def path_parts(names: Iterable[str]) -> Iterator[list[str]]:
    """As many as one request may name."""
    part: list[str] = []
    for index in sorted(names):
        if part and (len(part) == _MOST_NAMES or sum(len(_quoted(one)) + 1 for one in (*part, index)) > _LONGEST_PATH):
            yield part
            part = []
        part.append(index)
    if part:
        yield part


def _hindering(body: Any) -> set[str]:
    """The indices for whose own blocks a request was refused, as far as the engine names them: 6.8 does not."""
    return set(_HINDERED_BY.findall(str(body["error"].get("reason")))) if is_block(body) else set()


def is_block(body: Any) -> bool:
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and error.get("type") == "cluster_block_exception"


def _read_only(had: Mapping[str, str]) -> bool:
    return any(had.get(block) == "true" for block in _READ_ONLY)
