"""A search domain through its security API: OpenSearch, and Elasticsearch 6.x and 7.x as Amazon runs it.

The dialect (paths and shapes) is detected once a connection; everything above this adapter sees the common form only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NoReturn
from urllib.parse import quote

from portcullis.access import dialects
from portcullis.access.config import Held, Json, Kind
from portcullis.access.dialects import Dialect
from portcullis.access.patch import parts, pointer
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.operations.ports import Principal

# The security index and the other system indices: never blocked by us, never touched with a wildcard.
_USER_INDICES = "*,-.*"
_BLOCKS = ("index.blocks.read", "index.blocks.write")


class OpenSearchEngine:
    """The Engine protocol. `transport(method, path, params, body) -> (status, parsed body)` is the signed connection. The dialect is
    asked for unless it is given."""

    def __init__(
        self,
        transport: Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]],
        name: str,
        dialect: Dialect | None = None,
    ) -> None:
        self._transport, self._name = transport, name
        self._dialect = dialect

    @property
    def dialect(self) -> Dialect:
        if self._dialect is None:
            self._dialect = dialects.detect(self._ask("GET", "/"))
        return self._dialect

    # ------------------------------------------------------------------ the security config

    def read(self, kinds: Sequence[Kind] | None = None) -> Held:
        """What the engine holds now, in the common form. One GET a kind."""
        return Held({kind: self._collection(kind) for kind in kinds or Kind if kind in self.dialect.kinds})

    def _collection(self, kind: Kind) -> dict[str, Json]:
        documents = self._ask("GET", self.dialect.path(kind))
        return {name: dialects.from_engine(kind, document, self.dialect) for name, document in documents.items()}

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
            return "No updates required" not in str(_message(answer))
        return self._raise(status, answer, f"{method} {path}")

    def who_am_i(self) -> Principal:
        info = self._ask("GET", self.dialect.prefix.removesuffix("/api") + "/authinfo")
        return Principal(str(info["user_name"]), tuple(info.get("backend_roles", ())), tuple(info.get("roles", ())))

    def load_again(self) -> None:
        self._changed("DELETE", self.dialect.prefix + "/cache", None)

    # ------------------------------------------------------------------ index blocks

    def blocks(self) -> dict[str, dict[str, str]]:
        """User index -> the read and write blocks it has, as the engine shows them; an index without any has an empty entry."""
        params = {"expand_wildcards": "all", "flat_settings": "true", "ignore_unavailable": "true"}
        status, body = self._transport("GET", f"/{_USER_INDICES}/_settings", params, None)
        if status == 404:
            return {}  # there is no user index
        if status != 200:
            self._raise(status, body, "GET _settings")
        return {
            index: {block: str(shown["settings"][block]) for block in _BLOCKS if block in shown["settings"]}
            for index, shown in body.items()
        }

    def block_indices(self) -> None:
        """Put both blocks on every user index."""
        self._set_blocks(_USER_INDICES, dict.fromkeys(_BLOCKS, "true"))

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """Take both blocks off, but for what an index had `before` (as `blocks` showed it)."""
        self._set_blocks(
            _USER_INDICES, dict.fromkeys(_BLOCKS, None)
        )  # null takes the setting away: as it was before us
        for index, had in before.items():
            if had:
                self._set_blocks(index, had)

    def _set_blocks(self, indices: str, blocks: Mapping[str, str | None]) -> None:
        params = {"expand_wildcards": "all", "ignore_unavailable": "true"}
        status, body = self._transport("PUT", f"/{indices}/_settings", params, dict(blocks))
        if status not in (200, 404):  # 404: there is no such index, so nothing to block
            self._raise(status, body, f"PUT {indices}/_settings")

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
            return _message(body)
        if status != 200:
            self._raise(status, body, "_validate/query")
        # The first line of what was thrown: its place in the text is that of ours, not of the file.
        return "" if body.get("valid") else re.split(r";; |\n", str(body.get("error") or "it is no query"))[0][:300]

    def may_search(self, index: str) -> bool:
        """Whether whoever this connection is may search this index now. Unreachable if that cannot be told."""
        status, body = self._transport("POST", f"/{index}/_search", None, {"size": 0})
        if status in (200, 404):  # the engine says 404 only to those who may ask
            return True
        if status == 403:
            return False
        return self._raise(status, body, f"search of {index}")

    def put_document(self, index: str, identifier: str, document: Json) -> None:
        status, body = self._transport("PUT", f"/{index}/_doc/{identifier}", {"refresh": "true"}, document)
        if status not in (200, 201):
            self._raise(status, body, f"PUT {index}/_doc")

    def _ask(self, method: str, path: str) -> Any:
        status, body = self._transport(method, path, None, None)
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


def refuse(name: str, status: int, body: Any, request: str) -> NoReturn:
    """Raise what an answer that is no success means."""
    said = f"{name}: {request} answered {status}: {_message(body)}"
    if status == 409 or (status == 400 and "out of bounds" in said) or (status == 500 and "version conflict" in said):
        raise Conflict(said)
    if status in (408, 429) or status >= 500:
        raise Unreachable(said)
    raise Refused(said)


def _message(body: Any) -> str:
    """The engine's own words, shortened; never more than a line."""
    if isinstance(body, dict):
        error = body.get("error")
        reason = error.get("reason") if isinstance(error, dict) else error
        body = body.get("message") or body.get("Message") or reason or json.dumps(body, default=str)
    return " ".join(str(body).split())[:500]
