"""A search domain through its security API: OpenSearch, and Elasticsearch 6.x and 7.x as Amazon runs it.

The dialect (paths and shapes) is detected once a connection; everything above this adapter sees the common form only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import groupby
from typing import Any, NoReturn
from urllib.parse import quote

from portcullis.access.actual import EngineSettings, Json, Write
from portcullis.adapters.engines.answers import filters_in, message, refuse, what_stops_a_search
from portcullis.adapters.engines.blocks import IndexBlocks, is_block, path_parts
from portcullis.correlation import carry
from portcullis.families.all_but_own import all_but, is_own
from portcullis.families.opensearch.documents import dialects
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.documents.patch import parts, pointer
from portcullis.families.opensearch.evaluation import evaluation_of
from portcullis.families.opensearch.names.own_indices import SECURITY_INDEX, own_indices
from portcullis.ports.engine import Aside, Names, Principal, Stop, nowhere

# What changing a setting is called; of an index that the engine keeps the refusal names no action.
_SETTING = "indices:admin/settings/update"
_FEW = 4  # documents of one kind that are asked for one by one
_NO_SUCH_CALL = (400, 404, 405)  # of an older engine that has no points in time, or no scroll to end


class OpenSearchEngine:
    """The Engine protocol. `transport(method, path, params, body) -> (status, parsed body)` is the signed connection. The dialect is
    asked for unless it is given."""

    def __init__(
        self,
        transport: Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]],
        name: str,
        dialect: str | None = None,
    ) -> None:
        self._transport, self._name = transport, name
        self._dialect = None if dialect is None else Dialect(dialect)
        self._blocks = IndexBlocks(transport, name, self._others, lambda: self.names().indices)
        # Of the indices that are called like the engine's own: whether it keeps them from us.
        self._kept: dict[str, bool] = {}

    @property
    def dialect(self) -> Dialect:
        if self._dialect is None:
            self._dialect = dialects.detect(self._ask("GET", "/"))
        return self._dialect

    # ------------------------------------------------------------------ the security config

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        """What the engine holds now, in the common form. One GET a kind, all at once: an unlock looks seven times before it is open."""
        asked = [kind for kind in map(Kind, kinds or Kind) if kind in self.dialect.kinds]
        if len(asked) < 2:
            return SecurityConfig({kind: self._collection(kind) for kind in asked})
        with ThreadPoolExecutor(len(asked), initializer=carry()) as readers:
            return SecurityConfig(dict(zip(asked, readers.map(self._collection, asked), strict=True)))

    def _collection(self, kind: Kind) -> dict[str, Json]:
        documents = self._ask("GET", self.dialect.path(kind))
        return {name: dialects.from_engine(kind, document, self.dialect) for name, document in documents.items()}

    def read_some(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        return self.look(names)

    def look(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        """A few by their own path each; of many, the whole collection is one answer."""
        return SecurityConfig({Kind(kind): self._some(Kind(kind), some) for kind, some in names.items()})

    def _some(self, kind: Kind, names: Collection[str]) -> dict[str, Json]:
        if len(names) > _FEW or not all(name.strip(".") for name in names):  # `..` in a path is another path
            return {name: one for name, one in self._collection(kind).items() if name in names}
        found: dict[str, Json] = {}
        for name in names:
            path = f"{self.dialect.path(kind)}/{quote(name, safe='')}"
            status, body = self._transport("GET", path, None, None)
            if status == 200:
                found |= {one: dialects.from_engine(kind, document, self.dialect) for one, document in body.items()}
            elif status != 404:
                self._raise(status, body, f"GET {path}")
        return found

    def write(self, write: Write) -> bool:
        return self.patch(Kind(write.kind), write.body)

    def patch(self, kind: Kind, operations: Sequence[Json]) -> bool:
        """One collection PATCH: all of it or nothing. True if the engine changed anything.

        Of the rare names that the engine misreads in a pointer each is written by its own path, after the others.
        Conflict: somebody else wrote in between (409, or a length guard failed): read again and recompute.
        Refused: the engine will never take this (reserved, invalid). Unreachable: it may or may not have been written.
        """
        path, told = self.dialect.path(kind), dialects.operations(kind, operations, self.dialect)
        together = [one for one in told if not _misread(one)]
        changed = bool(together) and self._changed("PATCH", path, together)
        alone = groupby(filter(_misread, told), lambda one: (parts(one["path"])[0], len(parts(one["path"])) == 1))
        for (name, whole), of_it in alone:
            changed = self._alone(f"{path}/{quote(name, safe='')}", whole, list(of_it)) or changed
        return changed

    def _alone(self, path: str, whole: bool, operations: Sequence[Json]) -> bool:
        """Operations on one document, or the last of those on all of it, by its own path."""
        if not whole:
            inner = [one | {"path": pointer(*parts(one["path"])[1:])} for one in operations]
            return self._changed("PATCH", path, inner)
        last = operations[-1]
        return self._changed("DELETE" if last["op"] == "remove" else "PUT", path, last.get("value"))

    def _changed(self, method: str, path: str, body: Any) -> bool:
        status, answer = self._transport(method, path, None, body)
        if status in (200, 201):
            return "No updates required" not in str(message(answer))
        return self._raise(status, answer, f"{method} {path}")

    def who_am_i(self) -> Principal:
        info = self._ask("GET", self.dialect.prefix.removesuffix("/api") + "/authinfo")
        return Principal(str(info["user_name"]), tuple(info.get("backend_roles", ())), tuple(info.get("roles", ())))

    def load_again(self) -> None:
        self._changed("DELETE", self.dialect.prefix + "/cache", None)

    def settings(self) -> EngineSettings:
        """Amazon's domains do not show the plugin's own config, nor do others to everybody: then nothing is known."""
        status, told = self._transport("GET", self.dialect.prefix + "/securityconfig", None, None)
        if status in (408, 429) or status >= 500:
            self._raise(status, told, "GET securityconfig")
        config = told.get("config") if status == 200 and isinstance(told, dict) else None
        dynamic = config.get("dynamic") if isinstance(config, dict) else None
        if not isinstance(dynamic, dict):
            return EngineSettings(release=self._release)
        makes = dynamic.get("on_behalf_of")
        evaluation = evaluation_of(dynamic)
        return EngineSettings(
            dynamic.get("do_not_fail_on_forbidden") is True and not evaluation,  # which v4 does not mind
            isinstance(makes, dict) and makes.get("enabled") is True,
            evaluation,
            self._release,
        )

    # ------------------------------------------------------------------ index blocks

    def blocks(self) -> dict[str, dict[str, str]]:
        """Every index that is not the engine's own -> the read and write blocks it has, as the engine shows them; without any, none."""
        return self._blocks.shown()

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        """Both blocks on every index that is not the engine's own. Those `lifted` come off, but for what an index had `before`."""
        self._blocks.put_on(before, lifted, aside)

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        """Take both blocks off, but for what an index had `before` (as `blocks` showed it)."""
        self._blocks.take_off(before, aside)

    def names(self) -> Names:
        """Of an engine older than 7.9, which has no such call, and where a domain's role is still without the right: Refused."""
        told = self._ask("GET", "/_resolve/index/*", {"expand_wildcards": "all"})
        free = self._free(one["name"] for one in told["indices"])
        shown = {
            one["name"]: one.get("attributes") or ()
            for one in told["indices"]
            if one["name"] in free or not is_own(self._own, one["name"])
        }
        return Names(
            tuple(sorted(shown)),
            {one["name"]: tuple(one["indices"]) for one in told["aliases"] if set(one["indices"]) & shown.keys()},
            {one["name"]: tuple(one["backing_indices"]) for one in told["data_streams"]},
            tuple(sorted(name for name, attributes in shown.items() if "hidden" in attributes)),
            tuple(sorted(name for name, attributes in shown.items() if "closed" in attributes)),
        )

    def alias_filters(self) -> dict[str, dict[str, str]]:
        return filters_in(self._ask("GET", "/_alias", {"expand_wildcards": "all"}))

    @cached_property
    def _version(self) -> str:
        return str((self._ask("GET", "/").get("version") or {}).get("number", ""))

    @property
    def _release(self) -> str:
        return dialects.release_named(self.dialect, self._version)

    @cached_property
    def _own(self) -> tuple[str, ...]:
        return own_indices(self.dialect, self._version)

    def _others(self) -> tuple[str, ...]:
        """What an alias hides is known where the engine lists aliases (from 7.9 on), and where our role lets us ask."""
        stems = ",".join(sorted({f"{name.removesuffix('*')}*" for name in self._own}))
        status, told = self._transport("GET", f"/_resolve/index/{stems}", {"expand_wildcards": "all"}, None)
        if status in (408, 429) or status >= 500:
            self._raise(status, told, "GET _resolve/index")
        if status != 200:
            return all_but(self._own)
        behind = (index for one in told["aliases"] if is_own(self._own, one["name"]) for index in one["indices"])
        named = [one["name"] for one in told["indices"]]
        return all_but(self._own, (*behind, *named), self._free(named))

    def _free(self, names: Iterable[str]) -> set[str]:
        """Those that are called like the engine's own and that it keeps from nobody: whoever may make indices can make such a one, where
        the engine does not keep the name. It is asked to set what there is not, which it then refuses for that alone."""
        asked = [one for one in names if one != SECURITY_INDEX and one not in self._kept and is_own(self._own, one)]
        parts = [*path_parts(asked)]
        while parts:
            some = parts.pop()
            path = f"/{','.join(quote(one, safe='') for one in some)}/_settings"
            status, said = self._transport("PUT", path, {"expand_wildcards": "all"}, {"index.portcullis_asks": None})
            if status in (408, 429) or status >= 500:
                self._raise(status, said, f"PUT {path[:60]}")
            # Whose role lacks that right is told so by the lock itself.
            if status != 403 or is_block(said) or _SETTING in str(said):
                self._kept |= dict.fromkeys(some, False)
            elif len(some) == 1:
                self._kept[some[0]] = True
            else:
                parts += [some[: len(some) // 2], some[len(some) // 2 :]]
        return {one for one, kept in self._kept.items() if not kept}

    # ------------------------------------------------------------------ searches that are open

    def open_indices(self, indices: Sequence[str]) -> dict[str, str]:
        """Nothing to do: no index is ever closed."""
        return {}

    def running_policies(self) -> tuple[str, ...]:
        """None: Index State Management keeps what it does in an index, which is blocked with all others."""
        return ()

    def stop_policies(self) -> str:
        return ""

    def start_policies(self, names: Sequence[str]) -> str:
        return ""

    def end_tokens(self, *, keys: bool) -> str:
        """It gives out none that outlive the loss of a role."""
        return ""

    def keys_given(self) -> None:
        """It gives out none."""

    def end_since(self, known: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        return ()

    def end_tokens_of(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        return ()

    def end_searches(self, closing: Callable[[Sequence[str]], None]) -> str:
        """End every open scroll and point in time, whoever's; what was ended, in words."""
        said = []
        for what, path in (("scrolls", "/_search/scroll/_all"), ("points in time", "/_search/point_in_time/_all")):
            status, body = self._transport("DELETE", path, None, None)
            if status == 200:
                count = body.get("num_freed", len(body.get("pits", ())))
                said.append(f"{count} {what}")
            elif status not in _NO_SUCH_CALL:
                self._raise(status, body, f"DELETE {path}")
        return f"{' and '.join(said) or 'nothing'} ended"

    # ------------------------------------------------------------------ asking

    def why_no_query(self, query: Json) -> str:
        """What the engine says against a query; empty if it can read it.

        It reads the query first, and then asks for a right: so a refusal means that it could read it. The index is none: whoever has
        the right is told nothing of any document either.
        """
        params = {"explain": "true", "ignore_unavailable": "true"}
        status, body = self._transport("POST", f"/{_NO_INDEX}/_validate/query", params, {"query": query})
        if status in (403, 404):
            return ""
        if status == 400 or (status == 500 and "illegal_" in str(body)):  # no query at all, or none for a shard
            return message(body)
        if status != 200:
            self._raise(status, body, "_validate/query")
        # The first line of what was thrown: its place in the text is that of ours, not of the file.
        return "" if body.get("valid") else re.split(r";; |\n", str(body.get("error") or "it is no query"))[0][:300]

    def what_stops_a_search(self, index: str) -> Stop | None:
        """What keeps whoever this connection is from searching this index now; None if nothing does. Unreachable if that cannot be told."""
        return what_stops_a_search(self._transport, self._name, index)

    def _ask(self, method: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        status, body = self._transport(method, path, params, None)
        if status != 200:
            self._raise(status, body, f"{method} {path}")
        return body

    def _raise(self, status: int, body: Any, request: str) -> NoReturn:
        refuse(self._name, status, body, request)


_NO_INDEX = "portcullis-asks-and-there-is-no-such-index"


def _misread(operation: Json) -> bool:
    """Whether the engine would take the name for another. It reads a pointer's escapes in the wrong order: to it `~01` is `/`."""
    name = parts(operation["path"])[0]
    return "~0" in name or "~1" in name
