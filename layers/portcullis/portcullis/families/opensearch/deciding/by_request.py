"""Which names a request is checked for, and what is left of it, by the opt-in `v4` evaluation of OpenSearch 3.7 and later.

As documented (docs.opensearch.org, "Authorization basics" and "Index authorization" of the Security plugin), and held against no node:
none with 3.7 or later runs here. Where the two pages say different things, or nothing, the answer is unknown.

- Names are read as the request says (`expand_wildcards`, `ignore_unavailable`, `allow_no_indices`), wildcards as indices.
- An alias or a data stream that is named has to be permitted by its own name. None is taken apart.
- What is not permitted is left out where the request has a wildcard, or says `ignore_unavailable=true`; else all of it is refused.
- Nothing being left is an empty answer, with `allow_no_indices` and the permission on any index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portcullis.families.opensearch.names.dates import NotKnown, resolved
from portcullis.families.opensearch.names.world import Asked, Names, NotThere, Options

ALIASES = "indices:admin/aliases"
ANALYZE = "indices:admin/analyze"  # of no index it needs the permission on any
ALL_POINTS = "indices:data/read/point_in_time/readall"  # a cluster permission here
SYSTEM_INDEX = (
    "system:admin/system_index"  # without which, in so many words, nobody comes to an index of the engine's own
)
_NO_POINT_OF_NOTHING = "indices:data/read/point_in_time/create"
# Not told of in the documents: what stands for an index that is to be made, lists aliases, or ends points in time.
_NOT_DOCUMENTED = (
    "indices:admin/aliases/get",
    "indices:admin/resize",
    "indices:admin/rollover",
    "indices:data/read/point_in_time/delete",
)
# These name one index or none, and are let in or refused as they are.
_NOT_IN_PART = (
    ALIASES,
    ANALYZE,
    "indices:admin/auto_create",
    "indices:admin/create",
    "indices:data/read/explain",
    "indices:data/read/get",
    "indices:data/read/tv",
    "indices:data/write/bulk[s]",
    "indices:data/write/delete",
    "indices:data/write/index",
    "indices:data/write/update",
)
UNDOCUMENTED = "what the evaluation v4 asks for {} is not documented, and no engine with it was asked"
_MIXED = "{} is named beside a wildcard and is not permitted: of the engine's documents one has it left out, another the whole refused"
_TELLS = "only the engine can tell"
NOTHING_LEFT = "nothing that is asked for is permitted, and the answer is empty"
_WITHOUT = (
    "nothing of what is asked for is permitted, and the request does not take nothing for an answer (allow_no_indices)"
)


NONE = Asked(0)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a request was checked for and what is left of it; or why it is refused, or unknown."""

    rows: Asked = NONE
    left: Asked = NONE
    refused: bool = False
    refusal: str = ""  # more than that it is not permitted
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class May:
    """What a caller may do the action on: a bit for each name that exists, whether a name that does not, and whether anywhere at all."""

    bits: int
    on: Callable[[str], bool]
    anywhere: bool


def checked(names: Names, action: str, asked: tuple[str, ...], options: Options, may: May, *, in_part: bool) -> Checked:
    """`in_part`: whether the engine leaves out what is not permitted. Raises Refused, NotKnown."""
    if action in _NOT_DOCUMENTED:
        return (
            Checked(refused=True, refusal=_nowhere(action))
            if not may.anywhere
            else Checked(unknown=UNDOCUMENTED.format(action))
        )
    if not asked and action == ANALYZE:
        return Checked() if may.anywhere else Checked(refused=True, refusal=_nowhere(action))
    wild = not asked or any("*" in name or name == "_all" for name in asked)
    try:
        found = dict.fromkeys(names.written(asked, options))
    except NotThere as missing:
        if wild and not all("*" in name for name in asked):
            raise NotKnown(
                f"{missing} is not there, and is named beside a wildcard: what v4 makes of it, {_TELLS}"
            ) from None
        found = dict.fromkeys(() if wild else (resolved(name, names.world.now) for name in asked))
    rows = Asked(names.of(tuple(found)), tuple(name for name in found if name not in names.place))
    if not found and not may.anywhere:
        return Checked(rows, refused=True, refusal=_nowhere(action))
    left = rows.bits & may.bits
    kept = tuple(name for name in rows.missing if may.on(name))
    if left == rows.bits and kept == rows.missing:
        return Checked(rows, rows)
    if not in_part or action in _NOT_IN_PART or not (options.ignore_unavailable or (wild and options.open)):
        return Checked(rows, refused=True, refusal=_one_of(rows))
    if not options.ignore_unavailable:
        refused = {*names.names(rows.bits & ~left), *(name for name in rows.missing if name not in kept)}
        if by_name := sorted(refused & {*asked}):
            return Checked(rows, unknown=_MIXED.format(by_name[0]))
    if left or kept:
        return Checked(rows, Asked(left, kept))
    if not may.anywhere:
        return Checked(rows, refused=True, refusal=_nowhere(action))
    if not options.allow_no_indices or action == _NO_POINT_OF_NOTHING:
        return Checked(rows, refused=True, refusal=_WITHOUT)
    return Checked(rows, NONE)


def _nowhere(action: str) -> str:
    return f"no index permission covers {action}"


def _one_of(rows: Asked) -> str:
    several = rows.bits.bit_count() + len(rows.missing) > 1
    return "one index that is refused refuses the whole request" if several else ""
