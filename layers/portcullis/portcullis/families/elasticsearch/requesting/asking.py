"""What the engine is asked about a request: one need or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from portcullis.families.looked_up import is_like_documents, looked_up

ALWAYS = (6, 7, 8, 9)  # of `Need.open_only`: every release
SUGGEST = "suggestions come from terms of all documents: refused where documents are limited"
PROFILE = "a profile tells of all documents: refused where documents are limited"
REWRITE = "a query as it is rewritten tells of all documents: refused where documents are limited"
UPDATE = "an update reads the whole document: refused where documents or fields are limited"
ALL = "_all"  # everything, where it stands alone; beside other names it is a name


@dataclass(frozen=True, slots=True)
class Options:
    """How names are resolved: what the request said, else what Elasticsearch takes for it."""

    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    open: bool = True
    closed: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    action: str
    names: tuple[str, ...] = ()  # indices, aliases, data streams, wildcards, exclusions; empty: all
    options: Options = Options()
    cluster: bool = False
    item: str = ""  # of a composite request: which item; "" the whole
    any_index: bool = (
        False  # permitted if the action is permitted on any index at all: the items are asked about one by one
    )
    creates: bool = False  # a name that does not exist is made
    single: bool = False  # takes the name of one index
    destroys: bool = False  # where wildcards are refused, by the engine's default from 8 on
    no_aliases: bool = False  # a wildcard reaches no alias
    makes_names: bool = False  # a name that does not exist is none that is looked for
    aliases: tuple[str, ...] = ()  # looked for on what the names come to; where that is nothing, nobody asks who may
    beside: tuple[str, ...] = ()  # names of aliases that are asked about in the same question
    own_only: bool = False  # of somebody else it is refused to whoever may ask, too
    open_only: tuple[int, ...] = ()  # releases, by their first number, that refuse a closed index
    only_documents: bool = False  # limits on fields do not refuse it
    each: bool = False  # names that are asked about one by one, and no request with all of them
    refused_under_limits: str = ""  # why it is refused where documents or fields are limited
    looked_up: bool = False  # before the search, which shows nothing of it
    by_shard: bool = False  # of another cluster each shard is asked by itself, and no search as a whole
    all_shards: bool = False  # an answer without some shards is none

    def needs_open(self, major: int) -> bool:
        """Whether a closed index is refused."""
        return major in self.open_only

    @property
    def wild(self) -> bool:
        return not self.names or self.names == (ALL,) or any("*" in name for name in self.names)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: Any = None

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(unquote(part) for part in self.path.partition("?")[0].split("/") if part)

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))


def lookups(body: Any) -> tuple[Need, ...]:
    """Each document that a search looks up has to be readable. What is like some documents needs the right to fetch terms at all."""
    named = dict.fromkeys(looked_up(body))
    found = [Need("indices:data/read/get", (name,), single=True, open_only=ALWAYS, looked_up=True) for name in named]
    if is_like_documents(body):
        found.append(Need("indices:data/read/mtv", any_index=True, looked_up=True))
    return tuple(found)


def of_body(body: Any) -> dict[str, Any]:
    """What of a search's body refuses it where documents are limited, as parts of its need."""
    given = body if isinstance(body, dict) else {}
    why = SUGGEST if "suggest" in given else PROFILE if given.get("profile") is True else ""
    return {"refused_under_limits": why, "only_documents": bool(why)}


def split(names: str) -> tuple[str, ...]:
    return tuple(name for name in names.split(",") if name)


def options(given: Mapping[str, Any], default: Options = Options()) -> Options:
    """As the request says it, else as the engine takes it for what is asked."""
    expand = given.get("expand_wildcards")
    said = set(expand if isinstance(expand, list) else str(expand).split(",")) if expand else set()
    return Options(
        ignore_unavailable=_true(given.get("ignore_unavailable"), default.ignore_unavailable),
        allow_no_indices=_true(given.get("allow_no_indices"), default.allow_no_indices),
        open=bool(said & {"open", "all"}) if said else default.open,
        closed=bool(said & {"closed", "all"}) if said else default.closed,
        hidden=bool(said & {"hidden", "all"}) if said else default.hidden,
    )


def asks_each_shard(given: Mapping[str, Any]) -> bool:
    """Whether a search is sent to the shards of another cluster instead of to that cluster."""
    return "scroll" in given or not _true(given.get("ccs_minimize_roundtrips"), True)


def takes_all_shards(given: Mapping[str, Any]) -> bool:
    """Whether a search of which some shards fail fails as a whole."""
    return not _true(given.get("allow_partial_search_results"), True)


def _true(given: Any, default: bool) -> bool:
    return default if given is None else given in ("", "true", True)
