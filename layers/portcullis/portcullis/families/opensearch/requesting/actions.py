"""What the engine makes of an action by its name."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.families.opensearch.names.matching import matches_any
from portcullis.families.opensearch.names.world import DELETED, RESOLVED, SEARCHED, SINGLE, STATED, WRITTEN, Options

OWN_INDEX = ".opendistro_security"  # where the plugin keeps its config
DASHBOARDS_INDEX = ".kibana"  # of which the plugin asks for a tenant, too, where Dashboards has tenants
RESOLVE = "indices:admin/resolve/index"  # tells which names there are; `_all` is none of them
ROLLOVER = "indices:admin/rollover"  # 2.19 does not see what it is about, and checks it for all that there is
# Actions whose name begins with `indices:` and that need a cluster permission all the same.
_CLUSTER_EXACT = frozenset(
    {
        "indices:data/write/bulk",
        "indices:data/read/mget",
        "indices:data/read/mtv",
        "indices:data/write/reindex",
        "indices:data/read/search/template/render",
    }
)
_CLUSTER_PREFIX = (
    "cluster:",
    "indices:admin/template/",
    "indices:admin/index_template/",
    "indices:data/read/scroll",
    "indices:data/read/msearch",
)
# What the engine refuses wherever it limits what is seen: it would have to read what the caller may not.
_NOT_UNDER_LIMITS = ("indices:data/write/update", "indices:admin/resize", "indices:admin/plugins/replication")
_BY_QUERY = "indices:data/write/update/byquery"  # finds what is seen, and writes it back as it is seen
# What it refuses on `*` and `_all`, and on its own index.
_NEVER_ON_ALL = (
    "indices:data/write",
    "indices:admin/delete",
    "indices:admin/mapping/delete",
    "indices:admin/mapping/put",
    "indices:admin/freeze",
    "indices:admin/settings/update",
    "indices:admin/close",
    "cluster:admin/snapshot/restore",
)
# What leaves out the indices that are forbidden, where the engine is set to (do_not_fail_on_forbidden).
_LEAVES_OUT = (
    "indices:data/read/*",
    "indices:admin/mappings/fields/get*",
    "indices:admin/shards/search_shards",
    "indices:admin/resolve/index",
    "indices:monitor/settings/get",
    "indices:monitor/stats",
    "indices:admin/aliases/get",
)
# A request of this kind names no indices that the engine could leave out.
_WHOLE = ("indices:data/read/point_in_time/delete",)
BARE = "permissions alone"  # among the options of what is decided without a look at document filters, field rules and masks
TERM_VECTORS = ("indices:data/read/tv", "indices:data/read/mtv[shard]")
IN_POINT = "point in time"  # among the options of a search: its names are those of a point in time
# In which no names are found, though the path or the body has them; of these 3.4.0 looks at limits of indices alone.
_NAMELESS = (*_WHOLE, "cluster:monitor/shards")
_SINGLE = (
    "indices:data/read/get",
    "indices:data/read/explain",
    "indices:data/read/tv",
    "indices:admin/create",
)
_WRITTEN = (
    *(
        "indices:data/write/index",
        "indices:data/write/update",
        "indices:data/write/delete",
        "indices:data/write/bulk[s]",
    ),
)
# What is answered of a closed index, too. Seen on 2.19.3 and 3.4.0.
_OF_CLOSED = (
    *("indices:admin/mappings/get", "indices:admin/mapping/put", "indices:admin/mappings/fields/get"),
    *(
        "indices:monitor/settings/get",
        "indices:admin/settings/update",
        "indices:admin/aliases",
        "indices:admin/aliases/get",
    ),
    *(
        "indices:admin/get",
        "indices:admin/open",
        "indices:admin/close",
        "indices:admin/block/add",
        "indices:admin/resize",
    ),
    *("indices:monitor/recovery", "indices:monitor/shard_stores", "indices:admin/shards/search_shards"),
    *("indices:admin/validate/query", "indices:data/read/field_caps"),
)
# What is asked for before the rest of its request: where it ends in an error, nobody is asked for the rest.
_ENDS = (
    *("indices:monitor/settings/get", "indices:admin/flush", "indices:admin/refresh", "indices:admin/block/add"),
    *("indices:admin/close", "indices:data/write/update", "indices:data/write/reindex", ROLLOVER),
    *("indices:data/write/index", "indices:data/write/delete"),
)
_RESIZE = "indices:admin/resize"  # of which 2.19 asks for the size of its source before it looks whether there is one
# What opens documents. Other requests are answered where an index shows none of them.
_OPENS = ("indices:data/read/search", "indices:data/read/get", "indices:data/read/explain", "indices:data/read/tv")
_MANY = "indices:data/read/mget"
_READS, _WRITES, _LOOKS, _CHANGES, _DELETES = "reads", "writes", "looks", "changes", "deletes"
_BLOCKS: dict[str, tuple[str, ...]] = {
    "read": (_READS,),
    "write": (_WRITES,),
    "metadata": (_LOOKS, _CHANGES, _DELETES),
    "read_only": (_WRITES, _CHANGES, _DELETES),
    "read_only_allow_delete": (_WRITES, _CHANGES),
}
BLOCKS = tuple(_BLOCKS)
_ABOUT = {
    **dict.fromkeys(
        (f"indices:admin/{what}" for what in ("get", "aliases/get", "mappings/get", "cache/clear")), _LOOKS
    ),
    **dict.fromkeys((f"indices:monitor/{what}" for what in ("settings/get", "stats", "segments", "recovery")), _LOOKS),
    **dict.fromkeys(
        (f"indices:admin/{what}" for what in ("aliases", "mapping/put", "forcemerge", "close", "open")), _CHANGES
    ),
    "indices:admin/delete": _DELETES,
}
_REFRESH = "indices:admin/refresh"  # 2.19 checks it for each part of an index once more, and refuses what it cannot work out then
_MAKES = (
    *("indices:data/write/bulk[s]", "indices:data/write/index", "indices:data/write/update"),
    *("indices:admin/create", "indices:admin/auto_create"),
)


def makes(action: str) -> bool:
    """Whether what it names need not be there: it is made."""
    return action in _MAKES


def ends(action: str, *, older: bool) -> bool:
    """Whether an error of it comes before the rest of its request is asked for. As 2.19.3 and 3.4.0 answered. `older`: 2.19."""
    return action in _ENDS or (action == _RESIZE and not older)


def opens(action: str) -> bool:
    """Whether it opens documents: it ends in an error where the engine cannot show any."""
    return action in _OPENS


def blocked_by(action: str, blocks: Iterable[str]) -> str:
    """The first of these blocks of an index that refuses the action to everybody; none: "". As 3.4.0 and 2.19.3 answered.

    A change of settings may take a block away, and is not judged; what is written by a query may find nothing to write.
    """
    kind = _READS if action in _OPENS or action.startswith(_MANY) else _ABOUT.get(action, "")
    if action.startswith("indices:data/write/") and not action.endswith("/byquery"):
        kind = _WRITES
    return next((block for block in blocks if kind in _BLOCKS.get(block, ())), "") if kind else ""


def minds_filters(action: str) -> bool:
    """Whether it finds by the filter of an alias that it came by. What reads a document by its id does not, but for an explanation."""
    return action in ("indices:data/read/search", "indices:data/read/explain")


def fails_behind(action: str) -> bool:
    """Whether 2.19 ends it in an error by a filter that cannot be made on the indices behind a data stream."""
    return action in _OPENS or action == _REFRESH


def is_cluster_action(action: str) -> bool:
    return action in _CLUSTER_EXACT or action.startswith(_CLUSTER_PREFIX)


def leaves_out(action: str) -> bool:
    return matches_any(_LEAVES_OUT, action) and action not in _WHOLE


def never_on_all(action: str) -> bool:
    return action == "indices:admin/aliases" or action.startswith(_NEVER_ON_ALL)  # not indices:admin/aliases/get


def of_no_names(action: str) -> bool:
    """Whether no names are found in the request, and the filters of all indices are made for it; of what is about the cluster by 2.19."""
    return action in _NAMELESS


def never_under_limits(action: str) -> bool:
    return action.startswith(_NOT_UNDER_LIMITS) and action != _BY_QUERY


def spoils_under_limits(action: str) -> bool:
    """Whether it may write documents back without what the caller does not see of them."""
    return action == _BY_QUERY


def options_of(action: str) -> Options:
    """How a request that does this reads names, unless it says otherwise."""
    if action in _SINGLE:
        return SINGLE
    if action in _WRITTEN:
        return WRITTEN
    if action in _OF_CLOSED:
        return STATED
    if action == RESOLVE:
        return RESOLVED
    return DELETED if action == "indices:admin/delete" else SEARCHED
