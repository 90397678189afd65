"""Searches of an Elasticsearch that are open, and how they end: scrolls by one call, points in time by the closing of their index,
and stored results with the index that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from portcullis.adapters.engines.answers import Transport, message, refuse
from portcullis.errors import Refused, Unreachable
from portcullis.families.elasticsearch.known.own_indices import STORED_RESULTS
from portcullis.families.elasticsearch.known.release import Release
from portcullis.words import many

_TRIES_TO_OPEN = 3
# Answered once it can be searched; the oldest release answers before, unless told.
_SHARDS = {"wait_for_active_shards": "1"}
_STORES_RESULTS = Release(7, 7)
_IS_THERE = ("GET", f"/_cluster/state/metadata/{STORED_RESULTS}", {"filter_path": "metadata.indices.*.state"})
_LATER = (408, 429, 502, 503, 504)


class Searches:
    """Of one cluster, as whoever `transport` is. `others`: every index but the engine's own, as it is taken in a path."""

    def __init__(self, transport: Transport, name: str, others: Callable[[], Sequence[str]]) -> None:
        self._transport, self._name, self._others = transport, name, others

    def end(self, release: Release, closing: Callable[[Sequence[str]], None]) -> str:
        """End every open scroll at once, and then what else is open: no call ends a point in time of others, closing its index does.

        An index that was closed for that is opened again at once. One that does not close keeps no other one's open: it is named, and
        tried again. One that does not open again has nothing open either.
        """
        body = self._ask("DELETE", "/_search/scroll/_all", absent={})
        stored = self._stored(release)
        open_ = self._indices(release)
        if open_:
            closing(open_)
        stay = []
        for index in open_:
            try:
                self._ask("POST", f"/{quote(index, safe='')}/_close", absent={})
            except Refused as error:
                stay.append(f"{index} ({error})")
            else:
                self._open(index)
        if stay:
            raise Refused(f"{self._name}: what is open goes on, behind the index blocks, on {', '.join(stay)}")
        freed = many(int(body.get("num_freed", 0)), "scroll")
        return f"{freed} and what was open on {many(len(open_), 'index', 'indices')} ended{stored}"

    def opened(self, indices: Sequence[str]) -> dict[str, str]:
        """Those that the engine does not open any more -> why."""
        tried = {index: self._open(index) for index in indices}
        return {index: why for index, why in tried.items() if why}

    def _stored(self, release: Release) -> str:
        """Results of asynchronous searches go, in words: whoever asked is shown them though they have lost every role, for as long as they
        like. The engine makes their index again when it needs one."""
        if release < _STORES_RESULTS or not self._ask(*_IS_THERE, absent={}):
            return ""
        status, body = self._transport("DELETE", f"/{STORED_RESULTS}", None, None)
        if status == 403:  # as by the lock role of an earlier release
            return (
                f"; stored results of searches stay ({message(body)}): the next apply gives the lock role what it takes"
            )
        if status not in (200, 404):
            refuse(self._name, status, body, f"DELETE /{STORED_RESULTS}")
        return "; stored results of searches are gone"

    def _indices(self, release: Release) -> list[str]:
        # A closed one holds nothing open, and the call refuses to count it.
        reach = "open,hidden" if release.has_hidden_indices else "open"
        asked = {"filter_path": "indices.*.total.search.open_contexts", "expand_wildcards": reach}
        shown: dict[str, Any] = {}
        for path in self._others():
            shown |= self._ask("GET", f"/{path}/_stats/search", asked, absent={}).get("indices", {})
        return sorted(name for name, one in shown.items() if one["total"]["search"]["open_contexts"] > 0)

    def _open(self, index: str) -> str:
        """Why the engine does not open it; empty if it is open, or gone. Such an index is one that it could not make any more, as its
        analyzer reads a file that is gone, say."""
        status, body = 0, None
        for _ in range(_TRIES_TO_OPEN):
            try:
                status, body = self._transport("POST", f"/{quote(index, safe='')}/_open", _SHARDS, None)
            except Unreachable as error:
                status, body = 503, str(error)
            if status in (200, 404):
                return ""
        if status in _LATER:
            raise Unreachable(
                f"{self._name}: {index} was closed to end its searches and did not open again: {message(body)}"
            )
        return message(body)

    def _ask(self, method: str, path: str, params: Mapping[str, str] | None = None, *, absent: Any) -> Any:
        status, body = self._transport(method, path, params, None)
        if status == 404:
            return absent
        if status != 200:
            refuse(self._name, status, body, f"{method} {path}")
        return body
