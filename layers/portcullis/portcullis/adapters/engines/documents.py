"""The user indices of a search domain, document by document: for comparing, freezing, and taking away what a restore made."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

from portcullis.adapters.engines.answers import refuse
from portcullis.errors import Refused
from portcullis.families.base import RESTORED
from portcullis.ports.data import Document

Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]
_USER_INDICES = "*,-.*"
_PAGE = 2000
_KEEP = "2m"
_WRITES = "index.blocks.write"


class OpenSearchDocuments:
    """The Documents protocol. `transport` signs as the snapshot role."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def counted(self) -> dict[str, int]:
        self._ask("POST", f"/{_USER_INDICES}/_refresh", absent={})
        shown = self._ask("GET", f"/{_USER_INDICES}/_stats/docs", params={"expand_wildcards": "open"}, absent={})
        return {index: int(one["primaries"]["docs"]["count"]) for index, one in shown.get("indices", {}).items()}

    def is_restored(self, index: str) -> bool:
        shards = self._ask("GET", f"/{index}/_recovery", absent={}).get(index, {}).get("shards", [])
        primaries = [one for one in shards if one["primary"]]
        return len(primaries) == (self.shards(index) if primaries else -1) and all(
            one["stage"] == "DONE" for one in primaries
        )

    def shards(self, index: str) -> int:
        settings = self._ask("GET", f"/{index}/_settings", params={"flat_settings": "true"})
        return int(next(iter(settings.values()))["settings"]["index.number_of_shards"])

    def last_sequence(self, index: str, shard: int) -> int:
        stats = self._ask("GET", f"/{index}/_stats", params={"level": "shards"})
        copies = next(iter(stats["indices"].values()))["shards"][str(shard)]
        return max(int(one["seq_no"]["max_seq_no"]) for one in copies)

    def of_shard(self, index: str, shard: int, start: int = 0, stop: int | None = None) -> Collection[Document]:
        # Without it an older version of a document could be read than the one a snapshot, which flushes, has taken.
        self._ask("POST", f"/{index}/_refresh")
        return list(self._scroll(index, shard, {"gte": start} | ({} if stop is None else {"lt": stop})))

    def _scroll(self, index: str, shard: int, numbers: Mapping[str, int]) -> Iterator[Document]:
        query = {
            "query": {"range": {"_seq_no": numbers}},
            "size": _PAGE,
            "sort": ["_doc"],
            "seq_no_primary_term": True,
            "stored_fields": ["_routing", "_source"],
        }
        where = {"scroll": _KEEP, "preference": f"_shards:{shard}"}
        page = self._ask("POST", f"/{index}/_search", body=query, params=where)
        try:
            while hits := page["hits"]["hits"]:
                for hit in hits:
                    if "_source" not in hit:
                        raise Refused(f"{self._name}: {index} keeps no _source: its documents cannot be compared")
                    yield Document(hit["_id"], hit["_seq_no"], _digest(hit["_source"], hit.get("_routing", "")))
                page = self._ask("POST", "/_search/scroll", body={"scroll": _KEEP, "scroll_id": page["_scroll_id"]})
        finally:
            self._ask("DELETE", "/_search/scroll", body={"scroll_id": [page["_scroll_id"]]}, absent={})

    def freeze(self, indices: Collection[str]) -> None:
        for index in sorted(indices):
            self._ask("PUT", f"/{index}/_settings", body={_WRITES: "true"})

    def thaw(self, indices: Collection[str], before: Mapping[str, bool]) -> None:
        for index in sorted(indices):
            if not before.get(index):
                self._ask("PUT", f"/{index}/_settings", body={_WRITES: None}, absent={})

    def frozen(self) -> dict[str, bool]:
        shown = self._ask("GET", f"/{_USER_INDICES}/_settings", params={"flat_settings": "true"}, absent={})
        return {index: one["settings"].get(_WRITES) == "true" for index, one in shown.items()}

    def remove(self, index: str) -> None:
        if not index.startswith(RESTORED):
            raise Refused(f"{index} is no index of a check: only {RESTORED}* is ever removed")
        self._ask("DELETE", f"/{index}", absent={})

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None, absent: Any = None
    ) -> Any:
        status, answer = self._transport(method, path, params, body)
        if status == 404 and absent is not None:
            return absent
        if status not in (200, 201):
            refuse(self._name, status, answer, f"{method} {path}")
        return answer


def _digest(source: Any, routing: str) -> bytes:
    return sha256(json.dumps([source, routing], sort_keys=True, separators=(",", ":")).encode()).digest()
