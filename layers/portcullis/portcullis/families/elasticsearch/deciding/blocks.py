"""Blocks of an index that refuse a request to whoever may: `index.blocks.read`, `write`, `metadata`, `read_only`, `read_only_allow_delete`.

As 9.5.3, 8.19.21, 7.17.29 and 6.8.23 answered (test_blocks_on_elastic.py). A change of settings may take a block away, and
is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from portcullis.families.elasticsearch.known.release import Release

Block = Literal["read", "write", "metadata", "read_only", "read_only_allow_delete"]

_READ, _WRITE, _LOOK, _CHANGE, _DELETE = "read", "write", "look", "change", "delete"
_BLOCKS: Mapping[str, tuple[Block, ...]] = {
    _READ: ("read",),
    _WRITE: ("write", "read_only", "read_only_allow_delete"),
    _LOOK: ("metadata",),
    _CHANGE: ("metadata", "read_only", "read_only_allow_delete"),
    _DELETE: ("metadata", "read_only"),
}
_R, _A, _M = "indices:data/read/", "indices:admin/", "indices:monitor/"
_CHANGES = ("mapping/put", "aliases", "forcemerge", "cache/clear", "close")
_ABOUT = {
    **{f"{_R}{what}": _READ for what in ("search", "get", "explain", "tv", "mget[shard]", "mtv[shard]")},
    **dict.fromkeys((f"{_R}open_point_in_time", f"{_R}field_caps", f"{_A}analyze", f"{_A}validate/query"), _READ),
    **{f"{_A}{what}": _LOOK for what in ("mappings/get", "get", "aliases/get", "shards/search_shards")},
    **{f"{_M}{what}": _LOOK for what in ("settings/get", "stats", "segments", "recovery", "shard_stores")},
    **{f"{_A}{what}": _CHANGE for what in _CHANGES},
    f"{_A}delete": _DELETE,
}
_OF_OLD: dict[str, str] = {f"{_M}recovery": _READ, f"{_R}field_caps": "", f"{_A}validate/query": ""}  # otherwise on 6.8


def blocked_by(action: str, blocks: tuple[str, ...], release: Release) -> tuple[str, int]:
    """The first of these blocks that refuses this to everybody, and with which status; ("", 200): none."""
    kind = _WRITE if action.startswith("indices:data/write/") else _ABOUT.get(action, "")
    if action.endswith("/byquery"):  # what it finds to write is not known
        kind = ""
    if release.major < 7:
        kind = _OF_OLD.get(action, kind)
    if action == f"{_A}validate/query" and release.major < 8:
        kind = ""
    refusing = _BLOCKS.get(kind, ())
    if kind == _CHANGE and release.major >= 8:
        refusing = _BLOCKS[_DELETE]
    found = next((one for one in blocks if one in refusing), "")
    return found, 429 if found == "read_only_allow_delete" and release.major >= 7 else 403 if found else 200
