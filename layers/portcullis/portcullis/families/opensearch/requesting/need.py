"""What has to be permitted for a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from portcullis.families.opensearch.names.world import Options

R, W, A, M = "indices:data/read/", "indices:data/write/", "indices:admin/", "indices:monitor/"
BULK = (f"{W}bulk", f"{W}bulk[s]")
# What a document may need besides: its index made, its new fields entered.
CREATE, MAP = f"{A}create", f"{A}mapping/put"
NOTHING_CHANGED = "an update that changes nothing needs no more than its own permission"
NOTHING_FETCHED = "where no shard is searched for what is like a document, no terms are fetched"
BY_SHARD = "by shard"  # among the options of a search: of another cluster each shard is asked, and not the whole
NOTHING_FOUND = "where nothing is found to be written, no more than the search is needed"


class NotKnown(ValueError):
    """What a request needs, only the engine can tell. `certain`: what it needs whatever else it is."""

    def __init__(self, why: str, certain: tuple[Need, ...] = ()) -> None:
        super().__init__(why)
        self.certain = certain


@dataclass(frozen=True, slots=True)
class Need:
    """One action that has to be permitted on all that it names. `item`: for which item of the body; None: for the whole request.

    `perhaps`: why it may not be needed after all. `made`: what it names is made by the request. `unless`: why it is refused where a
    document filter is on any of it. `never`: why it is refused whoever asks. `brings`: the fields of the document that is written.
    `reads`: the fields whose values it sums up, sorts by or lists. `sorts`: those without which an index cannot be searched. `suggests`:
    whether it suggests terms. `like`: the indices whose documents it looks for the like of. `empty`: whether it asks for buckets without
    a document. `filtered`: whether it is by a point in time of an alias with a filter.
    `aliases`: the names of aliases that it changes, which v4 asks for, too.
    `of_each`: asked for each index by its own name, of those that there are by these options; if there are none, of the cluster alone.
    """

    action: str
    indices: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    item: int | None = None
    perhaps: str = ""
    made: bool = False
    unless: str = ""
    never: str = ""
    brings: tuple[str, ...] | None = None
    reads: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    suggests: bool = False
    empty: bool = False
    filtered: bool = False
    like: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    of_each: Options | None = None


def of_aliases(needs: Iterable[Need]) -> Iterator[Need]:
    """What v4 asks for besides: the same for each alias that is changed, by its own name."""
    for need in needs:
        if need.aliases and need.action == f"{A}aliases":
            yield from (Need(need.action, (alias,), item=need.item, made=True) for alias in need.aliases)
